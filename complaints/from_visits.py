"""A problem found on a home visit becomes a ticket like any other, taken in from the source 访民问暖 (G17)."""

from datetime import datetime

from django.db import transaction

from complaints import intake
from complaints.intake import Intake
from complaints.models import Source, Ticket, TicketKind
from plants import visits
from plants.models import HomeVisit


@transaction.atomic
def raise_ticket(visit: HomeVisit, *, actor, at: datetime) -> Ticket:
    """The visit's problem as a complaint of its household; the visit's number is its outer number, so that it is one.

    The complaint was made when the visitor stood at the door. Forbidden; Invalid without a problem; Conflict where it is something already.
    """
    visit = visits.claim(visit, actor=actor)
    said = Intake(
        source=Source.VISIT, kind=TicketKind.COMPLAINT, external_no=visit.number, content=visit.problem, called_at=visit.visited_at, community=visit.community.code,
        building=visit.building, address=" ".join(part for part in (visit.community.name, visit.building, visit.door) if part), complainant_phone=visit.contact,
        is_demo=visit.is_demo,
    )  # fmt: skip
    ticket = intake.receive(said, actor=actor, at=at).ticket
    visits.became_ticket(visit, ticket.number, actor=actor, at=at)
    return ticket
