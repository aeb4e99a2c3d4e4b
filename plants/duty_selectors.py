"""Reading what stands on the register: the on-site duty of gas facilities (F6), and spot-check calls (I15)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from core import civil, journal
from core.errors import Forbidden, NotFound
from plants.models import Plant, PlantKind, SpotCall
from units import access, duty_selectors, shifts
from units.models import DutyPost, DutyShift, Kind, Phone, PhoneKind, Unit


@dataclass
class OnSite:
    """A gas facility: its post, who is there now, and for how long of the day it was, or will be, unmanned."""

    plant: Plant
    post: DutyPost | None
    present: list[DutyShift]
    uncovered: timedelta


def on_site(user, *, at: datetime) -> list[OnSite]:
    """Each gas facility that `user` may see with its on-site duty today (F6): a facility without a post is not manned. Four queries."""
    units = duty_selectors.roster_units(user)
    plants = list(Plant.objects.filter(kind=PlantKind.GAS, is_active=True, company__in=units).select_related("company").order_by("company__position", "name"))
    if not plants:
        return []
    start, end = civil.day_bounds(civil.day_of(at))
    posts = {
        post.facility: post
        for post in shifts.posts_between(start, end).filter(kind=DutyPost.Kind.ON_SITE, facility__in=[plant.code for plant in plants], unit__in=units)
    }
    present: dict[int, list[DutyShift]] = {}
    for of_unit in shifts.on_duty_many({plant.company_id for plant in plants}, at).values():
        for shift in of_unit:
            present.setdefault(shift.post_id, []).append(shift)
    gaps: dict[int, list] = {}
    for gap in shifts.gaps_of(posts.values(), start, end):
        gaps.setdefault(gap.post.pk, []).append(gap)
    found = []
    for plant in plants:
        post = posts.get(plant.code)
        if post is None:
            found.append(OnSite(plant, None, [], end - start))
        else:
            found.append(OnSite(plant, post, present.get(post.pk, []), shifts.uncovered(gaps.get(post.pk, []), start, end)))
    return found


def facilities_of(unit: Unit):
    """The gas facilities of a company, for its on-site posts."""
    return Plant.objects.filter(kind=PlantKind.GAS, is_active=True, company=unit).order_by("name")


# ---------------------------------------------------------------- spot calls


def watches(user) -> bool:
    """Whether `user` sees every company's calls, and those that are still to be made."""
    return access.everywhere(user, access.SEE_WORK)


def may_call(user) -> bool:
    """Whether `user` makes the calls."""
    return access.everywhere(user, access.SUPERVISE)


def calls_to_see(user, *, at: datetime):
    """The spot calls that `user` may know of: the district all of them; a company its own once they are made, never one that is planned."""
    calls = SpotCall.objects.select_related("company", "phone", "caller", "finding")
    if watches(user):
        return calls
    own = access.unit_ids(user, access.SEE_WORK)
    return calls.filter(company__in=own, company__kind=Kind.HEATING, called_at__isnull=False, called_at__lte=at)


def calls(user, *, at: datetime, company: str = "", result: str = "", time: str = "", since: date | None = None, until: date | None = None):
    """Those of them that fit: by company, result (a result, `passed`, `failed`, `open`, `missed`), day or night, and day."""
    found = calls_to_see(user, at=at)
    if company:
        found = found.filter(company__code=company[:64])
    if result in ("passed", "failed"):
        found = found.filter(is_passed=result == "passed")
    elif result == "open":
        found = found.filter(called_at=None)
    elif result == "missed":
        found = found.filter(called_at=None, planned_at__lte=at)
    elif result:
        found = found.filter(result=result[:16])
    if time in ("day", "night"):
        found = found.filter(is_night=time == "night")
    if since:
        found = found.filter(planned_at__gte=civil.day_bounds(since)[0])
    if until:
        found = found.filter(planned_at__lt=civil.day_bounds(until)[1])
    return found


def call_to_see(user, pk: int, *, at: datetime) -> SpotCall:
    """One of them."""
    found = calls_to_see(user, at=at).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def call_to_make(user, pk: int, *, at: datetime) -> SpotCall:
    """As `call_to_see`, and Forbidden unless `user` makes the calls."""
    call = call_to_see(user, pk, at=at)
    if not may_call(user):
        raise Forbidden("电话抽查由区城管执法局人员拨打")
    return call


def callable_phones():
    """The companies' service numbers that may be called at any time."""
    return Phone.objects.filter(is_active=True, kind=PhoneKind.SERVICE, unit__kind=Kind.HEATING, unit__is_active=True).select_related("unit")


def companies_to_see(user):
    """The heating companies whose calls `user` may see."""
    companies = Unit.objects.filter(kind=Kind.HEATING, is_active=True)
    return companies if watches(user) else companies.filter(pk__in=access.unit_ids(user, access.SEE_WORK))


def without_number(user, day: date):
    """Heating companies that have published no service number by a day: there is nothing to call, which is a fault itself (I15)."""
    published = Q(phones__is_active=True, phones__kind=PhoneKind.SERVICE, phones__published_on__lte=day)
    return companies_to_see(user).exclude(pk__in=Unit.objects.filter(published).values("pk"))


def history(call: SpotCall):
    """What happened to a call, oldest first."""
    return journal.of(call)
