"""Any spreadsheet that a hotline exports is read; what is none, hides something or asks for too much is refused in words, quickly."""

import resource
import time
from datetime import datetime

import pytest

from core import sheets
from core.errors import Invalid
from tests.complaints import hotline_files as files

ROWS = [files.TITLE, files.HEADER, *files.lines(3)]


def texts(rows: list[list]) -> list[list[str]]:
    """Rows without the empty cells at their ends, as texts."""
    found = []
    for row in rows:
        cells = ["" if cell is None else str(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        found.append(cells)
    return found


@pytest.mark.clause("D18.1", "D1.7")
@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("xlsx", files.xlsx(ROWS)),
        ("xls", files.xls(ROWS)),
        ("csv", files.text(ROWS)),
        ("csv", files.text(ROWS, encoding="utf-8-sig")),
        ("csv", files.text(ROWS, encoding="gb18030")),
        ("csv", files.text(ROWS, encoding="utf-16")),
        ("csv", files.text(ROWS, delimiter=";")),
        ("csv", files.text(ROWS, delimiter="\t", encoding="gb18030")),
        ("csv", b"sep=;\r\n" + files.text(ROWS, delimiter=";")),
    ],
)
def test_every_kind_says_the_same(kind, raw):
    sheet = sheets.read(raw, "随便什么名字.pdf")
    assert sheet.kind == kind
    assert texts(sheet.rows) == texts(ROWS)


def test_what_a_file_is_called_does_not_matter():
    assert sheets.read(files.xls(ROWS), "工单.xlsx").kind == "xls"
    assert sheets.read(files.text(ROWS), "工单.xls").kind == "csv"


def test_dates_numbers_and_formulas_come_as_what_they_show():
    moment = datetime(2025, 11, 14, 9, 30)
    row = [moment, 20240106, 13800000000.0, True, ("=1+1", 2), ("=1/0", "#DIV/0!"), "=1+1", "0012"]
    read = sheets.read(files.xlsx([files.HEADER, row])).rows[1]
    assert read[:5] == [moment, 20240106, 13800000000, True, 2]
    assert read[6:8] == ["=1+1", "0012"]


def test_the_sheet_with_the_header_is_taken_not_the_cover():
    sheet = sheets.read(files.xlsx(ROWS, before=[["填写说明"], ["请勿修改表头"]]), header="complaints.hotline.columns")
    assert sheet.rows[0][0] == files.TITLE[0]


def test_commas_in_the_words_do_not_decide_the_delimiter():
    words = "冷,很冷,冷极了,没人管,求助,急,急,急"
    rows = [["工单编号", "诉求内容", "来电时间"], *[[f"A{number}", words, "2025-11-14 10:00"] for number in range(20)]]
    assert sheets.read(files.text(rows, delimiter="\t")).rows == rows


def test_line_breaks_and_quotes_within_a_cell_are_kept():
    rows = [files.HEADER, files.line("A1", '他说"暖气不热"，\n已经三天，\n请处理')]
    assert texts(sheets.read(files.text(rows)).rows) == texts(rows)


def test_a_quote_where_none_belongs_costs_nothing():
    raw = '工单编号,诉求内容,来电时间\r\nA1,"他说"冷"得很",2025-11-14 10:00\r\nA2,暖气不热,2025-11-14 10:05\r\n'.encode()
    rows = sheets.read(raw).rows
    assert len(rows) == 3 and rows[2] == ["A2", "暖气不热", "2025-11-14 10:05"]


def test_a_quote_that_swallows_the_rows_behind_it_is_refused_with_its_line():
    rows = ['A1,"没有收尾的引号,2025-11-14 10:00', "A2,暖气不热,2025-11-14 10:05", "A3,不热,2025-11-14 10:06"]
    raw = "\r\n".join(["工单编号,诉求内容,来电时间", *rows, ""]).encode()
    with pytest.raises(Invalid, match="第 2 行"):
        sheets.read(raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "空"),
        (b"   \n \n", "没有内容"),
        (b'"', "没有内容"),
        (b'""\n"', "没有内容"),
        (b"%PDF-1.7 ...", "只接受"),
        (b"\x89PNG\r\n\x1a\n....", "只接受"),
        (b"MZ\x90\x00" * 100, "只接受"),
        ("工单编号,内容\nA\x001,冷\n".encode(), "不是文本表格"),
        ("<html><table><tr><td>工单编号</td></tr></table></html>".encode(), "网页格式"),
        (b'<?xml version="1.0"?><Workbook/>', "网页格式"),
        (b"PK\x03\x04" + b"\x00" * 200, "损坏"),
        (files.xlsx(ROWS)[:3000], "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4000, "无法读取"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "密码"),
        (files.repacked(files.xlsx(ROWS), {"xl/vbaProject.bin": b"x"}), "宏"),
        (files.repacked(files.xlsx(ROWS), {"content.xml": "<x/>"}), "只接受"),
        (b"a\xff" * 50, "编码"),
        (b"x" * (sheets.MOST_BYTES + 1), "10 MB"),
        (files.text([files.HEADER, [str(number) for number in range(101)]]), "列数过多"),
        (files.text([["A"]] * 20_051), "行数过多"),
        (files.xlsx([[None] * 100 + ["x"]]), "列数过多"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(raw, said):
    with pytest.raises(Invalid, match=said) as refusal:
        sheets.read(raw)
    assert list(refusal.value.fields) == ["file"]


@pytest.mark.parametrize("name", list(files.bombs()))
def test_a_small_file_that_asks_for_everything_gets_nothing(name):
    raw = files.bombs()[name]
    assert len(raw) < 500_000
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(Invalid):
        sheets.read(raw)
    assert time.monotonic() - start < 10  # said generously for a busy machine; alone they take 0.01 to 2 s
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_cells_far_out_are_refused_before_anything_is_read():
    raw = files.bombs()["one cell far out"]
    start = time.monotonic()
    with pytest.raises(Invalid, match="行数过多"):
        sheets.read(raw)
    assert time.monotonic() - start < 5


def test_more_cells_than_a_file_may_have_are_refused_by_their_number_before_any_is_looked_at(monkeypatch):
    monkeypatch.setattr(sheets, "MOST_CELLS", 30)
    monkeypatch.setattr(sheets, "_guard_cells", lambda window: pytest.fail("looked at the cells"))
    with pytest.raises(Invalid, match="文件展开后过大"):
        sheets.read(files.xlsx([["工单编号", "诉求内容"], *[[f"A-{n}", "不热"] for n in range(40)]]))


def test_twenty_thousand_rows_are_not_too_many():
    assert len(sheets.read(files.text([files.TITLE, files.HEADER, *files.lines(20_000)])).rows) == 20_002
