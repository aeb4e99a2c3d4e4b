"""The staggered ignition: a planner that spreads the boilers under a gas cap, and the load curve before and after (H4).

A boiler's draw of gas rises evenly to its full load over the ramp and stays there. All at once that is one step; spread,
each starts as soon as the cap allows it, the largest first. The plan is a proposal: whoever is responsible may change it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.dateparse import parse_duration

from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines.models import Milestone, Standing
from plants import milestones
from plants.models import Boiler, HeatSource, MilestoneItem
from supply.models import IgnitionSlot
from units import access

HORIZON = timedelta(days=6)  # from the day of ignition until every home has to be warm


@dataclass(frozen=True)
class Start:
    """When a boiler is to start; `draw` is its gas at full load in m³/h (0 for other sources)."""

    boiler: Boiler
    at: datetime
    draw: float


def draw_of(boiler: Boiler) -> float:
    """What a boiler burns at full load, m³ of gas an hour; 0 for what burns none."""
    if boiler.source != HeatSource.GAS or boiler.gas_m3_per_day is None:
        return 0.0
    return float(boiler.gas_m3_per_day) / 24


def load(starts: Iterable[Start], moment: datetime, ramp: timedelta) -> float:
    """The gas drawn at a moment, m³/h: each boiler rises evenly over the ramp."""
    total = 0.0
    for start in starts:
        if moment > start.at:
            total += start.draw * min(1.0, (moment - start.at) / ramp)
    return total


def spread(boilers: Iterable[Boiler], *, since: datetime, cap: float | None, step: timedelta, ramp: timedelta, until: datetime | None = None) -> list[Start]:
    """A start for each boiler from `since` on: one a step, the largest draw first, never above the cap (m³/h) while others still rise.

    The cap bounds the rise: the sum of what is drawn and of what the boilers under way will still draw within their ramp.
    Invalid, naming the hour, where the cap cannot be kept before `until`.
    """
    until = until or since + HORIZON
    waiting = sorted(boilers, key=lambda boiler: (-draw_of(boiler), boiler.code))
    starts: list[Start] = []
    moment = since
    while waiting:
        if moment > until:
            names = "、".join(str(boiler) for boiler in waiting[:5])
            raise Invalid(f"每小时 {cap:,.0f} m³ 的上限内，到 {civil.spoken(until)} 仍排不下：{names}", field="cap")
        boiler = next((one for one in waiting if cap is None or _fits(starts, one, moment, cap, ramp)), None)
        if boiler is not None:
            starts.append(Start(boiler, moment, draw_of(boiler)))
            waiting.remove(boiler)
        moment += step
    return starts


def _fits(starts: list[Start], boiler: Boiler, moment: datetime, cap: float, ramp: timedelta) -> bool:
    """Whether the draw stays within the cap at every moment of this boiler's rise."""
    planned = [*starts, Start(boiler, moment, draw_of(boiler))]
    checks = [moment + ramp, *[start.at + ramp for start in starts if start.at + ramp > moment]]
    return all(load(planned, check, ramp) <= cap + 1e-6 for check in checks)


def breaches(starts: list[Start], cap: float, *, ramp: timedelta) -> list[tuple[datetime, float]]:
    """The hours in which a plan draws more than the cap, with how much: what a plan changed by hand is held against."""
    if not starts:
        return []
    moment, last = min(start.at for start in starts), max(start.at for start in starts) + ramp
    found = []
    while moment <= last:
        drawn = load(starts, moment, ramp)
        if drawn > cap + 1e-6:
            found.append((moment, drawn))
        moment += timedelta(hours=1)
    return found


def curve(starts: list[Start], *, since: datetime, ramp: timedelta, hours: int = 48) -> list[float]:
    """The draw at each full hour, m³/h."""
    return [round(load(starts, since + timedelta(hours=hour), ramp)) for hour in range(hours + 1)]


def rules(season) -> tuple[timedelta, timedelta, float | None]:
    """Step, ramp and cap (m³/h, None without one) as the plan has them."""
    said = milestones.rule(season, "ignition")
    return parse_duration(said["step"]), parse_duration(said["ramp"]), said.get("hourly_cap")


# ---------------------------------------------------------------- keeping a plan


def items_of(user, milestone: Milestone):
    """The boilers' items of the start-type milestone that `user` may see, with their slots."""
    found = MilestoneItem.objects.filter(milestone=milestone, kind="boiler").exclude(standing=Standing.DROPPED)
    found = found.select_related("boiler__plant__company", "unit", "slot", "milestone")
    if not access.everywhere(user, access.SEE_WORK):
        found = found.filter(unit__in=access.unit_ids(user, access.SEE_WORK))
    return found.order_by("slot__planned_at", "unit__position", "name")


@transaction.atomic
def keep(milestone: Milestone, wanted: dict[int, datetime], *, cap: float | None, reason: str = "", actor, at: datetime) -> int:
    """Keep planned starts: item → moment. The number that changed.

    Who plans: the bureau for all, a company for its own boilers. Invalid (cap), naming the hour, where the whole plan would
    draw more than the cap; Invalid before the milestone's day; Conflict for a boiler that burns already.
    """
    _, ramp, plan_cap = rules(milestone.season)
    most = min(limit for limit in (cap, plan_cap) if limit is not None) if cap is not None or plan_cap is not None else None
    items = {item.pk: item for item in MilestoneItem.objects.filter(milestone=milestone, kind="boiler").exclude(standing=Standing.DROPPED).select_related("boiler", "slot", "milestone", "unit", "season")}
    chosen = {pk: items[pk] for pk in wanted if pk in items}
    for pk, item in chosen.items():
        if not (access.everywhere(actor, access.SUPERVISE) or item.unit_id in access.unit_ids(actor, access.HANDLE_TICKETS)):
            raise Forbidden("只能安排本企业锅炉的点火时间")
        if item.achieved_at is not None:
            raise Conflict(f"{item.name}已经点火")
        if wanted[pk] < milestone.due_at:
            raise Invalid(f"{item.name}：{civil.spoken(milestone.due_at)} 起方可点火", field=f"slot_{pk}")
    moments = {pk: wanted.get(pk) or (item.slot.planned_at if hasattr(item, "slot") else None) for pk, item in items.items()}
    starts = [Start(items[pk].boiler, moment, draw_of(items[pk].boiler)) for pk, moment in moments.items() if moment is not None]
    over = breaches(starts, most, ramp=ramp) if most is not None else []
    if over:
        raise Invalid(f"{civil.spoken(over[0][0])} 用气 {over[0][1]:,.0f} m³/h，超过上限 {most:,.0f} m³/h", field="cap")
    tolerance = parse_duration(milestones.rule(milestone.season, "start_tolerance"))
    changed = 0
    for pk, item in chosen.items():
        if hasattr(item, "slot") and item.slot.planned_at == wanted[pk]:
            continue
        milestones.plan_start(item, slot=wanted[pk], tolerance=tolerance, at=at)
        IgnitionSlot.objects.update_or_create(item=item, defaults={"boiler": item.boiler, "planned_at": wanted[pk], "planned_by": actor, "reason": reason[:200]})
        journal.record(item, "plan", actor=actor, at=at, unit=item.unit.code, reason=reason, planned_at=wanted[pk].isoformat())
        changed += 1
    return changed


def total_draw(boilers: Iterable[Boiler]) -> Decimal:
    """What all of them burn at full load, m³/h."""
    return Decimal(round(sum(draw_of(boiler) for boiler in boilers)))
