"""The demonstration's rounds: the portal's own acts, none of them refused; who forgets is late."""

import pytest

from heating import demo_inspections, rehearsal
from plants.models import Finding, Inspection, InspectionDue
from tests.story import DAY, HOUR, NOON

pytestmark = pytest.mark.django_db


def test_a_fortnight_of_rounds_is_played_and_shows_each_state():  # 6 s: forty visits with their photographs
    since, until, refused = NOON - 4 * DAY - 11 * HOUR, NOON + 11 * DAY, []
    rehearsal.play([demo_inspections.events], since=since, until=until, say=refused.append)
    assert refused == []
    rows = list(InspectionDue.objects.all())
    assert {row.state(until) for row in rows} >= {"done", "late", "open", "missed"}
    assert set(Inspection.objects.values_list("mode", flat=True)) == {"weekly", "joint", "unannounced", "emission"}
    assert Inspection.objects.filter(to_verify=True).exists() and Inspection.objects.filter(is_hidden=True).count() == 1
    assert {"verified", "open"} <= set(Finding.objects.values_list("standing", flat=True))
    assert not Finding.objects.filter(is_demo=False).exists() and not Inspection.objects.filter(is_demo=False).exists()
