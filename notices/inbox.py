"""A person's inbox: a message is unread until it is opened or marked; reading is nobody's act but theirs."""

from datetime import datetime

from notices.models import Message


def tell(user, subject: str, body: str, *, link: str, key: str, at: datetime) -> None:
    """Say something to one person about a thing of their own, in the transaction of its cause. The same `key` twice is one message."""
    Message.objects.bulk_create([Message(key=key[:80], user=user, subject=subject[:200], body=body, link=link, created_at=at)], ignore_conflicts=True)


def mark_read(message: Message, *, at: datetime) -> None:
    """The message has been read. The first reading counts."""
    if message.read_at is None:
        Message.objects.filter(pk=message.pk, read_at=None).update(read_at=at)
        message.read_at = at


def mark_all_read(user, *, upto: datetime, at: datetime) -> int:
    """Everything that had come in by `upto` has been read; what came in since has not been seen. How many it was."""
    return Message.objects.filter(user=user, read_at=None, created_at__lte=upto).update(read_at=at)
