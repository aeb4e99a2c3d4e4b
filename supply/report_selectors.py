"""Reading daily reports: a day by company, a stretch of days by company, and the figures of gas for the home page."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from core import civil
from core.errors import Invalid, NotFound
from supply.models import Compilation, DailyReport, ReportDue
from units import access
from units.models import Kind, Unit

STATES = {
    "none": ("未到期", "plain"), "due": ("待报", "grey"), "submitted": ("已报", "green"), "zero": ("零报告", "green"), "late": ("迟报", "amber"),
    "missing": ("漏报", "solid-red"), "revised": ("已更正", "blue"),
}  # fmt: skip


def visible_dues(user):
    """The reports owed by one's own company, or by all for who sees the district's work."""
    found = ReportDue.objects.select_related("company")
    if access.everywhere(user, access.SEE_WORK):
        return found
    return found.filter(company__in=access.unit_ids(user, access.SEE_WORK))


def companies(user):
    """The heating companies whose reports `user` may see."""
    found = Unit.objects.filter(kind=Kind.HEATING, is_active=True)
    return found if access.everywhere(user, access.SEE_WORK) else found.filter(pk__in=access.unit_ids(user, access.SEE_WORK))


def company_to_see(user, code: str) -> Unit:
    """One of them; NotFound where one may not know of it."""
    found = companies(user).filter(code=code[:64]).first()
    if found is None:
        raise NotFound
    return found


def due_to_see(user, company: Unit, day: date) -> ReportDue | None:
    """What a company owes for a day, if it is owed yet."""
    return visible_dues(user).filter(company=company, day=day).first()


def day_named(text: str | None, *, at: datetime) -> date:
    """A day of an address; without one, yesterday: the day whose report is due now. Invalid for what is none."""
    if not text:
        return civil.day_of(at) - timedelta(days=1)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2100:
        raise Invalid("日期应如 2025-11-14", field="day")
    return day


@dataclass(frozen=True)
class Row:
    """A company's report of a day: its state, and the current version."""

    due: ReportDue
    report: DailyReport | None
    state: str
    first_at: datetime | None

    @property
    def name(self) -> str:
        """The state in words."""
        return STATES[self.state][0]

    @property
    def tone(self) -> str:
        """The state's colour."""
        return STATES[self.state][1]


def rows_of(user, days: list[date], *, at: datetime) -> list[Row]:
    """The rows of some days. Two queries, however many."""
    dues = list(visible_dues(user).filter(day__in=days).order_by("day", "company__position", "company__code"))
    versions: dict[int, list[DailyReport]] = {}
    for report in DailyReport.objects.filter(due__in=dues).order_by("version"):
        versions.setdefault(report.due_id, []).append(report)
    return [_row(due, versions.get(due.pk, []), at) for due in dues]


def _row(due: ReportDue, versions: list[DailyReport], at: datetime) -> Row:
    if not versions:
        return Row(due, None, "missing" if at > due.due_at else "due", None)
    first, last = versions[0], versions[-1]
    state = "late" if first.reported_at > due.due_at else "revised" if last.version > 1 else "zero" if last.is_zero else "submitted"
    return Row(due, last, state, first.reported_at)


@dataclass(frozen=True)
class Summary:
    """The totals of a day over those who reported, and the coverage that belongs to them."""

    day: date
    rows: list[Row]
    totals: dict[str, Decimal | None]

    @property
    def reported(self) -> int:
        """How many companies reported."""
        return sum(row.report is not None for row in self.rows)

    @property
    def coverage(self) -> str:
        """`12/14 家`: missing is never zero."""
        return f"{self.reported}/{len(self.rows)} 家"

    @property
    def missing(self) -> list[Row]:
        """Who has not reported."""
        return [row for row in self.rows if row.report is None]


FIGURES = ("boilers_running", "capacity_mw", "gas_used_m3", "gas_demand_m3", "gas_supply_m3", "gas_gap_m3")


def summary(user, day: date, *, at: datetime) -> Summary:
    """A day's reports with their totals; without any report there is no total."""
    rows = rows_of(user, [day], at=at)
    told = [row.report for row in rows if row.report is not None]
    totals = {name: sum((Decimal(getattr(report, name)) for report in told), Decimal(0)) if told else None for name in FIGURES}
    totals["gap"] = sum((Decimal(report.gap_m3) for report in told), Decimal(0)) if told else None
    return Summary(day, rows, totals)


def gas_days(user, *, since: date, until: date, at: datetime) -> list[Summary]:
    """The summaries of [since, until], a day each: two queries."""
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    by_day: dict[date, list[Row]] = {day: [] for day in days}
    for row in rows_of(user, days, at=at):
        by_day[row.due.day].append(row)
    found = []
    for day, rows in by_day.items():
        told = [row.report for row in rows if row.report is not None]
        totals = {name: sum((Decimal(getattr(report, name)) for report in told), Decimal(0)) if told else None for name in FIGURES}
        totals["gap"] = sum((Decimal(report.gap_m3) for report in told), Decimal(0)) if told else None
        found.append(Summary(day, rows, totals))
    return found


def versions_of(due: ReportDue):
    """Every version of a report, the newest first."""
    return due.versions.select_related("reported_by").order_by("-version")


def yesterday_of(company: Unit, day: date) -> DailyReport | None:
    """The report of the day before: what the form shows as a hint, never as a value."""
    return DailyReport.objects.filter(due__company=company, due__day=day - timedelta(days=1), is_current=True).first()


def compilations(limit: int = 60):
    """The compiled reports, the newest first."""
    return Compilation.objects.select_related("compiled_by", "approved_by", "sent_by").order_by("-day", "-number")[:limit]


def compilation_by_id(pk: int) -> Compilation:
    """One compiled report."""
    found = Compilation.objects.select_related("compiled_by", "approved_by", "sent_by", "correction_of").filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found
