"""The sweep climbs the plan's ladder: each level once, whoever sweeps and however late, and changes no verdict."""

from threading import Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import journal
from deadlines import engine, sweep
from deadlines.models import Deadline, Escalation, Heartbeat
from notices import outbox
from notices.models import Message, Notice
from tests.story import DAY, HOUR, MINUTE, NOON, dispatched, levels, received, tick, user


def told(ticket, level: int) -> set[str]:
    """To which audiences a level's notice was addressed."""
    return set(Notice.objects.filter(data__label=ticket.number, level=level).values_list("audience", flat=True))


@pytest.mark.django_db
@pytest.mark.clause("G25", "D1.8", "C7", "I11")
def test_a_silent_company_climbs_the_ladder_minute_by_minute():
    ticket = dispatched()
    response = {0: [], 14: [], 15: [1], 29: [1], 30: [1, 2], 59: [1, 2], 60: [1, 2, 3], 119: [1, 2, 3], 120: [1, 2, 3, 4]}
    for minute, expected in response.items():
        tick(NOON + minute * MINUTE)
        assert levels(ticket, "response") == expected, minute
    assert told(ticket, 1) >= {"bureau", "principal", "street"}
    assert "bureau_principal" in told(ticket, 2) and "office_director" in told(ticket, 3) and "deputy_head" in told(ticket, 4)
    assert Escalation.objects.get(deadline__label=ticket.number, deadline__stage="response", level=4).proposal == "通报"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stage", "warnings", "moments"),
    [
        ("response", [7.5, 12], {1: 15, 2: 30, 3: 60, 4: 120}),
        ("visit", [30, 48], {1: 60, 2: 90, 3: 180, 4: 360}),
        ("callback", [720, 1152], {1: 1440, 2: 1560, 3: 2160, 4: 2880}),
    ],
)
def test_every_stage_has_the_ladder_of_the_plan(stage, warnings, moments):
    ticket = dispatched()
    for minute in warnings:
        tick(NOON + minute * MINUTE)
    assert Notice.objects.filter(data__label=ticket.number, kind="warning", data__stage=engine.of(ticket).get(stage=stage).policy.name).count() == 2
    for level, minute in moments.items():
        tick(NOON + minute * MINUTE)
        escalation = Escalation.objects.get(deadline__label=ticket.number, deadline__stage=stage, level=level)
        assert escalation.breach_at == escalation.detected_at == NOON + minute * MINUTE


@pytest.mark.django_db
def test_after_an_outage_the_level_due_now_is_raised_once_and_the_rest_is_said_to_have_collapsed():
    ticket = dispatched()
    tick(NOON + 65 * MINUTE)
    assert levels(ticket, "response") == [3]
    order = Escalation.objects.get(deadline__label=ticket.number, deadline__stage="response")
    assert order.collapsed == [1, 2] and order.breach_at == NOON + HOUR
    assert not Notice.objects.filter(kind="warning", data__label=ticket.number, data__stage="15 分钟响应").exists()
    assert "bureau" in told(ticket, 3), "无论先报到哪一级，局值班都要知道"
    tick(NOON + 66 * MINUTE)
    assert levels(ticket, "response") == [3]


@pytest.mark.django_db
def test_many_late_at_once_are_one_message_for_each_recipient():
    for _ in range(30):
        dispatched()
    outbox.route(at=NOON)
    Message.objects.all().delete()
    tick(NOON + 15 * MINUTE)
    outbox.route(at=NOON + 15 * MINUTE)
    assert Message.objects.filter(user=user("bureau")).count() == 1


@pytest.mark.django_db
@pytest.mark.clause("C6", "D1.8")
def test_where_the_bureau_itself_is_late_the_office_director_hears_first():
    ticket = dispatched(category="other", content="供热管沟井盖破损，有人摔倒。", community="")
    assert ticket.doer.code == "urban-management"
    tick(NOON + 15 * MINUTE)
    assert "office_director" in told(ticket, 1) and "bureau" not in told(ticket, 1)


@pytest.mark.django_db
@pytest.mark.clause("D18.1", "D18.6")
def test_what_waits_for_dispatch_ages_and_escalates_too():
    ticket = received(content="小区门口的树倒了。", community="")
    tick(NOON + 30 * MINUTE)
    assert levels(ticket, "dispatch") == [1]


@pytest.mark.django_db
def test_a_batch_is_a_constant_number_of_statements():
    counts = []
    for many in (2, 40):
        Deadline.objects.filter(settled_at=None).update(next_check_at=None)
        for _ in range(many):
            dispatched()
        with CaptureQueriesContext(connection) as queries:
            tick(NOON + 20 * MINUTE)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


@pytest.mark.django_db
def test_with_nothing_due_the_sweep_reads_the_partial_index_and_little_else():
    dispatched()
    with CaptureQueriesContext(connection) as queries:
        tick(NOON + MINUTE)
    assert len(queries) <= 8
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM deadlines_deadline WHERE next_check_at <= now() ORDER BY next_check_at LIMIT 1000 FOR UPDATE SKIP LOCKED")
        assert "deadline_to_check" in "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.django_db
def test_a_row_that_cannot_be_handled_is_set_aside_and_its_neighbours_are_not():
    bad, good = dispatched(), dispatched()
    poison = engine.of(bad).get(stage="response")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE deadlines_escalation ADD CONSTRAINT poison CHECK (deadline_id <> {poison.pk})")
    done = tick(NOON + 15 * MINUTE)
    poison.refresh_from_db()
    assert done.set_aside == 1 and poison.set_aside_reason and poison.next_check_at == NOON + 15 * MINUTE + HOUR
    assert levels(good, "response") == [1] and levels(bad, "response") == []
    assert Notice.objects.filter(kind="alarm", subject__contains=bad.number).exists()


@pytest.mark.django_db
def test_each_sweep_leaves_a_heartbeat_and_a_journal_entry_for_each_escalation():
    ticket = dispatched()
    sweep.sweep(at=NOON + 15 * MINUTE, source="watchdog")
    assert Heartbeat.objects.get(source="watchdog").at == NOON + 15 * MINUTE
    entry = journal.of(ticket).get(act="escalate")
    assert entry.data["level"] == 1 and entry.unit_code == "demo-heating-1" and journal.verify() is None


@pytest.mark.django_db(transaction=True)
def test_four_sweepers_at_once_escalate_each_deadline_once():
    tickets = [dispatched() for _ in range(25)]

    def run():
        try:
            tick(NOON + DAY)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = list(Escalation.objects.values_list("deadline_id", "level"))
    assert len(rows) == len(set(rows)) == 25 * 3
    assert all(levels(ticket, "response") == [4] for ticket in tickets)
    assert journal.verify() is None
