"""Demonstration inspections: streets on their rounds, one that forgets, one that writes offline; a joint and an unannounced visit, an emission over its limit."""

import io
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from core import civil
from deadlines import proof
from deadlines import season as seasons
from deadlines.models import Standing
from plants import inspections
from plants.inspections import Answer, Visit
from plants.models import Boiler, Finding, Inspection, InspectionDue, Plant, PlantKind
from units import access
from units.models import Role, Unit, User

Event = tuple[datetime, Callable[[datetime], object]]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# plant, street, weekday, hour, what is wrong there in which week of the demonstration (0 the first): item, severity, words, days to mend it.
ROUNDS = [
    ("demo-plant-1", "street-weiyanggong", 1, 10, {1: ("gauges", "general", "2 号锅炉压力表检定标签已过期", 3)}),
    ("demo-gas-1", "street-weiyanggong", 1, 14, {}),
    ("demo-plant-2", "street-zhangjiabu", 2, 9, {0: ("records", "general", "夜班交接记录缺两天", 2)}),
    ("demo-plant-3", "street-xujiawan", 3, 10, {1: ("running", "serious", "1 号循环泵机封渗漏", 2)}),
    ("demo-plant-4", "street-tanjia", 2, 15, {}),
    ("demo-gas-3", "street-tanjia", 2, 16, {}),
    ("demo-plant-5", "street-daminggong", 4, 10, {}),
    ("demo-plant-6", "street-caotan", 3, 15, {0: ("ledger", "general", "上月问题未及时销号", 3)}),
]
FORGOTTEN = ("demo-gas-2", "street-xujiawan")  # looked at on the Monday after only
LEFT_OUT = "demo-plant-5"  # every second week nobody goes there at all


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """Week after week the rounds; what is wrong is mended by its company and verified by the bureau."""
    yield since, _engage
    first = civil.day_of(since) - timedelta(days=civil.localize(since).weekday())
    monday = first
    while civil.day_bounds(monday)[0] < until:
        start, number = civil.day_bounds(monday)[0], (monday - first).days // 7
        for plant, street, weekday, hour, wrong in ROUNDS:
            if plant == LEFT_OUT and number % 2:
                continue
            moment = start + weekday * DAY + hour * HOUR
            yield from _within(since, until, moment, partial(_visit, plant, street, wrong.get(number % 4), offline=plant == "demo-plant-4"))
            # What the rounds missed because the season began in mid-week.
            yield from _within(since, until, start + 6 * DAY + hour * HOUR, partial(_visit, plant, street, None))
        yield from _within(since, until, start + 9 * HOUR, partial(_make_up, *FORGOTTEN))
        for day in range(7):
            yield from _within(since, until, start + day * DAY + 17 * HOUR, _mend)
            yield from _within(since, until, start + day * DAY + 18 * HOUR, _verify)
        monday += timedelta(days=7)
    late = until - 3 * DAY
    yield from _within(since, until, late - 30 * HOUR, _joint)
    yield from _within(since, until, late, _unannounced)
    yield from _within(since, until, late + HOUR, partial(_emission, "demo-boiler-5", {"nox": "58.3", "so2": "4.1", "dust": "3.2"}))
    yield from _within(since, until, late + 2 * HOUR, partial(_emission, "demo-boiler-1", {"nox": "31.6", "so2": "3.0", "dust": "2.4"}))


def _within(since: datetime, until: datetime, moment: datetime, act) -> Iterator[Event]:
    if since < moment < until:
        yield moment, act


def _engage(at: datetime) -> None:
    """Each street that has rounds to make gets somebody who makes them; nobody can sign in as them."""
    for street in sorted({row[1] for row in ROUNDS} | {FORGOTTEN[1]}):
        username = f"demo-rounds-{street.removeprefix('street-')}"
        user = User.objects.filter(username=username).first()
        if user is None:
            user = User(username=username, full_name="演示巡查员", is_demo=True)
            user.set_unusable_password()
            user.save()
        access.enrol(user, Unit.objects.get(code=street), Role.INSPECTOR, actor=None, at=at)


def _inspector(street: str) -> User:
    return User.objects.get(username=f"demo-rounds-{street.removeprefix('street-')}")


def _picture(text: str) -> SimpleUploadedFile:
    out = io.BytesIO()
    picture = Image.new("RGB", (640, 480), "#7f93ad")
    ImageDraw.Draw(picture).text((24, 24), text, fill="white")
    picture.save(out, "JPEG")
    return SimpleUploadedFile("demo.jpg", out.getvalue(), "image/jpeg")


def _all_well(plant: Plant, at: datetime) -> dict[str, Answer]:
    """Every item in order, with readings that a running plant has."""
    season = seasons.required(at)
    readings = {"supply-celsius": "58.2", "return-celsius": "43.0", "supply-pressure": "0.42", "gas-pressure": "12"}
    answers = {}
    for item in inspections.items_for(season, plant, "weekly"):
        if item["kind"] == "number":
            answers[item["code"]] = Answer(value=readings.get(item["code"], "1"))
        elif item["kind"] == "readiness":
            answers[item["code"]] = Answer(ready=inspections.six(season))
        elif item["kind"] == "check":
            answers[item["code"]] = Answer(state="ok")
    return answers


def _said(plant: Plant, at: datetime, **more) -> Visit:
    place = f"{plant.latitude},{plant.longitude},12" if plant.latitude is not None else ""
    return Visit(
        plant=plant, visited_at=at - 20 * MINUTE, client_id=uuid.uuid4(), answers=_all_well(plant, at), call="answered", companion="演示值班长",
        signature=_picture("demo signature"), place=place, **more,
    )  # fmt: skip


def _visit(code: str, street: str, wrong, at: datetime, *, offline: bool = False) -> None:
    plant = Plant.objects.get(code=code)
    if not InspectionDue.objects.filter(plant=plant, street__code=street, week=inspections.monday_of(at), done_at=None, opened_at__lte=at).exists():
        return  # the season has not begun, or it was looked at
    visit = _said(plant, at)
    if wrong:
        item, severity, words, days = wrong
        visit.answers[item] = Answer(state="bad", severity=severity, note=words, due_on=civil.day_of(at + days * DAY), photos=[_picture(f"demo {item}")])
    if offline:
        visit.visited_at = at - 5 * HOUR
    inspections.record(visit, actor=_inspector(street), at=at)


def _make_up(code: str, street: str, at: datetime) -> None:
    plant = Plant.objects.get(code=code)
    if InspectionDue.objects.filter(plant=plant, street__code=street, week=inspections.monday_of(at) - inspections.WEEK, done_at=None).exists():
        inspections.record(_said(plant, at, makes_up=True), actor=_inspector(street), at=at)


def _mine(at: datetime):
    return Finding.objects.filter(source_kind__in=("inspection", "spot_call"), found_at__lte=at - DAY, unit__is_demo=True).select_related("unit", "verifier").order_by("pk")


def _mend(at: datetime) -> None:
    """Companies report the first of what they owe; the third company takes its time, and more than it has."""
    waiting = _mine(at).filter(standing=Standing.OPEN).exclude(unit__code="demo-heating-3", found_at__gt=at - 9 * DAY)
    for finding in waiting[:2]:
        user = User.objects.filter(username=finding.unit.code.replace("demo-heating-", "heating")).first()
        if user is not None:
            proof.report(finding, note="已整改", files=[_picture("demo repaired")], actor=user, at=at)


def _verify(at: datetime) -> None:
    for finding in _mine(at).filter(standing=Standing.REPORTED, reported_at__lt=at - 20 * HOUR)[:2]:
        proof.approve(finding, note="现场核验已整改", actor=User.objects.get(username="bureau"), at=at)


def _bureau() -> User:
    return User.objects.get(username="bureau")


def _joint(at: datetime) -> None:
    others = list(Unit.objects.filter(code__in=("housing-construction", "market-regulation", "emergency-management")))
    for code, points in (("demo-plant-2", ("92", "88", "90", "91")), ("demo-plant-3", ("81", "84", "79", "72")), ("demo-plant-6", ("95", "90", "93", "88"))):
        visit = _said(Plant.objects.get(code=code), at, mode="joint", participants=others)
        visit.scores = dict(zip(inspections.rules(seasons.required(at))["joint_subjects"], points, strict=True))
        inspections.record(visit, actor=_bureau(), at=at)


def _unannounced(at: datetime) -> None:
    """Two nobody expected: one made known, one not yet."""
    for code, words in (("demo-plant-5", "夜间无人值守"), ("demo-plant-3", "值班记录提前填写")):
        plant = Plant.objects.get(code=code)
        visit = _said(plant, at, mode="unannounced")
        visit.answers["records"] = Answer(state="bad", severity="serious", note=words, due_on=civil.day_of(at + 3 * DAY), photos=[_picture("demo")])
        one: Inspection = inspections.record(visit, actor=_bureau(), at=at)
        if plant.kind == PlantKind.PLANT and code == "demo-plant-5":
            inspections.release(one, actor=_bureau(), at=at)


def _emission(code: str, values: dict[str, str], at: datetime) -> None:
    boiler = Boiler.objects.select_related("plant").get(code=code)
    inspections.record(Visit(mode="emission", plant=boiler.plant, boiler=boiler, visited_at=at - 10 * MINUTE, values=values), actor=_bureau(), at=at)
