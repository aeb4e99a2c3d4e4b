"""Reading the problem ledger: each unit what it owes, found or verifies; a street its territory; the bureau all of it."""

from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from core.errors import NotFound
from core.paging import Page, page
from deadlines.models import Standing
from plants.models import Finding, Severity
from units import access

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
    for name, column, most in (("unit", "unit__code", 64), ("severity", "severity", 8), ("source", "source", 12), ("season", "season__code", 20)):
        value = params.get(name, "")[:most]
        if value:
            found = found.filter(**{column: value})
    q = params.get("q", "").strip()[:40]
    if q:
        found = found.filter(Q(title__icontains=q) | Q(number__icontains=q) | Q(plant__name__icontains=q) | Q(community__name__icontains=q))
    return found


def listing(user, params, *, at: datetime) -> Page:
    """A page of the ledger, the newest first."""
    return page(narrowed(user, params, at=at), order=("-found_at", "-id"), cursor=params.get("cursor"), size=40)


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


SEVERITIES = Severity.choices
