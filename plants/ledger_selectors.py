"""Reading the problem ledger: each unit what it owes, found or verifies; a street its territory; the bureau all of it."""

from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from core.errors import Invalid, NotFound
from core.paging import Page, page
from deadlines.models import Standing
from plants import register_selectors as register
from plants.models import Charge, Community, Finding, Severity
from plants.register_kinds import COMMUNITIES, PLANTS
from units import access
from units.models import Unit

STATES = (("open", "未销号"), ("reported", "待核验"), ("closed", "已销号"), ("late", "已超时"), ("all", "全部"))


def visible(user) -> QuerySet[Finding]:
    """The findings that `user` may know of. One not yet released is seen by those who found it and by the district, not by its owner."""
    found = Finding.objects.select_related("unit", "verifier", "found_unit", "street", "plant", "community")
    if access.everywhere(user, access.SEE_WORK):
        return found
    own = access.unit_ids(user, access.SEE_WORK)
    mine = Q(found_unit__in=own) | Q(verifier__in=own)
    return found.filter(mine | (Q(is_hidden=False) & (Q(unit__in=own) | Q(street__in=own))))


def finding_to_see(user, number: str) -> Finding:
    """One finding; NotFound where one may not know of it."""
    found = visible(user).select_related("season", "reported_by", "verified_by").filter(number=number[:24]).first()
    if found is None:
        raise NotFound
    return found


def late(at: datetime) -> Q:
    """The condition of a finding being late, as its own `is_late` says it."""
    waits = Q(achieved_at=None) | Q(is_retrospective=True, standing=Standing.REPORTED)
    return ~Q(standing=Standing.DROPPED) & ((waits & Q(due_at__lt=at)) | (~waits & Q(achieved_at__gt=F("due_at"))))


def narrowed(user, params, *, at: datetime) -> QuerySet[Finding]:
    """The findings that the filters let through: state, unit, severity, source, season, q."""
    found = visible(user)
    state = params.get("state", "open")
    if state == "open":
        found = found.filter(standing__in=(Standing.OPEN, Standing.REPORTED))
    elif state == "reported":
        found = found.filter(standing=Standing.REPORTED)
    elif state == "closed":
        found = found.filter(standing=Standing.VERIFIED)
    elif state == "late":
        found = found.filter(late(at), standing__in=(Standing.OPEN, Standing.REPORTED))
    for name, column, most in (("unit", "unit__code", 64), ("street", "street__code", 64), ("severity", "severity", 8), ("source", "source", 12), ("season", "season__code", 20)):
        value = params.get(name, "")[:most]
        if value:
            found = found.filter(**{column: value})
    q = params.get("q", "").strip()[:40]
    if q:
        found = found.filter(Q(title__icontains=q) | Q(number__icontains=q) | Q(plant__name__icontains=q) | Q(community__name__icontains=q))
    return found


def listing(user, params, *, at: datetime) -> Page:
    """A page of the ledger: what is still open by its due moment, so that the longest overdue comes first; otherwise the newest first."""
    order = ("due_at", "id") if params.get("state", "open") in ("open", "reported", "late") else ("-found_at", "-id")
    return page(narrowed(user, params, at=at), order=order, cursor=params.get("cursor"), size=40)


def by_unit(user, *, at: datetime) -> list[dict]:
    """Close-out by owing unit: found, closed out, late now. One query."""
    rows = (
        visible(user).exclude(standing=Standing.DROPPED).order_by().values("unit__code", "unit__short_name")
        .annotate(found=Count("pk"), closed=Count("pk", filter=Q(standing=Standing.VERIFIED)), late=Count("pk", filter=late(at) & ~Q(standing=Standing.VERIFIED)))
        .order_by("-late", "unit__short_name")
    )  # fmt: skip
    return [{**row, "share": round(100 * row["closed"] / row["found"], 1)} for row in rows]


def units_of(user) -> list[tuple[str, str]]:
    """The units that owe findings, for a filter."""
    return list(visible(user).order_by("unit__position").values_list("unit__code", "unit__short_name").distinct())


def streets_of(user) -> list[tuple[str, str]]:
    """The streets in whose territory findings lie, for a filter."""
    return list(visible(user).exclude(street=None).order_by("street__position").values_list("street__code", "street__short_name").distinct())


def places_of(user) -> list:
    """Where somebody may enter a finding: the facilities and communities in use that they see."""
    return [one for kind in (PLANTS, COMMUNITIES) for one in register.visible(user, kind).filter(is_active=True).order_by("name")]


def place_named(user, text: str):
    """The facility or community that a text names, by its name or its code. Invalid (place) where nothing or several are meant."""
    found = [one for one in places_of(user) if text in (one.code, one.name)]
    if len(found) != 1:
        raise Invalid(f"有多处名为“{text[:40]}”，请填代码" if found else f"没有名为“{text[:40]}”的厂站或小区", field="place")
    return found[0]


def street_of(place) -> Unit | None:
    """The street in whose territory a place lies; of a facility the one that checks it."""
    if isinstance(place, Community):
        return place.street
    charge = Charge.objects.filter(plant=place, until=None).select_related("street").order_by("since", "pk").first()
    return charge.street if charge else None


# What a finding was found by → the address of its page.
_FOUND_BY = {"inspection": "/inspections/{}/", "ticket": "/tickets/{}/", "visit": "/visits/{}/", "temperature": "/temperatures/{}/", "damage": "/outages/damage/{}/", "spot_call": "/duty/calls/{}/"}


def found_by(user, item: Finding) -> str:
    """Where to read what a finding was found by, for those who may: who found it and the district; an inspection everybody who knows the finding."""
    address = _FOUND_BY.get(item.source_kind, "")
    may = item.source_kind == "inspection" or access.everywhere(user, access.SEE_WORK) or item.found_unit_id in access.unit_ids(user, access.SEE_WORK)
    return address.format(item.source_key) if address and may else ""


SEVERITIES = Severity.choices
