"""Units of every level on one ticket: each sees it, each has its own part and its own clock, and it ends when all are done."""

import pytest

from complaints import access as ticket_access
from complaints import lifecycle, routing
from core import journal
from deadlines import engine
from tests.story import HOUR, MINUTE, NOON, dispatched, fresh, unit, user, verdicts
from units import access
from units.models import Member, Role, Unit, User

pytestmark = pytest.mark.django_db


def officer(code: str) -> User:
    """Somebody of a department."""
    person = User.objects.create(username=f"officer-{code}", full_name="经办")
    access.enrol(person, unit(code), Role.OFFICER, actor=None, at=NOON)
    return User.objects.get(pk=person.pk)


@pytest.mark.clause("B2")
def test_one_tree_of_units_from_the_task_force_to_the_company_stands_on_one_ticket():
    ticket = dispatched(assists=["housing-construction"])
    parts = {part.unit.kind for part in ticket.assignments.select_related("unit")}
    assert parts >= {"bureau", "street", "heating"}
    for person in (user("bureau"), user("housing"), user("street"), user("heating1"), user("director"), user("deputy"), user("dispatcher")):
        assert ticket_access.visible_to(person).filter(pk=ticket.pk).exists(), person
    assert unit("task-force-office").parent == unit("task-force")
    seats = Member.objects.filter(season="2025-2026", unit__isnull=False).values("unit")
    assert not Unit.objects.filter(pk__in=seats, is_active=False).exists()


@pytest.mark.clause("B3")
@pytest.mark.parametrize(
    ("content", "category", "lead"),
    [
        ("家里暖气不热，只有14度。", "heating_service", "urban-management"), ("物业服务太差，小区暖气问题找物业没人管。", "property_service", "housing-construction"),
        ("物业多收加压电费，合理吗？", "price_fee", "market-regulation"), ("邻居私装管道泵偷热。", "heat_theft", "public-security"),
        ("低保户的取暖补贴什么时候发？", "other", "civil-affairs"), ("回迁房入住三年了还没通暖气。", "construction", "urban-renewal"),
    ],
)  # fmt: skip
def test_every_kind_of_problem_has_its_place_and_somebody_who_leads(content, category, lead):
    found = routing.suggest(content, at=NOON)
    assert (found.category, found.lead.code) == (category, lead)


@pytest.mark.clause("D3.4")
def test_a_problem_inside_a_community_that_its_manager_runs_goes_to_housing():
    ticket = dispatched(category="property_service", community="demo-community-3", content="小区内部支管堵了，几栋楼都不热，物业说不归他们管。")
    assert (ticket.lead.code, ticket.doer.code) == ("housing-construction", "demo-property-1")
    assert ticket_access.ticket_to_see(user("housing"), ticket.number) == ticket


@pytest.mark.clause("D8.5")
@pytest.mark.parametrize("content", ["物业除采暖费外还要收供暖的水电费，每平米两块二，这个收费合规吗？", "供热公司多收采暖费，要求退费。"])
def test_charges_of_managers_and_companies_water_and_power_included_go_to_market_regulation(content):
    found = routing.suggest(content, at=NOON, community="demo-community-3")
    assert (found.category, found.lead.code, found.clause) == ("price_fee", "market-regulation", "D18.4")


@pytest.mark.clause("D10.3")
def test_the_department_that_helps_with_the_answer_has_a_clock_of_its_own():
    ticket = dispatched(community="demo-community-1", assists=["education"])
    clock = engine.open_of(ticket).get(stage="assist")
    assert (clock.unit.code, clock.opened_at, clock.due_at) == ("education", NOON, NOON + 24 * HOUR)
    _, task = ticket_access.ticket_to_assist(officer("education"), ticket.number)
    lifecycle.complete_assist(fresh(ticket), task, note="学校已答复家长", actor=None, at=NOON + HOUR)
    told = verdicts(ticket)
    assert told["assist", 1, 1] == "met" and told["response", 1, 1] == ""


@pytest.mark.clause("I16")
def test_street_and_departments_work_on_one_history_and_it_ends_when_every_part_is_done():
    ticket = dispatched(assists=["housing-construction"])
    lifecycle.respond(fresh(ticket), channel="phone", actor=user("heating1"), at=NOON + MINUTE)
    lifecycle.arrive(fresh(ticket), lifecycle.Arrival(kind="witness", note="住户在场"), actor=user("heating1"), at=NOON + 30 * MINUTE)
    lifecycle.finish(fresh(ticket), cause="支管气堵", measure="排气", actor=user("heating1"), at=NOON + HOUR)
    lifecycle.call_back(
        fresh(ticket), kind="result", reached=True, solved=True, satisfaction="satisfied", actor=user("heating1"), at=NOON + 2 * HOUR
    )
    assert fresh(ticket).state == "finished"
    _, task = ticket_access.ticket_to_assist(user("housing"), ticket.number)
    lifecycle.complete_assist(fresh(ticket), task, note="已督促物业配合", actor=user("housing"), at=NOON + 3 * HOUR)
    assert fresh(ticket).state == "closed"
    acts = list(journal.of(ticket).order_by("position").values_list("act", flat=True))
    assert {"dispatch", "respond", "finish"} <= set(acts)
    for person in (user("street"), user("housing"), user("bureau")):
        assert ticket_access.ticket_to_see(person, ticket.number)
