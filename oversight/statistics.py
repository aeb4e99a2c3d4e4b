"""On-time rates by the party whose segment was late. Numerator and denominator always travel together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from complaints import access as ticket_access
from complaints import sampling
from complaints.models import Callback, Rating
from core.figures import percent_of
from core.together import Waiting, aggregated, may_wait, only_row, side_by_side
from deadlines import selectors as deadline_selectors
from deadlines.models import Outcome
from oversight import kept_days
from units import access
from units.models import Unit

THREE_QUESTIONS = ("was_visited", "was_called", "was_measured")


@dataclass(frozen=True)
class Rate:
    """So many of so many. A clock still running within its time counts in neither; without any there is no rate."""

    kept: int
    of: int

    @property
    def percent(self) -> float | None:
        """In percent, one decimal; None without a denominator."""
        return percent_of(self.kept, self.of)

    @property
    def spoken(self) -> str:
        """`96.5%`, or a dash."""
        return "—" if self.percent is None else f"{self.percent:.1f}%"


Verdicts = dict[tuple[int, str], tuple[int, int, int]]


@may_wait
def rates(user, *, since: datetime, until: datetime, at: datetime, unit: Unit | None = None) -> Waiting[dict[str, Rate]]:
    """On-time rate by stage of the deadlines that opened in [since, until), as of `at`. Neutral ends are left out."""
    found = yield from verdicts.later(user, {"asked": (since, until)}, at=at, unit=unit)
    return rates_of(found["asked"], unit)


def rates_of(found: Verdicts, unit: Unit | None = None) -> dict[str, Rate]:
    """The same of verdicts that were read already."""
    kept: dict[str, list[int]] = {}
    for (owner, stage), (met, late, _) in found.items():
        if unit is None or owner == unit.pk:
            total = kept.setdefault(stage, [0, 0])
            total[0] += met
            total[1] += met + late
    return {stage: Rate(*total) for stage, total in kept.items()}


@may_wait
def _span(user, since: datetime, until: datetime, unit: Unit | None = None) -> Waiting[kept_days.Span]:
    """Days that are over come from memory, for who sees the whole district, or all that one unit owes."""
    if access.everywhere(user, access.SEE_WORK) or (unit is not None and access.may(user, access.SEE_WORK, unit)):
        return (yield from kept_days.span.later(since, until, unit=unit))
    return kept_days.all_of(since, until)


@may_wait
def verdicts(user, times: dict[str, tuple[datetime, datetime]], *, at: datetime, unit: Unit | None = None) -> Waiting[dict[str, Verdicts]]:
    """Unit and stage → kept, late, and of these late and still running, of the deadlines that opened in each of some times: one statement for all of them.

    Of one `unit` alone, where one is named.
    """
    spans = yield from side_by_side(**{name: _span.later(user, *time, unit) for name, time in times.items()})
    rows = _counted(user, times, spans, at)
    if unit is not None:
        rows = rows.filter(unit=unit)
    yield rows
    return {name: _verdicts(span, rows, name) for name, span in spans.items()}


def _counted(user, times: dict[str, tuple[datetime, datetime]], spans: dict[str, kept_days.Span], at: datetime) -> QuerySet:
    """What is counted from rows, by unit and stage, a column for each time and what became of its deadlines."""
    wanted, counts = Q(pk__in=[]), {}
    for name, (since, until) in times.items():
        ended = spans[name].inside("opened_at") & Q(settled_at__isnull=False)
        runs = Q(settled_at=None, opened_at__gte=since, opened_at__lt=until)
        wanted |= ended | runs
        for what, which in (("any", ended | runs), ("met", ended & Q(outcome=Outcome.MET)), ("late", ended & Q(outcome=Outcome.LATE)), ("running", runs & Q(due_at__lt=at))):
            counts[f"{name}_{what}"] = Count("pk", filter=which)
    return deadline_selectors.visible_deadlines(user).filter(wanted).order_by().values("unit", "stage").annotate(**counts)


def _verdicts(span: kept_days.Span, rows: Iterable[dict], name: str) -> Verdicts:
    kept = kept_days.kept_verdicts(span)
    of_rows = {(row["unit"], row["stage"]): row for row in rows if row[f"{name}_any"]}
    return {
        key: _summed(kept.get(key, (0, 0)), {what: of_rows[key][f"{name}_{what}"] if key in of_rows else 0 for what in ("met", "late", "running")})
        for key in {*kept, *of_rows}
    }


def _summed(kept: tuple[int, int], rows: dict[str, int]) -> tuple[int, int, int]:
    return kept[0] + rows["met"], kept[1] + rows["late"] + rows["running"], rows["running"]


@dataclass(frozen=True)
class UnitRow:
    """One unit's record: its rates by stage, what is late now, and how often it gave tickets back."""

    unit: Unit
    response: Rate
    visit: Rate
    callback: Rate
    late_now: int
    escalations: int


@may_wait
def by_unit(user, *, since: datetime, until: datetime, at: datetime) -> Waiting[list[UnitRow]]:
    """Every unit that owed something in the time, worst on-time rate first."""
    found = yield from side_by_side(verdicts=verdicts.later(user, {"asked": (since, until)}, at=at), escalated=escalated(user, since=since, until=until))
    return by_unit_of(found["verdicts"]["asked"], found["escalated"])


def escalated(user, *, since: datetime, until: datetime) -> QuerySet:
    """Unit and how often it was reminded or supervised in a time."""
    return deadline_selectors.visible_escalations(user).filter(detected_at__gte=since, detected_at__lt=until).values_list("unit").annotate(count=Count("pk"))


def by_unit_of(found: Verdicts, escalated: Iterable[tuple[int, int]]) -> list[UnitRow]:
    """The same of verdicts and escalations that were read already."""
    escalations, units = dict(escalated), access.units_by_id()
    table: dict[int, dict] = {}
    for (owner, stage), counted in found.items():
        table.setdefault(owner, {})[stage] = counted
    result = [
        UnitRow(
            unit=units[pk], response=_rate(stages.get("response")), visit=_rate(stages.get("visit")), callback=_rate(stages.get("callback")),
            late_now=sum(counted[2] for counted in stages.values()), escalations=escalations.get(pk, 0),
        )
        for pk, stages in table.items()
    ]  # fmt: skip
    return sorted(result, key=lambda row: (-row.late_now, row.visit.percent if row.visit.percent is not None else 101, str(row.unit)))


@dataclass(frozen=True)
class Voice:
    """What residents said through one door. Those who were not reached are shown, and counted in no rate.

    `came`, `called`, `measured`: how many said yes of those who answered. `against`: how often it contradicts the company's record.
    """

    solved: Rate
    satisfied: Rate
    unreachable: int
    came: Rate
    called: Rate
    measured: Rate
    against: Rate

    @property
    def answers(self) -> tuple[Rate, Rate, Rate]:
        """The three questions: somebody came, somebody called, it was measured."""
        return self.came, self.called, self.measured


@may_wait
def voices(user, *, since: datetime, until: datetime) -> Waiting[dict[str, Voice]]:
    """The three sources, never added up (I10): the company's own callback, the resident's own rating, the independent sample.

    Who does not work on samples gets none: a company must not learn what was drawn.
    """
    mine = ticket_access.visible_to(user)
    found = {
        "company": Callback.objects.filter(called_at__gte=since, called_at__lt=until, kind=Callback.Kind.RESULT, ticket__in=mine),
        "resident": Rating.objects.filter(rated_at__gte=since, rated_at__lt=until, ticket__in=mine),
    }
    if sampling.may_sample(user):
        found["sample"] = sampling.visible_to(user).filter(called_at__gte=since, called_at__lt=until)
    return (yield from side_by_side(**{name: _voice(rows, asked_thrice=name != "company", may_miss=name != "resident") for name, rows in found.items()}))


def _voice(rows: QuerySet, *, asked_thrice: bool, may_miss: bool) -> Waiting[Voice]:
    reached = Q(reached=True) if may_miss else Q(pk__isnull=False)
    counts = {
        "spoken_to": Count("pk", filter=reached), "helped": Count("pk", filter=Q(solved=True)),
        "content": Count("pk", filter=Q(satisfaction__in=["satisfied", "acceptable"])), "asked": Count("pk", filter=~Q(satisfaction="")),
    }  # fmt: skip
    if may_miss:
        counts["unreachable"] = Count("pk", filter=Q(reached=False))
    if asked_thrice:
        for name in THREE_QUESTIONS:
            counts[f"{name}_yes"] = Count("pk", filter=Q(**{name: True}))
            counts[f"{name}_all"] = Count("pk", filter=Q(**{f"{name}__isnull": False}))
        counts["against"] = Count("pk", filter=~Q(contradicts=[]))
    asked = aggregated(rows, **counts)
    yield asked
    said = only_row(asked)
    came, called, measured = (Rate(said.get(f"{name}_yes", 0), said.get(f"{name}_all", 0)) for name in THREE_QUESTIONS)
    against = Rate(said["against"], said["spoken_to"]) if asked_thrice else Rate(0, 0)
    return Voice(Rate(said["helped"], said["spoken_to"]), Rate(said["content"], said["asked"]), said.get("unreachable", 0), came, called, measured, against)


@may_wait
def received(user, *, since: datetime, until: datetime) -> Waiting[dict[str, int]]:
    """Tickets that came in during [since, until), by source, history left out."""
    span = yield from _span.later(user, since, until)
    return dict((yield from kept_days.received.later(span, ticket_access.visible_to(user))))


@may_wait
def hops(user, *, since: datetime, until: datetime) -> Waiting[dict[str, object]]:
    """Mean time on each hop of the way here (behaviour 1): call → district → dispatch → portal, of tickets that came in."""
    span = yield from _span.later(user, since, until)
    return _means((yield from kept_days.hops.later(span, ticket_access.visible_to(user))))


def _means(said: dict) -> dict[str, object]:
    mean = {name: timedelta(seconds=seconds / count) if count else None for name, (seconds, count) in ((name, said[name]) for name in kept_days.HOPS)}
    return {**mean, "came_late": said["came_late"], "count": said["count"]}


@may_wait
def returned(user, *, since: datetime, until: datetime) -> Waiting[Rate]:
    """Dispatch accuracy (D18.1): how many of the dispatched tickets were not given back."""
    span = yield from _span.later(user, since, until)
    return Rate(*(yield from kept_days.returned.later(span, ticket_access.visible_to(user))))


@may_wait
def first_time_fixed(user, *, since: datetime, until: datetime) -> Waiting[Rate]:
    """Of the tickets closed in [since, until): how many needed one round only."""
    span = yield from _span.later(user, since, until)
    return Rate(*(yield from kept_days.first_time.later(span, ticket_access.visible_to(user))))


@may_wait
def told(user, *, since: datetime, until: datetime, at: datetime) -> Waiting[dict[str, object]]:
    """All of these of one time, from one look at the days that are kept: rates, units, received, hops, accuracy, first_time."""
    span = yield from _span.later(user, since, until)
    tickets = ticket_access.visible_to(user)
    found = yield from side_by_side(
        verdicts=_counted(user, {"asked": (since, until)}, {"asked": span}, at), escalated=escalated(user, since=since, until=until),
        received=kept_days.received.later(span, tickets), hops=kept_days.hops.later(span, tickets), returned=kept_days.returned.later(span, tickets),
        first_time=kept_days.first_time.later(span, tickets),
    )  # fmt: skip
    verdicts = _verdicts(span, found["verdicts"], "asked")
    return {
        "rates": rates_of(verdicts), "units": by_unit_of(verdicts, found["escalated"]), "received": dict(found["received"]), "hops": _means(found["hops"]),
        "accuracy": Rate(*found["returned"]), "first_time": Rate(*found["first_time"]),
    }  # fmt: skip


def _rate(counted: tuple[int, int, int] | None) -> Rate:
    return Rate(counted[0], counted[0] + counted[1]) if counted else Rate(0, 0)

