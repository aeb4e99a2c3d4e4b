"""The journal to be taken along by whoever audits, however long it has become."""

from collections.abc import Callable
from datetime import datetime

from core.models import Entry
from units import access, audit
from units.exports import Listed

COLUMNS = [("序号", 10), ("时间", 20), ("事项", 18), ("对象类别", 14), ("对象", 24), ("操作人", 14), ("单位", 20), ("理由", 40), ("散列", 66)]
FILTERS = {"kind": "类别", "act": "事项", "actor": "操作人", "subject": "对象", "since": "自", "until": "至"}


def _found(user, given: dict, at: datetime):
    access.require(user, access.AUDIT)
    return audit.entries(audit.Asked.of(given))


def _rows(user, at: datetime) -> Callable[[Entry], tuple]:
    return lambda row: (
        row.position, row.at, audit.NAMES.get(row.act, row.act), row.subject_kind, row.subject_key, row.actor_name or "系统", row.unit_code, row.reason, row.hash,
    )  # fmt: skip


def _said(given: dict) -> str:
    return "；".join(f"{FILTERS[name]}：{audit.KINDS[value][0] if name == 'kind' else value}" for name, value in given.items() if name in FILTERS)


JOURNAL = Listed(code="journal", name="台账流水", columns=COLUMNS, order=("-position",), found=_found, rows=_rows, said=_said)
