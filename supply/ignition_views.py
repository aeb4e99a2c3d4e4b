"""The page of the staggered ignition: each boiler's slot, the load before and after, and the planner."""

from datetime import timedelta
from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from core import civil, clock
from core.errors import Invalid, PortalError
from core.workbook import Sheet, response
from deadlines import season as seasons
from plants import milestone_selectors
from supply import ignition
from units import access

CODE = "H4"
HOURS = 72


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request):
    """Slots, planned and actual, with the curve all at once and the curve as planned; a proposal under a cap; changes by hand."""
    season, at = seasons.looked_at(request.GET.get("season", "")[:20], clock.now())
    milestone = milestone_selectors.milestone_of(CODE, at, season=season)
    items = list(ignition.items_of(request.user, milestone))
    step, ramp, plan_cap = ignition.rules(milestone.season)
    proposal, status, faults, cap = {}, 200, {}, plan_cap
    typed = {}
    if request.method == "POST":
        try:
            cap = _cap(request.POST.get("cap", ""), plan_cap)
            if request.POST.get("act") == "propose":
                free = [item for item in items if item.achieved_at is None]
                starts = ignition.spread([item.boiler for item in free], since=max(milestone.due_at, at if at < milestone.due_at else milestone.due_at), cap=cap, step=step, ramp=ramp)
                moments = {start.boiler.pk: start.at for start in starts}
                proposal = {item.pk: moments[item.boiler_id] for item in free}
            else:
                typed = {item.pk: request.POST.get(f"slot_{item.pk}", "") for item in items}
                wanted = {pk: civil.parse(text, field=f"slot_{pk}") for pk, text in typed.items() if text}
                changed = ignition.keep(milestone, _changed(items, wanted), cap=cap, reason=request.POST.get("reason", ""), actor=request.user, at=at)
                messages.success(request, f"已排定 {changed} 台锅炉" if changed else "没有变化")
                return redirect("supply:ignition")
        except Invalid as fault:
            faults, status = fault.fields or {"cap": [fault.message]}, 422
        except PortalError as fault:
            faults, status = {"cap": [fault.message]}, fault.status
    rows = [_row(item, proposal, typed, faults, request.user) for item in items]
    if request.GET.get("format") == "xlsx":
        return _sheet(rows)
    context = {
        "milestone": milestone, "rows": rows, "at": at, "cap": request.POST.get("cap", "") or (f"{cap:g}" if cap else ""), "faults": faults, "step": step, "ramp": ramp,
        "chart": _chart(items, proposal, milestone, ramp, cap), "is_proposal": bool(proposal), "total": ignition.total_draw([item.boiler for item in items]),
        "may_plan": any(row["may_plan"] for row in rows), "reason": request.POST.get("reason", ""),
    }  # fmt: skip
    return render(request, "supply/ignition/page.html", context, status=status)


def _cap(text: str, plan_cap: float | None) -> float | None:
    if not text.strip():
        return plan_cap
    try:
        cap = Decimal(text.strip())
    except InvalidOperation:
        raise Invalid("用气上限应为数字，单位 m³/h", field="cap") from None
    if not cap.is_finite() or not 0 < cap < 10**9:
        raise Invalid("用气上限应大于 0", field="cap")
    return float(cap)


def _changed(items, wanted: dict) -> dict:
    """What differs from what is kept: a slot shown to the minute is not a change."""
    kept = {item.pk: item.slot.planned_at for item in items if hasattr(item, "slot")}
    return {pk: moment for pk, moment in wanted.items() if pk not in kept or abs((kept[pk] - moment).total_seconds()) >= 60}


def _row(item, proposal: dict, typed: dict, faults: dict, user) -> dict:
    planned = proposal.get(item.pk) or (item.slot.planned_at if hasattr(item, "slot") else None)
    shown = typed.get(item.pk) or (f"{civil.localize(planned):%Y-%m-%dT%H:%M}" if planned else "")
    may = item.achieved_at is None and (access.everywhere(user, access.SUPERVISE) or item.unit_id in access.unit_ids(user, access.HANDLE_TICKETS))
    return {
        "item": item, "boiler": item.boiler, "planned": planned, "shown": shown, "draw": round(ignition.draw_of(item.boiler)), "may_plan": may,
        "fault": "；".join(faults.get(f"slot_{item.pk}", [])), "name": f"slot_{item.pk}",
    }  # fmt: skip


def _chart(items, proposal: dict, milestone, ramp, cap) -> dict:
    since = milestone.due_at
    together = [ignition.Start(item.boiler, since, ignition.draw_of(item.boiler)) for item in items]
    planned = [
        ignition.Start(item.boiler, moment, ignition.draw_of(item.boiler))
        for item in items
        if (moment := item.achieved_at or proposal.get(item.pk) or (item.slot.planned_at if hasattr(item, "slot") else None))
    ]
    moments = [civil.localize(since + timedelta(hours=hour)) for hour in range(HOURS + 1)]
    labels = [f"{moment.day}日{moment.hour}时" if not moment.hour else f"{moment.hour}时" for moment in moments]
    data = {
        "kind": "line", "labels": labels, "unit": "",
        "series": [
            {"name": "同时点火", "values": ignition.curve(together, since=since, ramp=ramp, hours=HOURS), "tone": "red"},
            {"name": "错峰点火", "values": ignition.curve(planned, since=since, ramp=ramp, hours=HOURS), "tone": "blue"},
        ],
    }  # fmt: skip
    if cap:
        data["mark"] = {"value": cap, "label": f"上限 {cap:,.0f}"}
    return data


def _sheet(rows):
    columns = [("锅炉", 30), ("企业", 18), ("热源", 12), ("功率 MW", 10), ("满负荷 m³/h", 12), ("计划点火", 18), ("实际点火", 18), ("提前", 8)]
    lines = [
        [str(row["boiler"]), str(row["item"].unit), row["boiler"].get_source_display(), row["boiler"].capacity_mw, row["draw"], row["planned"], row["item"].achieved_at, row["item"].is_early]
        for row in rows
    ]  # fmt: skip
    return response("错峰点火", Sheet("错峰点火", columns, lines))
