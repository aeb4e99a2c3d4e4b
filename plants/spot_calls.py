"""The life of a spot-check call: drawn for a week, made by the bureau, passed or entered into the ledger (I15).

The moments of a week are drawn from a seed, which is kept: whoever doubts the draw draws it again. A week's seed comes
from the portal's own secret, so that nobody foresees the calls and drawing twice changes nothing; only the district
sees them before they are made.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils.dateparse import parse_duration, parse_time

from core import civil, journal
from core.crypto import blind_index
from core.errors import Conflict, Forbidden, Invalid
from deadlines import roster_watch
from notices import outbox
from notices.models import Notice
from plants import ledger
from plants.models import CallResult, Severity, SpotCall
from units import access
from units.models import Kind, Phone, PhoneKind, Unit

WEEK = timedelta(days=7)
MOST_RINGS = 60


# ---------------------------------------------------------------- drawing a week


@dataclass(frozen=True)
class Rules:
    """What the plan says of spot calls: how many a week for each company, how many of them by night, night's bounds, rings, days to mend it."""

    per_week: int
    by_night: int
    night_from: time
    night_until: time
    rings: int
    rectify_within: timedelta


def rules(at: datetime) -> Rules:
    """The rules of the season of `at`."""
    said = roster_watch.rules(at)["spot_calls"]
    return Rules(
        per_week=said["per_week"], by_night=said["by_night"], night_from=parse_time(said["night_from"]), night_until=parse_time(said["night_until"]),
        rings=said["rings"], rectify_within=parse_duration(said["rectify_within"]),
    )  # fmt: skip


def is_night(moment: datetime, said: Rules) -> bool:
    """Whether a moment falls into the night of the rules, which may go past midnight."""
    clock = civil.localize(moment).time()
    if said.night_from <= said.night_until:
        return said.night_from <= clock < said.night_until
    return clock >= said.night_from or clock < said.night_until


def draw(monday: date, phones: dict[int, list[int]], said: Rules, *, seed: str) -> list[tuple[int, int, datetime]]:
    """(company id, phone id, moment) for a week, by day and by night; the same seed and phones draw the same. Pure."""
    start = civil.day_bounds(monday)[0]
    moments = [start + timedelta(minutes=minute) for minute in range(int(WEEK.total_seconds()) // 60)]
    by_night = [moment for moment in moments if is_night(moment, said)]
    by_day = [moment for moment in moments if not is_night(moment, said)]
    drawn = []
    for company_id in sorted(phones):
        # Drawn again by who has the seed, which is secret; that is what this kind of chance is for.
        chance = random.Random(f"{seed}:{monday.isoformat()}:{company_id}")  # noqa: S311
        nights = min(said.by_night, said.per_week) if by_night else 0
        chosen = chance.sample(by_night, nights) + chance.sample(by_day, min(said.per_week - nights, len(by_day)))
        numbers = sorted(phones[company_id])
        drawn += [(company_id, chance.choice(numbers), moment) for moment in sorted(chosen)]
    return drawn


def generate(*, at: datetime) -> None:
    """The running week's calls, where none were drawn yet, and a word to the bureau's desk for each that is due.

    Companies without a published service number are not drawn: the list names them.
    """
    said = rules(at)
    plan_week(civil.day_of(at) - timedelta(days=civil.localize(at).weekday()), said, actor=None, at=at)
    _call_to_call(at)


@transaction.atomic
def plan_week(monday: date, said: Rules, *, seed: str = "", actor, at: datetime) -> int:
    """Draw the calls of the week that begins on `monday` for each company that has none yet. The number of calls drawn.

    Only moments that are still to come are kept: a week begun late has fewer.
    """
    if monday.weekday():
        raise Invalid("请选择周一", field="week")
    done = SpotCall.objects.filter(week=monday).values("company")
    phones: dict[int, list[int]] = {}
    known: dict[int, Phone] = {}
    for phone in service_phones(monday + timedelta(days=6)).exclude(unit__in=done):
        phones.setdefault(phone.unit_id, []).append(phone.pk)
        known[phone.pk] = phone
    if not phones:
        return 0
    seed = seed or blind_index(f"spot-calls:{monday.isoformat()}")
    drawn, places = [], {}
    for company_id, phone_id, moment in draw(monday, phones, said, seed=seed):
        places[company_id] = place = places.get(company_id, 0) + 1
        if moment >= at:
            drawn.append(
                SpotCall(
                    company_id=company_id, phone_id=phone_id, number=known[phone_id].number, week=monday, place=place, seed=seed, planned_at=moment,
                    is_night=is_night(moment, said), rings_limit=said.rings, is_demo=known[phone_id].is_demo,
                )
            )  # fmt: skip
    SpotCall.objects.bulk_create(drawn, ignore_conflicts=True)
    if drawn:
        bureau = Unit.objects.get(code=access.BUREAU)
        journal.record(bureau, "draw_calls", actor=actor, at=at, unit=bureau.code, week=monday.isoformat(), seed=seed, calls=len(drawn))
    return len(drawn)


def service_phones(day: date):
    """The service numbers that companies have published by a day."""
    return Phone.objects.filter(
        is_active=True, kind=PhoneKind.SERVICE, published_on__lte=day, unit__kind=Kind.HEATING, unit__is_active=True
    ).order_by("pk")


def _call_to_call(at: datetime) -> None:
    """Tell the bureau's desk of the calls that are due and not made; each once, and none of yesterday's."""
    due = SpotCall.objects.filter(called_at=None, planned_at__lte=at, planned_at__gt=at - timedelta(hours=12)).select_related("company")
    bureau = Unit.objects.filter(code=access.BUREAU).values_list("pk", flat=True).first()
    if bureau is None:
        return
    outbox.post_many([
        Notice(
            key=f"spot-call:{call.pk}", unit_id=bureau, audience="bureau", kind="spot_call", level=0, created_at=at, link=call.get_absolute_url(),
            subject=f"请拨打抽查电话：{call.company} {call.number}"[:160], body=f"计划时间 {civil.spoken(call.planned_at)}，拨后登记结果（I15）。",
        )
        for call in due
    ])  # fmt: skip


# ---------------------------------------------------------------- making a call


@transaction.atomic
def call_unplanned(phone: Phone, *, actor, at: datetime) -> SpotCall:
    """A call that nobody drew: on a suspicion, or from the list. Its result is told by `tell`. Forbidden; Invalid (phone)."""
    _check_caller(actor, phone.unit)
    if not phone.is_active:
        raise Invalid("该号码已停用", field="phone")
    said = rules(at)
    call = SpotCall.objects.create(
        company=phone.unit, phone=phone, number=phone.number, planned_at=at, is_night=is_night(at, said), rings_limit=said.rings, is_demo=phone.is_demo,
    )  # fmt: skip
    journal.record(call, "call_unplanned", actor=actor, at=at, unit=phone.unit.code, number=phone.number)
    return call


@transaction.atomic
def tell(call: SpotCall, *, result: str, rings: int | None = None, note: str = "", actor, at: datetime) -> SpotCall:
    """What became of the call: it passed when it was answered within so many rings. Otherwise it goes to the ledger, a candidate for a circular.

    Invalid (result, rings); Conflict when told already, or before its moment; Forbidden for who is not the district's.
    """
    _check_caller(actor, call.company)
    if result not in CallResult.values:
        raise Invalid("请选择结果", field="result")
    if result == CallResult.ANSWERED and rings is None:
        raise Invalid("接通的请填写响铃声数", field="rings")
    if rings is not None and not 0 <= rings <= MOST_RINGS:
        raise Invalid(f"响铃声数应为 0 至 {MOST_RINGS}", field="rings")
    if at < call.planned_at:
        raise Conflict("还没有到计划的拨打时间")
    is_passed = result == CallResult.ANSWERED and rings <= call.rings_limit
    told = {
        "called_at": at, "caller": actor, "result": result, "rings": rings, "is_passed": is_passed, "is_candidate": not is_passed, "note": note.strip()[:200],
    }  # fmt: skip
    if not SpotCall.objects.filter(pk=call.pk, called_at=None).update(**told):
        raise Conflict("该次抽查已登记结果")
    call = SpotCall.objects.select_related("company", "phone").get(pk=call.pk)
    if not is_passed:
        call.finding = ledger.open_finding(_found(call, at), source="spot_call", subject=call, unit=Unit.objects.get(code=access.BUREAU), by=str(actor), actor=actor, at=at)
        SpotCall.objects.filter(pk=call.pk).update(finding=call.finding)
    journal.record(call, "tell", actor=actor, at=at, unit=call.company.code, result=result, rings=rings, passed=is_passed)
    return call


def _check_caller(actor, company: Unit) -> None:
    """Nobody tests themselves: the caller is of the district's side."""
    if not access.everywhere(actor, access.SUPERVISE) or company.pk in access.unit_ids(actor, access.HANDLE_TICKETS):
        raise Forbidden("电话抽查由区城管执法局人员拨打")


def _found(call: SpotCall, at: datetime) -> ledger.Found:
    said = f"{call.get_result_display()}，响 {call.rings} 声（限 {call.rings_limit} 声）" if call.result == CallResult.ANSWERED else call.get_result_display()
    return ledger.Found(
        title=f"服务电话 {call.number} {civil.spoken(call.called_at)} 抽查未通过：{said}", unit=call.company,
        due_at=at + rules(at).rectify_within, severity=Severity.SERIOUS if call.is_sham else Severity.GENERAL,
    )  # fmt: skip


# ---------------------------------------------------------------- counting


@dataclass(frozen=True)
class PassRate:
    """Of a company's calls that were made: how many passed, by day and by night; and how many fell due and were not made."""

    company: Unit
    made: int = 0
    passed: int = 0
    made_by_night: int = 0
    passed_by_night: int = 0
    unmade: int = 0

    @property
    def percent(self) -> float | None:
        """None when no call was made: that is no rate of zero."""
        return 100 * self.passed / self.made if self.made else None

    @property
    def spoken(self) -> str:
        return "—" if self.percent is None else f"{math.floor(self.percent * 10) / 10:.1f}%"


def rates(calls: Iterable[SpotCall], companies: Iterable[Unit], *, at: datetime) -> list[PassRate]:
    """The pass rate of each company over some calls, those without a call included."""
    found = {company.pk: {"made": 0, "passed": 0, "made_by_night": 0, "passed_by_night": 0, "unmade": 0} for company in companies}
    for call in calls:
        row = found.get(call.company_id)
        if row is None:
            continue
        if call.called_at is None:
            row["unmade"] += call.planned_at <= at
            continue
        row["made"] += 1
        row["passed"] += bool(call.is_passed)
        row["made_by_night"] += call.is_night
        row["passed_by_night"] += call.is_night and bool(call.is_passed)
    return [PassRate(company, **found[company.pk]) for company in companies]
