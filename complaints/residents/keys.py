"""The keys by which residents follow a case: told once, kept as their digest."""

import hashlib
import secrets
from datetime import datetime

from complaints.models import Ticket, TrackKey
from core.errors import NotFound

KEY_BYTES = 18


def issue_key(ticket: Ticket, *, at: datetime) -> str:
    """A key by which this case is followed; told once, kept as its digest."""
    key = secrets.token_urlsafe(KEY_BYTES)
    TrackKey.objects.create(ticket=ticket, digest=_digest(key), issued_at=at)
    return key


def by_key(key: str) -> Ticket:
    """The case of a key. NotFound, in the same words for every wrong one."""
    found = TrackKey.objects.filter(digest=_digest(key)).values_list("ticket", flat=True).first() if key and len(key) < 64 else None
    if found is None:
        raise NotFound("这个查询链接无效或已过期。请用受理号和电话后四位查询")
    return Ticket.objects.select_related("community", "street", "doer", "lead").get(pk=found)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
