"""A ticket's way from dispatch to close-out, with the plan's own clocks (G25) and the behaviours that the easy version gets wrong."""

from datetime import timedelta

import pytest

from complaints import lifecycle, links, returns
from complaints.models import Assignment, Ticket
from core import journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from tests.story import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    arrive,
    call_back,
    dispatched,
    finish,
    fresh,
    levels,
    received,
    respond,
    tick,
    unit,
    user,
    verdicts,
)

pytestmark = pytest.mark.django_db


@pytest.mark.clause("G25", "G15", "D18.2")
def test_the_three_clocks_run_from_delivery_and_close_on_time():
    ticket = dispatched()
    assert {(one.stage, one.due_at - NOON) for one in engine.of(ticket) if one.outcome == ""} == {
        ("response", 15 * MINUTE), ("visit", HOUR), ("callback", DAY),
    }  # fmt: skip
    assert (ticket.lead.code, ticket.doer.code, ticket.street.code) == ("urban-management", "demo-heating-1", "street-weiyanggong")
    respond(ticket, NOON + 15 * MINUTE)
    arrive(ticket, NOON + HOUR)
    finish(ticket, NOON + 2 * HOUR)
    call_back(ticket, NOON + DAY)
    ticket = fresh(ticket)
    assert ticket.state == "closed" and ticket.due_at is None
    assert [verdicts(ticket)[stage, 1, 1] for stage in ("response", "visit", "callback")] == ["met", "met", "met"]


@pytest.mark.clause("G25")
@pytest.mark.parametrize(("after", "outcome"), [(timedelta(0), "met"), (timedelta(microseconds=1), "late"), (timedelta(seconds=1), "late")])
def test_the_verdict_is_the_timestamps_even_if_no_sweep_ever_ran(after, outcome):
    ticket = dispatched()
    respond(ticket, NOON + 15 * MINUTE + after)
    assert verdicts(ticket)["response", 1, 1] == outcome
    late = engine.of(ticket).get(stage="response")
    assert late.seconds_late(NOON + DAY) == pytest.approx(after.total_seconds())
    tick(NOON + 20 * MINUTE)
    assert verdicts(ticket)["response", 1, 1] == outcome and levels(ticket, "response") == []


@pytest.mark.clause("G24")
def test_an_enquiry_needs_no_visit():
    ticket = dispatched(kind="enquiry", content="请问今年供暖到几号结束？")
    assert {one.stage for one in engine.open_of(ticket)} == {"response", "callback"}
    respond(ticket, NOON + MINUTE)
    finish(ticket, NOON + 2 * MINUTE)
    call_back(ticket, NOON + 3 * MINUTE)
    assert fresh(ticket).state == "closed"


@pytest.mark.clause("G25", "I14")
def test_not_helped_means_a_new_round_with_fresh_clocks_and_the_old_one_frozen():
    ticket = dispatched()
    respond(ticket, NOON + 20 * MINUTE)
    arrive(ticket, NOON + 30 * MINUTE)
    finish(ticket, NOON + HOUR)
    before = verdicts(ticket)
    call_back(ticket, NOON + 3 * HOUR, solved=False, satisfaction="dissatisfied", note="还是不热")
    ticket = fresh(ticket)
    assert (ticket.state, ticket.round) == ("dispatched", 2)
    after = verdicts(ticket)
    assert after["response", 1, 1] == before["response", 1, 1] == "late"
    assert after["callback", 1, 1] == "met"
    assert engine.open_of(ticket).get(stage="response").due_at == NOON + 3 * HOUR + 15 * MINUTE


@pytest.mark.clause("G25", "E9")
def test_from_the_third_round_the_street_attends_and_the_close_waits_for_it():
    ticket = dispatched()
    at = NOON
    for _ in range(2):
        respond(ticket, at + MINUTE)
        arrive(ticket, at + 2 * MINUTE)
        finish(ticket, at + 3 * MINUTE)
        call_back(ticket, at + 4 * MINUTE, solved=False, satisfaction="", note="不热")
        at += 10 * MINUTE
    task = fresh(ticket).assignments.get(part="assist", until=None)
    assert task.unit.code == "street-weiyanggong" and engine.open_of(ticket).filter(stage="assist", unit=task.unit).exists()
    respond(ticket, at + MINUTE)
    arrive(ticket, at + 2 * MINUTE)
    finish(ticket, at + 3 * MINUTE)
    call_back(ticket, at + 4 * MINUTE)
    assert fresh(ticket).state == "finished"
    lifecycle.complete_assist(fresh(ticket), task, note="已到场协调", actor=user("street"), at=at + 5 * MINUTE)
    assert fresh(ticket).state == "closed"


def test_solved_but_dissatisfied_closes_and_needs_a_reason():
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 2 * MINUTE)
    finish(ticket, NOON + 3 * MINUTE)
    with pytest.raises(Invalid) as refused:
        call_back(ticket, NOON + 4 * MINUTE, satisfaction="dissatisfied")
    assert "note" in refused.value.fields
    call_back(ticket, NOON + 4 * MINUTE, satisfaction="dissatisfied", note="来得太晚")
    assert fresh(ticket).state == "closed" and fresh(ticket).round == 1


def test_unreachable_is_three_attempts_in_two_half_days_and_never_satisfied():
    ticket = dispatched(at=NOON - 4 * HOUR)
    start = NOON - 4 * HOUR
    respond(ticket, start + MINUTE)
    arrive(ticket, start + 2 * MINUTE)
    finish(ticket, start + 3 * MINUTE)
    for after in (HOUR, 2 * HOUR, 3 * HOUR):
        call_back(ticket, start + after, reached=False, solved=None, satisfaction="")
    assert fresh(ticket).state == "finished", "三次都在上午"
    call_back(ticket, start + 5 * HOUR, reached=False, solved=None, satisfaction="")
    ticket = fresh(ticket)
    assert ticket.state == "closed" and not ticket.callbacks.exclude(satisfaction="").exists()
    assert journal.of(ticket).get(act="close").data["how"] == "unreachable"


@pytest.mark.clause("G25")
def test_a_progress_callback_settles_the_clock_and_starts_the_next():
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    call_back(ticket, NOON + 20 * HOUR, kind="progress", solved=None, satisfaction="")
    first, second = engine.of(ticket).filter(stage="callback").order_by("sequence")
    assert first.outcome == "met" and second.outcome == "" and second.due_at == NOON + 44 * HOUR


@pytest.mark.clause("G25")
@pytest.mark.parametrize(
    ("asked", "confirmed", "due"),
    [(NOON + 30 * MINUTE, True, NOON + 5 * HOUR), (NOON + 30 * MINUTE, False, NOON + HOUR), (NOON + HOUR + MINUTE, True, NOON + HOUR)],
)
def test_only_an_appointment_confirmed_before_the_breach_moves_the_visit(asked, confirmed, due):
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    lifecycle.make_appointment(fresh(ticket), visit_at=NOON + 5 * HOUR, confirmed_by_resident=confirmed, actor=user("heating1"), at=asked)
    assert engine.open_of(ticket).get(stage="visit").due_at == due
    assert engine.open_of(ticket).get(stage="callback").due_at == NOON + DAY


@pytest.mark.clause("G25")
def test_arrival_needs_proof_and_offline_proof_counts_within_the_tolerance():
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + HOUR + 20 * MINUTE, device_time=NOON + 55 * MINUTE)
    assert verdicts(ticket)["visit", 1, 1] == "met" and fresh(ticket).evidence.get().to_verify
    other = dispatched()
    respond(other, NOON + MINUTE)
    arrive(other, NOON + 2 * HOUR, device_time=NOON + 55 * MINUTE)
    assert verdicts(other)["visit", 1, 1] == "late"


def test_nobody_home_is_an_arrival_but_not_the_end_of_the_work():
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 30 * MINUTE, nobody_home=True)
    assert verdicts(ticket)["visit", 1, 1] == "met"
    with pytest.raises(Conflict):
        finish(ticket, NOON + 40 * MINUTE)
    arrive(ticket, NOON + 3 * HOUR)
    finish(ticket, NOON + 4 * HOUR)
    assert fresh(ticket).state == "finished"


@pytest.mark.clause("D18.1")
def test_a_rejected_return_never_paused_anything():
    ticket = dispatched()
    returns.request(fresh(ticket), reason="物业代管", proposed_unit=unit("demo-property-1"), actor=user("heating1"), at=NOON + 5 * MINUTE)
    returns.rule(fresh(ticket), accepted=False, unit=None, reason="台账为直管", actor=user("dispatcher"), at=NOON + 14 * MINUTE)
    respond(ticket, NOON + 16 * MINUTE)
    assert verdicts(ticket)["response", 1, 1] == "late"


@pytest.mark.clause("D18.1", "D3.11")
def test_an_accepted_return_ends_the_segment_at_its_request_and_gives_the_next_its_full_time():
    ticket = dispatched()
    asked = NOON + 55 * MINUTE
    returns.request(fresh(ticket), reason="物业代管小区", proposed_unit=unit("demo-property-1"), actor=user("heating1"), at=asked)
    tick(NOON + HOUR)
    ruled = NOON + 70 * MINUTE
    returns.rule(fresh(ticket), accepted=True, unit=None, reason="属实", actor=user("dispatcher"), at=ruled)
    ticket = fresh(ticket)
    found = verdicts(ticket)
    assert ticket.doer.code == "demo-property-1" and ticket.segment == 2
    assert found["response", 1, 1] == "late", "一直没有响应，第 15 分钟已超时"
    assert found["visit", 1, 1] == "neutral" and found["callback", 1, 1] == "neutral"
    assert engine.open_of(ticket).get(stage="response", segment=2).due_at == ruled + 15 * MINUTE
    assert Assignment.objects.filter(ticket=ticket, part="doer", until=None).count() == 1


@pytest.mark.clause("D18.1")
def test_after_two_returns_the_office_decides():
    ticket = dispatched()
    for number, (who, target) in enumerate([("heating1", "demo-heating-2"), ("heating2", "demo-heating-1")]):
        at = NOON + number * 10 * MINUTE
        returns.request(fresh(ticket), reason="不属本企业", proposed_unit=unit(target), actor=user(who), at=at + MINUTE)
        if number:
            with pytest.raises(Forbidden):
                returns.rule(fresh(ticket), accepted=True, unit=None, reason="同意", actor=user("dispatcher"), at=at + 2 * MINUTE)
        returns.rule(fresh(ticket), accepted=True, unit=None, reason="同意", actor=user("bureau" if number else "dispatcher"), at=at + 2 * MINUTE)
    with pytest.raises(Conflict):
        returns.request(fresh(ticket), reason="还是不属", proposed_unit=unit("demo-heating-2"), actor=user("heating1"), at=NOON + HOUR)


@pytest.mark.clause("D18.4")
def test_a_price_complaint_closes_only_when_the_assisting_bureau_is_done_or_waived():
    ticket = dispatched(category="price_fee", content="物业加收每平米两块二的加压电费，合不合理？")
    assert ticket.lead.code == ticket.doer.code == "market-regulation"
    task = ticket.assignments.get(part="assist")
    assert task.unit.code == "development-reform" and {one.stage for one in engine.open_of(ticket)} == {"response", "callback", "assist"}
    lead = user("bureau")
    lifecycle.respond(fresh(ticket), channel="phone", actor=None, at=NOON + MINUTE)
    lifecycle.finish(fresh(ticket), cause="收费依据", measure="责令退还", actor=None, at=NOON + HOUR)
    lifecycle.call_back(fresh(ticket), kind="result", reached=True, solved=True, satisfaction="satisfied", actor=None, at=NOON + 2 * HOUR)
    assert fresh(ticket).state == "finished" and verdicts(ticket)["callback", 1, 1] == "met"
    lifecycle.waive_assist(fresh(ticket), task, reason="政策已在主办答复中说明", actor=lead, at=NOON + 3 * HOUR)
    assert fresh(ticket).state == "closed"


@pytest.mark.clause("D18.5")
def test_theft_goes_to_street_and_police_and_to_no_company():
    ticket = dispatched(category="heat_theft", content="楼上邻居私自装了管道泵偷热。")
    assert {part.unit.code for part in ticket.assignments.all()} == {"public-security", "street-weiyanggong"}


@pytest.mark.clause("D18.3")
def test_a_property_complaint_goes_to_housing_and_street_with_the_manager_as_doer():
    ticket = dispatched(category="property_service", community="demo-community-3", content="物业不开水泵，打电话没人管。")
    assert (ticket.lead.code, ticket.doer.code, ticket.street.code) == ("housing-construction", "demo-property-1", "street-zhangjiabu")


def test_a_repeat_call_follows_the_first_and_ends_with_it_and_is_not_lost_when_that_is_voided():
    first, second = dispatched(), received()
    links.link(second, fresh(first), reason="同一住户", actor=user("dispatcher"), at=NOON + MINUTE)
    assert not engine.open_of(second).exists() and fresh(first).call_count == 2
    with pytest.raises(Conflict):
        links.link(fresh(first), fresh(second), reason="反过来", actor=user("dispatcher"), at=NOON + MINUTE)
    lifecycle.make_void(fresh(first), reason="测试件", actor=user("dispatcher"), at=NOON + 2 * MINUTE)
    assert engine.open_of(second).filter(stage="dispatch").exists() and fresh(second).due_at is not None


def test_void_ends_every_clock_without_blame_and_deletes_nothing():
    ticket = dispatched()
    lifecycle.make_void(fresh(ticket), reason="误录", actor=user("dispatcher"), at=NOON + 2 * HOUR)
    assert set(verdicts(ticket).values()) == {"met", "neutral"} and Ticket.objects.filter(pk=ticket.pk).exists()


def test_whoever_comes_second_gets_a_conflict():
    ticket = dispatched()
    seen = fresh(ticket)
    respond(ticket, NOON + MINUTE)
    with pytest.raises(Conflict, match="刚被他人更新"):
        lifecycle.respond(seen, channel="phone", actor=user("heating1"), at=NOON + 2 * MINUTE)
    with pytest.raises(Conflict, match="处于“待上门”"):
        lifecycle.respond(fresh(ticket), channel="phone", actor=user("heating1"), at=NOON + 2 * MINUTE)
