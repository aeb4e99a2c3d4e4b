"""Training by person: nobody untrained stands on a company's roster without a reason; courses count by the calendar year."""

from datetime import date

import pytest

from core import journal
from core.errors import Invalid
from tests import story
from tests.story import DAY, HOUR, NOON
from units import shifts, training
from units.models import Training, Worker
from units.shifts import PostPlan
from units.training import Course, Person

pytestmark = pytest.mark.django_db


def company():
    return story.unit("demo-heating-1")


def course(kind: str = "pre_job", day: date = date(2025, 10, 20), **more) -> Course:
    return Course(kind, more.pop("topic", "上岗前培训"), day, **more)


@pytest.mark.clause("G6", "G18")
def test_several_people_are_entered_at_once_and_twice_is_once():
    people = [Person("甲", "抢修"), Person("乙"), Person(" 甲 ")]
    assert len(training.record(company(), people, course(), actor=None, at=NOON)) == 2
    assert training.record(company(), people, course(), actor=None, at=NOON) == []
    assert Worker.objects.filter(unit=company()).count() == 2
    entry = journal.of(company()).filter(act="train").get()
    assert entry.data["people"] == ["甲", "乙"]


@pytest.mark.clause("G18")
def test_somebody_untrained_is_put_on_only_with_a_reason_that_is_kept():
    post = shifts.add_post(company(), PostPlan("服务电话", "phone", NOON - 10 * DAY), actor=None, at=NOON)
    worker = training.engage(company(), Person("甲"), actor=None, at=NOON)
    with pytest.raises(Invalid) as refusal:
        shifts.put_on(post, worker, NOON, NOON + 8 * HOUR, actor=None, at=NOON)
    assert "untrained_reason" in refusal.value.fields
    shift = shifts.put_on(post, worker, NOON, NOON + 8 * HOUR, untrained_reason="顶岗，由班长带教", actor=None, at=NOON)
    assert shift.untrained_reason == "顶岗，由班长带教"
    assert journal.of(shift).get().reason == "顶岗，由班长带教"
    training.record(company(), [Person("甲")], course(), actor=None, at=NOON)
    assert shifts.put_on(post, worker, NOON + DAY, NOON + DAY + 8 * HOUR, untrained_reason="多余", actor=None, at=NOON).untrained_reason == ""


@pytest.mark.clause("G18")
@pytest.mark.parametrize(
    ("said", "is_ready"),
    [
        ({}, True), ({"valid_until": date(2025, 11, 14)}, True), ({"valid_until": date(2025, 11, 13)}, False), ({"is_passed": False}, False),
        ({"kind": "skills"}, False), ({"day": date(2025, 11, 14)}, True),
    ],
)  # fmt: skip
def test_a_training_counts_until_its_last_day_and_only_when_passed(said, is_ready):
    training.record(company(), [Person("甲")], course(**said), actor=None, at=NOON)
    assert training.is_ready(Worker.objects.get(unit=company(), name="甲"), NOON.date()) is is_ready


@pytest.mark.clause("G18")
def test_departments_streets_and_leaders_need_none():
    for code, kind in [("urban-management", "phone"), ("street-weiyanggong", "phone"), ("demo-heating-1", "leader")]:
        unit = story.unit(code)
        post = shifts.add_post(unit, PostPlan("岗位", kind, NOON - DAY), actor=None, at=NOON)
        worker = training.engage(unit, Person("某"), actor=None, at=NOON)
        assert shifts.put_on(post, worker, NOON, NOON + HOUR, actor=None, at=NOON).untrained_reason == ""


@pytest.mark.clause("G19")
def test_emergency_courses_count_by_the_calendar_year_not_the_season():
    for day, topic in [(date(2024, 12, 31), "冬防"), (date(2025, 1, 1), "冬防"), (date(2025, 11, 1), "爆管处置"), (date(2025, 11, 1), "燃气泄漏")]:
        training.record(company(), [Person("甲"), Person("乙")], course("emergency", day, topic=topic), actor=None, at=NOON)
    training.record(company(), [Person("甲")], course("safety", date(2025, 11, 2)), actor=None, at=NOON)
    assert set(training.courses_in(company(), 2025)) == {(date(2025, 1, 1), "冬防"), (date(2025, 11, 1), "爆管处置"), (date(2025, 11, 1), "燃气泄漏")}
    assert training.courses_in(company(), 2024) == [(date(2024, 12, 31), "冬防")]
    assert training.courses_in(story.unit("demo-heating-2"), 2025) == []


@pytest.mark.parametrize(
    ("people", "said", "field"),
    [
        ([], {}, "people"), ([Person(" ")], {}, "people"), ([Person("甲" * 41)], {}, "name"), ([Person("甲")], {"topic": " "}, "topic"),
        ([Person("甲")], {"day": date(2025, 11, 15)}, "trained_on"), ([Person("甲")], {"valid_until": date(2025, 10, 19)}, "valid_until"),
        ([Person(f"人{n}") for n in range(201)], {}, "people"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(people, said, field):
    with pytest.raises(Invalid) as refusal:
        training.record(company(), people, course(**said), actor=None, at=NOON)
    assert field in refusal.value.fields
    assert not Training.objects.exists()


def test_who_leaves_is_put_on_no_more_and_keeps_their_record():
    post = shifts.add_post(company(), PostPlan("服务电话", "phone", NOON - DAY), actor=None, at=NOON)
    training.record(company(), [Person("甲")], course(), actor=None, at=NOON)
    worker = Worker.objects.get(unit=company(), name="甲")
    training.dismiss(worker, reason="离职", actor=None, at=NOON)
    with pytest.raises(Invalid):
        shifts.put_on(post, worker, NOON, NOON + HOUR, actor=None, at=NOON)
    assert worker.trainings.count() == 1


def test_nobody_of_another_unit_is_linked_or_put_on():
    post = shifts.add_post(company(), PostPlan("服务电话", "phone", NOON - DAY), actor=None, at=NOON)
    stranger = training.engage(story.unit("demo-heating-2"), Person("乙"), actor=None, at=NOON)
    with pytest.raises(Invalid):
        shifts.put_on(post, stranger, NOON, NOON + HOUR, untrained_reason="急", actor=None, at=NOON)
    with pytest.raises(Invalid):
        training.engage(company(), Person("甲"), user=story.user("heating2"), actor=None, at=NOON)
