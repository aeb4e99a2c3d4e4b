"""Spot-check calls: drawn by day and night so that nobody foresees them; who does not answer stands in the ledger (I15)."""

from datetime import date, timedelta

import pytest

from core import journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines.models import Deadline
from notices.models import Notice
from plants import spot_calls
from plants.models import Finding, SpotCall
from tests import story
from tests.story import DAY, HOUR, MINUTE, NOON
from units import phones
from units.models import Phone

pytestmark = pytest.mark.django_db
MONDAY = date(2025, 11, 17)
START = NOON + 2 * DAY + 12 * HOUR  # Monday, midnight


def number_of(code: str = "demo-heating-1", number: str = "029-00000088") -> Phone:
    phone = phones.enter(story.unit(code), "service", number, actor=None, at=NOON)
    phones.publish(phone, actor=None, at=NOON)
    return phone


def drawn(at=START) -> list[SpotCall]:
    spot_calls.plan_week(MONDAY, spot_calls.rules(at), actor=None, at=at)
    return list(SpotCall.objects.order_by("company", "planned_at"))


def due_call(code: str = "demo-heating-1") -> SpotCall:
    return spot_calls.call_unplanned(number_of(code), actor=story.user("bureau"), at=NOON)


def tell(call, result, rings=None, by="bureau", at=NOON, **more):
    return spot_calls.tell(call, result=result, rings=rings, actor=story.user(by), at=at, **more)


@pytest.mark.clause("I15")
def test_a_week_is_drawn_for_each_company_by_day_and_by_night():
    for code, number in [("demo-heating-1", "029-00000088"), ("demo-heating-2", "029-00000099")]:
        number_of(code, number)
    calls = drawn()
    said = spot_calls.rules(NOON)
    for code in ("demo-heating-1", "demo-heating-2"):
        mine = [call for call in calls if call.company.code == code]
        assert len(mine) == said.per_week
        assert sum(call.is_night for call in mine) == said.by_night
        assert all(spot_calls.is_night(call.planned_at, said) == call.is_night for call in mine)
        assert all(START <= call.planned_at < START + 7 * DAY for call in mine)
    assert [call.planned_at for call in calls if call.company.code == "demo-heating-1"] != [call.planned_at for call in calls if call.company.code == "demo-heating-2"]


@pytest.mark.clause("I15")
def test_the_same_seed_draws_the_same_and_another_seed_another():
    said = spot_calls.rules(NOON)
    once = spot_calls.draw(MONDAY, {1: [7, 8], 2: [9]}, said, seed="a")
    assert spot_calls.draw(MONDAY, {2: [9], 1: [8, 7]}, said, seed="a") == once
    assert spot_calls.draw(MONDAY, {1: [7, 8], 2: [9]}, said, seed="b") != once


def test_drawing_again_changes_nothing_and_a_week_begun_late_has_fewer():
    number_of()
    calls = drawn()
    assert drawn() == calls
    SpotCall.objects.all().delete()
    late = START + 7 * DAY - MINUTE
    assert len(drawn(at=late)) <= 1
    assert len(drawn(at=late)) <= 1


@pytest.mark.clause("I15")
@pytest.mark.parametrize(
    ("hour", "minute", "is_night"), [(21, 59, False), (22, 0, True), (23, 59, True), (0, 0, True), (5, 59, True), (6, 0, False)]
)
def test_the_night_goes_past_midnight(hour, minute, is_night):
    assert spot_calls.is_night(START + timedelta(hours=hour, minutes=minute), spot_calls.rules(NOON)) is is_night


@pytest.mark.clause("I15")
def test_the_calendar_draws_the_week_and_calls_the_desk_when_a_call_is_due():
    number_of()
    spot_calls.generate(at=START)
    call = SpotCall.objects.order_by("planned_at").first()
    spot_calls.generate(at=call.planned_at - MINUTE)
    assert not Notice.objects.filter(kind="spot_call").exists()
    for minutes in (0, 1, 60):
        spot_calls.generate(at=call.planned_at + minutes * MINUTE)
    notice = Notice.objects.get(kind="spot_call", link=call.get_absolute_url())
    assert notice.unit.code == "urban-management"


@pytest.mark.clause("I15")
@pytest.mark.parametrize(
    ("result", "rings", "passed"),
    [("answered", 0, True), ("answered", 6, True), ("answered", 7, False), ("busy", None, False), ("unanswered", 20, False), ("wrong_number", 2, False), ("no_such_number", None, False)],
)  # fmt: skip
def test_it_passes_when_it_is_answered_within_so_many_rings(result, rings, passed):
    call = tell(due_call(), result, rings)
    assert call.is_passed is passed
    assert call.is_candidate is not passed
    assert (call.finding is None) is passed


@pytest.mark.clause("I15", "G14")
def test_who_does_not_answer_stands_in_the_ledger_and_is_a_candidate_for_a_circular():
    call = tell(due_call(), "no_such_number")
    finding = Finding.objects.get()
    assert (finding.unit.code, finding.verifier.code, finding.source, finding.severity) == ("demo-heating-1", "urban-management", "spot_call", "serious")
    assert finding.due_at == NOON + 3 * DAY
    assert Deadline.objects.filter(label=finding.number).exists()
    assert call.finding == finding
    assert [entry.act for entry in journal.of(call)] == ["call_unplanned", "tell"]


def test_a_result_is_told_once_by_the_district_and_not_before_its_moment():
    number_of()
    call = drawn()[0]
    with pytest.raises(Conflict):
        tell(call, "busy", at=call.planned_at - MINUTE)
    for username in ("heating1", "heating2", "street", "viewer", "admin", "dispatcher"):
        with pytest.raises(Forbidden):
            tell(call, "answered", 1, by=username, at=call.planned_at)
    with pytest.raises(Invalid):
        tell(call, "answered", at=call.planned_at)
    with pytest.raises(Invalid):
        tell(call, "maybe", at=call.planned_at)
    tell(call, "answered", 2, at=call.planned_at)
    with pytest.raises(Conflict):
        tell(call, "busy", at=call.planned_at)


@pytest.mark.clause("I15")
def test_the_rate_prints_what_it_is_of_and_no_call_is_no_rate():
    phone = number_of()
    for result, rings, at in [("answered", 2, NOON), ("unanswered", None, NOON + 11 * HOUR), ("answered", 3, NOON + 12 * HOUR)]:
        call = spot_calls.call_unplanned(phone, actor=story.user("bureau"), at=at)
        tell(call, result, rings, at=at)
    companies = [story.unit("demo-heating-1"), story.unit("demo-heating-2")]
    one, other = spot_calls.rates(SpotCall.objects.all(), companies, at=NOON + DAY)
    assert (one.passed, one.made, one.passed_by_night, one.made_by_night, one.spoken) == (2, 3, 1, 2, "66.6%")
    assert (other.made, other.percent, other.spoken) == (0, None, "—")
    assert spot_calls.rates(SpotCall.objects.none(), [], at=NOON) == []
