"""Reading messages: a person's inbox, and, for administrators, where units hear and what could not be sent."""

from urllib.parse import urlsplit

from django.db.models import OuterRef, Q, QuerySet, Subquery

from core.errors import Forbidden, NotFound
from core.paging import Page, page
from core.privacy import mask_phone
from notices.models import Channel, Endpoint, Message
from units import access
from units.models import Unit

ORDER = ("-created_at", "-id")


def inbox(user) -> QuerySet[Message]:
    """The messages of a person, newest first."""
    return Message.objects.filter(user=user).order_by(*ORDER)


def inbox_page(user, *, unread_only: bool, cursor: str | None, size: int = 30) -> Page:
    """Some of a person's messages, newest first."""
    found = inbox(user).defer("lines")
    return page(found.filter(read_at=None) if unread_only else found, order=ORDER, cursor=cursor, size=size)


def unread_count(user, most: int = 100) -> int:
    """How many messages are unread, counted up to `most`: a partial index, flat at any size."""
    return len(Message.objects.filter(user=user, read_at=None).order_by().values_list("pk", flat=True)[:most])


def message_to_read(user, pk: int) -> Message:
    """A message of one's own; NotFound for anybody else's."""
    message = Message.objects.filter(pk=pk, user=user).first()
    if message is None:
        raise NotFound
    return message


# ---------------------------------------------------------------- for administrators


def units_to_administer(user) -> QuerySet[Unit]:
    """The units whose addresses `user` keeps: all, or their own. Forbidden for everybody else."""
    if access.everywhere(user, access.ADMINISTER):
        return Unit.objects.filter(is_active=True)
    mine = access.unit_ids(user, access.ADMINISTER)
    if not mine:
        raise Forbidden("您无权管理接收地址")
    return Unit.objects.filter(is_active=True, pk__in=mine)


def endpoints_to_administer(user) -> QuerySet[Endpoint]:
    """The addresses of these units, each with how its newest message fared (`last_sent_at`, `last_given_up_at`, `last_said`)."""
    newest = Message.objects.filter(endpoint=OuterRef("pk")).order_by("-id")
    return (
        Endpoint.objects.filter(unit__in=units_to_administer(user).values("pk"))
        .select_related("unit")
        .annotate(
            last_created_at=Subquery(newest.values("created_at")[:1]),
            last_sent_at=Subquery(newest.values("sent_at")[:1]),
            last_given_up_at=Subquery(newest.values("given_up_at")[:1]),
            last_said=Subquery(newest.values("last_error")[:1]),
        )
        .order_by("unit__position", "unit__code", "channel", "id")
    )


def endpoint_to_administer(user, pk: int) -> Endpoint:
    """One of them; NotFound for those of other units."""
    endpoint = endpoints_to_administer(user).filter(pk=pk).first()
    if endpoint is None:
        raise NotFound
    return endpoint


def undelivered(user) -> QuerySet[Message]:
    """Messages that were given up or keep failing, newest first: failures must not disappear into a black hole.

    Without their text: who keeps the addresses reads no letters.
    """
    return (
        Message.objects.filter(Q(given_up_at__isnull=False) | ~Q(last_error=""), endpoint__isnull=False, sent_at=None)
        .filter(endpoint__unit__in=units_to_administer(user).values("pk"))
        .select_related("endpoint", "endpoint__unit")
        .defer("body", "lines", "subject")
        .order_by(*ORDER)
    )


def undelivered_page(user, *, cursor: str | None, size: int = 30) -> Page:
    """Some of them."""
    return page(undelivered(user), order=ORDER, cursor=cursor, size=size)


def message_to_retry(user, pk: int) -> Message:
    """One that was not delivered; NotFound for those of other units."""
    message = undelivered(user).filter(pk=pk).first()
    if message is None:
        raise NotFound
    return message


def shown_address(endpoint: Endpoint) -> str:
    """An address as the page may show it: whose robot and which server, but neither key nor phone."""
    if endpoint.channel == Channel.EMAIL:
        return endpoint.address
    if endpoint.channel == Channel.SMS:
        phones = endpoint.address.replace("，", ",").split(",")
        return "、".join(mask_phone(phone) for phone in phones if phone.strip())
    parts = urlsplit(endpoint.address)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/…{endpoint.address[-4:]}"
