"""Messages to residents: one text message to one number, one mail to one address, by the same outbox as everything else (at least once, backing off)."""

from datetime import datetime

from django.conf import settings

from notices.models import Channel, Endpoint, Message
from units import access
from units.models import Unit


def say(phone: str, text: str, *, key: str, at: datetime) -> bool:
    """A text message to a resident, in the transaction of its cause; the same `key` twice is one. False without a gateway.

    `phone`: a mobile number, digits only; others cannot receive one. The text is the plan's, already filled in.
    """
    if not settings.SMS_URL or len(phone) != 11 or not phone.startswith("1"):
        return False
    Message.objects.bulk_create(
        [Message(key=f"r:{key}"[:80], endpoint=_gateway(), to=phone, subject="住户短信", body=text[:400], created_at=at, next_attempt_at=at)],
        ignore_conflicts=True,
    )
    return True


def mail(address: str, text: str, *, key: str, at: datetime) -> bool:
    """The same by e-mail, where the resident gave an address. The subject tells nothing of the case."""
    if not address:
        return False
    Message.objects.bulk_create(
        [Message(key=f"m:{key}"[:80], endpoint=_gateway(Channel.EMAIL), to=address, subject="供热诉求办理进度", body=text[:2000], created_at=at, next_attempt_at=at)],
        ignore_conflicts=True,
    )
    return True


def forget(*, before: datetime) -> None:
    """Numbers, addresses and words of messages to residents that were sent long ago."""
    Message.objects.filter(endpoint__for_residents=True, next_attempt_at=None, created_at__lt=before).exclude(to="").update(to="", body="", subject="（已清除）")


GATEWAYS = {Channel.SMS: ("住户短信", "sms-gateway"), Channel.EMAIL: ("住户邮件", "smtp")}


def _gateway(channel: str = Channel.SMS) -> Endpoint:
    name, host = GATEWAYS[channel]
    found, _ = Endpoint.objects.get_or_create(
        for_residents=True, channel=channel, defaults={"unit": Unit.objects.get(code=access.BUREAU), "name": name, "host": host}
    )
    return found
