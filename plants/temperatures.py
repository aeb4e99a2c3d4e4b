"""Room temperatures: measured values, never rounded before they are compared (behaviour 14)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.db.models import Q

from core import civil
from core.errors import Invalid
from plants.models import Community, RoomTemperature
from units import access
from units.models import Unit

LOWEST, HIGHEST = Decimal(-30), Decimal(60)  # beyond these no heated or unheated room has ever been


@dataclass(frozen=True)
class Reading:
    """One measurement: room, ℃ as read off, the point in the room, the instrument, ℃ outdoors."""

    room: str
    celsius: Decimal
    point: str = ""
    instrument: str = ""
    outdoor_celsius: Decimal | None = None


def record(
    subject, readings: Iterable[Reading], *, community: Community | None, unit: Unit, round: int = 1, by: str = "", at: datetime
) -> list[RoomTemperature]:
    """Keep what was measured for a subject. Invalid, naming the reading, for a value that no room can have."""
    rows = []
    for index, reading in enumerate(readings):
        if not reading.room.strip():
            raise Invalid("请填写测温房间", field=f"readings.{index}.room")
        celsius = _plausible(reading.celsius, f"readings.{index}.celsius")
        outdoor = reading.outdoor_celsius
        rows.append(
            RoomTemperature(
                subject_kind=subject.journal_kind, subject_key=subject.journal_key, round=round, community=community,
                room=reading.room.strip()[:30], celsius=celsius, point=reading.point[:60], instrument=reading.instrument[:60],
                outdoor_celsius=_plausible(outdoor, f"readings.{index}.outdoor_celsius") if outdoor is not None else None,
                unit=unit, measured_by=by[:60], measured_at=at,
            )
        )  # fmt: skip
    return RoomTemperature.objects.bulk_create(rows)


def of(subject):
    """What was measured for a subject, in order."""
    return RoomTemperature.objects.filter(
        subject_kind=subject.journal_kind, subject_key=subject.journal_key
    ).order_by("measured_at", "id")


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
        return round(100 * self.kept / self.of, 1) if self.of else None


def trend(user, *, since: date, until: date, least: Decimal) -> list[DayOfHomes]:
    """The readings of [since, until] that `user` may know of, a day each, held unrounded against `least` ℃ (G21). One query."""
    found = RoomTemperature.objects.filter(measured_at__gte=civil.day_bounds(since)[0], measured_at__lt=civil.day_bounds(until)[1])
    if not access.everywhere(user, access.SEE_WORK):
        own = access.unit_ids(user, access.SEE_WORK)
        found = found.filter(Q(unit__in=own) | Q(community__street__in=own) | Q(community__company__in=own))
    days: dict[date, list[Decimal]] = {}
    for celsius, moment in found.values_list("celsius", "measured_at"):
        days.setdefault(civil.day_of(moment), []).append(celsius)
    rows = []
    for number in range((until - since).days + 1):
        values = days.get(since + timedelta(days=number), [])
        mean = sum(values, Decimal(0)) / len(values) if values else None
        rows.append(DayOfHomes(since + timedelta(days=number), mean, sum(value >= least for value in values), len(values)))
    return rows


def _plausible(celsius: Decimal, field: str) -> Decimal:
    try:
        if not LOWEST <= celsius <= HIGHEST:
            raise Invalid(f"温度 {celsius} ℃ 不合理，应在 {LOWEST} 至 {HIGHEST} ℃ 之间", field=field)
    except InvalidOperation:
        raise Invalid("温度须为数字", field=field) from None
    return celsius
