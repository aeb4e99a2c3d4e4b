"""Pages of room temperatures: the list, one reading with what followed, measuring, and the instruments."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from core import attachments, civil, clock, journal
from core.errors import Forbidden, NotFound, PortalError
from core.fields import blame, status_of
from core.workbook import MOST, Sheet, response
from plants import long_lists, refunds, temperatures
from plants import temperature_selectors as selectors
from plants.home_forms import InstrumentForm, TemperatureForm
from units import access, exports


def require_sight(user) -> None:
    """Forbidden for whoever sees no work at all."""
    if not (access.unit_ids(user, access.SEE_WORK) or access.unit_ids(user, access.INSPECT)):
        raise Forbidden("您无权查看")


@login_required
@require_safe
def temperature_list(request):
    """The readings of a time, and how the communities stand."""
    require_sight(request.user)
    at = clock.now()
    limits = temperatures.standards(at)
    filters = selectors.Filters.read(request.GET, today=civil.day_of(at))
    found = selectors.narrowed(request.user, filters, limits)
    if request.GET.get("format") == "xlsx":
        return exports.answer(request.user, long_lists.TEMPERATURES, request.GET, at=at)
    companies, streets = selectors.filter_units(request.user)
    context = {
        "at": at, "limits": limits, "filters": filters, "page": selectors.listing(request.user, filters, limits, cursor=request.GET.get("cursor")),
        "totals": selectors.totals(found, limits), "waiting": selectors.waiting(found, limits).count(), "communities": selectors.by_community(found, limits)[:30], "bands": selectors.BANDS, "states": selectors.STATES,
        "companies": companies, "streets": streets, "may_measure": selectors.communities_for(request.user).exists(),
    }  # fmt: skip
    return render(request, "plants/temperatures/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def measure(request):
    """Enter a measurement, or measure again what was too cold (?of=)."""
    at = clock.now()
    communities = selectors.communities_for(request.user)
    if not communities.exists():
        raise Forbidden("您无权登记测温")
    of = request.GET.get("of", "")
    again = selectors.to_see(request.user, int(of)) if of.isascii() and of.isdigit() and len(of) < 19 else None
    initial = {"measured_at": civil.localize(at), "community": request.GET.get("community", "").replace("\x00", "")[:64]}
    if again is not None:
        initial |= {"community": again.community.code if again.community else "", "building": again.building, "room": again.room, "point": again.point}
    form = TemperatureForm(
        request.POST or None, request.FILES or None, initial=initial, communities=communities, devices=selectors.own_instruments(request.user)
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = form.cleaned_data
            try:
                row = temperatures.measure(
                    said["community"], form.reading(), measured_at=said["measured_at"], again=again, photos=tuple(said["photos"] or ()), actor=request.user, at=at
                )
            except PortalError as fault:
                blame(form, fault)
                status = status_of(fault)
            else:
                messages.success(request, f"已登记：{row.room} {row.celsius.normalize():f} ℃" + (f"，已列入问题台账 {row.finding.number}" if row.finding and not again else ""))
                return redirect(row)
    return render(request, "plants/temperatures/measure.html", {"form": form, "again": again, "at": at}, status=status)


@login_required
@require_safe
def reading(request, pk):
    """One reading, what measured it again, and what a refund would come to."""
    at = clock.now()
    row = selectors.to_see(request.user, pk)
    later = selectors.later(row)
    context = {
        "row": row, "at": at, "limits": temperatures.standards(row.measured_at), "later": later, "files": attachments.of(row), "history": list(journal.of(row)),
        "refund": refunds.propose(row, later, today=civil.day_of(at)) if row.remeasures_id is None else None,
        "may_measure": row.community is not None and row.remeasures_id is None and temperatures.unit_measuring(request.user, row.community) is not None,
    }  # fmt: skip
    return render(request, "plants/temperatures/reading.html", context)


@login_required
@require_safe
def photo(request, pk, key):
    """A picture of a measurement."""
    found = attachments.of(selectors.to_see(request.user, pk)).filter(pk=key).first()
    if found is None:
        raise NotFound
    answer = FileResponse(attachments.open_file(found), content_type=found.content_type)
    answer.headers["Content-Disposition"] = "inline"
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def instruments(request):
    """The instruments, and until when their calibration holds."""
    require_sight(request.user)
    at = clock.now()
    unit = access.home_unit(request.user)
    held = access.unit_ids(request.user, access.HANDLE_TICKETS) | access.unit_ids(request.user, access.INSPECT)
    may_keep = unit is not None and unit.pk in held
    form, status = InstrumentForm(request.POST or None), 200
    if request.method == "POST":
        if not may_keep:
            raise Forbidden("只能登记本单位的仪器")
        status = 422
        if form.is_valid():
            try:
                temperatures.keep_instrument(unit, **form.cleaned_data, actor=request.user, at=at)
            except PortalError as fault:
                blame(form, fault)
                status = status_of(fault)
            else:
                messages.success(request, "仪器已登记")
                return redirect("plants:instruments")
    given = {name: request.GET.get(name, "")[:64] for name in ("unit", "state")}
    today = civil.day_of(at)
    found = selectors.instruments(request.user, **given, day=today)
    if request.GET.get("format") == "xlsx":
        rows = [
            [one.unit.short_name, one.name, one.number, one.calibrated_on, one.calibrated_until,
             "未登记" if one.calibrated_until is None else "有效" if one.calibrated_until >= today else "已过期"]
            for one in found[:MOST]
        ]  # fmt: skip
        columns = [("单位", 20), ("仪器", 20), ("编号", 20), ("检定日期", 12), ("有效期至", 12), ("检定", 10)]
        return response("测温仪器", Sheet("测温仪器", columns, rows, ("测温仪器与检定", f"截至 {civil.spoken(at)}")))
    context = {
        "rows": found[:500], "form": form, "may_keep": may_keep, "today": today, "given": given, "states": selectors.INSTRUMENT_STATES,
        "units": selectors.instrument_units(request.user),
    }  # fmt: skip
    return render(request, "plants/temperatures/instruments.html", context, status=status)
