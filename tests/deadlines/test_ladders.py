"""Ladders beside the ticket's three clocks, outages of any length, and large batches: the plan's table, moment by moment."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import lifecycle, returns
from core import journal
from deadlines import engine, sweep, watch
from deadlines.models import Deadline, Escalation, Heartbeat
from notices import outbox
from notices.models import Message, Notice
from oversight import statistics
from tests.story import DAY, HOUR, MINUTE, NOON, browser, dispatched, fresh, levels, received, respond, tick, unit, user

pytestmark = pytest.mark.django_db


def order_of(ticket, stage: str, level: int) -> Escalation:
    return Escalation.objects.get(deadline__label=ticket.number, deadline__stage=stage, level=level)


@pytest.mark.clause("D1.7", "D1.8")
def test_the_citys_due_time_has_its_own_ladder_and_binds_the_lead():
    ticket = dispatched(city_due_at=NOON + 10 * HOUR)
    respond(ticket, NOON + MINUTE)
    # Half and four fifths of the way from delivery to the city's moment.
    for share in (0.5, 0.8):
        tick(NOON + share * 10 * HOUR)
    said = Notice.objects.filter(
        kind="warning", data__label=ticket.number, data__stage=engine.of(ticket).get(stage="city").policy.name
    )
    assert said.count() == 2
    for level, after in {1: 0 * HOUR, 2: 2 * HOUR, 3: 12 * HOUR, 4: 24 * HOUR}.items():
        tick(NOON + 10 * HOUR + after - timedelta(seconds=1))
        assert level not in levels(ticket, "city")
        tick(NOON + 10 * HOUR + after)
        order = order_of(ticket, "city", level)
        assert order.breach_at == NOON + 10 * HOUR + after and order.unit.code == "urban-management"
    assert "office_director" in order_of(ticket, "city", 1).audiences and "bureau" not in order_of(ticket, "city", 1).audiences


@pytest.mark.clause("D18.1")
def test_a_return_nobody_rules_on_is_late_after_half_an_hour_and_stops_no_other_clock():
    ticket = dispatched()
    returns.request(
        fresh(ticket), reason="物业代管", proposed_unit=unit("demo-property-1"), actor=user("heating1"), at=NOON + 5 * MINUTE
    )
    ruling = engine.of(ticket).get(stage="ruling")
    assert (ruling.unit.code, ruling.due_at) == ("social-work", NOON + 35 * MINUTE)
    tick(NOON + 35 * MINUTE)
    assert levels(ticket, "ruling") == [1] and levels(ticket, "response")
    returns.rule(fresh(ticket), accepted=False, unit=None, reason="台账为直管", actor=user("dispatcher"), at=NOON + 36 * MINUTE)
    assert engine.of(ticket).get(stage="ruling").outcome == "late"
    assert engine.open_of(ticket).filter(stage="response", due_at=NOON + 15 * MINUTE).exists()


@pytest.mark.clause("D1.8")
def test_an_outage_of_an_hour_says_each_thing_once_and_changes_no_figure():
    """Swept minute by minute, or not at all from 12:00 to 13:03: the same verdicts; one message a recipient; warnings are not caught up on."""
    tickets = [dispatched(at=NOON - minute * MINUTE) for minute in range(12)]
    respond(tickets[0], NOON + 20 * MINUTE)
    back = NOON + 63 * MINUTE
    before = statistics.rates(user("bureau"), since=NOON - DAY, until=NOON + DAY, at=back)
    outbox.route(at=NOON)
    Message.objects.all().delete()
    first = tick(back)
    outbox.route(at=back)
    assert statistics.rates(user("bureau"), since=NOON - DAY, until=NOON + DAY, at=back) == before
    assert first.escalated == Escalation.objects.count() and tick(back).escalated == 0
    for ticket in tickets[1:]:
        assert len(levels(ticket, "response")) == 1 and len(levels(ticket, "visit")) == 1
        highest = Escalation.objects.get(deadline__label=ticket.number, deadline__stage="response")
        assert highest.level == 3 and highest.collapsed == [1, 2] and highest.detected_at == back
        entry = journal.of(ticket).filter(act="escalate", data__stage="response").get()
        assert entry.data["collapsed"] == [1, 2]
    assert not Notice.objects.filter(kind="warning", created_at=back).exists()
    assert Message.objects.filter(user=user("bureau"), created_at=back).count() == 1
    assert Message.objects.filter(user=user("director"), created_at=back).count() == 1
    told = Message.objects.get(user=user("bureau"), created_at=back)
    page = browser("bureau").get("/inbox/").content.decode()
    assert told.subject and str(len(tickets) * 2 - 1) in told.subject + told.body and told.subject in page


@pytest.mark.clause("G25")
def test_a_visit_that_was_moved_climbs_from_its_new_moment_and_warns_again():
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    tick(NOON + 50 * MINUTE)
    lifecycle.make_appointment(
        fresh(ticket), visit_at=NOON + 5 * HOUR, confirmed_by_resident=True, actor=user("heating1"), at=NOON + 55 * MINUTE
    )
    tick(NOON + 2 * HOUR)
    assert levels(ticket, "visit") == []
    tick(NOON + 4 * HOUR)
    tick(NOON + 5 * HOUR)
    assert levels(ticket, "visit") == [1] and order_of(ticket, "visit", 1).breach_at == NOON + 5 * HOUR
    warnings = Notice.objects.filter(
        kind="warning", data__label=ticket.number, data__stage=engine.of(ticket).get(stage="visit").policy.name
    )
    assert warnings.count() >= 2


def test_three_hundred_due_at_once_are_the_same_few_statements_as_one():
    one = dispatched()
    with CaptureQueriesContext(connection) as alone:
        tick(NOON + 15 * MINUTE)
    assert levels(one, "response") == [1]
    pattern = Deadline.objects.get(label=one.number, stage="response")
    Deadline.objects.bulk_create(
        Deadline(
            policy_id=pattern.policy_id, unit_id=pattern.unit_id, street_id=pattern.street_id, subject_type_id=pattern.subject_type_id, subject_id=pattern.subject_id,
            label=pattern.label, stage="response", sequence=sequence, opened_at=NOON, due_at=NOON + 15 * MINUTE, next_check_at=NOON + 7 * MINUTE,
        )
        for sequence in range(2, 302)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        done = tick(NOON + 16 * MINUTE)
    assert done.escalated == 300 and len(many) == len(alone)


def test_one_batch_follows_another_until_nothing_due_is_left(monkeypatch):
    monkeypatch.setattr(sweep, "BATCH", 7)
    tickets = [dispatched(at=NOON - minute * MINUTE) for minute in range(10)]
    assert tick(NOON + 20 * MINUTE).escalated == 10
    assert not Deadline.objects.filter(next_check_at__lte=NOON + 20 * MINUTE).exists()
    order = list(Escalation.objects.order_by("pk").values_list("breach_at", flat=True))
    assert len(order) == len(tickets) and {one.detected_at for one in Escalation.objects.all()} == {NOON + 20 * MINUTE}


def test_the_watchdog_sweeps_only_when_nobody_else_does():
    ticket = dispatched()
    Heartbeat.objects.all().delete()
    at = NOON + 15 * MINUTE
    Heartbeat.objects.create(source="celery", at=at - timedelta(seconds=2))
    assert watch.run_once(at) is False and levels(ticket, "response") == []
    Heartbeat.objects.filter(source="celery").update(at=at - timedelta(seconds=6))
    assert watch.run_once(at) is True and levels(ticket, "response") == [1]
    assert watch.run_once(at + timedelta(seconds=1)) is True
    assert levels(ticket, "response") == [1] and Escalation.objects.filter(deadline__label=ticket.number).count() == 1


def test_the_dispatchers_own_delay_is_the_dispatchers():
    ticket = received(content="你好。", community="")
    tick(NOON + 3 * HOUR)
    order = Escalation.objects.filter(deadline__label=ticket.number).order_by("level").last()
    assert order.unit.code == "social-work" and order.deadline.stage == "dispatch"
