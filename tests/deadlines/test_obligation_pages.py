"""The pages of the duty matrix: who sees what, what a form keeps, and that no company learns of another's rows."""

import io
from datetime import datetime

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core import attachments, clock
from core.civil import SHANGHAI
from deadlines import obligation_selectors as selectors
from deadlines import obligations, proof
from deadlines import season as seasons
from deadlines.models import Obligation, Standing
from deadlines.obligations import Report
from tests.story import browser, user

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 11, 5, 9, 0, tzinfo=SHANGHAI)


@pytest.fixture(autouse=True)
def morning(monkeypatch):
    """It is the morning of 5 November 2025."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def owed(clause: str, code: str) -> Obligation:
    """What one unit owes under a clause, written."""
    items = obligations.owed(seasons.active(NOW), at=NOW)
    return proof.open_many([one for one in items if one.clause == clause and one.unit.code == code])[0]


def pdf(name: str = "预案.pdf") -> SimpleUploadedFile:
    """A paper."""
    return SimpleUploadedFile(name, b"%PDF-1.4 plan", "application/pdf")


def sheet(answer) -> list[tuple]:
    """The rows of a downloaded list."""
    return list(openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))


LISTS = ("/obligations/", "/obligations/units/", "/obligations/matrix/", "/obligations/documents/")
EXPORTS = ("/obligations/export/", "/obligations/units/?export=1", "/obligations/matrix/?export=1", "/obligations/documents/?export=1")


def test_a_unit_reports_with_its_file_and_the_bureau_verifies_in_the_browser():
    item = owed("G2", "demo-heating-1")
    company, bureau = browser("heating1"), browser("bureau")
    page = company.get(f"/obligations/{item.pk}/").content.decode()
    assert item.duty.quote in page and "批准人或签订人" in page and "核验通过" not in page
    answer = company.post(f"/obligations/{item.pk}/report/", {"achieved_at": "2025-11-05T08:00", "note": "已评审"})
    assert answer.status_code == 422 and "请附文件" in answer.content.decode() and "已评审" in answer.content.decode()
    said = {"achieved_at": "2025-11-05T08:00", "note": "已评审", "approved_by": "总经理", "expires_on": "2026-10-31", "files": [pdf(), pdf("评审意见.pdf")]}
    assert company.post(f"/obligations/{item.pk}/report/", said).status_code == 302
    item.refresh_from_db()
    assert (item.standing, item.details["approved_by"], attachments.of(item).count()) == (Standing.REPORTED, "总经理", 2)
    assert bureau.post(f"/obligations/{item.pk}/refuse/", {"note": " "}).status_code == 422
    assert bureau.post(f"/obligations/{item.pk}/approve/", {"note": "齐全"}).status_code == 302
    assert "齐全" in company.get(f"/obligations/{item.pk}/").content.decode()
    assert company.post(f"/obligations/{item.pk}/reopen/", {"note": "重来"}).status_code == 403


def test_no_company_learns_of_another_companys_rows_by_any_door():
    item = owed("G2", "demo-heating-1")
    owed("G2", "demo-heating-2")
    obligations.report(item, Report(note="绝密字样", files=(pdf(),)), actor=user("heating1"), at=NOW)
    key = attachments.of(item).get().pk
    other = browser("heating2")
    for path in (f"/obligations/{item.pk}/", f"/obligations/{item.pk}/files/{key}/"):
        assert other.get(path).status_code == 404
        answer = browser("bureau").get(path)
        assert answer.status_code == 200 and (not answer.streaming or b"".join(answer.streaming_content).startswith(b"%PDF"))
    assert other.post(f"/obligations/{item.pk}/approve/").status_code == 404
    for path in LISTS:
        text = other.get(path, {"scope": "all"}).content.decode()
        assert "演示一热力" not in text and ("演示二热力" in text or path == "/obligations/matrix/"), path
    for path in EXPORTS:
        for book in openpyxl.load_workbook(io.BytesIO(other.get(path).content)).worksheets:
            assert "演示一热力" not in str(list(book.iter_rows(values_only=True))), path
    assert other.get("/obligations/", {"unit": "demo-heating-1", "scope": "all"}).context["rows"] == []


@pytest.mark.parametrize(("username", "status"), [("street", 404), ("inspector", 404), ("property1", 404), ("admin", 404), ("viewer", 200), ("deputy", 200), ("dispatcher", 200)])
def test_who_may_look_at_a_companys_obligation(username, status):
    item = owed("G2", "demo-heating-1")
    assert browser(username).get(f"/obligations/{item.pk}/").status_code == status
    if status == 200:
        assert browser(username).post(f"/obligations/{item.pk}/report/", {"achieved_at": "2025-11-05T08:00", "note": "x"}).status_code in (403, 422)
        item.refresh_from_db()
        assert item.standing == Standing.OPEN


def test_the_administrator_and_a_visitor_see_no_list():
    owed("G2", "demo-heating-1")
    for path in (*LISTS, *EXPORTS):
        assert browser("admin").get(path).status_code == 403
        assert Client().get(path).status_code == 302


def test_filters_leave_what_they_say_and_odd_ones_break_nothing():
    owed("G2", "demo-heating-1"), owed("D2.1", "development-reform")
    bureau = browser("bureau")
    assert {row["item"].clause for row in bureau.get("/obligations/", {"kind": "document"}).context["rows"]} == {"G2"}
    assert {row["item"].clause for row in bureau.get("/obligations/", {"clause": "d2.1", "period": "2025-11"}).context["rows"]} == {"D2.1"}
    assert bureau.get("/obligations/", {"late": "1"}).context["rows"] == []
    for params in ({"kind": "x"}, {"late": "maybe"}, {"cursor": "x"}, {"unit": "\x00"}, {"clause": "G\ud800".encode("utf-8", "surrogatepass")}, {"standing": "9" * 999}):
        assert bureau.get("/obligations/", params).status_code in (200, 400), params
    assert bureau.get("/obligations/99999999999999999999999999/").status_code == 404


def test_an_empty_list_says_what_to_do_next_and_pages_have_headings_and_help():
    for path in LISTS:
        text = browser("bureau").get(path).content.decode()
        assert "href=\"/obligations/" in text and "F3" in text, path
    assert "看职责矩阵" in browser("heating1").get("/obligations/").content.decode()


def test_lists_ask_as_much_for_all_as_for_one(django_assert_max_num_queries):
    obligations.generate(at=NOW)
    bureau = browser("bureau")
    for path in LISTS:
        with django_assert_max_num_queries(22):
            bureau.get(path)


def test_the_export_has_what_the_list_has():
    owed("G2", "demo-heating-1")
    rows = sheet(browser("bureau").get("/obligations/export/", {"clause": "G2"}))
    assert rows[2][:3] == ("条款", "事项", "责任单位") and len(rows) == 3 + 5 and {row[2] for row in rows[3:]} == {"演示一热力"}


def test_a_units_page_shows_what_it_owes_and_hides_it_from_another_company():
    item = owed("G23", "demo-heating-1")
    assert item.title in browser("heating1").get("/units/demo-heating-1/").content.decode()
    assert f"/obligations/{item.pk}/" in browser("bureau").get("/units/demo-heating-1/").content.decode()
    assert browser("heating2").get("/units/demo-heating-1/").status_code == 404


def test_several_are_verified_at_once_and_one_that_may_not_be_keeps_no_other_back():
    first, second, own = owed("G23", "demo-heating-1"), owed("G23", "demo-heating-2"), owed("D1.2", "urban-management")
    for item, name in ((first, "heating1"), (second, "heating2"), (own, "bureau")):
        obligations.report(item, Report(note="已落实"), actor=user(name), at=NOW)
    bureau = browser("bureau")
    assert "核验通过所选" in bureau.get("/obligations/", {"scope": "verify"}).content.decode()
    assert "核验通过所选" not in bureau.get("/obligations/").content.decode()
    answer = bureau.post("/obligations/approve/", {"pk": [first.pk, own.pk, second.pk]}, follow=True).content.decode()
    assert "已核验 2 项" in answer and "须由另一单位核验" in answer
    assert set(Obligation.objects.filter(standing="verified").values_list("pk", flat=True)) == {first.pk, second.pk}
    assert "请先勾选" in bureau.post("/obligations/approve/", follow=True).content.decode()
    for key in ("0", "x", "9" * 40, "²"):
        assert bureau.post("/obligations/approve/", {"pk": [key]}).status_code == 404
    assert browser("heating2").post("/obligations/approve/", {"pk": [first.pk]}).status_code == 404


@pytest.mark.clause("E1", "E2", "E3", "E5", "I5")
def test_what_each_street_has_to_have_stands_in_one_table_and_a_companys_five_papers_in_their_own():
    obligations.generate(at=NOW)
    bureau = user("bureau")
    sides = selectors.side_by_side(selectors.completeness(bureau, seasons.active(NOW), at=NOW))
    street = next(side for side in sides if "E1" in side.clauses)
    assert street.clauses == ["E1", "E2", "E3", "E5", "I5"] and len(street.heads) == 5 and street.complete == 0
    assert all(len(cells) == 5 and [cell.item.clause for cell in cells] == street.clauses and {cell.item.unit for cell in cells} == {owner} for owner, cells in street.rows)
    assert {tuple(side.clauses): len(side.heads) for side in sides if "G2" in side.clauses or "F3" in side.clauses} == {("G2",): 5, ("F3",): 2}
