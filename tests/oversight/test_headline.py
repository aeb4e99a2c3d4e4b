"""The four headline figures: safe, steady, on time, warm; each with what it is of (B1)."""

from decimal import Decimal

import pytest

from oversight import headline
from plants import temperatures
from plants.models import Community
from plants.temperatures import Reading
from supply import major, outages
from supply.major import Problem
from supply.outages import Area, Interruption
from tests.story import DAY, HOUR, MINUTE, NOON, browser, dispatched, respond, unit, user

pytestmark = pytest.mark.django_db


@pytest.mark.clause("B1")
def test_accidents_heat_that_is_off_time_kept_and_warm_rooms_each_with_its_denominator():
    home = Community.objects.get(code="demo-community-1")
    Community.objects.filter(pk=home.pk).update(households=800)
    home.refresh_from_db()
    major.report(Problem("safety", "锅炉房着火", "一人轻伤", "区委、区政府", NOON, NOON + HOUR), actor=user("bureau"), at=NOON + HOUR)
    major.report(Problem("outage", "大面积停热", "停热 800 户", "区委、区政府", NOON, NOON + HOUR), actor=user("bureau"), at=NOON + HOUR)
    outages.report(unit("demo-heating-1"), Interruption("和暖苑", "支管漏水", (Area(home),), NOON, NOON + 5 * HOUR), actor=user("heating1"), at=NOON)
    kept, _late = dispatched(), dispatched()
    respond(kept, NOON + 5 * MINUTE)
    for value in ("19.95", "20.0", "20.4"):
        temperatures.measure(home, Reading("客厅", Decimal(value)), actor=user("street"), at=NOON)
    span = {"since": NOON - DAY, "until": NOON + DAY, "at": NOON + 30 * MINUTE}
    found = headline.of(user("bureau"), **span)
    assert (found.accidents, found.outages, found.households) == (1, 1, 800)
    assert ((found.kept.kept, found.kept.of), (found.warm.kept, found.warm.of), found.least) == ((1, 2), (2, 3), Decimal("20.0"))
    other = headline.of(user("heating2"), **span)
    assert (other.accidents, other.outages, other.kept.of, other.warm.of) == (None, 0, 0, 0)


@pytest.mark.clause("B1")
def test_they_stand_on_the_page_of_statistics():
    assert "安全事故" in browser("bureau").get("/oversight/").content.decode() and browser("heating1").get("/oversight/").status_code == 200
