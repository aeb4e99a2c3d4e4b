"""Escalations follow the roster: whoever is on duty hears it; an empty roster is skipped at once, and is an alarm of its own (16.1)."""

import pytest

from deadlines import roster_watch
from notices import outbox
from notices.models import Message, Notice
from notices.recipients import find_recipients
from tests import story
from tests.story import DAY, HOUR, MINUTE, NOON
from units import access, shifts, training
from units.models import Role, User
from units.shifts import PostPlan
from units.training import Person

pytestmark = pytest.mark.django_db
MIDNIGHT = NOON - 12 * HOUR


@pytest.fixture
def unseeded():
    """These stories stand on the plan: its units, its principals, its rules."""


def person(username: str, code: str = "urban-management", role: str = Role.OFFICER) -> User:
    user = User(username=username, full_name=username)
    user.set_unusable_password()
    user.save()
    access.enrol(user, story.unit(code), role, actor=None, at=NOON - 20 * DAY)
    return user


def post_of(code: str = "urban-management", kind: str = "phone", name: str = "值班电话", **more):
    return shifts.add_post(story.unit(code), PostPlan(name, kind, more.pop("since", NOON - 20 * DAY), **more), actor=None, at=NOON - 20 * DAY)


def on(post, user: User | None, since, until, name: str = ""):
    worker = training.engage(post.unit, Person(name or user.full_name), user=user, actor=None, at=NOON - 20 * DAY)
    return shifts.put_on(post, worker, since, until, untrained_reason="演练", actor=None, at=NOON - 20 * DAY)


def told(code: str, audience: str, at=NOON) -> set[str]:
    place = (story.unit(code).pk, audience)
    return set(User.objects.filter(pk__in=find_recipients({place}, at=at)[place].user_ids).values_list("username", flat=True))


def hears(at, code="urban-management", audience="bureau", key="x") -> set[str]:
    """Who gets a message when something is said to a place at a moment."""
    outbox.post(story.unit(code), "有事", key=f"{key}:{at}", at=at, audience=audience, level=1)
    before = set(Message.objects.values_list("pk", flat=True))
    outbox.route(at=at)
    return set(Message.objects.exclude(pk__in=before).filter(user__isnull=False).values_list("user__username", flat=True))


@pytest.mark.clause("D1.10", "I12")
def test_whoever_is_on_duty_hears_it_and_not_the_whole_unit():
    day, night = person("day"), person("night")
    post = post_of()
    on(post, day, MIDNIGHT + 8 * HOUR, MIDNIGHT + 20 * HOUR)
    on(post, night, MIDNIGHT + 20 * HOUR, MIDNIGHT + 32 * HOUR)
    assert hears(NOON) == {"day"}
    assert hears(MIDNIGHT + 23 * HOUR + 59 * MINUTE) == {"night"}
    assert hears(MIDNIGHT + 24 * HOUR) == {"night"}


def test_a_unit_without_a_roster_hears_it_as_before():
    assert told("demo-heating-1", "doer") == {"heating1"}
    post_of("demo-heating-1", kind="repair", name="抢修")
    post_of("demo-heating-1", kind="leader", name="带班")
    assert told("demo-heating-1", "doer") == {"heating1"}


@pytest.mark.clause("D1.10")
def test_an_empty_roster_is_skipped_at_once_and_is_an_alarm_of_its_own():
    post_of("demo-heating-1", name="服务电话")
    assert hears(NOON, "demo-heating-1", "doer") == {"bureau"}
    assert Notice.objects.filter(kind="unheard", body__contains="无人值班").count() == 1
    post_of(name="值班电话")
    # Now the bureau's own desk is empty as well: its principal hears both the matter and the alarm.
    assert hears(NOON + HOUR, "demo-heating-1", "doer") == {"director"}


def test_a_robot_s_group_is_told_too_but_is_nobody_on_duty():
    unit = story.unit("demo-heating-1")
    unit.endpoints.create(channel="webhook", name="群", address="https://robot.invalid/x", host="robot.invalid", secret="x")
    post_of("demo-heating-1", name="服务电话")
    assert hears(NOON, "demo-heating-1", "doer") == {"bureau"}
    assert Message.objects.filter(endpoint__unit=unit).count() == 1


def test_on_duty_without_an_account_or_not_of_the_unit_any_more_hears_nothing():
    gone = person("gone")
    post = post_of()
    on(post, None, MIDNIGHT, MIDNIGHT + 8 * HOUR, name="无账号")
    on(post, gone, MIDNIGHT + 8 * HOUR, MIDNIGHT + 20 * HOUR)
    assert told("urban-management", "bureau", MIDNIGHT + HOUR) == set()
    assert told("urban-management", "bureau", NOON) == {"gone"}
    access.leave(gone.memberships.get(), actor=None, at=NOON)
    assert told("urban-management", "bureau", NOON) == set()


def test_who_was_swapped_out_at_midnight_hears_nothing_from_midnight_on():
    one, other = person("one"), person("other")
    post = post_of()
    shift = on(post, one, MIDNIGHT - 12 * HOUR, MIDNIGHT + 8 * HOUR)
    stand_in = training.engage(post.unit, Person("other"), user=other, actor=None, at=NOON - 20 * DAY)
    shifts.swap(shift, stand_in, reason="调班", actor=None, at=MIDNIGHT)
    assert told("urban-management", "bureau", MIDNIGHT - MINUTE) == {"one"}
    assert told("urban-management", "bureau", MIDNIGHT) == {"other"}


def test_the_leader_on_duty_hears_what_the_principal_hears_beside_them():
    leader = person("leader", role=Role.VIEWER)
    on(post_of(kind="leader", name="带班"), leader, MIDNIGHT, MIDNIGHT + DAY)
    assert told("urban-management", "bureau_principal") == {"director", "leader"}
    assert told("urban-management", "bureau_principal", MIDNIGHT + DAY) == {"director"}
    assert "leader" not in told("urban-management", "bureau")


def test_however_many_rosters_there_are_they_are_asked_at_once(django_assert_num_queries):
    codes = ["urban-management", "demo-heating-1", "demo-heating-2", "street-weiyanggong"]
    places = {(story.unit(code).pk, audience) for code in codes for audience in ("doer", "principal")}
    for code in codes:
        post_of(code)
    with django_assert_num_queries(5):
        find_recipients(places, at=NOON)


# ---------------------------------------------------------------- gaps


def gap_notices():
    return Notice.objects.filter(kind="roster")


@pytest.mark.clause("D1.10", "F6", "G14", "I12")
def test_a_gap_within_a_day_is_told_once_to_the_principal_and_the_bureau():
    post = post_of("demo-heating-1", name="服务电话")
    on(post, person("h1", "demo-heating-1", Role.HANDLER), MIDNIGHT, MIDNIGHT + 42 * HOUR)
    roster_watch.generate(at=MIDNIGHT + 18 * HOUR - MINUTE)
    assert not gap_notices().exists()
    for at in (MIDNIGHT + 18 * HOUR + MINUTE, NOON + 10 * HOUR, MIDNIGHT + 41 * HOUR):
        roster_watch.generate(at=at)
        assert {(one.unit.code, one.audience, one.level) for one in gap_notices()} == {
            ("demo-heating-1", "principal", 0), ("urban-management", "bureau", 0),
        }  # fmt: skip
    # A night that stays open is told anew the next day, not every minute.
    roster_watch.generate(at=MIDNIGHT + 4 * DAY)
    roster_watch.generate(at=MIDNIGHT + 4 * DAY + HOUR)
    assert gap_notices().filter(level=1).count() == 2


@pytest.mark.clause("F6")
def test_an_open_gap_is_an_alarm_and_a_filled_one_is_not():
    post = post_of("qinhua-gas", kind="on_site", name="调压站驻场", facility="demo-gas-1")
    on(post, None, MIDNIGHT - 12 * HOUR, MIDNIGHT + 11 * HOUR, name="驻场甲")
    on(post, None, MIDNIGHT + 13 * HOUR, MIDNIGHT + 60 * HOUR - 12 * HOUR, name="驻场乙")
    roster_watch.generate(at=NOON)
    notice = gap_notices().get(audience="bureau")
    assert (notice.level, notice.link) == (1, "/duty/units/qinhua-gas/")
    assert "11:00" in notice.body
    assert "13:00" in notice.body
    roster_watch.generate(at=MIDNIGHT + 13 * HOUR)
    assert gap_notices().count() == 2


def test_however_many_posts_there_are_they_are_watched_at_once(django_assert_max_num_queries):
    for code in ("urban-management", "demo-heating-1", "demo-heating-2", "street-weiyanggong"):
        post_of(code)
    with django_assert_max_num_queries(7):
        roster_watch.generate(at=NOON)


# ---------------------------------------------------------------- nobody has even set up a post


SEASON_DAY = NOON + 5 * DAY  # 2025-11-19, a Wednesday of the season


def unset_notices():
    return Notice.objects.filter(kind="roster_unset")


@pytest.mark.clause("I12", "D1.10")
def test_a_unit_that_has_set_up_no_post_hears_of_it_each_week_of_the_season_and_the_desk_once_for_all():
    post_of(since=NOON - 20 * DAY)
    roster_watch.generate(at=NOON)  # the day before the season
    assert not unset_notices().exists()
    roster_watch.generate(at=SEASON_DAY)
    roster_watch.generate(at=SEASON_DAY + DAY)
    told_of = unset_notices().filter(subject__startswith="尚未设值班岗")
    codes = set(told_of.values_list("unit__code", flat=True))
    assert {"education", "street-weiyanggong", "demo-heating-1", "qinhua-gas"} <= codes and "urban-management" not in codes and "demo-property-1" not in codes
    assert told_of.count() == len(codes) and set(told_of.values_list("audience", flat=True)) == {"principal"}
    desk = unset_notices().get(subject=f"{len(codes)} 处尚未设值班岗")
    assert (desk.unit.code, desk.audience) == ("urban-management", "bureau") and "区教育局" in desk.body and "I12" in desk.body
    post_of("education", since=SEASON_DAY)
    roster_watch.generate(at=SEASON_DAY + 7 * DAY)
    assert told_of.filter(unit__code="education").count() == 1 and told_of.filter(unit__code="health").count() == 2
    # A post that was given up is none.
    shifts.end_post(story.unit("education").duty_posts.get(), until=SEASON_DAY + 8 * DAY, reason="撤销", actor=None, at=SEASON_DAY)
    roster_watch.generate(at=SEASON_DAY + 14 * DAY)
    assert told_of.filter(unit__code="education").count() == 2
    roster_watch.generate(at=NOON + 150 * DAY)  # the season is over
    assert told_of.filter(unit__code="education").count() == 2
