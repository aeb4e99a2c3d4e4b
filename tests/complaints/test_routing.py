"""To whom a complaint goes, and by which clause: the register first, then the words (D18.1–D18.6)."""

import json
from datetime import date
from pathlib import Path

import pytest

from complaints import routing
from plants.models import Community, Management
from tests.story import NOON, received, unit

pytestmark = pytest.mark.django_db
COLD = "家里暖气不热，只有14度。"


def suggest(content: str = COLD, **more) -> routing.Suggestion:
    return routing.suggest(content, at=NOON, **more)


def parties(suggestion: routing.Suggestion) -> set[str]:
    return {one.code for one in (suggestion.lead, suggestion.doer, *suggestion.assists, *suggestion.watches) if one}


@pytest.mark.parametrize(
    ("category", "community", "expected", "clause"),
    [
        pytest.param("heating_service", "demo-community-1", {"urban-management", "street-weiyanggong", "demo-heating-1"}, "D18.2", marks=pytest.mark.clause("D18.2")),
        pytest.param("property_service", "demo-community-1", {"housing-construction", "street-weiyanggong"}, "D18.3", marks=pytest.mark.clause("D18.3")),
        pytest.param("price_fee", "demo-community-1", {"market-regulation", "development-reform", "street-weiyanggong"}, "D18.4", marks=pytest.mark.clause("D18.4")),
        pytest.param("heat_theft", "demo-community-1", {"public-security", "street-weiyanggong"}, "D18.5", marks=pytest.mark.clause("D18.5")),
    ],
)
def test_the_four_routes_of_the_plan(category, community, expected, clause):
    found = suggest(category=category, community=community)
    assert expected <= parties(found) and found.clause == clause


@pytest.mark.parametrize(
    ("community", "lead", "clause"),
    [
        pytest.param("demo-community-3", "housing-construction", "D3.11", marks=pytest.mark.clause("D3.11")),
        pytest.param("demo-community-6", "housing-construction", "D3.12", marks=pytest.mark.clause("D3.12")),
        pytest.param("demo-community-7", "urban-renewal", "D9.1", marks=pytest.mark.clause("D9.1", "D17.1")),
        pytest.param("demo-school-1", "education", "D10.2", marks=pytest.mark.clause("D10.2")),
        pytest.param("demo-elderly-1", "civil-affairs", "D11.1", marks=pytest.mark.clause("D11.1")),
        pytest.param("demo-hospital-1", "health", "D13", marks=pytest.mark.clause("D13")),
    ],
)
def test_what_the_register_says_outranks_the_words(community, lead, clause):
    found = suggest(community=community)
    assert (found.lead.code, found.clause) == (lead, clause) and found.is_matched
    assert any("台账" in reason for reason in found.reasons)


@pytest.mark.clause("D17.1")
def test_where_a_committee_lies_over_a_street_it_assists():
    assert "daxing-committee" in parties(suggest(community="demo-community-7"))


def test_money_and_theft_are_money_and_theft_wherever_they_happen():
    assert suggest("物业多收加压电费，合理吗？", community="demo-community-3").clause == "D18.4"
    assert suggest("邻居私装管道泵偷热。", community="demo-school-1").clause == "D18.5"


@pytest.mark.clause("D3.11")
def test_the_day_of_the_call_decides_who_managed_the_community():
    place = Community.objects.get(code="demo-community-3")
    Management.objects.filter(community=place).update(until=date(2025, 11, 10))
    Management.objects.create(community=place, mode="direct", since=date(2025, 11, 10))
    assert suggest(community=place.code, on=date(2025, 11, 9)).clause == "D3.11"
    assert suggest(community=place.code, on=date(2025, 11, 10)).clause == "D18.2"


def test_community_and_street_are_found_in_the_text():
    found = suggest("演示和暖苑6号楼整栋不热。")
    assert found.community.code == "demo-community-1" and found.street.code == "street-weiyanggong" and found.doer.code == "demo-heating-1"
    assert suggest("我住未央官街道某小区，暖气不热。").street.code == "street-weiyanggong"


@pytest.mark.clause("D18.6")
@pytest.mark.parametrize(
    ("content", "lead"),
    [("孩子学校教室没有暖气，教育局怎么查的？", "education"), ("低保户的取暖补贴什么时候发？", "civil-affairs"), ("回迁房入住三年了还没通暖气。", "urban-renewal")],
)
def test_other_complaints_go_by_the_division_of_duties(content, lead):
    assert suggest(content).lead.code == lead


def test_every_suggestion_says_why_and_which_clause():
    ticket = received()
    assert ticket.suggestion["clause"] == "D18.2" and any("D18.2" in reason for reason in ticket.suggestion["why"])
    assert any("不热" in reason for reason in ticket.suggestion["why"])


def test_routing_without_a_community_agrees_with_the_words_on_the_real_sample():
    sample = [json.loads(line) for line in (Path(__file__).parent / "data" / "sample.jsonl").read_text(encoding="utf-8").splitlines()]
    clear = [one for one in sample if not one["ambiguous"]]
    right = [one for one in clear if suggest(one["text"]).category == one["category"]]
    assert len(right) / len(clear) >= 0.85


def test_a_unit_that_is_gone_is_suggested_to_nobody():
    unit("demo-heating-1").__class__.objects.filter(code="demo-heating-1").update(is_active=False)
    assert suggest(community="demo-community-1").doer is None
