"""Demonstration gas and outages: the plans of what is cut, two cold days with a gap, gas asked for upstream, repairs, damage to a pipe.

The first cold day is over; the second is the day before the end, so that a curtailment runs when somebody looks.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

from core import civil
from heating.rehearsal import Event
from plants.models import Boiler, Community
from supply import curtailment, damage, gas, outages
from supply.models import Activation, Coordination, DamageReport, GasIncident, Outage, PassageRequest
from units.models import Unit, User

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# company, account, stage, load, boiler, name, communities, m³ a day
STEPS = (
    ("demo-heating-1", "heating1", 1, "non_residential", None, "演示水上乐园", (), 12_000),
    ("demo-heating-1", "heating1", 1, "non_residential", None, "演示购物中心", (), 18_000),
    ("demo-heating-1", "heating1", 2, "residential", "demo-boiler-3", "融春里片区", ("demo-community-3",), 34_000),
    ("demo-heating-1", "heating1", 2, "residential", "demo-boiler-3", "第一小学片区", ("demo-school-1",), 9_000),
    ("demo-heating-1", "heating1", 3, "residential", "demo-boiler-1", "北苑回迁片区", ("demo-community-7",), 22_000),
    ("demo-heating-1", "heating1", 3, "residential", "demo-boiler-2", "和暖苑片区", ("demo-community-1",), 41_000),
    ("demo-heating-2", "heating2", 1, "non_residential", None, "演示会展中心", (), 15_000),
    ("demo-heating-2", "heating2", 2, "residential", "demo-boiler-7", "汉城家园片区", ("demo-community-8",), 20_000),
    ("demo-heating-2", "heating2", 2, "residential", "demo-boiler-7", "煦园片区", ("demo-community-2",), 38_000),
    ("demo-heating-2", "heating2", 3, "residential", "demo-boiler-5", "安和家园片区", ("demo-community-4",), 30_000),
    ("demo-heating-2", "heating2", 3, "residential", "demo-boiler-6", "社区医院片区", ("demo-hospital-1",), 6_000),
    ("demo-heating-3", "heating3", 1, "non_residential", None, "演示洗浴城", (), 7_000),
    ("demo-heating-3", "heating3", 2, "residential", "demo-boiler-9", "明德坊片区", ("demo-community-5",), 21_000),
)
DEMAND = {"demo-heating-1": ("heating1", 305_000), "demo-heating-2": ("heating2", 268_000), "demo-heating-3": ("heating3", 61_000)}
# What is missing on a cold day, m³; on other days the supply covers the demand.
GAPS = {"demo-heating-1": 72_000, "demo-heating-2": 28_000}
QUIET_GAPS: dict[str, int] = {}


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """What gas and pipes bring between two moments: nothing before, and nothing that is still to come."""
    yield from (event for event in _all(since, until) if since <= event[0] <= until)


def _all(since: datetime, until: datetime) -> Iterator[Event]:
    last = civil.day_of(until)
    cold = {last - 8 * DAY, last - DAY}
    yield since + HOUR, _plans
    for days in range(10, -1, -1):
        day = last - days * DAY
        yield from _readings(day, GAPS if day in cold else QUIET_GAPS)
    for number, day in enumerate(sorted(cold)):
        yield from _shortage(day, is_over=number == 0)
    yield from _repairs(until)


def _moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=civil.SHANGHAI)


def _plans(at: datetime) -> None:
    for company, account, stage, kind, boiler, name, places, m3 in STEPS:
        plan = curtailment.plan_of(Unit.objects.get(code=company), at=at)
        if plan.steps.filter(name=name).exists():
            continue
        measure = curtailment.Measure(
            stage=stage, kind=kind, name=name, reduction_m3=Decimal(m3), communities=tuple(Community.objects.filter(code__in=places)),
            boiler=Boiler.objects.select_related("plant").get(code=boiler) if boiler else None, order=plan.steps.filter(stage=stage).count() + 1,
        )  # fmt: skip
        curtailment.add_step(plan, measure, actor=User.objects.get(username=account), at=at)


def _readings(day: date, gaps: dict[str, int]) -> Iterator[Event]:
    for position, (company, (account, demand)) in enumerate(DEMAND.items()):
        # The third company has not reported yet on the last morning of each other day: missing is shown as missing.
        if company == "demo-heating-3" and not gaps and day.toordinal() % 2:
            continue
        wanted = demand + 900 * (day.toordinal() % 7)
        yield _moment(day, 7, 30 + 5 * position), partial(_read, company, account, day, wanted, wanted - gaps.get(company, -2_000))


def _read(company: str, account: str, day: date, demand: int, supply: int, at: datetime) -> None:
    unit = Unit.objects.get(code=company)
    gas.read(unit, day=day, demand_m3=Decimal(demand), supply_m3=Decimal(supply), unit=unit, actor=User.objects.get(username=account), at=at)


def _shortage(day: date, *, is_over: bool) -> Iterator[Event]:
    yield _moment(day, 7, 50), partial(_coordinate, day)
    yield _moment(day, 8, 10), partial(_propose, "demo-heating-1", "heating1", day)
    yield _moment(day, 8, 12), partial(_propose, "demo-heating-2", "heating2", day)
    yield _moment(day, 8, 40), partial(_approve, "demo-heating-2", "")
    yield _moment(day, 9, 0), partial(_approve, "demo-heating-1", "" if is_over else "寒潮持续，省天然气公司明确两日内不能增供，先保学校和医院")
    yield _moment(day, 11, 0), _incident
    yield _moment(day, 15, 30), _answer
    if is_over:
        yield _moment(day, 21, 0), partial(_end, "demo-heating-1")
    yield _moment(day, 20, 0), partial(_end, "demo-heating-2")


def _coordinate(day: date, at: datetime) -> None:
    for account, unit, whom, asked in (("reform", "development-reform", "省天然气公司", 80_000), ("heating1", "demo-heating-1", "秦华天然气公司", 30_000)):
        gas.coordinate(
            Unit.objects.get(code=unit), day=day, counterpart=whom, asked_m3=Decimal(asked), note="寒潮期间日指定量不足，申请增供",
            actor=User.objects.get(username=account), at=at,
        )  # fmt: skip


def _answer(at: datetime) -> None:
    """The bureau of gas has its answer, and what was reported is dealt with."""
    reform = User.objects.get(username="reform")
    for waiting in Coordination.objects.filter(unit__code="development-reform", granted_m3=None).select_related("unit"):
        gas.answered(waiting, granted_m3=Decimal(35_000), note="次日起增供", actor=reform, at=at)
    for incident in GasIncident.objects.filter(closed_at=None):
        gas.close_incident(incident, measure="协调上游开启备用气源，压力已回升。", actor=reform, at=at)


def _incident(at: datetime) -> None:
    gas.report_incident(
        Unit.objects.get(code="demo-heating-1"), what="北辰调压站进口压力由 0.38 MPa 降至 0.29 MPa，锅炉降负荷运行。", happened_at=at - 10 * MINUTE,
        company=Unit.objects.get(code="demo-heating-1"), actor=User.objects.get(username="heating1"), at=at,
    )  # fmt: skip


def _propose(company: str, account: str, day: date, at: datetime) -> None:
    unit = Unit.objects.get(code=company)
    demand = DEMAND[company][1] + 900 * (day.toordinal() % 7)
    curtailment.propose(
        curtailment.plan_of(unit, at=at), demand_m3=Decimal(demand), supply_m3=Decimal(demand - GAPS[company]),
        figures_from=f"{unit} {_moment(day, 7, 30):%m-%d %H:%M}", actor=User.objects.get(username=account), at=at,
    )  # fmt: skip


def _approve(company: str, override: str, at: datetime) -> None:
    found = Activation.objects.select_related("company").get(company__code=company, state="proposed")
    curtailment.approve(found, note="同意启动", override_reason=override, actor=User.objects.get(username="bureau"), at=at)


def _end(company: str, at: datetime) -> None:
    found = Activation.objects.select_related("company").get(company__code=company, state="active")
    curtailment.end(found, note="上游增供到位，各片区已恢复正常供气", actor=User.objects.get(username=DEMAND[company][0]), at=at)


# ---------------------------------------------------------------- repairs


def _repairs(until: datetime) -> Iterator[Event]:
    start = until - 30 * HOUR
    yield start, partial(_break, "demo-heating-1", "heating1", "凤城三路一次网弯头", "一次网弯头泄漏", "demo-community-1", start + 5 * HOUR)
    yield start + 10 * MINUTE, partial(_ask, "凤城三路一次网弯头", "陕A·Y3017", "北辰抢修基地—太华路—凤城三路", "heating1")
    yield start + 24 * MINUTE, partial(_acknowledge, "凤城三路一次网弯头")
    yield start + 4 * HOUR, partial(_later, "凤城三路一次网弯头", "heating1", start + 8 * HOUR, "需更换整段弯头，土方量大")
    yield start + 7 * HOUR, partial(_restore, "凤城三路一次网弯头", "heating1", "已换管打压，17 栋楼全部复热")
    yield until - 26 * HOUR, _damage
    yield until - 25 * HOUR, _receive
    yield until - 8 * HOUR, partial(_break, "demo-heating-3", "heating3", "明德坊换热站", "循环泵电机烧毁", "demo-community-5", until - 2 * HOUR)
    yield until - 3 * HOUR, partial(_break, "demo-heating-2", "heating2", "徐家湾二次网", "二次网焊缝渗漏", "demo-community-4", until + 4 * HOUR)
    yield until - 12 * MINUTE, partial(_ask, "徐家湾二次网", "陕A·R6082", "徐家湾抢修点—北二环—徐家湾", "heating2")


def _break(company: str, account: str, place: str, cause: str, community: str, expected: datetime, at: datetime) -> None:
    said = outages.Interruption(
        place=place, cause=cause, areas=(outages.Area(Community.objects.get(code=community)),), started_at=at - 15 * MINUTE, expected_at=expected
    )
    outages.report(Unit.objects.get(code=company), said, actor=User.objects.get(username=account), at=at)


def _at(place: str) -> Outage:
    return Outage.objects.select_related("company").filter(place=place).latest("started_at")


def _ask(place: str, plate: str, route: str, account: str, at: datetime) -> None:
    outages.request_passage(
        _at(place), plate=plate, route=route, window_from=at, window_until=at + 3 * HOUR, actor=User.objects.get(username=account), at=at
    )


def _acknowledge(place: str, at: datetime) -> None:
    asked = PassageRequest.objects.select_related("outage__company", "unit").get(outage=_at(place), answered_at=None)
    outages.answer_passage(asked, is_granted=True, answer="已通知沿线岗亭放行", actor=User.objects.get(username="police"), at=at)


def _later(place: str, account: str, expected: datetime, reason: str, at: datetime) -> None:
    outages.promise(_at(place), expected_at=expected, reason=reason, actor=User.objects.get(username=account), at=at)


def _restore(place: str, account: str, result: str, at: datetime) -> None:
    outages.restore(_at(place), result=result, actor=User.objects.get(username=account), at=at)


def _damage(at: datetime) -> None:
    said = damage.Damage(
        place="未央路与凤城一路口", what="道路施工机械碰伤供热回水管保温层，管壁有凹痕。", found_at=at - 20 * MINUTE, is_stopped=True,
        stopped_note="已责令停工，现场围挡", community=Community.objects.select_related("company").get(code="demo-community-1"), repair_by=at + 4 * DAY,
    )  # fmt: skip
    damage.report(Unit.objects.get(code="street-weiyanggong"), said, actor=User.objects.get(username="inspector"), at=at)


def _receive(at: datetime) -> None:
    receipt = DamageReport.objects.latest("reported_at").receipts.select_related("report__street", "unit").get(unit__code="urban-management")
    damage.confirm(receipt, note="已派执法队到场核查", actor=User.objects.get(username="bureau"), at=at)
