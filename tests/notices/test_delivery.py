"""At least once, under the same key, and whoever hangs delays only itself. Real database, real network, real threads."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from core import clock
from notices import channels, outbox
from notices.models import Endpoint, Message
from tests.notices.world import NOON, make_endpoint, make_unit
from units import access
from units.models import Kind

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _no_turn_outlives_its_story(receiver):
    yield
    receiver.released.set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(thread.name.startswith(("deliver-", "book")) for thread in threading.enumerate()):
        time.sleep(0.02)


@pytest.fixture
def company():
    return make_unit("demo-heating-1", "甲热力", Kind.HEATING)


def waiting(endpoint, count=1, *, at=NOON, start=0) -> list[Message]:
    return Message.objects.bulk_create(
        [
            Message(
                key=f"e{endpoint.pk}:{number:05d}", endpoint=endpoint, subject=f"通知 {number}", body="正文", created_at=at,
                next_attempt_at=at,
            )
            for number in range(start, start + count)
        ]
    )  # fmt: skip


def deliver(at, patience=None):
    return outbox.deliver(at=at, patience=patience)


def settle():
    """Until every turn that was left behind has been booked."""
    deadline = time.monotonic() + 12
    while Endpoint.objects.filter(busy_until__isnull=False).exists() and time.monotonic() < deadline:
        time.sleep(0.05)


# ---------------------------------------------------------------- one after another


def test_what_is_due_is_sent_once(company, receiver):
    endpoint = make_endpoint(company, f"{receiver.url}/ok")
    waiting(endpoint, 5)
    assert deliver(NOON).sent == 5
    assert deliver(NOON + SECOND).sent == 0
    assert [call.key for call in receiver.calls] == [f"e{endpoint.pk}:{number:05d}" for number in range(5)]
    assert Message.objects.filter(sent_at__isnull=False, next_attempt_at=None, attempts=1).count() == 5
    endpoint.refresh_from_db()
    assert endpoint.busy_until is None


def test_what_is_not_due_yet_waits(company, receiver):
    waiting(make_endpoint(company, f"{receiver.url}/ok"), at=NOON + 10 * SECOND)
    assert deliver(NOON).sent == 0
    assert deliver(NOON + 10 * SECOND).sent == 1


def test_a_failure_is_tried_again_with_growing_pauses_under_the_same_key(company, receiver):
    receiver.answers["/bad"] = (500, {})
    endpoint = make_endpoint(company, f"{receiver.url}/bad")
    (message,) = waiting(endpoint)
    at = NOON
    for pause in outbox.BACKOFF[:2]:
        assert deliver(at).failed == 1
        message.refresh_from_db()
        assert at + pause <= message.next_attempt_at < at + pause + 2 * SECOND
        assert deliver(at + pause - SECOND).failed == 0
        at = message.next_attempt_at
    assert message.last_error == "对方出错（500）"
    receiver.answers["/bad"] = (200, {})
    assert deliver(at).sent == 1
    assert receiver.keys() == {message.key: 3}


def test_what_waited_behind_a_failure_was_not_attempted_and_does_not_back_off(company, receiver):
    receiver.answers["/bad"] = (500, {})
    first, second, third = waiting(make_endpoint(company, f"{receiver.url}/bad"), 3)
    deliver(NOON)
    assert len(receiver.calls) == 1
    second.refresh_from_db()
    third.refresh_from_db()
    for message in (second, third):
        assert (message.attempts, message.last_error) == (0, "")
        assert message.next_attempt_at < NOON + 2 * SECOND


def test_one_message_that_is_refused_does_not_stop_the_others(company, receiver):
    receiver.answers["/picky"] = lambda call: (400 if "通知 0" in call.body.decode() else 200, {})
    waiting(make_endpoint(company, f"{receiver.url}/picky"), 4)
    deliver(NOON)
    deliver(NOON + 2 * SECOND)
    assert Message.objects.filter(sent_at__isnull=False).count() == 3


def test_the_breaker_opens_after_three_failures_and_heals_by_itself(company, receiver):
    receiver.answers["/down"] = (503, {})
    endpoint = make_endpoint(company, f"{receiver.url}/down")
    waiting(endpoint, 6)
    at = NOON
    for _ in range(10):
        deliver(at)
        at += SECOND
    assert len(receiver.calls) == outbox.BREAKER_AFTER
    receiver.answers["/down"] = (200, {})
    at += outbox.REST
    assert deliver(at).sent >= 1
    deliver(at + SECOND)
    assert Message.objects.filter(sent_at=None).count() == 0, "what had been backing off is sent at once when the endpoint is back"
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.rest_until, endpoint.last_error) == (0, None, "")


def test_after_many_attempts_a_message_is_given_up_told_and_may_be_sent_again(district, receiver):
    receiver.answers["/gone"] = (404, {})
    endpoint = make_endpoint(district.company, f"{receiver.url}/gone")
    (message,) = waiting(endpoint)
    Message.objects.update(attempts=outbox.MOST_ATTEMPTS - 1)
    deliver(NOON)
    message.refresh_from_db()
    assert message.given_up_at is not None
    assert message.next_attempt_at is None
    outbox.route(at=NOON)
    assert "消息发送失败：甲热力" in district.officer.inbox.get().subject
    receiver.answers["/gone"] = (200, {})
    assert outbox.retry(message, at=NOON + SECOND)
    assert deliver(NOON + SECOND).sent == 1
    assert not outbox.retry(message, at=NOON + 2 * SECOND)


def test_a_robot_is_sent_what_has_gathered_as_one_and_then_left_in_peace(company, receiver):
    """Its platform throttles who sends more than twenty a minute."""
    endpoint = make_endpoint(company, f"{receiver.url}/bot", channel="wecom")
    waiting(endpoint, 4)
    deliver(NOON)
    assert len(receiver.calls) == 1
    assert Message.objects.filter(sent_at__isnull=False).count() == 4
    waiting(endpoint, 1, start=10)
    deliver(NOON + SECOND)
    assert len(receiver.calls) == 1
    deliver(NOON + 4 * SECOND)
    assert len(receiver.calls) == 2


def test_an_endpoint_that_is_out_of_order_does_not_make_the_portal_look_so(company, receiver):
    receiver.answers["/down"] = (503, {})
    waiting(make_endpoint(company, f"{receiver.url}/down"), 5)
    for second in range(4):
        deliver(NOON + second * SECOND)
    assert outbox.oldest_waiting(NOON + 600 * SECOND) == 0
    assert outbox.pending() == 5


# ---------------------------------------------------------------- deaths


def test_a_crash_between_sending_and_booking_sends_again_under_the_same_key(company, receiver, monkeypatch):
    """A process that dies there leaves its lease behind; when that has run out, the next one takes the message up."""
    endpoint = make_endpoint(company, f"{receiver.url}/ok")
    (message,) = waiting(endpoint)

    class Killed(BaseException):
        pass

    def die(*args):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_book", die)
        patched.setattr(outbox._Round, "_finish", lambda self: None)
        with pytest.raises(Killed):
            deliver(NOON)
    assert receiver.keys() == {message.key: 1}
    assert deliver(NOON + SECOND).sent == 0, "the lease still holds"
    assert deliver(NOON + outbox.LEASE + SECOND).sent == 1
    assert receiver.keys() == {message.key: 2}


def test_a_sender_that_comes_back_late_does_not_undo_what_another_did(company, receiver):
    """Frozen past its lease, then awake: its failure must not put back what was delivered meanwhile."""
    endpoint = make_endpoint(company, f"{receiver.url}/ok")
    (message,) = waiting(endpoint)
    (turn,) = outbox._claim(NOON, 8)
    assert deliver(NOON + outbox.LEASE + SECOND).sent == 1
    late = NOON + outbox.LEASE + 2 * SECOND
    outbox._book([(turn, turn.messages[0], "对方出错（500）"), (turn, None, [])], late, outbox.Delivered())
    message.refresh_from_db()
    assert message.sent_at is not None
    assert message.next_attempt_at is None


def test_an_endpoint_in_hand_is_nobody_else_s(company, receiver):
    waiting(make_endpoint(company, f"{receiver.url}/ok"), 30)
    assert len(outbox._claim(NOON, 8)[0].messages) == outbox.PER_TURN
    assert outbox._claim(NOON + SECOND, 8) == []


def test_when_the_database_is_away_at_the_booking_it_is_booked_afterwards(company, receiver, monkeypatch):
    waiting(make_endpoint(company, f"{receiver.url}/ok"), 2)
    book, times = outbox._book, []

    def falter(*args):
        times.append(1)
        if len(times) == 1:
            raise outbox.DatabaseFault("gone")
        return book(*args)

    monkeypatch.setattr(outbox, "_book", falter)
    with pytest.raises(outbox.DatabaseFault):
        deliver(NOON)
    settle()
    assert Message.objects.filter(sent_at__isnull=False).count() == 2
    assert len(receiver.calls) == 2


def test_whatever_a_channel_throws_is_a_failure_of_that_message_only(company, receiver, monkeypatch):
    good = make_endpoint(company, f"{receiver.url}/ok")
    waiting(make_endpoint(company, "10.0.0.1 not an address"))
    waiting(good)
    monkeypatch.setitem(channels.WAYS, "webhook", _raise_for_spaces(channels.WAYS["webhook"]))
    done = deliver(NOON)
    assert (done.sent, done.failed) == (1, 1)


def _raise_for_spaces(way):
    def call(endpoint, message, at):
        if " " in endpoint.address:
            raise RuntimeError("unforeseen")
        return way(endpoint, message, at)

    return call


# ---------------------------------------------------------------- side by side


def test_an_endpoint_that_hangs_delays_only_itself(company, receiver):
    """F9: rounds come every second; the healthy are served in each of them while the hanging one is still being waited for."""
    hanging = make_endpoint(company, f"{receiver.url}/hang")
    healthy = [make_endpoint(company, f"{receiver.url}/ok/{number}") for number in range(3)]
    waiting(hanging, 5, at=clock.now())
    delays = []
    for number in range(4):
        began = time.monotonic()
        for endpoint in healthy:
            waiting(endpoint, 1, at=clock.now(), start=number)
        done = outbox.deliver(at=clock.now())
        assert time.monotonic() - began < 8, "the round itself is over soon"
        assert done.sent >= len(healthy)
        delays.append(time.monotonic() - began)
    assert len(receiver.at("/hang")) <= 2
    settle()
    hanging.refresh_from_db()
    assert hanging.last_error == "应答超时"
    assert Message.objects.filter(endpoint=hanging, sent_at=None).count() == 5


def test_many_that_hang_still_leave_room_for_the_healthy(company, receiver, settings):
    """G5: 5 % hang for half a minute; the healthy ones are through within five seconds."""
    bad = [make_endpoint(company, f"{receiver.url}/hang/{number}", host=f"bad-{number % 4}") for number in range(20)]
    good = [make_endpoint(company, f"{receiver.url}/ok/{number}", host=f"good-{number}") for number in range(40)]
    began = clock.now()
    for endpoint in bad:
        waiting(endpoint, 1, at=began)
    for endpoint in good:
        waiting(endpoint, 10, at=began)
    until = time.monotonic() + 8
    while Message.objects.filter(endpoint__in=good, sent_at=None).exists() and time.monotonic() < until:
        outbox.deliver(at=clock.now())
    delays = sorted((sent - began).total_seconds() for sent in Message.objects.filter(endpoint__in=good).values_list("sent_at", flat=True))
    assert delays[int(len(delays) * 0.95)] <= 5
    assert len(delays) == 400


def test_one_host_does_not_take_all_the_threads(company, receiver):
    for number in range(outbox.MOST_PER_HOST + 4):
        waiting(make_endpoint(company, f"{receiver.url}/hang/{number}"))
    first = outbox.deliver(at=NOON, patience=0.1)
    assert first.left == outbox.MOST_PER_HOST
    assert outbox.deliver(at=NOON + SECOND, patience=0.1).left == 0
    assert len(receiver.calls) == outbox.MOST_PER_HOST


def test_four_senders_at_once_deliver_two_thousand_messages_two_thousand_times(company, receiver):
    """The first outbox of this house delivered them 3,635 times (style.md §6.4)."""
    at = clock.now()
    for number in range(100):
        endpoint = make_endpoint(company, f"{receiver.url}/ok", host=f"host-{number % 10}")
        waiting(endpoint, 20, at=at)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notices_message, notices_endpoint")  # as autovacuum would have by then
    faults = []

    def send():
        try:
            while Message.objects.filter(sent_at=None).exists():
                outbox.deliver(at=clock.now(), patience=5)
        except Exception as fault:  # shown by the story, not lost in the thread
            faults.append(fault)
        finally:
            connection.close()

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(90)
    assert faults == []
    keys = receiver.keys()
    assert len(keys) == 2000
    assert sum(keys.values()) == 2000
    assert Message.objects.filter(sent_at__isnull=False, attempts=1).count() == 2000


def test_senders_that_race_for_one_endpoint_keep_its_order(company, receiver):
    waiting(make_endpoint(company, f"{receiver.url}/ok"), 60, at=clock.now())

    def send():
        try:
            while Message.objects.filter(sent_at=None).exists():
                outbox.deliver(at=clock.now(), patience=5)
        finally:
            connection.close()

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert [call.key for call in receiver.calls] == sorted(call.key for call in receiver.calls)
    assert len(receiver.calls) == 60


def test_routers_that_race_make_one_message(district):
    for number in range(300):
        outbox.post(district.company, f"通知 {number}", key=f"n:{number}", at=NOON)

    def route():
        try:
            outbox.route(at=NOON)
        finally:
            connection.close()

    routers = [threading.Thread(target=route) for _ in range(6)]
    for router in routers:
        router.start()
    for router in routers:
        router.join(30)
    assert district.handler.inbox.get().notice_count == 300


def test_from_the_cause_to_the_wire(district, receiver, mailbox):
    """A bureau with a webhook, a robot and a mailbox: sixty overdue tickets are one message on each, and one in the inbox."""
    bureau = district.bureau
    assert bureau.code == access.BUREAU
    make_endpoint(bureau, f"{receiver.url}/hook")
    make_endpoint(bureau, f"{receiver.url}/bot?access_token=t", channel="dingtalk")
    make_endpoint(bureau, "duty@example.com", channel="email", secret="")
    for number in range(60):
        outbox.post(bureau, f"第 3 轮仍未解决：WY-{number}", key=f"n:{number}", audience="bureau", kind="alarm", level=1, at=NOON)
    outbox.route(at=NOON)
    assert deliver(NOON).sent == 3
    assert [len(receiver.at("/hook")), len(receiver.at("/bot")), len(mailbox.mails)] == [1, 1, 1]
    assert receiver.at("/hook")[0].json["count"] == 60
    assert district.officer.inbox.get().subject == "告警 60 件"
