"""The life of a unit's public number: entered, published as of a day, withdrawn (I13). Residents see what is published, and nothing else."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction

from core import civil, journal
from core.errors import Conflict, Invalid
from units.models import Kind, Phone, PhoneKind, Unit

# A landline with or without area code and extension, 400 and 800 numbers, short numbers, mobiles.
_NUMBER = re.compile(r"(?:0\d{2,3}-?)?\d{7,8}(?:-\d{1,6})?|[48]00-?\d{3}-?\d{4}|1\d{2}|[19]\d{4,7}|1[3-9]\d{9}", re.ASCII)


@transaction.atomic
def enter(unit: Unit, kind: str, number: str, *, note: str = "", actor, at: datetime) -> Phone:
    """A unit's number, not public yet. Invalid (number, kind)."""
    number = " ".join(number.split())
    if not _NUMBER.fullmatch(number.replace(" ", "")):
        raise Invalid("号码格式不正确，应如 029-86240000、12345", field="number")
    if kind not in PhoneKind.values:
        raise Invalid("没有这种用途", field="kind")
    try:
        with transaction.atomic():
            phone = Phone.objects.create(unit=unit, kind=kind, number=number, note=note.strip()[:80], is_demo=unit.is_demo)
    except IntegrityError as fault:
        raise Invalid("该号码已登记", field="number") from fault
    journal.record(phone, "enter", actor=actor, at=at, unit=unit.code, number=number, kind=kind)
    return phone


@transaction.atomic
def publish(phone: Phone, *, on: date | None = None, actor, at: datetime) -> None:
    """Residents see the number from a day on (default: today). Publishing again moves nothing. Conflict when withdrawn; Invalid for a day to come after a year."""
    today = civil.day_of(at)
    day = on or today
    if not -400 <= (day - today).days <= 366:
        raise Invalid("公开日期应在前后一年之内", field="on")
    if not phone.is_active:
        raise Conflict("该号码已停用")
    if not Phone.objects.filter(pk=phone.pk, is_active=True, published_on=None).update(published_on=day):
        return
    phone.published_on = day
    journal.record(phone, "publish", actor=actor, at=at, unit=phone.unit.code, number=phone.number, published_on=day.isoformat())


@transaction.atomic
def withdraw(phone: Phone, *, reason: str, actor, at: datetime) -> None:
    """The number is used no more; it stays on record. Invalid (reason); Conflict when it was already."""
    if not reason.strip():
        raise Invalid("请写明停用理由", field="reason")
    if not Phone.objects.filter(pk=phone.pk, is_active=True).update(is_active=False, withdrawn_on=civil.day_of(at)):
        raise Conflict("该号码已停用")
    phone.is_active, phone.withdrawn_on = False, civil.day_of(at)
    journal.record(phone, "withdraw", actor=actor, at=at, unit=phone.unit.code, number=phone.number, reason=reason.strip()[:120])


def published(day: date):
    """What residents see on a day, in the order of the plan."""
    return Phone.objects.filter(is_active=True, published_on__lte=day, unit__is_active=True).select_related("unit").order_by("unit__position", "unit__code", "kind", "number")


@dataclass
class Group:
    """Some units of the phone book with their numbers, and the day of the newest."""

    title: str
    units: list[tuple[Unit, list[Phone]]]
    published_on: date


# In the order in which somebody who is cold looks for help.
GROUPS = (
    ("区级供热监督电话", (Kind.OFFICE, Kind.BUREAU, Kind.TASKFORCE, Kind.CITY)), ("供热企业", (Kind.HEATING,)), ("街道办事处", (Kind.STREET,)),
    ("燃气企业", (Kind.GAS,)), ("物业服务企业", (Kind.PROPERTY,)),
)  # fmt: skip


def book(day: date) -> list[Group]:
    """The public phone book on a day, group by group; groups without a number are left out. One query."""
    of_unit: dict[int, list[Phone]] = {}
    units: dict[int, Unit] = {}
    for phone in published(day):
        units[phone.unit_id] = phone.unit
        of_unit.setdefault(phone.unit_id, []).append(phone)
    groups = []
    for title, kinds in GROUPS:
        rows = [(unit, of_unit[pk]) for pk, unit in units.items() if unit.kind in kinds]
        if rows:
            groups.append(Group(title, rows, max(phone.published_on for _, numbers in rows for phone in numbers)))
    return groups
