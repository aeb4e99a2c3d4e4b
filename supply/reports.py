"""Daily reports (I7): owed for each day, asked back about what cannot well be, revised in the open, never counted as zero when missing."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction

from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from deadlines import season as seasons
from notices import outbox
from plants.models import Boiler
from supply.models import Compilation, DailyReport, ReportDue
from units import access
from units.models import Kind, Unit

STAGE = "daily_report"
POLICY = "daily-report"
BACK = timedelta(days=10)  # how many days a keeper that was down makes good
JUMP = Decimal("0.5")  # REC: a figure that changes by more than half from one day to the next is asked back
FIGURES = ("boilers_running", "capacity_mw", "gas_used_m3", "gas_demand_m3", "gas_supply_m3", "gas_gap_m3")
NAMES = {
    "boilers_running": "锅炉运行", "capacity_mw": "供热能力", "gas_used_m3": "天然气消耗", "gas_demand_m3": "天然气需求", "gas_supply_m3": "天然气供应",
    "gas_gap_m3": "天然气缺口",
}  # fmt: skip


# ---------------------------------------------------------------- what is owed


def generate(*, at: datetime) -> list[ReportDue]:
    """Every heating company owes the report of each day of the season that is over; due at the plan's cut-off next morning. Idempotent."""
    season = seasons.active(at)
    if season is None:
        return []
    today = civil.day_of(at)
    first = max(season.starts_on, today - BACK)
    days = [first + timedelta(days=number) for number in range((min(today - timedelta(days=1), season.ends_on) - first).days + 1)]
    companies = list(Unit.objects.filter(kind=Kind.HEATING, is_active=True))
    known = set(ReportDue.objects.filter(day__in=days).values_list("company", "day"))
    wanted = [
        ReportDue(season=season, company=company, day=day, due_at=cutoff_of(season, day), is_demo=company.is_demo)
        for day in days
        for company in companies
        if (company.pk, day) not in known
    ]
    if not wanted:
        return []
    with transaction.atomic():
        ReportDue.objects.bulk_create(wanted, ignore_conflicts=True)
        new = list(ReportDue.objects.filter(day__in=days).exclude(pk__in=_with_deadline(days)).select_related("company"))
        limit = engine.limit(POLICY)
        engine.open_all([engine.draft(limit, due, due.company, at=civil.day_bounds(due.day)[1], due_at=due.due_at) for due in new])
    return new


def _with_deadline(days: list[date]) -> list[int]:
    found = engine.Deadline.objects.filter(subject_type=engine.subject_type(ReportDue), subject_id__in=ReportDue.objects.filter(day__in=days).values("pk"))
    return list(found.values_list("subject_id", flat=True))


def cutoff_of(season, day: date) -> datetime:
    """By when the report of a day is due: the plan's cut-off on the day after."""
    text = seasons.plan_of(season)["checklists"]["daily_report"]["cutoff"]
    return datetime.combine(day + timedelta(days=1), time.fromisoformat(text), tzinfo=civil.SHANGHAI)


# ---------------------------------------------------------------- reporting


@dataclass(frozen=True)
class Figures:
    """A company's figures of a day: boilers running, MW, m³ a day; what was done; whether there was nothing to report (零报告)."""

    boilers_running: int
    capacity_mw: Decimal
    gas_used_m3: Decimal
    gas_demand_m3: Decimal
    gas_supply_m3: Decimal
    gas_gap_m3: Decimal
    measures: str = ""
    is_zero: bool = False
    confirmation: str = ""
    reason: str = ""


def may_report(user, company: Unit) -> bool:
    """Whether `user` may report for a company: its own handlers."""
    return company.pk in access.unit_ids(user, access.HANDLE_TICKETS)


def submit(company: Unit, day: date, figures: Figures, *, actor, at: datetime) -> DailyReport:
    """Take in a company's report of a day, or a further version of it. The first settles the deadline by when it came.

    Invalid for what is impossible, by field; for what is merely unlikely (`confirmation`), until a word confirms it; for a
    revision without its reason. Forbidden for another company; Conflict for a day that is not over or not of the season.
    """
    if actor is not None and not may_report(actor, company):
        raise Forbidden("只能报送本企业的日报")
    if company.kind != Kind.HEATING:
        raise Invalid("只有供热企业报送日报", field="company")
    season = seasons.required(at)
    _possible(figures, company, season)
    generate(at=at)
    due = ReportDue.objects.filter(company=company, day=day).first()
    if due is None:
        raise Conflict("这一天还没有结束，或不在采暖期内" if civil.day_bounds(day)[1] > at or not season.starts_on <= day <= season.ends_on else "这一天已过补报期限")
    with transaction.atomic():
        due = ReportDue.objects.select_for_update().select_related("company").get(pk=due.pk)
        current = due.versions.filter(is_current=True).first()
        questions = doubts(due, figures)
        if questions and not figures.confirmation.strip():
            raise Invalid("；".join(questions) + "。确认无误请填写情况说明", field="confirmation")
        if current is not None and not figures.reason.strip():
            raise Invalid("已报送过，更正须写明原因", field="reason")
        due.versions.filter(is_current=True).update(is_current=False)
        report = DailyReport.objects.create(
            due=due, version=current.version + 1 if current else 1, is_zero=figures.is_zero, measures=figures.measures.strip()[:2000], questions=questions,
            confirmation=figures.confirmation.strip()[:300], reason=figures.reason.strip()[:300] if current else "", reported_at=at, reported_by=actor,
            **{name: getattr(figures, name) for name in FIGURES},
        )  # fmt: skip
        engine.settle(due, STAGE, at=at)
        if current is not None:
            _correct(due, at)
        journal.record(
            due, "revise" if current else "report", actor=actor, at=at, unit=company.code, reason=report.reason, version=report.version,
            **{name: str(getattr(report, name)) for name in FIGURES},
        )  # fmt: skip
    return report


def _possible(figures: Figures, company: Unit, season) -> None:
    fields: dict[str, list[str]] = {}
    limits = {item["code"]: item for item in seasons.plan_of(season)["checklists"]["daily_report"]["items"]}
    gas = limits.get("gas_used_m3", {})
    for name in FIGURES:
        said = limits.get(name, gas)
        value = getattr(figures, name)
        lowest, highest = Decimal(str(said.get("lowest") or 0)), Decimal(str(said.get("highest") or 5_000_000))
        if value is None or not Decimal(value).is_finite() or not lowest <= Decimal(value) <= highest:
            fields[name] = [f"{NAMES[name]}应在 {lowest:,.0f} 至 {highest:,.0f} 之间"]
    boilers = Boiler.objects.filter(plant__company=company, is_active=True)
    count = boilers.count()
    if "boilers_running" not in fields and count and figures.boilers_running > count:
        fields["boilers_running"] = [f"台账上只有 {count} 台锅炉"]
    if not figures.is_zero and not figures.measures.strip() and not fields and figures.gas_gap_m3 > 0:
        fields["measures"] = ["有缺口时须写明采取的应急措施"]
    if fields:
        raise Invalid(next(iter(fields.values()))[0], fields=fields)


def doubts(due: ReportDue, figures: Figures) -> list[str]:
    """What is unlikely and is asked back: the declared gap against demand − supply, capacity against the register, jumps from the day before."""
    found = []
    computed = max(figures.gas_demand_m3 - figures.gas_supply_m3, Decimal(0))
    if computed != figures.gas_gap_m3:
        found.append(f"申报缺口 {figures.gas_gap_m3:,.0f} m³ 与需求减供应的 {computed:,.0f} m³ 不符")
    installed = sum(Boiler.objects.filter(plant__company=due.company, is_active=True).values_list("capacity_mw", flat=True), Decimal(0))
    if installed and figures.capacity_mw > installed:
        found.append(f"供热能力 {figures.capacity_mw:g} MW 超过台账上的 {installed:g} MW")
    before = DailyReport.objects.filter(due__company=due.company, due__day=due.day - timedelta(days=1), is_current=True).first()
    for name in ("gas_used_m3", "gas_demand_m3", "gas_supply_m3", "capacity_mw"):
        old = Decimal(getattr(before, name)) if before else None
        if old and abs(Decimal(getattr(figures, name)) - old) > old * JUMP:
            found.append(f"{NAMES[name]}由前一日的 {old:,.0f} 变为 {getattr(figures, name):,.0f}")
    return found


def _correct(due: ReportDue, at: datetime) -> None:
    """A day that was compiled and approved already is corrected by a notice, never in silence (behaviour 15)."""
    issued = Compilation.objects.filter(day=due.day, approved_at__isnull=False).order_by("-number").first()
    if issued is not None:
        bureau = Unit.objects.get(code=access.BUREAU)
        outbox.post(
            bureau, f"更正：{due.company} {due.day} 日报", key=f"correction:{due.pk}:{at.isoformat()}", at=at, audience="bureau", kind="correction", level=1,
            link=f"/reports/compiled/?day={due.day}", body="这一天的汇总报告已审定，请编制更正报告。",
        )  # fmt: skip


# ---------------------------------------------------------------- compiling for the city


def compile_day(day: date, *, actor, at: datetime) -> Compilation:
    """The district's report of a day as it stands now; after an approved one, a correction of it. The bureau's to do (I8)."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("由区城管执法局汇总")
    if civil.day_bounds(day)[1] > at:
        raise Invalid("这一天还没有结束", field="day")
    with transaction.atomic():
        last = Compilation.objects.select_for_update().filter(day=day).order_by("-number").first()
        if last is not None and last.approved_at is None:
            last.snapshot, last.cut_at, last.compiled_by = snapshot(day), at, actor
            last.save(update_fields=["snapshot", "cut_at", "compiled_by"])
            found = last
        else:
            found = Compilation.objects.create(
                day=day, number=last.number + 1 if last else 1, snapshot=snapshot(day), cut_at=at, correction_of=last, compiled_by=actor
            )
        journal.record(found, "compile", actor=actor, at=at, totals=found.snapshot["totals"])
    return found


def snapshot(day: date) -> dict:
    """The figures of a day by company, and their totals with coverage: missing is missing and never zero."""
    rows = []
    for due in ReportDue.objects.filter(day=day).select_related("company").order_by("company__position", "company__code"):
        report = due.versions.filter(is_current=True).first()
        row = {"company": due.company.code, "name": str(due.company), "version": report.version if report else None, "is_zero": bool(report and report.is_zero)}
        row |= {name: str(getattr(report, name)) if report else None for name in FIGURES}
        row |= {"gap": str(report.gap_m3) if report else None, "measures": report.measures if report else "", "reported_at": report.reported_at.isoformat() if report else None}
        rows.append(row)
    reported = [row for row in rows if row["version"] is not None]
    totals = {name: str(sum(Decimal(row[name]) for row in reported)) if reported else None for name in FIGURES}
    totals["gap"] = str(sum(Decimal(row["gap"]) for row in reported)) if reported else None
    return {"rows": rows, "totals": totals, "reported": len(reported), "of": len(rows)}


def approve(found: Compilation, *, actor, at: datetime) -> None:
    """Somebody other than who compiled it approves: the office's director, or another of the bureau."""
    if not access.everywhere(actor, access.SUPERVISE) or actor.pk == found.compiled_by_id:
        raise Forbidden("须由汇总人以外的负责人审定")
    with transaction.atomic():
        if not Compilation.objects.filter(pk=found.pk, approved_at=None).update(approved_at=at, approved_by=actor):
            raise Conflict("已经审定")
        journal.record(found, "approve", actor=actor, at=at)


def send(found: Compilation, *, how: str, actor, at: datetime) -> None:
    """That it was sent to 市燃气供热服务中心, and how: the log of I8."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("由区城管执法局报送")
    if not how.strip():
        raise Invalid("请写明报送方式（系统、邮件、传真、专人）", field="how")
    with transaction.atomic():
        if not Compilation.objects.filter(pk=found.pk, approved_at__isnull=False, sent_at=None).update(sent_at=at, sent_by=actor, sent_how=how.strip()[:120]):
            raise Conflict("审定后才能报送，且只登记一次")
        journal.record(found, "send", actor=actor, at=at, reason=how.strip())


def chase(due: ReportDue, *, actor, at: datetime) -> None:
    """Remind a company of a report that is missing."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("由区城管执法局催报")
    outbox.post(due.company, f"请报送 {due.day} 供热日报", key=f"chase:{due.pk}:{at:%Y%m%d%H}", at=at, audience="doer", kind="nudge", link=due.get_absolute_url())
    journal.record(due, "nudge", actor=actor, at=at, unit=due.company.code)
