"""Demonstration: the companies report each morning, one forgets a day, one is late, one puts a figure right after it was sent.

The bureau compiles, the director approves, it goes to the city; temperatures are entered, so that the forecast can be held
against what was needed. Two cold days have the gap of `demo_gas`.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

from core import civil
from heating import demo_gas
from heating.rehearsal import Event
from supply import compiled, forecast, major, report_days, reports
from supply.models import CompiledReport
from supply.reports import Told
from units.models import Unit, User

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# Company: boilers running, MW.
RUNNING = {"demo-heating-1": (3, 178), "demo-heating-2": (3, 139), "demo-heating-3": (3, 128)}
# Mean temperature, °C, day by day; the last but one and the one a week before it are cold.
MEANS = ["6.5", "5.8", "4.9", "6.1", "5.2", "-3.6", "3.4", "4.4", "5.0", "4.1", "3.2", "2.6", "-4.2", "1.8"]
ORDINARY_DEGREES = Decimal(14)  # at so many degree-days a company needs its ordinary gas
ASSUMED = Decimal("0.45")  # this part of it does not depend on the cold


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """What is reported between two moments."""
    yield from (event for event in _all(since, until) if since <= event[0] <= until)


def _all(since: datetime, until: datetime) -> Iterator[Event]:
    last = civil.day_of(until)
    cold = {last - 8 * DAY, last - DAY}
    for back in range((last - civil.day_of(since)).days + 1):
        day = last - back * DAY
        yield _moment(day, 17), partial(_foresee, day, last)
        if back == 0 or report_days.season_of(day) is None:
            continue
        yield _moment(day + DAY, 6, 30), partial(_observe, day, last)
        yield from _reports(day, back, is_cold=day in cold, last=last)
        yield from _compiled(day, back)
    yield _moment(last - 8 * DAY, 12, 20), _major


def _moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=civil.SHANGHAI)


def _mean(day: date, last: date) -> Decimal:
    return Decimal(MEANS[-1 - (last - day).days % len(MEANS)])


def _demand(code: str, day: date, last: date) -> Decimal:
    """What a company needs on a day: part of it always, the rest by degree-days, and a little that nobody foresees."""
    ordinary = Decimal(demo_gas.DEMAND[code][1])
    degrees = Decimal(18) - _mean(day, last)
    chance = Decimal(day.toordinal() * 7 % 11 - 5) / 400
    return (ordinary * (ASSUMED + (1 - ASSUMED) * degrees / ORDINARY_DEGREES + chance)).quantize(Decimal(1))


def _reports(day: date, back: int, *, is_cold: bool, last: date) -> Iterator[Event]:
    for number, code in enumerate(RUNNING, 1):
        if code == "demo-heating-3" and back % 9 == 4:
            continue  # forgotten
        moment = _moment(day + DAY, 7, 10 * number)
        if code == "demo-heating-2" and back % 7 == 3:
            moment += 2 * HOUR  # after the cut-off
        if code == "demo-heating-3" and back == 7:
            yield moment, partial(_nought, code, day)  # a day on waste heat alone
            continue
        demand = _demand(code, day, last)
        gap = Decimal(demo_gas.GAPS.get(code, 0)) if is_cold else Decimal(0)
        yield moment, partial(_report, code, day, demand, gap, "")
    if back == 3:
        yield _moment(day + DAY, 15), partial(_report, "demo-heating-1", day, _demand("demo-heating-1", day, last) + 4_200, Decimal(0), "二号流量计抄录有误")


def _report(code: str, day: date, demand: Decimal, gap: Decimal, reason: str, at: datetime) -> None:
    boilers, capacity = RUNNING[code]
    supply = demand - gap if gap else demand + 2_000
    told = Told(
        boilers_running=boilers, capacity_mw=Decimal(capacity), gas_used_m3=min(demand, supply), gas_demand_m3=demand, gas_supply_m3=supply, gas_gap_m3=gap,
        measures="非居民用户停供，居民用户降温运行" if gap else "", confirmed="气温骤变，随之调整负荷",
    )  # fmt: skip
    unit = Unit.objects.get(code=code)
    reports.submit(unit, day, told, reason=reason, unit=unit, actor=User.objects.get(username=demo_gas.DEMAND[code][0]), at=at)


def _nought(code: str, day: date, at: datetime) -> None:
    unit = Unit.objects.get(code=code)
    told = Told(is_zero=True, capacity_mw=Decimal(92), confirmed="燃气锅炉停炉检修，由余热首站供热")
    reports.submit(unit, day, told, unit=unit, actor=User.objects.get(username=demo_gas.DEMAND[code][0]), at=at)


def _compiled(day: date, back: int) -> Iterator[Event]:
    yield _moment(day + DAY, 9, 40), partial(_compile, day)
    if back == 1:
        return  # the last one waits for the director
    yield _moment(day + DAY, 10), partial(_approve, day)
    # Once the bureau itself is late.
    yield _moment(day + DAY, 11, 40) if back == 6 else _moment(day + DAY, 10, 20), partial(_send, day)


def _found(day: date) -> CompiledReport | None:
    return CompiledReport.objects.select_related("season", "unit", "recipient", "compiled_by").filter(last_day=day).first()


def _compile(day: date, at: datetime) -> None:
    if found := _found(day):
        compiled.compile_figures(found, actor=User.objects.get(username="bureau"), at=at)


def _approve(day: date, at: datetime) -> None:
    if found := _found(day):
        compiled.approve(found, note="同意", actor=User.objects.get(username="director"), at=at)


def _send(day: date, at: datetime) -> None:
    if found := _found(day):
        compiled.send(found, recipient=found.recipient.name, way="network", receipt="已收悉", actor=User.objects.get(username="bureau"), at=at)


def _foresee(day: date, last: date, at: datetime) -> None:
    """In the afternoon the next three days' temperatures are forecast, not quite right."""
    for ahead in (1, 2, 3):
        coming = day + ahead * DAY
        wrong = Decimal(coming.toordinal() % 5 - 2) * Decimal("0.3") * ahead
        _record(coming, "forecast", _mean(coming, last) + wrong, at)


def _observe(day: date, last: date, at: datetime) -> None:
    _record(day, "observed", _mean(day, last), at)


def _record(day: date, kind: str, mean: Decimal, at: datetime) -> None:
    forecast.record_weather(
        day, kind=kind, lowest=mean - 4, highest=mean + 5, mean=mean, unit=Unit.objects.get(code="development-reform"), actor=User.objects.get(username="reform"), at=at
    )
    if kind == "forecast":
        forecast.generate(at=at)


def _major(at: datetime) -> None:
    said = major.Problem(
        kind="gas", title="寒潮首日天然气缺口", facts="上游日指定量不足，两家企业缺口合计约 10 万 m³/日，已按“压非保民”启动限供。", recipients="区委、区政府",
        discovered_at=at - 80 * MINUTE, reported_at=at - 10 * MINUTE, measures="停供非居民用户，协调上游增供。", next_steps="每日两次报告气量，直至缺口消除。",
    )  # fmt: skip
    major.report(said, actor=User.objects.get(username="bureau"), at=at)
