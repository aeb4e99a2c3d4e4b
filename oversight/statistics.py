"""On-time rates by the party whose segment was late. Numerator and denominator always travel together."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q

from complaints import access as ticket_access
from complaints import sampling
from complaints.models import Callback, Rating
from deadlines import engine
from deadlines import selectors as deadline_selectors
from deadlines.models import Outcome
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
        return round(100 * self.kept / self.of, 1) if self.of else None

    @property
    def spoken(self) -> str:
        """`96.5%`, or a dash."""
        return "—" if self.percent is None else f"{self.percent:.1f}%"


def rates(user, *, since: datetime, until: datetime, at: datetime, unit: Unit | None = None) -> dict[str, Rate]:
    """On-time rate by stage of the deadlines that opened in [since, until), as of `at`. Neutral ends are left out."""
    found = deadline_selectors.visible_deadlines(user).filter(opened_at__gte=since, opened_at__lt=until)
    if unit is not None:
        found = found.filter(unit=unit)
    rows = found.values("stage").annotate(
        met=Count("pk", filter=Q(outcome=Outcome.MET)), late=Count("pk", filter=engine.late(at))
    )
    return {row["stage"]: Rate(row["met"], row["met"] + row["late"]) for row in rows}


@dataclass(frozen=True)
class UnitRow:
    """One unit's record: its rates by stage, what is late now, and how often it gave tickets back."""

    unit: Unit
    response: Rate
    visit: Rate
    callback: Rate
    late_now: int
    escalations: int


def by_unit(user, *, since: datetime, until: datetime, at: datetime) -> list[UnitRow]:
    """Every unit that owed something in the time, worst on-time rate first."""
    found = deadline_selectors.visible_deadlines(user).filter(opened_at__gte=since, opened_at__lt=until)
    rows = found.values("unit", "stage").annotate(
        met=Count("pk", filter=Q(outcome=Outcome.MET)), late=Count("pk", filter=engine.late(at)),
        late_now=Count("pk", filter=Q(settled_at=None, due_at__lt=at)),
    )  # fmt: skip
    escalated = dict(
        deadline_selectors.visible_escalations(user).filter(detected_at__gte=since, detected_at__lt=until)
        .values_list("unit").annotate(count=Count("pk"))
    )  # fmt: skip
    units = {unit.pk: unit for unit in Unit.objects.filter(pk__in={row["unit"] for row in rows})}
    table: dict[int, dict] = {}
    for row in rows:
        table.setdefault(row["unit"], {})[row["stage"]] = row
    result = [
        UnitRow(
            unit=units[pk], response=_rate(stages.get("response")), visit=_rate(stages.get("visit")), callback=_rate(stages.get("callback")),
            late_now=sum(row["late_now"] for row in stages.values()), escalations=escalated.get(pk, 0),
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
    found = ticket_access.visible_to(user).filter(ingested_at__gte=since, ingested_at__lt=until, is_history=False)
    return dict(found.order_by().values_list("source").annotate(count=Count("pk")))


def hops(user, *, since: datetime, until: datetime) -> dict[str, object]:
    """Mean time on each hop of the way here (behaviour 1): call → district → dispatch → portal, of tickets that came in."""
    span = ExpressionWrapper
    found = ticket_access.visible_to(user).filter(ingested_at__gte=since, ingested_at__lt=until, is_history=False)
    return found.aggregate(
        hotline=Avg(span(F("district_received_at") - F("called_at"), DurationField())),
        dispatch=Avg(span(F("delivered_at") - F("ingested_at"), DurationField()), filter=Q(delivered_at__gte=F("ingested_at"), round=1)),
        arrival=Avg(span(F("ingested_at") - F("called_at"), DurationField())),
        came_late=Count("pk", filter=Q(late_on_arrival=True)),
        count=Count("pk"),
    )


def returned(user, *, since: datetime, until: datetime) -> Rate:
    """Dispatch accuracy (D18.1): how many of the dispatched tickets were not given back."""
    found = ticket_access.visible_to(user).filter(delivered_at__gte=since, delivered_at__lt=until, is_history=False)
    counted = found.aggregate(all=Count("pk"), kept=Count("pk", filter=Q(returns=0)))
    return Rate(counted["kept"], counted["all"])


def first_time_fixed(user, *, since: datetime, until: datetime) -> Rate:
    """Of the tickets closed in [since, until): how many needed one round only."""
    closed = ticket_access.visible_to(user).filter(closed_at__gte=since, closed_at__lt=until, state="closed", is_history=False)
    counted = closed.aggregate(all=Count("pk"), once=Count("pk", filter=Q(round=1)))
    return Rate(counted["once"], counted["all"])


def _rate(row: dict | None) -> Rate:
    return Rate(row["met"], row["met"] + row["late"]) if row else Rate(0, 0)

