"""The life of a roster 值班表: posts to be manned, shifts put on, swapped, handed over and taken off, and the gaps between them.

A shift runs from a moment to a moment, [start, end), across midnight or not. Nothing is deleted: who is taken off stays in
the roster as void, with the reason.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from core import civil, journal
from core.errors import Conflict, Invalid
from core.together import Waiting, may_wait
from units import training
from units.models import DutyPost, DutyShift, Phone, Unit, Worker

LONGEST = timedelta(hours=48)
OVERLAP = "one_shift_at_a_time"


@dataclass(frozen=True)
class Gap:
    """A stretch in which a post has fewer people than it needs; [since, until), `missing` people."""

    post: DutyPost
    since: datetime
    until: datetime
    missing: int

    @property
    def length(self) -> timedelta:
        return self.until - self.since


# ---------------------------------------------------------------- posts


@dataclass(frozen=True)
class PostPlan:
    """A post to be manned round the clock: its name, what it is for, how many at a time, and from when to when."""

    name: str
    kind: str
    since: datetime
    until: datetime | None = None
    needs: int = 1
    clause: str = ""
    facility: str = ""
    phone: Phone | None = None


@transaction.atomic
def add_post(unit: Unit, said: PostPlan, *, actor, at: datetime) -> DutyPost:
    """A unit has a post to man from now on. Invalid (name, until, needs, phone)."""
    name = said.name.strip()
    if not name:
        raise Invalid("请填写岗位名称", field="name")
    if said.until is not None and said.until <= said.since:
        raise Invalid("止须晚于起", field="until")
    if not 1 <= said.needs <= 50:
        raise Invalid("每时人数应为 1 至 50", field="needs")
    if said.phone is not None and said.phone.unit_id != unit.pk:
        raise Invalid("电话不属于本单位", field="phone")
    if DutyPost.objects.filter(unit=unit, name=name).exists():
        raise Invalid("本单位已有同名岗位", field="name")
    post = DutyPost.objects.create(
        unit=unit, name=name[:60], kind=said.kind, clause=said.clause, facility=said.facility, phone=said.phone, needs=said.needs,
        since=said.since, until=said.until, is_demo=unit.is_demo,
    )  # fmt: skip
    journal.record(post, "add_post", actor=actor, at=at, unit=unit.code, name=name, kind=said.kind, needs=said.needs)
    return post


@transaction.atomic
def end_post(post: DutyPost, *, until: datetime, reason: str, actor, at: datetime) -> None:
    """The post need not be manned from `until` on; its roster stays. Invalid without a reason (reason), or before its start (until)."""
    if not reason.strip():
        raise Invalid("请写明撤岗理由", field="reason")
    if until <= post.since:
        raise Invalid("止须晚于起", field="until")
    DutyPost.objects.filter(pk=post.pk).update(until=until)
    post.until = until
    journal.record(post, "end_post", actor=actor, at=at, unit=post.unit.code, reason=reason.strip()[:120], until=until.isoformat())


# ---------------------------------------------------------------- shifts


@transaction.atomic
def put_on(
    post: DutyPost, worker: Worker, starts_at: datetime, ends_at: datetime, *, untrained_reason: str = "", note: str = "", actor, at: datetime
) -> DutyShift:
    """`worker` is at the post from `starts_at` until `ends_at`, the end excluded.

    Invalid: not of this unit (worker), no length or more than 48 hours (ends_at), outside the post's time (starts_at), or,
    where the post calls for it, untrained without a reason (untrained_reason, G18). Conflict: is on duty elsewhere then.
    """
    _check_times(post, starts_at, ends_at)
    reason = _reason(post, worker, civil.day_of(starts_at), untrained_reason)
    shift = _written(
        DutyShift(post=post, worker=worker, starts_at=starts_at, ends_at=ends_at, untrained_reason=reason, note=note.strip()[:120])
    )
    journal.record(
        shift, "put_on", actor=actor, at=at, unit=post.unit.code, reason=reason, post=post.name, worker=worker.name,
        starts_at=starts_at.isoformat(), ends_at=ends_at.isoformat(),
    )  # fmt: skip
    return shift


@transaction.atomic
def swap(shift: DutyShift, worker: Worker, *, reason: str, untrained_reason: str = "", actor, at: datetime) -> DutyShift:
    """Somebody else takes the shift, or what is left of it: the new shift says for whom they stand in.

    What has passed stays with whom it was. Conflict when it is over or void; Invalid without a reason (reason).
    """
    if not reason.strip():
        raise Invalid("请写明调班理由", field="reason")
    if worker.pk == shift.worker_id:
        raise Invalid("接班的就是本人", field="worker")
    shift = _open_shift(shift, at)
    from_when = max(shift.starts_at, at)
    untrained = _reason(shift.post, worker, civil.day_of(from_when), untrained_reason)
    if from_when == shift.starts_at:
        DutyShift.objects.filter(pk=shift.pk).update(is_void=True, void_reason=reason.strip()[:120])
    else:
        DutyShift.objects.filter(pk=shift.pk).update(ends_at=from_when)
    new = _written(
        DutyShift(
            post=shift.post, worker=worker, starts_at=from_when, ends_at=shift.ends_at, untrained_reason=untrained,
            instead_of=shift.instead_of or shift.worker, note=reason.strip()[:120],
        )
    )  # fmt: skip
    who = {"post": shift.post.name, "worker": worker.name, "instead_of": shift.worker.name, "from_when": from_when.isoformat()}
    journal.record_many([
        journal.entry(shift, "swapped", actor=actor, at=at, unit=shift.post.unit.code, reason=reason.strip()[:120], **who),
        journal.entry(new, "swap", actor=actor, at=at, unit=shift.post.unit.code, reason=reason.strip()[:120], **who),
    ])
    return new


@transaction.atomic
def hand_over(shift: DutyShift, *, text: str, actor, at: datetime) -> None:
    """What the next one has to know: what is open, who was called. Once for each shift. Invalid (text); Conflict when void, before its start, or done."""
    text = text.strip()
    if not text:
        raise Invalid("请写明交班事项；无事项写“无”", field="text")
    if shift.is_void or at < shift.starts_at:
        raise Conflict("该班次尚未开始或已撤，不能交班")
    if not DutyShift.objects.filter(pk=shift.pk, is_void=False, handed_over_at=None).update(handed_over_at=at, handover=text[:2000]):
        raise Conflict("该班次已交班")
    shift.handed_over_at, shift.handover = at, text[:2000]
    journal.record(shift, "hand_over", actor=actor, at=at, unit=shift.post.unit.code, text=text[:500])


@transaction.atomic
def take_off(shift: DutyShift, *, reason: str, actor, at: datetime) -> None:
    """The shift does not take place, or ends now when it has begun; it is kept. Invalid (reason); Conflict when it is over or void."""
    if not reason.strip():
        raise Invalid("请写明撤班理由", field="reason")
    shift = _open_shift(shift, at)
    if shift.starts_at >= at:
        DutyShift.objects.filter(pk=shift.pk).update(is_void=True, void_reason=reason.strip()[:120])
    else:
        DutyShift.objects.filter(pk=shift.pk).update(ends_at=at, note=reason.strip()[:120])
    journal.record(shift, "take_off", actor=actor, at=at, unit=shift.post.unit.code, reason=reason.strip()[:120], worker=shift.worker.name)


@dataclass(frozen=True)
class Copied:
    """How many shifts were copied, and those that were not, with the reason."""

    count: int
    refused: list[tuple[DutyShift, str]]


@transaction.atomic
def copy_week(unit: Unit, monday: date, *, actor, at: datetime) -> Copied:
    """The roster of the week before, seven days on, for the week that begins on `monday`, where it is not manned yet.

    What cannot be copied (over by now, on duty elsewhere, not trained any more, post given up) is told, and left out. A
    stand-in's shift is copied for the one they stood in for: a swap is for once.
    """
    start = civil.day_bounds(monday)[0]
    week = timedelta(days=7)
    known = DutyShift.objects.filter(post__unit=unit, is_void=False)
    before = known.filter(starts_at__gte=start - week, starts_at__lt=start)
    before = list(before.select_related("post", "post__unit", "worker", "instead_of").order_by("starts_at", "id"))
    there = defaultdict(list)
    for post_id, starts_at, ends_at in known.filter(starts_at__lt=start + week + LONGEST, ends_at__gt=start).values_list("post", "starts_at", "ends_at"):
        there[post_id].append((starts_at, ends_at))
    count, refused = 0, []
    for shift in before:
        starts_at, ends_at = shift.starts_at + week, shift.ends_at + week
        is_manned = any(begins < ends_at and ceases > starts_at for begins, ceases in there[shift.post_id])
        if is_manned and not _gaps(shift.post, there[shift.post_id], starts_at, ends_at):
            continue
        try:
            if ends_at <= at:
                raise Conflict("这一班已经过去")
            with transaction.atomic():
                put_on(shift.post, shift.instead_of or shift.worker, starts_at, ends_at, note="沿用上周", actor=actor, at=at)
            there[shift.post_id].append((starts_at, ends_at))
            count += 1
        except (Invalid, Conflict) as refusal:
            refused.append((shift, refusal.message))
    return Copied(count, refused)


# ---------------------------------------------------------------- asking


@may_wait
def on_duty(unit: Unit | int, at: datetime) -> Waiting[list[DutyShift]]:
    """Who of a unit is on duty at a moment, the leaders first."""
    unit_id = unit.pk if isinstance(unit, Unit) else unit
    found = yield from on_duty_many.later([unit_id], at)
    return found.get(unit_id, [])


@may_wait
def on_duty_many(unit_ids: Iterable[int], at: datetime) -> Waiting[dict[int, list[DutyShift]]]:
    """Unit id → who is on duty at a moment, the leaders first; units where nobody is are left out. One query."""
    rows = DutyShift.objects.filter(running(at, "post__"), post__unit__in=list(unit_ids), is_void=False, starts_at__lte=at, ends_at__gt=at)
    rows = rows.select_related("post", "post__phone", "worker", "instead_of").order_by("post__kind", "post__name", "starts_at", "id")
    yield rows
    found = defaultdict(list)
    for shift in rows:
        found[shift.post.unit_id].append(shift)
    return {unit_id: sorted(shifts, key=lambda shift: shift.post.kind != DutyPost.Kind.LEADER) for unit_id, shifts in found.items()}


def posts_between(since: datetime, until: datetime):
    """The posts that have to be manned at some moment of [since, until)."""
    return DutyPost.objects.filter(Q(until=None) | Q(until__gt=since), since__lt=until)


def gaps(post: DutyPost, since: datetime, until: datetime) -> list[Gap]:
    """When the post had, or will have, too few people between two moments; exact, in order."""
    return gaps_of([post], since, until)


@may_wait
def gaps_of(posts: Iterable[DutyPost], since: datetime, until: datetime) -> Waiting[list[Gap]]:
    """The gaps of many posts between two moments, by their start. One query."""
    posts = list(posts)
    rows = DutyShift.objects.filter(post__in=posts, is_void=False, starts_at__lt=until, ends_at__gt=since).values_list("post", "starts_at", "ends_at")
    yield rows
    shifts = defaultdict(list)
    for post_id, starts_at, ends_at in rows:
        shifts[post_id].append((starts_at, ends_at))
    found = [gap for post in posts for gap in _gaps(post, shifts[post.pk], since, until)]
    return sorted(found, key=lambda gap: (gap.since, gap.post.pk))


def _gaps(post: DutyPost, shifts: list[tuple[datetime, datetime]], since: datetime, until: datetime) -> list[Gap]:
    start, end = max(since, post.since), min(until, post.until) if post.until else until
    if start >= end:
        return []
    # Who comes (+1) and who goes (-1), moment by moment.
    changes: dict[datetime, int] = defaultdict(int)
    for starts_at, ends_at in shifts:
        begins, ceases = max(starts_at, start), min(ends_at, end)
        if begins < ceases:
            changes[begins] += 1
            changes[ceases] -= 1
    found: list[Gap] = []
    present, moment = 0, start
    for change in [*sorted(changes), end]:
        if change > moment:
            missing = post.needs - present
            if missing > 0:
                if found and found[-1].until == moment and found[-1].missing == missing:
                    found[-1] = Gap(post, found[-1].since, change, missing)
                else:
                    found.append(Gap(post, moment, change, missing))
            moment = change
        present += changes.get(change, 0)
    return found


def uncovered(found: Iterable[Gap], since: datetime, until: datetime) -> timedelta:
    """For how long between two moments at least one of the posts was short: overlapping gaps count once."""
    total, reached = timedelta(0), since
    for start, end in sorted((max(gap.since, since), min(gap.until, until)) for gap in found):
        start = max(start, reached)
        if end > start:
            total += end - start
            reached = end
    return total


# ---------------------------------------------------------------- helpers


def running(at: datetime, prefix: str = "") -> Q:
    """Posts that have to be manned at a moment."""
    return Q(**{f"{prefix}since__lte": at}) & (Q(**{f"{prefix}until": None}) | Q(**{f"{prefix}until__gt": at}))


def _check_times(post: DutyPost, starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid("下班时间须晚于上班时间", field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise Invalid(f"一班最长 {int(LONGEST.total_seconds() // 3600)} 小时", field="ends_at")
    if starts_at < post.since or (post.until is not None and ends_at > post.until):
        raise Invalid("不在该岗位的起止时间之内", field="starts_at")


def _reason(post: DutyPost, worker: Worker, day: date, said: str) -> str:
    """The reason to keep with the shift: empty when none is called for. Invalid for a stranger, or for somebody untrained without one."""
    if worker.unit_id != post.unit_id or not worker.is_active:
        raise Invalid("该人员不在本单位在岗人员之列", field="worker")
    if not training.is_needed(post) or training.is_ready(worker, day):
        return ""
    if not said.strip():
        raise Invalid(f"{worker} 没有有效的上岗前培训记录（G18）。确需上岗请写明理由", field="untrained_reason")
    return said.strip()[:120]


def _open_shift(shift: DutyShift, at: datetime) -> DutyShift:
    found = DutyShift.objects.select_for_update(of=("self",)).select_related("post", "post__unit", "worker", "instead_of").get(pk=shift.pk)
    if found.is_void or found.ends_at <= at:
        raise Conflict("该班次已撤或已结束")
    return found


def _written(shift: DutyShift) -> DutyShift:
    try:
        with transaction.atomic():
            shift.save(force_insert=True)
    except IntegrityError as fault:
        if OVERLAP not in str(fault):
            raise
        raise Conflict(f"{shift.worker} 在这段时间已有班次") from fault
    return shift
