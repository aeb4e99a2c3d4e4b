"""How much gas the coming days need, by degree-days; checked by hand, made beforehand, and with its error shown."""

import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core import workbook
from core.errors import Forbidden, Invalid
from deadlines import season as seasons
from supply import forecast, report_selectors, reports
from supply.models import GasForecast, Weather
from tests.story import DAY, HOUR, Caller, browser, unit, user
from tests.supply.test_reports import CUTOFF, MIDNIGHT, REPORTED, said

ME = "demo-heating-1"


def weather(day, mean, *, kind="observed", at=CUTOFF, by="reform"):
    return forecast.record_weather(day, kind=kind, lowest=Decimal(mean) - 3, highest=Decimal(mean) + 3, actor=user(by), at=at)


def told(day, demand, *, at=None):
    figures = said(gas_used_m3=demand, gas_demand_m3=demand, gas_supply_m3=demand, gas_gap_m3=0, measures="", confirmed="降温")
    return reports.submit(unit(ME), day, figures, actor=user("heating1"), at=at or CUTOFF + DAY)


def line_of(before=REPORTED + 2 * DAY):
    season = seasons.required(CUTOFF)
    return forecast.lines_of(season, [unit(ME)], before=before)[unit(ME).pk]


@pytest.mark.clause("F1")
def test_degree_days_are_base_less_mean_and_never_below_nought(db):
    season = seasons.required(CUTOFF)
    assert [forecast.degree_days(Decimal(mean), season) for mean in ("-3.4", "18", "18.01", "25")] == [Decimal("21.4"), 0, 0, 0]


@pytest.mark.clause("F1")
def test_two_days_that_lie_on_a_line_give_the_line_and_too_few_none():
    assert forecast.fitted([(10.0, 200.0), (20.0, 300.0)], least=2) == forecast.Line(100.0, 10.0, 2, "fitted")
    assert forecast.fitted([(10.0, 200.0), (20.0, 300.0)], least=3) is None
    assert forecast.fitted([(10.0, 200.0)] * 9, least=3) is None, "no spread of cold tells nothing of cold"
    assert forecast.fitted([(10.0, 300.0), (20.0, 200.0)], least=2) is None, "cold does not lower demand"
    # By hand: x̄ = 12, ȳ = 252; Σ(x−x̄)(y−ȳ) = 80, Σ(x−x̄)² = 8.
    line = forecast.fitted([(10.0, 230.0), (12.0, 256.0), (14.0, 270.0)], least=3)
    assert (round(line.slope, 6), round(line.base, 6)) == (10.0, 132.0)


@pytest.mark.clause("F1")
def test_with_too_few_days_the_boilers_full_load_at_the_design_temperature_counts(db):
    # Gas boilers 145,000 + 145,000 + 175,000 m³ a day at −3.4 ℃; the coal boiler that stands by burns none.
    line = line_of()
    assert line.method == "rated" and line.at(Decimal("21.4")) == 465_000 and line.at(Decimal(0)) == 0


@pytest.mark.clause("F1")
def test_a_forecast_is_made_beforehand_from_reported_days_and_its_error_is_shown(db):
    first = date(2025, 11, 9)
    for number in range(8):
        mean = Decimal(8 - number)
        weather(first + DAY * number, mean)
        told(first + DAY * number, 50_000 + 10_000 * int(18 - mean))
    at = MIDNIGHT - HOUR  # the evening of the 17th
    weather(REPORTED + DAY, Decimal(-2), kind="forecast", at=at)
    forecast.generate(at=at)
    forecast.generate(at=at + HOUR / 2)
    made = GasForecast.objects.get(company__code=ME)
    assert (made.day, made.made_on, made.method, made.degree_days, made.demand_m3, made.sample) == (REPORTED + DAY, REPORTED, "fitted", 20, 250_000, 8)
    # A later word on the temperature changes no forecast already made on that day.
    weather(REPORTED + DAY, Decimal(4), kind="forecast", at=at + HOUR / 2)
    forecast.generate(at=at + HOUR / 2)
    assert GasForecast.objects.get(company__code=ME).demand_m3 == 250_000
    weather(REPORTED + DAY, Decimal(-1), at=CUTOFF + 2 * DAY)
    told(REPORTED + DAY, 200_000, at=CUTOFF + 2 * DAY)
    found = report_selectors.outlook(user("bureau"), company=unit(ME), at=CUTOFF + 2 * DAY)
    [day] = [one for one in found.days if one.day == REPORTED + DAY]
    assert day.error == Decimal("0.25") and found.mape == Decimal("0.25") and found.compared == 1
    assert found.lines[0][1].sample == 9


@pytest.mark.clause("F1")
def test_the_district_compares_the_same_companies_on_both_sides(db):
    at = MIDNIGHT - HOUR
    weather(REPORTED + DAY, Decimal(0), kind="forecast", at=at)
    forecast.generate(at=at)
    told(REPORTED + DAY, 400_000, at=CUTOFF + DAY)
    found = report_selectors.outlook(user("bureau"), at=CUTOFF + 2 * DAY)
    [day] = [one for one in found.days if one.day == REPORTED + DAY]
    assert day.forecast_of == 3 and day.actual_of == 1 and day.compared == 1
    assert day.compared_forecast == GasForecast.objects.get(company__code=ME).demand_m3
    assert report_selectors.outlook(user("heating2"), at=CUTOFF + 2 * DAY).days[-1].actual is None


@pytest.mark.clause("F1")
@pytest.mark.parametrize(("more", "field"), [
    ({"lowest": Decimal(-51)}, "lowest"), ({"lowest": Decimal(9)}, "lowest"), ({"mean": Decimal(30)}, "mean"), ({"kind": "guess"}, "kind"), ({"day": REPORTED + 20 * DAY}, "day"),
])  # fmt: skip
def test_temperatures_that_cannot_be_are_refused(db, more, field):
    values = {"day": REPORTED, "kind": "observed", "lowest": Decimal(-3), "highest": Decimal(5), **more}
    with pytest.raises(Invalid) as refused:
        forecast.record_weather(values.pop("day"), **values, actor=user("reform"), at=CUTOFF)
    assert field in refused.value.fields


@pytest.mark.clause("F1")
def test_who_enters_temperatures(db):
    with pytest.raises(Forbidden):
        weather(REPORTED, Decimal(1), by="heating1")
    assert browser("heating1").get("/reports/weather/new/").status_code == 403
    assert browser("reform").get("/reports/weather/new/").status_code == 200
    assert Caller("demo-heating-1", "handler").post("weather/", {"day": "2025-11-17", "kind": "observed", "lowest": 1, "highest": 2}).status_code == 403


@pytest.mark.clause("F1")
def test_a_sheet_of_temperatures_is_taken_whole_or_not_at_all(db):
    client = browser("reform")

    def send(rows):
        body = workbook.workbook(workbook.Sheet("气温", [("日期", 12), ("类别", 8), ("最低", 8), ("最高", 8), ("日平均", 8)], rows))
        return client.post("/reports/weather/import/", {"file": SimpleUploadedFile("w.xlsx", body)})

    today = date.fromisoformat(client.get("/reports/weather/new/").content.decode().split('name="day" value="')[1][:10])
    wrong = send([[today.isoformat(), "实况", -1, 5, None], [(today - DAY).isoformat(), "实况", 9, 5, None]])
    assert wrong.status_code == 422 and "第 3 行" in wrong.content.decode() and not Weather.objects.exists()
    assert send([[today.isoformat(), "实况", -1, 5, None], [(today - DAY).isoformat(), "预报", -2, 5, 1.5]]).status_code == 302
    assert set(Weather.objects.values_list("mean", flat=True)) == {Decimal(2), Decimal("1.5")}
    assert client.post("/reports/weather/import/", {"file": SimpleUploadedFile("w.xlsx", io.BytesIO(b"no").read())}).status_code == 422
    page = client.get("/reports/forecast/").content.decode()
    assert "度日数＝18.0 ℃" in page and "最小二乘" in page
    assert client.get("/reports/forecast/?format=xlsx").status_code == 200 and client.get("/reports/weather/template/").status_code == 200
    assert Caller("development-reform", "officer").get("gas/forecast/").json()["days_compared"] == 0
