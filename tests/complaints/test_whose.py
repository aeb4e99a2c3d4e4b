"""Whose it is when the plan is silent or a person decides: the dispatcher's word, the city's due time, and nothing left lying."""

import pytest

from complaints import dispatching, routing
from core import civil
from deadlines import engine
from plants.models import Community
from tests.story import DAY, HOUR, MINUTE, NOON, Caller, dispatched, fresh, lifecycle, received, tick, unit, user

pytestmark = pytest.mark.django_db
COLD = "家里暖气不热，只有14度。"


def suggested(content: str = COLD, **more) -> routing.Suggestion:
    return routing.suggest(content, at=NOON, **more)


def parties(said: routing.Suggestion) -> tuple:
    """Lead, doer, assists with a task, clause."""
    return said.lead and said.lead.code, said.doer and said.doer.code, {one.code for one in said.assists}, said.clause


@pytest.mark.clause("D3.12")
def test_a_new_project_is_the_housing_bureaus_until_its_first_registration():
    place = Community.objects.get(code="demo-community-6")
    place.first_registered_on = civil.day_of(NOON)
    place.save()
    assert parties(suggested(community=place.code, on=civil.day_of(NOON - DAY)))[3] == "D3.12"
    assert parties(suggested(community=place.code))[3] == "D18.2"


@pytest.mark.clause("D18.1", "D18.6")
def test_what_no_rule_fits_waits_for_a_person_ages_and_escalates():
    ticket = received(content="你好，想问一下。", community="")
    assert ticket.state == "received" and ticket.street is None
    tick(NOON + DAY)
    clock = ticket_clock(ticket)
    assert clock.level >= 1 and clock.unit.code == "social-work"
    desk = Caller("social-work", "dispatcher")
    answer = desk.post(f"tickets/{ticket.number}/dispatch/", {"category": "other", "lead": "urban-management"})
    assert answer.status_code == 200 and answer.json()["doer"] == "urban-management"


def ticket_clock(ticket):
    return engine.of(ticket).select_related("unit").get(stage="dispatch")


@pytest.mark.clause("D18.1")
def test_the_dispatchers_word_wins_over_the_plans_and_the_street_watches_all_the_same():
    ticket = received()
    order = dispatching.decide(
        ticket,
        at=NOON,
        category="heating_service",
        doer=unit("demo-heating-3"),
        lead=unit("housing-construction"),
        assists=[unit("finance")],
    )
    lifecycle.dispatch(ticket, order, actor=user("dispatcher"), at=NOON)
    parts = {(one.part, one.unit.code) for one in fresh(ticket).assignments.select_related("unit")}
    assert parts == {
        ("lead", "housing-construction"),
        ("doer", "demo-heating-3"),
        ("assist", "finance"),
        ("watch", "street-weiyanggong"),
    }


@pytest.mark.clause("D1.7")
def test_the_citys_own_due_time_binds_the_lead_beside_the_doers_clocks():
    ticket = dispatched(city_due_at=NOON + 5 * HOUR)
    city = engine.of(ticket).get(stage="city")
    assert (city.unit.code, city.due_at) == ("urban-management", NOON + 5 * HOUR)
    assert engine.of(ticket).get(stage="response").unit.code == "demo-heating-1"
    gone = dispatched(city_due_at=NOON - 2 * MINUTE)
    late = engine.of(gone).get(stage="city")
    assert late.is_late(NOON) and late.due_at == NOON - 2 * MINUTE and fresh(gone).late_on_arrival


def test_words_never_send_a_ticket_to_a_company_that_the_register_does_not_name():
    said = suggested("演示第二热力有限公司服务太差，暖气不热。")
    assert said.doer is None and not said.is_sure
