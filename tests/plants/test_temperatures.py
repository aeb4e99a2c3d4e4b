"""Room temperatures: never rounded before they are compared, and counted with what they are of."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core import civil
from core.errors import Forbidden, Invalid
from plants import refunds, temperatures
from plants import temperature_selectors as selectors
from plants.models import Community, Finding, RoomTemperature
from plants.temperatures import Reading
from tests.story import DAY, HOUR, NOON, browser, dispatched, unit, user

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


# ---------------------------------------------------------------- too cold, put right, measured again


def place(code: str = "demo-community-1") -> Community:
    return Community.objects.get(code=code)


def read_off(value: str, *, by="street", at=NOON, code="demo-community-1", again=None, **more) -> RoomTemperature:
    """Somebody measures in a home."""
    return temperatures.measure(place(code), Reading("客厅", Decimal(value), **more), again=again, actor=user(by), at=at)


@pytest.mark.clause("I14", "G21")
def test_too_cold_asks_for_rectification_and_only_a_warm_room_measured_again_reports_it():
    cold = read_off("19.95")
    finding = cold.finding
    assert (finding.unit.code, finding.verifier.code, finding.severity, finding.due_at) == ("demo-heating-1", "street-weiyanggong", "general", NOON + 3 * DAY)
    read_off("19.9", by="heating1", at=NOON + DAY, again=cold)
    finding.refresh_from_db()
    assert finding.standing == "open"
    read_off("20.0", by="heating1", at=NOON + DAY + HOUR, again=cold)
    finding.refresh_from_db()
    assert (finding.standing, finding.achieved_at) == ("reported", NOON + DAY + HOUR)
    read_off("20.3", by="street", at=NOON + 2 * DAY, again=cold)
    finding.refresh_from_db()
    assert finding.standing == "verified" and "20.3" in finding.verdict_note
    assert Finding.objects.count() == 1


@pytest.mark.clause("I14")
def test_the_verifier_who_measures_it_cold_again_sends_it_back():
    cold = read_off("17.2")
    assert cold.finding.severity == "serious"  # below the statutory 18
    read_off("20.1", by="heating1", at=NOON + DAY, again=cold)
    read_off("17.9", by="street", at=NOON + 2 * DAY, again=cold)
    cold.finding.refresh_from_db()
    assert (cold.finding.standing, cold.finding.attempt) == ("open", 2) and "17.9" in cold.finding.verdict_note


@pytest.mark.clause("G21")
def test_an_excuse_is_recorded_with_its_ground_counted_and_asks_for_nothing():
    with pytest.raises(Invalid):
        read_off("15", excuse="altered")
    row = read_off("15", excuse="altered", excuse_note="住户拆除客厅散热器两组，有照片")
    assert row.finding is None and not Finding.objects.exists()
    assert temperatures.trend(user("bureau"), since=civil.day_of(NOON), until=civil.day_of(NOON), least=Decimal(20))[0].of == 1
    assert refunds.propose(row, [], today=civil.day_of(NOON)) is None


@pytest.mark.clause("G21")
def test_the_instruments_calibration_is_that_of_the_day():
    device = temperatures.keep_instrument(
        unit("demo-heating-1"), number="CW-9", name="温度计", calibrated_on=date(2024, 11, 20), calibrated_until=civil.day_of(NOON), actor=user("heating1"), at=NOON
    )
    assert read_off("21", by="heating1", device=device).is_calibrated is True
    assert read_off("21", by="heating1", device=device, at=NOON + DAY).is_calibrated is False
    assert read_off("21", by="heating1").is_calibrated is None
    with pytest.raises(Invalid):
        read_off("21", by="street", device=device)
    with pytest.raises(Forbidden):
        temperatures.keep_instrument(unit("demo-heating-1"), number="1", name="x", calibrated_on=None, calibrated_until=None, actor=user("heating2"), at=NOON)


@pytest.mark.parametrize(("value", "share", "days", "percent"), [
    ("17.999", "0.2", 4, "0.66"), ("16", "0.2", 4, "0.66"), ("15.999", "0.5", 4, "1.65"), ("14.0", "0.5", 4, "1.65"), ("13.999", "1.0", 4, "3.31"), ("18.0", None, 0, ""),
])  # fmt: skip
def test_a_refund_is_proposed_by_bands_with_its_computation(value, share, days, percent):
    cold = read_off(value)
    warm = read_off("18.0", at=NOON + 4 * DAY, again=cold)
    found = refunds.propose(cold, [warm], today=civil.day_of(NOON + 30 * DAY))
    if share is None:
        assert found is None
        return
    assert (str(found.share), found.days, str(found.percent), found.is_ended, found.season_days) == (share, days, percent, True, 121)
    assert found.formula == f"{Decimal(share) * 100:g}% × 4 天 ÷ 121 天 ＝ {percent}%" and "仪器检定未登记或已过期" in found.doubts


def test_who_measures_where():
    with pytest.raises(Forbidden):
        read_off("21", by="heating2")
    with pytest.raises(Forbidden):
        read_off("21", by="street", code="demo-community-2")
    assert read_off("21", by="bureau", code="demo-community-2").unit.code == "urban-management"
    with pytest.raises(Invalid):
        temperatures.measure(place(), Reading("客厅", Decimal(21)), measured_at=NOON + HOUR, actor=user("street"), at=NOON)
    with pytest.raises(Invalid):
        read_off("21", again=read_off("19", by="heating2", code="demo-community-2"), at=NOON + HOUR)


@pytest.mark.clause("G21")
def test_steady_means_on_several_days_and_once_is_not_steady():
    read_off("20.5")
    limits = temperatures.standards(NOON)
    stands = lambda: selectors.by_community(temperatures.visible(user("bureau")), limits)[0]  # noqa: E731
    assert stands().is_steady is None
    read_off("20.0", at=NOON + DAY)
    assert stands().is_steady is True
    read_off("19.95", at=NOON + DAY + HOUR)
    assert (stands().is_steady, stands().share, stands().lowest) == (False, 66.7, Decimal("19.95"))


@pytest.mark.clause("G21", "I14")
def test_the_pages_show_unrounded_values_and_keep_what_was_typed(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: NOON + HOUR)
    clerk = browser("street")
    said = {"community": "demo-community-1", "building": "6号楼", "room": "客厅", "celsius": "19.95", "point": "中央", "measured_at": "2025-11-14 12:30", "method": "manual", "resident": "refused",
            "excuse": "outdoor", "excuse_note": ""}  # fmt: skip
    page = clerk.post("/temperatures/new/", said)
    assert page.status_code == 422 and "请写明免责情形的依据" in page.content.decode() and 'value="19.95"' in page.content.decode()
    assert clerk.post("/temperatures/new/", {**said, "excuse": ""}).status_code == 302
    row = RoomTemperature.objects.get()
    page = clerk.get(row.get_absolute_url()).content.decode()
    assert "19.95 ℃" in page and "未达标" in page and "拒绝签字" in page and row.finding.number in page
    listed = browser("bureau").get("/temperatures/?band=below").content.decode()
    assert "19.95" in listed and "20.0</b>" not in listed
    assert browser("bureau").get("/temperatures/?format=xlsx").status_code == 200
    assert browser("heating2").get(row.get_absolute_url()).status_code == 404 and browser("admin").get("/temperatures/").status_code == 403
    assert clerk.get(f"/temperatures/new/?of={row.pk}").status_code == 200 and browser("heating2").get(f"/temperatures/new/?of={row.pk}").status_code == 404
    assert browser("heating1").post("/temperatures/instruments/", {"number": "A1", "name": "温度计", "calibrated_until": "2026-01-01"}).status_code == 302
    assert "A1" in browser("heating1").get("/temperatures/instruments/").content.decode() and "A1" not in browser("heating2").get("/temperatures/instruments/").content.decode()


@pytest.mark.parametrize("query", ["since=2025-13-45", "until=9999-99-99", "of=%00", "company=%00x", "cursor=zzz", "of=99999999999999999999", "of=²"])
def test_nothing_in_an_address_breaks_the_pages(query):
    for path in ("/temperatures/", "/temperatures/new/", "/visits/"):
        assert browser("bureau").get(f"{path}?{query}").status_code in (200, 400, 403, 404)
