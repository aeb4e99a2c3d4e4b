"""What residents are told by text message and e-mail as their case goes on; the words are the plan's (G24, G25)."""

from datetime import datetime

from django.conf import settings

from complaints.models import Ticket
from complaints.residents.keys import issue_key
from core import civil
from deadlines import season as seasons
from notices import residents

KINDS = ("receipt", "dispatched", "appointment", "finished", "closed")


def tell(ticket: Ticket, kind: str, *, at: datetime, visit_at: datetime | None = None) -> bool:
    """Send a ticket's complainant the message of this kind, once a round, as a text message and by e-mail where they gave an address.

    False where nothing is sent: no gateway, no number or address, or a source whose callers are told by others.
    """
    if ticket.is_history or not (settings.SMS_URL or ticket.complainant_email):
        return False
    season = seasons.active(at)
    said = seasons.plan_of(season).get("residents") if season else None
    if not said or ticket.source not in (said["messages"]["sources"] or ()):
        return False
    link = f"{settings.PUBLIC_URL.rstrip('/')}/track/{issue_key(ticket, at=at)}/"
    text = said["messages"][kind].format(
        number=ticket.number, doer=str(ticket.doer or "承办单位"), visit_at=civil.spoken(visit_at, reference=at) if visit_at else "", link=link
    )
    again = f":{visit_at:%m%d%H%M}" if visit_at else ""
    key = f"{ticket.pk}:{kind}:{ticket.round}:{ticket.segment}{again}"
    by_text = residents.say(ticket.complainant_phone, text, key=key, at=at)
    return residents.mail(ticket.complainant_email, text, key=key, at=at) or by_text
