"""What is remembered between requests is never older than the database says, by whatever way it was changed."""

import pytest
from django.db import connection, transaction

from complaints import routing
from core import clock, stamps
from deadlines import engine
from deadlines import season as seasons
from deadlines.models import Policy
from plants.models import Community
from tests.story import MINUTE, NOON
from units.models import Unit, UnitAlias

pytestmark = pytest.mark.django_db


def test_the_register_is_read_once_and_again_after_any_change(django_assert_num_queries):
    routing.read_register()
    with django_assert_num_queries(1):
        routing.read_register()
    Community.objects.filter(code="demo-community-1").update(name="演示新名")
    assert routing.read_register().communities["demo-community-1"].name == "演示新名"
    UnitAlias.objects.create(unit=Unit.objects.get(code="demo-heating-1"), name="一热")
    assert routing.read_register().unit_names["一热"].code == "demo-heating-1"
    with connection.cursor() as cursor:  # by hand, past every function of ours
        cursor.execute("UPDATE plants_community SET is_active = false WHERE code = 'demo-community-1'")
    assert "demo-community-1" not in routing.read_register().communities


def test_what_was_rolled_back_was_never_remembered():
    before = routing.read_register().communities["demo-community-2"].name
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Community.objects.filter(code="demo-community-2").update(name="不会留下")
        assert routing.read_register().communities["demo-community-2"].name == "不会留下"
        raise ZeroDivisionError
    assert routing.read_register().communities["demo-community-2"].name == before


def test_limits_and_seasons_follow_the_plan_at_once(django_assert_num_queries):
    engine.limits()
    with django_assert_num_queries(1):
        engine.limit("response")
    Policy.objects.filter(code="response", is_current=True).update(name="改名")
    assert engine.limit("response").policy.name == "改名"
    season = seasons.active(NOON)
    with django_assert_num_queries(1):
        assert seasons.active(NOON).pk == season.pk


def test_a_piece_of_work_that_only_reads_asks_for_the_stamps_once_and_sees_one_state(django_assert_num_queries):
    engine.limits(), routing.read_register()
    before = clock.now()
    with stamps.held(), django_assert_num_queries(1):
        assert abs(clock.of_request() - before) < MINUTE
        engine.limits(), routing.read_register(), engine.limit("visit"), routing.read_register()
    with stamps.held():
        before = engine.limit("response").policy.name
        Policy.objects.filter(code="response", is_current=True).update(name="改名")
        with stamps.held():
            assert engine.limit("response").policy.name == before
    assert engine.limit("response").policy.name == "改名"
