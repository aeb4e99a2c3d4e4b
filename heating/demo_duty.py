"""Demonstration rosters: numbers, posts, people and their training, shifts by day and night, hand-overs, and the bureau's spot calls.

One company leaves its Sunday night unmanned, so that somebody sees a gap and its alarm. A unit's people share its
demonstration account.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from core import civil
from heating.rehearsal import Event
from plants import duty_selectors, spot_calls
from plants.models import CallResult
from units import duty_selectors as rosters
from units import phones, shifts, training
from units.models import DutyPost, DutyShift, Phone, Unit, User, Worker
from units.shifts import PostPlan
from units.training import Course, Person

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Desk:
    """A demonstration post: unit, name, kind, clause, number of its phone, account of its people, and who takes turns."""

    unit: str
    name: str
    kind: str
    clause: str
    phone: str
    account: str
    people: tuple[str, ...]
    facility: str = ""
    hours: int = 12


DESKS = (
    Desk("urban-management", "24 小时值班电话", "phone", "D1.10", "029-0000 0000", "bureau", ("李明远", "周晓航", "吴思齐", "郑一鸣")),
    Desk("urban-management", "带班领导", "leader", "I12", "", "director", ("张演示", "陈演示", "刘演示"), hours=24),
    Desk("social-work", "受理值班", "phone", "I12", "029-0000 0002", "dispatcher", ("冯可心", "褚文博", "卫思源")),
    Desk("street-weiyanggong", "街道值班", "phone", "I12", "029-0000 0030", "street", ("蒋云帆", "沈知行", "韩雨桐")),
    Desk("demo-heating-1", "24 小时服务电话", "phone", "G14", "029-0000 0081", "heating1", ("朱志强", "秦海燕", "尤建军", "许文静")),
    Desk("demo-heating-1", "抢修一队", "repair", "G5", "", "heating1", ("何大勇", "吕国庆", "施卫东")),
    Desk("demo-heating-2", "24 小时服务电话", "phone", "G14", "029-0000 0082", "heating2", ("孔令军", "曹秀英", "严振华", "华春梅")),
    Desk("demo-heating-3", "24 小时服务电话", "phone", "G14", "029-0000 0083", "heating3", ("金志刚", "魏晓东", "陶丽娜", "姜海涛")),
    Desk("qinhua-gas", "北辰调压站驻场", "on_site", "F6", "", "", ("戚建平", "谢永强", "邹立新"), "demo-gas-1"),
    Desk("qinhua-gas", "徐家湾调压站驻场", "on_site", "F6", "", "", ("喻长河", "柏青松", "水文清"), "demo-gas-2"),
)  # fmt: skip
UNMANNED = ("demo-heating-3", 6)  # whose night of which weekday (Sunday) nobody takes
KINDS_OF_PHONE = {"demo-heating-1": "service", "demo-heating-2": "service", "demo-heating-3": "service"}
# What becomes of the calls, in turn, company by company.
OUTCOMES = {
    "demo-heating-1": (("answered", 2), ("answered", 4), ("answered", 3)),
    "demo-heating-2": (("answered", 5), ("busy", None), ("answered", 2)),
    "demo-heating-3": (("answered", 3), ("unanswered", 20), ("answered", 9)),
}
COURSES = (("demo-heating-1", "爆管应急处置"), ("demo-heating-1", "燃气泄漏应急处置"), ("demo-heating-2", "爆管应急处置"))


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """The rosters are drawn up at the beginning, carried on each Sunday, handed over each morning; due calls are made every other hour."""
    yield since, _draw_up
    day = civil.day_of(since)
    while (start := civil.day_bounds(day)[0]) < until:
        if day.weekday() == 6:
            yield max(start + timedelta(hours=16), since + timedelta(minutes=1)), partial(_carry_on, start + DAY)
        yield max(start + timedelta(hours=8), since + timedelta(minutes=2)), _hand_over
        for hour in range(1, 24, 2):
            yield max(start + timedelta(hours=hour), since + timedelta(minutes=3)), _call
        day += DAY
    yield since + timedelta(hours=3), _swap


def _draw_up(at: datetime) -> None:
    units = {unit.code: unit for unit in Unit.objects.filter(code__in={desk.unit for desk in DESKS})}
    bureau = User.objects.get(username="bureau")
    for code, unit in units.items():
        if unit.kind in ("heating", "gas"):
            names = [Person(name, desk.name) for desk in DESKS if desk.unit == code for name in desk.people]
            training.record(unit, names, Course("pre_job", "供暖季上岗前培训", civil.day_of(at) - 5 * DAY, civil.day_of(at) + 300 * DAY), actor=None, at=at)
    for code, topic in COURSES:
        names = [Person(name) for desk in DESKS if desk.unit == code for name in desk.people]
        training.record(units[code], names, Course("emergency", topic, civil.day_of(at) - 3 * DAY), actor=None, at=at)
    start = civil.day_bounds(civil.day_of(at))[0]
    for desk in DESKS:
        unit = units[desk.unit]
        phone = None
        if desk.phone:
            phone = _phone(unit, desk, bureau, at)
        account = User.objects.filter(username=desk.account, memberships__unit=unit, memberships__until=None).first()
        people = [training.engage(unit, Person(name, desk.name), user=account, actor=None, at=at) for name in desk.people]
        name = _dated(desk.name, at) if DutyPost.objects.filter(unit=unit, name=desk.name).exists() else desk.name
        post = shifts.add_post(unit, PostPlan(name, desk.kind, start, None, 1, desk.clause, desk.facility, phone), actor=None, at=at)
        _put_on(post, people, start, desk, at)
    # The bureau is real; its roster here is not.
    Phone.objects.filter(unit__in=units.values(), note="演示号码").update(is_demo=True)
    for made in (DutyPost, Worker):
        made.objects.filter(unit__in=units.values()).update(is_demo=True)


def _phone(unit: Unit, desk: Desk, bureau: User, at: datetime) -> Phone:
    """The desk's number: another stretch of the season may have been played before this one."""
    known = Phone.objects.filter(unit=unit, number=desk.phone, is_active=True).first()
    if known is not None:
        return known
    phone = phones.enter(unit, KINDS_OF_PHONE.get(desk.unit, "duty"), desk.phone, note="演示号码", actor=bureau, at=at)
    phones.publish(phone, actor=bureau, at=at)
    return phone


def stand_down(*, at: datetime) -> None:
    """The posts that a rehearsal opened end with it: nobody is missed at them in the days that were not played."""
    for post in DutyPost.objects.filter(is_demo=True, until=None, since__lte=at).select_related("unit"):
        shifts.end_post(post, until=at, reason="演练结束", actor=None, at=at)
        DutyPost.objects.filter(pk=post.pk).exclude(name__endswith="）").update(name=_dated(post.name, post.since))  # the plain name is the present's


def _dated(name: str, moment: datetime) -> str:
    return f"{name}（{civil.localize(moment):%Y-%m}）"


def _put_on(post: DutyPost, people: list, start: datetime, desk: Desk, at: datetime) -> None:
    """In turns, from the eve's shift until the Monday after next, eight o'clock."""
    monday = start + (14 - civil.localize(start).weekday()) * DAY
    moment, turn, length = start - timedelta(hours=desk.hours - 8), 0, timedelta(hours=desk.hours)
    while moment < monday:
        is_night = civil.localize(moment).hour >= 20
        if not ((desk.unit, civil.localize(moment).weekday()) == UNMANNED and is_night):
            shifts.put_on(post, people[turn % len(people)], max(moment, start), moment + length, actor=None, at=at)
        moment, turn = moment + length, turn + 1


def _carry_on(monday: datetime, at: datetime) -> None:
    for unit in Unit.objects.filter(code__in={desk.unit for desk in DESKS}):
        shifts.copy_week(unit, civil.day_of(monday), actor=None, at=at)


def _hand_over(at: datetime) -> None:
    actor = User.objects.get(username="bureau")
    ended = DutyShift.objects.filter(post__unit__code="urban-management", post__kind="phone", is_void=False, handed_over_at=None, ends_at=at)
    for shift in ended.select_related("post", "post__unit", "worker"):
        shifts.hand_over(shift, text="夜间来电均已交办，无未了事项。", actor=actor, at=at)


def _swap(at: datetime) -> None:
    """The night after next goes to a colleague who is free then."""
    unit = Unit.objects.get(code="demo-heating-1")
    coming = DutyShift.objects.filter(post__unit=unit, post__kind="phone", is_void=False, starts_at__gt=at + DAY).order_by("starts_at")
    shift = coming.select_related("post", "post__unit", "worker").first()
    busy = DutyShift.objects.filter(is_void=False, starts_at__lt=shift.ends_at, ends_at__gt=shift.starts_at).values("worker")
    free = rosters.workers_of(unit).filter(job="24 小时服务电话").exclude(pk__in=busy).first()
    shifts.swap(shift, free, reason="家中有事，与同事调班", actor=User.objects.get(username="heating1"), at=at)


def _call(at: datetime) -> None:
    actor = User.objects.get(username="bureau")
    for call in duty_selectors.calls(actor, at=at, result="missed", since=civil.day_of(at) - DAY).order_by("planned_at"):
        said = OUTCOMES.get(call.company.code, (("answered", 3),))
        result, rings = said[call.place % len(said)] if call.place else (CallResult.ANSWERED, 3)
        spot_calls.tell(call, result=result, rings=rings, note="演示", actor=actor, at=at)
