"""Supervision orders with the limits behind them, to be taken along."""

from collections.abc import Callable
from datetime import datetime

from deadlines import selectors
from deadlines.models import Escalation
from units.exports import Listed

COLUMNS = [("级别", 6), ("事项", 24), ("环节", 12), ("轮次", 6), ("责任单位", 20), ("起算", 18), ("应完成", 18), ("办结", 18), ("超时（分钟）", 12), ("应报", 18), ("报出", 18), ("含未单报的级别", 12), ("签收人", 12), ("签收", 18), ("处置意见", 40)]  # fmt: skip
FILTERS = {"unit": "责任单位", "kind": "环节", "level": "级别", "signed": "签收", "late": "仍超时"}
_TRUTH = {"1": "是", "0": "否", "true": "是", "false": "否"}


def _found(user, given: dict, at: datetime):
    return selectors.narrowed_escalations(user, given, at=at)


def _rows(user, at: datetime) -> Callable[[Escalation], tuple]:
    def cells(one: Escalation) -> tuple:
        deadline = one.deadline
        return (
            one.level, deadline.label, deadline.policy.name, deadline.round, str(one.unit), deadline.opened_at, deadline.due_at, deadline.settled_at,
            round(deadline.seconds_late(at) / 60, 1), one.breach_at, one.detected_at, "、".join(map(str, one.collapsed)), str(one.signed_by or ""), one.signed_at, one.note,
        )  # fmt: skip

    return cells


def _said(given: dict) -> str:
    stages = dict(selectors.stages()) if "kind" in given else {}
    return "；".join(f"{FILTERS[name]}：{stages.get(value, value) if name == 'kind' else _TRUTH.get(value, value) if name in ('signed', 'late') else value}" for name, value in given.items() if name in FILTERS)


ESCALATIONS = Listed(
    code="escalations", name="督办单", columns=COLUMNS, order=selectors.LATEST, found=_found, rows=_rows, said=_said,
)  # fmt: skip
