"""Daily reports: owed, told, asked back, corrected; and that nobody takes silence for nought."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import journal
from core.civil import SHANGHAI
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from notices.models import Notice
from supply import compiled, gas_selectors, report_selectors, reports
from supply.models import CompiledReport, DailyReport, MissProposal, ReportDue
from supply.reports import Told
from tests.story import DAY, HOUR, MINUTE, Caller, browser, tick, unit, user

REPORTED = date(2025, 11, 17)  # 00:00–24:00
MIDNIGHT = datetime(2025, 11, 18, tzinfo=SHANGHAI)
CUTOFF = MIDNIGHT + 8 * HOUR + 30 * MINUTE
ME = "demo-heating-1"


def said(**more) -> Told:
    """An ordinary day of the first company; what is named replaces the ordinary."""
    values = {"boilers_running": 3, "capacity_mw": Decimal(186), "gas_used_m3": Decimal(280_000), "gas_demand_m3": Decimal(300_000), "gas_supply_m3": Decimal(290_000),
              "gas_gap_m3": Decimal(10_000), "measures": "降低一次网供水温度 3 ℃", **more}  # fmt: skip
    return Told(**{name: Decimal(value) if name.endswith(("_m3", "_mw")) and value is not None else value for name, value in values.items()})


def submit(told=None, *, at=CUTOFF - HOUR, day=REPORTED, company=ME, by="heating1", **more):
    return reports.submit(unit(company), day, told or said(), actor=user(by), at=at, **more)[0]


def state(company=ME, *, day=REPORTED, at=CUTOFF, by="bureau"):
    return next(row.state for row in report_selectors.day_board(user(by), day, at=at).rows if row.company.code == company)


@pytest.fixture
def owed(db):
    """The morning after: what is owed of the day is open."""
    reports.generate(at=MIDNIGHT)


# ---------------------------------------------------------------- what is owed, and until when


@pytest.mark.clause("I7")
def test_half_an_hour_after_midnight_the_day_that_has_just_ended_is_reported_on(owed):
    at = MIDNIGHT + 30 * MINUTE
    reports.generate(at=at)
    assert report_selectors.latest_day(at) == REPORTED
    assert report_selectors.latest_day(MIDNIGHT - MINUTE) == REPORTED - DAY
    due = ReportDue.objects.get(company__code=ME)
    assert (due.day, due.opened_at, due.due_at) == (REPORTED, MIDNIGHT, CUTOFF)
    with pytest.raises(Invalid, match="还没有结束"):
        submit(day=REPORTED + DAY, at=at)
    assert submit(at=at).day == REPORTED


@pytest.mark.clause("I7")
@pytest.mark.parametrize(("late", "expected", "outcome"), [(timedelta(0), "submitted", "met"), (timedelta(seconds=1), "late", "late")])
def test_exactly_at_the_cut_off_is_in_time_and_a_second_later_is_late(owed, late, expected, outcome):
    report = submit(at=CUTOFF + late)
    assert state(at=CUTOFF + HOUR) == expected
    assert engine.of(report.due).get().outcome == outcome


@pytest.mark.clause("I7", "D2.2")
def test_missing_is_never_nought_and_totals_say_of_how_many_they_are(owed):
    submit()
    submit(Told(is_zero=True, confirmed="首站余热供热"), company="demo-heating-3", by="heating3")
    board = report_selectors.day_board(user("bureau"), REPORTED, at=CUTOFF + MINUTE)
    assert [state(f"demo-heating-{number}", at=CUTOFF + MINUTE) for number in (1, 2, 3)] == ["submitted", "missing", "zero"]
    assert board.coverage == "2/3 家" and board.totals["gas_used_m3"].sum == 280_000 and board.totals["gas_used_m3"].covered == 2
    answer = Caller("urban-management", "officer").get("daily-reports/summary/", day="2025-11-17").json()
    assert (answer["coverage"], answer["reported"], answer["companies"]) == ("2/3 家", 2, 3)
    assert answer["missing"] == ["demo-heating-2"] and answer["zero"] == ["demo-heating-3"]
    rows = {row["company"]: row for row in answer["results"]}
    assert rows["demo-heating-2"]["gas_used_m3"] is None and rows["demo-heating-3"]["gas_used_m3"] == 0
    # A day of which nobody told has no totals at all.
    empty = Caller("urban-management", "officer").get("daily-reports/summary/", day="2025-11-16").json()
    assert empty["totals"]["gas_used_m3"] is None
    page = browser("bureau").get("/reports/?day=2025-11-17").content.decode()
    assert "2/3 家" in page and "未报（不按零计）" in page


@pytest.mark.clause("I7")
def test_before_the_season_is_over_nothing_is_owed_twice_and_a_new_company_owes_from_the_day_before(owed):
    before = ReportDue.objects.count()
    reports.generate(at=MIDNIGHT + HOUR)
    assert ReportDue.objects.count() == before
    # The portal was down for three days: the days between are owed, each with its own cut-off.
    reports.generate(at=MIDNIGHT + 3 * DAY)
    assert list(ReportDue.objects.filter(company__code=ME).order_by("day").values_list("day", flat=True)) == [REPORTED + DAY * number for number in range(4)]
    reports.generate(at=datetime(2026, 6, 1, tzinfo=SHANGHAI))
    assert ReportDue.objects.order_by("-day").first().day == date(2026, 3, 15)


@pytest.mark.clause("I7")
def test_a_portal_that_is_set_up_when_the_season_is_over_asks_nothing_of_it(db):
    reports.generate(at=datetime(2026, 6, 1, tzinfo=SHANGHAI))
    compiled.generate(at=datetime(2026, 6, 1, tzinfo=SHANGHAI))
    assert not ReportDue.objects.exists() and not CompiledReport.objects.exists()


@pytest.mark.clause("I7")
def test_an_earlier_day_is_opened_though_a_later_one_is_there(owed):
    reports.generate(at=MIDNIGHT - 2 * DAY)
    assert set(ReportDue.objects.values_list("day", flat=True)) == {REPORTED - 2 * DAY, REPORTED}


@pytest.mark.clause("I7")
def test_reports_are_owed_from_the_day_of_the_ignition(db):
    reports.generate(at=datetime(2025, 11, 8, tzinfo=SHANGHAI))
    assert not ReportDue.objects.exists()
    reports.generate(at=datetime(2025, 11, 9, tzinfo=SHANGHAI))
    assert set(ReportDue.objects.values_list("day", flat=True)) == {date(2025, 11, 8)}


@pytest.mark.clause("I7")
def test_opening_many_days_of_many_companies_takes_a_constant_number_of_statements(db):
    reports.generate(at=MIDNIGHT)
    MissProposal.objects.bulk_create(MissProposal(company=unit(f"demo-heating-{number}"), days=[], last_day=MIDNIGHT.date() + 30 * DAY, raised_at=MIDNIGHT) for number in (1, 2, 3))
    counts = []
    for days in (1, 20):
        with CaptureQueriesContext(connection) as counted:
            reports.generate(at=MIDNIGHT + days * DAY)
        counts.append(len(counted))
    assert counts[1] <= counts[0] + 1 <= 22, counts


@pytest.mark.clause("I7", "I11")
def test_silence_climbs_the_ladder_and_three_misses_in_ten_days_propose_a_circular_once(db):
    for days in range(5):
        reports.generate(at=MIDNIGHT + days * DAY)
        tick(CUTOFF + days * DAY + MINUTE)
        if days < 4:
            submit(company="demo-heating-2", by="heating2", day=REPORTED + DAY * days, at=CUTOFF + days * DAY - HOUR)
        reports.generate(at=CUTOFF + days * DAY + 2 * MINUTE)
    assert {one.company.code: one.days[:3] for one in MissProposal.objects.all()} == {
        code: ["2025-11-17", "2025-11-18", "2025-11-19"] for code in (ME, "demo-heating-3")
    }
    notice = Notice.objects.get(key__startswith="report-misses:", subject__contains="一热力")
    assert (notice.unit.code, notice.audience) == ("task-force-office", "office_director") and "2025-11-18" in notice.body
    assert engine.of(ReportDue.objects.get(company__code=ME, day=REPORTED)).get().escalations.filter(level=1).exists()


# ---------------------------------------------------------------- what is asked back


@pytest.mark.clause("I7")
@pytest.mark.parametrize(("more", "field"), [
    ({"gas_used_m3": 5_000_001}, "gas_used_m3"), ({"boilers_running": -1}, "boilers_running"), ({"capacity_mw": None}, "capacity_mw"),
    ({"gas_supply_m3": -5}, "gas_supply_m3"), ({"measures": " "}, "measures"),
    ({"boilers_running": 0, "gas_used_m3": 0, "gas_demand_m3": 0, "gas_supply_m3": 0, "gas_gap_m3": 0}, "zero_report"),
    ({"is_zero": True}, "gas_gap_m3"),
])  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(owed, more, field):
    with pytest.raises(Invalid) as refused:
        submit(said(**more))
    assert field in refused.value.fields and not DailyReport.objects.exists()


@pytest.mark.clause("I7")
def test_a_jump_from_the_day_before_is_asked_back_and_taken_with_a_word(owed):
    submit(said(gas_used_m3=150_000), day=REPORTED - DAY, at=MIDNIGHT)
    with pytest.raises(Invalid) as asked:
        submit()
    assert "前一日 150,000" in asked.value.fields["gas_used_m3"][0] and "confirmed" in asked.value.fields
    report = submit(said(confirmed="寒潮到来，加开一台"))
    assert report.confirmed == "寒潮到来，加开一台" and [one["code"] for one in report.remarks] == ["jump"]


@pytest.mark.clause("I7")
def test_a_zero_report_leaves_running_figures_as_told_and_what_is_blank_is_nought(owed):
    report = submit(said(is_zero=True, gas_demand_m3=280_000, gas_gap_m3=None, measures=""))
    assert (report.gas_used_m3, report.gap, state()) == (280_000, 0, "zero")
    blank = submit(Told(is_zero=True), company="demo-heating-2", by="heating2")
    assert (blank.boilers_running, blank.gas_used_m3, blank.gas_gap_m3, blank.gas_demand_m3) == (0, 0, 0, None)


@pytest.mark.clause("I7")
def test_from_nought_and_from_silence_everything_is_a_jump_and_nothing_is_asked(owed):
    assert submit().remarks == []
    submit(Told(is_zero=True), day=REPORTED - DAY, at=MIDNIGHT, company="demo-heating-2", by="heating2")
    assert submit(company="demo-heating-2", by="heating2").remarks == []


@pytest.mark.clause("I7", "G9")
def test_more_than_the_register_holds_is_asked_back_on_the_page_and_marked_by_the_api(owed):
    with pytest.raises(Invalid) as asked:
        submit(said(capacity_mw=240, boilers_running=5))
    assert "台账登记能力合计 232.00 MW" in asked.value.fields["capacity_mw"][0] and "台账登记 4 台" in asked.value.fields["boilers_running"][0]
    report = submit(said(capacity_mw=240), questions={"jump"})
    assert [one["field"] for one in report.remarks] == ["capacity_mw"]


@pytest.mark.clause("I7", "D2.2")
@pytest.mark.parametrize(("declared", "computed", "remarks"), [(10_000, 10_000, []), (4_000, 10_000, ["gap"]), (9_950, 10_000, []), (None, 10_000, [])])
def test_the_gap_is_reckoned_and_compared_with_the_declared_one(owed, declared, computed, remarks):
    report = submit(said(gas_gap_m3=declared))
    assert report.gap_computed_m3 == computed and [one["code"] for one in report.remarks] == remarks
    assert report.gap == computed
    # What the report says of demand and supply is what the gas board shows of the day.
    balance = gas_selectors.balance_of(user("bureau"), unit(ME), day=REPORTED, at=CUTOFF)
    assert (balance.gap, balance.source) == (computed, "供热日报")


@pytest.mark.clause("I7")
def test_more_supply_than_demand_is_no_negative_gap_and_without_both_there_is_nothing_to_compare(owed):
    report = submit(said(gas_demand_m3=280_000, gas_gap_m3=0, measures=""))
    assert report.gap_computed_m3 == 0 and not report.remarks
    other = submit(said(gas_demand_m3=None, gas_supply_m3=None), company="demo-heating-2", by="heating2", questions=())
    assert other.gap_computed_m3 is None and other.gap == 10_000 and [one["code"] for one in other.remarks] == ["unchecked"]


@pytest.mark.clause("I7")
def test_boiler_by_boiler_must_add_up(owed):
    rows = [{"code": "demo-boiler-1", "running": True, "gas_m3": 140_000}, {"code": "demo-boiler-2", "running": True, "gas_m3": 130_000},
            {"code": "demo-boiler-3", "running": True, "gas_m3": None}]  # fmt: skip
    assert [one["code"] for one in submit(said(boilers=rows)).remarks] == ["boilers"]
    for wrong, field in ((rows[:2], "boilers_running"), ([{"code": "demo-boiler-5", "running": True, "gas_m3": 1}], "boilers")):
        with pytest.raises(Invalid) as refused:
            submit(said(boilers=wrong, gas_used_m3=1), reason="更正")
        assert field in refused.value.fields


# ---------------------------------------------------------------- corrections


@pytest.mark.clause("I7")
def test_one_boilers_figures_corrected_under_the_same_totals_are_a_version_and_none_is_lost(owed):
    told = [{"code": "demo-boiler-1", "running": True, "gas_m3": 180_000}, {"code": "demo-boiler-2", "running": True, "gas_m3": 100_000}]
    first = submit(said(boilers_running=2, boilers=told))
    swapped = [{**told[0], "gas_m3": 100_000}, {**told[1], "gas_m3": 180_000}]
    with pytest.raises(Conflict) as refused:
        submit(said(boilers_running=2, boilers=swapped))
    assert "reason" in refused.value.fields
    second = submit(said(boilers_running=2, boilers=swapped), reason="两台抄反")
    assert (second.version, [row["gas_m3"] for row in second.boilers]) == (2, [100_000, 180_000])
    assert submit(said(boilers_running=2, boilers=swapped)).pk == second.pk and submit(said(boilers_running=2)).pk == second.pk, "nothing new was said"
    assert [row["gas_m3"] for row in DailyReport.objects.get(pk=first.pk).boilers] == [180_000, 100_000]


@pytest.mark.clause("I7")
def test_a_correction_is_a_further_version_with_its_reason_and_the_same_again_is_nothing(owed):
    first = submit()
    again, is_new = reports.submit(unit(ME), REPORTED, said(), actor=user("heating1"), at=CUTOFF)
    assert (again.pk, is_new) == (first.pk, False)
    with pytest.raises(Conflict):
        submit(said(gas_used_m3=281_000))
    second = submit(said(gas_used_m3=281_000), reason="抄表有误", at=CUTOFF + HOUR)
    first.refresh_from_db()
    assert (second.version, second.is_current, first.is_current, first.gas_used_m3) == (2, True, False, 280_000)
    # It was first told in time; that it was put right later makes it no late report.
    assert state(at=CUTOFF + 2 * HOUR) == "revised"
    assert [entry.act for entry in journal.of(second.due)] == ["submit", "revise"]


@pytest.mark.clause("I7")
def test_the_bureau_chases_with_one_click_at_most_once_an_hour(owed):
    due = ReportDue.objects.get(company__code=ME)
    assert reports.chase(due, actor=user("bureau"), at=CUTOFF) and not reports.chase(due, actor=user("bureau"), at=CUTOFF + MINUTE)
    assert Notice.objects.filter(key__startswith="report-chase:").count() == 1
    with pytest.raises(Forbidden):
        reports.chase(due, actor=user("heating2"), at=CUTOFF)
    submit()
    due.refresh_from_db()
    with pytest.raises(Conflict):
        reports.chase(due, actor=user("bureau"), at=CUTOFF + 3 * HOUR)


# ---------------------------------------------------------------- doors


BODY = {"day": "2025-11-17", "boilers_running": 3, "capacity_mw": 186, "gas_used_m3": 280000, "gas_demand_m3": 300000, "gas_supply_m3": 290000, "gas_gap_m3": 10000, "measures": "降温"}


@pytest.mark.clause("I7")
def test_a_company_reports_by_the_api_and_hears_of_no_other(owed):
    mine = Caller(ME, "handler")
    made = mine.post("daily-reports/", {**BODY, "company": ME})
    assert made.status_code == 201 and (made.json()["version"], made.json()["gas_gap_computed_m3"], made.json()["zero_report"]) == (1, 10000, False)
    assert mine.post("daily-reports/", {**BODY, "company": ME}).status_code == 200
    refused = mine.post("daily-reports/", {**BODY, "company": ME, "gas_used_m3": 1})
    assert refused.status_code == 409 and "reason" in refused.json()["fields"]
    revised = mine.post("daily-reports/", {**BODY, "company": ME, "gas_used_m3": 279000, "reason": "抄表"})
    assert revised.status_code == 201 and revised.json()["version"] == 2
    assert mine.post("daily-reports/", {**BODY, "company": "demo-heating-2"}).status_code == 404
    assert mine.get("daily-reports/", company="demo-heating-2").status_code == 404
    assert {row["company"] for row in mine.get("daily-reports/").json()["results"]} == {ME}
    assert [row["company"] for row in mine.get("daily-reports/summary/", day="2025-11-17").json()["results"]] == [ME]


@pytest.mark.clause("I7")
@pytest.mark.parametrize("more", [
    {"day": "2025-02-30"}, {"day": None}, {"day": "9999-12-31"}, {"day": "0001-01-01"}, {"gas_used_m3": "1e400"}, {"gas_used_m3": "NaN"}, {"gas_used_m3": [1]}, {"boilers_running": 10**30},
    {"measures": "a\x00b"}, {"measures": "\ud800"}, {"boilers": "x"}, {"boilers": [{"code": "\x00", "running": 1}]}, {"company": "\x00"}, {"company": {"a": 1}}, {"capacity_mw": -1},
    {"zero_report": "maybe"}, {"day": "2030-01-01"}, {"day": "2025-06-01"},
])  # fmt: skip
def test_nothing_that_is_sent_makes_a_fault_of_ours(owed, more):
    answer = Caller(ME, "handler").post("daily-reports/", {**BODY, "company": ME, **more})
    assert answer.status_code in (400, 404), answer.content
    assert answer.json()["code"] in ("invalid", "not_found")


@pytest.mark.clause("I7")
def test_a_report_that_is_awaited_or_missing_stands_on_the_companys_own_home(owed, monkeypatch):
    path = f"/reports/{ME}/2025-11-17/"
    for at, said_of_it in ((CUTOFF - HOUR, "待报"), (CUTOFF + MINUTE, "漏报")):
        monkeypatch.setattr("core.clock.now", lambda at=at: at)
        home = browser("heating1").get("/").content.decode()
        assert path in home and f"11-17 供热日报</a>{said_of_it}" in home
    assert "供热日报</a>" not in browser("street").get("/").content.decode()
    submit(at=CUTOFF + HOUR)
    assert path not in browser("heating1").get("/").content.decode()


@pytest.mark.clause("I7", "D2.2")
def test_who_sees_whose_reports_by_page_export_and_api(owed):
    submit()
    submit(company="demo-heating-2", by="heating2")
    seen = {
        "bureau": {"演示一热力", "演示二热力", "演示三热力"}, "reform": {"演示一热力", "演示二热力", "演示三热力"}, "heating1": {"演示一热力"}, "heating2": {"演示二热力"},
        "street": {"演示一热力"},
    }  # fmt: skip
    for username, expected in seen.items():
        for path in ("/reports/?day=2025-11-17", "/reports/history/"):
            page = browser(username).get(path).content.decode()
            assert {name for name in ("演示一热力", "演示二热力", "演示三热力") if name in page} == expected, (username, path)
    other = browser("heating2")
    for path in (f"/reports/{ME}/2025-11-17/", f"/reports/history/?company={ME}", f"/reports/forecast/?company={ME}"):
        assert other.get(path).status_code == 404, path
    assert other.post(f"/reports/{ME}/2025-11-17/", {"gas_used_m3": 1}).status_code == 404
    assert browser("street").get(f"/reports/{ME}/2025-11-17/").status_code == 200
    assert browser("street").post(f"/reports/{ME}/2025-11-17/", {"gas_used_m3": 1}).status_code == 403
    assert other.post("/reports/chase/", {"day": "2025-11-17"}).status_code == 403
    for path in ("/reports/", "/reports/export/", "/reports/history/", "/reports/forecast/", "/reports/weather/"):
        assert browser("admin").get(path).status_code == 403, path
    assert browser("admin").get(f"/reports/{ME}/2025-11-17/").status_code == 404
    assert browser("heating1").get("/reports/export/?day=2025-11-17").status_code == 200
    assert Caller("urban-management", "admin").get("daily-reports/").status_code == 403
    assert Caller("urban-management", "admin").post("daily-reports/", {**BODY, "company": ME}).status_code == 403


@pytest.mark.clause("I7")
def test_the_form_keeps_what_was_typed_shows_the_day_before_as_a_hint_and_asks_back(owed):
    submit(said(gas_used_m3=150_000), day=REPORTED - DAY, at=MIDNIGHT)
    clerk, path = browser("heating1"), f"/reports/{ME}/2025-11-17/"
    page = clerk.get(path).content.decode()
    assert 'placeholder="150,000"' in page and "m³/日" in page and 'value="150000"' not in page
    typed = {"boilers_running": "3", "capacity_mw": "186", "gas_used_m3": "280000", "gas_demand_m3": "300000", "gas_supply_m3": "290000", "measures": "降温运行"}
    asked = clerk.post(path, typed)
    assert asked.status_code == 422 and "前一日 150,000" in asked.content.decode() and 'value="280000"' in asked.content.decode() and "降温运行" in asked.content.decode()
    assert clerk.post(path, {**typed, "confirmed": "加开一台"}).status_code == 302
    assert DailyReport.objects.get(day=REPORTED).gas_gap_m3 == 10_000
    # By now it is long past the season's November: reported for the first time after the cut-off, it is late, and says so.
    assert "迟报" in clerk.get(path).content.decode()
    assert "更正原因" in clerk.get(f"{path}?revise=1").content.decode()
    for odd in ("2025-13-40", "x", "99999-01-01"):
        assert clerk.get(f"/reports/{ME}/{odd}/").status_code == 404, odd


@pytest.mark.clause("D2.2")
def test_the_gas_of_days_names_its_coverage_and_leaves_silence_blank(owed):
    submit()
    days = report_selectors.gas_days(user("bureau"), REPORTED - DAY, REPORTED)
    assert (days[0].used, days[0].reported) == (None, 0)
    assert (days[1].used, days[1].gap, days[1].coverage) == (280_000, 10_000, "1/3 家")
    assert report_selectors.gas_days(user("heating2"), REPORTED, REPORTED)[0].used is None


def test_the_board_of_a_day_asks_a_constant_number_of_questions(owed):
    bureau = user("bureau")
    with CaptureQueriesContext(connection) as counted:
        report_selectors.day_board(bureau, REPORTED, at=CUTOFF)
        report_selectors.matrix(bureau, [REPORTED - DAY * number for number in range(7)], at=CUTOFF)
    assert len(counted) <= 14


@pytest.mark.clause("D2.2", "I7")
def test_the_board_of_gas_reads_the_daily_reports_and_shows_silence_as_silence(owed):
    """Told with demand and supply, told with the declared gap alone, told as nought, and not told at all."""
    submit(said())
    submit(said(gas_demand_m3=None, gas_supply_m3=None, gas_used_m3=50_000, gas_gap_m3=2_000, boilers_running=1, capacity_mw=30), company="demo-heating-2", by="heating2")
    found = gas_selectors.board(user("bureau"), REPORTED, at=CUTOFF)
    rows = {row.company.code: row for row in found.rows}
    assert (rows[ME].demand, rows[ME].gap, rows[ME].source) == (300_000, 10_000, "供热日报")
    assert (rows["demo-heating-2"].demand, rows["demo-heating-2"].supply, rows["demo-heating-2"].gap) == (52_000, 50_000, 2_000)
    assert not rows["demo-heating-3"].is_known and (found.coverage, found.gap) == ("2/3 家", 12_000)
    submit(Told(is_zero=True), company="demo-heating-3", by="heating3")
    found = gas_selectors.board(user("bureau"), REPORTED, at=CUTOFF)
    assert (found.coverage, found.rows[2].demand, found.rows[2].is_known) == ("3/3 家", 0, True), "said to be nought is not silence"


@pytest.mark.clause("D2.2", "G8")
def test_a_day_without_figures_has_no_totals_and_names_the_latest_word_beside_it(owed, monkeypatch):
    submit(said())
    today, at = REPORTED + DAY, CUTOFF
    found = gas_selectors.board(user("bureau"), today, at=at)
    assert (found.coverage, found.demand, found.supply, found.gap) == ("0/3 家", None, None, None)
    rows = {row.company.code: row for row in found.rows}
    assert (rows[ME].last.day, rows[ME].last.gap_m3, rows[ME].last.source) == (REPORTED, 10_000, "供热日报") and rows["demo-heating-3"].last is None
    assert {row.company.code: row for row in gas_selectors.board(user("bureau"), REPORTED + 8 * DAY, at=at + 8 * DAY).rows}[ME].last is None, "a week is the most"
    monkeypatch.setattr("core.clock.now", lambda: at)
    page = browser("bureau").get(f"/gas/?day={today}").content.decode()
    assert "近七日无数据" in page and "11-17 需求 300,000，缺口 10,000" in page and "不计入合计" in page
    assert '<div class="v num">0<small>m³/日' not in page, "nobody has said nought"
    proposal = browser("heating1").get(f"/gas/plans/{ME}/propose/").content.decode()
    assert "先带入 11-17 的数字，请核对" in proposal and 'value="300000"' in proposal
    api = Caller("development-reform", "officer").get("gas/", day=str(today)).json()
    assert (api["reported"], api["demand_m3"], api["gap_m3"]) == (0, None, None) and api["results"][0]["last"]["gap_m3"] == 10_000
