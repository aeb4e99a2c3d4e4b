"""Builders of 12345 files of every kind, as hotlines export them and as somebody might make them to hurt."""

import csv
import io
import json
import zipfile
from datetime import datetime
from functools import cache
from pathlib import Path

import xlsxwriter
import xlwt

SAMPLES = Path(__file__).parent / "data"
HEADER = [
    "工单编号", "诉求标题", "诉求内容", "诉求类型", "诉求人", "联系电话", "来电时间", "街道", "小区名称", "详细地址", "市交办办结期限", "工单状态",
]  # fmt: skip
TITLE = ["未央区12345热线供热类工单导出表"]
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def line(number: str, content: str = "家里暖气不热，客厅只有14度，请派人来看看。", called_at="2025-11-14 11:40", **more) -> list:
    """One ordinary row under HEADER."""
    values = {
        "工单编号": number, "诉求标题": "", "诉求内容": content, "诉求类型": "投诉", "诉求人": "王小明", "联系电话": "13812345678",
        "来电时间": called_at, "街道": "未央宫街道", "小区名称": "", "详细地址": "6号楼2单元", "市交办办结期限": "", "工单状态": "待办", **more,
    }  # fmt: skip
    return [values[name] for name in HEADER]


def lines(count: int, first: int = 1) -> list[list]:
    """Many ordinary rows, no two with the same words."""
    numbers = range(first, first + count)
    return [line(f"WY2025{number:08d}", f"第{number}户反映暖气不热，室内只有{13 + number % 5}度，请尽快处理。") for number in numbers]


def sample_texts() -> list[str]:
    """The real complaint texts that the repository keeps for the reader of complaints."""
    texts = []
    for path in sorted(SAMPLES.glob("*.jsonl")):
        texts += [json.loads(each)["text"] for each in path.read_text(encoding="utf-8").splitlines() if each.strip()]
    return texts


def of_samples(called_at: str = "2025-11-14 11:40") -> list[list]:
    """Rows made of every real text."""
    return [line(f"XA20251114{number:06d}", text, called_at) for number, text in enumerate(sample_texts(), 1)]


def xlsx(rows: list[list], *, formats: dict[type, str] | None = None, before: list[list] | None = None, merged: list[str] | None = None) -> bytes:
    """A workbook. `before`: rows of a sheet in front of it; `merged`: ranges such as A1:D1 merged with the first cell's text."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for name, body in (("说明", before), ("工单", rows)):
        if body is None:
            continue
        sheet = book.add_worksheet(name)
        for number, row in enumerate(body):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, column, cell, moment)
                elif isinstance(cell, tuple):
                    sheet.write_formula(number, column, cell[0], None, cell[1])
                elif cell is not None and cell != "":
                    sheet.write(number, column, cell)
        for area in merged or []:
            row, column = xlsxwriter.utility.xl_cell_to_rowcol(area.split(":")[0])
            sheet.merge_range(area, body[row][column])
    book.close()
    return out.getvalue()


def xls(rows: list[list]) -> bytes:
    """A workbook of the old kind."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("工单")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write(number, column, cell, moment)
            elif cell is not None and cell != "":
                sheet.write(number, column, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def text(rows: list[list], *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """A csv."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def sheet_xml(body: str, *, prologue: str = "") -> bytes:
    """A workbook whose one sheet is exactly this XML."""
    content = f'{prologue}<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
    return repacked(xlsx([["工单编号"]]), {"xl/worksheets/sheet1.xml": content})


def repacked(raw: bytes, changed: dict[str, str | bytes]) -> bytes:
    """A workbook with some of its members replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in [name for name in old.namelist() if name not in changed]:
            new.writestr(name, old.read(name))
        for name, content in changed.items():
            new.writestr(name, content)
    return out.getvalue()


@cache
def bombs() -> dict[str, bytes]:
    """Small files that ask for everything: memory, time, or somebody else's files."""
    spaces = " " * 300
    prefixed = f'<x:worksheet xmlns:x="{_MAIN}"><x:sheetData><x:row><x:c r="XFD1048576"/></x:row></x:sheetData></x:worksheet>'
    return {
        "one cell far out": sheet_xml('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        "far out in single quotes": sheet_xml(f"<row><c{spaces}r='XFD1048576'><v>1</v></c></row>"),
        "far out behind much space": sheet_xml(f"<row><c{' ' * 9000}r='XFD1048576'><v>1</v></c></row>"),
        "far out under a prefix": repacked(xlsx([["工单编号"]]), {"xl/worksheets/sheet1.xml": prefixed}),
        "rows without numbers": sheet_xml("<row><c><v>1</v></c></row>" * 60_000),
        "four million cells": sheet_xml(("<row>" + "<c/>" * 100 + "</row>") * 40_000),
        "a gigabyte of blanks": sheet_xml(" " * 90_000_000),
        "one long text a million times": repacked(
            sheet_xml(("<row>" + '<c t="s"><v>0</v></c>' * 60 + "</row>") * 19_000),
            {"xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}" count="1"><si><t>{"暖" * 32_000}</t></si></sst>'},
        ),
        "billion laughs": sheet_xml("<row/>", prologue='<!DOCTYPE w [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;">]>'),
        "external entity": sheet_xml("<row/>", prologue='<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
    }
