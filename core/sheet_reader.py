"""A process of its own that reads one workbook, with hard limits on memory and time: `python -m core.sheet_reader`.

The reader is native code and ends its whole process when memory runs out, which no `except` can catch; and what is made
to hurt may run for minutes. Here it hurts nobody. The workbook comes on standard input; each row goes out as one line of
JSON, a closing line says that it was all, or what is wrong. No Django in here: it has to start quickly.
"""

import contextlib
import importlib
import io
import json
import resource
import sys
from datetime import date, datetime, time, timedelta

import python_calamine

from core.errors import Invalid

MOST_MEMORY = 768 * 1024 * 1024  # address space, of which Python and the reader take some 150 MB before they read anything
MOST_SECONDS = 20  # of processor time; 20,000 rows by 30 columns take less than 2
MOST_CHARACTERS = 60_000_000  # a text that a million cells share is written out a million times
MOST_SHEETS = 20
HEADER_WITHIN = 30  # rows in which a header may stand
BLANK = ("", None)


def main() -> int:
    """Read standard input. Arguments: most rows, most columns, how many rows to write, the module that knows a header (or nothing)."""
    most_rows, most_columns, first = (int(argument) for argument in sys.argv[1:4])
    for what, limit in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, MOST_SECONDS), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # a system that knows no such limit, or has a lower one already
            resource.setrlimit(what, (limit, limit))
    out = sys.stdout
    try:
        for line in _lines(sys.stdin.buffer.read(), most_rows, most_columns, first, sys.argv[4]):
            out.write(line + "\n")
    except Exception as fault:  # the reader raises many kinds for files made to hurt it
        out.write(json.dumps({"bad": "unreadable", "why": type(fault).__name__}) + "\n")
    out.flush()
    return 0


def _lines(raw: bytes, most_rows: int, most_columns: int, first: int, header: str):
    """The rows of the first sheet in which a header is found; without any, of the first with something in it."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
    shown = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet and sheet.visible == python_calamine.SheetVisibleEnum.Visible
    ]
    columns = importlib.import_module(header) if header else None
    fallback: list[list] = []
    for name in shown[:MOST_SHEETS]:
        sheet = book.get_sheet_by_name(name)
        if sheet.total_height > most_rows or sheet.total_width > most_columns:
            yield json.dumps({"bad": "rows" if sheet.total_height > most_rows else "columns"})
            return
        rows = sheet.to_python(skip_empty_area=False)
        del sheet
        if not any(cell not in BLANK for row in rows for cell in row):
            continue
        try:
            if columns:
                columns.guess(rows[: HEADER_WITHIN + 1])
        except Invalid:
            fallback = fallback or rows
            continue
        yield from _written(rows[:first])
        return
    yield from _written(fallback[:first]) if fallback else [json.dumps({"bad": "empty"})]


def _written(rows: list[list]):
    characters = 0
    for row in rows:
        characters += sum(len(cell) for cell in row if isinstance(cell, str))
        if characters > MOST_CHARACTERS:
            yield json.dumps({"bad": "long"})
            return
        yield json.dumps(row, default=_tagged, ensure_ascii=False)
    yield json.dumps({"rows": len(rows)})


def _tagged(cell) -> dict[str, str]:
    if isinstance(cell, datetime):
        return {"datetime": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, (time, timedelta)):
        return {"text": str(cell)}
    raise TypeError(type(cell).__name__)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(main())
