"""The outbox: a notice is written with its cause, addressed afterwards, and sent outside any transaction, at least once.

Three steps, each safe to repeat and to run at once in several processes:
`post` (in the transaction of the cause) → `route` (who is that, and in one message each) → `deliver` (over the wire).
"""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from notices import channels
from notices.models import Endpoint, Message, Notice
from notices.recipients import Recipients, find_recipients
from notices.wording import compose, line_of
from units import access
from units.models import Unit

log = logging.getLogger(__name__)

ROUTE_BATCH = 5000
LINES_SHOWN = 50
DELIVER_BATCH = 200
LEASE = timedelta(seconds=60)
BACKOFF = [timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 1800, 3600)]
MOST_ATTEMPTS = 24
BREAKER_AFTER = 3
REST = timedelta(seconds=30)


def post(
    unit: Unit | int,
    subject: str,
    *,
    key: str,
    at: datetime,
    audience: str = "doer",
    kind: str = "note",
    level: int = 0,
    body: str = "",
    link: str = "",
    **data,
) -> None:
    """Say something to a unit, in the transaction of its cause. The same `key` twice is one notice."""
    post_many(
        [
            Notice(
                key=key, unit_id=unit.pk if isinstance(unit, Unit) else unit, audience=audience, kind=kind, level=level,
                subject=subject[:160], body=body, link=link, data=data, created_at=at,
            )
        ]
    )  # fmt: skip


def post_many(notices: Iterable[Notice]) -> None:
    """Write many notices with one statement; those whose key is known already are left as they are."""
    Notice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=1000)


def route(*, at: datetime) -> int:
    """Turn what was posted into messages: one for each recipient, however many notices. The number of notices routed."""
    total = 0
    while True:
        with transaction.atomic():
            notices = list(
                Notice.objects.filter(routed_at=None).select_related("unit").order_by("id")
                .select_for_update(skip_locked=True, of=("self",))[:ROUTE_BATCH]
            )  # fmt: skip
            if not notices:
                return total
            Message.objects.bulk_create(_messages(notices, at), batch_size=500)
            Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(routed_at=at)
        total += len(notices)
        if len(notices) < ROUTE_BATCH:
            return total


def _messages(notices: list[Notice], at: datetime) -> list[Message]:
    to_users, to_endpoints = defaultdict(list), defaultdict(list)
    recipients = find_recipients({(notice.unit_id, notice.audience) for notice in notices}, at=at)
    unheard = []
    for notice in notices:
        found = recipients.get((notice.unit_id, notice.audience), Recipients())
        endpoints = [endpoint for endpoint in found.endpoints if endpoint.least_level <= notice.level]
        for user_id in found.user_ids:
            to_users[user_id].append(notice)
        for endpoint in endpoints:
            to_endpoints[endpoint].append(notice)
        if not found.user_ids and not endpoints and notice.kind != "unheard":
            unheard.append(notice)
    if unheard:
        _alarm_unheard(unheard, at)
    messages = [_message(f"u{user_id}", group, at, user_id=user_id) for user_id, group in to_users.items()]
    messages += [
        _message(f"e{endpoint.pk}", group, at, endpoint=endpoint, next_attempt_at=at) for endpoint, group in to_endpoints.items()
    ]
    return messages


def _message(to: str, notices: list[Notice], at: datetime, **target) -> Message:
    distinct = list({line_of(notice)["key"]: notice for notice in notices}.values())
    # The gravest first, so that what is cut off below is the least of it.
    distinct.sort(key=lambda notice: (-notice.level, notice.id))
    words = compose(distinct[:LINES_SHOWN], total=len(distinct))
    # The key names the batch: sent again after a crash, it is the same message to whoever receives it.
    digest = hashlib.sha256(",".join(str(notice.pk) for notice in distinct).encode()).hexdigest()[:24]
    return Message(
        key=f"{to}:{digest}", subject=words.subject[:200], body=words.body, link=words.link, lines=words.lines,
        level=max(notice.level for notice in notices), notice_count=len(distinct), created_at=at, **target,
    )  # fmt: skip


def _alarm_unheard(notices: list[Notice], at: datetime) -> None:
    """Nobody is there to hear it: that is an alarm of its own, at the bureau, once a day for each empty place."""
    bureau = access.place_ids()[access.BUREAU]
    places = {(notice.unit_id, notice.audience): notice for notice in notices}
    post_many(
        Notice(
            key=f"unheard:{unit_id}:{audience}:{at:%Y%m%d}", unit_id=bureau, audience="bureau", kind="unheard", level=1,
            subject=f"无人接收：{notice.unit}", created_at=at, data={"unit": str(notice.unit), "audience": audience},
            body=f"{notice.unit} 没有可接收提醒的人员或渠道（{audience}），请补齐任职人或接收地址。", link=f"/units/{notice.unit.code}/",
        )
        for (unit_id, audience), notice in places.items()
    )  # fmt: skip


# ---------------------------------------------------------------- over the wire


@dataclass
class Delivered:
    """What one round of delivery did."""

    sent: int = 0
    failed: int = 0
    by_endpoint: dict[int, int] = field(default_factory=dict)


def deliver(*, at: datetime) -> Delivered:
    """Send what is due. Endpoints are served side by side: one that hangs delays only its own messages."""
    claimed = _claim(at)
    done = Delivered()
    if not claimed:
        return done
    by_endpoint = defaultdict(list)
    for message in claimed:
        by_endpoint[message.endpoint_id].append(message)
    with ThreadPoolExecutor(max_workers=min(16, len(by_endpoint)), thread_name_prefix="deliver") as pool:
        for results in pool.map(_send_in_turn, by_endpoint.values()):
            for message, error in results:
                _book(message, error, at, done)
    return done


def _claim(at: datetime) -> list[Message]:
    """Take what is due *now*, a few for each endpoint, and lease it: nobody else sends it unless we die."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH turn AS (
                SELECT m.id, row_number() OVER (PARTITION BY m.endpoint_id ORDER BY m.next_attempt_at, m.id) AS place
                FROM notices_message m JOIN notices_endpoint e ON e.id = m.endpoint_id
                WHERE m.next_attempt_at <= %(at)s AND e.is_active AND (e.rest_until IS NULL OR e.rest_until <= %(at)s)
            ), mine AS (
                SELECT m.id FROM notices_message m JOIN turn ON turn.id = m.id
                WHERE turn.place <= 10 AND m.next_attempt_at <= %(at)s
                ORDER BY m.next_attempt_at LIMIT %(most)s FOR UPDATE OF m SKIP LOCKED
            )
            UPDATE notices_message m SET attempts = attempts + 1, next_attempt_at = %(lease)s
            FROM mine WHERE m.id = mine.id AND m.next_attempt_at <= %(at)s
            RETURNING m.id
            """,
            {"at": at, "most": DELIVER_BATCH, "lease": at + LEASE},
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(Message.objects.filter(pk__in=ids).select_related("endpoint", "endpoint__unit").order_by("id"))


def _send_in_turn(messages: list[Message]) -> list[tuple[Message, str | None]]:
    """Send one endpoint's messages one after another; after a failure the others wait for their next turn."""
    results, stopped = [], None
    for message in messages:
        if stopped is None:
            stopped = channels.send(message)
            results.append((message, stopped))
        else:
            results.append((message, f"前一条未送达，稍后再试（{stopped}）"))
    return results


def _book(message: Message, error: str | None, at: datetime, done: Delivered) -> None:
    endpoint = Endpoint.objects.filter(pk=message.endpoint_id)
    if error is None:
        Message.objects.filter(pk=message.pk).update(sent_at=at, next_attempt_at=None, last_error="")
        endpoint.filter(~Q(failures=0) | ~Q(last_error="")).update(failures=0, rest_until=None, last_error="")
        done.sent += 1
        return
    done.failed += 1
    over = message.attempts >= MOST_ATTEMPTS
    pause = BACKOFF[min(message.attempts, len(BACKOFF)) - 1]
    Message.objects.filter(pk=message.pk).update(
        next_attempt_at=None if over else at + pause, given_up_at=at if over else None, last_error=error[:300]
    )
    endpoint.update(failures=F("failures") + 1, last_error=error[:300])
    endpoint.filter(failures__gte=BREAKER_AFTER).update(rest_until=at + REST)


def retry(message: Message, *, at: datetime) -> bool:
    """Try a message again that was given up. Whether there was anything to do."""
    return bool(
        Message.objects.filter(pk=message.pk, given_up_at__isnull=False).update(given_up_at=None, attempts=0, next_attempt_at=at)
    )


def oldest_waiting(at: datetime) -> float:
    """For how many seconds the longest-waiting message or notice has been waiting past its time."""
    unrouted = Notice.objects.filter(routed_at=None).order_by("id").values_list("created_at", flat=True).first()
    unsent = (
        Message.objects.filter(next_attempt_at__isnull=False, attempts=0).order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True).first()
    )  # fmt: skip
    oldest = min((moment for moment in (unrouted, unsent) if moment), default=at)
    return max((at - oldest).total_seconds(), 0.0)


def pending() -> int:
    """How many notices and messages are still to go out."""
    return Notice.objects.filter(routed_at=None).count() + Message.objects.filter(next_attempt_at__isnull=False).count()
