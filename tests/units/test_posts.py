"""Every member unit has one principal; an empty seat is seen, and messages follow the post, not the person (C2, C5, 16.7)."""

import pytest

from core import clock
from notices.recipients import find_recipients
from tests import story
from tests.story import HOUR, NOON
from units import people
from units.models import Holding, Member, Post, Unit

pytestmark = pytest.mark.django_db


@pytest.mark.clause("C2", "C5")
def test_every_member_of_the_task_force_has_one_principal_s_post_and_a_vacancy_is_shown():
    seats = Member.objects.filter(season="2025-2026", body="task_force")
    members = Unit.objects.filter(pk__in=seats.exclude(unit=None).values("unit")) | Unit.objects.filter(kind__in=seats.exclude(kind="").values("kind"))
    assert members.count() == 19 + 12
    assert Post.objects.filter(unit__in=members, is_principal=True).count() == 19 + 12
    page = story.browser("bureau").get("/units/finance/").content.decode()
    assert "主要负责同志" in page
    assert "空缺" in page
    people.appoint(Post.objects.get(code="finance-principal"), "赵某", actor=None, at=clock.now())
    page = story.browser("bureau").get("/units/finance/").content.decode()
    assert "赵某" in page
    assert "空缺" not in page


@pytest.mark.clause("C5")
def test_who_leaves_a_post_at_six_hears_nothing_from_six_on():
    post = Post.objects.get(code="urban-management-principal")
    place = (post.unit_id, "bureau_principal")
    six = NOON + 6 * HOUR
    people.appoint(post, "新局长", user=story.user("bureau"), actor=None, at=six)
    assert find_recipients({place}, at=NOON)[place].user_ids != {story.user("bureau").pk}
    assert find_recipients({place}, at=six)[place].user_ids == {story.user("bureau").pk}
    assert Holding.objects.filter(post=post).count() >= 2
