"""On-time rates by the party whose segment was late. Numerator and denominator always travel together."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from complaints import access as ticket_access
from complaints import sampling
from complaints.models import Callback, Rating
from core.figures import percent_of
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


def rates(user, *, since: datetime, until: datetime, at: datetime, unit: Unit | None = None) -> dict[str, Rate]:
    """On-time rate by stage of the deadlines that opened in [since, until), as of `at`. Neutral ends are left out."""
    return rates_of(verdicts(user, {"asked": (since, until)}, at=at)["asked"], unit)


def rates_of(found: Verdicts, unit: Unit | None = None) -> dict[str, Rate]:
    """The same of verdicts that were read already."""
    kept: dict[str, list[int]] = {}
    for (owner, stage), (met, late, _) in found.items():
        if unit is None or owner == unit.pk:
            total = kept.setdefault(stage, [0, 0])
            total[0] += met
            total[1] += met + late
    return {stage: Rate(*total) for stage, total in kept.items()}


def _span(user, since: datetime, until: datetime) -> kept_days.Span:
    """Days that are over come from memory, for who sees the whole district."""
    return (kept_days.span if access.everywhere(user, access.SEE_WORK) else kept_days.all_of)(since, until)


def verdicts(user, times: dict[str, tuple[datetime, datetime]], *, at: datetime) -> dict[str, Verdicts]:
    """Unit and stage → kept, late, and of these late and still running, of the deadlines that opened in each of some times: one statement for all of them."""
    spans = {name: _span(user, *time) for name, time in times.items()}
    wanted, counts = Q(pk__in=[]), {}
    for name, (since, until) in times.items():
        ended = spans[name].inside("opened_at") & Q(settled_at__isnull=False)
        runs = Q(settled_at=None, opened_at__gte=since, opened_at__lt=until)
        wanted |= ended | runs
        for what, which in (("any", ended | runs), ("met", ended & Q(outcome=Outcome.MET)), ("late", ended & Q(outcome=Outcome.LATE)), ("running", runs & Q(due_at__lt=at))):
            counts[f"{name}_{what}"] = Count("pk", filter=which)
    rows = list(deadline_selectors.visible_deadlines(user).filter(wanted).order_by().values("unit", "stage").annotate(**counts))
    found = {}
    for name, span in spans.items():
        kept = kept_days.kept_verdicts(span)
        of_rows = {(row["unit"], row["stage"]): row for row in rows if row[f"{name}_any"]}
        found[name] = {
            key: _summed(kept.get(key, (0, 0)), {what: of_rows[key][f"{name}_{what}"] if key in of_rows else 0 for what in ("met", "late", "running")})
            for key in {*kept, *of_rows}
        }
    return found


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


def by_unit(user, *, since: datetime, until: datetime, at: datetime, found: Verdicts | None = None) -> list[UnitRow]:
    """Every unit that owed something in the time, worst on-time rate first; `found` are the time's verdicts, where they were read already."""
    if found is None:
        found = verdicts(user, {"asked": (since, until)}, at=at)["asked"]
    escalated = dict(
        deadline_selectors.visible_escalations(user).filter(detected_at__gte=since, detected_at__lt=until)
        .values_list("unit").annotate(count=Count("pk"))
    )  # fmt: skip
    units = access.units_by_id()
    table: dict[int, dict] = {}
    for (owner, stage), counted in found.items():
        table.setdefault(owner, {})[stage] = counted
    result = [
        UnitRow(
            unit=units[pk], response=_rate(stages.get("response")), visit=_rate(stages.get("visit")), callback=_rate(stages.get("callback")),
            late_now=sum(counted[2] for counted in stages.values()), escalations=escalated.get(pk, 0),
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


def voices(user, *, since: datetime, until: datetime) -> dict[str, Voice]:
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
    return {name: _voice(rows, asked_thrice=name != "company", may_miss=name != "resident") for name, rows in found.items()}


def _voice(rows, *, asked_thrice: bool, may_miss: bool) -> Voice:
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
    said = rows.order_by().aggregate(**counts)
    came, called, measured = (Rate(said.get(f"{name}_yes", 0), said.get(f"{name}_all", 0)) for name in THREE_QUESTIONS)
    against = Rate(said["against"], said["spoken_to"]) if asked_thrice else Rate(0, 0)
    return Voice(Rate(said["helped"], said["spoken_to"]), Rate(said["content"], said["asked"]), said.get("unreachable", 0), came, called, measured, against)


def received(user, *, since: datetime, until: datetime) -> dict[str, int]:
    """Tickets that came in during [since, until), by source, history left out."""
    return dict(kept_days.received(_span(user, since, until), ticket_access.visible_to(user)))


def hops(user, *, since: datetime, until: datetime) -> dict[str, object]:
    """Mean time on each hop of the way here (behaviour 1): call → district → dispatch → portal, of tickets that came in."""
    said = kept_days.hops(_span(user, since, until), ticket_access.visible_to(user))
    mean = {name: timedelta(seconds=seconds / count) if count else None for name, (seconds, count) in ((name, said[name]) for name in kept_days.HOPS)}
    return {**mean, "came_late": said["came_late"], "count": said["count"]}


def returned(user, *, since: datetime, until: datetime) -> Rate:
    """Dispatch accuracy (D18.1): how many of the dispatched tickets were not given back."""
    return Rate(*kept_days.returned(_span(user, since, until), ticket_access.visible_to(user)))


def first_time_fixed(user, *, since: datetime, until: datetime) -> Rate:
    """Of the tickets closed in [since, until): how many needed one round only."""
    return Rate(*kept_days.first_time(_span(user, since, until), ticket_access.visible_to(user)))


def _rate(counted: tuple[int, int, int] | None) -> Rate:
    return Rate(counted[0], counted[0] + counted[1]) if counted else Rate(0, 0)

