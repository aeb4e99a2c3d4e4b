"""Pages of daily reports: a company's form, the bureau's day and matrix, and the compiled report for the city."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import civil, clock
from core.errors import Forbidden, NotFound, PortalError
from core.fields import blame, status_of
from core.workbook import Sheet, response
from supply import report_selectors as selectors
from supply import reports
from units import access

MATRIX_DAYS = 14
NUMBER = {"inputmode": "decimal", "autocomplete": "off"}


class ReportForm(forms.Form):
    """A company's figures of a day; units stand beside the fields."""

    boilers_running = forms.IntegerField(label="锅炉运行（台）", min_value=0, max_value=10_000, widget=forms.NumberInput(attrs=NUMBER))
    capacity_mw = forms.DecimalField(label="供热能力（MW）", min_value=0, max_digits=9, decimal_places=2, widget=forms.NumberInput(attrs=NUMBER))
    gas_used_m3 = forms.DecimalField(label="天然气消耗（m³/日）", min_value=0, max_digits=12, decimal_places=0, widget=forms.NumberInput(attrs=NUMBER))
    gas_demand_m3 = forms.DecimalField(label="天然气需求（m³/日）", min_value=0, max_digits=12, decimal_places=0, widget=forms.NumberInput(attrs=NUMBER))
    gas_supply_m3 = forms.DecimalField(label="天然气供应（m³/日）", min_value=0, max_digits=12, decimal_places=0, widget=forms.NumberInput(attrs=NUMBER))
    gas_gap_m3 = forms.DecimalField(label="天然气缺口（m³/日）", min_value=0, max_digits=12, decimal_places=0, widget=forms.NumberInput(attrs=NUMBER))
    measures = forms.CharField(label="采取的应急措施", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    is_zero = forms.BooleanField(label="零报告（运行正常，无其他情况）", required=False)
    confirmation = forms.CharField(label="情况说明", max_length=300, required=False, help_text="数字与前一日、台账或供需不符时，核对无误后在此说明")
    reason = forms.CharField(label="更正原因", max_length=300, required=False, help_text="已报送过的，更正须写原因")

    def __init__(self, *args, before=None, is_revision: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        if not is_revision:
            del self.fields["reason"]
        for name in reports.FIGURES:
            if before is not None:
                self.fields[name].widget.attrs["placeholder"] = f"前一日 {getattr(before, name):,.0f}"


@login_required
@require_safe
def board(request):
    """A day by company with totals and coverage; who is missing; the fortnight before."""
    at = clock.now()
    day = selectors.day_named(request.GET.get("day"), at=at)
    found = selectors.summary(request.user, day, at=at)
    if request.GET.get("format") == "xlsx":
        return _sheet(found)
    days = selectors.gas_days(request.user, since=day - timedelta(days=MATRIX_DAYS - 1), until=day, at=at)
    context = {
        "summary": found, "day": day, "at": at, "before": day - timedelta(days=1), "after": day + timedelta(days=1), "days": days, "chart": chart_of(days),
        "matrix": _matrix(days), "own": list(reports_own(request.user)), "may_chase": access.everywhere(request.user, access.SUPERVISE),
    }  # fmt: skip
    return render(request, "supply/reports/board.html", context)


def reports_own(user):
    """The companies for which somebody reports."""
    return [company for company in selectors.companies(user) if reports.may_report(user, company)]


def _matrix(days) -> list:
    rows: dict = {}
    for summary in days:
        for row in summary.rows:
            rows.setdefault(row.due.company, {})[summary.day] = row
    return [(company, [cells.get(summary.day) for summary in days]) for company, cells in rows.items()]


def chart_of(days) -> dict:
    """Demand, supply and gap by day, m³; a day that nobody reported is a gap in the line and no zero."""

    def values(name):
        return [None if one.totals[name] is None else int(one.totals[name]) for one in days]

    return {
        "kind": "bar", "labels": [f"{one.day.month}.{one.day.day}" for one in days], "unit": "",
        "series": [{"name": "实际用量 m³", "values": values("gas_used_m3"), "tone": "light"}, {"name": "缺口 m³", "values": values("gap"), "tone": "red"}],
    }  # fmt: skip


def _sheet(found):
    columns = [("企业", 20), ("状态", 10), ("锅炉运行 台", 12), ("供热能力 MW", 12), ("天然气消耗 m³", 14), ("需求 m³", 14), ("供应 m³", 14), ("申报缺口 m³", 14), ("核算缺口 m³", 14), ("应急措施", 40), ("情况说明", 30), ("版本", 6), ("报送时间", 18)]
    rows = [
        [str(row.due.company), row.name, *([getattr(row.report, name) for name in reports.FIGURES] + [row.report.gap_m3, row.report.measures, row.report.confirmation, row.report.version, row.report.reported_at] if row.report else [])]
        for row in found.rows
    ]  # fmt: skip
    rows.append([f"合计（{found.coverage}）", "", *[found.totals[name] for name in reports.FIGURES], found.totals["gap"]])
    return response(f"供热日报-{found.day}", Sheet("供热日报", columns, rows, above=(f"{found.day} 供热日报", f"已报 {found.coverage}；未报的不当作零")))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def company_day(request, day, code):
    """A company's report of a day: the form for itself, every version for who may see it."""
    at = clock.now()
    when = selectors.day_named(day, at=at)
    company = selectors.company_to_see(request.user, code)
    due = selectors.due_to_see(request.user, company, when)
    versions = list(selectors.versions_of(due)) if due else []
    may = reports.may_report(request.user, company)
    before = selectors.yesterday_of(company, when)
    form = ReportForm(before=before, is_revision=bool(versions), initial=_initial(versions))
    status = 200
    if request.method == "POST":
        form = ReportForm(request.POST, before=before, is_revision=bool(versions))
        status = 422
        if form.is_valid():
            said = form.cleaned_data
            try:
                reports.submit(company, when, reports.Figures(**{**said, "reason": said.get("reason", "")}), actor=request.user, at=at)
            except PortalError as fault:
                if isinstance(fault, Forbidden):
                    raise
                blame(form, fault)
                status = status_of(fault)
            else:
                messages.success(request, f"已报送 {when} 日报")
                return redirect("supply:report", day=day, code=code)
    context = {"company": company, "day": when, "due": due, "versions": versions, "form": form if may else None, "at": at, "before": before}
    return render(request, "supply/reports/company.html", context, status=status)


def _initial(versions) -> dict:
    if not versions:
        return {}
    last = versions[0]
    return {**{name: getattr(last, name) for name in reports.FIGURES}, "measures": last.measures, "is_zero": last.is_zero, "confirmation": last.confirmation}


@login_required
@require_POST
def chase(request, day, code):
    """Remind a company of what is missing."""
    at = clock.now()
    due = selectors.due_to_see(request.user, selectors.company_to_see(request.user, code), selectors.day_named(day, at=at))
    if due is None:
        raise NotFound
    reports.chase(due, actor=request.user, at=at)
    messages.success(request, f"已催报：{due.company}")
    return redirect(f"/reports/?day={due.day}")


# ---------------------------------------------------------------- the compiled report


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def compiled(request):
    """The compiled reports, and compiling one."""
    if not access.everywhere(request.user, access.SUPERVISE):
        raise Forbidden("由区城管执法局汇总")
    at = clock.now()
    if request.method == "POST":
        found = reports.compile_day(selectors.day_named(request.POST.get("day"), at=at), actor=request.user, at=at)
        messages.success(request, f"已汇总：{found}，等待审定")
        return redirect("supply:compilation", pk=found.pk)
    return render(request, "supply/reports/compiled.html", {"rows": list(selectors.compilations()), "day": selectors.day_named(request.GET.get("day"), at=at), "at": at})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def compilation(request, pk):
    """One compiled report: its snapshot, approval and sending; as a spreadsheet."""
    if not access.everywhere(request.user, access.SUPERVISE):
        raise Forbidden("由区城管执法局汇总")
    found = selectors.compilation_by_id(pk)
    if request.method == "POST":
        if request.POST.get("act") == "approve":
            reports.approve(found, actor=request.user, at=clock.now())
        else:
            reports.send(found, how=request.POST.get("how", ""), actor=request.user, at=clock.now())
        messages.success(request, "已登记")
        return redirect("supply:compilation", pk=pk)
    if request.GET.get("format") == "xlsx":
        return _compilation_sheet(found)
    return render(request, "supply/reports/compilation.html", {"one": found, "at": clock.now(), "figures": reports.NAMES})


def _compilation_sheet(found):
    columns = [("企业", 20), *[(f"{name}", 14) for name in reports.NAMES.values()], ("核算缺口", 14), ("应急措施", 40)]
    shot = found.snapshot
    rows = [[row["name"], *[row[name] if row[name] is not None else "未报" for name in reports.FIGURES], row["gap"] or "未报", row["measures"]] for row in shot["rows"]]
    rows.append([f"合计（{shot['reported']}/{shot['of']} 家）", *[shot["totals"][name] or "—" for name in reports.FIGURES], shot["totals"]["gap"] or "—"])
    above = (str(found), f"数据截止 {civil.spoken(found.cut_at)}；报 西安市燃气供热服务中心")
    return response(str(found), Sheet("汇总", columns, rows, above=above))
