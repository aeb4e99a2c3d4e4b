"""Reading rosters, public numbers and training: each row only through a question of who may see it. A company sees its own."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Max, Prefetch, Q

from core import civil, journal
from core.errors import Forbidden, NotFound
from core.privacy import mask_name
from core.together import Waiting, may_wait
from units import access, shifts, training
from units.models import COMPANIES, DutyPost, DutyShift, Kind, Phone, Training, TrainingKind, Unit, Worker
from units.shifts import Gap

# I12: departments, streets and heating companies arrange their duty; F6: the gas company mans its facilities.
OBLIGED = (Kind.BUREAU, Kind.STREET, Kind.HEATING, Kind.GAS)


# ---------------------------------------------------------------- whose rosters


def roster_units(user):
    """The units whose rosters `user` may see: the obliged ones for who sees the district, else their own."""
    units = Unit.objects.filter(is_active=True)
    if access.everywhere(user, access.SEE_WORK):
        return units.filter(kind__in=OBLIGED)
    return units.filter(pk__in=access.unit_ids(user, access.SEE_WORK))


def roster_unit(user, code: str) -> Unit:
    """One of them; NotFound for any other."""
    found = roster_units(user).filter(code=code[:64]).first()
    if found is None:
        raise NotFound
    return found


def may_edit(user, unit: Unit) -> bool:
    """Whether `user` writes the unit's roster: its own people do, nobody else."""
    return unit.pk in access.unit_ids(user, access.HANDLE_TICKETS)


def roster_unit_to_edit(user, code: str) -> Unit:
    """As `roster_unit`, and Forbidden unless `user` handles the unit's work."""
    unit = roster_unit(user, code)
    if not may_edit(user, unit):
        raise Forbidden("值班表由本单位编排")
    return unit


def shift_to_see(user, pk: int) -> DutyShift:
    """A shift of a roster that `user` may see."""
    shifts_seen = DutyShift.objects.filter(post__unit__in=roster_units(user))
    found = shifts_seen.select_related("post", "post__unit", "post__phone", "worker", "instead_of").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def shift_to_edit(user, pk: int) -> DutyShift:
    """As `shift_to_see`, and Forbidden unless `user` handles the unit's work."""
    shift = shift_to_see(user, pk)
    if not may_edit(user, shift.post.unit):
        raise Forbidden("值班表由本单位编排")
    return shift


def history(shift: DutyShift):
    """What happened to a shift, oldest first."""
    return journal.of(shift)


# ---------------------------------------------------------------- one roster


def posts_of(unit: Unit, since: datetime, until: datetime):
    """The posts that a unit has to man between two moments."""
    return shifts.posts_between(since, until).filter(unit=unit).select_related("unit", "phone").order_by("kind", "name")


def post_of(unit: Unit, pk: int) -> DutyPost:
    """A post of a unit."""
    found = DutyPost.objects.filter(unit=unit, pk=pk).select_related("unit").first()
    if found is None:
        raise NotFound
    return found


def workers_of(unit: Unit):
    """Who may stand on a unit's roster."""
    return Worker.objects.filter(unit=unit, is_active=True).order_by("name", "id")


def phones_of(unit: Unit):
    """A unit's numbers in use."""
    return Phone.objects.filter(unit=unit, is_active=True)


@dataclass
class Day:
    """A post's day: who is there when, and for how long too few."""

    day: date
    shifts: list[DutyShift] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    uncovered: timedelta = timedelta(0)


@dataclass
class Line:
    """A post with its days."""

    post: DutyPost
    days: list[Day]


def roster(unit: Unit, monday: date) -> list[Line]:
    """A week of a unit's roster: post by post, day by day. Three queries."""
    days = [monday + timedelta(days=number) for number in range(7)]
    since, until = civil.day_bounds(days[0])[0], civil.day_bounds(days[-1])[1]
    posts = list(posts_of(unit, since, until))
    found = shifts.gaps_of(posts, since, until)
    rows = DutyShift.objects.filter(post__in=posts, is_void=False, starts_at__lt=until, ends_at__gt=since)
    by_post = defaultdict(list)
    for shift in rows.select_related("worker", "instead_of").order_by("starts_at", "id"):
        by_post[shift.post_id].append(shift)
    return [Line(post, [_day(post, day, by_post[post.pk], found) for day in days]) for post in posts]


def _day(post: DutyPost, day: date, of_post: list[DutyShift], found: list[Gap]) -> Day:
    start, end = civil.day_bounds(day)
    gaps = [
        Gap(post, max(gap.since, start), min(gap.until, end), gap.missing)
        for gap in found
        if gap.post.pk == post.pk and gap.since < end and gap.until > start
    ]
    return Day(day, [shift for shift in of_post if shift.starts_at < end and shift.ends_at > start], gaps, shifts.uncovered(gaps, start, end))


# ---------------------------------------------------------------- all rosters


@dataclass
class Cell:
    """A unit's day: whether it has a post at all then, and for how long one was short."""

    day: date
    has_post: bool
    uncovered: timedelta

    @property
    def hours(self) -> str:
        """Hours, to the tenth, never rounded down to nothing."""
        return f"{max(self.uncovered.total_seconds() / 3600, 0.1):.1f}".removesuffix(".0")

    @property
    def is_complete(self) -> bool:
        return self.has_post and not self.uncovered


@dataclass
class Row:
    """A unit and its days."""

    unit: Unit
    posts: int
    cells: list[Cell]
    is_open_now: bool

    @property
    def is_complete(self) -> bool:
        return all(cell.is_complete for cell in self.cells)


def matrix(units, monday: date, *, at: datetime, days: int = 7) -> list[Row]:
    """Unit × day with the hours uncovered (I12); a unit without a post is not complete. Three queries, however many units."""
    units = list(units)
    dates = [monday + timedelta(days=number) for number in range(days)]
    since, until = civil.day_bounds(dates[0])[0], civil.day_bounds(dates[-1])[1]
    posts = defaultdict(list)
    for post in shifts.posts_between(min(since, at), max(until, at + timedelta(minutes=1))).filter(unit__in=units):
        posts[post.unit_id].append(post)
    everything = [post for of_unit in posts.values() for post in of_unit]
    gaps = defaultdict(list)
    for gap in shifts.gaps_of(everything, since, until):
        gaps[gap.post.unit_id].append(gap)
    open_now = {gap.post.unit_id for gap in shifts.gaps_of(everything, at, at + timedelta(microseconds=1))}
    return [_row(unit, posts[unit.pk], gaps[unit.pk], dates, unit.pk in open_now) for unit in units]


def _row(unit: Unit, posts: list[DutyPost], gaps: list[Gap], dates: list[date], is_open_now: bool) -> Row:
    cells = []
    for day in dates:
        start, end = civil.day_bounds(day)
        has_post = any(post.since < end and (post.until is None or post.until > start) for post in posts)
        cells.append(Cell(day, has_post, shifts.uncovered([gap for gap in gaps if gap.since < end and gap.until > start], start, end)))
    return Row(unit, len(posts), cells, is_open_now)


def shifts_between(units, since: datetime, until: datetime):
    """The shifts of these units that touch a stretch of time, unit by unit."""
    rows = DutyShift.objects.filter(post__unit__in=units, is_void=False, starts_at__lt=until, ends_at__gt=since)
    return rows.select_related("post", "post__unit", "worker", "instead_of").order_by("post__unit__position", "post__name", "starts_at", "id")


# ---------------------------------------------------------------- today


@dataclass(frozen=True)
class Today:
    """The district's 24-hour phone, and who is there now; surnames only."""

    number: str
    leaders: list[str]
    people: list[str]


@may_wait
def today(at: datetime) -> Waiting[Today]:
    """What everybody signed in may know of the bureau's duty desk at a moment (D1.10). One query."""
    desk = next((unit for unit in access.units_by_id().values() if unit.code == access.BUREAU), None)
    if desk is None:
        return Today("", [], [])
    there = yield from shifts.on_duty.later(desk, at)
    present = [shift for shift in there if shift.post.kind in (DutyPost.Kind.LEADER, DutyPost.Kind.PHONE)]
    numbers = [shift.post.phone.number for shift in present if shift.post.phone and shift.post.phone.is_active]
    return Today(
        numbers[0] if numbers else desk.phone,
        [mask_name(shift.worker.name) for shift in present if shift.post.kind == DutyPost.Kind.LEADER],
        [mask_name(shift.worker.name) for shift in present if shift.post.kind == DutyPost.Kind.PHONE],
    )


@may_wait
def unmanned(at: datetime) -> Waiting[list[Unit]]:
    """The units that have a post and at some post too few people at a moment, for who sees the district. Two queries."""
    posts = shifts.posts_between(at, at + timedelta(microseconds=1)).filter(unit__is_active=True).select_related("unit")
    yield posts
    gaps = yield from shifts.gaps_of.later(posts, at, at + timedelta(microseconds=1))
    found = {gap.post.unit_id: gap.post.unit for gap in gaps}
    return sorted(found.values(), key=lambda unit: (unit.position, unit.code))


# ---------------------------------------------------------------- numbers


PHONE_STATES = {"published": "已公开", "unpublished": "未公开", "withdrawn": "已停用"}


def phones_to_see(user, *, unit: str = "", kind: str = "", state: str = "", day: date | None = None):
    """The numbers that `user` keeps or watches over: their unit's, or the district's; withdrawn ones last. `state` as of `day`."""
    phones = Phone.objects.filter(unit__is_active=True).select_related("unit")
    if not access.everywhere(user, access.SEE_WORK):
        phones = phones.filter(unit__in=access.unit_ids(user, access.SEE_WORK))
    if unit:
        phones = phones.filter(unit__code=unit[:64])
    if kind:
        phones = phones.filter(kind=kind[:16])
    if state in PHONE_STATES:
        phones = phones.filter(is_active=state != "withdrawn")
        is_public = Q(published_on__lte=day)
        phones = phones.filter(is_public) if state == "published" else phones.exclude(is_public) if state == "unpublished" else phones
    return phones.order_by("-is_active", "unit__position", "unit__code", "kind", "number")


def units_with_phones(user) -> list[Unit]:
    """Whose numbers `user` sees: for the filter."""
    return list(Unit.objects.filter(pk__in=phones_to_see(user).order_by().values("unit")))


def may_edit_phones(user, unit: Unit) -> bool:
    """Whether `user` keeps the unit's numbers: its own people do, and the bureau does for all (I13)."""
    return may_edit(user, unit) or access.everywhere(user, access.SUPERVISE)


def phone_units(user):
    """The units whose numbers `user` keeps."""
    if access.everywhere(user, access.SUPERVISE):
        return Unit.objects.filter(is_active=True).exclude(kind=Kind.TASKFORCE)
    return Unit.objects.filter(is_active=True, pk__in=access.unit_ids(user, access.HANDLE_TICKETS))


def without_number(user, day: date):
    """The departments, streets and heating companies that `user` watches over and that have published no number by a day (I13)."""
    published = Phone.objects.filter(is_active=True, published_on__lte=day).values("unit")
    return roster_units(user).filter(kind__in=(Kind.BUREAU, Kind.STREET, Kind.HEATING)).exclude(pk__in=published)


def phone_to_edit(user, pk: int) -> Phone:
    """A number that `user` keeps; NotFound where they may not know of it, Forbidden where they only look."""
    found = phones_to_see(user).filter(pk=pk).first()
    if found is None:
        raise NotFound
    if not may_edit_phones(user, found.unit):
        raise Forbidden("号码由本单位或区城管执法局维护")
    return found


# ---------------------------------------------------------------- training


def trained(user, *, unit: str = "", kind: str = "", state: str = "", q: str = "", day: date):
    """Who may stand on the rosters that `user` sees, each with their trainings (`courses`) and the last day of the training before work
    (`ready_until`); `state`: ready, or missing (none that counts today, at a company: others need none)."""
    counts = Q(trainings__kind=TrainingKind.PRE_JOB, trainings__is_passed=True, trainings__trained_on__lte=day)
    counts &= Q(trainings__valid_until=None) | Q(trainings__valid_until__gte=day)
    people = Worker.objects.filter(is_active=True, unit__in=roster_units(user)).select_related("unit")
    if unit:
        people = people.filter(unit__code=unit[:64])
    if kind in TrainingKind.values:
        people = people.filter(trainings__kind=kind).distinct()
    if q:
        people = people.filter(name__icontains=q[:40])
    ready = Worker.objects.filter(counts).values("pk")
    if state == "ready":
        people = people.filter(pk__in=ready)
    elif state == "missing":
        people = people.filter(unit__kind__in=COMPANIES).exclude(pk__in=ready)
    courses = Prefetch("trainings", queryset=Training.objects.order_by("-trained_on", "-id"), to_attr="courses")
    return people.annotate(ready_until=Max("trainings__valid_until", filter=counts), ready_on=Max("trainings__trained_on", filter=counts)).prefetch_related(courses)


def worker_to_edit(user, pk: int) -> Worker:
    """Somebody of a unit whose roster `user` writes."""
    found = Worker.objects.filter(pk=pk, unit__in=roster_units(user)).select_related("unit").first()
    if found is None:
        raise NotFound
    if not may_edit(user, found.unit):
        raise Forbidden("人员由本单位维护")
    return found


def courses(user, year: int) -> list[tuple[Unit, list]]:
    """Each company that `user` sees with its emergency courses of a calendar year (G19)."""
    companies = list(roster_units(user).filter(kind=Kind.HEATING))
    held = training.courses_of([unit.pk for unit in companies], year)
    return [(unit, held.get(unit.pk, [])) for unit in companies]
