"""The outbox: a notice is written with its cause, addressed afterwards, and sent outside any transaction, at least once.

Three steps, each safe to repeat and to run at once in several processes:
`post` (in the transaction of the cause) → `route` (who is that, and in one message each) → `deliver` (over the wire).
"""

import hashlib
import heapq
import logging
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error as DatabaseFault
from django.db import connection, transaction
from django.db.models import F, Max, Min, Q

from core import journal, one_trip
from core.one_trip import Rows
from notices import channels
from notices.models import Channel, Endpoint, Message, Notice
from notices.recipients import NEXT, Places, find_recipients, known_places
from notices.wording import compose, line_key
from units.models import Unit

log = logging.getLogger(__name__)

ROUTE_BATCH = 20_000
LINES_SHOWN = 50
# While so many notices pour in, they are addressed in gulps this far apart: one long message, not one a second.
FLOOD = 500
GULP = timedelta(seconds=5)
ROUTE_LOCK = 0x57_59_4E_31

BACKOFF = [timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 1800, 3600)]
MOST_ATTEMPTS = 24
BREAKER_AFTER = 3
REST = timedelta(seconds=30)
# Robots are throttled by their platforms: twenty messages a minute, Feishu a hundred.
PACE = {Channel.WECOM: timedelta(seconds=3), Channel.DINGTALK: timedelta(seconds=3), Channel.FEISHU: timedelta(seconds=1)}

PER_TURN = 20
TURN_SECONDS = 3.0
# A lease outlasts the longest turn: three seconds and one more sending, which is five over HTTP and some thirty by SMTP.
LEASE = timedelta(seconds=15)
SMTP_LEASE = timedelta(seconds=60)
MOST_THREADS = 32
MOST_PER_HOST = 8
# How long a round waits for its slowest; then it lets them finish on their own and is free for the next.
PATIENCE = 0.8

_threads = threading.BoundedSemaphore(MOST_THREADS)


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
    one_trip.write(rows(notices))


def rows(notices: Iterable[Notice]) -> Rows:
    """The same notices for who writes them together with something else."""
    return Rows(list(notices), once=True)


# ---------------------------------------------------------------- who, and in one message each


def route(*, at: datetime, in_gulps: bool = False) -> int:
    """Turn what was posted into messages: one for each recipient, however many notices. The number of notices routed.

    One process at a time: two would share out one bunch of notices and tell it in two messages. `in_gulps` waits a few
    seconds between large bunches, for whoever calls every second while thousands are still being posted.
    """
    total = 0
    while True:
        with transaction.atomic():
            if not _is_router() or (in_gulps and _is_gulping(at)):
                return total
            notices = list(Notice.objects.filter(routed_at=None).select_related("unit").order_by("id")[:ROUTE_BATCH])
            if not notices:
                return total
            Message.objects.bulk_create(_messages(notices, at), batch_size=500)
            Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(routed_at=at)
        total += len(notices)
        if len(notices) < ROUTE_BATCH:
            return total


def _is_router() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ROUTE_LOCK])
        return cursor.fetchone()[0]


def _is_gulping(at: datetime) -> bool:
    waiting = Notice.objects.filter(routed_at=None).order_by("id").values_list("pk", flat=True)[:FLOOD]
    if len(waiting) < FLOOD:
        return False
    last = Notice.objects.filter(pk__gt=waiting[0] - 2 * ROUTE_BATCH).aggregate(last=Max("routed_at"))["last"]
    return last is not None and last <= at < last + GULP


def _messages(notices: list[Notice], at: datetime) -> list[Message]:
    """Sort the notices by place (unit and role), the places by recipient, and write one message for each recipient."""
    places = known_places()
    found = find_recipients(_places_of(notices, places), at=at)
    told: dict[tuple[int, str], dict[str, Notice]] = defaultdict(dict)
    unheard = []
    for notice in notices:
        place = (notice.unit_id, notice.audience)
        if not found[place].hears(notice.level):
            if notice.kind not in ("unheard", "undelivered"):
                unheard.append(notice)
            if found[place].shows(notice.level):
                told[place].setdefault(line_key(notice), notice)
            # An empty roster is skipped at once: the next one up hears it.
            while place is not None and not found[place].hears(notice.level):
                place = NEXT[place[1]](places) if place[1] in NEXT else None
        if place is not None:
            told[place].setdefault(line_key(notice), notice)
    if unheard:
        _alarm_unheard(unheard, places, {unit_id for (unit_id, _), one in found.items() if one.is_unmanned}, at)

    of_user, of_endpoint = defaultdict(set), defaultdict(set)
    for place in told:
        for user_id in found[place].user_ids:
            of_user[user_id].add(place)
        for endpoint in found[place].endpoints:
            of_endpoint[endpoint].add(place)
    bundles: dict[tuple, _Bundle | None] = {}

    def bundle_of(mine: set, least: int) -> "_Bundle | None":
        name = (frozenset(mine), least)
        if name not in bundles:
            bundles[name] = _bundle([told[place] for place in mine], least)
        return bundles[name]

    messages = []
    for user_id, mine in of_user.items():
        messages.append(_message(f"u{user_id}", bundle_of(mine, 0), at, user_id=user_id))
    for endpoint, mine in of_endpoint.items():
        bundle = bundle_of(mine, endpoint.least_level)
        if bundle is not None:
            messages.append(_message(f"e{endpoint.pk}", bundle, at, endpoint=endpoint, next_attempt_at=at))
    return messages


def _places_of(notices: list[Notice], places: Places) -> set[tuple[int, str]]:
    """Where the notices are addressed, and where they would go if nobody were there."""
    wanted = {(notice.unit_id, notice.audience) for notice in notices}
    fresh = set(wanted)
    while fresh:
        fresh = {above for _, audience in fresh if audience in NEXT and (above := NEXT[audience](places))} - wanted
        wanted |= fresh
    return wanted


@dataclass(frozen=True)
class _Bundle:
    """The same bunch of notices, once worded for everybody who gets just these."""

    words: object
    digest: str
    level: int
    count: int


def _bundle(parts: list[dict[str, Notice]], least: int) -> _Bundle | None:
    merged = {}
    for part in parts:
        merged.update(part)
    notices = [notice for notice in merged.values() if notice.level >= least]
    if not notices:
        return None
    # So that what is not listed is the least of it.
    top = heapq.nsmallest(LINES_SHOWN, notices, key=_urgency)
    kinds = Counter(notice.kind for notice in notices)
    units = Counter(notice.data["unit"] for notice in notices if notice.kind == "escalation" and notice.data.get("unit"))
    # The key names the batch: sent again after a crash, it is the same message to whoever receives it.
    digest = hashlib.sha256(",".join(str(notice.pk) for notice in notices).encode()).hexdigest()[:24]
    return _Bundle(compose(top, kinds=kinds, units=units), digest, top[0].level, len(notices))


def _urgency(notice: Notice) -> tuple:
    """The gravest first; among equals what was due first, then what is due at no moment."""
    return -notice.level, str(notice.data.get("due_at") or "~"), notice.id


def _message(to: str, bundle: _Bundle, at: datetime, **target) -> Message:
    words = bundle.words
    return Message(
        key=f"{to}:{bundle.digest}", subject=words.subject[:200], body=words.body, link=words.link, lines=words.lines,
        level=bundle.level, notice_count=bundle.count, created_at=at, **target,
    )  # fmt: skip


def _alarm_unheard(notices: list[Notice], places: Places, unmanned: set[int], at: datetime) -> None:
    """Nobody is there to hear it: that is an alarm of its own, at the bureau, once a day for each empty place. `unmanned`: an empty roster."""
    if places.bureau is None:
        log.error("%d notices have no recipient, and there is no bureau to tell", len(notices))
        return
    empty = {(notice.unit_id, notice.audience): notice for notice in notices}
    post_many(
        Notice(
            key=f"unheard:{unit_id}:{audience}:{at:%Y%m%d}", unit_id=places.bureau, audience="bureau", kind="unheard", level=1,
            subject=f"{notice.unit}无人接收提醒：{ROLES.get(audience, audience)}"[:160], created_at=at, link=f"/units/{notice.unit.code}/",
            body=WHY_UNHEARD[unit_id in unmanned], data={"place": str(notice.unit)},
        )
        for (unit_id, audience), notice in empty.items()
    )  # fmt: skip


WHY_UNHEARD = {
    False: "该岗位没有在任人员账号，单位也没有接收地址；提醒已转报上一级，请补齐。",
    True: "该单位此刻无人值班（或值班人员没有账号）；提醒已转报上一级，请立即补齐值班表。",
}
ROLES = {
    "doer": "承办人员", "workers": "经办人员", "street": "街道经办人员", "bureau": "值班人员", "dispatcher": "交办人员",
    "principal": "主要负责人", "bureau_principal": "主要负责人", "office_director": "办公室主任", "deputy_head": "分管副专班长",
}  # fmt: skip


# ---------------------------------------------------------------- over the wire


@dataclass
class Delivered:
    """What one round of delivery did by the time it returned; `left` turns were still under way then, and book themselves."""

    sent: int = 0
    failed: int = 0
    left: int = 0


def deliver(*, at: datetime, patience: float | None = PATIENCE) -> Delivered:
    """Send what is due, each endpoint in a turn of its own, all side by side.

    Waits `patience` seconds for the slowest (None: to the end). Whatever is still hanging then finishes in the background
    and is booked there, so that the caller may begin the next round: an endpoint that hangs delays only itself.
    """
    done = Delivered()
    slots = 0
    while slots < MOST_THREADS and _threads.acquire(blocking=False):
        slots += 1
    turns = []
    try:
        if slots:
            turns = _claim(at, slots)
    finally:
        for _ in range(slots - len(turns)):
            _threads.release()
    if turns:
        _Round(turns, at).run(done, patience)
    return done


@dataclass(eq=False)
class _Turn:
    """One endpoint's turn: its messages in order, and until when they are ours."""

    endpoint: Endpoint
    messages: list[Message]
    leased_until: datetime


def _claim(at: datetime, slots: int) -> list[_Turn]:
    """Take endpoints that have something due *now* and that nobody is serving, a few of each host, and lease them.

    The lease ends by itself: what a dead process had in hand is taken up again under the same key.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH active AS (
                SELECT e.id, e.busy_until, e.rest_until, coalesce(nullif(e.host, ''), e.channel) AS host
                FROM notices_endpoint e WHERE e.is_active
            ), busy AS (
                SELECT host, count(*) AS count FROM active WHERE busy_until > %(at)s GROUP BY host
            ), waiting AS (
                SELECT a.id, a.host, o.oldest, row_number() OVER (PARTITION BY a.host ORDER BY o.oldest, a.id) AS place
                FROM active a CROSS JOIN LATERAL (
                    SELECT min(m.next_attempt_at) AS oldest FROM notices_message m
                    WHERE m.endpoint_id = a.id AND m.next_attempt_at <= %(at)s
                ) o
                WHERE o.oldest IS NOT NULL AND coalesce(a.busy_until, '-infinity') <= %(at)s
                  AND coalesce(a.rest_until, '-infinity') <= %(at)s
            ), chosen AS (
                SELECT w.id FROM waiting w LEFT JOIN busy b ON b.host = w.host
                WHERE w.place + coalesce(b.count, 0) <= %(per_host)s ORDER BY w.oldest LIMIT %(slots)s
            ), free AS (
                SELECT e.id FROM notices_endpoint e WHERE e.id IN (SELECT id FROM chosen)
                  AND e.is_active AND coalesce(e.busy_until, '-infinity') <= %(at)s AND coalesce(e.rest_until, '-infinity') <= %(at)s
                FOR UPDATE SKIP LOCKED
            ), taken AS (
                UPDATE notices_endpoint e
                SET busy_until = %(at)s + CASE WHEN e.channel = 'email' THEN %(smtp_lease)s ELSE %(lease)s END
                FROM free WHERE e.id = free.id
                RETURNING e.id, e.busy_until
            ), due AS (
                SELECT m.id, taken.busy_until FROM taken CROSS JOIN LATERAL (
                    SELECT n.id FROM notices_message n WHERE n.endpoint_id = taken.id AND n.next_attempt_at <= %(at)s
                    ORDER BY n.next_attempt_at, n.id LIMIT %(per_turn)s
                ) m
            )
            UPDATE notices_message m SET attempts = m.attempts + 1, next_attempt_at = due.busy_until
            FROM due WHERE m.id = due.id AND m.next_attempt_at <= %(at)s
            RETURNING m.id
            """,
            {
                "at": at, "slots": slots, "per_host": MOST_PER_HOST, "per_turn": PER_TURN, "lease": LEASE, "smtp_lease": SMTP_LEASE,
            },
        )  # fmt: skip
        ids = [row[0] for row in cursor.fetchall()]
    turns: dict[int, _Turn] = {}
    for message in Message.objects.filter(pk__in=ids).select_related("endpoint", "endpoint__unit").order_by("id"):
        turn = turns.setdefault(message.endpoint_id, _Turn(message.endpoint, [], message.next_attempt_at))
        turn.messages.append(message)
    return list(turns.values())


class _Round:
    """One round of delivery: a thread for each turn, which only talks to the network, and one place where results are booked."""

    def __init__(self, turns: list[_Turn], at: datetime):
        self.turns, self.at, self.began = turns, at, time.monotonic()
        self.results: queue.SimpleQueue = queue.SimpleQueue()
        self.open = len(turns)
        self.unbooked: list = []

    def now(self) -> datetime:
        """The round's moment, moved on by what has passed since: time is the database's still."""
        return self.at + timedelta(seconds=time.monotonic() - self.began)

    def run(self, done: Delivered, patience: float | None) -> None:
        for turn in self.turns:
            threading.Thread(target=self._take_turn, args=(turn,), name=f"deliver-{turn.endpoint.pk}", daemon=True).start()
        try:
            self._book_until(None if patience is None else self.began + patience, done)
        finally:
            done.left = self.open
            if self.open or self.unbooked:
                threading.Thread(target=self._finish, name="book", daemon=True).start()

    def _take_turn(self, turn: _Turn) -> None:
        tried = 0
        try:
            batches = [turn.messages] if turn.endpoint.channel in PACE else [[message] for message in turn.messages]
            for batch in batches:
                error = _send(channels.merged(batch), at=self.now())
                tried += len(batch)
                for message in batch:
                    self.results.put((turn, message, error))
                # After a failure, or when the turn has taken long, the others wait for their next turn, unattempted.
                if error is not None or time.monotonic() - self.began > TURN_SECONDS:
                    break
        finally:
            self.results.put((turn, None, turn.messages[tried:]))
            _threads.release()

    def _book_until(self, deadline: float | None, done: Delivered) -> None:
        while self.open or self.unbooked:
            try:
                if not self.unbooked:
                    wait = None if deadline is None else max(deadline - time.monotonic(), 0)
                    self.unbooked.append(self.results.get(timeout=wait))
                while len(self.unbooked) < 500:
                    self.unbooked.append(self.results.get_nowait())
            except queue.Empty:
                if not self.unbooked:
                    return
            _book(self.unbooked, self.now(), done)
            self.open -= sum(message is None for _, message, _ in self.unbooked)
            self.unbooked = []

    def _finish(self) -> None:
        """Book what the round did not wait for. A database that is away is waited for as long as the lease holds."""
        until = self.began + max((turn.leased_until - self.at).total_seconds() for turn in self.turns)
        try:
            while self.open or self.unbooked:
                try:
                    self._book_until(None, Delivered())
                except DatabaseFault:
                    connection.close()
                    if time.monotonic() > until:
                        log.exception("%d results of sending could not be booked: they will be sent again", len(self.unbooked))
                        return
                    time.sleep(1)
        finally:
            connection.close()


def _send(message: Message, *, at: datetime) -> str | None:
    try:
        return channels.send(message, at=at)
    except Exception:
        # Whatever one message or endpoint does to us must not end the thread that serves it.
        log.exception("message %s could not be sent", message.pk)
        return "发送时出错"


@transaction.atomic
def _book(results: list, at: datetime, done: Delivered) -> None:
    """Write down what happened. Each statement names what it expects, because the lease may have ended meanwhile."""
    sent = [(turn, message) for turn, message, error in results if message is not None and error is None]
    failed = [(turn, message, error) for turn, message, error in results if message is not None and error is not None]
    if sent:
        Message.objects.filter(pk__in=[message.pk for _, message in sent], sent_at=None).update(
            sent_at=at, next_attempt_at=None, given_up_at=None, last_error=""
        )
        _endpoints_answered({turn.endpoint.pk: turn.endpoint for turn, _ in sent}, at)
        done.sent += len(sent)
    for _, message, error in failed:
        over = message.attempts >= MOST_ATTEMPTS
        pause = BACKOFF[min(message.attempts, len(BACKOFF)) - 1]
        Message.objects.filter(pk=message.pk, sent_at=None, attempts=message.attempts).update(
            next_attempt_at=None if over else at + pause, given_up_at=at if over else None, last_error=error[:300]
        )
        if over:
            _alarm_given_up(message, error, at)
    for turn, error in {turn.endpoint.pk: (turn, error) for turn, _, error in failed}.values():
        _endpoint_failed(turn.endpoint.pk, error, at)
    done.failed += len(failed)
    for turn, message, rest in results:
        if message is None:
            Message.objects.filter(pk__in=[left.pk for left in rest], next_attempt_at=turn.leased_until).update(
                attempts=F("attempts") - 1, next_attempt_at=at
            )
            Endpoint.objects.filter(pk=turn.endpoint.pk, busy_until=turn.leased_until).update(busy_until=None)


def _endpoints_answered(endpoints: dict[int, Endpoint], at: datetime) -> None:
    healed = list(Endpoint.objects.filter(pk__in=endpoints, failures__gte=BREAKER_AFTER).order_by("pk").values_list("pk", flat=True))
    Endpoint.objects.filter(~Q(failures=0) | ~Q(last_error=""), pk__in=endpoints).update(failures=0, rest_until=None, last_error="")
    if healed:
        # What was backing off because of a dead endpoint need not wait out its hour.
        Message.objects.filter(endpoint__in=healed, next_attempt_at__gt=at, attempts__gt=0, sent_at=None).exclude(last_error="").update(
            next_attempt_at=at
        )
    for channel, pace in PACE.items():
        robots = [pk for pk, endpoint in endpoints.items() if endpoint.channel == channel]
        if robots:
            Endpoint.objects.filter(pk__in=robots).update(rest_until=at + pace)


def _endpoint_failed(pk: int, error: str, at: datetime) -> None:
    endpoint = Endpoint.objects.filter(pk=pk)
    endpoint.update(failures=F("failures") + 1, last_error=error[:300])
    # The breaker: after a few failures in a row the endpoint rests, then one turn tries again.
    endpoint.filter(failures__gte=BREAKER_AFTER).update(rest_until=at + REST)


def _alarm_given_up(message: Message, error: str, at: datetime) -> None:
    """What was given up is told to the bureau, once a day for each endpoint; the list of it stays on the page."""
    bureau = known_places().bureau
    if bureau is not None:
        endpoint = message.endpoint
        post(
            bureau, f"消息发送失败：{endpoint.unit} {endpoint.name}", key=f"undelivered:{endpoint.pk}:{at:%Y%m%d}", audience="bureau",
            kind="undelivered", level=1, body=f"多次重试未送达（{error}），请检查接收地址。", link="/inbox/undelivered/", at=at,
        )  # fmt: skip


# ---------------------------------------------------------------- by hand, and how it stands


@transaction.atomic
def retry(message: Message, *, actor=None, at: datetime) -> bool:
    """Try a message again that was given up or is backing off. Whether there was anything to do."""
    idle = Q(endpoint__busy_until=None) | Q(endpoint__busy_until__lte=at)
    waiting = Message.objects.filter(idle, pk=message.pk, endpoint__is_active=True, sent_at=None)
    if not Message.objects.filter(pk__in=waiting.values("pk"), sent_at=None).update(given_up_at=None, attempts=0, next_attempt_at=at):
        return False
    Endpoint.objects.filter(pk=message.endpoint_id).update(rest_until=None)
    journal.record(message.endpoint, "retry", actor=actor, at=at, unit=message.endpoint.unit.code, message=message.key)
    return True


def oldest_waiting(at: datetime) -> float:
    """For how many seconds the longest-waiting message or notice has been waiting past its time.

    An endpoint that is known to be out of order is not counted: that is its own trouble, and shown as such.
    """
    unrouted = Notice.objects.filter(routed_at=None).order_by("id").values_list("created_at", flat=True).first()
    unsent = Message.objects.filter(next_attempt_at__lte=at, attempts=0, endpoint__is_active=True, endpoint__failures__lt=BREAKER_AFTER).aggregate(
        oldest=Min("next_attempt_at")
    )["oldest"]
    oldest = min((moment for moment in (unrouted, unsent) if moment), default=at)
    return max((at - oldest).total_seconds(), 0.0)


def pending() -> int:
    """How many notices and messages are still to go out."""
    return Notice.objects.filter(routed_at=None).count() + Message.objects.filter(next_attempt_at__isnull=False).count()
