"""Ticket lists as spreadsheets: masked, every text a text and never a formula, and each export in the journal."""

import io
from datetime import datetime

import xlsxwriter
from django.http import HttpResponse

from complaints import selectors
from complaints.presenting_rows import row_of
from core import civil, journal
from core.privacy import scrub
from units import access

MOST = 5000
COLUMNS = [
    ("编号", "number", 22), ("来源", "source", 12), ("状态", "state_name", 10), ("环节", "stage", 14), ("分类", "category", 12), ("标题", "title", 36),
    ("地点", "place", 24), ("街道", "street", 12), ("主办", "lead", 16), ("承办", "doer", 16), ("轮次", "round", 6),
]  # fmt: skip


def response(user, *, filters: selectors.Filters | None = None, numbers: list[str] | None = None, at: datetime) -> HttpResponse:
    """The tickets of a list (or those chosen) as an xlsx file, at most 5,000 rows."""
    found = selectors.tickets(user, filters or selectors.Filters(), at=at)
    if numbers is not None:
        found = found.filter(number__in=numbers)
    tickets = list(found.select_related("community", "street", "doer", "lead").only(*selectors.LISTED).order_by("-ingested_at", "-id")[:MOST])
    company = access.is_company(user)
    body = _workbook([row_of(company, ticket, at=at) | {"times": ticket} for ticket in tickets], at)
    journal.record(user, "export", actor=user, at=at, rows=len(tickets), filters=filters.given if filters else {"numbers": len(numbers or [])})
    answer = HttpResponse(body, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    answer.headers["Content-Disposition"] = f'attachment; filename="tickets-{at.astimezone(civil.SHANGHAI):%Y%m%d-%H%M}.xlsx"'
    return answer


def _workbook(rows: list[dict], at: datetime) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": True})
    sheet = book.add_worksheet("工单")
    bold = book.add_format({"bold": True, "bg_color": "#E9F1FC", "border": 1})
    headings = [*[name for name, _, _ in COLUMNS], "来电时间", "进入平台", "当前时限", "是否超时", "销号时间"]
    for column, name in enumerate(headings):
        sheet.write_string(0, column, name, bold)
        sheet.set_column(column, column, COLUMNS[column][2] if column < len(COLUMNS) else 18)
    sheet.freeze_panes(1, 1)
    for line, row in enumerate(rows, 1):
        for column, (_, key, _) in enumerate(COLUMNS):
            sheet.write_string(line, column, scrub(str(row[key])))
        ticket = row["times"]
        moments = [ticket.called_at, ticket.ingested_at, ticket.due_at, None, ticket.closed_at]
        for offset, moment in enumerate(moments):
            said = ("是" if row["is_late"] else "否") if offset == 3 else civil.spoken(moment) if moment else ""
            sheet.write_string(line, len(COLUMNS) + offset, said)
    book.close()
    return out.getvalue()
