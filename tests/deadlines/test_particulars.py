"""What reports hold line by line: taken as the plan asks, what falls short in front of everybody, what cannot be refused at its field."""

import io

import openpyxl
import pytest

from core.errors import Invalid
from deadlines import obligation_forms, obligation_selectors, obligations, particulars, proof
from deadlines import season as seasons
from deadlines.models import Obligation, Standing
from deadlines.obligations import Report
from tests.story import NOON, Caller, browser, user

pytestmark = pytest.mark.django_db
STOCK = {"item": "潜水泵", "least": "3", "stock": "1", "measure": "台", "counted-on": "2025-11-10", "place": "演示抢修库"}
ENOUGH = {**STOCK, "item": "应急照明灯", "least": "12", "stock": "12.50"}
CREDIT = {"company": "演示物业", "due-on": "2025-11-01", "evidence": "两次复测仍少报", "with": "区市场监管局", "recorded-on": "2025-11-12"}


@pytest.fixture(autouse=True)
def world(monkeypatch):
    """Some days into the season, with what is owed opened."""
    monkeypatch.setattr("core.clock.now", lambda: NOON)
    obligations.generate(at=NOON)


def owed(clause: str, **more) -> Obligation:
    """What somebody owes on a clause."""
    return Obligation.objects.filter(clause=clause, **more).select_related("unit", "verifier", "season").order_by("pk").first()


def asked(clause: str) -> particulars.Particulars:
    """The columns of a clause."""
    return next(one for one in particulars.every(seasons.active(NOON)) if one.clause == clause)


def reported(item: Obligation, *lines: dict) -> Obligation:
    """An item whose unit has told these lines."""
    obligations.report(item, Report(achieved_at=NOON, details={"sheet": list(lines)}), actor=None, at=NOON)
    item.refresh_from_db()
    return item


def filled(item, *lines: dict, **more) -> dict:
    """The form of a report as the browser sends it."""
    said = {"sheet-TOTAL_FORMS": len(lines) + 1, "sheet-INITIAL_FORMS": 0, "achieved_at": "2025-11-14T11:00", **more}
    for number, line in enumerate(lines):
        said |= {f"sheet-{number}-{code}": value for code, value in line.items()}
    return said


@pytest.mark.clause("G3", "F8")
@pytest.mark.parametrize(("clause", "says"), [("G3", "低于最低储备，差 2"), ("F8", "低于最低存量，差 2")])
def test_stock_below_its_minimum_is_kept_and_comes_first(clause, says):
    item = reported(owed(clause), ENOUGH, STOCK)
    assert item.standing == Standing.REPORTED and [line["stock"] for line in item.details["sheet"]] == ["12.5", "1"]
    [table] = obligation_selectors.line_tables(user("bureau"), item.season, clause=clause)
    assert (table.short, table.told, [line.short for line in table.lines]) == (1, 1, [[says], []])


@pytest.mark.clause("D11.2")
def test_subsidies_paid_in_part_show_the_difference_and_the_totals():
    lines = [{"batch": "第一批", "persons": 312, "due": "234,000", "paid": 232500}, {"batch": "第二批", "persons": 96, "due": 72000, "paid": 72000}]
    item = reported(owed("D11.2"), *lines)
    assert particulars.shortfalls(asked("D11.2"), item.details["sheet"][0]) == ["未足额，差 1500"]
    assert dict(particulars.sums(asked("D11.2"), item.details["sheet"])) == {"人数": 408, "应发（元）": 306000, "实发（元）": 304500}
    page = browser("bureau").get("/obligations/lines/?clause=D11.2").content.decode()
    assert "未足额，差 1500" in page and "306,000" in page


@pytest.mark.clause("D3.9")
def test_an_area_that_was_under_reported_is_told_by_how_much_and_its_order_comes_before_its_term():
    line = {"company": "演示物业", "community": "演示和暖苑", "declared": 41200, "measured": "43650.5", "ordered-on": "2025-11-05", "due-on": "2025-11-20"}
    assert particulars.shortfalls(asked("D3.9"), particulars.checked_line(asked("D3.9"), line)) == ["少报面积，差 2450.5"]
    with pytest.raises(Invalid, match="整改期限须在责令日期之后"):
        particulars.checked_line(asked("D3.9"), line | {"due-on": "2025-11-05"})


@pytest.mark.clause("D3.10")
def test_nobody_is_put_on_the_bad_credit_record_before_the_term_is_over():
    assert reported(owed("D3.10"), CREDIT).details["sheet"][0]["with"] == "区市场监管局"
    for early in ("2025-11-01", "2025-10-31"):
        with pytest.raises(Invalid) as refused:
            particulars.checked(asked("D3.10"), [CREDIT, CREDIT | {"recorded-on": early}])
        assert refused.value.fields == {"sheet.1.recorded-on": ["整改期限届满之后方可记入"]}


@pytest.mark.clause("D1.9", "D12")
@pytest.mark.parametrize(
    ("clause", "line"),
    [
        ("D1.9", {"company": "演示三热力", "source": "WT-2025-00004", "basis": "《西安市集中供热条例》", "filed-on": "2025-11-12", "state": "已立案"}),
        ("D12", {"held-on": "2025-11-13", "place": "演示和暖苑门口", "people": 14, "demand": "整栋楼不热", "unit": "演示一热力", "outcome": "已散"}),
    ],
)
def test_cases_and_petitions_are_kept_with_what_each_must_say(clause, line):
    item = owed(clause)
    kept = reported(item, line).details["sheet"][0]
    assert {code: kept[code] for code in line} == {code: str(value) for code, value in line.items()}
    needed = next(column.code for column in asked(clause).columns if column.is_needed)
    with pytest.raises(Invalid) as refused:
        particulars.checked(asked(clause), [line | {needed: " "}])
    assert list(refused.value.fields) == [f"sheet.0.{needed}"]


@pytest.mark.parametrize(
    "changed",
    [{"stock": "一"}, {"stock": "-1"}, {"stock": "1e13"}, {"stock": "NaN"}, {"stock": "1.234"}, {"counted-on": "昨天"}, {"counted-on": "0001-01-01"}, {"item": "泵" * 201}, {"item": "泵\x00"},
     {"item": "\ud800"}, {"colour": "红"}],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_column(changed):
    with pytest.raises(Invalid) as refused:
        particulars.checked_line(asked("G3"), STOCK | changed)
    assert list(refused.value.fields) == list(changed)


def test_the_form_keeps_what_was_typed_and_says_at_which_cell_it_is_wrong():
    item, street = owed("G3", unit__code="demo-heating-1"), browser("heating1")
    answer = street.post(f"/obligations/{item.pk}/report/", filled(item, STOCK, ENOUGH | {"stock": "许多"}))
    page = answer.content.decode()
    assert answer.status_code == 422 and "现存应为数字" in page and 'value="许多"' in page and 'value="潜水泵"' in page
    assert street.post(f"/obligations/{item.pk}/report/", filled(item)).status_code == 422, "no line at all"
    assert street.post(f"/obligations/{item.pk}/report/", {"achieved_at": "2025-11-14T11:00"}).status_code == 422, "not even the form"
    assert street.post(f"/obligations/{item.pk}/report/", filled(item, STOCK)).status_code == 302
    assert "低于最低储备，差 2" in browser("bureau").get(f"/obligations/{item.pk}/").content.decode()


def test_nothing_this_month_needs_no_line_and_the_next_report_begins_where_the_last_ended():
    first = owed("F8", unit__code="qinhua-gas")
    zero = filled(first, is_zero="on")
    assert browser("gas").post(f"/obligations/{first.pk}/report/", zero).status_code == 302
    first.refresh_from_db()
    assert first.details == {"zero": True}
    Obligation.objects.filter(pk=first.pk).update(details={"sheet": [STOCK]})
    second = Obligation.objects.create(
        season=first.season, unit=first.unit, verifier=first.verifier, duty=first.duty, clause="F8", title=first.title, kind=first.kind, period="2026-01", number=1,
        opened_at=NOON, due_at=NOON,
    )  # fmt: skip
    begun = [form.initial for form in obligation_forms.lines_form(second)][0]
    assert begun == {"item": "潜水泵", "least": "3", "measure": "台", "place": "演示抢修库"}


def test_over_the_wire_lines_are_taken_and_refused_alike():
    item, caller = owed("G3", unit__code="demo-heating-1"), Caller("demo-heating-1", "handler")
    wrong = caller.post(f"obligations/{item.pk}/report/", {"sheet": [STOCK | {"stock": "x"}]})
    assert wrong.status_code == 400 and list(wrong.json()["fields"]) == ["sheet.0.stock"]
    assert caller.post(f"obligations/{item.pk}/report/", {"sheet": [STOCK]}).json()["details"]["sheet"][0]["stock"] == "1"
    other = owed("I13", unit__code="street-weiyanggong")
    assert other is None or Caller("street-weiyanggong", "handler").post(f"obligations/{other.pk}/report/", {"sheet": [STOCK], "note": "已公布"}).status_code == 400


def test_each_sees_their_own_lines_and_the_export_holds_what_the_page_shows():
    reported(owed("G3", unit__code="demo-heating-1"), STOCK)
    reported(owed("G3", unit__code="demo-heating-2"), STOCK | {"item": "别家的泵"})
    own = browser("heating1").get("/obligations/lines/")
    assert "潜水泵" in own.content.decode() and "别家的泵" not in own.content.decode()
    sheet = browser("heating1").get("/obligations/lines/?export=1")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(sheet.streaming_content) if sheet.streaming else sheet.content))
    cells = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row]
    assert "潜水泵" in cells and "低于最低储备，差 2" in cells and "别家的泵" not in cells


def test_what_was_sent_back_counts_for_nothing_until_it_is_told_anew():
    item = reported(owed("D11.2"), {"batch": "第一批", "persons": 312, "due": 234000, "paid": 1})
    [table] = obligation_selectors.line_tables(user("bureau"), item.season, clause="D11.2")
    assert (table.told, table.short) == (1, 1) and ">待核验</span>" in browser("bureau").get("/obligations/lines/?clause=D11.2").content.decode()
    proof.refuse(item, reason="实发数不对", actor=user("bureau"), at=NOON)
    [table] = obligation_selectors.line_tables(user("bureau"), item.season, clause="D11.2")
    assert (table.told, table.owed, table.lines, dict(table.sums)["实发（元）"]) == (0, 1, [], 0)
    assert "第一批" in browser("bureau").get(f"/obligations/{item.pk}/").content.decode(), "on its own page it stays"
