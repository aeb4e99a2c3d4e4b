"""A home for each role: the figures and lists with which somebody starts to work."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

from complaints import selectors as tickets
from complaints.models import Ticket
from complaints.presenting_rows import rows_of
from core import civil
from core.figures import floored, percent_of
from core.together import Waiting, may_wait, together
from deadlines import engine, promises
from deadlines import season as seasons
from deadlines import selectors as deadlines
from oversight import statistics
from plants import inspection_selectors, milestone_selectors, temperatures
from supply import outage_selectors, report_selectors
from units import access, duty_selectors
from units.models import COMPANIES, Kind

WATCHED = 10
_ICONS = {"response": "phone-call", "visit": "tool", "callback": "user-check"}


def home_of(user, *, at: datetime) -> dict:
    """The home of this person: `home` names it (bureau, dispatcher, handler, street, admin, viewer)."""
    unit = access.home_unit(user)
    if access.everywhere(user, access.SUPERVISE):
        return {"home": "bureau", **_bureau(user, at)}
    if access.everywhere(user, access.DISPATCH_TICKETS):
        return {"home": "dispatcher", **_dispatcher(user, at)}
    if not access.unit_ids(user, access.SEE_WORK):
        keeper = "security" if access.GRANT in access.rights(user) else "auditor" if access.AUDIT in access.rights(user) else "system"
        return {"home": "admin", "unit": unit, "keeper": keeper}
    kind = "street" if unit and unit.kind == Kind.STREET else "handler" if unit and unit.kind in COMPANIES else "unit"
    return {"home": "unit", "home_kind": kind, "unit": unit, **_unit(user, unit, at)}


def _bureau(user, at: datetime) -> dict:
    today, tomorrow = civil.day_bounds(civil.day_of(at))
    yesterday, since = today - timedelta(days=1), today - timedelta(days=6)  # whole days: those that are over are kept
    found = together(
        counts=tickets.counts.later(user, at=at),
        late=late_by_stage.later(user, at),
        verdicts=statistics.verdicts.later(user, {"today": (today, tomorrow), "yesterday": (yesterday, today), "week": (since, at)}, at=at),
        escalated=statistics.escalated(user, since=since, until=at),
        arrived=statistics.received.later(user, since=today, until=tomorrow),
        rows=_watched.later(user, at, WATCHED),
        escalations=deadlines.recent(user, at=at, limit=8),
        to_sign=deadlines.to_sign.later(user),
        returns=tickets.returns_to_rule(user)[:8],
        board=milestone_selectors.board.later(user, at),
        inspections=inspection_selectors.week_by_street.later(user, at),
        homes=_temperatures.later(user, at),
        gas=_gas.later(user, at),
        on_duty=duty_selectors.today.later(at),
        unmanned=duty_selectors.unmanned.later(at),
    )
    verdicts, arrived, inspections = found.pop("verdicts"), found.pop("arrived"), found["inspections"]
    return {
        **found,
        "at": at,
        "milestones": milestones(at),
        "arrived": {"total": sum(arrived.values()), "by_source": arrived},
        "rates": _rates(statistics.rates_of(verdicts["today"]), statistics.rates_of(verdicts["yesterday"])),
        "units": statistics.by_unit_of(verdicts["week"], found.pop("escalated"))[:8],
        "inspected": {"done": sum(row.done for row in inspections), "total": sum(row.total for row in inspections)},
        "duty": {"today": found.pop("on_duty"), "unmanned": found.pop("unmanned")},
    }


def _rates(now: dict[str, statistics.Rate], before: dict[str, statistics.Rate]) -> list[dict]:
    """Each promise with its rate of today, and what changed since yesterday."""
    return [
        {
            "stage": one.stage, "name": f"{one.name}率", "icon": _ICONS[one.stage], "now": now.get(one.stage, statistics.Rate(0, 0)),
            "change": _change(now.get(one.stage), before.get(one.stage)), "before": before.get(one.stage),
        }
        for one in promises.made()
    ]  # fmt: skip


@may_wait
def _watched(user, at: datetime, limit: int) -> Waiting[list[dict]]:
    """What is late or due first, as rows."""
    found = tickets.watch_list(user, limit=limit)
    yield found
    return (yield from rows_of.later(user, found, at=at))


@may_wait
def _temperatures(user, at: datetime) -> Waiting[dict]:
    """The last week's room temperatures: the mean, the share that reached the plan's commitment, and of how many."""
    season = seasons.active(at)
    least = Decimal(str(seasons.plan_of(season)["standards"]["room_celsius"])) if season else Decimal(20)
    today = civil.day_of(at)
    days = yield from temperatures.trend.later(user, since=today - timedelta(days=6), until=today, least=least)
    told = [one for one in days if one.of]
    of = sum(one.of for one in told)
    chart = {
        "kind": "line", "labels": [f"{one.day.month}.{one.day.day}" for one in days], "unit": "℃", "min": 10, "max": 26, "right": {"unit": "%", "min": 0, "max": 100},
        "mark": {"value": float(least), "label": f"达标 {least:g}℃"},
        "series": [
            {"name": "平均室温", "values": [float(floored(one.mean, 1)) if one.of else None for one in days], "tone": "blue"},
            {"name": "达标占比", "values": [one.share for one in days], "tone": "heat", "axis": 1},
        ],
    }  # fmt: skip
    mean = sum(one.mean * one.of for one in told) / of if of else None
    return {"chart": chart, "mean": mean, "share": percent_of(sum(one.kept for one in told), of), "of": of, "least": least}


@may_wait
def _gas(user, at: datetime) -> Waiting[dict]:
    """The last week's gas: what was used, what was short, and how many companies have told."""
    yesterday = civil.day_of(at) - timedelta(days=1)
    days = yield from report_selectors.gas_days.later(user, yesterday - timedelta(days=6), yesterday)

    def values(name):  # a day that nobody reported is a gap in the chart and no zero
        return [None if getattr(one, name) is None else int(getattr(one, name)) for one in days]

    chart = {
        "kind": "bar", "labels": [f"{one.day.month}.{one.day.day}" for one in days], "unit": "",
        "series": [{"name": "实际用量 m³", "values": values("used"), "tone": "light"}, {"name": "缺口 m³", "values": values("gap"), "tone": "red"}],
    }  # fmt: skip
    return {"chart": chart, "gap": days[-1].gap, "coverage": days[-1].coverage}


def _dispatcher(user, at: datetime) -> dict:
    today, tomorrow = civil.day_bounds(civil.day_of(at))
    found = together(
        counts=tickets.counts.later(user, at=at),
        rows=_waiting.later(user, at),
        late_rows=_watched.later(user, at, WATCHED),
        arrived=statistics.received.later(user, since=today, until=tomorrow),
        accuracy=statistics.returned.later(user, since=today - timedelta(days=7), until=tomorrow),
        hops=statistics.hops.later(user, since=today, until=tomorrow),
        returns=tickets.returns_to_rule(user)[:8],
    )
    return {**found, "at": at, "milestones": milestones(at)}


@may_wait
def _waiting(user, at: datetime) -> Waiting[list[dict]]:
    """What waits for dispatch, as rows."""
    found = tickets.waiting(user, at=at)[:WATCHED]
    yield found
    return (yield from rows_of.later(user, found, at=at))


def _unit(user, unit, at: datetime) -> dict:
    today, tomorrow = civil.day_bounds(civil.day_of(at))
    # What waits for this unit and is no ticket: a repair vehicle on the road (D15), a heating company's report of a day (I7).
    own = {Kind.BUREAU: {"passages": outage_selectors.passages_waiting(user)[:5]}, Kind.HEATING: {"dues": report_selectors.open_dues(user, at=at)[:5]}}
    found = {"passages": [], "dues": []} | together(
        **own.get(unit.kind, {}),
        counts=tickets.counts.later(user, at=at),
        rows=_watched.later(user, at, 20),
        week=statistics.rates.later(user, since=today - timedelta(days=6), until=tomorrow, at=at, unit=unit),
        tasks=tickets.tasks_of(user)[:10],
        escalations=deadlines.recent(user, at=at, limit=8),
    )
    week = found.pop("week")
    return {
        **found,
        "at": at,
        "milestones": milestones(at),
        "rates": [{"stage": one.stage, "name": f"{one.name}率", "now": week.get(one.stage, statistics.Rate(0, 0))} for one in promises.made()],
        "dues": [{"due": due, "is_missing": due.is_late(at)} for due in found["dues"]],
    }


def milestones(at: datetime) -> dict:
    """The season's milestones with what has passed, and the next one to count down to."""
    season = seasons.active(at)
    rows = deadlines.known_milestones(season) if season else []
    coming = next((row for row in rows if row.due_at > at), None)
    return {"rows": [{"milestone": row, "is_past": row.due_at <= at, "is_next": row is coming} for row in rows], "next": coming}


@may_wait
def late_by_stage(user, at: datetime) -> Waiting[dict]:
    """What is late of tickets now, by stage, and the longest of it."""
    late = deadlines.visible_deadlines(user).filter(settled_at=None, due_at__lt=at, subject_type=engine.subject_type(Ticket)).order_by("due_at")
    rows = late.values_list("stage", "due_at")[:1000]
    yield rows
    stages = Counter(stage for stage, _ in rows)
    first = rows[0][1] if rows else None
    return {"stages": [(tickets.STAGE_NAMES.get(stage, stage), count) for stage, count in stages.items()], "longest": civil.spell(at - first) if first else ""}


def _change(now, then) -> float | None:
    if not now or not then or now.percent is None or then.percent is None:
        return None
    return round(now.percent - then.percent, 1)
