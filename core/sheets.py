"""Opens a spreadsheet of whatever kind, safely: what it is by its content, what it may cost before it is read.

A 5 KB file can ask for a gigabyte. So an xlsx is first inflated by counting, its XML scanned for tricks and for cells
far out, and only then given to the reader, which works in a process of its own under hard limits.
"""

import csv
import io
import json
import re
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from core.errors import Invalid

MOST_BYTES = 10 * 1024 * 1024
MOST_INFLATED = 100 * 1024 * 1024
MOST_MEMBER = 80 * 1024 * 1024
MOST_RATIO = 200
MOST_ROWS = 20_050  # 20,000 rows and some title rows
MOST_COLUMNS = 100
MOST_CELLS = 2 * 20_000 * 60  # of all its sheets' parts, empty ones with a format among them
LONGEST_CELL = 32_767

PATIENCE = 60  # seconds on the clock of the wall, for a reader that hangs without working
DELIMITERS = ",;\t|"

_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Za-z]{1,4})(\d{1,9})""")
_ROW = re.compile(rb"""<(?:\w+:)?row\s[^>]*?\br\s*=\s*["'](\d{1,9})""")
_CELL_MARKS = (b"<c ", b"<c>", b":c ", b":c>")
_CHUNK = 1 << 16
_LONGEST_TAG = 4096
_OTHERS = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"MZ", b"\x1f\x8b")
_HOUSE = Path(__file__).resolve().parents[1]
_TOO_MANY_ROWS = "行数过多，每次最多 20,000 行，请拆分后导入"
_TOO_MANY_COLUMNS = f"列数过多，最多 {MOST_COLUMNS} 列"
_TOO_MUCH = "文件展开后过大，请拆分后导入"
_UNREADABLE = "文件损坏或格式不受支持，无法读取，请用 Excel 打开后另存为 xlsx"
_ANSWERS = {"rows": _TOO_MANY_ROWS, "columns": _TOO_MANY_COLUMNS, "long": _TOO_MUCH, "empty": "文件里没有内容", "unreadable": _UNREADABLE}

Cell = str | float | int | bool | datetime | date | None


@dataclass(frozen=True)
class Sheet:
    """The sheet that has a header, or the first with anything in it: its kind (xlsx, xls, csv) and its rows."""

    kind: str
    rows: list[list[Cell]]

    def __iter__(self) -> Iterator[list[Cell]]:
        return iter(self.rows)


def read(raw: bytes, name: str = "", *, first: int | None = None, header: str = "") -> Sheet:
    """The rows of a file. Invalid, naming `file`, for what is no spreadsheet, hides something, or asks for too much.

    `first`: only so many rows, for a glance. `header`: the module whose `guess(rows)` finds a header and raises Invalid where
    there is none; of several sheets the first that has one is read.
    """
    if not raw:
        raise Invalid("文件是空的", field="file")
    if len(raw) > MOST_BYTES:
        raise Invalid(f"文件过大，最多 {MOST_BYTES // 1024 // 1024} MB", field="file")
    if raw[:4] == b"PK\x03\x04":
        _guard_zip(raw)
        return Sheet("xlsx", _by_reader(raw, first, header))
    if raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if "EncryptedPackage".encode("utf-16-le") in raw:
            raise Invalid("文件有密码保护，请去除密码后再导入", field="file")
        return Sheet("xls", _by_reader(raw, first, header))
    if raw.startswith(_OTHERS):
        raise Invalid("只接受 xlsx、xls、csv 文件", field="file")
    start = raw[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<meta", b"<?xml")):
        # Many systems name a web page .xls; Excel opens it with a warning.
        raise Invalid("这是网页格式的表格（扩展名虽为 xls），请用 Excel 打开后另存为 xlsx 再导入", field="file")
    return Sheet("csv", _by_csv(raw)[:first])


def _guard_zip(raw: bytes) -> None:
    """Refuse a workbook that is more than it seems, before anything is built from it."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
            if len(names) > 2000 or len(set(names)) < len(names):
                raise Invalid("文件结构异常", field="file")
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise Invalid("不接受带宏的工作簿（xlsm），请另存为 xlsx", field="file")
            # The reader also knows xlsb and ods, whose tricks are not looked for below.
            if "xl/workbook.xml" not in names or "xl/workbook.bin" in names or "content.xml" in names:
                raise Invalid("只接受 xlsx、xls、csv 文件", field="file")
            total = 0
            for info in archive.infolist():
                total += _guard_member(archive, info)
                if total > MOST_INFLATED:
                    raise Invalid(_TOO_MUCH, field="file")
            for info in archive.infolist():
                if _is_xml(info) and "sheet" in info.filename.lower():
                    _guard_sheet(archive, info)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as fault:
        raise Invalid("文件损坏或有密码保护，无法读取", field="file") from fault


def _guard_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """How large a part of a workbook is, as long as it is not too much: counted while it is inflated, and nothing else yet, for that is quick."""
    size = cells = 0
    tail = b""
    with archive.open(info) as member:
        while chunk := member.read(_CHUNK):
            size += len(chunk)
            if size > MOST_MEMBER or (size > 1_000_000 and size > MOST_RATIO * max(info.compress_size, 1)):
                raise Invalid(_TOO_MUCH, field="file")
            if _is_xml(info):
                window = tail + chunk
                if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
                    raise Invalid("文件含有不允许的内容", field="file")
                cells += sum(chunk.count(mark) for mark in _CELL_MARKS)
                if cells > MOST_CELLS:
                    raise Invalid(_TOO_MUCH, field="file")
                tail = chunk[-16:]
    return size


def _guard_sheet(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    tail = b""
    with archive.open(info) as member:
        while chunk := member.read(_CHUNK):
            window = tail + chunk
            _guard_cells(window)
            # A tag that the chunk's end cut in two is looked at again as a whole.
            cut = window.rfind(b"<")
            tail = window[cut:][-_LONGEST_TAG:] if cut >= 0 else b""


def _is_xml(info: zipfile.ZipInfo) -> bool:
    return info.filename.lower().endswith((".xml", ".rels", ".vml"))


def _guard_cells(window: bytes) -> None:
    """Refuse cells far out: a table is as large as its farthest cell. Quick, and not the last word: the reader has its limits."""
    if any(int(found[1]) > MOST_ROWS for found in _ROW.finditer(window)):
        raise Invalid(_TOO_MANY_ROWS, field="file")
    for found in _CELL.finditer(window):
        if int(found[2]) > MOST_ROWS:
            raise Invalid(_TOO_MANY_ROWS, field="file")
        if len(found[1]) > 1 and _column_number(found[1].upper()) > MOST_COLUMNS:
            raise Invalid(_TOO_MANY_COLUMNS, field="file")


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _by_reader(raw: bytes, first: int | None, header: str) -> list[list[Cell]]:
    """The rows as core.sheet_reader says them, from a process that may die of the file."""
    command = [sys.executable, "-m", "core.sheet_reader", str(MOST_ROWS), str(MOST_COLUMNS), str(first or MOST_ROWS), header]
    rows: list[list[Cell]] = []
    last: dict = {}
    with subprocess.Popen(command, cwd=_HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        alarm = threading.Timer(PATIENCE, reader.kill)
        alarm.start()
        try:
            try:
                reader.stdin.write(raw)
                reader.stdin.close()
            except BrokenPipeError:
                pass  # it died of it: no closing line will come
            for line in reader.stdout:
                said = json.loads(line, object_hook=_untagged)
                if isinstance(said, dict):
                    last = said
                else:
                    rows.append(said)
        except ValueError as fault:  # died in the middle of a line
            raise Invalid(_TOO_MUCH, field="file") from fault
        finally:
            alarm.cancel()
            reader.kill()
    if "bad" in last:
        raise Invalid(_ANSWERS[last["bad"]], field="file")
    if last.get("rows") != len(rows):
        raise Invalid(_TOO_MUCH, field="file")
    return rows


def _untagged(said: dict):
    if "datetime" in said:
        return datetime.fromisoformat(said["datetime"])
    if "date" in said:
        return date.fromisoformat(said["date"])
    return said.get("text", said)


def _by_csv(raw: bytes) -> list[list[Cell]]:
    text = _decoded(raw)
    if "\x00" in text:
        raise Invalid("文件不是文本表格", field="file")
    if text.count("\n") > MOST_ROWS * 50:
        raise Invalid(_TOO_MANY_ROWS, field="file")
    announced = re.match(r"sep=(.)\r?\n", text)  # what Excel writes so that Excel knows
    if announced:
        text = text[announced.end() :]
    delimiter = announced[1] if announced else _delimiter(text)
    try:
        rows = _parsed(text, delimiter, is_strict=True)
    except csv.Error as fault:
        rows = _forgiving(text, delimiter, fault)
    if not any(cell.strip() for row in rows for cell in row):
        raise Invalid("文件里没有内容", field="file")
    return rows


def _forgiving(text: str, delimiter: str, fault: csv.Error) -> list[list[Cell]]:
    """A quote where none belongs is read as it stands; one that swallows the rows behind it is refused: they would be lost."""
    try:
        rows = _parsed(text, delimiter, is_strict=False)
    except csv.Error as worse:
        raise Invalid("csv 无法读取，请检查引号是否成对，或改用 xlsx", field="file") from worse
    widths = Counter(len(row) for row in rows if row) or Counter([0])  # a quote alone leaves nothing
    usual = widths.most_common(1)[0][0]
    for number, row in enumerate(rows, 1):
        for cell in row:
            if any(line.count(delimiter) >= max(usual - 1, 2) for line in cell.splitlines()[1:]):
                raise Invalid(f"第 {number} 行的引号不成对，其后的行无法分开，请更正或改用 xlsx", field="file") from fault
    return rows


def _parsed(text: str, delimiter: str, *, is_strict: bool) -> list[list[Cell]]:
    csv.field_size_limit(LONGEST_CELL * 4)
    rows: list[list[Cell]] = []
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=is_strict):
        while row and not row[-1]:
            row.pop()  # Excel writes out the empty cells of its widest row
        if len(row) > MOST_COLUMNS:
            raise Invalid(f"第 {len(rows) + 1} 行列数过多，最多 {MOST_COLUMNS} 列", field="file")
        rows.append(list(row))
        if len(rows) > MOST_ROWS and row:
            raise Invalid(_TOO_MANY_ROWS, field="file")
    return rows


def _delimiter(text: str) -> str:
    """The mark by which most of the first lines fall into the same number of cells, the more the better."""

    def score(mark: str) -> tuple[float, int]:
        widths = []
        try:
            for row in csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=mark):
                if any(row):
                    widths.append(len(row))
                if len(widths) == 40:
                    break
        except csv.Error:
            pass
        wide = [width for width in widths if width > 1]
        if not wide:
            return 0.0, 0
        width, times = Counter(wide).most_common(1)[0]
        return times / len(widths), width

    csv.field_size_limit(LONGEST_CELL * 4)
    return max(DELIMITERS, key=score)


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
