"""Statutory dates: a boiler's inspection and a meter's verification are owed before the old one runs out, once."""

from datetime import date

import pytest

from core import civil
from deadlines import engine, obligations, proof
from deadlines.models import Escalation, Obligation
from plants import register, statutory
from plants.models import Boiler, Community, Meter
from plants.register_kinds import BOILERS, METERS
from tests.story import DAY, HOUR, NOON, browser, tick, unit, user

pytestmark = pytest.mark.django_db
TODAY = civil.day_of(NOON)


def boiler(until: date) -> Boiler:
    """A boiler of 演示企业一 whose inspection holds until a day."""
    found = Boiler.objects.filter(plant__company__code="demo-heating-1").order_by("code").first()
    Boiler.objects.filter(pk=found.pk).update(inspected_until=until)
    found.inspected_until = until
    return found


def owed() -> list[Obligation]:
    return list(Obligation.objects.filter(clause__in=("D8.3", "D8.6")).order_by("due_at"))


@pytest.mark.clause("D8.3")
def test_a_boilers_next_inspection_is_owed_thirty_days_ahead_and_once(django_assert_max_num_queries):
    boiler(TODAY + 30 * DAY)
    statutory.generate(at=NOON - DAY)
    assert owed() == []
    statutory.generate(at=NOON)
    with django_assert_max_num_queries(6):
        statutory.generate(at=NOON + DAY)
    [item] = owed()
    end = civil.day_bounds(TODAY + 30 * DAY)[1]
    assert (item.unit.code, item.verifier.code, item.due_at, item.duty.clause) == ("demo-heating-1", "market-regulation", end, "D8.3")
    assert engine.of(item).get().opened_at == civil.day_bounds(TODAY)[0]
    page = browser("bureau").get("/obligations/").content.decode()
    assert "2025 年 12 月 14 日到期" in page and not obligations.may_be_nothing(item)


@pytest.mark.clause("D8.3")
def test_run_out_it_climbs_by_itself_whenever_it_was_noticed():
    boiler(TODAY - 2 * DAY)
    statutory.generate(at=NOON)
    tick(NOON)
    [item] = owed()
    assert item.is_late(NOON) and Escalation.objects.filter(deadline__subject_id=item.pk, deadline__stage="obligation").exists()


@pytest.mark.clause("D8.3")
def test_a_new_date_in_the_register_is_the_report_and_the_department_verifies():
    row = boiler(TODAY + 3 * DAY)
    statutory.generate(at=NOON)
    register.save(BOILERS, {"inspected_until": TODAY + 700 * DAY}, row=row, actor=user("bureau"), at=NOON + HOUR)
    [item] = owed()
    assert (item.standing, engine.of(item).get(stage="obligation").outcome) == ("reported", "met")
    proof.approve(item, note="报告属实", actor=None, at=NOON + DAY)
    statutory.generate(at=NOON + DAY)
    assert [one.standing for one in owed()] == ["verified"]


@pytest.mark.clause("D8.6")
def test_a_meter_out_of_use_owes_nothing_more():
    place = Community.objects.filter(company__code="demo-heating-2").first()
    meter = Meter.objects.create(code="demo-meter-x", name="总表", community=place, verified_on=TODAY - 700 * DAY, verified_until=TODAY + 5 * DAY)
    statutory.generate(at=NOON)
    [item] = owed()
    assert (item.clause, item.unit) == ("D8.6", unit("demo-heating-2"))
    register.put_out_of_use(METERS, meter, reason="换表", actor=user("bureau"), at=NOON + HOUR)
    item.refresh_from_db()
    assert item.standing == "dropped" and engine.of(item).get().outcome == "neutral"
