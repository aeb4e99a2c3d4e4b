"""12345 files as they really come: titles above the header, other names for things, dates of every kind, one bad row."""

import csv
import io
import time
import zipfile
from datetime import datetime

import openpyxl
import pytest

from complaints import import_selectors, imports
from complaints.hotline import columns, rows
from complaints.models import ImportJob, Ticket
from core import clock, sheets
from core.civil import SHANGHAI
from core.errors import Invalid
from deadlines.models import Deadline
from notices.models import Notice
from tests.story import NOON, Caller, browser, unit, user

HEADINGS = ["工单号＊（必填）", "热线单号", "诉求内容", "来电时间", "联系电话", "诉求人", "被反映街乡镇", "小区名称", "市交办办结期限", "经办科室"]


def workbook(lines: list[list], title: bool = True) -> bytes:
    """An xlsx as a hotline exports it."""
    book = openpyxl.Workbook()
    sheet = book.active
    if title:
        sheet.append(["12345 热线供热类工单导出表（2025年11月）"])
        sheet.merge_cells("A1:J1")
    sheet.append(HEADINGS)
    for line in lines:
        sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def line(number: int, **more) -> list:
    values = {"platform": f"P{number:05d}", "hotline": f"00{number:06d}", "content": f"家里暖气不热，只有1{number % 6}度。", "called": "2025年11月14日 9时30分",
              "phone": "13812345678", "name": "王某", "street": "未央宫街道", "community": "演示和暖苑", "due": "2025.11.16", "desk": "三科", **more}  # fmt: skip
    return list(values.values())


def run_import(raw: bytes, **more) -> ImportJob:
    job = imports.upload(raw, "工单.xlsx", source="12345", unit=unit("social-work"), actor=user("dispatcher"), at=clock.now(), automatic=True, **more)
    imports.run(job.pk, now=clock.now)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    "cell",
    ["2025年1月3日 9时30分", "2025.01.03 9:30", "2025/1/3 09:30:00", "2025-01-03T09:30:00+08:00", "２０２５-０１-０３　９：３０", "2025年1月3日 上午9点30分", 45660.395833333336,
     "45660.395833333336", datetime(2025, 1, 3, 9, 30), "20250103 09:30", "2025-1-3 AM 9:30"],
)  # fmt: skip
def test_every_way_of_writing_a_moment_is_understood(cell):
    assert rows.moment_in(cell) == datetime(2025, 1, 3, 9, 30, tzinfo=SHANGHAI)


@pytest.mark.parametrize("cell", ["明天", "2025-13-01", "2025年2月30日", 12.5, True, "1999-01-01", "9999-12-31", "2025"])
def test_what_is_no_moment_is_none(cell):
    assert rows.moment_in(cell) is None


def test_pm_and_bare_days():
    assert rows.moment_in("2025年1月3日 下午3时").hour == 15
    assert rows.moment_in("20250103") == datetime(2025, 1, 3, tzinfo=SHANGHAI)


def test_the_header_is_found_below_titles_and_two_numbers_are_told_apart():
    found = columns.guess(sheets.read(workbook([line(1)])).rows)
    assert found.header_row == 1
    fields = {found.headings[int(column)]: field for column, field in found.mapping.items()}
    assert fields["热线单号"] == "external_no" and fields["工单号＊（必填）"] == "district_no"
    assert fields["市交办办结期限"] == "city_due_at" and "经办科室" not in fields


@pytest.mark.parametrize(
    ("cells", "field", "said"),
    [
        ({"hotline": "1.38E+10"}, "external_no", "科学计数法"),
        ({"content": ""}, "content", "缺少诉求内容"),
        ({"called": "昨天下午"}, "called_at", "无法识别"),
        ({"called": ""}, "called_at", "缺少来电时间"),
        ({"called": "2099-01-01 00:00"}, "called_at", "晚于现在"),
        ({"due": "2025-01-01"}, "city_due_at", "早于来电时间"),
        ({"phone": "1.38E+10"}, "complainant_phone", "科学计数法"),
        ({"phone": "打不通"}, "complainant_phone", "无法识别"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_with_its_field(cells, field, said):
    found = columns.guess(sheets.read(workbook([line(1)])).rows)
    draft = rows.draft(3, line(1, **cells), found.mapping, found.headings, now=NOON)
    assert any(error["field"] == field and said in error["message"] and error["row"] == 3 for error in draft.errors), draft.errors


def test_phones_as_floats_leading_zeros_and_unknown_columns():
    found = columns.guess(sheets.read(workbook([line(1)])).rows)
    draft = rows.draft(3, line(1, phone=13812345678.0, community="不详"), found.mapping, found.headings, now=NOON)
    assert draft.errors == [] and draft.values["complainant_phone"] == "13812345678" and draft.values["external_no"] == "00000001"
    assert draft.values["extra"] == {"经办科室": "三科"} and "community" not in draft.values


@pytest.mark.django_db
@pytest.mark.clause("D18.1")
def test_a_file_goes_in_twice_and_changes_nothing_the_second_time_and_a_bad_row_costs_only_itself():
    raw = workbook([*[line(number) for number in range(12)], line(99, content="", called="明天")])
    job = run_import(raw)
    assert (job.state, job.rows, job.created, job.wrong) == ("done", 13, 12, 1)
    ticket = Ticket.objects.get(external_no="00000003")
    assert ticket.district_no == "P00003" and ticket.community.code == "demo-community-1" and ticket.extra["经办科室"] == "三科"
    assert ticket.state == "received" and Deadline.objects.filter(label=ticket.number, stage="dispatch").exists()
    again = run_import(raw)
    assert (again.created, again.updated, again.unchanged, again.wrong) == (0, 0, 12, 1)
    wrong = import_selectors.wrong_rows(job)
    assert wrong[0].row == 15 and len(wrong[0].reasons) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_every_encoding(encoding):
    out = io.StringIO()
    csv.writer(out).writerows([["导出"], HEADINGS, line(1), line(2, content="有逗号,和\n换行")])
    job = run_import(out.getvalue().encode(encoding))
    assert (job.created, job.wrong) == (2, 0)


@pytest.mark.django_db
def test_history_starts_no_clock_and_tells_nobody():
    before = Notice.objects.count()
    run_import(workbook([line(number) for number in range(5)]), history=True)
    assert Ticket.objects.filter(is_history=True, state="closed").count() == 5
    assert not Deadline.objects.exists() and Notice.objects.count() == before


@pytest.mark.django_db
def test_an_import_that_was_killed_goes_on_where_it_stopped():
    raw = workbook([line(number) for number in range(1200)])
    job = imports.upload(raw, "大.xlsx", source="12345", unit=unit("social-work"), actor=user("dispatcher"), at=clock.now(), automatic=True)
    imports.run(job.pk, now=clock.now, most_chunks=1)
    job.refresh_from_db()
    assert (job.state, job.created) == ("importing", 500)
    ImportJob.objects.filter(pk=job.pk).update(beat_at=None)
    imports.run(job.pk, now=clock.now)
    job.refresh_from_db()
    assert (job.state, job.created, job.unchanged) == ("done", 1200, 0)


@pytest.mark.django_db
def test_a_dry_run_imports_nothing():
    job = run_import(workbook([line(1), line(2, called="x")]), dry_run=True)
    assert (job.state, job.rows, job.wrong, job.created) == ("done", 2, 1, 0) and not Ticket.objects.exists()


def bomb(member: str, body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([line(1)]))) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for info in good.infolist():
            bad.writestr(info, body if info.filename == member else good.read(info.filename))
    return out.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


@pytest.mark.parametrize(
    "raw",
    [
        bomb("xl/worksheets/sheet1.xml", SHEET % b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        bomb("xl/worksheets/sheet1.xml", SHEET % b'<row r="1"><c r="XFD1"><v>1</v></c></row>'),
        bomb("xl/worksheets/sheet1.xml", b" " * 90_000_000),
        bomb("xl/worksheets/sheet1.xml", b'<!DOCTYPE x [<!ENTITY a "aa">]>' + SHEET % b""),
        b"PK\x03\x04 not a zip", b"%PDF-1.7", b"\xff\xd8\xff\xe0", b"", b"a\x00b,c\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken",
        b"just one line of text", ",".join(["x"] * 500).encode(),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_quickly_and_in_chinese(raw):
    started = time.monotonic()
    with pytest.raises(Invalid) as refused:
        columns.guess(sheets.read(raw).rows)
    assert time.monotonic() - started < 20 and any("\u4e00" <= c <= "\u9fff" for c in refused.value.message)


@pytest.mark.django_db
def test_over_the_wire_an_import_is_accepted_worked_on_and_told():
    desk = Caller("social-work", "dispatcher")
    file = io.BytesIO(workbook([line(1), line(2, called="x")]))
    file.name = "a.xlsx"
    answer = desk.client.post("/api/v1/imports/", {"file": file, "source": "12345"}, headers={"Authorization": f"Token {desk.token}"})
    assert answer.status_code == 202
    pk = answer.json()["id"]
    imports.run(pk, now=clock.now)
    told = desk.get(f"imports/{pk}/").json()
    assert (told["state"], told["rows"], told["created"]) == ("done", 2, 1)
    assert told["errors"][0]["row"] == 4 and told["errors"][0]["field"] == "called_at"
    assert Caller("demo-heating-1", "handler").get(f"imports/{pk}/").status_code == 403
    assert Caller("demo-heating-1", "handler").post("imports/", {}).status_code in (403, 415)


@pytest.mark.django_db
def test_the_wizard_asks_for_columns_shows_faults_and_gives_back_the_wrong_rows():
    desk = browser("dispatcher")
    file = io.BytesIO(workbook([line(1), line(2, content="=cmd|' /C calc'!A0", called="明天")]))
    file.name = "a.xlsx"
    answer = desk.post("/imports/", {"file": file, "source": "12345"})
    job = ImportJob.objects.get()
    assert answer.status_code == 302 and answer.url == f"/imports/{job.pk}/"
    page = desk.get(answer.url).content.decode()
    assert "核对每一列" in page and "13812345678" not in page
    refused = desk.post(f"/imports/{job.pk}/columns/", {"column_2": "content"})
    assert refused.status_code == 422 and "来电时间" in refused.content.decode()
    desk.post(f"/imports/{job.pk}/columns/", {f"column_{column}": field for column, field in job.mapping.items()})
    imports.run(job.pk, now=clock.now)
    assert "无法识别" in desk.get(f"/imports/{job.pk}/").content.decode()
    wrong = openpyxl.load_workbook(io.BytesIO(desk.get(f"/imports/{job.pk}/wrong/").content)).active
    assert "来电时间" in wrong["A2"].value and wrong["B2"].value == "4"
    assert all(cell.data_type == "s" for row in wrong.iter_rows(min_row=2) for cell in row if cell.value is not None)
    desk.post(f"/imports/{job.pk}/run/")
    imports.run(job.pk, now=clock.now)
    assert Ticket.objects.count() == 1
