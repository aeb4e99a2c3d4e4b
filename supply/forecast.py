"""How much gas the coming days will need, by degree-days, and how wrong earlier forecasts were (F1).

Degree-days of a day = base − mean temperature outdoors, never below nought. Demand = base gas + slope × degree-days. Once a
company has reported on enough observed days, the two are fitted to them by least squares; until then its gas boilers' full
load is taken to be what the design temperature asks for (REC). A forecast is made before its day and not touched afterwards.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from core import civil, journal
from core.errors import Forbidden, Invalid
from deadlines import season as seasons
from deadlines.models import Season
from plants.models import Boiler, HeatSource
from supply import gas
from supply.models import DailyReport, GasForecast, Weather
from supply.report_days import DAY, rules
from units import access
from units.models import Kind, Unit

COLDEST, HOTTEST = Decimal(-50), Decimal(50)
Method = GasForecast.Method


@dataclass(frozen=True)
class Line:
    """Demand (m³ a day) = base + slope × degree-days, and from how many days it was fitted (nought: reckoned from the boilers)."""

    base: float
    slope: float
    sample: int
    method: str

    def at(self, degree_days: Decimal) -> Decimal:
        """The demand on a day of so many degree-days; never below nought."""
        return max(Decimal(str(round(self.base + self.slope * float(degree_days)))), Decimal(0))


# ---------------------------------------------------------------- weather


def may_record(user) -> bool:
    """Whether `user` may enter temperatures: the district, the bureau of gas, and the gas company, which forecasts (F1)."""
    return access.everywhere(user, access.SUPERVISE) or gas.gas_unit_of(user) is not None


@transaction.atomic
def record_weather(day: date, *, kind: str, lowest: Decimal, highest: Decimal, mean: Decimal | None = None, unit: Unit | None = None, actor, at: datetime) -> Weather:
    """A day's temperatures in °C; without `mean`, the middle of the two. What was said before stays; the latest counts.

    Invalid (day, kind, lowest, highest, mean), Forbidden.
    """
    if actor is not None and not may_record(actor):
        raise Forbidden("由区城管执法局、区发改委或燃气企业登记气温")
    if kind not in Weather.Kind.values:
        raise Invalid(f"只能是 {'、'.join(Weather.Kind.values)}", field="kind")
    today = civil.day_of(at)
    if kind == Weather.Kind.OBSERVED and day > today:
        raise Invalid("实况不能晚于今天", field="day")
    if not today - timedelta(days=400) <= day <= today + timedelta(days=15):
        raise Invalid("日期过早或过晚", field="day")
    for name, value in (("lowest", lowest), ("highest", highest)):
        if not COLDEST <= value <= HOTTEST:
            raise Invalid(f"应在 {COLDEST} 至 {HOTTEST} ℃之间", field=name)
    if lowest > highest:
        raise Invalid("最低气温不能高于最高气温", field="lowest")
    if mean is None:
        mean = (lowest + highest) / 2
    if not lowest <= mean <= highest:
        raise Invalid("日平均应在最低与最高之间", field="mean")
    made = Weather.objects.create(
        day=day, kind=kind, lowest=lowest, highest=highest, mean=mean, recorded_at=at, recorded_by=actor, unit=unit, is_demo=bool(actor and actor.is_demo)
    )
    journal.record(made, "record", actor=actor, at=at, unit=unit.code if unit else "", lowest=str(lowest), highest=str(highest), mean=str(mean))
    return made


@transaction.atomic
def record_many(rows: list[dict], *, unit: Unit | None, actor, at: datetime) -> int:
    """Several days' temperatures at once: all, or none when one is wrong; the fault names its row."""
    for said in rows:
        try:
            record_weather(said["day"], **{name: said[name] for name in ("kind", "lowest", "highest", "mean")}, unit=unit, actor=actor, at=at)
        except Invalid as fault:
            raise Invalid(f"第 {said['row']} 行：{fault.message}", field="file") from fault
    return len(rows)


def weather_of(first: date, last: date, *, kind: str | None = None) -> dict[tuple[date, str], Weather]:
    """(day, kind) → the latest word on it."""
    found = Weather.objects.filter(day__range=(first, last)).order_by("day", "kind", "-recorded_at", "-id").distinct("day", "kind")
    return {(one.day, one.kind): one for one in (found.filter(kind=kind) if kind else found)}


def degree_days(mean: Decimal, season: Season) -> Decimal:
    """Base less mean temperature, never below nought."""
    return max(Decimal(str(rules(season)["forecast"]["base_celsius"])) - mean, Decimal(0))


# ---------------------------------------------------------------- forecasting


def generate(*, at: datetime) -> None:
    """Forecast the coming days whose temperatures are forecast and that were not forecast today. A constant number of statements."""
    season = seasons.active(at)
    if season is None or not seasons.plan_of(season).get("reports"):
        return
    today = civil.day_of(at)
    last = min(today + timedelta(days=rules(season)["forecast"]["days_ahead"]), season.ends_on)
    coming = {day: one for (day, _), one in weather_of(today + DAY, last, kind=Weather.Kind.FORECAST).items()}
    if not coming:
        return
    known = set(GasForecast.objects.filter(made_on=today).values_list("day", flat=True))
    open_days = [day for day in coming if day not in known]
    if not open_days:
        return
    companies = list(Unit.objects.filter(kind=Kind.HEATING, is_active=True))
    lines = lines_of(season, companies, before=today)
    made = []
    for day in open_days:
        heat = degree_days(coming[day].mean, season)
        for company in companies:
            line = lines.get(company.pk)
            if line is not None:
                made.append(
                    GasForecast(
                        company=company, day=day, made_on=today, made_at=at, degree_days=heat, demand_m3=line.at(heat), method=line.method,
                        base_m3=Decimal(str(round(line.base, 2))), slope_m3=Decimal(str(round(line.slope, 4))), sample=line.sample, is_demo=company.is_demo,
                    )
                )  # fmt: skip
    GasForecast.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)


def lines_of(season: Season, companies: list[Unit], *, before: date) -> dict[int, Line]:
    """Each company's line from the days before `before`. None for a company without reports and without gas boilers: it burns no gas."""
    said = rules(season)["forecast"]
    first = before - timedelta(days=said["window_days"])
    observed = {day: one for (day, _), one in weather_of(first, before - DAY, kind=Weather.Kind.OBSERVED).items()}
    points: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for report in DailyReport.objects.filter(is_current=True, day__in=list(observed), company__in=companies).order_by("day"):
        if report.is_zero and not report.demand:
            continue  # nothing was lit: cold says nothing about it
        points[report.company_id].append((float(degree_days(observed[report.day].mean, season)), float(report.demand)))
    rated = dict(
        Boiler.objects.filter(source=HeatSource.GAS, is_active=True, is_standby=False, plant__is_active=True, plant__company__in=companies)
        .values("plant__company").annotate(gas=Sum("gas_m3_per_day")).values_list("plant__company", "gas")
    )  # fmt: skip
    span = said["base_celsius"] - said["design_celsius"]
    lines = {}
    for company in companies:
        line = fitted(points[company.pk], least=said["least_days"])
        if line is None and rated.get(company.pk):
            line = Line(0.0, float(rated[company.pk]) / span, len(points[company.pk]), Method.RATED)
        if line is not None:
            lines[company.pk] = line
    return lines


def fitted(points: list[tuple[float, float]], *, least: int) -> Line | None:
    """Least squares through (degree-days, m³). None with fewer than `least` points, without any spread of cold, or where cold lowers demand."""
    if len(points) < least:
        return None
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread < 1e-6:
        return None
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    if slope < 0:
        return None
    return Line(mean_y - slope * mean_x, slope, count, Method.FITTED)
