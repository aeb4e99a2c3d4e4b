"""Days that are over are counted once; a season's figures are then the sum of its days, however many tickets it had (P9).

Truth stays with the rows: triggers of the database drop a day's figures, in the same transaction, with any change of what they
were counted from: a verdict set aside, a ticket reopened, a delivery mended. A day that has no figures is counted anew from
its rows, so that what is remembered decides how fast an answer comes and never what it is.

What still runs is never kept: whether it is late depends on the moment one asks.
"""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet

from complaints.models import Ticket
from core import civil
from core.together import Waiting, aggregated, may_wait, only_row
from deadlines.models import Deadline, Outcome
from oversight.models import KeptDay
from units.models import Unit

REST = 2  # days: today and yesterday are always counted from their rows
MEMORY = 400  # days
AT_ONCE = 20
LOCK = 20251115  # writers to days of the past share it, the keeper holds it alone (FUNCTIONS)
HOPS = ("hotline", "dispatch", "arrival")

# The days whose figures a statement may have changed. A clock counts from its end on; a ticket by its arrival, delivery, closing.
_DAY = "(({}) AT TIME ZONE 'Asia/Shanghai')::date"
_COUNTED = {
    "deadlines_deadline": (("opened_at",), ("opened_at", "settled_at", "outcome", "unit_id", "stage")),
    "complaints_ticket": (
        ("ingested_at", "delivered_at", "closed_at"),
        ("ingested_at", "delivered_at", "closed_at", "called_at", "district_received_at", "source", "round", "late_on_arrival", "is_history", "returns", "state"),
    ),
}  # fmt: skip
_FUNCTION = """
CREATE OR REPLACE FUNCTION oversight_{table}_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE days date[];
BEGIN
    SELECT array_agg(DISTINCT day) INTO days FROM ({touched}) AS touched WHERE day < (now() AT TIME ZONE 'Asia/Shanghai')::date - 1;
    IF days IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared({lock});
        DELETE FROM oversight_keptday WHERE day = ANY(days);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS oversight_{event} ON {table};
CREATE TRIGGER oversight_{event} AFTER {event} ON {table} REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION oversight_{table}_{event}();
"""


def functions() -> str:
    """The triggers, as the migration writes them."""
    made = []
    for table, (days, counted) in _COUNTED.items():
        settled = " WHERE settled_at IS NOT NULL" if table == "deadlines_deadline" else ""

        def touched(source: str, condition: str, days=days) -> str:
            return " UNION ALL ".join(f"SELECT {_DAY.format(f'{source}.{name}')} AS day FROM {condition}" for name in days)

        changed = f"old_rows o JOIN new_rows n ON n.id = o.id WHERE ({', '.join(f'o.{name}' for name in counted)}) IS DISTINCT FROM ({', '.join(f'n.{name}' for name in counted)})"
        for event, tables, what in (
            ("insert", "NEW TABLE AS new_rows", touched("new_rows", f"new_rows{settled}")),
            ("delete", "OLD TABLE AS old_rows", touched("old_rows", f"old_rows{settled}")),
            ("update", "OLD TABLE AS old_rows NEW TABLE AS new_rows", f"{touched('o', changed)} UNION ALL {touched('n', changed)}"),
        ):
            made.append(_FUNCTION.format(table=table, event=event, tables=tables, touched=what, lock=LOCK))
    return "\n".join(made)


@dataclass(frozen=True)
class Span:
    """A time, in two parts: the days whose figures are kept, and the stretches that are counted from their rows."""

    figures: list[dict]
    gaps: list[tuple[datetime, datetime]]

    def within(self, rows: QuerySet, name: str) -> QuerySet:
        """The rows whose moment `name` lies in one of the stretches."""
        return rows.filter(self.inside(name))

    def inside(self, name: str) -> Q:
        """That the moment `name` lies in one of the stretches."""
        wanted = Q(pk__in=[])
        for since, until in self.gaps:
            wanted |= Q(**{f"{name}__gte": since, f"{name}__lt": until})
        return wanted


@may_wait
def span(since: datetime, until: datetime, unit: Unit | None = None) -> Waiting[Span]:
    """[since, until) for whoever sees the district's work. A time so short that hardly a day of it can be over is counted from its rows.

    With a `unit`, for whoever sees all that this unit owes: the verdicts of its own clocks, and no other figure.
    """
    if until - since <= timedelta(days=REST):
        return all_of(since, until)
    kept = KeptDay.objects.filter(day__gte=civil.day_of(since), day__lt=civil.day_of(until)).order_by("day").values_list("day", "figures")
    yield kept
    figures, gaps, reached = [], [], since
    for day, found in kept:
        begins, ends = civil.day_bounds(day)
        if begins < since:
            continue
        figures.append(found if unit is None else {"verdicts": [one for one in found["verdicts"] if one[0] == unit.pk]})
        if reached < begins:
            gaps.append((reached, begins))
        reached = ends
    if reached < until:
        gaps.append((reached, until))
    return Span(figures, gaps)


def all_of(since: datetime, until: datetime) -> Span:
    """The same for everybody else: nothing is kept for them."""
    return Span([], [(since, until)])


def generate(*, at: datetime) -> None:
    """Count days that are over and have no figures, some at a time, oldest first."""
    last = civil.day_of(at) - timedelta(days=REST)
    known = set(KeptDay.objects.filter(day__gte=last - timedelta(days=MEMORY)).values_list("day", flat=True))
    missing = [day for day in (last - timedelta(days=ago) for ago in range(MEMORY, -1, -1)) if day not in known]
    first = _first_day()
    for day in [day for day in missing if first and day >= first][:AT_ONCE]:
        keep(day)


@transaction.atomic
def keep(day: date) -> None:
    """Count one day. Whoever is changing the past meanwhile is waited for; nobody begins to before this is written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    KeptDay.objects.update_or_create(day=day, defaults={"figures": _figures(day)})


def _first_day() -> date | None:
    oldest = [Ticket.objects.order_by("ingested_at").values_list("ingested_at", flat=True).first(), Deadline.objects.order_by("opened_at").values_list("opened_at", flat=True).first()]
    return min((civil.day_of(one) for one in oldest if one), default=None)


def _figures(day: date) -> dict:
    whole = all_of(*civil.day_bounds(day))
    return {
        "verdicts": [[unit, stage, met, late] for (unit, stage), (met, late) in verdicts(whole, Deadline.objects.all()).items()],
        "received": dict(received(whole, Ticket.objects.all())), "hops": hops(whole, Ticket.objects.all()),
        "returned": returned(whole, Ticket.objects.all()), "first_time": first_time(whole, Ticket.objects.all()),
    }  # fmt: skip


# ---------------------------------------------------------------- the counting itself, by the rows and by the days


def verdicts(span: Span, deadlines: QuerySet) -> dict[tuple[int, str], tuple[int, int]]:
    """Of the clocks opened in the time that have ended: unit and stage → kept and late."""
    ended = span.within(deadlines.filter(settled_at__isnull=False), "opened_at").order_by().values_list("unit", "stage")
    return _by_unit(span, ended.annotate(met=Count("pk", filter=Q(outcome=Outcome.MET)), late=Count("pk", filter=Q(outcome=Outcome.LATE))))


def kept_verdicts(span: Span) -> dict[tuple[int, str], tuple[int, int]]:
    """The same of the days alone that are kept: no statement."""
    return _by_unit(span, ())


def _by_unit(span: Span, counted: Iterable) -> dict[tuple[int, str], tuple[int, int]]:
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for unit, stage, met, late in itertools.chain(counted, *(figures["verdicts"] for figures in span.figures)):
        before = found.get((unit, stage), (0, 0))
        found[unit, stage] = before[0] + met, before[1] + late
    return found


@may_wait
def received(span: Span, tickets: QuerySet) -> Waiting[Counter]:
    """Tickets that came in, by source."""
    rows = span.within(tickets.filter(is_history=False), "ingested_at").order_by().values_list("source").annotate(count=Count("pk"))
    yield rows
    found: Counter = Counter()
    for figures in span.figures:
        found.update(figures["received"])
    found.update(dict(rows))
    return found


@may_wait
def hops(span: Span, tickets: QuerySet) -> Waiting[dict]:
    """Each hop of the way here: seconds in all, and of how many tickets; `came_late` and `count`."""
    length = lambda end, start: ExpressionWrapper(F(end) - F(start), DurationField())  # noqa: E731 (three uses, one line)
    there = Q(delivered_at__gte=F("ingested_at"), round=1)
    asked = aggregated(
        span.within(tickets.filter(is_history=False), "ingested_at"),
        hotline=Avg(length("district_received_at", "called_at")), hotline_count=Count("district_received_at"),
        dispatch=Avg(length("delivered_at", "ingested_at"), filter=there), dispatch_count=Count("pk", filter=there),
        arrival=Avg(length("ingested_at", "called_at")), arrival_count=Count("pk"),
        came_late=Count("pk", filter=Q(late_on_arrival=True)), count=Count("pk"),
    )  # fmt: skip
    yield asked
    said = only_row(asked)
    found = {name: [said[name].total_seconds() * said[f"{name}_count"] if said[name] is not None else 0, said[f"{name}_count"]] for name in HOPS}
    for figures in span.figures:
        for name in HOPS:
            found[name] = [found[name][0] + figures["hops"][name][0], found[name][1] + figures["hops"][name][1]]
    return {**found, **{name: said[name] + sum(figures["hops"][name] for figures in span.figures) for name in ("came_late", "count")}}


@may_wait
def returned(span: Span, tickets: QuerySet) -> Waiting[list[int]]:
    """Of the tickets delivered in the time: how many were never given back, and how many there were."""
    asked = aggregated(span.within(tickets.filter(is_history=False), "delivered_at"), kept=Count("pk", filter=Q(returns=0)), all=Count("pk"))
    yield asked
    return _added(span, "returned", list(only_row(asked).values()))


@may_wait
def first_time(span: Span, tickets: QuerySet) -> Waiting[list[int]]:
    """Of the tickets closed in the time: how many needed one round only, and how many there were."""
    asked = aggregated(span.within(tickets.filter(state="closed", is_history=False), "closed_at"), once=Count("pk", filter=Q(round=1)), all=Count("pk"))
    yield asked
    return _added(span, "first_time", list(only_row(asked).values()))


def _added(span: Span, name: str, pair: list[int]) -> list[int]:
    return [pair[place] + sum(figures[name][place] for figures in span.figures) for place in (0, 1)]
