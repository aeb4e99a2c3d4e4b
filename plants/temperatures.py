"""Room temperatures: measured values, never rounded before they are compared (behaviour 14).

Too cold, without an excuse, asks for rectification: a row of the problem ledger, which a measurement made again closes
(I14). A complaint's own readings are kept with it and ask for nothing more: the complaint itself is open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Q
from django.utils.dateparse import parse_duration

from core import attachments, civil, journal
from core.errors import Conflict, Forbidden, Invalid
from core.figures import percent_of
from core.together import Waiting, may_wait
from deadlines import proof
from deadlines import season as seasons
from deadlines.models import Standing
from plants import ledger
from plants.models import Community, Excuse, Finding, Instrument, Method, Resident, RoomTemperature, Severity
from units import access
from units.models import Unit

LONGEST_AGO = timedelta(days=30)


@dataclass(frozen=True)
class Standards:
    """What the plan holds a room against: the commitment (G21), the statutory least, what no room ever has, all in ℃."""

    commitment: Decimal = Decimal(20)
    statutory: Decimal = Decimal(18)
    lowest: Decimal = Decimal(-30)
    highest: Decimal = Decimal(60)
    rectify_within: timedelta = timedelta(days=3)


def standards(at: datetime) -> Standards:
    """The standards of the season of a moment."""
    season = seasons.active(at)
    if season is None:
        return Standards()
    said = seasons.plan_of(season)["standards"]
    number = lambda value: Decimal(str(value))  # noqa: E731
    limits = said["plausible_room_celsius"]
    within = parse_duration(said["rectify_within"]) if said.get("rectify_within") else Standards.rectify_within
    return Standards(number(said["room_celsius"]), number(said["statutory_celsius"]), number(limits["lowest"]), number(limits["highest"]), within)


@dataclass(frozen=True)
class Reading:
    """One measurement: room, ℃ as read off, where in the room, with what, ℃ outdoors, the resident's part, an excuse."""

    room: str
    celsius: Decimal
    point: str = ""
    instrument: str = ""
    outdoor_celsius: Decimal | None = None
    building: str = ""
    device: Instrument | None = None
    method: str = Method.MANUAL
    resident: str = ""
    excuse: str = ""
    excuse_note: str = ""


def record(
    subject, readings: Iterable[Reading], *, community: Community | None, unit: Unit, round: int = 1, by: str = "", at: datetime
) -> list[RoomTemperature]:
    """Keep what was measured for a subject. Invalid, naming the reading, for a value that no room can have."""
    limits = standards(at)
    rows = [
        _row(reading, f"readings.{index}.", limits, subject=subject, community=community, unit=unit, round=round, by=by, at=at)
        for index, reading in enumerate(readings)
    ]
    return RoomTemperature.objects.bulk_create(rows)


def _row(reading: Reading, field: str, limits: Standards, *, subject, community, unit: Unit, round: int, by: str, at: datetime) -> RoomTemperature:
    if not reading.room.strip():
        raise Invalid("请填写测温房间", field=f"{field}room")
    if reading.method not in Method.values or (reading.resident and reading.resident not in Resident.values):
        raise Invalid("测温方式或住户情况不正确", field=f"{field}method")
    if reading.excuse and reading.excuse not in Excuse.values:
        raise Invalid("免责情形不正确", field=f"{field}excuse")
    if reading.excuse and not reading.excuse_note.strip():
        raise Invalid("请写明免责情形的依据", field=f"{field}excuse_note")
    celsius = _plausible(reading.celsius, f"{field}celsius", limits)
    outdoor = reading.outdoor_celsius
    device, day = reading.device, civil.day_of(at)
    return RoomTemperature(
        subject_kind=subject.journal_kind, subject_key=subject.journal_key, round=round, community=community, building=reading.building.strip()[:60],
        room=reading.room.strip()[:30], celsius=celsius, point=reading.point.strip()[:60], instrument=(str(device) if device else reading.instrument)[:60],
        device=device, is_calibrated=bool(device.calibrated_until and day <= device.calibrated_until) if device else None, method=reading.method,
        resident=reading.resident, excuse=reading.excuse, excuse_note=reading.excuse_note.strip()[:200],
        outdoor_celsius=_plausible(outdoor, f"{field}outdoor_celsius", limits) if outdoor is not None else None,
        unit=unit, measured_by=by[:60], measured_at=at, is_demo=bool(community and community.is_demo),
    )  # fmt: skip


def of(subject):
    """What was measured for a subject, in order."""
    return RoomTemperature.objects.filter(
        subject_kind=subject.journal_kind, subject_key=subject.journal_key
    ).order_by("measured_at", "id")


# ---------------------------------------------------------------- measured by itself, or on a visit


def unit_measuring(user, community: Community) -> Unit | None:
    """In whose name `user` may measure in a community: its company, its street, or the district's office. None where they may not."""
    held = access.unit_ids(user, access.HANDLE_TICKETS) | access.unit_ids(user, access.INSPECT)
    for unit in (community.company, community.street, community.overlay):
        if unit is not None and unit.pk in held:
            return unit
    return access.home_unit(user) if access.everywhere(user, access.SUPERVISE) else None


@transaction.atomic
def measure(
    community: Community, reading: Reading, *, measured_at: datetime | None = None, subject=None, again: RoomTemperature | None = None, photos=(), actor, at: datetime
) -> RoomTemperature:
    """Somebody has measured in a home. Too cold without an excuse opens a finding of the company; measured `again`, it may close it.

    Forbidden; Invalid (celsius, room, measured_at, device, excuse_note); Conflict where the first was measured again already.
    """
    unit = unit_measuring(actor, community)
    if unit is None:
        raise Forbidden("只能登记本单位范围内的测温")
    moment = measured_at or at
    if not at - LONGEST_AGO <= moment <= at:
        raise Invalid("测温时间应在最近三十天内，不能晚于现在", field="measured_at")
    if reading.device is not None and reading.device.unit_id != unit.pk:
        raise Invalid("不是本单位的仪器", field="device")
    row = _row(reading, "", standards(moment), subject=subject or community, community=community, unit=unit, round=1, by=str(actor), at=moment)
    if again is not None:
        _require_again(again, community, moment)
        row.remeasures, row.finding = again, again.finding
    row.save()
    for photo in photos:
        attachments.store(photo, row, actor=actor, at=at, field="photos")
    journal.record(row, "measure", actor=actor, at=at, unit=unit.code, celsius=str(row.celsius), room=row.room, again=again.pk if again else None)
    if again is None:
        _ask_rectification(row, unit, actor=actor, at=at)
    elif row.finding is not None:
        _answer(row, actor=actor, at=at)
    return row


def _require_again(first: RoomTemperature, community: Community, moment: datetime) -> None:
    if first.community_id != community.pk:
        raise Invalid("复测须在同一小区", field="community")
    if moment <= first.measured_at:
        raise Invalid("复测时间须晚于原测温时间", field="measured_at")
    if first.remeasures_id is not None:
        raise Conflict("这是一次复测，请对最初的测温登记复测")


def is_cold(row: RoomTemperature, *, least: Decimal) -> bool:
    """Whether it is below `least` ℃, unrounded: 19.95 is below 20."""
    return row.celsius < least


def _ask_rectification(row: RoomTemperature, unit: Unit, *, actor, at: datetime) -> None:
    limits = standards(row.measured_at)
    company = row.community.company
    if company is None or row.excuse or not is_cold(row, least=limits.commitment):
        return
    where = " ".join(part for part in (str(row.community), row.building, row.room) if part)
    severity = Severity.SERIOUS if is_cold(row, least=limits.statutory) else Severity.GENERAL
    found = ledger.Found(
        title=f"{where} 室温 {row.celsius.normalize():f} ℃，未达 {limits.commitment:g} ℃", unit=company, due_at=at + limits.rectify_within, severity=severity,
        community=row.community, street=row.community.street, measure="查明原因整改后复测",
    )  # fmt: skip
    row.finding = ledger.open_finding(found, source=Finding.Source.VISIT, subject=row, unit=unit, by=str(actor), actor=actor, at=at)
    row.save(update_fields=["finding"])


def _answer(row: RoomTemperature, *, actor, at: datetime) -> None:
    """What a second measurement means for the finding: reported, closed out or refused, by whoever may."""
    finding = Finding.objects.select_for_update(of=("self",)).select_related("unit", "verifier", "season").get(pk=row.finding_id)
    said = f"复测 {row.celsius.normalize():f} ℃"
    is_warm = not is_cold(row, least=standards(row.measured_at).commitment)
    if finding.standing == Standing.OPEN and is_warm and proof.may_report(actor, finding):
        proof.report(finding, achieved_at=row.measured_at if row.measured_at > finding.opened_at else at, note=said, actor=actor, at=at)
    elif finding.standing == Standing.REPORTED and proof.may_verify(actor, finding) and finding.reported_by_id != actor.pk:
        if is_warm:
            proof.approve(finding, note=said, actor=actor, at=at)
        else:
            proof.refuse(finding, reason=f"{said}，仍未达标", actor=actor, at=at)
    else:
        journal.record(finding, "remeasured", actor=actor, at=at, unit=row.unit.code, celsius=str(row.celsius))


@transaction.atomic
def keep_instrument(unit: Unit, *, number: str, name: str, calibrated_on: date | None, calibrated_until: date | None, actor, at: datetime) -> Instrument:
    """A unit enters an instrument, or corrects the one of this number. Forbidden for another unit's; Invalid (number, name, calibrated_until)."""
    if unit.pk not in access.unit_ids(actor, access.HANDLE_TICKETS) | access.unit_ids(actor, access.INSPECT):
        raise Forbidden("只能登记本单位的仪器")
    if not number.strip() or not name.strip():
        raise Invalid("请填写仪器名称和编号", field="name" if number.strip() else "number")
    if calibrated_on and calibrated_until and calibrated_until < calibrated_on:
        raise Invalid("有效期不能早于检定日期", field="calibrated_until")
    values = {"name": name.strip()[:60], "calibrated_on": calibrated_on, "calibrated_until": calibrated_until, "is_active": True, "is_demo": unit.is_demo}
    row, _ = Instrument.objects.update_or_create(unit=unit, number=number.strip()[:40], defaults=values)
    journal.record(row, "instrument", actor=actor, at=at, unit=unit.code, number=row.number, until=calibrated_until.isoformat() if calibrated_until else None)
    return row


# ---------------------------------------------------------------- told


@dataclass(frozen=True)
class DayOfHomes:
    """What was measured on a day: the mean, how many readings reached the commitment, of how many."""

    day: date
    mean: Decimal | None
    kept: int
    of: int

    @property
    def share(self) -> float | None:
        """The share that reached it, in percent; None without a reading."""
        return percent_of(self.kept, self.of)


def visible(user):
    """The readings of which `user` may know: the district all; a unit what it measured, and those of its communities."""
    if access.everywhere(user, access.SEE_WORK):
        return RoomTemperature.objects.all()
    own = access.unit_ids(user, access.SEE_WORK) | access.unit_ids(user, access.INSPECT)
    return RoomTemperature.objects.filter(Q(unit__in=own) | Q(community__street__in=own) | Q(community__company__in=own) | Q(community__overlay__in=own))


@may_wait
def trend(user, *, since: date, until: date, least: Decimal) -> Waiting[list[DayOfHomes]]:
    """The readings of [since, until] that `user` may know of, a day each, held unrounded against `least` ℃ (G21). One query."""
    found = visible(user).filter(measured_at__gte=civil.day_bounds(since)[0], measured_at__lt=civil.day_bounds(until)[1]).values_list("celsius", "measured_at")
    yield found
    days: dict[date, list[Decimal]] = {}
    for celsius, moment in found:
        days.setdefault(civil.day_of(moment), []).append(celsius)
    rows = []
    for number in range((until - since).days + 1):
        values = days.get(since + timedelta(days=number), [])
        mean = sum(values, Decimal(0)) / len(values) if values else None
        rows.append(DayOfHomes(since + timedelta(days=number), mean, sum(value >= least for value in values), len(values)))
    return rows


def _plausible(celsius: Decimal, field: str, limits: Standards) -> Decimal:
    try:
        if not limits.lowest <= celsius <= limits.highest:
            raise Invalid(f"温度 {celsius} ℃ 不合理，应在 {limits.lowest:g} 至 {limits.highest:g} ℃ 之间", field=field)
    except InvalidOperation:
        raise Invalid("温度须为数字", field=field) from None
    return celsius
