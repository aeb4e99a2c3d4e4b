"""The staggered ignition: spread under a cap, changed by hand, early is recorded and late is late."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.civil import SHANGHAI
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine, proof
from plants import milestone_selectors, milestones
from plants.milestones import Progress
from plants.models import Boiler, MilestoneItem
from supply import ignition
from tests.story import DAY, HOUR, browser, tick, user

pytestmark = pytest.mark.django_db
EVE = datetime(2025, 11, 5, 12, tzinfo=SHANGHAI)
START = datetime(2025, 11, 8, tzinfo=SHANGHAI)
RAMP, STEP = timedelta(hours=4), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _opened():
    milestones.generate(at=EVE)


def h4():
    """The milestone of ignition."""
    return milestone_selectors.milestone_of("H4", EVE)


def item(code: str) -> MilestoneItem:
    """A boiler's item."""
    return MilestoneItem.objects.select_related("milestone", "unit", "boiler").get(milestone__code="H4", boiler__code=code)


@pytest.mark.clause("H4")
def test_spread_out_nothing_exceeds_the_cap_and_all_at_once_would():
    boilers = list(Boiler.objects.filter(source="gas"))
    together = [ignition.Start(boiler, START, ignition.draw_of(boiler)) for boiler in boilers]
    full = ignition.load(together, START + RAMP, RAMP)
    assert ignition.breaches(together, full - 1, ramp=RAMP)
    starts = ignition.spread(boilers, since=START, cap=full, step=STEP, ramp=RAMP)
    assert len({start.at for start in starts}) == len(boilers) and min(start.at for start in starts) == START
    assert max(ignition.curve(starts, since=START, ramp=RAMP)) <= full + 1
    rising = [ignition.load(starts, START + hour * STEP, RAMP) for hour in range(4)]
    assert all(rising[hour] <= ignition.load(together, START + hour * STEP, RAMP) for hour in range(4))
    with pytest.raises(Invalid) as refused:
        ignition.spread(boilers, since=START, cap=full / 2, step=STEP, ramp=RAMP)
    assert "仍排不下" in refused.value.message


@settings(max_examples=40, deadline=None)
@given(draws=st.lists(st.integers(0, 400_000), min_size=1, max_size=12), slack=st.floats(1.0, 2.0))
def test_whatever_the_boilers_every_one_gets_a_slot_and_no_hour_breaks_the_cap(draws, slack):
    boilers = [Boiler(pk=number, code=f"b{number}", name=str(number), source="gas", capacity_mw=1, gas_m3_per_day=draw) for number, draw in enumerate(draws, 1)]
    for boiler in boilers:
        boiler.plant = None
    cap = max(sum(draws) / 24 * slack, 1)
    starts = ignition.spread(boilers, since=START, cap=cap, step=STEP, ramp=RAMP)
    assert len(starts) == len(boilers) and not ignition.breaches(starts, cap, ramp=RAMP)


@pytest.mark.clause("H4")
def test_a_slot_makes_the_boiler_due_and_later_than_that_is_late():
    milestone, one = h4(), item("demo-boiler-1")
    assert one.due_at is None and not engine.of(one).exists()
    assert ignition.keep(milestone, {one.pk: START + 6 * HOUR}, cap=None, actor=user("bureau"), at=EVE) == 1
    one.refresh_from_db()
    assert one.due_at == START + 12 * HOUR and proof.deadlines_of(one).get().due_at == START + 12 * HOUR
    ignition.keep(milestone, {one.pk: START + 8 * HOUR}, cap=None, actor=user("heating1"), at=EVE + HOUR)
    assert proof.deadlines_of(one).get().due_at == START + 14 * HOUR
    milestones.declare(item("demo-boiler-1"), Progress(achieved_at=START + 15 * HOUR), actor=user("heating1"), at=START + 15 * HOUR)
    assert proof.deadlines_of(one).get().outcome == "late"
    with pytest.raises(Conflict):
        ignition.keep(milestone, {one.pk: START + 20 * HOUR}, cap=None, actor=user("bureau"), at=START + 16 * HOUR)


@pytest.mark.clause("H4")
def test_earlier_than_the_eighth_is_recorded_as_early_and_no_failure():
    one = item("demo-boiler-2")
    milestones.declare(one, Progress(achieved_at=START - 2 * DAY), actor=user("heating1"), at=START - 2 * DAY)
    one.refresh_from_db()
    assert one.is_early and not one.is_late(START + DAY)
    with pytest.raises(Invalid):
        ignition.keep(h4(), {item("demo-boiler-1").pk: START - HOUR}, cap=None, actor=user("bureau"), at=EVE)


def test_a_plan_by_hand_above_the_cap_is_refused_and_the_hour_is_named():
    wanted = {item(code).pk: START + 6 * HOUR for code in ("demo-boiler-1", "demo-boiler-2", "demo-boiler-3")}
    with pytest.raises(Invalid) as refused:
        ignition.keep(h4(), wanted, cap=10_000, actor=user("bureau"), at=EVE)
    assert "超过上限 10,000 m³/h" in refused.value.message and "2025-11-08" in refused.value.message


def test_a_company_plans_its_own_boilers_only_and_sees_no_others():
    with pytest.raises(Forbidden):
        ignition.keep(h4(), {item("demo-boiler-5").pk: START + HOUR}, cap=None, actor=user("heating1"), at=EVE)
    page = browser("heating1").get("/milestones/ignition/").content.decode()
    assert "北辰锅炉房" in page and "徐家湾锅炉房" not in page


def test_the_page_proposes_and_keeps_and_shows_what_was_typed_when_it_refuses():
    client = browser("bureau")
    page = client.post("/milestones/ignition/", {"act": "propose", "cap": "60000"}).content.decode()
    assert "建议的排期" in page
    one = item("demo-boiler-1")
    wrong = client.post("/milestones/ignition/", {"act": "keep", f"slot_{one.pk}": "2025-11-01T08:00"})
    assert wrong.status_code == 422 and 'value="2025-11-01T08:00"' in wrong.content.decode() and "起方可点火" in wrong.content.decode()
    for cap in ("x", "-1", "NaN", "1e999"):
        assert client.post("/milestones/ignition/", {"act": "propose", "cap": cap}).status_code == 422
    assert client.post("/milestones/ignition/", {"act": "keep", f"slot_{one.pk}": "2025-11-09T08:00"}).status_code == 302
    tick(START)
    assert client.get("/milestones/ignition/?format=xlsx").content[:2] == b"PK"
