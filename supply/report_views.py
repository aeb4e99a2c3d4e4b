"""Pages of reports: the day and who is missing, a company's report, what is sent to the city, weather and forecast, major problems."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from python_calamine import CalamineError, CalamineWorkbook

from core import civil, clock, workbook
from core.errors import Conflict, Invalid, NotFound, PortalError
from core.fields import blame, status_of
from deadlines import season as seasons
from supply import compiled, forecast, major, report_papers, reports
from supply import report_forms as forms
from supply import report_selectors as selectors
from supply.acting import act
from supply.models import CompiledReport, Weather
from supply.reports import FIGURES, NAMES, Told
from units import access

FORM_METHODS = ["GET", "POST"]
DAY = timedelta(days=1)
MATRIX_DAYS, CHART_DAYS = 7, 14
MOST_ROWS = 200
MOST_BYTES = 2_000_000
FIGURE_COLUMNS = [(f"{NAMES[name][0]}（{NAMES[name][1]}）", 16) for name in FIGURES]
HELP = {
    "weather": "预报用来预测，实况用来核对误差；同一天可多次登记，以最新一次为准，早先的保留（F1）。",
    "send": "每次送出都记一条：送往何处、方式、时间、经手人（I8）。",
    "major": "发现与报告两个时刻都要如实填写，系统算出间隔并与时限对照（D1.1）。",
}


# ---------------------------------------------------------------- the day


@login_required
@require_safe
def board(request):
    """A day: who has told what, who is missing, the totals with their coverage, the last days beside it."""
    at = clock.now()
    selectors.require_sight(request.user)
    day = selectors.day_named(request.GET.get("day"), at=at)
    found = selectors.day_board(request.user, day, at=at)
    days = [day - DAY * number for number in range(MATRIX_DAYS - 1, -1, -1)]
    context = {
        "at": at, "day": day, "board": found, "days": days, "matrix": selectors.matrix(request.user, days, at=at),
        "before": day - DAY, "after": day + DAY if day < selectors.latest_day(at) else None, "mine": selectors.open_dues(request.user, at=at),
        "chart": _chart(request.user, day), "may_chase": access.everywhere(request.user, access.SUPERVISE),
        "reportable": {unit.pk for unit in selectors.companies_to_report(request.user)}, "proposals": selectors.proposals(request.user),
        "sees_compiled": selectors.sees_compiled(request.user), "figures": [(name, *NAMES[name]) for name in FIGURES],
    }  # fmt: skip
    return render(request, "supply/reports/board.html", context)


def _chart(user, day: date) -> dict:
    days = selectors.gas_days(user, day - DAY * (CHART_DAYS - 1), day)
    values = {name: [float(value) / 10_000 if (value := getattr(one, name)) is not None else None for one in days] for name in ("demand", "supply", "gap")}
    return {
        "kind": "bar", "labels": [f"{one.day:%m-%d}" for one in days], "unit": "",
        "series": [
            {"name": "需求（万 m³）", "values": values["demand"], "tone": "blue"},
            {"name": "供应（万 m³）", "values": values["supply"], "tone": "green"},
            {"name": "缺口（万 m³）", "values": values["gap"], "tone": "red", "line": True},
        ],
    }  # fmt: skip


@login_required
@require_safe
def board_export(request):
    """The day, and the matrix of the last days, as a spreadsheet."""
    at = clock.now()
    selectors.require_sight(request.user)
    day = selectors.day_named(request.GET.get("day"), at=at)
    found = selectors.day_board(request.user, day, at=at)
    rows = [_row(row) for row in found.rows]
    totals = [found.totals[name] for name in FIGURES]
    rows.append(["合计", found.coverage, *(one.sum if one.covered else None for one in totals), None, None, None, None, "", "", ""])
    rows.append(["覆盖", "", *(f"{one.covered}/{len(found.owed)} 家" for one in totals), "", "", "", "", "", "", ""])
    columns = [
        ("企业", 22), ("状态", 10), *FIGURE_COLUMNS, ("申报缺口", 12), ("核算缺口", 12), ("版本", 8), ("报送时间", 18), ("应急措施", 40), ("核对提示", 40), ("填报人", 12),
    ]  # fmt: skip
    days = [day - DAY * number for number in range(MATRIX_DAYS - 1, -1, -1)]
    matrix = [[row.company.short_name, *(cell.state_name for cell in row.cells)] for row in selectors.matrix(request.user, days, at=at)]
    above = (f"供热日报 {day.isoformat()}", f"截至 {civil.spoken(at)}；合计只含已报企业（{found.coverage}），未报不按零计")
    return workbook.response(
        f"供热日报-{day:%Y%m%d}", workbook.Sheet("供热日报", columns, rows, above),
        workbook.Sheet("报送情况", [("企业", 22), *((f"{one:%m-%d}", 10) for one in days)], matrix),
    )  # fmt: skip


def _row(row: selectors.Row) -> list:
    one = row.report
    if one is None:
        return [row.company.short_name, row.state_name, *([None] * len(FIGURES)), None, None, None, None, "", "", ""]
    return [
        row.company.short_name, row.state_name, *(one.gap if name == "gas_gap_m3" else getattr(one, name) for name in FIGURES), one.gas_gap_m3, one.gap_computed_m3,
        one.version, one.submitted_at, one.measures, "；".join(said["text"] for said in one.remarks), str(one.submitted_by or ""),
    ]  # fmt: skip


@login_required
@require_safe
def history(request):
    """Every report owed, narrowed by company, state and days, page by page; or as a spreadsheet."""
    at = clock.now()
    selectors.require_sight(request.user)
    given = {name: request.GET.get(name, "")[:64] for name in ("company", "state", "since", "until")}
    narrowed = {
        "company": given["company"], "state": given["state"], "at": at,
        **{name: civil.day_given(given[name], field=name) for name in ("since", "until")},
    }  # fmt: skip
    if request.GET.get("format") == "xlsx":
        rows = [
            [due.day, *_row(selectors.Row(due.company, due.day, due, one := (due.current[0] if due.current else None), selectors.state_of(due, one, at=at)))]
            for due in selectors.dues_of(request.user, **narrowed)[: workbook.MOST]
        ]
        columns = [("报告日", 12), ("企业", 22), ("状态", 10), *FIGURE_COLUMNS, ("申报缺口", 12), ("核算缺口", 12), ("版本", 8), ("报送时间", 18), ("应急措施", 40), ("核对提示", 40), ("填报人", 12)]
        return workbook.response("供热日报记录", workbook.Sheet("供热日报记录", columns, rows, ("供热日报记录", f"截至 {civil.spoken(at)}")))
    found = selectors.listing(request.user, **narrowed, cursor=request.GET.get("cursor"))
    rows = [selectors.Row(due.company, due.day, due, one := (due.current[0] if due.current else None), selectors.state_of(due, one, at=at)) for due in found.rows]
    context = {"at": at, "page": found, "rows": rows, "given": given, "companies": list(selectors.companies(request.user)), "states": selectors.STATES,
               "sees_compiled": selectors.sees_compiled(request.user)}  # fmt: skip
    return render(request, "supply/reports/history.html", context)


@login_required
@require_POST
def chase(request):
    """Ask the one company named, or everybody who is missing on the day, for their report."""
    at = clock.now()
    access.require(request.user, access.SUPERVISE)
    day = selectors.day_named(request.POST.get("day"), at=at)
    wanted = request.POST.get("company", "")
    asked = [row for row in selectors.day_board(request.user, day, at=at).open if not wanted or row.company.code == wanted]
    told = sum(reports.chase(row.due, actor=request.user, at=at) for row in asked)
    messages.success(request, f"已催 {told} 家" if told else "一小时内已催过，未重复发送" if asked else "没有待报的企业")
    return redirect(f"/reports/?day={day.isoformat()}")


# ---------------------------------------------------------------- a company's report


@login_required
@require_safe
def new(request):
    """To the oldest report that is awaited, else to the choice of a company."""
    at = clock.now()
    waiting = selectors.open_dues(request.user, at=at)
    if waiting:
        return redirect(waiting[0].get_absolute_url())
    companies = list(selectors.companies_to_report(request.user)[:2])
    if len(companies) == 1:
        return redirect(f"/reports/{companies[0].code}/{selectors.latest_day(at).isoformat()}/")
    return redirect("supply:reports")


@login_required
@require_http_methods(FORM_METHODS)
def report(request, code, day):
    """A company's report on a day: the form, and every version there is."""
    at = clock.now()
    day = _day_of(day)
    company, due = selectors.due_to_see(request.user, code, day)
    versions = selectors.versions_of(due) if due else []
    current = versions[0] if versions else None
    may_report = reports.may_report(request.user, company) and day <= selectors.latest_day(at)
    writes = may_report and (current is None or request.method == "POST" or "revise" in request.GET)
    form, status = None, 200
    if request.method == "POST" and not may_report:
        selectors.company_to_report(request.user, code)
        raise Conflict("这一天还没有结束（报告日为 0—24 时），结束后再报")
    if writes:
        boilers = selectors.boilers_of(company)
        form = forms.ReportForm(_posted(request), initial=_initial(current, boilers) if current else {}, boilers=boilers, last=selectors.last_before(company, day))
        if request.method == "POST":
            status = 422
            if form.is_valid():
                try:
                    _submit(request, company, day, form, at)
                except PortalError as fault:
                    blame(form, fault)
                    status = status_of(fault)
                else:
                    return redirect(f"/reports/{company.code}/{day.isoformat()}/")
    asks = bool(form and (form.errors.get("confirmed") or form["confirmed"].value()))
    context = {
        "at": at, "company": company, "day": day, "due": due, "versions": versions, "current": current, "form": form, "asks": asks, "may_report": may_report,
        "state": selectors.Row(company, day, due, current, selectors.state_of(due, current, at=at)),
        "last": selectors.last_before(company, day), "due_at": selectors.day_board(request.user, day, at=at).due_at,
    }  # fmt: skip
    return render(request, "supply/reports/report.html", context, status=status)


def _submit(request, company, day, form, at) -> None:
    said = form.cleaned_data
    told = Told(
        **{name: said[name] for name in FIGURES}, measures=said["measures"], is_zero=said["zero_report"], confirmed=said["confirmed"], boilers=form.boilers_told()
    )
    made, is_new = reports.submit(company, day, told, reason=said["reason"], unit=access.home_unit(request.user), actor=request.user, at=at)
    messages.success(request, f"已保存第 {made.version} 版" if made.version > 1 else "日报已报送" if is_new else "与已报内容相同，未作改动")


def _initial(current, boilers) -> dict:
    values = {name: getattr(current, name) for name in FIGURES}
    told = {row["code"]: row for row in current.boilers}
    for boiler in boilers:
        if boiler.code in told:
            values |= {f"run_{boiler.pk}": told[boiler.code]["running"], f"gas_{boiler.pk}": told[boiler.code]["gas_m3"]}
    return {**values, "zero_report": current.is_zero, "measures": current.measures}


def _day_of(text: str) -> date:
    try:
        return civil.day_of(civil.parse(text))
    except Invalid as fault:
        raise NotFound from fault


# ---------------------------------------------------------------- what is sent to the city


@login_required
@require_safe
def compiled_list(request):
    """What was and is to be sent to the city; or as a spreadsheet."""
    at = clock.now()
    state = request.GET.get("state", "")
    if request.GET.get("format") == "xlsx":
        rows = [
            [one.number, one.period, one.get_state_display(), one.due_at, one.cutoff_at, str(one.compiled_by or ""), str(one.approved_by or ""), one.sent_at,
             "按时" if one.sent_at and one.sent_at <= one.due_at else "逾期" if (one.sent_at or at) > one.due_at else "", one.corrected, one.corrections_left]
            for one in selectors.compiled_rows(request.user, state=state)[: workbook.MOST]
        ]  # fmt: skip
        columns = [("编号", 16), ("期间", 24), ("状态", 10), ("送出时限", 18), ("取数截止", 18), ("汇总人", 12), ("审批人", 12), ("送出", 18), ("是否按时", 10), ("更正", 8), ("更正待送", 10)]
        return workbook.response("汇总报送", workbook.Sheet("汇总报送", columns, rows, ("报送市燃气供热服务中心", f"截至 {civil.spoken(at)}")))
    found = selectors.compiled_list(request.user, state=state, cursor=request.GET.get("cursor"))
    context = {"at": at, "page": found, "state": state, "states": CompiledReport.State.choices, "sees_compiled": True}
    return render(request, "supply/reports/compiled_list.html", context)


@login_required
@require_safe
def compiled_page(request, number):
    """One of them: figures, approval, sending, corrections, and whether the figures come out the same again."""
    found = selectors.compiled_to_see(request.user, number)
    context = {
        "at": clock.now(), "report": found, "days": selectors.days_of(found), "corrections": selectors.corrections_of(found), "sendings": selectors.sendings_of(found),
        "entries": selectors.entries_of(found), "reproduces": compiled.reproduces(found) if found.figures else None, "figures": [(name, *NAMES[name]) for name in FIGURES],
        "may_compile": compiled.may_compile(request.user), "may_approve": compiled.may_approve(request.user, found), "states": compiled.STATES, "names": {**{name: f"{NAMES[name][0]}（{NAMES[name][1]}）" for name in FIGURES}, "measures": "应急措施"},
        "coverage": compiled.coverage_of(found.figures),
    }  # fmt: skip
    return render(request, "supply/reports/compiled.html", context)


@login_required
@require_http_methods(FORM_METHODS)
def compile_figures(request, number):
    """Take the figures as of now."""
    found = selectors.compiled_to_see(request.user, number)
    form = forms.CompileForm(_posted(request), initial={"note": found.note})

    def do(said):
        compiled.compile_figures(found, note=said["note"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"汇总 · {found.period}", back=found.get_absolute_url(), said="已汇总，送专班办公室主任审批", button="按此刻数据汇总",
               help_text="取此刻各企业日报的现行版本，连同版本号存档；审批须由另一人（I8）。")  # fmt: skip


@login_required
@require_http_methods(FORM_METHODS)
def approve(request, number):
    """The director agrees."""
    found = selectors.compiled_to_see(request.user, number)
    form = forms.ApproveForm(_posted(request))

    def do(said):
        compiled.approve(found, note=said["note"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"审批 · {found.period}", back=found.get_absolute_url(), said="已同意报送", button="同意报送", help_text=compiled.coverage_of(found.figures))


@login_required
@require_http_methods(FORM_METHODS)
def refuse(request, number):
    """The director sends it back."""
    found = selectors.compiled_to_see(request.user, number)
    form = forms.RefuseForm(_posted(request))

    def do(said):
        compiled.refuse(found, reason=said["reason"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"退回 · {found.period}", back=found.get_absolute_url(), said="已退回重新汇总", button="退回")


@login_required
@require_http_methods(FORM_METHODS)
def send(request, number, correction=None):
    """It went out, or a correction of it did."""
    found = selectors.compiled_to_see(request.user, number)
    one = selectors.correction_to_see(request.user, number, correction) if correction is not None else None
    form = forms.SendForm(request.POST or None, initial={"recipient": found.recipient.name})

    def do(said):
        compiled.send(found, **said, correction=one, actor=request.user, at=clock.now())

    what = f"更正第 {one.number} 号" if one else found.period
    return act(request, form, do, title=f"登记送出 · {what}", back=found.get_absolute_url(), said="已登记送出", button="登记送出", help_text=HELP["send"])


@login_required
@require_safe
def compiled_docx(request, number):
    """The report on paper."""
    found = selectors.compiled_to_see(request.user, number)
    if not found.figures:
        raise NotFound
    return _file(report_papers.compiled_paper(found), f"供热信息报送-{found.number}.docx")


@login_required
@require_safe
def correction_docx(request, number, correction):
    """A correction notice on paper."""
    one = selectors.correction_to_see(request.user, number, correction)
    one.report = selectors.compiled_to_see(request.user, number)
    return _file(report_papers.correction_paper(one), f"更正通知-{number}-{one.number}.docx")


@login_required
@require_safe
def compiled_xlsx(request, number):
    """The report's figures as kept, as a spreadsheet."""
    found = selectors.compiled_to_see(request.user, number)
    if not found.figures:
        raise NotFound
    sheets = []
    for day in found.figures["days"]:
        rows = [
            [line["name"], compiled.STATES.get(line["state"], line["state"]), *(Decimal(line[name]) if line[name] is not None else None for name in FIGURES), line["measures"], line["version"]]
            for line in day["companies"]
        ]
        rows.append(["合计", f"{day['reported']}/{day['owed']} 家", *(Decimal(day["totals"][name]["sum"]) if day["totals"][name]["covered"] else None for name in FIGURES), "", None])
        rows.append(["覆盖", "", *(f"{day['totals'][name]['covered']}/{day['owed']} 家" for name in FIGURES), "", None])
        above = (f"未央区集中供热信息 {day['day']}", f"取数截止 {civil.spoken(found.cutoff_at)}；合计只含已报企业，未报不按零计", f"{found.number}{'（演示数据）' if found.is_demo else ''}")
        sheets.append(workbook.Sheet(day["day"], [("企业", 24), ("报送", 10), *FIGURE_COLUMNS, ("应急措施", 40), ("版本", 8)], rows, above))
    return workbook.response(f"供热信息报送-{found.number}", *sheets)


def _posted(request):
    """What was posted, be it nothing: a form without a word is a form still."""
    return request.POST if request.method == "POST" else None


def _file(body: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(body, content_type=report_papers.DOCX)
    answer.headers["Content-Disposition"] = f"attachment; filename=\"report.docx\"; filename*=UTF-8''{quote(name)}"
    return answer


# ---------------------------------------------------------------- forecast and weather


@login_required
@require_safe
def outlook(request):
    """Forecast against actual, and how it is reckoned; or as a spreadsheet."""
    at = clock.now()
    selectors.require_sight(request.user)
    code = request.GET.get("company", "")
    company = selectors.company_to_see(request.user, code) if code else None
    found = selectors.outlook(request.user, company=company, at=at)
    if request.GET.get("format") == "xlsx":
        rows = [
            [one.day, one.weather.get_kind_display() if one.weather else "", one.weather.lowest if one.weather else None, one.weather.highest if one.weather else None,
             one.weather.mean if one.weather else None, one.degree_days, one.forecast, one.made_on, one.actual, f"{one.actual_of}/{found.companies} 家",
             round(float(one.error) * 100, 2) if one.error is not None else None]
            for one in found.days
        ]  # fmt: skip
        columns = [("日期", 12), ("气温", 8), ("最低 ℃", 8), ("最高 ℃", 8), ("平均 ℃", 8), ("度日数", 8), ("预测需求 m³", 14), ("预测日", 12), ("实际需求 m³", 14), ("实报覆盖", 12), ("误差 %", 10)]
        return workbook.response("用气预测", workbook.Sheet("用气预测", columns, rows, ("天然气需求预测与实际", f"截至 {civil.spoken(at)}")))
    said = reports.rules(seasons.required(at))["forecast"]
    tens = [(float(one.forecast) / 10_000 if one.forecast is not None else None, float(one.actual) / 10_000 if one.actual is not None else None) for one in found.days]
    chart = {
        "kind": "line", "labels": [f"{one.day:%m-%d}" for one in found.days], "unit": "",
        "series": [{"name": "预测（万 m³）", "values": [one[0] for one in tens], "tone": "amber"}, {"name": "实际（万 m³）", "values": [one[1] for one in tens], "tone": "blue"}],
    }  # fmt: skip
    context = {
        "at": at, "outlook": found, "company": company, "companies": list(selectors.companies(request.user).filter(is_active=True)), "said": said, "chart": chart,
        "may_record": forecast.may_record(request.user), "sees_compiled": selectors.sees_compiled(request.user), "today": civil.day_of(at),
    }  # fmt: skip
    return render(request, "supply/reports/outlook.html", context)


@login_required
@require_safe
def weather(request):
    """Every temperature that was entered, narrowed by kind and days; or as a spreadsheet."""
    at = clock.now()
    given = {name: request.GET.get(name, "")[:64] for name in ("kind", "since", "until")}
    narrowed = {"kind": given["kind"], **{name: civil.day_given(given[name], field=name) for name in ("since", "until")}}
    if request.GET.get("format") == "xlsx":
        rows = [
            [one.day, one.get_kind_display(), one.lowest, one.highest, one.mean, one.recorded_at, str(one.unit or ""), str(one.recorded_by or "")]
            for one in selectors.weather_rows(request.user, **narrowed)[: workbook.MOST]
        ]
        columns = [("日期", 12), ("类别", 8), ("最低 ℃", 8), ("最高 ℃", 8), ("平均 ℃", 8), ("登记时间", 18), ("登记单位", 20), ("登记人", 12)]
        return workbook.response("气温记录", workbook.Sheet("气温记录", columns, rows, ("室外气温记录", f"截至 {civil.spoken(at)}；同日多次登记，最新的有效")))
    found = selectors.weather_list(request.user, **narrowed, cursor=request.GET.get("cursor"))
    context = {
        "at": at, "page": found, "given": given, "kinds": Weather.Kind.choices, "may_record": forecast.may_record(request.user),
        "sees_compiled": selectors.sees_compiled(request.user),
    }  # fmt: skip
    return render(request, "supply/reports/weather.html", context)


@login_required
@require_http_methods(FORM_METHODS)
def new_weather(request):
    """Enter a day's temperatures."""
    at = clock.now()
    _require_weather(request.user)
    form = forms.WeatherForm(request.POST or None, initial={"day": civil.day_of(at) - DAY})

    def do(said):
        return forecast.record_weather(said.pop("day"), **said, unit=access.home_unit(request.user), actor=request.user, at=at)

    return act(request, form, do, title="登记气温", back="/reports/weather/", said="气温已登记", button="登记", help_text=HELP["weather"])


@login_required
@require_http_methods(FORM_METHODS)
def import_weather(request):
    """Several days from a spreadsheet; a fault names its row, and nothing is kept."""
    at = clock.now()
    _require_weather(request.user)
    form = forms.WeatherFileForm(request.POST or None, request.FILES or None)

    def do(said):
        return forecast.record_many(_weather_rows(said["file"]), unit=access.home_unit(request.user), actor=request.user, at=at)

    return act(request, form, do, title="导入气温", back="/reports/weather/", said="气温已导入", button="导入", help_text=HELP["weather"], has_files=True)


@login_required
@require_safe
def weather_template(request):
    """An empty sheet to fill in."""
    _require_weather(request.user)
    rows = [["2025-11-14", "实况", -2, 6, None], ["2025-11-15", "预报", -4, 3, None]]
    return workbook.response("气温表", workbook.Sheet("气温", [("日期", 14), ("类别", 8), ("最低", 8), ("最高", 8), ("日平均", 8)], rows))


def _require_weather(user) -> None:
    if not forecast.may_record(user):
        access.require(user, access.SUPERVISE)


def _weather_rows(upload) -> list[dict]:
    if upload.size > MOST_BYTES:
        raise Invalid("文件过大", field="file")
    try:
        rows = CalamineWorkbook.from_filelike(upload).get_sheet_by_index(0).to_python(nrows=MOST_ROWS + 2)
    except (CalamineError, IndexError, OSError, ValueError) as fault:
        raise Invalid("无法读取，请上传 xlsx 文件", field="file") from fault
    found = []
    for number, row in enumerate(rows, 1):
        cells = [*row, *[""] * 5][:5]
        if not any(str(cell).strip() for cell in cells) or str(cells[0]).strip() in ("日期", ""):
            continue
        if len(found) >= MOST_ROWS:
            raise Invalid(f"至多 {MOST_ROWS} 行", field="file")
        try:
            day = cells[0] if isinstance(cells[0], date) else civil.day_of(civil.parse(str(cells[0]).strip()))
            kind = {"实况": Weather.Kind.OBSERVED, "预报": Weather.Kind.FORECAST}[str(cells[1]).strip()]
            lowest, highest = (_celsius(cell) for cell in cells[2:4])
            found.append({"row": number, "day": getattr(day, "date", lambda one=day: one)(), "kind": kind, "lowest": lowest, "highest": highest, "mean": _celsius(cells[4]) if str(cells[4]).strip() else None})
        except (Invalid, KeyError, InvalidOperation, ValueError) as fault:
            raise Invalid(f"第 {number} 行：日期应如 2025-11-14，类别为实况或预报，气温为数字", field="file") from fault
    if not found:
        raise Invalid("表中没有数据", field="file")
    return found


def _celsius(cell) -> Decimal:
    value = Decimal(str(cell).strip())
    if not value.is_finite() or abs(value) > 99:
        raise ValueError
    return value.quantize(Decimal("0.01"))


# ---------------------------------------------------------------- major problems


@login_required
@require_safe
def major_list(request):
    """Major problems reported upward, with how long that took; or as a spreadsheet."""
    at = clock.now()
    kind = request.GET.get("kind", "")
    if request.GET.get("format") == "xlsx":
        rows = [
            [one.number, one.kind_name, one.title, one.discovered_at, one.reported_at, round(one.interval.total_seconds() / 60), "按时" if one.is_prompt else "超时", one.recipients, str(one.recorded_by or "")]
            for one in selectors.majors(request.user)[: workbook.MOST]
        ]
        columns = [("编号", 18), ("类型", 14), ("标题", 40), ("发现", 18), ("报告", 18), ("间隔（分钟）", 12), ("时限", 8), ("报送", 20), ("登记人", 12)]
        return workbook.response("重大问题报告", workbook.Sheet("重大问题报告", columns, rows, ("重大问题报告", f"截至 {civil.spoken(at)}")))
    found = selectors.major_list(request.user, kind=kind, cursor=request.GET.get("cursor"))
    season = seasons.required(at)
    context = {"at": at, "page": found, "kind": kind, "kinds": major.kinds(season), "within": reports.rules(season)["major"]["within"], "may_report": major.may_report(request.user), "sees_compiled": True}
    return render(request, "supply/reports/major_list.html", context)


@login_required
@require_safe
def major_page(request, number):
    """One of them."""
    return render(request, "supply/reports/major.html", {"report": selectors.major_to_see(request.user, number), "at": clock.now()})


@login_required
@require_safe
def major_docx(request, number):
    """One of them on paper."""
    found = selectors.major_to_see(request.user, number)
    return _file(report_papers.major_paper(found), f"重大问题报告-{found.number}.docx")


@login_required
@require_http_methods(FORM_METHODS)
def new_major(request):
    """A major problem is reported upward."""
    at = clock.now()
    if not major.may_report(request.user):
        access.require(request.user, access.SUPERVISE)
    form = forms.MajorForm(request.POST or None, initial={"discovered_at": at, "reported_at": at}, kinds=major.kinds(seasons.required(at)))

    def do(said):
        return major.report(major.Problem(**said), actor=request.user, at=at)

    return act(request, form, do, title="登记重大问题报告", back="/reports/major/", to=lambda made: made.get_absolute_url(), said="已登记", button="登记", help_text=HELP["major"], draft="major")
