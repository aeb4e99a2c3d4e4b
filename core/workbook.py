"""Lists as spreadsheets: every text a text and never a formula, numbers as numbers, phone numbers masked in running text."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import xlsxwriter
from django.http import HttpResponse

from core import civil
from core.privacy import scrub

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST = 20_000
_PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


class Public(str):
    """A text that is public as it stands, such as a published number: not masked."""


@dataclass(frozen=True)
class Sheet:
    """A table: its name, its columns as (heading, width in characters), its rows, and lines to stand above the headings."""

    name: str
    columns: list[tuple[str, int]]
    rows: Iterable
    above: tuple[str, ...] = ()


def workbook(*sheets: Sheet) -> bytes:
    """The sheets as the bytes of an xlsx file; at most 20,000 rows each."""
    out = io.BytesIO()
    _write_book(xlsxwriter.Workbook(out, {**_PLAIN, "in_memory": True}), sheets, MOST)
    return out.getvalue()


def write(path: Path, *sheets: Sheet, most: int) -> None:
    """The sheets as an xlsx file at `path`, at most `most` rows each: a row leaves memory as it is written, however many there are."""
    _write_book(xlsxwriter.Workbook(str(path), {**_PLAIN, "constant_memory": True, "tmpdir": str(path.parent)}), sheets, most)


def response(filename: str, *sheets: Sheet) -> HttpResponse:
    """A workbook to be saved as `filename` (without suffix; may be Chinese)."""
    return as_download(HttpResponse(workbook(*sheets), content_type=XLSX), filename)


def as_download(answer, filename: str):
    """The same answer, to be saved as `filename` (without suffix; may be Chinese)."""
    answer.headers["Content-Disposition"] = f"attachment; filename=\"list.xlsx\"; filename*=UTF-8''{quote(filename)}.xlsx"
    return answer


def _write_book(book: xlsxwriter.Workbook, sheets: Iterable[Sheet], most: int) -> None:
    bold = book.add_format({"bold": True, "bg_color": "#E9F1FC", "border": 1, "text_wrap": True, "valign": "vcenter"})
    title = book.add_format({"bold": True, "font_size": 14})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for sheet in sheets:
        page = book.add_worksheet("".join(c for c in sheet.name if c not in "[]:*?/\\")[:31])
        line = 0
        for index, text in enumerate(sheet.above):
            page.write_string(line, 0, text, title if index == 0 else None)
            line += 1
        for column, (name, width) in enumerate(sheet.columns):
            page.write_string(line, column, name, bold)
            page.set_column(column, column, width)
        page.freeze_panes(line + 1, 0)
        for row in islice(sheet.rows, most):
            line += 1
            for column, value in enumerate(row):
                _write(page, line, column, value, wrap)
    book.close()


def _write(page, line: int, column: int, value, wrap) -> None:
    if value is None or value == "":
        page.write_blank(line, column, None)
    elif isinstance(value, bool):
        page.write_string(line, column, "是" if value else "否")
    elif isinstance(value, (int, float, Decimal)):
        page.write_number(line, column, float(value))
    elif isinstance(value, Public):
        page.write_string(line, column, value)
    elif isinstance(value, datetime):
        page.write_string(line, column, civil.spoken(value))
    elif isinstance(value, date):
        page.write_string(line, column, value.isoformat())
    else:
        page.write_string(line, column, scrub(str(value))[:32_000], wrap)
