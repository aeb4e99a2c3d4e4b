"""Reading messages: a person's inbox, and what could not be sent."""

from notices.models import Endpoint, Message


def inbox(user):
    """The messages of a person, newest first."""
    return Message.objects.filter(user=user).order_by("-created_at", "-id")


def unread_count(user, most: int = 100) -> int:
    """How many messages are unread, counted up to `most`: a partial index, flat at any size."""
    return len(Message.objects.filter(user=user, read_at=None).order_by().values_list("pk", flat=True)[:most])


def undelivered():
    """Messages to endpoints that were given up, or keep failing: failures must not disappear into a black hole."""
    return (
        Message.objects.filter(endpoint__isnull=False, sent_at=None).exclude(last_error="").select_related("endpoint", "endpoint__unit")
        .order_by("-created_at", "-id")
    )  # fmt: skip


def endpoints():
    """Every address of every unit."""
    return Endpoint.objects.select_related("unit").order_by("unit__position", "channel", "id")
