"""The duty matrix: what the plan asks of whom, for which period, by when, with what proof, and who verifies it."""

import io
from datetime import date, datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core import civil
from core.civil import SHANGHAI
from core.errors import Conflict, Forbidden, Invalid
from deadlines import obligation_selectors as selectors
from deadlines import obligations, particulars, proof
from deadlines import season as seasons
from deadlines.models import Deadline, Escalation, Obligation, Standing
from deadlines.obligation_forms import ReportForm
from deadlines.obligations import Report
from heating import demo_lines, planfile, planload
from tests.story import DAY, HOUR, MINUTE, NOON, PLAN, browser, tick, unit, user
from units import access
from units.models import Role, Unit, User

pytestmark = pytest.mark.django_db


def without_spaces(text: str) -> str:
    """A text as the document's pages may break it anywhere."""
    return "".join(text.split())


DOCUMENT = without_spaces((Path(planfile.__file__).parent / "plan" / "weiyang-2025-2026.txt").read_text(encoding="utf-8"))
BEGUN = datetime(2025, 11, 5, 9, 0, tzinfo=SHANGHAI)  # a Wednesday: the plan is out, ignition is three days away
IGNITION = datetime(2025, 11, 8, tzinfo=SHANGHAI)
STATEMENT = datetime(2025, 12, 6, tzinfo=SHANGHAI)  # what November's statements are due by: the 5th included
YEAR_END = datetime(2026, 1, 1, tzinfo=SHANGHAI)
WEEK_END = datetime(2025, 11, 10, tzinfo=SHANGHAI)


def owed(clause: str, code: str | None = None, at: datetime = BEGUN, **which) -> list[Obligation]:
    """What is owed under a clause by `at`, written: by everybody, or by one unit."""
    season = seasons.active(at)
    items = [one for one in obligations.owed(season, at=at) if one.clause == clause and code in (None, one.unit.code)]
    items = [one for one in items if all(getattr(one, name) == value for name, value in which.items())]
    return proof.open_many(items)


def paper(name: str = "文件.png") -> SimpleUploadedFile:
    """A photographed page."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue(), "image/png")


def handler(code: str) -> User:
    """Somebody who handles a unit's work."""
    username = f"handler-{code}"
    if not User.objects.filter(username=username).exists():
        access.enrol(User.objects.create(username=username, full_name="经办"), unit(code), Role.OFFICER, actor=None, at=NOON - 30 * DAY)
    return User.objects.get(username=username)


def outcomes(item: Obligation) -> list[str]:
    """The verdicts of its deadlines, attempt by attempt."""
    return [one.outcome for one in proof.deadlines_of(item).order_by("sequence")]


def done(item: Obligation, at: datetime) -> Report:
    """A report that holds what this kind needs."""
    details = {}
    if item.kind in obligations.STATES:
        details["rows"] = [{"name": name, "state": obligations.STATES[item.kind][0]} for name in selectors.concerned(item) or ["某单位"]]
    if item.kind == "readiness":
        details["items"] = dict.fromkeys(obligations.readiness_items(item), True)
    asked = particulars.of(item)
    if asked is not None:
        details["sheet"] = demo_lines.of(asked, day=civil.day_of(at), drawn=0)
    return Report(achieved_at=at, note="已落实，见附件", files=(paper(),), details=details)


DUE = {"season": IGNITION, "2025-11": STATEMENT, "2025-Q4": YEAR_END, "2025": YEAR_END, "2025-W45": WEEK_END}


# ---------------------------------------------------------------- each registered duty, walked through


@pytest.mark.parametrize(
    ("clause", "code", "period", "kind"),
    [
        pytest.param("D1.1", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("D1.1")),
        pytest.param("D1.2", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("D1.2")),
        pytest.param("D1.4", "urban-management", "season", "duty", marks=pytest.mark.clause("D1.4")),
        pytest.param("D1.5", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("D1.5")),
        pytest.param("D1.9", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("D1.9")),
        pytest.param("D2.1", "development-reform", "2025-11", "duty", marks=pytest.mark.clause("D2.1")),
        pytest.param("D2.3", "development-reform", "2025-11", "duty", marks=pytest.mark.clause("D2.3")),
        pytest.param("D2.4", "development-reform", "2025-11", "duty", marks=pytest.mark.clause("D2.4")),
        pytest.param("D2.5", "development-reform", "2025-11", "duty", marks=pytest.mark.clause("D2.5")),
        pytest.param("D3.1", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.1")),
        pytest.param("D3.2", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.2")),
        pytest.param("D3.3", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.3")),
        pytest.param("D3.5", "housing-construction", "season", "duty", marks=pytest.mark.clause("D3.5")),
        pytest.param("D3.6", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.6")),
        pytest.param("D3.7", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.7")),
        pytest.param("D3.8", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.8")),
        pytest.param("D3.9", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.9")),
        pytest.param("D3.10", "housing-construction", "2025-11", "duty", marks=pytest.mark.clause("D3.10")),
        pytest.param("D4", "finance", "2025-11", "duty", marks=pytest.mark.clause("D4")),
        pytest.param("D5.1", "ecology", "2025-11", "duty", marks=pytest.mark.clause("D5.1")),
        pytest.param("D6.2", "public-security", "2025-11", "duty", marks=pytest.mark.clause("D6.2")),
        pytest.param("D7.1", "emergency-management", "2025-11", "duty", marks=pytest.mark.clause("D7.1")),
        pytest.param("D7.2", "emergency-management", "2025-11", "duty", marks=pytest.mark.clause("D7.2")),
        pytest.param("D7.3", "emergency-management", "2025-11", "duty", marks=pytest.mark.clause("D7.3")),
        pytest.param("D7.5", "emergency-management", "2025-11", "duty", marks=pytest.mark.clause("D7.5")),
        pytest.param("D8.1", "market-regulation", "2025-11", "duty", marks=pytest.mark.clause("D8.1")),
        pytest.param("D8.2", "market-regulation", "2025-11", "duty", marks=pytest.mark.clause("D8.2")),
        pytest.param("D8.3", "market-regulation", "2025-11", "duty", marks=pytest.mark.clause("D8.3")),
        pytest.param("D8.4", "market-regulation", "2025-11", "duty", marks=pytest.mark.clause("D8.4")),
        pytest.param("D8.6", "market-regulation", "2025-11", "duty", marks=pytest.mark.clause("D8.6")),
        pytest.param("D9.1", "urban-renewal", "2025-11", "survey", marks=pytest.mark.clause("D9.1")),
        pytest.param("D9.2", "urban-renewal", "season", "survey", marks=pytest.mark.clause("D9.2")),
        pytest.param("D10.1", "education", "season", "survey", marks=pytest.mark.clause("D10.1")),
        pytest.param("D11.1", "civil-affairs", "season", "survey", marks=pytest.mark.clause("D11.1")),
        pytest.param("D11.2", "civil-affairs", "season", "duty", marks=pytest.mark.clause("D11.2")),
        pytest.param("D12", "petitions", "2025-11", "duty", marks=pytest.mark.clause("D12")),
        pytest.param("D13", "health", "season", "survey", marks=pytest.mark.clause("D13")),
        pytest.param("D14", "government-affairs", "season", "survey", marks=pytest.mark.clause("D14")),
        pytest.param("D15", "traffic-police", "2025-11", "duty", marks=pytest.mark.clause("D15")),
        pytest.param("D16.1", "natural-resources", "2025-11", "duty", marks=pytest.mark.clause("D16.1")),
        pytest.param("D16.2", "natural-resources", "2025-11", "duty", marks=pytest.mark.clause("D16.2")),
        pytest.param("D17.1", "daxing-committee", "2025-11", "survey", marks=pytest.mark.clause("D17.1")),
        pytest.param("D17.2", "daxing-committee", "season", "survey", marks=pytest.mark.clause("D17.2")),
        pytest.param("D19.1", "cyberspace", "2025-11", "duty", marks=pytest.mark.clause("D19.1")),
        pytest.param("D19.2", "cyberspace", "2025-11", "duty", marks=pytest.mark.clause("D19.2")),
        pytest.param("E4", "street-weiyanggong", "2025-11", "duty", marks=pytest.mark.clause("E4")),
        pytest.param("E10", "street-weiyanggong", "2025-11", "duty", marks=pytest.mark.clause("E10")),
        pytest.param("E11", "street-weiyanggong", "season", "survey", marks=pytest.mark.clause("E11")),
        pytest.param("E12", "street-weiyanggong", "2025-11", "survey", marks=pytest.mark.clause("E12")),
        pytest.param("E13", "street-weiyanggong", "season", "survey", marks=pytest.mark.clause("E13")),
        pytest.param("F7", "qinhua-gas", "2025-Q4", "drill", marks=pytest.mark.clause("F7")),
        pytest.param("F8", "qinhua-gas", "2025-11", "duty", marks=pytest.mark.clause("F8")),
        pytest.param("G3", "demo-heating-1", "season", "duty", marks=pytest.mark.clause("G3")),
        pytest.param("G4", "demo-heating-1", "2025-W45", "readiness", marks=pytest.mark.clause("G4")),
        pytest.param("G6", "demo-heating-1", "2025-Q4", "drill", marks=pytest.mark.clause("G6")),
        pytest.param("G7", "demo-heating-1", "2025-11", "duty", marks=pytest.mark.clause("G7")),
        pytest.param("G10", "demo-heating-1", "2025-11", "duty", marks=pytest.mark.clause("G10")),
        pytest.param("G12", "demo-heating-1", "2025-11", "duty", marks=pytest.mark.clause("G12")),
        pytest.param("G13", "demo-heating-1", "season", "survey", marks=pytest.mark.clause("G13")),
        pytest.param("G18", "demo-heating-1", "2025-11", "duty", marks=pytest.mark.clause("G18")),
        pytest.param("G19", "demo-heating-1", "2025", "course", marks=pytest.mark.clause("G19")),
        pytest.param("G20", "demo-heating-1", "season", "survey", marks=pytest.mark.clause("G20")),
        pytest.param("G22", "demo-heating-1", "season", "duty", marks=pytest.mark.clause("G22")),
        pytest.param("G23", "demo-heating-1", "season", "duty", marks=pytest.mark.clause("G23")),
        pytest.param("I1", "urban-management", "season", "duty", marks=pytest.mark.clause("I1")),
        pytest.param("I1", "social-work", "2025-11", "duty", marks=pytest.mark.clause("I1")),
        pytest.param("I1", "demo-heating-1", "2025-11", "duty", marks=pytest.mark.clause("I1")),
        pytest.param("I1", "qinhua-gas", "2025-11", "duty", marks=pytest.mark.clause("I1")),
        pytest.param("I2", "urban-management", "2025-11", "meeting", marks=pytest.mark.clause("I2")),
        pytest.param("I3", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("I3")),
        pytest.param("I4", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("I4")),
        pytest.param("I6", "street-weiyanggong", "2025-11", "duty", marks=pytest.mark.clause("I6")),
        pytest.param("I6", "cyberspace", "2025-11", "duty", marks=pytest.mark.clause("I6")),
        pytest.param("I10", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("I10")),
        pytest.param("I11", "urban-management", "2025-11", "duty", marks=pytest.mark.clause("I11")),
        pytest.param("I13", "education", "season", "duty", marks=pytest.mark.clause("I13")),
        pytest.param("I13", "street-weiyanggong", "season", "duty", marks=pytest.mark.clause("I13")),
        pytest.param("I13", "demo-heating-1", "season", "duty", marks=pytest.mark.clause("I13")),
    ],
)  # fmt: skip
def test_a_duty_is_owed_in_its_period_escalates_when_late_and_is_verified_by_another_unit(clause, code, period, kind):
    """It stands in the matrix in the plan's own words, climbs the ladder, is reported with proof, and another unit looks at it."""
    items = owed(clause, code)
    item = next(item for item in items if item.period == period)
    assert (item.kind, item.due_at) == (kind, DUE[period])
    quote = selectors.quote_of(item)["quote"]
    assert quote and without_spaces(quote) in DOCUMENT and item.title == item.duty.title

    assert not item.is_late(item.due_at) and item.is_late(item.due_at + MINUTE)
    tick(item.due_at + MINUTE)
    escalation = Escalation.objects.get(deadline__in=proof.deadlines_of(item))
    assert (escalation.level, escalation.unit.code) == (1, code)
    row = next(row for row in selectors.matrix(user("bureau"), item.season, at=item.due_at + MINUTE) if row.duty == item.duty)
    assert (row.quote, row.tally["overdue"], row.behind, row.is_registered) == (quote, len(items), [item.unit.short_name], True)

    owner, at = handler(code), item.due_at + HOUR
    if kind != "course":  # one held in the next year counts for the next year
        obligations.report(item, done(item, at), actor=owner, at=at)
        assert outcomes(item) == ["late"]
    else:
        obligations.report(item, done(item, item.due_at - HOUR), actor=owner, at=at)
        assert item.is_retrospective and outcomes(item) == [""]
    with pytest.raises(Forbidden):
        proof.approve(item, actor=owner, at=at)
    assert item.verifier.code == ("task-force-office" if code == "urban-management" else "urban-management")
    proof.approve(item, note="属实", actor=handler(item.verifier.code), at=at + HOUR)
    assert (item.standing, outcomes(item)) == (Standing.VERIFIED, ["met" if kind == "course" else "late"])


# ---------------------------------------------------------------- papers, contracts, meetings


@pytest.mark.parametrize(
    ("clause", "code", "names"),
    [
        pytest.param("G2", "demo-heating-1", 5, marks=pytest.mark.clause("G2")),
        pytest.param("G1", "demo-heating-1", 3, marks=pytest.mark.clause("G1")),
        pytest.param("F2", "qinhua-gas", 2, marks=pytest.mark.clause("F2")),
        pytest.param("E1", "street-weiyanggong", 1, marks=pytest.mark.clause("E1")),
        pytest.param("E2", "street-weiyanggong", 1, marks=pytest.mark.clause("E2")),
        pytest.param("I5", "street-weiyanggong", 1, marks=pytest.mark.clause("I5")),
    ],
)
def test_a_paper_is_asked_for_by_name_and_is_complete_only_when_each_is_there_and_verified(clause, code, names):
    items = owed(clause, code)
    assert len(items) == names and {(item.kind, item.due_at) for item in items} == {("document", IGNITION)}
    owner = handler(code)
    with pytest.raises(Invalid) as refused:
        obligations.report(items[0], Report(note="已有"), actor=owner, at=BEGUN)
    assert "files" in refused.value.fields
    for position, item in enumerate(items, 1):
        obligations.report(item, Report(files=(paper(),), details={"approved_by": "总经理"}), actor=owner, at=BEGUN)
        proof.approve(item, actor=user("bureau"), at=BEGUN + HOUR)
        table = next(table for table in selectors.completeness(user("bureau"), item.season, at=BEGUN + HOUR) if table.clause == clause)
        assert table.complete == (position == names)
    assert set(table.columns) == {item.title for item in items}


@pytest.mark.clause("F3")
def test_each_heating_company_has_two_contracts_and_a_missing_one_is_red_before_ignition():
    items = owed("F3")
    companies = Unit.objects.filter(kind="heating", is_active=True)
    assert {(item.unit.code, item.counterpart.code, item.title) for item in items} == {
        ("qinhua-gas", company.code, name) for company in companies for name in ("供用气合同", "供用气安全合同")
    }
    table = selectors.completeness(user("bureau"), items[0].season, at=BEGUN)[0]
    assert {cell.tone for _, cells in table.rows for cell in cells} == {"red"} and len(table.rows) == companies.count()
    tick(IGNITION + MINUTE)
    assert Escalation.objects.filter(level=1).count() == len(items)
    # A company sees its own contracts and no other's.
    seen = selectors.of_season(user("heating1"), items[0].season)
    assert {item.counterpart.code for item in seen} == {"demo-heating-1"}


@pytest.mark.clause("E3", "E5")
def test_a_meeting_is_reported_with_who_came_and_names_who_stayed_away():
    at = BEGUN
    deployment, mobilisation = owed("E3", "street-weiyanggong")[0], owed("E5", "street-weiyanggong")[0]
    assert {deployment.kind, mobilisation.kind} == {"meeting"} and mobilisation.due_at == IGNITION
    assert selectors.concerned(mobilisation) == ["演示第一物业服务公司"]
    street = user("street")
    form = ReportForm({"achieved_at": "2025-11-05T08:30", "rows": "演示第一物业服务公司，"}, item=mobilisation)
    assert form.is_valid()
    with pytest.raises(Invalid) as refused:
        obligations.report(mobilisation, form.report(), actor=street, at=at)
    assert "第 1 行" in refused.value.message
    form = ReportForm({"achieved_at": "2025-11-05T08:30", "rows": "演示第一物业服务公司，缺席，已补发通知\n演示第二物业服务公司,到会"}, item=mobilisation)
    assert form.is_valid()
    obligations.report(mobilisation, form.report(), actor=street, at=at)
    assert obligations.absentees(mobilisation) == ["演示第一物业服务公司"]
    obligations.report(deployment, Report(note="主任办公会专题部署", files=(paper(),)), actor=street, at=at)
    assert {outcomes(deployment)[0], outcomes(mobilisation)[0]} == {"met"}


def test_a_paper_that_runs_out_is_owed_again_from_that_day():
    item = owed("G2", "demo-heating-1")[0]
    obligations.report(item, Report(files=(paper(),), expires_on=date(2025, 12, 31)), actor=user("heating1"), at=BEGUN)
    proof.approve(item, actor=user("bureau"), at=BEGUN + HOUR)
    season = item.season
    obligations.renew(season, at=YEAR_END - MINUTE)
    item.refresh_from_db()
    assert item.standing == Standing.VERIFIED
    for at in (YEAR_END + 9 * HOUR, YEAR_END + 30 * HOUR):  # whenever the calendar ran
        obligations.renew(season, at=at)
    item.refresh_from_db()
    assert (item.standing, item.attempt, item.due_at) == (Standing.OPEN, 2, YEAR_END + 14 * DAY)
    assert outcomes(item) == ["met", ""]


# ---------------------------------------------------------------- periods


def test_opening_twice_opens_once_and_asks_as_much_for_one_as_for_all(django_assert_max_num_queries):
    obligations.generate(at=BEGUN)
    count = Obligation.objects.count()
    assert count > 200 and Deadline.objects.filter(stage="obligation").count() == count
    with django_assert_max_num_queries(12):
        obligations.generate(at=BEGUN + HOUR)
    assert Obligation.objects.count() == count


def test_the_calendar_opens_each_period_as_of_its_beginning_whenever_it_runs():
    late = datetime(2025, 12, 20, 3, 0, tzinfo=SHANGHAI)
    items = owed("D2.1", at=late)
    assert [(item.period, item.opened_at, item.due_at) for item in sorted(items, key=lambda item: item.period)] == [
        ("2025-11", datetime(2025, 11, 1, tzinfo=SHANGHAI), STATEMENT),
        ("2025-12", datetime(2025, 12, 1, tzinfo=SHANGHAI), datetime(2026, 1, 6, tzinfo=SHANGHAI)),
    ]
    weeks = [item.period for item in owed("G4", "demo-heating-1", at=datetime(2026, 1, 1, 12, 0, tzinfo=SHANGHAI))]
    assert weeks[-1] == "2026-W01" and weeks[0] == "2025-W43"  # 2025-12-29 to 2026-01-04 is one week


def test_nothing_is_opened_before_the_campaign_nor_after_the_season():
    season = seasons.active(BEGUN)
    assert obligations.owed(season, at=datetime(2025, 10, 19, 23, 59, tzinfo=SHANGHAI)) == []
    obligations.generate(at=datetime(2026, 3, 16, tzinfo=SHANGHAI))
    assert not Obligation.objects.exists()
    last = max(item.period for item in obligations.owed(season, at=datetime(2026, 3, 15, 23, 0, tzinfo=SHANGHAI)) if item.kind == "duty" and item.period != "season")
    assert last == "2026-03"


@pytest.mark.clause("G19", "A5")
def test_courses_are_counted_by_calendar_year_and_a_year_shared_by_two_seasons_is_asked_for_once():
    company, owner = "demo-heating-1", user("heating1")
    first, second = owed("G19", company)
    assert {(item.number, item.period, item.due_at) for item in (first, second)} == {(1, "2025", YEAR_END), (2, "2025", YEAR_END)}
    with pytest.raises(Invalid) as refused:
        obligations.report(first, Report(achieved_at=datetime(2024, 12, 31, 15, 0, tzinfo=SHANGHAI), note="课程"), actor=owner, at=BEGUN)
    assert "achieved_at" in refused.value.fields
    held = datetime(2025, 11, 4, 14, 0, tzinfo=SHANGHAI)
    obligations.report(first, Report(achieved_at=held, note="燃气泄漏处置", details={"topic": "燃气泄漏处置", "people": 42}), actor=owner, at=BEGUN)
    with pytest.raises(Invalid):  # the same course is not two
        obligations.report(second, Report(achieved_at=held + HOUR, note="燃气泄漏处置"), actor=owner, at=BEGUN)
    in_january = owed("G19", company, at=datetime(2026, 1, 5, tzinfo=SHANGHAI))
    assert {item.period for item in in_january} == {"2026"}
    planload.load(planfile.read(planfile.carry(PLAN.read_text(encoding="utf-8"), "2026-2027")), at=NOON)
    obligations.generate(at=datetime(2026, 11, 5, tzinfo=SHANGHAI))
    assert Obligation.objects.filter(clause="G19", unit__code=company, period="2026").count() == 2


def test_nothing_to_do_in_a_month_is_a_report_too_but_not_for_papers():
    statement, paper_item = owed("D2.3")[0], owed("G2", "demo-heating-1")[0]
    obligations.report(statement, Report(is_zero=True), actor=handler("development-reform"), at=BEGUN)
    assert (statement.details, outcomes(statement)) == ({"zero": True}, ["met"])
    with pytest.raises(Invalid) as refused:
        obligations.report(paper_item, Report(is_zero=True), actor=user("heating1"), at=BEGUN)
    assert "is_zero" in refused.value.fields


def test_a_duty_reworded_in_the_plan_is_not_owed_twice():
    owed("D2.1")
    text = PLAN.read_text(encoding="utf-8").replace("title: \"冬季高峰供气保障\"", "title: \"冬季高峰时段供气保障\"")
    planload.load(planfile.read(text), at=BEGUN)
    obligations.generate(at=BEGUN)
    assert [item.title for item in Obligation.objects.filter(clause="D2.1")] == ["冬季高峰供气保障"]


# ---------------------------------------------------------------- the six readiness items


@pytest.mark.clause("G4")
def test_an_inspection_proves_the_six_items_for_a_week_and_a_missing_one_opens_them_again():
    company = unit("demo-heating-1")
    assert obligations.confirm_readiness(company, "一号热源厂", {}, at=BEGUN) is None  # nothing owed yet
    item = [one for one in owed("G4", "demo-heating-1") if one.period == "2025-W45"][0]
    six = dict.fromkeys(obligations.readiness_items(item), True)
    assert list(six) == ["人员", "车辆", "工具", "材料", "备件", "通讯工具"]
    with pytest.raises(Invalid) as refused:
        obligations.report(item, Report(details={"items": {**six, "备件": False}}), actor=user("heating1"), at=BEGUN)
    assert "备件" in refused.value.message
    seen = obligations.confirm_readiness(company, "一号热源厂", {**six, "车辆": False}, at=BEGUN)
    assert (seen.standing, seen.details["items"]["车辆"]) == (Standing.OPEN, False)
    seen = obligations.confirm_readiness(company, "一号热源厂", six, at=BEGUN + HOUR)
    assert (seen.pk, seen.standing, seen.expires_on, outcomes(seen)) == (item.pk, Standing.VERIFIED, date(2025, 11, 12), ["met"])
    again = obligations.confirm_readiness(company, "一号热源厂", {**six, "人员": False}, at=BEGUN + DAY)
    assert (again.standing, again.attempt) == (Standing.OPEN, 2) and "人员" in again.verdict_note


# ---------------------------------------------------------------- the document itself, and those without a duty text


@pytest.mark.clause("A2")
def test_every_addressee_signs_for_the_plan_and_the_list_names_who_has_not():
    items = owed("A2")
    kinds = Unit.objects.filter(kind__in=["bureau", "street"], is_active=True)
    assert {item.unit for item in items} == set(kinds) and "各街道办事处" in selectors.quote_of(items[0])["quote"]
    mine = next(item for item in items if item.unit.code == "street-weiyanggong")
    with pytest.raises(Forbidden):
        obligations.report(mine, Report(), actor=user("heating1"), at=BEGUN)
    obligations.report(mine, Report(), actor=user("street"), at=BEGUN)
    assert (mine.standing, mine.reported_by, mine.verified_at, outcomes(mine)) == (Standing.VERIFIED, user("street"), BEGUN, ["met"])
    row = selectors.matrix(user("bureau"), mine.season, at=IGNITION + MINUTE)[0]
    assert row.clause == "A2" and len(row.behind) == len(items) - 1 and "未央宫街道" not in row.behind


@pytest.mark.clause("D20", "D21")
@pytest.mark.parametrize("code", ["transport", "agriculture-water"])
def test_a_unit_without_a_duty_text_is_shown_as_such_and_nothing_is_invented(code):
    season = seasons.active(BEGUN)
    assert {item.clause for item in obligations.owed(season, at=BEGUN) if item.unit.code == code} == {"A2", "I1", "I13"}
    rows = selectors.matrix(user("bureau"), season, at=BEGUN, unit=code)
    row = next(row for row in rows if row.clause in ("D20", "D21"))
    assert (row.title, row.evidence, row.is_registered, row.tally) == ("无明确职责条款", "", False, {})
    assert "无明确职责条款" in browser("bureau").get(f"/units/{code}/").content.decode()


def test_what_awaits_the_room_above_is_named_and_stands_with_its_obligation():
    season = seasons.active(BEGUN)
    rows = [row for row in selectors.matrix(user("bureau"), season, at=BEGUN) if row.awaits]
    assert {row.clause for row in rows} == {"D7.5", "D19.1", "D19.2", "G7", "I6", "I10", "I11"} and all(row.is_registered for row in rows)
    assert {item.clause for item in obligations.owed(season, at=BEGUN)} > {row.clause for row in rows}


@pytest.mark.clause("E12")
def test_only_streets_with_a_heritage_zone_owe_its_check():
    assert {item.unit.code for item in owed("E12")} == {"street-weiyanggong", "street-hancheng", "street-liucunbu"}


@pytest.mark.clause("C6")
def test_what_the_bureau_owes_the_office_verifies_and_never_the_bureau_itself():
    item = owed("D1.2")[0]
    obligations.report(item, Report(note="下达督办单 3 份"), actor=user("bureau"), at=BEGUN)
    with pytest.raises(Forbidden):
        proof.approve(item, actor=user("bureau"), at=BEGUN)
    with pytest.raises(Forbidden):
        proof.drop(item, reason="不需要", actor=user("bureau"), at=BEGUN)
    proof.approve(item, actor=user("director"), at=BEGUN)
    with pytest.raises(Conflict):
        proof.approve(item, actor=user("director"), at=BEGUN)


@pytest.mark.clause("I9")
def test_every_unit_with_a_duty_owes_something_and_sees_it_first_what_is_due_first():
    obligations.generate(at=BEGUN)
    owing = set(Obligation.objects.values_list("unit__kind", flat=True))
    assert owing == {"bureau", "street", "heating", "gas"}
    bodies = set(Unit.objects.filter(kind__in=owing, is_active=True)) - set(selectors.units_owing(user("bureau"), seasons.active(BEGUN)))
    assert not bodies
    rows = selectors.listing(user("street"), seasons.active(BEGUN), {"scope": "mine"}, at=BEGUN).rows
    assert [row.due_at for row in rows] == sorted(row.due_at for row in rows) and {row.unit.code for row in rows} == {"street-weiyanggong"}


@pytest.mark.clause("I9")
def test_what_is_done_makes_room_for_what_is_owed_and_pages_name_each_once():
    item = owed("D2.4")[0]
    obligations.generate(at=BEGUN)
    bureau, season = user("bureau"), item.season
    first = selectors.listing(bureau, season, {}, at=BEGUN, size=1).rows[0]
    obligations.report(item, Report(note="申请 20 万 m³/日，落实 12 万 m³/日"), actor=handler("development-reform"), at=BEGUN)
    proof.approve(item, actor=bureau, at=BEGUN + HOUR)
    Obligation.objects.filter(pk=first.pk).update(standing=Standing.REPORTED)
    seen, cursor = [], ""
    while cursor is not None:
        page = selectors.listing(bureau, season, {"cursor": cursor}, at=BEGUN, size=40)
        seen += [row.pk for row in page.rows]
        cursor = page.next
    assert sorted(seen) == sorted(selectors.of_season(bureau, season).values_list("pk", flat=True))
    assert seen[-2:] == [first.pk, item.pk]


@pytest.mark.clause("B5")
def test_what_was_reported_is_followed_until_another_unit_has_found_it_so():
    item = owed("D2.4")[0]
    season, company = item.season, handler("development-reform")

    def standing(at: datetime) -> tuple[int, int, int]:
        tally = selectors.counts(selectors.of_season(user("bureau"), season).filter(pk=item.pk), at=at)
        return tally["open"], tally["reported"], tally["verified"]

    obligations.report(item, Report(note="已向上游申请增量"), actor=company, at=BEGUN)
    assert standing(BEGUN) == (0, 1, 0)
    proof.refuse(item, reason="没有写明申请量和落实量", actor=user("bureau"), at=BEGUN + HOUR)
    assert standing(BEGUN + HOUR) == (1, 0, 0)
    obligations.report(item, Report(note="申请 20 万 m³/日，落实 12 万 m³/日"), actor=company, at=BEGUN + 2 * HOUR)
    proof.approve(item, actor=user("bureau"), at=BEGUN + 3 * HOUR)
    assert standing(BEGUN + 3 * HOUR) == (0, 0, 1)
    assert [entry.act for entry in obligations.history(item)] == ["approve", "report", "refuse", "report", "open"]
