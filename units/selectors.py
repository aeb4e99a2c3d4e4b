"""Reading units, people and duties."""

from copy import copy
from datetime import datetime

from django.db.models import Prefetch, Q

from core import journal, stamps
from core.errors import Invalid, NotFound
from units import access
from units.models import ApiToken, Duty, Holding, Kind, Member, Membership, Post, Unit, UnitAlias, User
from units.naming import normal


def token_of(secret: str) -> ApiToken | None:
    """The token of this text with the active account to which it belongs; remembered until anything changes of people, tokens or rights."""
    digest = access.digest(secret)
    known = stamps.one_remembered(stamps.PEOPLE, "tokens", digest, lambda: _read_token(digest))
    if known is None:
        return None
    token = copy(known)
    token.user = copy(known.user)  # of one's own: what a request learns of its caller hangs on it
    return token


def _read_token(digest: str) -> ApiToken | None:
    return ApiToken.objects.filter(digest=digest, revoked_at=None, user__is_active=True).select_related("user").first()


def unit_by_code(code: str, *, field: str = "unit") -> Unit:
    """The active unit of this code; Invalid, naming `field`, when there is none."""
    unit = Unit.objects.filter(code=code, is_active=True).first() if isinstance(code, str) and code else None
    if unit is None:
        raise Invalid(f"没有代码为“{str(code)[:60]}”的单位", field=field)
    return unit


def unit_to_see(user, code: str) -> Unit:
    """A unit's page: any signed-in person may know the plan's units; a company is seen by itself and the district."""
    unit = Unit.objects.filter(code=code).first()
    if unit is None or not _may_know(user, unit):
        raise NotFound
    return unit


def units_to_see(user):
    """The units that `user` may know of, in the order of the plan."""
    units = Unit.objects.filter(is_active=True)
    if access.is_company(user) and not access.everywhere(user, access.SEE_WORK):
        units = units.filter(~Q(kind__in=[Kind.HEATING, Kind.PROPERTY]) | Q(pk__in=access.unit_ids(user, access.SEE_WORK)))
    return units


def _may_know(user, unit: Unit) -> bool:
    return units_to_see(user).filter(pk=unit.pk).exists()


def may_see_work(user, unit: Unit) -> bool:
    """Whether `user` may see what this unit owes."""
    return access.may(user, access.SEE_WORK, unit)


def named(name: str) -> Unit | None:
    """The unit that a name means: its code, its names, or one of its aliases."""
    wanted = normal(name)
    if not wanted:
        return None
    return name_index().get(wanted)


def name_index() -> dict[str, Unit]:
    """Every normalised name and alias with its unit: for resolving many names with two queries."""
    units = {unit.pk: unit for unit in Unit.objects.filter(is_active=True)}
    index = {}
    for unit in units.values():
        for name in (unit.code, unit.short_name, unit.name):
            index.setdefault(normal(name), unit)
    for alias in UnitAlias.objects.filter(unit__in=units):
        index.setdefault(normal(alias.name), units[alias.unit_id])
    return index


def duties_of(unit: Unit, season: str):
    """What the plan lays on `unit`: its own duties, those of its kind, and those of every unit."""
    return Duty.objects.filter(Q(unit=unit) | Q(kind=unit.kind) | Q(unit=None, kind=""), season=season).select_related("supervised_by", "unit")


def duties(season: str):
    """Every duty of a season's plan, in its order."""
    return Duty.objects.filter(season=season).select_related("unit", "supervised_by").order_by("position", "clause", "unit__position")


def seats(season: str):
    """Who sits in the plan's two bodies."""
    return Member.objects.filter(season=season).select_related("unit").order_by("-is_lead", "unit__position")


def holders(at: datetime, unit: Unit | None = None):
    """Posts with who holds them at a moment (`holders` on each post, empty when vacant)."""
    held = Holding.objects.filter(since__lte=at).filter(Q(until=None) | Q(until__gt=at)).select_related("user")
    posts = Post.objects.select_related("unit").prefetch_related(Prefetch("holdings", queryset=held, to_attr="holders"))
    return posts.filter(unit=unit) if unit is not None else posts


def workers(unit_id: int, verb: str) -> list[User]:
    """The people who may do `verb` for a unit by its own right: to whom its messages go."""
    return list(
        User.objects.filter(
            is_active=True,
            is_service=False,
            groups__groupunitpermission__content_object_id=unit_id,
            groups__groupunitpermission__permission__codename=verb,
        ).distinct()
    )


def accounts_of(unit: Unit):
    """The accounts of people who work for a unit now."""
    return User.objects.filter(is_active=True, is_service=False, memberships__unit=unit, memberships__until=None).distinct().order_by("username")


def people_of(unit: Unit):
    """The people of a unit with their open memberships."""
    return unit.memberships.filter(until=None, user__is_service=False).select_related("user").order_by("role", "user__username")


def everybody(query: str = "", limit: int = 200):
    """Accounts of people, by name."""
    found = User.objects.filter(is_service=False).prefetch_related(
        Prefetch("memberships", queryset=Membership.objects.filter(until=None).select_related("unit"), to_attr="open_memberships")
    )
    if query:
        found = found.filter(Q(username__icontains=query[:60]) | Q(full_name__icontains=query[:60]))
    return found.order_by("-is_active", "username")[:limit]


def person_by_name(username: str) -> User:
    """The account of this name; NotFound when there is none, or when it is a system's."""
    found = User.objects.filter(username=username[:150], is_service=False).first()
    if found is None:
        raise NotFound
    return found


def memberships_of(user: User):
    """Where somebody works and worked."""
    return user.memberships.select_related("unit").order_by("-until", "-since")


def membership_of(user: User, pk: int) -> Membership:
    """One open membership of somebody."""
    found = user.memberships.filter(pk=pk, until=None).select_related("user", "unit", "group").first()
    if found is None:
        raise NotFound
    return found


def history_of(user: User, limit: int = 50):
    """What the journal has of an account, newest first."""
    return journal.of(user).order_by("-position")[:limit]


def tokens():
    """Every token that still opens something."""
    return ApiToken.objects.filter(revoked_at=None).select_related("user").order_by("-issued_at")


def token_by_id(pk: int) -> ApiToken:
    """One token."""
    found = ApiToken.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def post_by_code(code: str) -> Post:
    """One post."""
    found = Post.objects.filter(code=code).select_related("unit").first()
    if found is None:
        raise NotFound
    return found


def active_units():
    """Every unit that may take part in a ticket, for a dispatcher's choice."""
    return Unit.objects.filter(is_active=True).exclude(kind__in=[Kind.TASKFORCE, Kind.CITY]).order_by("position", "code")


def owners_for(user):
    """The units that `user` may hold answerable for a finding: a company only itself, everybody else whoever they may know of."""
    found = units_to_see(user).exclude(kind__in=[Kind.TASKFORCE, Kind.CITY]).order_by("position", "code")
    return found.filter(pk__in=access.unit_ids(user, access.SEE_WORK)) if access.is_company(user) else found
