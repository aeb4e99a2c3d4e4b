"""The demonstration's rosters: what it plays is the portal's own acts, and none of them is refused."""

import pytest

from core import civil
from heating import demo_duty, rehearsal
from plants.models import Finding, SpotCall
from tests.story import DAY, HOUR, NOON
from units import phones, shifts
from units.models import DutyPost, DutyShift, Phone, Unit, Worker

pytestmark = pytest.mark.django_db


def test_a_weekend_of_rosters_is_played_and_leaves_the_gap_that_it_means_to_show():  # 1.5 s: three days, hour by hour
    since, until, refused = NOON - 12 * HOUR, NOON + 3 * DAY, []
    rehearsal.play([demo_duty.events], since=since, until=until, say=refused.append)
    assert refused == []
    assert all(made.objects.exists() and not made.objects.filter(is_demo=False).exists() for made in (DutyPost, Phone, Worker))
    found = shifts.gaps_of(DutyPost.objects.select_related("unit"), since, until)
    sunday = civil.day_bounds((NOON + 2 * DAY).date())[0]
    assert [(gap.post.unit.code, gap.since, gap.until) for gap in found] == [("demo-heating-3", sunday + 20 * HOUR, sunday + 32 * HOUR)]
    assert DutyShift.objects.filter(instead_of__isnull=False).count() == 1
    assert DutyShift.objects.exclude(handover="").count() >= 2
    made = SpotCall.objects.filter(called_at__isnull=False)
    assert made.filter(is_passed=False).count() == Finding.objects.filter(source="spot_call").count()
    assert phones.book(until.date())
    assert Unit.objects.get(code="demo-heating-1").duty_posts.count() == 2
