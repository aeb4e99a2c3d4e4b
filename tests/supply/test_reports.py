"""Daily reports: missing is never zero, the day is Shanghai's, what cannot well be is asked back, and a revision is never silent."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from core.civil import SHANGHAI
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from deadlines.models import Escalation
from notices.models import Notice
from supply import report_selectors as selectors
from supply import reports
from supply.models import DailyReport, ReportDue
from supply.reports import Figures
from tests.story import HOUR, MINUTE, Caller, browser, tick, unit, user

pytestmark = pytest.mark.django_db
DAY = date(2025, 11, 20)
MIDNIGHT = datetime(2025, 11, 21, tzinfo=SHANGHAI)
CUTOFF = MIDNIGHT + timedelta(hours=8, minutes=30)


def figures(**more) -> Figures:
    """Plausible figures of the first company."""
    values = {"boilers_running": 3, "capacity_mw": Decimal(180), "gas_used_m3": Decimal(400_000), "gas_demand_m3": Decimal(420_000),
              "gas_supply_m3": Decimal(420_000), "gas_gap_m3": Decimal(0), **more}  # fmt: skip
    return Figures(**values)


def submit(at=CUTOFF - HOUR, code: str = "demo-heating-1", by: str = "heating1", day=DAY, **more) -> DailyReport:
    """A company reports."""
    return reports.submit(unit(code), day, figures(**more), actor=user(by), at=at)


@pytest.mark.clause("I7")
def test_each_company_owes_each_day_from_midnight_and_half_past_eight_is_the_cut_off():
    reports.generate(at=MIDNIGHT + 30 * MINUTE)
    due = ReportDue.objects.get(company=unit("demo-heating-1"), day=DAY)
    assert due.due_at == CUTOFF and engine.of(due).get().opened_at == MIDNIGHT
    assert not ReportDue.objects.filter(day=DAY + timedelta(days=1)).exists()
    before = ReportDue.objects.count()
    reports.generate(at=MIDNIGHT + HOUR)
    assert ReportDue.objects.count() == before
    submit(at=CUTOFF)
    assert engine.of(due).get().outcome == "met"
    submit(at=CUTOFF + MINUTE / 60, code="demo-heating-2", by="heating2", boilers_running=2)
    assert engine.of(ReportDue.objects.get(company=unit("demo-heating-2"), day=DAY)).get().outcome == "late"


@pytest.mark.clause("I7", "D2.2")
def test_what_is_missing_is_no_zero_and_totals_say_how_many_they_cover():
    reports.generate(at=MIDNIGHT)
    submit(gas_supply_m3=Decimal(400_000), gas_gap_m3=Decimal(20_000), measures="降温运行")
    found = selectors.summary(user("bureau"), DAY, at=CUTOFF + HOUR)
    assert (found.coverage, found.totals["gap"], [row.state for row in found.rows]) == ("1/3 家", 20_000, ["submitted", "missing", "missing"])
    empty = selectors.summary(user("bureau"), DAY - timedelta(days=1), at=CUTOFF)
    assert empty.totals["gas_used_m3"] is None and empty.reported == 0
    tick(CUTOFF + MINUTE)
    late = Escalation.objects.filter(deadline__stage="daily_report", deadline__label="日报 2025-11-20")
    assert {one.unit.code for one in late} == {"demo-heating-2", "demo-heating-3"}


def test_nothing_to_report_is_said_so_and_the_impossible_is_refused_by_field():
    report = submit(is_zero=True)
    assert report.is_zero and selectors.summary(user("bureau"), DAY, at=CUTOFF).rows[0].state == "zero"
    for name, value in (("boilers_running", 99), ("gas_used_m3", Decimal(10**9)), ("gas_gap_m3", Decimal("NaN")), ("capacity_mw", Decimal(-1))):
        with pytest.raises(Invalid) as refused:
            submit(code="demo-heating-1", reason="更正", **{name: value})
        assert name in refused.value.fields
    with pytest.raises(Invalid) as refused:
        submit(reason="更正", gas_supply_m3=Decimal(400_000), gas_gap_m3=Decimal(20_000), measures="")
    assert "measures" in refused.value.fields


def test_the_unlikely_is_asked_back_and_taken_with_a_word():
    with pytest.raises(Invalid) as refused:
        submit(gas_gap_m3=Decimal(5_000), measures="压减")
    assert "不符" in refused.value.message and "confirmation" in refused.value.fields
    submit(day=DAY - timedelta(days=1), at=CUTOFF - timedelta(days=1))
    with pytest.raises(Invalid) as refused:
        submit(gas_used_m3=Decimal(900_000))
    assert "由前一日的 400,000 变为 900,000" in refused.value.message
    report = submit(gas_used_m3=Decimal(900_000), confirmation="寒潮，全部锅炉满负荷")
    assert report.questions and report.confirmation


def test_a_revision_is_a_further_version_with_its_reason_and_corrects_what_was_issued():
    submit()
    with pytest.raises(Invalid) as refused:
        submit(gas_used_m3=Decimal(410_000))
    assert "reason" in refused.value.fields
    first = reports.compile_day(DAY, actor=user("bureau"), at=CUTOFF + HOUR)
    with pytest.raises(Forbidden):
        reports.approve(first, actor=user("bureau"), at=CUTOFF + HOUR)
    reports.approve(first, actor=user("director"), at=CUTOFF + HOUR)
    again = submit(at=CUTOFF + 2 * HOUR, gas_used_m3=Decimal(410_000), reason="表计抄错")
    assert (again.version, ReportDue.objects.get(company=unit("demo-heating-1"), day=DAY).versions.count()) == (2, 2)
    assert Notice.objects.filter(kind="correction").count() == 1
    second = reports.compile_day(DAY, actor=user("bureau"), at=CUTOFF + 3 * HOUR)
    first.refresh_from_db()
    assert (first.snapshot["totals"]["gas_used_m3"], second.snapshot["totals"]["gas_used_m3"], second.correction_of_id) == ("400000", "410000", first.pk)
    assert engine.of(ReportDue.objects.get(company=unit("demo-heating-1"), day=DAY)).get().outcome == "met"


@pytest.mark.clause("I8")
def test_the_compiled_report_is_approved_by_another_and_sent_once():
    submit()
    found = reports.compile_day(DAY, actor=user("bureau"), at=CUTOFF)
    with pytest.raises(Conflict):
        reports.send(found, how="市平台", actor=user("bureau"), at=CUTOFF)
    reports.approve(found, actor=user("director"), at=CUTOFF + MINUTE)
    reports.send(found, how="市平台", actor=user("bureau"), at=CUTOFF + HOUR)
    found.refresh_from_db()
    assert (found.sent_how, found.snapshot["reported"], found.snapshot["of"]) == ("市平台", 1, 3)
    assert [row["gas_used_m3"] for row in found.snapshot["rows"]] == ["400000", None, None]
    client = browser("bureau")
    assert client.get("/reports/compiled/").status_code == 200 and client.get(f"/reports/compiled/{found.pk}/?format=xlsx").content[:2] == b"PK"
    assert browser("heating1").get("/reports/compiled/").status_code == 403


def test_a_day_that_is_not_over_and_one_outside_the_season_are_not_reported():
    for day in (DAY + timedelta(days=1), date(2025, 8, 1)):
        with pytest.raises(Conflict):
            submit(day=day, at=CUTOFF)


def test_no_company_reports_for_or_sees_another_by_any_door():
    submit()
    with pytest.raises(Forbidden):
        submit(code="demo-heating-2", by="heating1")
    client = browser("heating2")
    assert client.get(f"/reports/{DAY}/demo-heating-1/").status_code == 404
    page = client.get(f"/reports/?day={DAY}").content.decode()
    assert "400,000" not in page and "演示一热力" not in page
    assert client.get(f"/reports/?day={DAY}&format=xlsx").content[:2] == b"PK"
    assert client.post(f"/reports/{DAY}/demo-heating-1/chase/").status_code == 404
    rows = Caller("demo-heating-2", "handler").get("daily-reports/summary/", day=str(DAY)).json()
    assert [row["company"] for row in rows["companies"]] == ["demo-heating-2"] and rows["totals"]["gas_used_m3"] is None


def test_the_form_keeps_what_was_typed_and_shows_yesterday_as_a_hint_only():
    submit(day=DAY - timedelta(days=1), at=CUTOFF - timedelta(days=1))
    reports.generate(at=MIDNIGHT)
    client = browser("heating1")
    page = client.get(f"/reports/{DAY}/demo-heating-1/").content.decode()
    assert "前一日 400,000" in page and 'value="400000"' not in page
    wrong = client.post(f"/reports/{DAY}/demo-heating-1/", {"boilers_running": "3", "gas_used_m3": "一堆", "measures": "降温运行"})
    assert wrong.status_code == 422 and "降温运行" in wrong.content.decode()
    for day in ("yesterday", "2025-13-40", "9999-01-01", "\u202e"):
        assert client.get(f"/reports/{day}/demo-heating-1/").status_code in (400, 404)


@pytest.mark.clause("I7")
def test_over_the_wire():
    from_company = Caller("demo-heating-1", "handler")
    yesterday = (datetime.now(SHANGHAI) - timedelta(days=1)).date()
    body = {"company": "demo-heating-1", "day": str(yesterday), "boilers_running": 3, "capacity_mw": "180", "gas_used_m3": 400000, "gas_demand_m3": 420000,
            "gas_supply_m3": 420000, "gas_gap_m3": 0, "measures": "", "zero_report": True}  # fmt: skip
    for wrong in ({}, [], {**body, "gas_used_m3": "\x00"}, {**body, "day": "x"}, {**body, "boilers_running": 10**30}, {**body, "day": "9999-12-31"}):
        assert from_company.post("daily-reports/", wrong).status_code == 400
    assert from_company.post("daily-reports/", {**body, "company": "demo-heating-2"}).status_code == 404
    assert from_company.get("daily-reports/summary/", day="x").status_code == 400
    assert from_company.post("daily-reports/", body).status_code in (201, 409)
