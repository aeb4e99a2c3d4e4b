"""Pages of inspections: the week, the form on the spot, one inspection, the records, the season's assessment."""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import attachments, clock, workbook
from core.errors import Forbidden, Invalid, PortalError
from core.workbook import Sheet as Table
from deadlines import season as seasons
from plants import inspection_forms as forms
from plants import inspection_selectors as selectors
from plants import inspections, long_lists
from plants.models import InspectionMode, PlantKind
from units import access, exports

WEEKS_SHOWN = 6


# ---------------------------------------------------------------- the week


@login_required
@require_safe
def week(request):
    """What is left this week, and the matrix street × facility × week."""
    at = clock.now()
    _require_sight(request.user)
    monday = selectors.week_named(request.GET.get("week"), at=at)
    street, kind = request.GET.get("street", "")[:64], request.GET.get("kind", "")
    kind = kind if kind in PlantKind.values else ""
    weeks = [monday - timedelta(days=7 * number) for number in reversed(range(WEEKS_SHOWN))]
    rows = selectors.matrix(request.user, weeks, at=at, street=street, kind=kind)
    if request.GET.get("format") == "xlsx":
        return _matrix_export(rows, weeks, at)
    counts = selectors.week_by_street(request.user, at, monday)
    left = selectors.left_for(request.user, at)
    context = {
        "at": at, "monday": monday, "weeks": weeks, "rows": rows, "counts": counts, "left": left, "tab": "week", "streets": selectors.streets(request.user),
        "given": {"street": street, "kind": kind}, "kinds": [(PlantKind.PLANT, "热源厂站"), (PlantKind.GAS, "天然气设施")],
        "before": selectors.week_code(monday - timedelta(days=7)), "after": selectors.week_code(monday + timedelta(days=7)), "this": selectors.week_code(monday),
        "is_now": monday >= inspections.monday_of(at), "sums": {name: sum(getattr(one, name) for one in counts) for name in ("total", "done", "late", "missed", "findings")},
        "remaining": sum(one.done_at is None for one in left), "may_inspect": _may_inspect(request.user), "may_drop": access.everywhere(request.user, access.SUPERVISE),
        "department": inspections.department_of(request.user),
    }  # fmt: skip
    return render(request, "plants/inspections/week.html", context)


def _require_sight(user) -> None:
    if not (access.unit_ids(user, access.SEE_WORK) or access.unit_ids(user, access.INSPECT)):
        raise Forbidden("您无权查看厂站巡查")


def _may_inspect(user) -> bool:
    return bool(access.unit_ids(user, access.INSPECT)) or inspections.department_of(user) is not None


def _matrix_export(rows, weeks, at) -> HttpResponse:
    columns = [("街道", 18), ("厂站", 28), ("类别", 12), *[(f"{selectors.week_code(monday)} {monday:%m-%d} 起", 18) for monday in weeks]]
    lines = []
    for row in rows:
        cells = []
        for due in row.cells:
            words = "不查" if due is None else due.shown_name
            if due is not None and due.dropped_reason:
                words += f"：{due.dropped_reason}"
            cells.append(words)
        lines.append([row.street.name, row.plant.name, row.plant.get_kind_display(), *cells])
    return workbook.response(f"每周检查-{selectors.week_code(weeks[-1])}", Table("每周检查", columns, lines, ("每周检查矩阵（E7）", f"截至 {at:%Y-%m-%d}；撤销要求的行保留并写明原因")))


@login_required
@require_POST
def drop(request, pk):
    """A week's row is not asked any more."""
    due = selectors.due_to_see(request.user, pk)
    form = forms.ReasonForm(request.POST)
    if not form.is_valid():
        raise Invalid("请写明不再要求的原因", field="reason")
    inspections.drop(due, reason=form.cleaned_data["reason"], actor=request.user, at=clock.now())
    messages.success(request, f"{due.plant} {due.week_name} 不再要求")
    return redirect(f"/inspections/?week={selectors.week_code(due.week)}")


# ---------------------------------------------------------------- on the spot


@login_required
@require_http_methods(["GET", "POST"])
def new(request):
    """The form on the spot; the same address takes it from the browser and from its queue, which asks for JSON."""
    at = clock.now()
    user = request.user
    if not _may_inspect(user):
        raise Forbidden("每周检查由街道检查人员登记")
    said = {name: request.GET.get(name, "")[:64] for name in ("plant", "community", "mode", "topic")}
    mode = forms.mode_of(said["mode"])
    if not said["plant"] and not said["community"]:
        return _choose(request, mode, at)
    season = seasons.required(at)
    plant = selectors.plant_to_inspect(user, said["plant"], at=at) if said["plant"] else None
    community = selectors.community_to_inspect(user, said["community"]) if said["community"] else None
    posted = request.method == "POST"
    sheet = forms.Sheet(
        season=season, plant=plant, community=community, mode=mode, topic=said["topic"], at=at, said=request.POST if posted else None,
        files=request.FILES if posted else None,
    )  # fmt: skip
    if posted:
        try:
            found = inspections.record(sheet.visit(), actor=user, at=at)
        except PortalError as fault:
            if _wants_json(request):
                return JsonResponse({"code": fault.code, "message": fault.message, "fields": fault.fields}, status=422 if fault.status == 400 else fault.status)
            if fault.status not in (400, 409):
                raise
            sheet.blame(fault)
            return _form(request, sheet, at, status=422)
        if _wants_json(request):
            return JsonResponse({"number": found.number, "url": found.get_absolute_url(), "to_verify": found.to_verify}, status=201)
        messages.success(request, f"已登记 {found.number}" + ("，到场时间待专班办公室核定" if found.to_verify else ""))
        return redirect("plants:inspection", number=found.number)
    return _form(request, sheet, at)


def _wants_json(request) -> bool:
    return request.headers.get("Accept", "") == "application/json"


def _form(request, sheet, at, status: int = 200) -> HttpResponse:
    plant = sheet.plant
    monday = inspections.monday_of(at)
    context = {
        "sheet": sheet, "at": at, "plant": plant, "community": sheet.community, "monday": monday, "sunday": monday + timedelta(days=6),
        "week_number": monday.isocalendar().week, "hazards": selectors.hazards(plant) if plant else [], "mode_name": InspectionMode(sheet.mode).label,
        "street": inspections.street_of(request.user, plant, at) if plant else sheet.community.street, "total": len(sheet.asked),
        "boilers": plant.boilers.filter(is_active=True).count() if plant else 0, "unit": inspections.department_of(request.user),
        "missed": selectors.missed_last_week(request.user, plant, at) if plant and sheet.mode == "weekly" else None,
        "departments": selectors.departments() if sheet.mode in ("joint", "unannounced") else [], "least_due": at.date(),
        "query": urlencode({name: request.GET[name] for name in ("plant", "community", "mode", "topic") if request.GET.get(name)}),
    }  # fmt: skip
    return render(request, "plants/inspections/form.html", context, status=status)


def _choose(request, mode, at) -> HttpResponse:
    """Which facility, and in which manner."""
    season = seasons.required(at)
    department = inspections.department_of(request.user)
    modes = [choice for choice in InspectionMode.choices if department is not None or choice[0] in ("weekly", "special", "emission")]
    if department is not None:
        modes = [choice for choice in modes if choice[0] != "weekly"]
    mode = mode if mode in dict(modes) else modes[0][0]
    specials = inspections.rules(season).get("special") or []
    topic = request.GET.get("topic", "")
    is_heritage = mode == "special" and topic == "heritage"
    places = selectors.heritage_communities(request.user) if is_heritage else []
    context = {"at": at, "mode": mode, "modes": modes, "specials": specials, "topic": topic, "plants": selectors.plants_to_inspect(request.user, at=at), "communities": places}
    return render(request, "plants/inspections/choose.html", context)


@require_safe
def token(request):
    """Who is signed in, and the token with which the queue sends; 403 when nobody is: what is kept then waits."""
    if not request.user.is_authenticated:
        return JsonResponse({"code": "not_authenticated", "message": "登录已过期"}, status=403)
    return JsonResponse({"user": str(request.user.pk), "token": get_token(request)})


@login_required
@require_safe
def worker(request):
    """The service worker: served from the root, so that it may also see somebody signing out."""
    return HttpResponse(render_to_string("plants/inspections/worker.js"), content_type="text/javascript; charset=utf-8")


# ---------------------------------------------------------------- one inspection, and the records


@login_required
@require_safe
def inspection_page(request, number):
    """What was seen, with its photographs and its findings."""
    return _page(request, selectors.to_see(request.user, number))


def _page(request, found, status: int = 200, error: str = "") -> HttpResponse:
    user = request.user
    is_district = access.everywhere(user, access.SEE_WORK) or found.unit_id in access.unit_ids(user, access.INSPECT)
    context = {
        "one": found, "at": clock.now(), "error": error, **selectors.detailed(user, found), "is_district": is_district,
        "distance": inspections.distance(found.place, found.plant) if is_district else None, "calls": inspections.CALLS,
        "may_release": found.is_hidden and (access.everywhere(user, access.SUPERVISE) or found.unit == inspections.department_of(user)),
        "may_verify": found.to_verify and access.everywhere(user, access.SUPERVISE) and found.inspector_id != user.pk,
    }  # fmt: skip
    return render(request, "plants/inspections/inspection.html", context, status=status)


@login_required
@require_POST
def release(request, number):
    """An unannounced inspection is made known."""
    found = selectors.to_see(request.user, number)
    inspections.release(found, actor=request.user, at=clock.now())
    messages.success(request, "已公开，问题已列入台账")
    return redirect("plants:inspection", number=number)


@login_required
@require_POST
def verify_time(request, number):
    """The office takes the time as told."""
    found = selectors.to_see(request.user, number)
    try:
        inspections.verify_time(found, note=request.POST.get("note", "")[:200], actor=request.user, at=clock.now())
    except Invalid as fault:
        return _page(request, found, 422, fault.message)
    messages.success(request, "到场时间已核定")
    return redirect("plants:inspection", number=number)


@login_required
@require_safe
def attachment(request, number, pk):
    """A photograph, to who may see the inspection."""
    found = selectors.attachment_to_see(request.user, number, pk)
    response = FileResponse(attachments.open_file(found), content_type=found.content_type, filename=found.name, as_attachment=found.content_type == "application/pdf")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@login_required
@require_safe
def records(request):
    """Every inspection that one may see, newest first."""
    _require_sight(request.user)
    filters = selectors.Filters.read(request.GET)
    if request.GET.get("format") == "xlsx":
        return exports.answer(request.user, long_lists.INSPECTIONS, request.GET, at=clock.now())
    context = {
        "at": clock.now(), "page": selectors.listing(request.user, filters, cursor=request.GET.get("cursor")), "filters": filters, "tab": "records",
        "modes": InspectionMode.choices, "streets": selectors.streets(request.user), "may_inspect": _may_inspect(request.user),
    }  # fmt: skip
    return render(request, "plants/inspections/records.html", context)


@login_required
@require_safe
def assessment(request):
    """The season's assessment of the companies, from the joint inspections."""
    _require_sight(request.user)
    at = clock.now()
    rows = selectors.assessment(request.user, at=at)
    if request.GET.get("format") == "xlsx":
        subjects = [subject for subject, _ in rows[0]["means"]] if rows else []
        lines = [[row["company"].name if row["company"] else "", row["visits"], *[round(mean, 1) for _, mean in row["means"]], round(row["mean"], 1), row["grade"]] for row in rows]
        columns = [("企业", 26), ("次数", 8), *[(subject, 12) for subject in subjects], ("平均", 10), ("等次", 10)]
        return workbook.response("联合检查考核", Table("考核", columns, lines, ("采暖季联合检查考核（D1.5）",)))
    return render(request, "plants/inspections/assessment.html", {"at": at, "rows": rows, "tab": "assessment"})
