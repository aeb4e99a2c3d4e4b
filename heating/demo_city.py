"""The demonstration's register: marked plants, boilers, networks and gas facilities, and which street checks which."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from complaints.models import Code, CodeScope
from complaints.residents import codes
from plants.models import Boiler, Charge, Community, Meter, Network, Plant
from units.models import Unit

COMMISSIONED = date(2019, 10, 1)
# code, name, kind, company, street that checks it, parent, m², coal backup
PLANTS = [
    ("demo-plant-1", "演示一热力北辰锅炉房", "plant", "demo-heating-1", "street-weiyanggong", None, 1_860_000, False),
    ("demo-plant-2", "演示一热力张家堡热源厂", "plant", "demo-heating-1", "street-zhangjiabu", None, 2_400_000, True),
    ("demo-plant-3", "演示二热力徐家湾锅炉房", "plant", "demo-heating-2", "street-xujiawan", None, 1_320_000, False),
    ("demo-plant-4", "演示二热力谭家热源厂", "plant", "demo-heating-2", "street-tanjia", None, 2_050_000, True),
    ("demo-plant-5", "演示三热力大明宫能源站", "plant", "demo-heating-3", "street-daminggong", None, 980_000, False),
    ("demo-plant-6", "演示三热力草滩余热首站", "plant", "demo-heating-3", "street-caotan", None, 1_750_000, False),
    ("demo-station-1", "演示和暖苑换热站", "station", "demo-heating-1", "street-weiyanggong", "demo-plant-1", 210_000, False),
    ("demo-station-2", "演示煦园换热站", "station", "demo-heating-2", "street-tanjia", "demo-plant-4", 180_000, False),
    ("demo-station-3", "演示曦城换热站", "station", "demo-heating-3", "street-caotan", "demo-plant-6", 160_000, False),
    ("demo-gas-1", "演示北辰调压站", "gas", "qinhua-gas", "street-weiyanggong", "demo-plant-1", None, False),
    ("demo-gas-2", "演示徐家湾调压站", "gas", "qinhua-gas", "street-xujiawan", "demo-plant-3", None, False),
    ("demo-gas-3", "演示谭家调压站", "gas", "qinhua-gas", "street-tanjia", "demo-plant-4", None, False),
]  # fmt: skip
# code, plant, name, source, MW, m³ of gas a day at full load, standby
BOILERS = [
    ("demo-boiler-1", "demo-plant-1", "1 号燃气锅炉", "gas", 58, 145_000, False),
    ("demo-boiler-2", "demo-plant-1", "2 号燃气锅炉", "gas", 58, 145_000, False),
    ("demo-boiler-3", "demo-plant-2", "1 号燃气锅炉", "gas", 70, 175_000, False),
    ("demo-boiler-4", "demo-plant-2", "2 号燃煤锅炉", "coal", 46, None, True),
    ("demo-boiler-5", "demo-plant-3", "1 号燃气锅炉", "gas", 46, 115_000, False),
    ("demo-boiler-6", "demo-plant-3", "2 号燃气锅炉", "gas", 29, 72_000, False),
    ("demo-boiler-7", "demo-plant-4", "1 号燃气锅炉", "gas", 70, 175_000, False),
    ("demo-boiler-8", "demo-plant-4", "2 号燃煤锅炉", "coal", 58, None, True),
    ("demo-boiler-9", "demo-plant-5", "1 号燃气锅炉", "gas", 29, 72_000, False),
    ("demo-boiler-10", "demo-plant-5", "污水源热泵", "sewage", 14, None, False),
    ("demo-boiler-11", "demo-plant-6", "热电余热首站", "cogeneration", 92, None, False),
]
# code, name, company, plant, level, km, built in
NETWORKS = [
    ("demo-network-1", "演示北辰一次网", "demo-heating-1", "demo-plant-1", "primary", "12.40", 2012),
    ("demo-network-2", "演示张家堡一次网", "demo-heating-1", "demo-plant-2", "primary", "16.80", 2008),
    ("demo-network-3", "演示徐家湾一次网", "demo-heating-2", "demo-plant-3", "primary", "9.60", 2015),
    ("demo-network-4", "演示谭家一次网", "demo-heating-2", "demo-plant-4", "primary", "14.20", 1999),
    ("demo-network-5", "演示大明宫一次网", "demo-heating-3", "demo-plant-5", "primary", "6.30", 2017),
    ("demo-network-6", "演示草滩一次网", "demo-heating-3", "demo-plant-6", "primary", "18.50", 2020),
]
# community, plant, station, m², households
SUPPLIED = [
    ("demo-community-1", "demo-plant-1", "demo-station-1", 96_000, 820),
    ("demo-community-2", "demo-plant-4", "demo-station-2", 88_000, 760),
    ("demo-community-3", "demo-plant-2", None, 71_000, 640),
    ("demo-community-4", "demo-plant-3", None, 64_000, 560),
    ("demo-community-5", "demo-plant-5", None, 52_000, 480),
    ("demo-community-6", "demo-plant-6", "demo-station-3", 110_000, 930),
    ("demo-community-7", "demo-plant-1", "demo-station-1", 47_000, 410),
    ("demo-community-8", "demo-plant-4", None, 39_000, 350),
    ("demo-school-1", "demo-plant-2", None, 12_000, None),
    ("demo-elderly-1", "demo-plant-5", None, 8_000, None),
    ("demo-hospital-1", "demo-plant-3", None, 15_000, None),
]


def register() -> None:
    """The demonstration's facilities, and the communities' supply. Doing it twice changes nothing."""
    units = {unit.code: unit for unit in Unit.objects.all()}
    plants: dict[str, Plant] = {}
    for position, (code, name, kind, company, street, parent, area, has_coal) in enumerate(PLANTS, 1):
        plants[code], _ = Plant.objects.get_or_create(
            code=code,
            defaults={
                "name": name, "kind": kind, "company": units[company], "parent": plants.get(parent), "area_m2": area, "has_coal_backup": has_coal,
                "address": f"演示路 {position * 8} 号", "duty_phone": f"029-0000 00{position:02d}", "commissioned_on": COMMISSIONED, "is_demo": True,
                "longitude": Decimal("108.9300") + Decimal(position) / 200, "latitude": Decimal("34.3000") + Decimal(position) / 300,
            },
        )  # fmt: skip
        Charge.objects.get_or_create(plant=plants[code], street=units[street], until=None, defaults={"since": COMMISSIONED})
    for number, (code, plant, name, source, capacity, gas, standby) in enumerate(BOILERS, 1):
        Boiler.objects.get_or_create(
            code=code,
            defaults={
                "plant": plants[plant], "name": name, "source": source, "capacity_mw": capacity, "gas_m3_per_day": gas, "is_standby": standby,
                "registration_no": f"演示锅陕{number:04d}", "inspected_until": date(2027, 1 + number % 12, 15), "commissioned_on": COMMISSIONED, "is_demo": True,
            },
        )  # fmt: skip
    for code, name, company, plant, level, length, built in NETWORKS:
        Network.objects.get_or_create(
            code=code,
            defaults={
                "name": name, "company": units[company], "plant": plants[plant], "level": level, "length_km": Decimal(length), "built_in": built, "is_demo": True,
            },
        )  # fmt: skip
    for code, plant, station, area, households in SUPPLIED:
        Community.objects.filter(code=code, plant=None).update(
            plant=plants[plant], station=plants.get(station), heated_area_m2=area, households=households
        )


def statutory(*, today: date) -> None:
    """Heat meters, of which some, like one boiler, run out within the month after `today` (D8.3, D8.6). Doing it twice changes nothing."""
    for number, community in enumerate(Community.objects.filter(is_demo=True, company__isnull=False).order_by("code"), 1):
        until = date(today.year + 1, 9, 30) if number % 5 else today + timedelta(days=20)
        Meter.objects.get_or_create(
            code=f"{community.code}-meter",
            defaults={"name": "总热能表", "community": community, "serial_no": f"演示表{number:04d}", "verified_on": COMMISSIONED, "verified_until": until, "is_demo": True},
        )  # fmt: skip
    Boiler.objects.filter(code=BOILERS[-1][0], is_demo=True, inspected_until__gt=today + timedelta(days=365)).update(inspected_until=today + timedelta(days=25))


def codes_of(*, at: datetime) -> None:
    """A 码上暖 code for each demonstration community, and one for the district. Doing it twice changes nothing."""
    known = set(Code.objects.filter(revoked_at=None, building="").values_list("community__code", flat=True))
    for community in Community.objects.filter(is_demo=True, is_active=True).select_related("company"):
        if community.code not in known:
            codes.issue(CodeScope.COMMUNITY, community=community, actor=None, at=at, is_demo=True)
    if None not in known:
        codes.issue(CodeScope.DISTRICT, actor=None, at=at, is_demo=True)
