"""The rehearsal of the plan's opening month: nothing of the present breaks into it, and nothing of it breaks into the present."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from core import clock
from core.civil import SHANGHAI
from core.errors import Conflict
from deadlines import engine, watch
from deadlines import tasks as deadline_tasks
from deadlines.models import Deadline, Escalation, Heartbeat
from heating import demo_duty, rehearsal
from plants import ledger
from plants.models import Plant
from tests.story import DAY, HOUR, NOON, unit
from units.models import DutyPost, Phone

pytestmark = pytest.mark.django_db


def owed() -> Deadline:
    """Something found at noon that is due three days later."""
    found = ledger.Found(title="压力表检定过期", unit=unit("demo-heating-1"), due_at=NOON + 3 * DAY, plant=Plant.objects.get(code="demo-plant-1"))
    item = ledger.open_finding(found, source="other", unit=unit("urban-management"), actor=None, at=NOON)
    return engine.open_of(item).get()


@pytest.mark.clause("H0")
def test_while_another_time_is_played_beat_and_watchdog_only_say_that_they_live():
    clock_of_it = owed()
    with clock.standing_still():
        assert clock.stands_still()
        deadline_tasks.sweep()
        assert watch.run_once(clock.now() + timedelta(hours=1)) is False
        assert not Escalation.objects.exists() and Heartbeat.objects.get(source="celery").at > clock_of_it.due_at
        with pytest.raises(Conflict, match="演练"), clock.standing_still():
            pass
    assert not clock.stands_still()
    deadline_tasks.sweep()
    assert Escalation.objects.filter(deadline=clock_of_it).exists()


def test_who_plays_and_dies_lets_go_of_the_clock():
    with clock.standing_still(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 20000) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", [clock.STILL])
        assert cursor.fetchall() == [(True,)] and not clock.stands_still()


def test_what_the_story_left_open_stays_late_and_climbs_no_further():
    before = owed()
    story = owed()
    rehearsal.tick(NOON + 3 * DAY)
    rehearsal.lay_down(before.pk, NOON + 4 * DAY)
    rehearsal.tick(NOON + 30 * DAY)
    assert max(Escalation.objects.filter(deadline=before).values_list("level", flat=True)) == 4
    assert list(Escalation.objects.filter(deadline=story).values_list("level", flat=True)) == [1]
    assert Deadline.objects.filter(engine.late(NOON + 30 * DAY), pk=story.pk).exists()


@pytest.mark.clause("D1.10", "G14")
def test_two_stretches_may_be_played_one_after_the_other_and_each_has_its_rosters():
    first, second = datetime(2025, 10, 20, tzinfo=SHANGHAI), datetime(2025, 11, 14, tzinfo=SHANGHAI)
    refused = []
    rehearsal.play([demo_duty.events], since=first, until=first + 4 * HOUR, say=refused.append)
    demo_duty.stand_down(at=first + 4 * HOUR)
    rehearsal.play([demo_duty.events], since=second, until=second + 4 * HOUR, say=refused.append)
    assert refused == []
    assert DutyPost.objects.filter(until=first + 4 * HOUR).count() == DutyPost.objects.filter(until=None).count() == len(demo_duty.DESKS)
    assert Phone.objects.filter(note="演示号码").count() == len([desk for desk in demo_duty.DESKS if desk.phone])
