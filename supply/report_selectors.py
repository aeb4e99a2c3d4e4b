"""Reading daily reports, what was compiled of them, weather, forecasts and major problems: each as far as somebody may know of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Prefetch, Q, QuerySet

from core import civil, journal
from core.errors import Forbidden, Invalid, NotFound
from core.paging import Page, page
from core.together import Waiting, aggregated, may_wait, only_row
from deadlines import season as seasons
from plants.models import Boiler
from supply import forecast, gas_selectors, report_days, reports
from supply.models import CompiledReport, Correction, DailyReport, GasForecast, MajorReport, MissProposal, ReportDue, Sending, Weather
from supply.reports import FIGURES
from units import access
from units.models import Unit

DAY = timedelta(days=1)
MOST_DAYS = 62
SUBMITTED, ZERO, LATE, REVISED, DUE, MISSING, NOT_DUE = "submitted", "zero", "late", "revised", "due", "missing", "not_due"
# The states of a report: name on the screen, tone of its chip.
STATES = {
    NOT_DUE: ("未到报送日", ""), DUE: ("待报", "blue"), MISSING: ("漏报", "solid-red"), LATE: ("迟报", "amber"), REVISED: ("已更正", "green"),
    ZERO: ("零报告", "green"), SUBMITTED: ("已报", "green"),
}  # fmt: skip


# ---------------------------------------------------------------- who may see what


def companies(user) -> QuerySet[Unit]:
    """The companies whose reports `user` may see: its own, those that heat its territory, or all; those no longer in use too, for their past."""
    return gas_selectors.companies(user, with_former=True)


def company_to_see(user, code: str) -> Unit:
    """A company whose reports `user` may see; NotFound otherwise."""
    found = companies(user).filter(code=str(code)[:64]).first()
    if found is None:
        raise NotFound
    return found


def company_to_report(user, code: str) -> Unit:
    """A company for which `user` may report. NotFound, Forbidden."""
    found = company_to_see(user, code)
    if not reports.may_report(user, found):
        raise Forbidden("只能报送本企业的日报")
    return found


def companies_to_report(user) -> QuerySet[Unit]:
    """The companies for which `user` may report."""
    found = companies(user).filter(is_active=True)
    return found if access.everywhere(user, access.SUPERVISE) else found.filter(pk__in=access.unit_ids(user, access.HANDLE_TICKETS))


def require_sight(user) -> None:
    """Forbidden for who sees nobody's work."""
    if not access.unit_ids(user, access.SEE_WORK):
        raise Forbidden("您无权查看信息报送")


# ---------------------------------------------------------------- a day


@dataclass(frozen=True)
class Row:
    """A company's report on a day, or its absence, as of a moment."""

    company: Unit
    day: date
    due: ReportDue | None
    report: DailyReport | None
    state: str
    chased_at: datetime | None = None

    @property
    def state_name(self) -> str:
        """On the screen."""
        return STATES[self.state][0]

    @property
    def tone(self) -> str:
        """Of its chip."""
        return STATES[self.state][1]

    @property
    def is_open(self) -> bool:
        """Whether it is still to come."""
        return self.state in (DUE, MISSING)

    @property
    def letter(self) -> str:
        """In a narrow cell."""
        return {NOT_DUE: "·", DUE: "待", MISSING: "漏", LATE: "迟", REVISED: "更", ZERO: "零", SUBMITTED: "报"}[self.state]


def state_of(due: ReportDue | None, report: DailyReport | None, *, at: datetime) -> str:
    """not due, due, missing, late, revised, zero or submitted, as of `at`: exactly at the cut-off is in time."""
    if due is None:
        return NOT_DUE
    if report is None:
        return MISSING if at > due.due_at else DUE
    if due.is_late(at):
        return LATE
    if report.version > 1:
        return REVISED
    return ZERO if report.is_zero else SUBMITTED


@dataclass(frozen=True)
class Total:
    """A sum and of how many companies it is."""

    name: str
    sum: Decimal
    covered: int


@dataclass(frozen=True)
class DayBoard:
    """A day: every company that owes a report, and the totals of those that told, with their coverage."""

    day: date
    rows: list[Row]
    totals: dict[str, Total]
    due_at: datetime | None

    @property
    def owed(self) -> list[Row]:
        """Who owes a report."""
        return [row for row in self.rows if row.due is not None]

    @property
    def told(self) -> list[Row]:
        """Who has told."""
        return [row for row in self.rows if row.report is not None]

    @property
    def open(self) -> list[Row]:
        """Who is awaited, or missing."""
        return [row for row in self.rows if row.is_open]

    @property
    def coverage(self) -> str:
        """Of how many of how many: `12/14 家`."""
        return f"{len(self.told)}/{len(self.owed)} 家"

    @property
    def remarked(self) -> list[Row]:
        """Whose figures raise a question."""
        return [row for row in self.told if row.report.remarks]


def day_board(user, day: date, *, at: datetime) -> DayBoard:
    """Every company's report on a day: a constant number of queries."""
    units = list(companies(user))
    dues = {due.company_id: due for due in _dues(units, day, day)}
    rows = []
    for unit in units:
        due = dues.get(unit.pk)
        if due is None and not unit.is_active:
            continue
        report = due.current[0] if due is not None and due.current else None
        rows.append(Row(unit, day, due, report, state_of(due, report, at=at)))
    told = [row.report for row in rows if row.report is not None]
    season = report_days.season_of(day)
    return DayBoard(day, rows, _totals(told), report_days.due_moment(season, day) if season else None)


def _dues(units, first: date, last: date) -> QuerySet[ReportDue]:
    current = Prefetch("versions", queryset=DailyReport.objects.filter(is_current=True), to_attr="current")
    return ReportDue.objects.filter(company__in=units, day__range=(first, last)).prefetch_related(current)


def _totals(told: list[DailyReport]) -> dict[str, Total]:
    totals = {}
    for name in FIGURES:
        values = [one.gap if name == "gas_gap_m3" else getattr(one, name) for one in told]
        known = [Decimal(value) for value in values if value is not None]
        totals[name] = Total(reports.NAMES[name][0], sum(known, Decimal(0)), len(known))
    return totals


def latest_day(at: datetime) -> date:
    """The day that is reported on at a moment: yesterday. At 00:30 that is the day that has just ended."""
    return civil.day_of(at) - DAY


def day_named(text: str | None, *, at: datetime, field: str = "day") -> date:
    """A day of a query string; the day reported on now, where none is given. Invalid for what is no day."""
    return civil.day_of(civil.parse(text, field=field)) if text else latest_day(at)


# ---------------------------------------------------------------- several days


@dataclass(frozen=True)
class MatrixRow:
    """A company's days."""

    company: Unit
    cells: list[Row]

    @property
    def missed(self) -> int:
        """How many are missing."""
        return sum(cell.state == MISSING for cell in self.cells)

    @property
    def late(self) -> int:
        """How many came late."""
        return sum(cell.state == LATE for cell in self.cells)


def matrix(user, days: list[date], *, at: datetime) -> list[MatrixRow]:
    """Company × day. A constant number of queries."""
    units = list(companies(user))
    found = {(due.company_id, due.day): due for due in _dues(units, min(days), max(days))}
    rows = []
    for unit in units:
        if not unit.is_active and not any((unit.pk, day) in found for day in days):
            continue
        cells = []
        for day in days:
            due = found.get((unit.pk, day))
            report = due.current[0] if due is not None and due.current else None
            cells.append(Row(unit, day, due, report, state_of(due, report, at=at)))
        rows.append(MatrixRow(unit, cells))
    return rows


@dataclass(frozen=True)
class GasDay:
    """The district's gas on a day, m³, of those companies that told; None where nobody did: missing is not nought."""

    day: date
    used: Decimal | None
    demand: Decimal | None
    supply: Decimal | None
    gap: Decimal | None
    reported: int
    owed: int

    @property
    def coverage(self) -> str:
        """`12/14 家`."""
        return f"{self.reported}/{self.owed} 家"


@may_wait
def gas_days(user, since: date, until: date) -> Waiting[list[GasDay]]:
    """Used, needed, supplied and short of each day from `since` to `until`, both included: two queries. For the home page and the chart."""
    until = min(until, since + timedelta(days=200))
    units = companies(user)
    dues = ReportDue.objects.filter(company__in=units, day__range=(since, until)).values("day").annotate(count=Count("pk")).values_list("day", "count")
    current = DailyReport.objects.filter(company__in=units, day__range=(since, until), is_current=True)
    yield dues, current
    owed = dict(dues)
    told: dict[date, list[DailyReport]] = {}
    for one in current:
        told.setdefault(one.day, []).append(one)
    days = []
    for number in range((until - since).days + 1):
        day = since + DAY * number
        found = told.get(day, [])
        supplies = [one.gas_supply_m3 for one in found if one.gas_supply_m3 is not None]
        days.append(
            GasDay(
                day, _sum([one.gas_used_m3 for one in found]), _sum([one.demand for one in found]), _sum(supplies), _sum([one.gap for one in found]),
                len(found), owed.get(day, 0),
            )
        )  # fmt: skip
    return days


def _sum(values: list[Decimal]) -> Decimal | None:
    return sum(values, Decimal(0)) if values else None


# ---------------------------------------------------------------- one company


def due_to_see(user, code: str, day: date) -> tuple[Unit, ReportDue | None]:
    """A company's row of a day, None where nothing is owed. NotFound where one may not know of the company."""
    company = company_to_see(user, code)
    return company, ReportDue.objects.filter(company=company, day=day).select_related("company", "season").first()


def versions_of(due: ReportDue) -> list[DailyReport]:
    """Every version, the newest first, with its figures as they are named, and what changed from the one before it."""
    found = list(due.versions.select_related("submitted_by", "unit").order_by("-version"))
    for one in found:
        one.figures = [(name, *reports.NAMES[name], getattr(one, name)) for name in FIGURES]
    for newer, older in zip(found, [*found, None][1:], strict=True):
        newer.changes = [(*reports.NAMES[name], getattr(older, name), getattr(newer, name)) for name in FIGURES if getattr(older, name) != getattr(newer, name)] if older else []
    return found


def last_before(company: Unit, day: date) -> DailyReport | None:
    """The company's latest report before a day: what the form hints at."""
    return DailyReport.objects.filter(company=company, day__lt=day, day__gte=day - timedelta(days=14), is_current=True).order_by("-day").first()


def boilers_of(company: Unit) -> list[Boiler]:
    """A company's boilers and other heat sources, for those who tell of each."""
    return list(Boiler.objects.filter(plant__company=company, is_active=True, plant__is_active=True).select_related("plant"))


def open_dues(user, *, at: datetime) -> QuerySet[ReportDue]:
    """What those for whom `user` works have still to report, the oldest first."""
    mine = access.unit_ids(user, access.HANDLE_TICKETS)
    return ReportDue.objects.filter(company__in=mine, company__is_active=True, submitted_at=None).select_related("company").order_by("day")[:60]


def listing(user, *, company: str = "", since: date | None = None, until: date | None = None, state: str = "", at: datetime, cursor: str | None = None) -> Page:
    """Reports owed, the newest first, each with its current version."""
    found = dues_of(user, company=company, since=since, until=until, state=state, at=at)
    return page(found, order=("-opened_at", "-id"), cursor=cursor, size=50)


def dues_of(user, *, company: str = "", since: date | None = None, until: date | None = None, state: str = "", at: datetime) -> QuerySet[ReportDue]:
    """Reports owed, narrowed."""
    current = Prefetch("versions", queryset=DailyReport.objects.filter(is_current=True).select_related("submitted_by"), to_attr="current")
    found = ReportDue.objects.filter(company__in=companies(user)).select_related("company").prefetch_related(current).order_by("-opened_at", "-id")
    if company:
        found = found.filter(company=company_to_see(user, company))
    if since:
        found = found.filter(day__gte=since)
    if until:
        found = found.filter(day__lte=until)
    if state not in ("", *STATES):
        raise Invalid(f"只能是 {'、'.join(STATES)}", field="state")
    now = {"versions__is_current": True}
    is_late = Q(submitted_at__gt=F("due_at"))
    narrowed = {
        MISSING: Q(submitted_at=None, due_at__lt=at), DUE: Q(submitted_at=None, due_at__gte=at), LATE: is_late,
        REVISED: Q(versions__version__gt=1, **now) & ~is_late, ZERO: Q(versions__is_zero=True, versions__version=1, **now) & ~is_late,
        SUBMITTED: Q(versions__is_zero=False, versions__version=1, **now) & ~is_late, NOT_DUE: Q(pk=None),
    }  # fmt: skip
    return found.filter(narrowed[state]) if state else found


def proposals(user) -> list[MissProposal]:
    """Circulars proposed because reports were left out, the newest first; for the district."""
    if not access.everywhere(user, access.SEE_WORK):
        return []
    return list(MissProposal.objects.select_related("company")[:10])


# ---------------------------------------------------------------- compiled, corrections, sending


def sees_compiled(user) -> bool:
    """Whether `user` may see what is sent to the city: it shows every company's figures side by side."""
    return access.everywhere(user, access.SEE_WORK)


def compiled_list(user, *, state: str = "", cursor: str | None = None) -> Page:
    """What is and was to be sent, the newest first. Forbidden."""
    return page(compiled_rows(user, state=state), order=("-opened_at", "-id"), cursor=cursor, size=30)


def compiled_rows(user, *, state: str = "") -> QuerySet[CompiledReport]:
    """The same, unpaged."""
    if not sees_compiled(user):
        raise Forbidden("您无权查看汇总报送")
    if state and state not in CompiledReport.State.values:
        raise Invalid(f"只能是 {'、'.join(CompiledReport.State.values)}", field="state")
    found = CompiledReport.objects.select_related("recipient", "compiled_by", "approved_by").annotate(
        corrected=Count("corrections"), corrections_left=Count("corrections", filter=Q(corrections__sent_at=None))
    )
    return found.filter(state=state) if state else found


def compiled_to_see(user, number: str) -> CompiledReport:
    """One compiled report; NotFound for who may not know of it."""
    found = None
    if sees_compiled(user):
        found = CompiledReport.objects.select_related("season", "unit", "recipient", "compiled_by", "approved_by").filter(number=str(number)[:20]).first()
    if found is None:
        raise NotFound
    return found


def days_of(report: CompiledReport) -> list[dict]:
    """The kept figures of each day as numbers: kept as texts, so that not a digit is lost."""
    days = []
    for day in report.figures.get("days", []):
        lines = [{**line, "values": [Decimal(line[name]) if line[name] is not None else None for name in FIGURES]} for line in day["companies"]]
        sums = [(Decimal(day["totals"][name]["sum"]), day["totals"][name]["covered"]) for name in FIGURES]
        days.append({**day, "companies": lines, "sums": sums})
    return days


def corrections_of(report: CompiledReport) -> list[Correction]:
    """Its corrections in their order."""
    return list(report.corrections.select_related("company", "version").order_by("number"))


def correction_to_see(user, number: str, correction: int) -> Correction:
    """One correction; NotFound."""
    found = Correction.objects.filter(report=compiled_to_see(user, number), number=min(correction, 30_000)).select_related("report", "company").first()
    if found is None:
        raise NotFound
    return found


def sendings_of(report: CompiledReport) -> list[Sending]:
    """To whom and when it went."""
    return list(report.sendings.select_related("sent_by", "correction").order_by("sent_at", "pk"))


def entries_of(report: CompiledReport) -> list:
    """What happened to it."""
    return list(journal.of(report))


# ---------------------------------------------------------------- weather and forecast


@dataclass(frozen=True)
class ForecastDay:
    """A day: what was forecast on an earlier day, what was needed in the end, and by how much the forecast was wrong."""

    day: date
    weather: Weather | None
    degree_days: Decimal | None
    forecast: Decimal | None
    made_on: date | None
    forecast_of: int
    actual: Decimal | None
    actual_of: int
    # The same companies on both sides: what the error is reckoned from.
    compared_forecast: Decimal | None
    compared_actual: Decimal | None
    compared: int

    @property
    def error(self) -> Decimal | None:
        """Forecast less actual, as a share of the actual; of the companies that have both."""
        if not self.compared_actual:
            return None
        return (self.compared_forecast - self.compared_actual) / self.compared_actual


@dataclass(frozen=True)
class Outlook:
    """Forecast against actual, day by day, and the mean absolute error; with how each company's forecast is reckoned."""

    days: list[ForecastDay]
    lines: list[tuple[Unit, forecast.Line]]
    companies: int

    @property
    def mape(self) -> Decimal | None:
        """Mean of the absolute errors, of the days that can be compared."""
        errors = [abs(day.error) for day in self.days if day.error is not None]
        return sum(errors, Decimal(0)) / len(errors) if errors else None

    @property
    def compared(self) -> int:
        """How many days that is."""
        return sum(day.error is not None for day in self.days)


def outlook(user, *, company: Unit | None = None, at: datetime, days: int = 14) -> Outlook:
    """The last days and the coming ones, of one company or of all that `user` may see. A constant number of queries."""
    season = seasons.required(at)
    today = civil.day_of(at)
    first, last = today - timedelta(days=min(days, MOST_DAYS)), today + timedelta(days=report_days.rules(season)["forecast"]["days_ahead"])
    units = [company] if company is not None else list(companies(user).filter(is_active=True))
    weather = forecast.weather_of(first, last)
    told: dict[date, dict[int, Decimal]] = {}
    for one in DailyReport.objects.filter(company__in=units, day__range=(first, last), is_current=True):
        told.setdefault(one.day, {})[one.company_id] = one.demand
    said: dict[date, dict[int, GasForecast]] = {}
    latest = GasForecast.objects.filter(company__in=units, day__range=(first, last)).order_by("day", "company_id", "-made_on").distinct("day", "company_id")
    for one in latest:
        said.setdefault(one.day, {})[one.company_id] = one
    rows = []
    for number in range((last - first).days + 1):
        day = first + DAY * number
        actual, foreseen = told.get(day, {}), said.get(day, {})
        both = sorted(actual.keys() & foreseen.keys())
        known = weather.get((day, Weather.Kind.OBSERVED)) or weather.get((day, Weather.Kind.FORECAST))
        rows.append(
            ForecastDay(
                day, known, forecast.degree_days(known.mean, season) if known else None, _sum([one.demand_m3 for one in foreseen.values()]),
                max((one.made_on for one in foreseen.values()), default=None), len(foreseen), _sum(list(actual.values())), len(actual),
                _sum([foreseen[key].demand_m3 for key in both]), _sum([actual[key] for key in both]), len(both),
            )
        )  # fmt: skip
    lines = forecast.lines_of(season, units, before=today)
    return Outlook(rows, [(unit, lines[unit.pk]) for unit in units if unit.pk in lines], len(units))


def weather_rows(user, *, kind: str = "", since: date | None = None, until: date | None = None) -> QuerySet[Weather]:
    """Every temperature that was entered, narrowed by kind and day. Forbidden for who sees nothing; Invalid (kind)."""
    require_sight(user)
    if kind and kind not in Weather.Kind.values:
        raise Invalid(f"只能是 {'、'.join(Weather.Kind.values)}", field="kind")
    found = Weather.objects.select_related("recorded_by", "unit").order_by("-recorded_at", "-id")
    if kind:
        found = found.filter(kind=kind)
    if since:
        found = found.filter(day__gte=since)
    return found.filter(day__lte=until) if until else found


def weather_list(user, *, cursor: str | None = None, **narrowed) -> Page:
    """The same, page by page."""
    return page(weather_rows(user, **narrowed), order=("-recorded_at", "-id"), cursor=cursor, size=30)


# ---------------------------------------------------------------- major problems


def majors(user) -> QuerySet[MajorReport]:
    """Major problems reported upward; for the district. Forbidden."""
    if not access.everywhere(user, access.SEE_WORK):
        raise Forbidden("您无权查看重大问题报告")
    return MajorReport.objects.select_related("unit", "recorded_by")


@may_wait
def accidents(user, kind: str, *, since: datetime, until: datetime) -> Waiting[int | None]:
    """How many major problems of a kind were discovered within a time; None for whoever may not know of them (B1)."""
    if not access.everywhere(user, access.SEE_WORK):
        return None
    found = aggregated(majors(user).filter(kind=kind, discovered_at__gte=since, discovered_at__lt=until), all=Count("pk"))
    yield found
    return only_row(found)["all"]


def major_list(user, *, kind: str = "", cursor: str | None = None) -> Page:
    """The same, the newest first."""
    found = majors(user)
    return page(found.filter(kind=kind[:40]) if kind else found, order=("-discovered_at", "-id"), cursor=cursor, size=30)


def major_to_see(user, number: str) -> MajorReport:
    """One of them; NotFound for who may not know of it."""
    found = majors(user).filter(number=str(number)[:20]).first() if access.everywhere(user, access.SEE_WORK) else None
    if found is None:
        raise NotFound
    return found
