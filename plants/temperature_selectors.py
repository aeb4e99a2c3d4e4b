"""Reading room temperatures: the list with its filters, how each community stands, one reading with what followed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Avg, Count, Min, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils.dateparse import parse_date

from core import civil
from core.errors import Invalid, NotFound
from core.figures import percent_of
from core.paging import Page, page
from core.together import Waiting, aggregated, may_wait, only_row
from plants import temperatures
from plants.models import Community, Instrument, RoomTemperature
from units import access
from units.models import Unit

BANDS = (("below", "未达承诺"), ("cold", "低于法定"), ("met", "达标"))
STATES = (("waiting", "待复测"), ("again", "复测"), ("excused", "免责情形"), ("uncalibrated", "仪器检定不明"))


@dataclass(frozen=True)
class Filters:
    """What the address narrows by; days inclusive, Shanghai's."""

    since: date
    until: date
    company: str = ""
    street: str = ""
    community: str = ""
    band: str = ""
    state: str = ""

    @classmethod
    def read(cls, params, *, today: date) -> "Filters":
        """From an address; anything unreadable is the last fourteen days."""
        until = _day(params.get("until", "")) or today
        since = _day(params.get("since", "")) or until - timedelta(days=13)
        text = {name: params.get(name, "").replace("\x00", "")[:64] for name in ("company", "street", "community", "band", "state")}
        return cls(min(since, until), until, **text)


def _day(text: str) -> date | None:
    try:
        found = parse_date(text[:10])
    except ValueError:
        return None
    return found if found and 2000 <= found.year <= 2100 else None


def narrowed(user, filters: Filters, limits) -> QuerySet[RoomTemperature]:
    """The readings that the filters let through, with what a row shows."""
    found = temperatures.visible(user).filter(measured_at__gte=civil.day_bounds(filters.since)[0], measured_at__lt=civil.day_bounds(filters.until)[1])
    for name, column in (("company", "community__company__code"), ("street", "community__street__code"), ("community", "community__code")):
        if getattr(filters, name):
            found = found.filter(**{column: getattr(filters, name)})
    if filters.band == "below":
        found = found.filter(celsius__lt=limits.commitment)
    elif filters.band == "cold":
        found = found.filter(celsius__lt=limits.statutory)
    elif filters.band == "met":
        found = found.filter(celsius__gte=limits.commitment)
    if filters.state == "waiting":
        found = waiting(found, limits)
    elif filters.state == "again":
        found = found.exclude(remeasures=None)
    elif filters.state == "excused":
        found = found.exclude(excuse="")
    elif filters.state == "uncalibrated":
        found = found.exclude(is_calibrated=True)
    return found.select_related("community__company", "community__street", "unit", "device", "finding")


def waiting(found: QuerySet, limits) -> QuerySet:
    """Of these, what was too cold without an excuse and has not been measured again. A complaint's readings go with the complaint."""
    return found.filter(celsius__lt=limits.commitment, excuse="", remeasures=None, remeasured_by=None).exclude(subject_kind="ticket")


def listing(user, filters: Filters, limits, *, cursor=None) -> Page:
    """A page of readings, the newest first."""
    return page(narrowed(user, filters, limits), order=("-measured_at", "-id"), cursor=cursor, size=50)


def totals(found: QuerySet, limits) -> dict:
    """How many, their mean, how many reach each threshold. One query."""
    return found.order_by().aggregate(
        of=Count("pk"), mean=Avg("celsius"), lowest=Min("celsius"), met=Count("pk", filter=Q(celsius__gte=limits.commitment)),
        cold=Count("pk", filter=Q(celsius__lt=limits.statutory)),
    )  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """How a community stands: readings, how many reached the commitment, the coldest, and whether it did so on several days."""

    community: Community
    of: int
    met: int
    mean: Decimal
    lowest: Decimal
    days: int
    days_met: int

    @property
    def share(self) -> float:
        """Of the readings, how many reached the commitment, in percent."""
        return percent_of(self.met, self.of)

    @property
    def is_steady(self) -> bool | None:
        """稳定达标: every reading of at least two days reached it. None with a single day: once is not steady (G21)."""
        return None if self.days < 2 else self.days_met == self.days


def by_community(found: QuerySet, limits) -> list[Standing]:
    """The communities of the readings, the worst first. Two queries."""
    days = (
        found.exclude(community=None).order_by().annotate(day=TruncDate("measured_at", tzinfo=civil.SHANGHAI)).values("community", "day")
        .annotate(of=Count("pk"), met=Count("pk", filter=Q(celsius__gte=limits.commitment)), mean=Avg("celsius"), lowest=Min("celsius"))
    )  # fmt: skip
    rows: dict[int, list[dict]] = {}
    for row in days:
        rows.setdefault(row["community"], []).append(row)
    places = {one.pk: one for one in Community.objects.filter(pk__in=rows).select_related("company", "street")}
    told = []
    for pk, parts in rows.items():
        of = sum(part["of"] for part in parts)
        mean = sum((part["mean"] * part["of"] for part in parts), Decimal(0)) / of
        told.append(
            Standing(
                places[pk], of, sum(part["met"] for part in parts), mean, min(part["lowest"] for part in parts), len(parts),
                sum(part["met"] == part["of"] for part in parts),
            )
        )  # fmt: skip
    return sorted(told, key=lambda one: (one.share, one.lowest))


def to_see(user, pk: int) -> RoomTemperature:
    """One reading; NotFound where one may not know of it."""
    found = temperatures.visible(user).filter(pk=pk) if 0 < pk < 2**62 else RoomTemperature.objects.none()
    row = found.select_related("community__company", "community__street", "community__overlay", "unit", "device", "finding", "remeasures").first()
    if row is None:
        raise NotFound
    return row


def later(row: RoomTemperature) -> list[RoomTemperature]:
    """What measured it again, in order."""
    return list(row.remeasured_by.select_related("unit").order_by("measured_at", "id"))


def communities_for(user) -> QuerySet[Community]:
    """Where `user` may measure."""
    found = Community.objects.filter(is_active=True)
    if access.everywhere(user, access.SUPERVISE):
        return found
    own = access.unit_ids(user, access.HANDLE_TICKETS) | access.unit_ids(user, access.INSPECT)
    return found.filter(Q(company__in=own) | Q(street__in=own) | Q(overlay__in=own))


INSTRUMENT_STATES = {"valid": "检定有效", "expired": "检定已过期", "unknown": "检定未登记"}


def instruments(user, *, unit: str = "", state: str = "", day: date | None = None) -> QuerySet[Instrument]:
    """The instruments of which `user` may know: the district all, a unit its own; narrowed by unit and by their calibration on `day`. Invalid (state)."""
    if state and state not in INSTRUMENT_STATES:
        raise Invalid(f"只能是 {'、'.join(INSTRUMENT_STATES)}", field="state")
    found = Instrument.objects.select_related("unit")
    if not access.everywhere(user, access.SEE_WORK):
        found = found.filter(unit__in=access.unit_ids(user, access.SEE_WORK) | access.unit_ids(user, access.INSPECT))
    if unit:
        found = found.filter(unit__code=unit[:64])
    if state:
        found = found.filter(**{"valid": {"calibrated_until__gte": day}, "expired": {"calibrated_until__lt": day}, "unknown": {"calibrated_until": None}}[state])
    return found


def instrument_units(user) -> list[Unit]:
    """Whose instruments `user` sees: for the filter."""
    return list(Unit.objects.filter(pk__in=instruments(user).order_by().values("unit")))


def own_instruments(user) -> QuerySet[Instrument]:
    """Those with which `user` may measure."""
    return Instrument.objects.filter(is_active=True, unit__in=access.unit_ids(user, access.HANDLE_TICKETS) | access.unit_ids(user, access.INSPECT))


def filter_units(user) -> tuple[list[Unit], list[Unit]]:
    """Companies and streets for the filters: those of the communities whose readings one may see."""
    places = temperatures.visible(user).exclude(community=None).order_by().values("community")
    companies = Unit.objects.filter(pk__in=Community.objects.filter(pk__in=places).values("company"))
    return list(companies), list(Unit.objects.filter(pk__in=Community.objects.filter(pk__in=places).values("street")))


@may_wait
def headline(user, *, since: datetime, until: datetime, least: Decimal) -> Waiting[tuple[int, int]]:
    """(readings at or above `least`, readings) of a time (B1)."""
    found = aggregated(temperatures.visible(user).filter(measured_at__gte=since, measured_at__lt=until), met=Count("pk", filter=Q(celsius__gte=least)), of=Count("pk"))
    yield found
    return tuple(only_row(found).values())
