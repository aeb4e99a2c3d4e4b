"""Looking at personal data: one field at a time, by who handles the open ticket, with a journal entry each time."""

from datetime import datetime

from django.db import transaction

from complaints import access as ticket_access
from complaints import lifecycle
from complaints.models import Ticket
from core import journal
from core.errors import Forbidden, Invalid, TooMany
from core.models import Entry
from units import access

FIELDS = {"complainant_phone", "complainant_name", "address", "content"}
MOST_A_DAY = 300


@transaction.atomic
def reveal(ticket: Ticket, field: str, *, reason: str, actor, at: datetime) -> str:
    """The clear text of one field. Written down first: if the journal cannot take it, nobody sees it."""
    if field not in FIELDS:
        raise Invalid("没有这一项", field="field")
    if not reason.strip():
        raise Invalid("请填写查看理由，查看将留痕", field="reason")
    if not ticket.is_open:
        raise Forbidden("工单已结束，不再提供联系方式")
    own = ticket_access.handles(actor, ticket) or ticket_access.leads(actor, ticket)
    district = access.everywhere(actor, access.DISPATCH_TICKETS) or access.everywhere(actor, access.SUPERVISE)
    if not (own or district) or not ticket_access.may_know_complainant(actor, ticket):
        raise Forbidden("您无权查看")
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if Entry.objects.filter(act="reveal", actor_id=actor.pk, at__gte=day).count() >= MOST_A_DAY:
        raise TooMany("今日查看次数已达上限，请联系管理员", retry_after=3600)
    journal.record(ticket, "reveal", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason=reason.strip(), field=field)
    if field == "content":
        return ticket.content_original or ticket.content
    return getattr(ticket, field)
