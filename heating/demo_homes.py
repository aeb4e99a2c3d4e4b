"""Demonstration of homes: heat managers with numbers, calibrated instruments, visits day by day, a cold room measured again."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from complaints import from_visits
from core import civil
from plants import temperatures, visits
from plants.models import Community, HomeVisit, Instrument, RoomTemperature
from plants.temperatures import Reading
from plants.visits import Visited
from units.models import Unit, User

Event = tuple[datetime, Callable[[datetime], object]]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# company, who writes, their communities, and in which steps they go from home to home
ROUNDS = (
    ("demo-heating-1", "heating1", ("demo-community-1", "demo-community-3"), 1), ("demo-heating-2", "heating2", ("demo-community-2", "demo-community-4"), 1),
    ("demo-heating-3", "heating3", ("demo-community-5", "demo-community-6"), 3),
)  # fmt: skip
OPINIONS = ("希望缴费能在手机上开发票", "", "晚上十点后温度偏低，望早晚均衡", "", "楼道阀门井盖松动，已告知", "")
MASTERS = ("李师傅", "王师傅", "张师傅")
SOLVED = ("排气一处，散热器上部已热", "", "讲解分户阀门使用方法", "", "清洗入户过滤网", "")
PROBLEMS = {5: "北侧次卧散热器不热，需更换支管阀门", 11: "单元立管保温层脱落，须整治"}


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """From the ignition on, each company visits a few homes a day; what is too cold is measured again two days later."""
    yield since, _equip
    day, last, number = civil.day_of(since), civil.day_of(until), 0
    while day <= last:
        start = civil.day_bounds(day)[0]
        if day.weekday() < 6 and (day.month, day.day) >= (11, 8) or day.month in (12, 1, 2, 3):
            for company, login, places, step in ROUNDS:
                if number % step:
                    continue
                moment = start + 15 * HOUR + timedelta(minutes=7 * (number % 5))
                if since < moment < until:
                    yield moment, partial(_visit, company, login, places[number % 2], number)
        again = start + 10 * HOUR
        if since < again < until:
            yield again, _measure_again
        if since < start + 16 * HOUR < until and day.weekday() == 4:
            yield start + 16 * HOUR, _convert
        day += DAY
        number += 1


def _equip(at: datetime) -> None:
    """Heat managers with telephones but for one community, and an instrument for each company, one of them out of its time."""
    for number, community in enumerate(Community.objects.filter(is_demo=True, heat_manager_phone="").order_by("code"), 1):
        if community.code != "demo-community-8":
            Community.objects.filter(pk=community.pk).update(heat_manager_phone=f"029-0000 01{number:02d}")
    today = civil.day_of(at)
    for number, (code, *_) in enumerate(ROUNDS, 1):
        until = today + timedelta(days=200) if number < 3 else today - timedelta(days=5)
        Instrument.objects.get_or_create(
            unit=Unit.objects.get(code=code), number=f"CW-{number:03d}",
            defaults={"name": "数字温度计", "calibrated_on": until - timedelta(days=365), "calibrated_until": until, "is_demo": True},
        )  # fmt: skip


def _visit(company: str, login: str, place: str, number: int, at: datetime) -> None:
    user, community = User.objects.get(username=login), Community.objects.get(code=place)
    device = Instrument.objects.filter(unit__code=company, is_active=True).first()
    degrees = Decimal("20.6") + Decimal(number * 7 % 13 - 4) / 10
    if number % 9 == 4:
        degrees = Decimal("19.95") if number % 2 else Decimal("17.4")
    readings = (
        Reading("客厅", degrees, point="房间中央，距地 1.4 米", outdoor_celsius=Decimal(number * 3 % 9), device=device, building=f"{number % 6 + 1}号楼", resident="signed"),
        Reading("主卧", degrees + Decimal("0.3"), outdoor_celsius=Decimal(number * 3 % 9), device=device, building=f"{number % 6 + 1}号楼", resident="signed"),
    )
    visits.record(
        Visited(
            community, MASTERS[number % 3], building=f"{number % 6 + 1}号楼", visited_at=at - timedelta(minutes=40), opinion=OPINIONS[number % 6], solved=SOLVED[number % 6],
            problem=PROBLEMS.get(number, ""), readings=readings,
        ),
        actor=user, at=at,
    )  # fmt: skip


def _measure_again(at: datetime) -> None:
    logins = {code: login for code, login, *_ in ROUNDS}
    cold = RoomTemperature.objects.filter(
        is_demo=True, celsius__lt=20, remeasures=None, remeasured_by=None, finding__isnull=False, measured_at__lt=at - 2 * DAY, community__company__code__in=logins
    ).select_related("community__company")
    for row in cold[:4]:
        actor = User.objects.get(username=logins[row.community.company.code])
        device = Instrument.objects.filter(unit=row.community.company).first()
        temperatures.measure(
            row.community, Reading(row.room, Decimal("20.4"), point=row.point, device=device, building=row.building, resident="signed"), again=row, actor=actor, at=at
        )


def _convert(at: datetime) -> None:
    """On Fridays the first problem that waits becomes a ticket."""
    visit = HomeVisit.objects.filter(is_demo=True, ticket="", finding=None).exclude(problem="").order_by("visited_at").first()
    if visit is not None:
        login = {code: login for code, login, *_ in ROUNDS}[visit.company.code]
        from_visits.raise_ticket(visit, actor=User.objects.get(username=login), at=at)
