"""A resident's words become a ticket: once, however often the phone sends them (G24, G25, behaviour 6)."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from complaints import intake, links
from complaints.intake import Intake
from complaints.models import Category, Code, Source, State, Ticket
from complaints.residents import keys, messaging
from complaints.residents.topics import ROOMS, SINCE, TOPICS, WHEN, Topic
from core import attachments, journal
from core.crypto import blind_index
from core.errors import Invalid
from core.privacy import normal_phone

MOST_PHOTOS = 4
SAME_WORDS = timedelta(minutes=30)  # in which the same words from the same telephone and door are the same sending
COLD = (Category.HEATING_SERVICE, Category.PROPERTY_SERVICE)
_CLIENT_ID = re.compile(r"[0-9a-f]{32}")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"1[3-9]\d{9}|0\d{9,11}|\d{7,8}")


@dataclass(frozen=True)
class Words:
    """What a resident filled in. `client_id`: 32 hex digits that the form was given; the same again is the same ticket."""

    topic: str
    client_id: str
    phone: str
    email: str = ""
    community: str = ""
    building: str = ""
    unit_no: str = ""
    room_no: str = ""
    rooms: tuple[str, ...] = ()
    celsius: Decimal | None = None
    since: str = ""
    words: str = ""
    when: str = "any"
    name: str = ""
    confidential: bool = False
    photos: list = field(default_factory=list)


@dataclass(frozen=True)
class Receipt:
    """What the resident takes away: the ticket, the key to follow it, and whether it had come in before."""

    ticket: Ticket
    key: str
    is_again: bool


def submit(said: Words, code: Code, *, at: datetime, via: str = "码上暖") -> Receipt:
    """Take in what a resident said under a code, or through a company's own account (`via` names it, the code is not kept).

    Invalid, naming each field at fault; nothing is written then.
    """
    topic = check(said)
    said = replace(said, client_id=known_as(said, code, at=at) or said.client_id)
    with transaction.atomic():
        complaint = _complaint(said, topic, code, at, via)
        same = None if is_known(said.client_id) else _open_case(topic, complaint)
        received = intake.receive(replace(complaint, same_as=same), actor=None, at=at)
        ticket, is_new = received.ticket, received.outcome == intake.CREATED
        if is_new and same is not None:
            links.link(ticket, same, reason=f"同户再次反映：{ticket.content}"[:300], actor=None, at=at)
        for photo in said.photos if is_new else ():
            attachments.store(photo, ticket, actor=None, at=at, field="photos")
        key = keys.issue_key(ticket, at=at)
        if is_new:
            messaging.tell(ticket, "receipt", at=at)
            journal.record(ticket, "scan", actor=None, at=at, code=code.pk, topic=topic.code, photos=len(said.photos), via=via)
    return Receipt(ticket, key, not is_new)


def is_known(client_id: str) -> bool:
    """Whether a form of this client id has come in before."""
    return bool(_CLIENT_ID.fullmatch(client_id)) and Ticket.objects.filter(source="qr", external_no=f"M{client_id}").exists()


def known_as(said: Words, code: Code, *, at: datetime, via: str = "码上暖") -> str:
    """The client id under which these very words came in: this one, or that of a page since loaded anew by a phone whose line
    failed before it heard. Empty where they are new: a phone that sends them again is nobody's flood.
    """
    if is_known(said.client_id):
        return said.client_id
    complaint = _complaint(said, TOPICS[said.topic], code, at, via)
    lately = Ticket.objects.filter(
        source=Source.QR, external_no__startswith="M", phone_index=blind_index(normal_phone(said.phone)), ingested_at__gt=at - SAME_WORDS, ingested_at__lte=at
    )  # fmt: skip
    for ticket in lately.order_by("-pk")[:5]:
        if (ticket.content_original or ticket.content, ticket.address) == (complaint.content, complaint.address) and ticket.is_open:
            return ticket.external_no[1:]
    return ""


def check(said: Words) -> Topic:
    """The topic of what was filled in. Invalid, naming each field at fault."""
    fields: dict[str, list[str]] = {}
    topic = TOPICS.get(said.topic)
    if topic is None:
        raise Invalid("请选择诉求", field="topic")
    if not _CLIENT_ID.fullmatch(said.client_id):
        raise Invalid("页面已过期，请返回重新打开", field="client_id")
    if topic.asks_rooms and not said.rooms:
        fields["rooms"] = ["请选择哪里不热"]
    if topic.asks_rooms and said.since not in SINCE:
        fields["since"] = ["请选择什么时候开始"]
    if topic.needs_words and not said.words.strip():
        fields["words"] = ["请简单说明"]
    if topic.needs_door and not said.room_no.strip():
        fields["room_no"] = ["请填写门牌号，师傅才能上门"]
    if not _PHONE.fullmatch(normal_phone(said.phone)):
        fields["phone"] = ["请填写能接通的手机或座机号码"]
    if said.email.strip() and not _EMAIL.fullmatch(said.email.strip()):
        fields["email"] = ["邮箱格式不正确，不需要邮件通知可不填"]
    if len(said.photos) > MOST_PHOTOS:
        fields["photos"] = [f"最多 {MOST_PHOTOS} 张照片"]
    if fields:
        raise Invalid(next(iter(fields.values()))[0], fields=fields)
    return topic


def _complaint(said: Words, topic, code: Code, at: datetime, via: str) -> Intake:
    parts = [topic.name]
    if topic.asks_rooms:
        rooms = [room for room in ROOMS if room in said.rooms]
        parts.append(f"{'、'.join(rooms)}不热，{SINCE[said.since]}开始")
        parts.append(f"住户自测 {said.celsius:g} ℃" if said.celsius is not None else "没有温度计，请上门测温")
    if said.words.strip():
        parts.append(said.words.strip())
    if topic.needs_door and said.when in WHEN and said.when != "any":
        parts.append(f"方便上门时间：{WHEN[said.when]}")
    community = code.community.code if code.community else said.community
    building = code.building or said.building.strip()
    door = " ".join(part for part in (_with(said.unit_no, "单元"), _with(said.room_no, "室")) if part)
    return Intake(
        source="qr", external_no=f"M{said.client_id}", kind=topic.kind, category=topic.category, content="。".join(parts),
        title=f"{'、'.join(room for room in ROOMS if room in said.rooms)}不热" if topic.asks_rooms else topic.name, called_at=_first_moment(said, at),
        complainant_name=said.name, complainant_phone=said.phone, complainant_email=said.email.strip(), community=community, building=building,
        address=f"{code.community or ''}{building}{door}", is_confidential=said.confidential and TOPICS[said.topic].may_hide, is_demo=code.is_demo, extra={"入口": via},
    )  # fmt: skip


def _open_case(topic, complaint: Intake) -> Ticket | None:
    """The household's own open ticket on the same matter (behaviour 6), its row held; None when anything about it is in doubt.

    Not one that is finished: whoever complains then says that it did not help. Not a confidential one: that it exists is
    nobody's to find out by complaining under a neighbour's number.
    """
    if not complaint.community or not topic.asks_rooms and not topic.category:
        return None
    if topic.asks_rooms:  # cold rooms are the same matter by whatever door they were told of
        same_matter = Q(category__in=COLD) | Q(category="", suggested_category__in=COLD)
    else:
        same_matter = Q(source=Source.QR, title=topic.name, category=topic.category)
    found = Ticket.objects.filter(
        same_matter, phone_index=blind_index(normal_phone(complaint.complainant_phone)), community__code=complaint.community, kind=topic.kind,
        state__in=(State.RECEIVED, State.DISPATCHED, State.RESPONDED, State.ARRIVED), is_history=False, is_confidential=False,
    )  # fmt: skip
    for ticket in found.order_by("pk").select_for_update(of=("self",)):
        if ticket.address == complaint.address if ticket.source == Source.QR else ticket.building in ("", complaint.building):
            return ticket
    return None


def _first_moment(said: Words, at: datetime) -> datetime:
    """When these words first came in: sent again, they are of the same moment, and no contradiction."""
    first = Ticket.objects.filter(source="qr", external_no=f"M{said.client_id}").values_list("called_at", flat=True).first()
    return first or at


def _with(text: str, suffix: str) -> str:
    text = text.strip()[:20]
    return text if not text or text.endswith(suffix) else f"{text}{suffix}"
