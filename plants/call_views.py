"""Pages of spot-check calls: the bureau's list with what is to be called, a company's own results."""

from datetime import date, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from core import civil, clock, workbook
from core.errors import Forbidden, PortalError
from core.fields import blame, status_of
from core.paging import page
from core.workbook import Public, Sheet
from plants import duty_selectors as selectors
from plants import spot_calls
from plants.call_forms import Told, Unplanned
from plants.models import CallResult

MADE = [("passed", "通过"), ("failed", "未通过"), *CallResult.choices]
UNMADE = [("open", "未拨打"), ("missed", "到点未拨")]  # for the district's eyes only


def _asked(request, at) -> tuple[dict, dict]:
    """The filters as the address has them, and as the selector takes them. Without dates: the last four weeks and what is to come."""
    given = {name: request.GET.get(name, "") for name in ("company", "result", "time", "since", "until")}
    days = {}
    for name in ("since", "until"):
        days[name] = _day(given[name])
    if days["since"] is None:
        days["since"] = civil.day_of(at) - timedelta(days=28)
        given["since"] = days["since"].isoformat()
    return given, {**given, **days}


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2100 else None


@login_required
@require_safe
def call_list(request):
    """The calls that fit, and the pass rate of each company over them, with numerator and denominator."""
    return _list_page(request)


def _list_page(request, status: int = 200, form=None):
    at = clock.now()
    given, asked = _asked(request, at)
    found = selectors.calls(request.user, at=at, **asked)
    companies = selectors.companies_to_see(request.user)
    may_call = selectors.may_call(request.user)
    context = {
        "at": at, "given": given, "page": page(found, order=("-planned_at", "-id"), cursor=request.GET.get("cursor")), "companies": companies,
        "rates": spot_calls.rates(found, companies, at=at), "results": [*MADE, *(UNMADE if selectors.watches(request.user) else [])], "watches": selectors.watches(request.user), "may_call": may_call,
        "due": selectors.calls(request.user, at=at, result="missed").order_by("planned_at")[:20] if may_call else [],
        "missing": selectors.without_number(request.user, civil.day_of(at)), "rules": spot_calls.rules(at), "tab": "calls",
        "form": form or (Unplanned(phones=selectors.callable_phones()) if may_call else None),
    }  # fmt: skip
    return render(request, "plants/calls/list.html", context, status=status)


@login_required
@require_safe
def call_page(request, pk):
    """One call: what to dial, and what became of it."""
    return _page(request, selectors.call_to_see(request.user, pk, at=clock.now()))


def _page(request, call, status: int = 200, form=None):
    at = clock.now()
    may_tell = selectors.may_call(request.user) and call.called_at is None and call.planned_at <= at
    context = {"call": call, "at": at, "form": form or (Told() if may_tell else None), "may_tell": may_tell, "watches": selectors.watches(request.user), "tab": "calls"}
    if context["watches"]:
        context["history"] = selectors.history(call)
    return render(request, "plants/calls/call.html", context, status=status)


@login_required
@require_POST
def tell(request, pk):
    """What became of a call."""
    at = clock.now()
    call = selectors.call_to_make(request.user, pk, at=at)
    form = Told(request.POST)
    if form.is_valid():
        try:
            call = spot_calls.tell(call, actor=request.user, at=at, **form.cleaned_data)
        except PortalError as fault:
            blame(form, fault)
            return _page(request, call, status_of(fault), form)
        said = "通过" if call.is_passed else f"未通过，已列入问题台账 {call.finding.number}，并标为通报候选"
        messages.success(request, f"{call.company} {call.number}：{said}")
        return redirect("plants:calls")
    return _page(request, call, 422, form)


@login_required
@require_POST
def call_now(request):
    """A call out of turn."""
    at = clock.now()
    if not selectors.may_call(request.user):
        raise Forbidden("电话抽查由区城管执法局人员拨打")
    form = Unplanned(request.POST, phones=selectors.callable_phones())
    if form.is_valid():
        try:
            call = spot_calls.call_unplanned(form.cleaned_data["phone"], actor=request.user, at=at)
        except PortalError as fault:
            blame(form, fault)
            return _list_page(request, status_of(fault), form)
        return redirect("plants:call", pk=call.pk)
    return _list_page(request, 422, form)


@login_required
@require_safe
def call_export(request):
    """The calls that fit as a workbook, with the pass rates."""
    at = clock.now()
    _, asked = _asked(request, at)
    found = selectors.calls(request.user, at=at, **asked)
    companies = selectors.companies_to_see(request.user)
    rates = [[one.company.name, one.passed, one.made, one.spoken, one.passed_by_night, one.made_by_night, one.unmade] for one in spot_calls.rates(found, companies, at=at)]
    calls = [
        [
            call.company.name, Public(call.number), call.planned_at, "夜间" if call.is_night else "白天", call.called_at, call.get_result_display() or "未拨打", call.rings,
            call.rings_limit, "" if call.is_passed is None else "通过" if call.is_passed else "未通过", call.is_candidate, call.finding.number if call.finding else "", call.note,
        ]
        for call in found[: workbook.MOST]
    ]  # fmt: skip
    of_calls = [("企业", 26), ("号码", 18), ("计划时间", 18), ("时段", 8), ("拨打时间", 18), ("结果", 12), ("响铃", 8), ("限", 6), ("是否通过", 10), ("通报候选", 10), ("问题台账", 18), ("说明", 30)]
    of_rates = [("企业", 26), ("通过", 8), ("已拨", 8), ("通过率", 10), ("夜间通过", 10), ("夜间已拨", 10), ("到点未拨", 10)]
    return workbook.response("电话抽查", Sheet("通过率", of_rates, rates, ("通过率＝几声之内接通的次数 ÷ 已拨次数（I15）",)), Sheet("抽查记录", of_calls, calls))
