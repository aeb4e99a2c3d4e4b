"""On-time rates by the party whose segment was late. Numerator and denominator always travel together."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q

from complaints import access as ticket_access
from complaints.models import Callback
from deadlines import engine
from deadlines import selectors as deadline_selectors
from deadlines.models import Outcome
from units.models import Unit


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
class Satisfaction:
    """What callers said in result callbacks. Unreachable callers are shown, and counted in no rate."""

    solved: Rate
    satisfied: Rate
    unreachable: int


def satisfaction(user, *, since: datetime, until: datetime) -> Satisfaction:
    """Solved and satisfied among the callers who were reached in [since, until)."""
    calls = Callback.objects.filter(
        called_at__gte=since, called_at__lt=until, kind=Callback.Kind.RESULT, ticket__in=ticket_access.visible_to(user)
    ).aggregate(
        spoken_to=Count("pk", filter=Q(reached=True)),
        helped=Count("pk", filter=Q(solved=True)),
        content=Count("pk", filter=Q(satisfaction__in=["satisfied", "acceptable"])),
        asked=Count("pk", filter=~Q(satisfaction="")),
        unreachable=Count("pk", filter=Q(reached=False)),
    )
    return Satisfaction(Rate(calls["helped"], calls["spoken_to"]), Rate(calls["content"], calls["asked"]), calls["unreachable"])


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

