"""One act on many tickets 批量: each by itself, with its own result; what one may not touch is skipped and said so."""

from dataclasses import dataclass
from datetime import datetime

from complaints import access as ticket_access
from complaints import dispatching, lifecycle, links, returns
from core.errors import Invalid, PortalError
from units.selectors import unit_by_code

MOST = 200
NAMES = {"nudge": "催办", "transfer": "转派", "link": "并案", "dispatch": "按建议交办"}


@dataclass(frozen=True)
class Result:
    """What became of one ticket."""

    number: str
    is_done: bool
    said: str


def do(user, code: str, numbers: list[str], said, *, at: datetime) -> list[Result]:
    """Do `code` to each ticket. Invalid for an act that cannot be done in bulk, or for nothing chosen."""
    if code not in NAMES:
        raise Invalid("不支持这项批量操作", field="act")
    if not numbers:
        raise Invalid("请先勾选工单", field="number")
    unit = unit_by_code(said.get("unit", "")) if code == "transfer" else None
    target = said.get("to", "").strip() if code == "link" else ""
    if code == "link" and not target:
        target, numbers = numbers[0], numbers[1:]
        if not numbers:
            raise Invalid("并案至少勾选两件", field="number")
    return [_one(user, code, number, said.get("reason", "").strip(), unit, target, at) for number in dict.fromkeys(numbers)]


def _one(user, code: str, number: str, reason: str, unit, target: str, at: datetime) -> Result:
    try:
        ticket = ticket_access.ticket_to_dispatch(user, number)
        if code == "nudge":
            lifecycle.nudge(ticket, note=reason, actor=user, at=at)
        elif code == "transfer":
            returns.transfer(ticket, unit=unit, reason=reason or "批量转派", actor=user, at=at)
        elif code == "link":
            links.link(ticket, ticket_access.ticket_to_see(user, target), reason=reason or "同一诉求", actor=user, at=at)
        else:
            suggestion = dispatching.suggestion_for(ticket, at=at, category=ticket.category)
            if not suggestion.is_matched:
                return Result(number, False, "系统无明确建议，请逐件交办")
            order = dispatching.decide(ticket, at=at, category=suggestion.category, note=reason)
            lifecycle.dispatch(ticket, order, actor=user, at=at)
    except PortalError as fault:
        return Result(number, False, fault.message)
    return Result(number, True, f"已{NAMES[code].removeprefix('按建议')}")
