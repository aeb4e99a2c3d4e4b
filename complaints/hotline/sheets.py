"""Opens a spreadsheet of whatever kind, safely: what it is by its content, what it may cost before it is read.

A 5 KB file can ask for a gigabyte. So an xlsx is first inflated by counting, its XML scanned for tricks and for cells
far out, and only then given to the reader.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import python_calamine

from core.errors import Invalid

MOST_BYTES = 10 * 1024 * 1024
MOST_INFLATED = 100 * 1024 * 1024
MOST_MEMBER = 80 * 1024 * 1024
MOST_RATIO = 200
MOST_ROWS = 20_050  # 20,000 tickets and some title rows
MOST_COLUMNS = 100
LONGEST_CELL = 32_767

_CELL = re.compile(rb'<c [^>]*?r="([A-Z]{1,4})(\d{1,9})"')
_ROW = re.compile(rb'<row [^>]*?r="(\d{1,9})"')
_CHUNK = 1 << 16

Cell = str | float | int | bool | datetime | date | time | timedelta | None


@dataclass(frozen=True)
class Sheet:
    """The first sheet with anything in it: its kind (xlsx, xls, csv) and its rows."""

    kind: str
    rows: list[list[Cell]]

    def __iter__(self) -> Iterator[list[Cell]]:
        return iter(self.rows)


def read(raw: bytes, name: str = "") -> Sheet:
    """The rows of a file. Invalid, naming `file`, for what is no spreadsheet, hides something, or asks for too much."""
    if not raw:
        raise Invalid("文件是空的", field="file")
    if len(raw) > MOST_BYTES:
        raise Invalid(f"文件过大，最多 {MOST_BYTES // 1024 // 1024} MB", field="file")
    if raw[:4] == b"PK\x03\x04":
        _guard_zip(raw)
        return Sheet("xlsx", _by_calamine(raw))
    if raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if b"E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e" in raw:
            raise Invalid("文件有密码保护，请去除密码后再导入", field="file")
        return Sheet("xls", _by_calamine(raw))
    if raw[:5] == b"%PDF-" or raw[:3] in (b"\xff\xd8\xff", b"\x89PN") or raw[:2] == b"MZ":
        raise Invalid("只接受 xlsx、xls、csv 文件", field="file")
    return Sheet("csv", _by_csv(raw))


def _guard_zip(raw: bytes) -> None:
    """Refuse a workbook that is more than it seems, before anything is built from it."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
            if len(names) > 2000:
                raise Invalid("文件结构异常", field="file")
            if any(name.endswith("vbaProject.bin") for name in names):
                raise Invalid("不接受带宏的工作簿（xlsm），请另存为 xlsx", field="file")
            if not any(name.startswith("xl/") for name in names):
                raise Invalid("只接受 xlsx、xls、csv 文件", field="file")
            total = 0
            for info in archive.infolist():
                total += _guard_member(archive, info)
                if total > MOST_INFLATED:
                    raise Invalid("文件展开后过大", field="file")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as fault:
        raise Invalid("文件损坏或有密码保护，无法读取", field="file") from fault


def _guard_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    is_sheet = info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml")
    is_xml = info.filename.endswith((".xml", ".rels"))
    size, tail = 0, b""
    with archive.open(info) as member:
        while chunk := member.read(_CHUNK):
            size += len(chunk)
            if size > MOST_MEMBER or (size > 1_000_000 and size > MOST_RATIO * max(info.compress_size, 1)):
                raise Invalid("文件展开后过大", field="file")
            if is_xml:
                window = tail + chunk
                if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
                    raise Invalid("文件含有不允许的内容", field="file")
                if is_sheet:
                    _guard_cells(window)
                tail = window[-200:]
    return size


def _guard_cells(window: bytes) -> None:
    for found in _ROW.finditer(window):
        if int(found[1]) > MOST_ROWS:
            raise Invalid("行数过多，每次最多 20,000 行，请拆分后导入", field="file")
    for found in _CELL.finditer(window):
        if int(found[2]) > MOST_ROWS:
            raise Invalid("行数过多，每次最多 20,000 行，请拆分后导入", field="file")
        if _column_number(found[1]) > MOST_COLUMNS:
            raise Invalid(f"列数过多，最多 {MOST_COLUMNS} 列", field="file")


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _by_calamine(raw: bytes) -> list[list[Cell]]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height > MOST_ROWS:
                raise Invalid("行数过多，每次最多 20,000 行，请拆分后导入", field="file")
            if sheet.total_width > MOST_COLUMNS:
                raise Invalid(f"列数过多，最多 {MOST_COLUMNS} 列", field="file")
            rows = sheet.to_python(skip_empty_area=False)
            if any(cell not in ("", None) for row in rows for cell in row):
                return rows
    except Invalid:
        raise
    except Exception as fault:  # the reader raises many kinds for files made to hurt it
        raise Invalid("文件损坏或格式不受支持，无法读取", field="file") from fault
    raise Invalid("文件里没有内容", field="file")


def _by_csv(raw: bytes) -> list[list[Cell]]:
    text = _decoded(raw)
    if "\x00" in text:
        raise Invalid("文件不是文本表格", field="file")
    sample = text[:20_000]
    delimiter = max(",;\t", key=lambda mark: sample.count(mark))
    csv.field_size_limit(LONGEST_CELL * 4)
    rows: list[list[Cell]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(row) > MOST_COLUMNS:
                raise Invalid(f"第 {len(rows) + 1} 行列数过多，最多 {MOST_COLUMNS} 列", field="file")
            rows.append(list(row))
            if len(rows) > MOST_ROWS:
                raise Invalid("行数过多，每次最多 20,000 行，请拆分后导入", field="file")
    except csv.Error as fault:
        raise Invalid(f"第 {len(rows) + 1} 行无法读取，请检查引号是否成对", field="file") from fault
    if not any(cell.strip() for row in rows for cell in row):
        raise Invalid("文件里没有内容", field="file")
    return rows


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif raw[:3] == b"\xef\xbb\xbf":
        encodings = ["utf-8-sig"]
    else:
        encodings = ["utf-8", "gb18030"]
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid("无法识别文件的文字编码，请另存为 UTF-8 或 GB18030 的 csv，或直接导入 xlsx", field="file")
