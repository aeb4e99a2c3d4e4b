"""Room temperatures: never rounded before they are compared, and counted with what they are of."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core import civil
from core.errors import Invalid
from plants import temperatures
from plants.models import Community
from plants.temperatures import Reading
from tests.story import DAY, NOON, dispatched, unit, user

pytestmark = pytest.mark.django_db


def measure(*values: str, at=NOON):
    """Readings in the first community, by its company."""
    ticket = dispatched(at=NOON)
    rows = [Reading(room="客厅", celsius=Decimal(value)) for value in values]
    return temperatures.record(ticket, rows, community=Community.objects.get(code="demo-community-1"), unit=unit("demo-heating-1"), at=at)


@pytest.mark.clause("G21")
def test_a_twentieth_of_a_degree_below_is_below():
    measure("19.95", "20.0", "20.05")
    today = civil.day_of(NOON)
    found = temperatures.trend(user("bureau"), since=today - timedelta(days=6), until=today, least=Decimal("20.0"))
    assert len(found) == 7 and (found[-1].kept, found[-1].of, found[-1].share, found[-1].mean) == (2, 3, 66.7, Decimal("20.0"))
    assert (found[0].of, found[0].share, found[0].mean) == (0, None, None)


def test_no_room_is_colder_than_any_or_hotter_than_an_oven():
    for value in ("-40", "85", "NaN"):
        with pytest.raises(Invalid):
            measure(value)


def test_a_company_knows_its_own_homes_only():
    measure("21", at=NOON + DAY)
    day = civil.day_of(NOON + DAY)
    assert temperatures.trend(user("heating1"), since=day, until=day, least=Decimal(20))[0].of == 1
    assert temperatures.trend(user("heating2"), since=day, until=day, least=Decimal(20))[0].of == 0
    assert temperatures.trend(user("street"), since=day, until=day, least=Decimal(20))[0].of == 1
