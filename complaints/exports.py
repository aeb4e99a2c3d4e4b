"""Ticket lists as spreadsheets: masked as on their page, of a thousand rows at once, of a hundred thousand in the background."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpResponse

from complaints import selectors
from complaints.models import OPEN_STATES, Category, Source, State, Ticket, TicketKind
from complaints.presenting_rows import row_of
from core.privacy import scrub
from units import access, exports

MOST = exports.DIRECT
COLUMNS = [
    ("编号", "number", 22), ("来源", "source", 12), ("状态", "state_name", 10), ("环节", "stage", 14), ("分类", "category", 12), ("标题", "title", 36),
    ("地点", "place", 24), ("街道", "street", 12), ("主办", "lead", 16), ("承办", "doer", 16), ("轮次", "round", 6),
]  # fmt: skip
MOMENTS = [("来电时间", 18), ("进入平台", 18), ("当前时限", 18), ("是否超时", 10), ("销号时间", 18)]
FILTERS = {
    "state": "状态", "late": "超时", "soon": "即将超时", "stage": "环节", "unit": "企业", "street": "街道", "community": "小区", "category": "分类", "source": "来源",
    "kind": "类型", "q": "搜索", "since": "自", "until": "至", "mine": "本单位",
}  # fmt: skip
_VALUES = {
    "state": {**dict(State.choices), "open": "未办结"}, "category": dict(Category.choices), "source": dict(Source.choices), "kind": dict(TicketKind.choices), "late": {"1": "是"},
    "soon": {"1": "是"}, "mine": {"lead": "主办", "doer": "承办", "assist": "协办", "watch": "知会"}, "stage": selectors.STAGE_NAMES,
}  # fmt: skip


def _found(user, given: dict, at: datetime):
    return _listed(selectors.tickets(user, selectors.Filters.read(given), at=at))


def _listed(found):
    return found.select_related("community", "street", "doer", "lead").only(*selectors.LISTED)


def _rows(user, at: datetime) -> Callable[[Ticket], tuple]:
    company = access.is_company(user)

    def cells(ticket: Ticket) -> tuple:
        row = row_of(company, ticket, at=at)
        is_late = row["is_late"] and ticket.state in OPEN_STATES
        return (*[row[key] for _, key, _ in COLUMNS], ticket.called_at, ticket.ingested_at, ticket.due_at, is_late, ticket.closed_at)

    return cells


def _said(given: dict) -> str:
    """“状态：已销号；街道：…”, without what is no filter of a ticket list."""
    return "；".join(f"{FILTERS[name]}：{scrub(_VALUES.get(name, {}).get(value, value))}" for name, value in given.items() if name in FILTERS)


TICKETS = exports.Listed(
    code="tickets", name="工单", columns=[*[(name, width) for name, _, width in COLUMNS], *MOMENTS], order=selectors.NEWEST, found=_found, rows=_rows, said=_said,
)  # fmt: skip


def of_numbers(user, numbers: list[str], *, at: datetime) -> HttpResponse:
    """Those of these tickets that `user` may see, at most 5,000, at once."""
    found = _listed(selectors.tickets(user, selectors.Filters(), at=at)).filter(number__in=numbers)
    return exports.direct(user, TICKETS, list(found.order_by(*selectors.NEWEST)[:MOST]), {"numbers": str(len(numbers))}, at=at)
