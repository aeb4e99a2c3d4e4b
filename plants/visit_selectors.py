"""Reading 访民问暖: each company's progress, the list of visits, one visit."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from core.errors import NotFound
from core.paging import Page, page
from deadlines import engine
from deadlines.models import Season
from plants.models import Community, HomeVisit, RoomTemperature, VisitTarget
from units import access
from units.models import Unit

STATES = (("problem", "有遗留问题"), ("unsettled", "遗留问题未处理"), ("opinion", "有意见建议"), ("cold", "室温未达标"))


def visible(user) -> QuerySet[HomeVisit]:
    """The visits of which `user` may know: the district all, a company its own, a street its territory's."""
    found = HomeVisit.objects.select_related("company", "community__street", "finding")
    if access.everywhere(user, access.SEE_WORK):
        return found
    own = access.unit_ids(user, access.SEE_WORK) | access.unit_ids(user, access.INSPECT)
    return found.filter(Q(company__in=own) | Q(community__street__in=own) | Q(community__overlay__in=own))


def to_see(user, number: str) -> HomeVisit:
    """One visit; NotFound where one may not know of it."""
    found = visible(user).select_related("season", "community__company").filter(number=number.replace("\x00", "")[:24]).first()
    if found is None:
        raise NotFound
    return found


def narrowed(user, season: Season | None, params, *, least) -> QuerySet[HomeVisit]:
    """The visits that the filters let through: company, street, community, state."""
    found = visible(user)
    if season is not None:
        found = found.filter(season=season)
    for name, column in (("company", "company__code"), ("street", "community__street__code"), ("community", "community__code")):
        value = params.get(name, "").replace("\x00", "")[:64]
        if value:
            found = found.filter(**{column: value})
    state = params.get("state", "")
    if state == "problem":
        found = found.exclude(problem="")
    elif state == "unsettled":
        found = found.exclude(problem="").filter(ticket="", finding=None)
    elif state == "opinion":
        found = found.exclude(opinion="")
    elif state == "cold":
        found = found.filter(Exists(RoomTemperature.objects.filter(subject_kind="visit", subject_key=OuterRef("number"), celsius__lt=least)))
    return found


def listing(found: QuerySet[HomeVisit], *, cursor=None) -> Page:
    """A page of visits, the newest first."""
    return page(found, order=("-visited_at", "-id"), cursor=cursor, size=40)


@dataclass(frozen=True)
class Progress:
    """A company's target, how many homes it has visited, and how that stands."""

    target: VisitTarget
    done: int
    problems: int
    unsettled: int
    is_late: bool
    reached_at: datetime | None

    @property
    def share(self) -> int:
        """In whole percent, at most 100."""
        return min(100, 100 * self.done // self.target.households)


def progress(user, season: Season | None, *, at: datetime) -> list[Progress]:
    """Every company's progress that `user` may see: a company its own, a street and the district all."""
    if season is None:
        return []
    targets = VisitTarget.objects.filter(season=season).select_related("company").order_by("company__position", "company_id")
    if access.is_company(user):
        targets = targets.filter(company__in=access.unit_ids(user, access.SEE_WORK))
    counts = {
        row["company"]: row
        for row in HomeVisit.objects.filter(season=season).order_by().values("company").annotate(
            n=Count("pk"), problems=Count("pk", filter=~Q(problem="")), unsettled=Count("pk", filter=~Q(problem="") & Q(ticket="", finding=None)))
    }  # fmt: skip
    told = []
    for target in targets:
        clock = engine.of(target).first()
        row = counts.get(target.company_id, {"n": 0, "problems": 0, "unsettled": 0})
        told.append(Progress(target, row["n"], row["problems"], row["unsettled"], clock.is_late(at) if clock else False, clock.settled_at if clock else None))
    return told


def target_to_set(user, code: str, season: Season | None) -> VisitTarget:
    """A company's target; NotFound where there is none or one may not know."""
    found = VisitTarget.objects.filter(season=season, company__code=code[:64]).select_related("company", "season")
    if access.is_company(user):
        found = found.filter(company__in=access.unit_ids(user, access.SEE_WORK))
    target = found.first()
    if target is None:
        raise NotFound
    return target


def without_manager(user) -> int:
    """Communities that one may see and that have no heat manager or no number of theirs (G20)."""
    found = Community.objects.filter(is_active=True).filter(Q(heat_manager="") | Q(heat_manager_phone=""))
    if not access.everywhere(user, access.SEE_WORK):
        own = access.unit_ids(user, access.SEE_WORK)
        found = found.filter(Q(company__in=own) | Q(street__in=own))
    return found.count()


def own_communities(user) -> QuerySet[Community]:
    """Where `user` may enter a visit."""
    return Community.objects.filter(is_active=True, company__in=access.unit_ids(user, access.HANDLE_TICKETS)).order_by("name")


def companies(user) -> list[Unit]:
    """Companies for the filter."""
    return list(Unit.objects.filter(pk__in=visible(user).order_by().values("company")))


def measured(visit: HomeVisit) -> list[RoomTemperature]:
    """The readings of a visit."""
    return list(RoomTemperature.objects.filter(subject_kind="visit", subject_key=visit.number).order_by("id"))


