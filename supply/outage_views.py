"""Pages of outages: the list, one with its promises and passages, the forms for the phone, and damage to pipes."""

from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from core import attachments, civil, clock, workbook
from core.htmx import render_part
from supply import damage, outages
from supply import outage_forms as forms
from supply import outage_selectors as selectors
from supply.acting import act
from supply.damage import Damage
from supply.models import Outage
from supply.outages import Area, Interruption
from units import access

FORM_METHODS = ["GET", "POST"]


@login_required
@require_safe
def outage_list(request):
    """Outages, newest first, with what is promised and what is late."""
    at = clock.now()
    user = request.user
    filters = selectors.Filters.read(request.GET)
    context = {
        "at": at, "page": selectors.pages(user, filters, at=at, cursor=request.GET.get("cursor")), "filters": filters,
        "totals": selectors.totals(user, at=at), "companies": selectors.companies_seen(user), "streets": selectors.streets(),
        "states": Outage.State.choices, "waiting": selectors.passages_waiting(user), "counts_cases": selectors.counts_cases(user),
        "may_report": selectors.companies_to_report(user).exists(), "may_report_damage": selectors.streets_to_report(user).exists(),
    }  # fmt: skip
    return render_part(request, "supply/outages/list.html", "supply/outages/_list.html", context)


@login_required
@require_safe
def outage_export(request):
    """The list as a spreadsheet."""
    at = clock.now()
    user = request.user
    filters = selectors.Filters.read(request.GET)
    counts = selectors.counts_cases(user)
    rows = [
        [one.number, one.company.short_name, one.get_nature_display(), one.get_effect_display(), one.get_state_display(), one.place,
         "、".join(map(str, one.areas.all())), one.households, one.cause, one.started_at, one.expected_at, one.restored_at,
         "是" if one.is_late(at) else "", one.result, *([one.case_count] if counts else [])]
        for one in selectors.listing(user, filters, at=at).order_by(*selectors.NEWEST)[: workbook.MOST]
    ]  # fmt: skip
    columns = [
        ("编号", 20), ("企业", 18), ("性质", 10), ("影响", 10), ("状态", 10), ("地点", 26), ("范围", 36), ("户数", 8), ("原因", 26), ("开始", 18), ("预计恢复", 18),
        ("实际恢复", 18), ("逾期", 6), ("结果", 30), *([("关联工单", 10)] if counts else []),
    ]  # fmt: skip
    return workbook.response("抢修停热", workbook.Sheet("抢修停热", columns, rows, ("抢修停热", f"截至 {civil.spoken(at)}")))


@login_required
@require_safe
def outage_page(request, number):
    """One outage."""
    at = clock.now()
    found = selectors.outage_to_see(request.user, number)
    details = selectors.details_of(request.user, found)
    context = {
        "at": at, "one": found, "details": details, "is_late": found.is_late(at), "may_handle": outages.may_report(request.user, found.company),
        "may_supervise": access.everywhere(request.user, access.SUPERVISE), "answers": {row.pk for row in details.passages if outages.may_answer(request.user, row)},
        "public": [outages.public_text(area, at=at) for area in details.areas[:1]] if found.state == Outage.State.OPEN else [],
    }  # fmt: skip
    return render(request, "supply/outages/outage.html", context)


@login_required
@require_http_methods(FORM_METHODS)
def new_outage(request):
    """Report an outage, from the trench if need be."""
    at = clock.now()
    companies = selectors.companies_to_report(request.user)
    if not companies.exists():
        access.require(request.user, access.SUPERVISE)
    form = forms.OutageForm(request.POST or None, initial={"started_at": at}, companies=companies, communities=selectors.communities_of(companies))

    def do(said):
        areas = tuple(Area(community, said["buildings"]) for community in said["communities"])
        told = Interruption(
            place=said["place"], cause=said["cause"], areas=areas, started_at=said["started_at"], expected_at=said["expected_at"], nature=said["nature"],
            effect=said["effect"], households=said["households"],
        )  # fmt: skip
        return outages.report(said["company"], told, actor=request.user, at=at)

    return act(
        request, form, do, title="登记抢修停热", back="/outages/", said="已登记，街道已收到通知", button="登记并告知", to=lambda made: made.get_absolute_url(),
        draft="outage", help_text="预计恢复时间就是对居民的承诺，到时未恢复即为逾期；有变化请尽早变更（I14）。",
    )  # fmt: skip


@login_required
@require_http_methods(FORM_METHODS)
def new_promise(request, number):
    """Another expected restoration."""
    found = selectors.outage_to_handle(request.user, number)
    form = forms.PromiseForm(request.POST or None, initial={"expected_at": found.expected_at})

    def do(said):
        outages.promise(found, **said, actor=request.user, at=clock.now())

    return act(request, form, do, title="变更预计恢复", back=found.get_absolute_url(), said="已变更，街道已收到通知", button="变更并告知",
               help_text=f"现为 {civil.spoken(found.expected_at)}。到时之前变更的，时限顺延；到时之后变更的，原逾期保留。")  # fmt: skip


@login_required
@require_http_methods(FORM_METHODS)
def restore(request, number):
    """The heat is back."""
    found = selectors.outage_to_handle(request.user, number)
    form = forms.RestoreForm(request.POST or None)

    def do(said):
        outages.restore(found, **said, actor=request.user, at=clock.now())

    return act(request, form, do, title="恢复供热", back=found.get_absolute_url(), said="已登记恢复，街道已收到通知", button="恢复供热",
               help_text="关联的工单不随之销号，仍按各自时限办理、测温、回访。")  # fmt: skip


@login_required
@require_http_methods(FORM_METHODS)
def make_void(request, number):
    """It was no outage."""
    found = selectors.outage_to_supervise(request.user, number)
    form = forms.ReasonForm(request.POST or None)

    def do(said):
        outages.make_void(found, reason=said["reason"], actor=request.user, at=clock.now())

    return act(request, form, do, title="作废登记", back=found.get_absolute_url(), said="已作废", button="作废")


@login_required
@require_http_methods(FORM_METHODS)
def new_passage(request, number):
    """Ask the traffic police for passage."""
    at = clock.now()
    found = selectors.outage_to_handle(request.user, number)
    form = forms.PassageForm(request.POST or None, initial={"window_from": at})

    def do(said):
        return outages.request_passage(found, **said, actor=request.user, at=at)

    return act(request, form, do, title="申请抢修车辆通行", back=found.get_absolute_url(), said="已送公安交管未央大队", button="申请",
               help_text="送公安交管未央大队，限时回执（D15）。")  # fmt: skip


@login_required
@require_http_methods(FORM_METHODS)
def answer_passage(request, number, pk):
    """The traffic police acknowledge."""
    found = selectors.passage_to_answer(request.user, number, pk)
    form = forms.PassageAnswerForm(request.POST or None)

    def do(said):
        outages.answer_passage(found, **said, actor=request.user, at=clock.now())

    return act(request, form, do, title=f"通行回执 · {found.plate}", back=found.outage.get_absolute_url(), said="已回执，企业已收到通知", button="回执",
               help_text=f"{found.route}；{civil.spoken(found.window_from)} 至 {civil.spoken(found.window_until)}")  # fmt: skip


# ---------------------------------------------------------------- damage


@login_required
@require_safe
def damage_list(request):
    """Damage reports, newest first, narrowed by street, state and days."""
    at = clock.now()
    given, narrowed = _narrowed_damages(request)
    context = {
        "at": at, "rows": list(selectors.damages_narrowed(request.user, **narrowed)[:200]), "given": given, "states": selectors.DAMAGE_STATES,
        "streets": selectors.reporting_streets(request.user), "may_report": selectors.streets_to_report(request.user).exists(),
    }  # fmt: skip
    return render(request, "supply/outages/damages.html", context)


def _narrowed_damages(request) -> tuple[dict, dict]:
    """How the list is narrowed, as typed and as meant. Invalid (since, until)."""
    given = {name: request.GET.get(name, "")[:64] for name in ("street", "state", "since", "until")}
    days = {name: civil.day_given(given[name], field=name) for name in ("since", "until")}
    return given, {"street": given["street"], "state": given["state"], **days}


@login_required
@require_safe
def damage_export(request):
    """Damage reports as a spreadsheet."""
    at = clock.now()
    rows = [
        [one.number, one.street.short_name, one.found_at, one.place, str(one.community or ""), str(one.company or ""), one.what, one.is_stopped,
         "；".join(f"{row.unit} {civil.spoken(row.received_at) if row.received_at else '未回执'}" for row in one.receipts.all()), one.finding.number if one.finding else ""]
        for one in selectors.damages_narrowed(request.user, **_narrowed_damages(request)[1])[: workbook.MOST]
    ]  # fmt: skip
    columns = [("编号", 20), ("街道", 14), ("发现时间", 18), ("地点", 26), ("小区", 18), ("企业", 18), ("情况", 40), ("已制止", 8), ("回执", 36), ("台账", 16)]
    return workbook.response("管网损毁报告", workbook.Sheet("管网损毁报告", columns, rows, ("管网损毁报告", f"截至 {civil.spoken(at)}")))


@login_required
@require_safe
def damage_page(request, number):
    """One damage report with its receipts."""
    at = clock.now()
    found = selectors.damage_to_see(request.user, number)
    clocks = selectors.clocks_of(found)
    receipts = [{"row": row, "clock": clocks.get(row.pk), "may_confirm": damage.may_confirm(request.user, row)} for row in found.receipts.all()]
    return render(request, "supply/outages/damage.html", {"at": at, "one": found, "receipts": receipts, "files": list(attachments.of(found))})


@login_required
@require_http_methods(FORM_METHODS)
def new_damage(request):
    """A street reports damage to pipes."""
    at = clock.now()
    streets = selectors.streets_to_report(request.user)
    street = streets.first()
    if street is None:
        access.require(request.user, access.INSPECT, None)
    form = forms.DamageForm(
        request.POST or None, request.FILES or None, initial={"found_at": at}, communities=selectors.communities_in(streets), companies=selectors.heating_companies()
    )

    def do(said):
        photo = said.pop("photo")
        return damage.report(street, Damage(**said), files=[photo] if photo else [], actor=request.user, at=at)

    return act(
        request, form, do, title="报告管网损毁", back="/outages/damage/", said="已报公安未央分局和区城管执法局", button="上报", to=lambda made: made.get_absolute_url(),
        draft="damage", has_files=True, help_text="先制止、再上报（E10）。公安未央分局和区城管执法局各须限时回执。",
    )  # fmt: skip


@login_required
@require_http_methods(FORM_METHODS)
def confirm_damage(request, number, pk):
    """A receipt."""
    found = selectors.receipt_to_confirm(request.user, number, pk)
    form = forms.ConfirmForm(request.POST or None)

    def do(said):
        damage.confirm(found, note=said["note"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"回执 · {found.report.number}", back=found.report.get_absolute_url(), said="已回执，街道已收到通知", button="回执")


@login_required
@require_safe
def damage_file(request, number, pk):
    """A photo of a damage report."""
    found = selectors.file_to_see(request.user, number, pk)
    response = FileResponse(attachments.open_file(found), content_type=found.content_type, filename=found.name, as_attachment=found.content_type == "application/pdf")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
