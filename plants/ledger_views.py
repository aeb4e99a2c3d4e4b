"""Pages of the problem ledger: the list with its close-out, one finding with its acts, entering one by hand."""

from datetime import date, datetime, time

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import attachments, civil, clock, journal
from core.errors import Forbidden, NotFound, PortalError
from core.fields import Moment, blame, status_of
from core.workbook import Sheet, response
from deadlines import deciding, proof
from deadlines import season as seasons
from deadlines.models import Standing
from deadlines.obligation_forms import Files
from plants import ledger
from plants import ledger_selectors as selectors
from plants.models import Community, Finding, Plant, Severity
from units import access
from units import selectors as units

VERDICTS = {"approve": "已销号", "refuse": "已退回整改", "reopen": "已重新打开"}
NAMES = {"found": "发现", "report": "报告整改", "approve": "核验销号", "refuse": "核验未通过", "reopen": "重新打开", "drop": "不再要求", "extend": "延期"}


class RectifyForm(forms.Form):
    """What was done about it."""

    achieved_at = Moment(label="整改完成时间")
    note = forms.CharField(label="整改情况", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    files = Files(label="整改照片或材料")


class NoteForm(forms.Form):
    """The verifier's word."""

    note = forms.CharField(label="意见", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class ExtendForm(forms.Form):
    """More time, and why."""

    due_on = forms.DateField(label="延至", widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.CharField(label="延期理由", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class FindingForm(forms.Form):
    """A problem entered by hand."""

    title = forms.CharField(label="问题", max_length=200)
    place = forms.CharField(label="地点", required=False, max_length=60, help_text="厂站或小区的名称、代码，可从提示中选；不在底册中的写在问题里", widget=forms.TextInput(attrs={"list": "places", "autocomplete": "off"}))
    unit = forms.ModelChoiceField(None, label="责任单位", to_field_name="code", empty_label="请选择")
    severity = forms.ChoiceField(label="等级", choices=Severity.choices)
    due_on = forms.DateField(label="整改期限", widget=forms.DateInput(attrs={"type": "date"}))
    measure = forms.CharField(label="整改要求", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    files = Files(label="现场照片或材料")


@login_required
@require_safe
def ledger_list(request):
    """The ledger, and how much of it is closed out."""
    at = clock.now()
    if request.GET.get("format") == "xlsx":
        return _sheet(selectors.narrowed(request.user, request.GET, at=at).order_by("-found_at", "-id")[:20_000], at)
    found = selectors.listing(request.user, request.GET, at=at)
    context = {
        "page": found, "rows": [{"item": item, "is_late": item.is_late(at)} for item in found.rows], "at": at, "params": request.GET, "state": request.GET.get("state", "open"),
        "streets": selectors.streets_of(request.user), "seasons": seasons.every(), "active": seasons.active(at), "states": selectors.STATES, "units": selectors.units_of(request.user), "severities": Severity.choices, "sources": Finding.Source.choices,
        "by_unit": selectors.by_unit(request.user, at=at), "may_enter": _finder(request.user) is not None,
    }  # fmt: skip
    return render(request, "plants/ledger/list.html", context)


def _sheet(found, at):
    columns = [("编号", 16), ("问题", 40), ("等级", 8), ("来源", 12), ("责任单位", 18), ("地点", 24), ("街道", 14), ("发现", 18), ("发现单位", 16), ("期限", 18), ("状态", 10), ("是否超时", 10), ("整改完成", 18), ("整改情况", 40), ("核验单位", 16), ("销号", 18), ("重开次数", 8)]
    rows = (
        (one.number, one.title, one.get_severity_display(), one.get_source_display(), str(one.unit), str(one.plant or one.community or ""), str(one.street or ""), one.found_at,
         str(one.found_unit), one.due_at, _state(one), one.is_late(at), one.achieved_at, one.note, str(one.verifier), one.verified_at, one.attempt - 1)
        for one in found
    )  # fmt: skip
    return response("问题台账", Sheet("问题台账", columns, rows, above=("问题台账", f"截至 {civil.spoken(at)}")))


def _state(one: Finding) -> str:
    return {Standing.OPEN: "整改中", Standing.REPORTED: "待核验", Standing.VERIFIED: "已销号", Standing.DROPPED: "不再要求"}[Standing(one.standing)]


def _finder(user):
    """The unit in whose name somebody may enter a finding: anybody who works or inspects for a unit of the plan, a company its own."""
    unit = access.home_unit(user)
    held = access.unit_ids(user, access.HANDLE_TICKETS) | access.unit_ids(user, access.INSPECT)
    return unit if unit is not None and unit.pk in held else None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request):
    """A problem that somebody found."""
    finder = _finder(request.user)
    if finder is None:
        raise Forbidden("您无权登记问题")
    at = clock.now()
    form = FindingForm(request.POST or None, request.FILES or None)
    form.fields["unit"].queryset = units.owners_for(request.user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = form.cleaned_data
            source = Finding.Source.PATROL if access.is_company(request.user) else Finding.Source.OTHER
            try:
                place = selectors.place_named(request.user, said["place"]) if said["place"] else None
                found = ledger.Found(
                    title=said["title"], unit=said["unit"], due_at=_end_of(said["due_on"]), severity=said["severity"], measure=said["measure"],
                    plant=place if isinstance(place, Plant) else None, community=place if isinstance(place, Community) else None,
                    street=finder if finder.kind == "street" else selectors.street_of(place) if place else None,
                )  # fmt: skip
                item = ledger.open_finding(found, source=source, unit=finder, by=str(request.user), files=tuple(said["files"] or ()), actor=request.user, at=at)
            except PortalError as fault:
                blame(form, fault)
                status = status_of(fault)
            else:
                messages.success(request, f"已登记：{item.number}")
                return redirect(item)
    return render(request, "plants/ledger/enter.html", {"form": form, "places": selectors.places_of(request.user)}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def finding(request, number):
    """One finding: rectified by who owes it, closed out by another."""
    at = clock.now()
    item = selectors.finding_to_see(request.user, number)
    form = RectifyForm(request.POST or None, request.FILES or None, initial={"achieved_at": civil.localize(at)})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            proof.report(item, achieved_at=said["achieved_at"], note=said["note"], files=tuple(said["files"] or ()), actor=request.user, at=at)
        except PortalError as fault:
            if fault.status not in (400, 409):
                raise
            blame(form, fault)
            return _page(request, item, at=at, form=form, status=status_of(fault))
        messages.success(request, f"已报告，等待{item.verifier}核验")
        return redirect(item)
    return _page(request, item, at=at, form=form, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def extend(request, number):
    """The verifier gives more time."""
    at = clock.now()
    item = selectors.finding_to_see(request.user, number)
    form = ExtendForm(request.POST)
    if not form.is_valid():
        return _page(request, item, at=at, extend_form=form, status=422)
    try:
        ledger.extend(item, due_at=_end_of(form.cleaned_data["due_on"]), reason=form.cleaned_data["reason"], actor=request.user, at=at)
    except PortalError as fault:
        if fault.status not in (400, 409):
            raise
        blame(form, fault)
        return _page(request, item, at=at, extend_form=form, status=status_of(fault))
    messages.success(request, f"整改期限已延至 {civil.spoken(item.due_at)}")
    return redirect(item)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), tzinfo=civil.SHANGHAI)


def _page(request, item, *, at, form=None, extend_form=None, note_form=None, status: int = 200):
    may_verify = proof.may_verify(request.user, item)
    context = {
        "item": item, "at": at, "form": form or RectifyForm(initial={"achieved_at": civil.localize(at)}), "note_form": note_form or NoteForm(),
        "extend_form": extend_form or ExtendForm(), "is_late": item.is_late(at), "state": _state(item), "found_by": selectors.found_by(request.user, item), "files": attachments.of(item),
        "history": [(entry, NAMES.get(entry.act, entry.act)) for entry in journal.of(item)],
        "may_report": item.standing == Standing.OPEN and proof.may_report(request.user, item),
        "may_extend": item.standing == Standing.OPEN and may_verify and item.due_at >= at,
        "may_verify": item.standing == Standing.REPORTED and may_verify and item.reported_by_id != request.user.pk,
        "may_reopen": item.standing == Standing.VERIFIED and may_verify,
    }  # fmt: skip
    return render(request, "plants/ledger/finding.html", context, status=status)


@login_required
@require_POST
def verdict(request, number, name):
    """Close out, refuse, or open again under the same number."""
    at = clock.now()
    item = selectors.finding_to_see(request.user, number)
    if name not in VERDICTS:
        raise NotFound
    form = NoteForm(request.POST)
    status = deciding.refused(item, name, form, actor=request.user, at=at)
    if status is not None:
        return _page(request, item, at=at, note_form=form, status=status)
    messages.success(request, VERDICTS[name])
    return redirect(item)


@login_required
@require_safe
def file(request, number, key):
    """A photo of it, for whoever may see the finding."""
    item = selectors.finding_to_see(request.user, number)
    found = attachments.of(item).filter(pk=key).first()
    if found is None:
        raise NotFound
    answer = FileResponse(attachments.open_file(found), content_type=found.content_type)
    answer.headers["Content-Disposition"] = "inline"
    return answer
