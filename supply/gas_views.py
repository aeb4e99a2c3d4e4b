"""Pages of gas: the board, the plan of a company, curtailments from proposal to recovery, the log of coordination."""

from datetime import date
from decimal import Decimal, InvalidOperation

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from core import civil, clock, workbook
from core.htmx import render_part
from deadlines import season as seasons
from supply import allocation, curtailment, gas
from supply import gas_forms as forms
from supply import gas_selectors as selectors
from supply.acting import act
from supply.curtailment import Measure
from supply.models import Activation
from units import access

FORM_METHODS = ["GET", "POST"]
HELP = {
    "reading": "数字以 m³/日为单位。同一天可多次登记，以最新一次为准，早先的保留可查（D2.2）。",
    "step": "分阶段、分锅炉、分区域（G8）。居民供热按燃气锅炉列小区；含学校、养老、医疗用户的措施不会被启用，请把它们单独分出（B6）。",
}


def _day(request, at) -> date:
    given = request.GET.get("day", "")
    if not given:
        return civil.day_of(at)
    return civil.day_of(civil.parse(given, field="day"))


@login_required
@require_safe
def board(request):
    """Demand, supply and gap of a day, company by company, with their age; curtailments that run or wait."""
    at = clock.now()
    day = _day(request, at)
    found = selectors.board(request.user, day, at=at)
    season = seasons.active(at)
    context = {
        "at": at, "day": day, "board": found,
        "waiting": list(selectors.activations(request.user).filter(state=Activation.State.PROPOSED)[:20]),
        "running": list(selectors.activations(request.user).filter(state=Activation.State.ACTIVE)[:50]),
        "levels": (seasons.plan_of(season)["checklists"].get("curtailment_levels") or []) if season else [],
        "may_read": selectors.companies_to_read(request.user).exists(),
        "mine": {unit.pk for unit in selectors.companies_to_handle(request.user)},
        "sees_plans": selectors.sees_everything(request.user) or access.is_company(request.user),
        "plants": [] if selectors.sees_everything(request.user) or access.is_company(request.user) else selectors.plants_serving(request.user),
    }  # fmt: skip
    return render_part(request, "supply/gas/board.html", "supply/gas/_board.html", context)


@login_required
@require_safe
def board_export(request):
    """The board as a spreadsheet."""
    at = clock.now()
    found = selectors.board(request.user, _day(request, at), at=at)
    rows = [
        [row.company.short_name, row.demand, row.supply, row.gap, round(float(row.share) * 100, 2) if row.share is not None else None, row.level,
         row.forecast, row.read_at, row.source, "限供中" if row.active else "", "" if row.is_known else _unreported(row)]
        for row in found.rows
    ]  # fmt: skip
    rows.append(["合计", found.demand, found.supply, found.gap, None, None, found.forecast, None, "", "", f"覆盖 {found.coverage}；预测 {len(found.foreseen)}/{len(found.rows)} 家"])
    columns = [("企业", 22), ("需求 m³/日", 14), ("供应 m³/日", 14), ("缺口 m³/日", 14), ("缺口占比 %", 12), ("级别", 8), ("预测需求 m³/日", 16), ("数据时间", 18), ("来源", 26), ("限供", 10), ("备注", 46)]
    above = (f"天然气供需 {found.day}", f"截至 {civil.spoken(at)}；合计只含已报企业，未报不按零计")
    return workbook.response(f"天然气供需-{found.day:%Y%m%d}", workbook.Sheet("天然气供需", columns, rows, above))


def _unreported(row: selectors.Balance) -> str:
    last = row.last
    return f"未报；{last.day:%m-%d} 需求 {last.demand_m3:,.0f}、缺口 {last.gap_m3:,.0f}（{last.source}），不计入合计" if last else "未报"


@login_required
@require_http_methods(FORM_METHODS)
def new_reading(request):
    """Enter a company's figures of a day."""
    at = clock.now()
    companies = selectors.companies_to_read(request.user)
    if not companies.exists():
        access.require(request.user, access.SUPERVISE)
    initial = {"day": civil.day_of(at), "company": request.GET.get("company") or (companies[0].code if len(companies) == 1 else None)}
    form = forms.ReadingForm(request.POST or None, initial=initial, companies=companies)
    home = access.home_unit(request.user)

    def do(said):
        return gas.read(said.pop("company"), **said, unit=home, actor=request.user, at=at)

    return act(request, form, do, title="登记气量", back="/gas/", said="气量已登记", button="登记", help_text=HELP["reading"])


# ---------------------------------------------------------------- the plan of a company


@login_required
@require_safe
def plan(request, code):
    """A company's measures, stage by stage."""
    at = clock.now()
    company, found = selectors.plan_to_see(request.user, code, at=at)
    steps = selectors.steps_of(found) if found else []
    context = {
        "company": company, "plan": found, "at": at, "steps": [{"step": step, "rank": curtailment.rank_of(step), "places": list(step.communities.all())} for step in steps],
        "may_handle": selectors.may_handle(request.user, company), "total": sum((step.reduction_m3 for step in steps if step.is_active), Decimal(0)),
    }  # fmt: skip
    return render(request, "supply/gas/plan.html", context)


@login_required
@require_safe
def plan_export(request, code):
    """A company's measures as a spreadsheet."""
    at = clock.now()
    company, found = selectors.plan_to_see(request.user, code, at=at)
    rows = [
        [step.stage, step.order, step.get_kind_display(), RANKS[curtailment.rank_of(step)], str(step.boiler or ""), step.name,
         "、".join(one.name for one in step.communities.all()), step.reduction_m3, "在用" if step.is_active else f"停用：{step.inactive_reason}"]
        for step in (selectors.steps_of(found) if found else [])
    ]  # fmt: skip
    columns = [("阶段", 6), ("次序", 6), ("负荷", 12), ("保供层级", 18), ("锅炉", 26), ("区域或用户", 22), ("小区", 40), ("减量 m³/日", 14), ("状态", 20)]
    return workbook.response(f"{company.short_name}限供方案", workbook.Sheet("限供方案", columns, rows, (f"{company.name} 压非保民限供方案",)))


RANKS = {0: "非居民", 1: "二级（有备用燃煤）", 2: "一级（无备用燃煤）"}


@login_required
@require_http_methods(FORM_METHODS)
def new_step(request, code):
    """Put a measure into a company's plan."""
    at = clock.now()
    company = selectors.company_to_handle(request.user, code)
    form = forms.StepForm(request.POST or None, boilers=selectors.boilers_of(company), communities=selectors.communities_of(company))

    def do(said):
        measure = Measure(**{**said, "communities": tuple(said["communities"])})
        return curtailment.add_step(curtailment.plan_of(company, at=at), measure, actor=request.user, at=at)

    return act(request, form, do, title=f"增加限供措施 · {company}", back=f"/gas/plans/{company.code}/", said="措施已列入方案", button="列入方案", help_text=HELP["step"])


@login_required
@require_http_methods(FORM_METHODS)
def drop_step(request, code, pk):
    """Take a measure out of a plan."""
    step = selectors.step_to_handle(request.user, code, pk)
    form = forms.ReasonForm(request.POST or None)

    def do(said):
        curtailment.take_out(step, reason=said["reason"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"停用措施 · {step.name}", back=f"/gas/plans/{code}/", said="措施已停用", button="停用")


# ---------------------------------------------------------------- curtailments


@login_required
@require_http_methods(FORM_METHODS)
def propose(request, code):
    """What the plan says to cut for a gap: shown line by line, and proposed."""
    at = clock.now()
    company = selectors.company_to_handle(request.user, code)
    now = selectors.balance_of(request.user, company, day=civil.day_of(at), at=at)
    initial = {}
    if now.is_known:
        initial = {"demand_m3": now.demand, "supply_m3": now.supply, "figures_from": f"{now.source} {civil.spoken(now.read_at)}"[:60]}
    elif now.last:  # to begin with; whoever proposes says whether it still holds
        initial = {"demand_m3": now.last.demand_m3, "supply_m3": now.last.supply_m3, "figures_from": f"{now.last.day:%m-%d} {now.last.source}，今日未报"[:60]}
    posted = {name: request.POST[name] for name in ("demand_m3", "supply_m3", "figures_from") if name in request.POST}
    form = forms.GapForm(request.POST or None, initial=initial)
    _, found = selectors.plan_to_see(request.user, code, at=at)
    preview = _preview(found, {**initial, **posted}, at)
    context = {
        "title": f"限供测算 · {company}", "back": "/gas/", "button": "提出，报请批准", "company": company, "plan": found, "now_known": now, "at": at,
        "plan_url": f"/gas/plans/{company.code}/", "preview": preview, "preview_lines": [line.as_data() for line in preview["found"].lines] if preview else [],
    }  # fmt: skip
    if "recount" in request.POST:
        return render(request, "supply/gas/propose.html", {"form": form, **context})

    def do(said):
        return curtailment.propose(
            curtailment.plan_of(company, at=at), demand_m3=said["demand_m3"], supply_m3=said["supply_m3"],
            figures_from=said["figures_from"] or "人工填写", actor=request.user, at=at,
        )  # fmt: skip

    return act(request, form, do, said="已提出限供方案，等待批准", page="supply/gas/propose.html", to=lambda made: made.get_absolute_url(), **context)


def _preview(plan, figures: dict, at):
    """The proposal for these figures, not yet kept; None where there are none."""
    try:
        demand, supply = Decimal(str(figures["demand_m3"])), Decimal(str(figures["supply_m3"]))
    except (KeyError, InvalidOperation):
        return None
    if plan is None or not (demand.is_finite() and supply.is_finite()) or not (0 <= demand <= curtailment.MOST_M3 and 0 <= supply <= curtailment.MOST_M3):
        return None
    gap = demand - supply
    levels = seasons.plan_of(plan.season)["checklists"].get("curtailment_levels") or []
    return {
        "found": allocation.propose(gap, curtailment.options_of(plan, at=at)), "gap": gap, "demand": demand, "supply": supply,
        "level": allocation.level_of(gap, demand, levels),
    }  # fmt: skip


@login_required
@require_safe
def activation_list(request):
    """Every curtailment there was."""
    at = clock.now()
    state, company = selectors.read_filters(request.GET)
    found = selectors.activation_list(request.user, state=state, company=company, cursor=request.GET.get("cursor"))
    context = {"at": at, "page": found, "state": state, "company": company, "states": Activation.State.choices, "companies": _companies(request.user)}
    return render(request, "supply/gas/curtailments.html", context)


def _companies(user) -> list:
    return list(selectors.companies(user)) if selectors.sees_everything(user) else []


@login_required
@require_safe
def activation_export(request):
    """Curtailments as a spreadsheet."""
    at = clock.now()
    state, company = selectors.read_filters(request.GET)
    found = selectors.activations(request.user)
    found = found.filter(state=state) if state else found
    found = found.filter(company__code=company) if company else found
    rows = [
        [one.number, one.company.short_name, one.day, one.get_state_display(), one.level, one.demand_m3, one.supply_m3, one.gap_m3, one.covered_m3,
         one.remaining_m3, str(one.approved_by or ""), one.approved_at, "是" if one.override_by_id else "", one.override_reason, one.ended_at, one.end_note]
        for one in found.order_by(*selectors.NEWEST)[: workbook.MOST]
    ]  # fmt: skip
    columns = [
        ("编号", 20), ("企业", 18), ("日期", 12), ("状态", 10), ("级别", 6), ("需求 m³/日", 13), ("供应 m³/日", 13), ("缺口 m³/日", 13), ("减量 m³/日", 13),
        ("尚缺 m³/日", 13), ("批准人", 12), ("批准时间", 18), ("限无备用锅炉", 12), ("理由", 30), ("恢复时间", 18), ("恢复情况", 30),
    ]  # fmt: skip
    return workbook.response("限供启动记录", workbook.Sheet("限供启动记录", columns, rows, ("压非保民限供启动记录", f"截至 {civil.spoken(at)}")))


@login_required
@require_safe
def activation(request, number):
    """One curtailment: its figures, every line with its reason, whom it affects, and what was done when."""
    at = clock.now()
    user = request.user
    found = selectors.activation_to_see(user, number)
    sees_lines = selectors.sees_lines(user, found)
    places = selectors.restrictions_of(user, found)
    context = {
        "at": at, "one": found, "sees_lines": sees_lines, "carried_out": selectors.carried_out_of(user, found), "places": places,
        "households": sum(row.households or 0 for row in {row.community_id: row for row in places}.values()),
        "may_handle": selectors.may_handle(user, found.company), "may_approve": curtailment.may_approve(user, found),
        "needs_override": _needs_override(found),
    }  # fmt: skip
    return render(request, "supply/gas/curtailment.html", context)


def _needs_override(found: Activation) -> bool:
    return found.remaining_m3 > 0 and any(line["rank"] == 2 and not line["taken"] and not line["protected"] for line in found.lines)


@login_required
@require_http_methods(FORM_METHODS)
def approve(request, number):
    """A named person approves."""
    found = selectors.activation_to_approve(request.user, number)
    form = forms.ApproveForm(request.POST or None, needs_override=_needs_override(found))

    def do(said):
        curtailment.approve(found, note=said["note"], override_reason=said.get("override_reason", ""), actor=request.user, at=clock.now())

    return act(
        request, form, do, title=f"批准限供 · {found.company}", back=found.get_absolute_url(), said="已批准，限供开始", button="批准并启动",
        help_text=f"缺口 {found.gap_m3:,.0f} m³/日，方案可减 {found.covered_m3:,.0f} m³，尚缺 {found.remaining_m3:,.0f} m³。批准即启动，街道和企业同时收到通知；涉及小区的投诉照常计时。",
    )  # fmt: skip


@login_required
@require_http_methods(FORM_METHODS)
def withdraw(request, number):
    """A proposal is taken back."""
    found = selectors.activation_to_handle(request.user, number)
    form = forms.ReasonForm(request.POST or None)

    def do(said):
        curtailment.withdraw(found, reason=said["reason"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"撤回方案 · {found.number}", back=found.get_absolute_url(), said="方案已撤回", button="撤回")


@login_required
@require_http_methods(FORM_METHODS)
def end(request, number):
    """Everybody is supplied again."""
    found = selectors.activation_to_handle(request.user, number)
    form = forms.EndForm(request.POST or None)

    def do(said):
        curtailment.end(found, note=said["note"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"结束限供 · {found.number}", back=found.get_absolute_url(), said="限供已结束，已通知有关单位", button="结束限供")


@login_required
@require_http_methods(FORM_METHODS)
def recover(request, number, pk):
    """One measure is over."""
    step = selectors.carried_out_to_handle(request.user, number, pk)
    form = forms.EndForm(request.POST or None)

    def do(said):
        curtailment.recover_step(step, note=said["note"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"恢复 · {step.name}", back=step.activation.get_absolute_url(), said="该项措施已恢复", button="恢复")


# ---------------------------------------------------------------- coordination and incidents


@login_required
@require_safe
def log(request):
    """Gas asked for upstream, and sudden troubles with the supply."""
    at = clock.now()
    user = request.user
    given, narrowed = _narrowed(request)
    found = selectors.coordinations(user, **narrowed)
    context = {
        "at": at, "entries": list(found[:100]), "sums": selectors.granted(found), "given": given, "askers": selectors.askers(user),
        "incidents": list(selectors.incidents(user, since=narrowed["since"], until=narrowed["until"])[:50]), "handled": access.unit_ids(user, access.HANDLE_TICKETS), "may_write": _writer(user) is not None,
        "closes": {one.pk for one in selectors.incidents(user).filter(closed_at=None)[:50] if gas.may_close(user, one)},
    }  # fmt: skip
    return render(request, "supply/gas/log.html", context)


def _narrowed(request) -> tuple[dict, dict]:
    """How the log is narrowed, as typed and as meant. Invalid (since, until)."""
    given = {name: request.GET.get(name, "")[:64] for name in ("unit", "state", "since", "until")}
    days = {name: civil.day_given(given[name], field=name) for name in ("since", "until")}
    return given, {"unit": given["unit"], "state": given["state"], **days}


def _writer(user):
    """The unit in whose name somebody keeps the log: companies, suppliers and the bureau of gas; nobody else asks for gas."""
    home = access.home_unit(user)
    if home is None or home.pk not in access.unit_ids(user, access.HANDLE_TICKETS):
        return None
    return home if home.kind in ("heating", "gas") or home.code == curtailment.DEVELOPMENT_REFORM else None


HAPPENED = [("编号", 20), ("发生", 18), ("报告单位", 20), ("涉及企业", 20), ("情况", 40), ("处置", 40), ("处置时间", 18)]


@login_required
@require_safe
def log_export(request):
    """The log of coordination, and of sudden troubles, as a spreadsheet; narrowed as the page is."""
    at = clock.now()
    _, narrowed = _narrowed(request)
    rows = [
        [one.day, one.unit.short_name, one.counterpart, one.asked_m3, one.granted_m3, "" if one.granted_m3 is not None else "待答复", one.note]
        for one in selectors.coordinations(request.user, **narrowed)[: workbook.MOST]
    ]
    troubles = [
        [one.number, one.happened_at, one.unit.short_name, one.company.short_name if one.company else "", one.what, one.measure, one.closed_at]
        for one in selectors.incidents(request.user, since=narrowed["since"], until=narrowed["until"])[: workbook.MOST]
    ]
    columns = [("日期", 12), ("协调单位", 20), ("对方", 26), ("争取 m³/日", 14), ("落实 m³/日", 14), ("状态", 10), ("情况", 40)]
    return workbook.response("气源协调记录", workbook.Sheet("气源协调", columns, rows, ("气源协调记录", f"截至 {civil.spoken(at)}")), workbook.Sheet("气源突发事宜", HAPPENED, troubles))


@login_required
@require_http_methods(FORM_METHODS)
def new_coordination(request):
    """Gas was asked for upstream."""
    at = clock.now()
    unit = _writer(request.user)
    if unit is None:
        access.require(request.user, access.HANDLE_TICKETS, None)
    form = forms.CoordinationForm(request.POST or None, initial={"day": civil.day_of(at)})

    def do(said):
        return gas.coordinate(unit, **said, actor=request.user, at=at)

    return act(request, form, do, title="登记气源协调", back="/gas/log/", said="协调已登记", button="登记", help_text="向哪里争取、争取多少、落实多少（D2.4、G10）。尚无答复的先登记，答复后补上。")


@login_required
@require_http_methods(FORM_METHODS)
def answer(request, pk):
    """What was granted."""
    found = selectors.coordination_to_handle(request.user, pk)
    form = forms.AnswerForm(request.POST or None)

    def do(said):
        gas.answered(found, **said, actor=request.user, at=clock.now())

    return act(request, form, do, title=f"登记答复 · {found.counterpart}", back="/gas/log/", said="答复已登记", button="登记", help_text=f"争取 {found.asked_m3:,.0f} m³/日。没有落实填 0。")


@login_required
@require_http_methods(FORM_METHODS)
def new_incident(request):
    """A sudden trouble with the supply."""
    at = clock.now()
    unit = _writer(request.user)
    if unit is None:
        access.require(request.user, access.HANDLE_TICKETS, None)
    form = forms.IncidentForm(request.POST or None, initial={"happened_at": at}, companies=selectors.companies(request.user))

    def do(said):
        return gas.report_incident(unit, **said, actor=request.user, at=at)

    return act(request, form, do, title="报告气源突发事宜", back="/gas/log/", said="已报告，区发改委已收到通知", button="报告", help_text="由区发改委处置（D2.3）。")


@login_required
@require_http_methods(FORM_METHODS)
def close_incident(request, number):
    """How an incident was dealt with."""
    found = selectors.incident_to_close(request.user, number)
    form = forms.MeasureForm(request.POST or None)

    def do(said):
        gas.close_incident(found, measure=said["measure"], actor=request.user, at=clock.now())

    return act(request, form, do, title=f"处置气源事宜 · {found.number}", back="/gas/log/", said="已登记处置情况", button="处置完毕")
