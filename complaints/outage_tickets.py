"""The complaints of an outage's area, together (G16): each keeps its own clocks, none is closed with the outage."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from complaints import access as ticket_access
from complaints.models import OPEN_STATES, Ticket
from complaints.situations import KIND
from core import journal
from core.errors import Forbidden
from supply import outage_selectors, outages
from supply.models import Outage, OutageCase
from supply.outages import Case
from units import access


def of(user, outage: Outage) -> QuerySet[Ticket]:
    """The tickets that hang on an outage, as far as `user` may see them, newest first."""
    keys = OutageCase.objects.filter(outage=outage, subject_kind=KIND, detached_at=None).values("subject_key")
    return ticket_access.visible_to(user).filter(number__in=keys).order_by("-ingested_at", "-id")


def others(user, outage: Outage) -> QuerySet[Ticket]:
    """Open tickets of its communities that hang on no outage: they may have come in before it was known."""
    areas = Q(pk__in=[])
    for area in outage_selectors.areas_seen(user).filter(outage=outage):
        areas |= Q(community=area.community_id)
    hanging = OutageCase.objects.filter(subject_kind=KIND, detached_at=None).values("subject_key")
    found = ticket_access.visible_to(user).filter(areas, state__in=OPEN_STATES).exclude(number__in=hanging)
    return found.order_by("-ingested_at", "-id")


def may_sort(user, outage: Outage) -> bool:
    """Whether `user` may hang tickets on an outage and take them off: for its company, for dispatch, or for the district."""
    return outages.may_report(user, outage.company) or access.everywhere(user, access.DISPATCH_TICKETS)


@transaction.atomic
def attach(outage: Outage, numbers: list[str], *, actor, at: datetime) -> int:
    """Hang those of `others` that are named on the outage. The number that was hung there. Forbidden."""
    if not may_sort(actor, outage):
        raise Forbidden("只有供热企业本身、受理单位和专班可以关联")
    tickets = list(others(actor, outage).filter(number__in=numbers[:500]))
    done = outages.attach(outage, [Case(KIND, one.number, one.community_id, one.building) for one in tickets], actor=actor, at=at)
    journal.record_many([journal.entry(one, "join_outage", actor=actor, at=at, outage=outage.number) for one in tickets])
    return done


@transaction.atomic
def detach(outage: Outage, ticket: Ticket, *, reason: str, actor, at: datetime) -> None:
    """It has another cause after all. Forbidden, Invalid (reason), Conflict."""
    if not may_sort(actor, outage):
        raise Forbidden("只有供热企业本身、受理单位和专班可以取消关联")
    outages.detach(outage, KIND, ticket.number, reason=reason, actor=actor, at=at)
    journal.record(ticket, "leave_outage", actor=actor, at=at, reason=reason.strip(), outage=outage.number)
