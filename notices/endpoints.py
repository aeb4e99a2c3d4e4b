"""The addresses at which units hear: added, changed, switched off and tried out by administrators."""

from datetime import datetime

from django.db import transaction

from core import journal
from core.errors import Conflict, Invalid
from notices import channels
from notices.models import Channel, Endpoint, Message
from notices.wire import Refused
from units.models import Unit

MOST_LEVEL = 4


@transaction.atomic
def add(unit: Unit, *, channel: str, name: str, address: str, secret: str = "", least_level: int = 0, actor, at: datetime) -> Endpoint:
    """A unit hears at one more address. Invalid, naming the field, for an address that its channel does not understand."""
    endpoint = Endpoint(unit=unit, channel=_channel(channel), name=_name(name), secret=secret.strip(), least_level=_level(least_level))
    _point(endpoint, address)
    endpoint.save(force_insert=True)
    journal.record(endpoint, "endpoint_add", actor=actor, at=at, unit=unit.code, channel=channel, name=endpoint.name, host=endpoint.host)
    return endpoint


@transaction.atomic
def change(endpoint: Endpoint, *, name: str, address: str = "", secret: str = "", least_level: int = 0, actor, at: datetime) -> None:
    """What is left empty of address and secret stays as it was: both can be written, and are never shown again."""
    endpoint = Endpoint.objects.select_for_update(of=("self",)).select_related("unit").get(pk=endpoint.pk)
    changed = []
    if address.strip() and address.strip() != endpoint.address:
        _point(endpoint, address)
        changed.append("address")
    if secret.strip():
        endpoint.secret = secret.strip()
        changed.append("secret")
    if _name(name) != endpoint.name or _level(least_level) != endpoint.least_level:
        endpoint.name, endpoint.least_level = _name(name), _level(least_level)
        changed.append("name")
    if not changed:
        return
    # Another address or secret: what went wrong with the old one says nothing about it.
    endpoint.failures, endpoint.rest_until, endpoint.last_error = 0, None, ""
    endpoint.save(update_fields=["name", "address", "host", "secret", "least_level", "failures", "rest_until", "last_error"])
    journal.record(endpoint, "endpoint_change", actor=actor, at=at, unit=endpoint.unit.code, changed=changed, name=endpoint.name, host=endpoint.host)


@transaction.atomic
def switch(endpoint: Endpoint, *, on: bool, reason: str = "", actor, at: datetime) -> None:
    """On or off. What still waits for an address that is switched off is given up; it can be sent again afterwards."""
    if not Endpoint.objects.filter(pk=endpoint.pk, is_active=not on).update(is_active=on, failures=0, rest_until=None, last_error=""):
        raise Conflict("该接收地址已经是这个状态")
    if not on:
        Message.objects.filter(endpoint=endpoint.pk, next_attempt_at__isnull=False).update(
            next_attempt_at=None, given_up_at=at, last_error="接收地址已停用"
        )
    journal.record(endpoint, "endpoint_on" if on else "endpoint_off", actor=actor, at=at, unit=endpoint.unit.code, reason=reason, name=endpoint.name)


@transaction.atomic
def try_out(endpoint: Endpoint, *, actor, at: datetime) -> Message:
    """Send a message that says that it is a test, by the same way as any other, and at once even where the endpoint rests."""
    if not Endpoint.objects.filter(pk=endpoint.pk, is_active=True).update(rest_until=None):
        raise Conflict("请先启用该接收地址")
    message = Message.objects.create(
        key=f"e{endpoint.pk}:test:{at.timestamp():.3f}", endpoint=endpoint, subject="测试消息：集中供热保障指挥平台",
        body=f"这是一条测试消息，由 {actor} 发给 {endpoint.unit}。收到即表示接收地址可用，无需处理。", link="/inbox/",
        lines=[{"key": "test", "text": "测试消息，无需处理。", "link": "/inbox/", "level": 0}], created_at=at, next_attempt_at=at,
    )  # fmt: skip
    journal.record(endpoint, "endpoint_test", actor=actor, at=at, unit=endpoint.unit.code, name=endpoint.name)
    return message


def _point(endpoint: Endpoint, address: str) -> None:
    address = address.strip()
    try:
        channels.check_address(endpoint.channel, address)
    except Refused as fault:
        raise Invalid(str(fault), field="address") from fault
    endpoint.address, endpoint.host = address, channels.host_of(endpoint.channel, address)


def _channel(channel: str) -> str:
    if channel not in Channel.values:
        raise Invalid("请选择渠道", field="channel")
    return channel


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise Invalid("请填写名称，不超过 60 字", field="name")
    return name


def _level(level: int) -> int:
    if not 0 <= level <= MOST_LEVEL:
        raise Invalid("级别为 0 至 4", field="least_level")
    return level
