"""Pages of what is owed: a unit and its duties, escalations to sign, the plan itself."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core import clock
from core.htmx import is_htmx, render_part
from deadlines import escalation_exports, escalations, obligation_selectors, selectors
from deadlines import season as seasons
from units import access, exports
from units import selectors as unit_selectors

CADENCES = {
    "once": "一次", "daily": "每日", "weekly": "每周", "monthly": "每月", "season": "每采暖季", "twice_a_year": "每年两次", "as_needed": "及时",
    "continuous": "持续", "regular": "定期",
}  # fmt: skip


@login_required
@require_safe
def escalation_list(request):
    """Supervision orders, those to be signed first looked at."""
    at = clock.now()
    params = request.GET.copy()
    params.setdefault("signed", "0")
    if params["signed"] == "all":
        params["signed"] = ""
    found = selectors.escalations(request.user, params, at=at, size=30)
    context = {
        "page": found, "at": at, "params": params, "may_sign": access.everywhere(request.user, access.SUPERVISE),
        "to_sign": selectors.to_sign(request.user), "stages": selectors.stages(),
        "query": urlencode({name: params[name] for name in ("signed", "kind", "level", "unit", "late") if params.get(name)}),
    }  # fmt: skip
    return render_part(request, "deadlines/escalations.html", "deadlines/_escalations.html", context)


@login_required
@require_safe
def escalation_export(request):
    """The orders that fit, to be taken along."""
    return exports.answer(request.user, escalation_exports.ESCALATIONS, request.GET, at=clock.now())


@login_required
@require_POST
def sign_escalation(request, pk):
    """Take up an order."""
    escalation = selectors.escalation_to_sign(request.user, pk)
    escalations.sign(escalation, note=request.POST.get("note", "")[:1000], actor=request.user, at=clock.now())
    if is_htmx(request):
        return render(request, "deadlines/_escalation.html", {"one": escalation, "at": clock.now(), "may_sign": True})
    messages.success(request, f"已签收：{escalation}")
    return redirect("deadlines:escalations")


@login_required
@require_safe
def unit_list(request):
    """Every responsible unit that this person may know of."""
    units = list(unit_selectors.units_to_see(request.user))
    groups: dict[str, list] = {}
    for unit in units:
        groups.setdefault(unit.get_kind_display(), []).append(unit)
    return render(request, "deadlines/units.html", {"groups": groups, "q": request.GET.get("q", "")})


@login_required
@require_safe
def unit_page(request, code):
    """A unit: who is in charge, what the plan lays on it, and what it owes now."""
    at = clock.now()
    unit = unit_selectors.unit_to_see(request.user, code)
    season = seasons.active(at)
    sees_work = unit_selectors.may_see_work(request.user, unit)
    context = {
        "unit": unit,
        "at": at,
        "season": season,
        "posts": unit_selectors.holders(at, unit),
        "duties": unit_selectors.duties_of(unit, season.code) if season else [],
        "sees_work": sees_work,
        "owed": selectors.owed_by(unit, at=at) if sees_work else [],
        "obligations": obligation_selectors.rows_of_unit(unit, season, at=at) if sees_work else [],
        "people": unit_selectors.people_of(unit) if sees_work or access.everywhere(request.user, access.ADMINISTER) or access.everywhere(request.user, access.GRANT) else [],
        "aliases": unit.aliases.all(),
        "cadences": CADENCES,
    }
    return render(request, "deadlines/unit.html", context)


@login_required
@require_safe
def plan_page(request):
    """The plan as loaded: document, milestones, duties with their words, limits and ladders."""
    at = clock.now()
    season = seasons.active(at)
    if season is None:
        return render(request, "deadlines/plan.html", {"season": None})
    context = {
        "season": season,
        "at": at,
        "plan": seasons.plan_of(season),
        "document": season.documents.first(),
        "milestones": selectors.milestones(season),
        "duties": unit_selectors.duties(season.code),
        "policies": selectors.policies(),
        "seats": unit_selectors.seats(season.code),
        "posts": unit_selectors.holders(at),
        "cadences": CADENCES,
    }
    return render(request, "deadlines/plan.html", context)
