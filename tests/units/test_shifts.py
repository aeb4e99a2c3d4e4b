"""Rosters: shifts across midnight, gaps to the minute, swaps, hand-overs, and who is on duty."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from core import journal
from core.errors import Conflict, Invalid
from tests import story
from tests.story import DAY, HOUR, MINUTE, NOON
from units import shifts, training
from units.models import DutyPost, DutyShift
from units.shifts import PostPlan
from units.training import Course, Person

pytestmark = pytest.mark.django_db
MIDNIGHT = NOON - 12 * HOUR


def post_of(code: str = "urban-management", **more) -> DutyPost:
    said = {"name": "24 小时值班电话", "kind": "phone", "since": MIDNIGHT - 20 * DAY, "clause": "D1.10", **more}
    return shifts.add_post(story.unit(code), PostPlan(**said), actor=None, at=MIDNIGHT - 20 * DAY)


def somebody(name: str, code: str = "urban-management", user=None):
    return training.engage(story.unit(code), Person(name), user=user, actor=None, at=MIDNIGHT)


def spans(found) -> list[tuple]:
    return [(gap.since, gap.until, gap.missing) for gap in found]


@pytest.mark.clause("D1.10", "G14")
def test_a_shift_across_midnight_leaves_no_gap_and_its_end_belongs_to_the_next():
    post, one, other = post_of(), somebody("张一"), somebody("李二")
    shifts.put_on(post, one, MIDNIGHT - 4 * HOUR, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT - DAY)
    shifts.put_on(post, other, MIDNIGHT + 8 * HOUR, MIDNIGHT + 20 * HOUR, actor=None, at=MIDNIGHT - DAY)
    assert shifts.gaps(post, MIDNIGHT - 4 * HOUR, MIDNIGHT + 20 * HOUR) == []
    change = MIDNIGHT + 8 * HOUR
    for moment, name in [(MIDNIGHT, "张一"), (change - timedelta(microseconds=1), "张一"), (change, "李二")]:
        assert [shift.worker.name for shift in shifts.on_duty(post.unit, moment)] == [name]
    assert shifts.on_duty(post.unit, MIDNIGHT + 20 * HOUR) == []


@pytest.mark.clause("D1.10", "F6", "I12")
def test_a_gap_is_known_to_the_minute():
    post, one = post_of(), somebody("张一")
    shifts.put_on(post, one, MIDNIGHT, MIDNIGHT + 7 * HOUR + 59 * MINUTE, actor=None, at=MIDNIGHT - DAY)
    shifts.put_on(post, one, MIDNIGHT + 8 * HOUR, MIDNIGHT + DAY, actor=None, at=MIDNIGHT - DAY)
    found = shifts.gaps(post, MIDNIGHT, MIDNIGHT + DAY)
    assert spans(found) == [(MIDNIGHT + 7 * HOUR + 59 * MINUTE, MIDNIGHT + 8 * HOUR, 1)]
    assert shifts.uncovered(found, MIDNIGHT, MIDNIGHT + DAY) == MINUTE


@pytest.mark.clause("F6")
def test_a_post_for_two_with_one_there_lacks_one():
    post = post_of(needs=2)
    shifts.put_on(post, somebody("张一"), MIDNIGHT, MIDNIGHT + 12 * HOUR, actor=None, at=MIDNIGHT - DAY)
    shifts.put_on(post, somebody("李二"), MIDNIGHT + 6 * HOUR, MIDNIGHT + 18 * HOUR, actor=None, at=MIDNIGHT - DAY)
    assert spans(shifts.gaps(post, MIDNIGHT, MIDNIGHT + DAY)) == [
        (MIDNIGHT, MIDNIGHT + 6 * HOUR, 1),
        (MIDNIGHT + 12 * HOUR, MIDNIGHT + 18 * HOUR, 1),
        (MIDNIGHT + 18 * HOUR, MIDNIGHT + DAY, 2),
    ]


@pytest.mark.clause("I12")
def test_a_post_that_begins_or_ends_owes_nothing_before_or_after():
    post = post_of(since=MIDNIGHT + 6 * HOUR, until=MIDNIGHT + 18 * HOUR)
    assert spans(shifts.gaps(post, MIDNIGHT, MIDNIGHT + DAY)) == [(MIDNIGHT + 6 * HOUR, MIDNIGHT + 18 * HOUR, 1)]
    assert shifts.gaps(post, MIDNIGHT + 18 * HOUR, MIDNIGHT + DAY) == []
    with pytest.raises(Invalid) as refusal:
        shifts.put_on(post, somebody("张一"), MIDNIGHT, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT)
    assert "starts_at" in refusal.value.fields


def test_overlapping_gaps_of_two_posts_count_once():
    one, other = post_of(), post_of(name="带班", kind="leader")
    shifts.put_on(one, somebody("张一"), MIDNIGHT, MIDNIGHT + 20 * HOUR, actor=None, at=MIDNIGHT)
    shifts.put_on(other, somebody("李二"), MIDNIGHT, MIDNIGHT + 22 * HOUR, actor=None, at=MIDNIGHT)
    found = shifts.gaps_of([one, other], MIDNIGHT, MIDNIGHT + DAY)
    assert shifts.uncovered(found, MIDNIGHT, MIDNIGHT + DAY) == 4 * HOUR


def test_nobody_is_at_two_posts_at_once():
    one, other, person = post_of(), post_of(name="带班", kind="leader"), somebody("张一")
    shifts.put_on(one, person, MIDNIGHT, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT)
    with pytest.raises(Conflict):
        shifts.put_on(other, person, MIDNIGHT + 7 * HOUR, MIDNIGHT + 9 * HOUR, actor=None, at=MIDNIGHT)
    shifts.put_on(other, person, MIDNIGHT + 8 * HOUR, MIDNIGHT + 9 * HOUR, actor=None, at=MIDNIGHT)
    with pytest.raises(IntegrityError), transaction.atomic():
        DutyShift.objects.create(post=other, worker=person, starts_at=MIDNIGHT, ends_at=MIDNIGHT + HOUR)


@pytest.mark.parametrize(("starts", "ends"), [(8, 8), (8, 7), (0, 49)])
def test_a_shift_has_a_sensible_length(starts, ends):
    with pytest.raises(Invalid) as refusal:
        shifts.put_on(post_of(), somebody("张一"), MIDNIGHT + starts * HOUR, MIDNIGHT + ends * HOUR, actor=None, at=MIDNIGHT)
    assert "ends_at" in refusal.value.fields


@pytest.mark.clause("D1.10")
def test_a_swap_at_midnight_keeps_whom_it_stands_in_for():
    post, one, other = post_of(), somebody("张一"), somebody("李二")
    shift = shifts.put_on(post, one, MIDNIGHT, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT - DAY)
    new = shifts.swap(shift, other, reason="家中有事", actor=story.user("bureau"), at=MIDNIGHT)
    assert (new.starts_at, new.ends_at, new.instead_of) == (MIDNIGHT, MIDNIGHT + 8 * HOUR, one)
    shift.refresh_from_db()
    assert shift.is_void
    assert shift.void_reason == "家中有事"
    again = shifts.swap(new, somebody("王三"), reason="再调", actor=None, at=MIDNIGHT + 3 * HOUR)
    new.refresh_from_db()
    # What has passed stays with whom it was; the third stands in for the first still.
    assert (new.is_void, new.ends_at, again.starts_at, again.instead_of) == (False, MIDNIGHT + 3 * HOUR, MIDNIGHT + 3 * HOUR, one)
    assert shifts.gaps(post, MIDNIGHT, MIDNIGHT + 8 * HOUR) == []
    assert [entry.act for entry in journal.of(new)] == ["swap", "swapped"]
    with pytest.raises(Conflict):
        shifts.swap(again, one, reason="太晚", actor=None, at=MIDNIGHT + 8 * HOUR)


def test_a_swap_with_somebody_who_is_busy_changes_nothing():
    post, other_post, one, other = post_of(), post_of(name="带班", kind="leader"), somebody("张一"), somebody("李二")
    shift = shifts.put_on(post, one, MIDNIGHT, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT - DAY)
    shifts.put_on(other_post, other, MIDNIGHT, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT - DAY)
    with pytest.raises(Conflict):
        shifts.swap(shift, other, reason="换", actor=None, at=MIDNIGHT - HOUR)
    shift.refresh_from_db()
    assert not shift.is_void


def test_who_is_taken_off_stays_in_the_book():
    post, one = post_of(), somebody("张一")
    shift = shifts.put_on(post, one, MIDNIGHT, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT - DAY)
    with pytest.raises(Invalid):
        shifts.take_off(shift, reason=" ", actor=None, at=MIDNIGHT - HOUR)
    shifts.take_off(shift, reason="病假", actor=None, at=MIDNIGHT - HOUR)
    shift.refresh_from_db()
    assert (shift.is_void, shift.void_reason) == (True, "病假")
    assert spans(shifts.gaps(post, MIDNIGHT, MIDNIGHT + 8 * HOUR)) == [(MIDNIGHT, MIDNIGHT + 8 * HOUR, 1)]
    assert [entry.act for entry in journal.of(shift)] == ["put_on", "take_off"]
    with pytest.raises(Conflict):
        shifts.take_off(shift, reason="再撤", actor=None, at=MIDNIGHT - HOUR)


def test_a_shift_is_handed_over_once_and_says_what_is_open():
    shift = shifts.put_on(post_of(), somebody("张一"), MIDNIGHT, MIDNIGHT + 8 * HOUR, actor=None, at=MIDNIGHT - DAY)
    with pytest.raises(Conflict):
        shifts.hand_over(shift, text="早了", actor=None, at=MIDNIGHT - MINUTE)
    with pytest.raises(Invalid):
        shifts.hand_over(shift, text="", actor=None, at=MIDNIGHT + 8 * HOUR)
    shifts.hand_over(shift, text="和暖苑 2 号楼待回访", actor=None, at=MIDNIGHT + 8 * HOUR)
    with pytest.raises(Conflict):
        shifts.hand_over(shift, text="又一次", actor=None, at=MIDNIGHT + 8 * HOUR)


@pytest.mark.clause("I12")
def test_last_week_is_copied_for_whom_the_stand_ins_stood_in():
    post, one, other = post_of(), somebody("张一"), somebody("李二")
    monday = (NOON - 4 * DAY).date()  # NOON is a Friday
    start = MIDNIGHT - 4 * DAY
    for day in range(7):
        shifts.put_on(post, one, start + (day - 7) * DAY, start + (day - 6) * DAY, actor=None, at=start - 8 * DAY)
    first = DutyShift.objects.order_by("starts_at").first()
    shifts.swap(first, other, reason="出差", actor=None, at=start - 8 * DAY)
    copied = shifts.copy_week(post.unit, monday, actor=None, at=start - HOUR)
    assert (copied.count, copied.refused) == (7, [])
    assert shifts.gaps(post, start, start + 7 * DAY) == []
    assert {shift.worker.name for shift in DutyShift.objects.filter(starts_at__gte=start).select_related("worker")} == {"张一"}
    again = shifts.copy_week(post.unit, monday, actor=None, at=start - HOUR)
    assert (again.count, again.refused) == (0, [])


def test_a_week_copied_on_friday_tells_what_is_over():
    post, one = post_of(), somebody("张一")
    start = MIDNIGHT - 4 * DAY
    for day in range(7):
        shifts.put_on(post, one, start + (day - 7) * DAY, start + (day - 6) * DAY, actor=None, at=start - 8 * DAY)
    copied = shifts.copy_week(post.unit, start.date(), actor=None, at=NOON)
    assert (copied.count, len(copied.refused)) == (3, 4)


@pytest.mark.clause("G5")
def test_the_repair_team_on_standby_is_known_at_any_moment(django_assert_num_queries):
    unit = story.unit("demo-heating-1")
    post = post_of("demo-heating-1", name="抢修一队", kind="repair", needs=2, clause="G5")
    course = Course("pre_job", "抢修上岗培训", (NOON - 30 * DAY).date())
    training.record(unit, [Person("甲"), Person("乙")], course, actor=None, at=NOON - 29 * DAY)
    for name in ("甲", "乙"):
        shifts.put_on(post, somebody(name, "demo-heating-1"), MIDNIGHT, MIDNIGHT + DAY, actor=None, at=MIDNIGHT)
    with django_assert_num_queries(1):
        found = shifts.on_duty_many([unit.pk, post.unit_id + 1000], NOON)
    assert [shift.worker.name for shift in found[unit.pk]] == ["甲", "乙"]
    assert shifts.gaps(post, MIDNIGHT, MIDNIGHT + DAY) == []


def test_a_post_is_ended_with_a_reason_and_asks_nothing_afterwards():
    post = post_of()
    with pytest.raises(Invalid):
        shifts.end_post(post, until=MIDNIGHT + DAY, reason="", actor=None, at=MIDNIGHT)
    shifts.end_post(post, until=MIDNIGHT + DAY, reason="并入总值班室", actor=None, at=MIDNIGHT)
    assert shifts.gaps(DutyPost.objects.get(pk=post.pk), MIDNIGHT + DAY, MIDNIGHT + 2 * DAY) == []
    assert not shifts.posts_between(MIDNIGHT + DAY, MIDNIGHT + 2 * DAY).exists()
