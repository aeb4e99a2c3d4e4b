"""The life of a daily report 供热日报: owed when its day is over, told, asked back where it looks odd, corrected with a reason (I7).

A day is 00:00–24:00 in Shanghai and its report is due at the plan's cut-off on the next morning. Missing is not nought: who
has nothing to tell says so (零报告). A correction is a further version; if the day was sent to the city already, it makes a
correction notice (supply.compiled), never a silent change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Max, Sum

from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from deadlines import season as seasons
from deadlines.models import Season
from notices import outbox
from plants.models import Boiler
from supply import compiled
from supply.models import DailyReport, MissProposal, ReportDue
from supply.report_days import due_moment, first_day, rules, season_of
from units import access
from units.models import Kind, Unit

DAY = timedelta(days=1)
STAGE = "daily_report"
OPENING_LOCK = 0x57_59_4F_36
DECIMALS = ("capacity_mw", "gas_used_m3", "gas_demand_m3", "gas_supply_m3", "gas_gap_m3")
FIGURES = ("boilers_running", *DECIMALS)
NAMES = {
    "boilers_running": ("锅炉运行", "台"), "capacity_mw": ("供热能力", "MW"), "gas_used_m3": ("天然气消耗", "m³/日"), "gas_demand_m3": ("天然气需求", "m³/日"),
    "gas_supply_m3": ("天然气供应", "m³/日"), "gas_gap_m3": ("天然气缺口", "m³/日"),
}  # fmt: skip
# Compared with the day before; boilers and the gap go up and down in whole steps.
STEADY = ("capacity_mw", "gas_used_m3", "gas_demand_m3", "gas_supply_m3")
# What a report is asked back for: a jump from the day before, more than the register holds.
QUESTIONS = frozenset({"jump", "register"})


@dataclass
class Told:
    """What a company tells of a day. Figures in units of NAMES; None where nothing was said."""

    boilers_running: int | None = None
    capacity_mw: Decimal | None = None
    gas_used_m3: Decimal | None = None
    gas_demand_m3: Decimal | None = None
    gas_supply_m3: Decimal | None = None
    gas_gap_m3: Decimal | None = None
    measures: str = ""
    is_zero: bool = False
    # The company's word on what it was asked back.
    confirmed: str = ""
    # [{code, running, gas_m3}], optional.
    boilers: list[dict] = field(default_factory=list)


# ---------------------------------------------------------------- what is owed


def generate(*, at: datetime) -> None:
    """Open what every heating company owes of the days that are over by `at`. A company that is new owes from the day before on.

    A constant number of statements; run again, it finds everything there.
    """
    season = seasons.active(at)
    if season is None or not seasons.plan_of(season).get("reports"):
        return
    yesterday = civil.day_of(at) - DAY
    first, last = first_day(season), min(yesterday, season.ends_on)
    if last >= first:
        companies = list(Unit.objects.filter(kind=Kind.HEATING, is_active=True))
        known = dict(ReportDue.objects.filter(season=season, day__lte=last).values("company").annotate(last=Max("day")).values_list("company", "last"))
        wanted = []
        for company in companies:
            # Who comes when the season is over owes nothing of it.
            day = known[company.pk] + DAY if company.pk in known else yesterday
            while day <= last:
                wanted.append(_due(season, company, day))
                day += DAY
        if wanted:
            _open(wanted, at=at)
    _propose_circulars(season, at)


def _due(season: Season, company: Unit, day: date) -> ReportDue:
    return ReportDue(season=season, company=company, day=day, opened_at=civil.day_bounds(day)[1], due_at=due_moment(season, day), is_demo=company.is_demo)


@transaction.atomic
def _open(wanted: list[ReportDue], *, at: datetime) -> None:
    with connection.cursor() as cursor:  # one opens at a time: the second finds the rows there
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OPENING_LOCK])
    before = ReportDue.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    ReportDue.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=500)
    new = list(ReportDue.objects.filter(pk__gt=before).select_related("company", "season"))
    if not new:
        return
    limit = engine.limit("daily-report")
    engine.open_all([engine.draft(limit, due, due.company, at=due.opened_at, due_at=due.due_at) for due in new])
    journal.record(new[0].season, "open_reports", actor=None, at=at, rows=len(new), days=sorted({due.day.isoformat() for due in new}))


def _propose_circulars(season: Season, at: datetime) -> None:
    """Who left out too many reports within too few days is named to the office, once for these days (REC)."""
    said = rules(season)["misses"]
    since = civil.day_of(at) - timedelta(days=said["within_days"])
    missing: dict[int, list[ReportDue]] = {}
    for due in ReportDue.objects.filter(submitted_at=None, due_at__lt=at, day__gte=since).select_related("company").order_by("day"):
        missing.setdefault(due.company_id, []).append(due)
    many = {company: dues for company, dues in missing.items() if len(dues) >= said["count"]}
    if not many:
        return
    told = set(MissProposal.objects.filter(company__in=many, last_day__gte=since).values_list("company", flat=True))
    for company, dues in many.items():
        if company not in told:
            _propose(dues, within=said["within_days"], at=at)


@transaction.atomic
def _propose(dues: list[ReportDue], *, within: int, at: datetime) -> None:
    company, days = dues[0].company, [due.day.isoformat() for due in dues]
    made, is_new = MissProposal.objects.get_or_create(
        company=company, last_day=dues[-1].day, defaults={"days": days, "raised_at": at, "is_demo": company.is_demo}
    )
    if not is_new:
        return
    body = f"{company.name} {within} 日内漏报 {len(days)} 次：{'、'.join(days)}。截至 {civil.spoken(at)} 仍未报送，建议予以通报（I11）。"
    outbox.post(
        Unit.objects.get(code=access.OFFICE), f"建议通报：{company} {within} 日内 {len(days)} 次漏报日报", key=f"report-misses:{made.pk}", at=at,
        audience="office_director", kind="report", level=3, link=f"/reports/?day={days[-1]}", body=body,
    )  # fmt: skip
    journal.record(made, "propose", actor=None, at=at, unit=company.code, reason=body, days=days)


# ---------------------------------------------------------------- telling


def may_report(user, company: Unit) -> bool:
    """Whether `user` may tell for a company: itself, or the bureau for one that rang up."""
    return company.pk in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE)


@transaction.atomic
def submit(
    company: Unit, day: date, told: Told, *, reason: str = "", questions: Iterable[str] = QUESTIONS, unit: Unit | None = None, actor, at: datetime
) -> tuple[DailyReport, bool]:
    """A company's report on a day, and whether it is a new version. The very same again changes nothing.

    Asked back (Invalid with `confirmed`) for those `questions` that its figures raise, until it says a word on them.
    Invalid names each field; Forbidden; Conflict for another version without `reason`.
    """
    if actor is not None and not may_report(actor, company):
        raise Forbidden("只能报送本企业的日报")
    season = _season_for(day, at)
    due = _due_for(company, day, season, at)
    before = due.versions.filter(is_current=True).first()
    values = _checked(told, season)
    boilers, remarks = _check_boilers(told, values, company)
    if before is not None and _same(before, values) and boilers in ([], before.boilers):
        return before, False
    if before is not None and not reason.strip():
        raise Conflict("该日已报送，更正须写明原因", field="reason")
    remarks += [*_gap_remarks(values, rules(season)), *_jumps(company, day, values, rules(season))]
    asked = [one for one in remarks if one["code"] in set(questions)]
    if asked and not told.confirmed.strip():
        fields: dict[str, list[str]] = {}
        for one in asked:
            fields.setdefault(one["field"], []).append(one["text"])
        raise Invalid("请核对下列数据；确实无误的，请写明原因后再次提交", fields={**fields, "confirmed": ["请写明原因，如“降温加开一台锅炉”"]})
    if before is not None:
        DailyReport.objects.filter(pk=before.pk).update(is_current=False)
    report = DailyReport.objects.create(
        due=due, company=company, day=day, version=before.version + 1 if before else 1, boilers=boilers, remarks=remarks,
        confirmed=told.confirmed.strip()[:300] if remarks else "", reason=reason.strip()[:300] if before else "", submitted_at=at, submitted_by=actor,
        unit=unit, is_demo=company.is_demo or bool(actor and actor.is_demo), **values,
    )  # fmt: skip
    if before is None:
        ReportDue.objects.filter(pk=due.pk).update(submitted_at=at)
        engine.settle(due, STAGE, at=at)
    corrected = compiled.correct(report, before, at=at)
    journal.record(
        due, "revise" if before else "submit", actor=actor, at=at, unit=unit.code if unit else company.code, reason=report.reason, version=report.version,
        company=company.code, zero=report.is_zero, late=before is None and at > due.due_at, remarks=[one["code"] for one in remarks],
        figures={name: str(value) if (value := values[name]) is not None else None for name in FIGURES}, corrects=[str(one) for one in corrected],
    )  # fmt: skip
    return report, True


def _season_for(day: date, at: datetime) -> Season:
    if day >= civil.day_of(at):
        raise Invalid("这一天还没有结束（报告日为 0—24 时），结束后再报", field="day")
    season = season_of(day)
    if season is None:
        raise Invalid("这一天不在供热期间，不需要报送", field="day")
    return season


def _due_for(company: Unit, day: date, season: Season, at: datetime) -> ReportDue:
    """The row, locked; opened now for a day before the portal asked."""
    if company.kind != Kind.HEATING:
        raise Invalid("日报由集中供热企业报送", field="company")
    if not ReportDue.objects.filter(company=company, day=day).exists():
        _open([_due(season, company, day)], at=at)
    return ReportDue.objects.select_for_update(of=("self",)).select_related("company").get(company=company, day=day)


def _checked(told: Told, season: Season) -> dict:
    """The figures as they are kept. Invalid names every one that is absent, out of the plan's bounds, or at odds with another."""
    faults: dict[str, list[str]] = {}
    values = {name: getattr(told, name) for name in FIGURES}
    if told.is_zero:
        values = {name: 0 if value is None and name not in ("gas_demand_m3", "gas_supply_m3", "gas_gap_m3") else value for name, value in values.items()}
    demand, supply = values["gas_demand_m3"], values["gas_supply_m3"]
    reckoned = max(demand - supply, Decimal(0)) if demand is not None and supply is not None else None
    if values["gas_gap_m3"] is None:
        values["gas_gap_m3"] = reckoned if reckoned is not None or not told.is_zero else Decimal(0)
    if told.is_zero and max(values["gas_gap_m3"] or 0, reckoned or 0) > 0:
        faults["gas_gap_m3"] = ["有缺口的不是零报告，请取消“零报告”"]
    for name in ("boilers_running", "capacity_mw", "gas_used_m3", "gas_gap_m3"):
        if values[name] is None:
            faults[name] = ["请填写；没有的填 0"]
    for name, (lowest, highest) in bounds(season).items():
        if values[name] is not None and not lowest <= values[name] <= highest:
            faults[name] = [f"应在 {lowest:,f} 至 {highest:,f} {NAMES[name][1]}之间，请核对单位"]
    values = {name: _rounded(name, value) for name, value in values.items()}
    is_nought = not any(values[name] for name in ("boilers_running", "gas_used_m3", "gas_demand_m3", "gas_gap_m3"))
    if not faults and is_nought and not told.is_zero:
        faults["zero_report"] = ["没有运行、用气和缺口的，请勾选“零报告”确认"]
    measures = told.measures.strip()[:2000]
    if not measures and not faults and max(values["gas_gap_m3"], reckoned or 0) > 0:
        faults["measures"] = ["有缺口时须写明采取的应急措施"]
    if faults:
        raise Invalid("日报填写有误", fields=faults)
    return {**values, "gap_computed_m3": _rounded("gas_gap_m3", reckoned), "measures": measures, "is_zero": told.is_zero}


def bounds(season: Season) -> dict[str, tuple[Decimal, Decimal]]:
    """Lowest and highest of each figure that the plan believes."""
    found = {}
    for item in seasons.plan_of(season)["checklists"]["daily_report"]["items"]:
        if item["code"] in FIGURES:
            found[item["code"]] = (Decimal(str(item["lowest"] or 0)), Decimal(str(item["highest"] if item["highest"] is not None else 10**9)))
    said = rules(season)["gas_balance"]
    for name in ("gas_demand_m3", "gas_supply_m3"):
        found[name] = (Decimal(str(said["lowest"])), Decimal(str(said["highest"])))
    return found


def _rounded(name: str, value):
    if value is None or name == "boilers_running":
        return value
    return Decimal(value).quantize(Decimal("0.01") if name == "capacity_mw" else Decimal(1))


def _same(before: DailyReport, values: dict) -> bool:
    return all(getattr(before, name) == value for name, value in values.items())


def _check_boilers(told: Told, values: dict, company: Unit) -> tuple[list[dict], list[dict]]:
    """The boilers one by one, if told, and what the register says against the figures."""
    known = {one.code: one for one in Boiler.objects.filter(plant__company=company, is_active=True, plant__is_active=True).select_related("plant")}
    rows = []
    for said in told.boilers[:200]:
        one = known.get(str(said.get("code", ""))[:64])
        if one is None:
            raise Invalid("逐台数据中有不属于本企业的锅炉", field="boilers")
        gas = said.get("gas_m3")
        rows.append({"code": one.code, "name": str(one), "running": bool(said.get("running")), "gas_m3": int(gas) if gas is not None else None})
    running = sum(row["running"] for row in rows)
    if len({row["code"] for row in rows}) != len(rows):
        raise Invalid("逐台数据中有重复的锅炉", field="boilers")
    if rows and running != values["boilers_running"]:
        raise Invalid(f"逐台勾选运行 {running} 台，与“锅炉运行 {values['boilers_running']} 台”不一致", field="boilers_running")
    burnt = sum(row["gas_m3"] or 0 for row in rows)
    remarks = []
    if any(row["gas_m3"] is not None for row in rows) and burnt != values["gas_used_m3"]:
        remarks.append(_remark("boilers", "gas_used_m3", f"逐台用气合计 {burnt:,} m³，与消耗 {values['gas_used_m3']:,.0f} m³ 不一致"))
    if not known:
        return rows, [*remarks, _remark("unregistered", "boilers_running", "台账中没有本企业的锅炉，台数和能力未能核对")]
    capacity = Boiler.objects.filter(pk__in=[one.pk for one in known.values()]).aggregate(sum=Sum("capacity_mw"))["sum"]
    if values["boilers_running"] > len(known):
        remarks.append(_remark("register", "boilers_running", f"台账登记 {len(known)} 台，所报 {values['boilers_running']} 台"))
    if values["capacity_mw"] > capacity:
        remarks.append(_remark("register", "capacity_mw", f"台账登记能力合计 {capacity:,.2f} MW，所报 {values['capacity_mw']:,.2f} MW"))
    return rows, remarks


def _gap_remarks(values: dict, said: dict) -> list[dict]:
    remarks = []
    declared, reckoned = values["gas_gap_m3"], values["gap_computed_m3"]
    if reckoned is None and not values["is_zero"]:
        remarks.append(_remark("unchecked", "gas_gap_m3", "未报需求和供应，缺口无法核算"))
    elif reckoned is not None and abs(declared - reckoned) > Decimal(str(said["gap_tolerance"])):
        remarks.append(_remark("gap", "gas_gap_m3", f"申报缺口 {declared:,.0f} m³，需求减供应为 {reckoned:,.0f} m³，相差 {declared - reckoned:+,.0f} m³"))
    return remarks


def _jumps(company: Unit, day: date, values: dict, said: dict) -> list[dict]:
    """What differs too much from the day before. Nothing where that day had nought or is missing: from nought everything is a jump."""
    last = DailyReport.objects.filter(company=company, day=day - DAY, is_current=True).first()
    if last is None:
        return []
    share, remarks = Decimal(str(said["jump_share"])), []
    for name in STEADY:
        was, now = getattr(last, name), values[name]
        if was and now is not None and abs(now - was) / was > share:
            label, unit = NAMES[name]
            remarks.append(_remark("jump", name, f"{label}前一日 {was:,.0f}，本日 {now:,.0f} {unit}，相差 {(now - was) / was * 100:+.0f}%"))
    return remarks


def _remark(code: str, name: str, text: str) -> dict:
    return {"code": code, "field": name, "text": text}


# ---------------------------------------------------------------- reminding


@transaction.atomic
def chase(due: ReportDue, *, actor, at: datetime) -> bool:
    """The bureau asks a company for its report; at most once an hour. Whether it was asked now. Forbidden, Conflict when it came already."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("只有区城管执法局和专班办公室可以催报")
    if due.submitted_at is not None:
        raise Conflict("该企业已报送")
    if journal.of(due).filter(act="chase", at__gt=at - timedelta(hours=1)).exists():
        return False
    outbox.post(
        due.company, f"催报：请报送 {due.day:%m月%d日} 供热日报", key=f"report-chase:{due.pk}:{at:%Y%m%d%H%M}", at=at, audience="doer", kind="report", level=1,
        link=due.get_absolute_url(), body=f"截止 {civil.spoken(due.due_at)}。没有运行和用气的也要零报告（I7）。",
    )  # fmt: skip
    journal.record(due, "chase", actor=actor, at=at, unit=due.company.code, day=due.day.isoformat())
    return True
