"""A table taken into the register: uploaded → columns agreed → preview → what is right is entered, what is wrong is handed back.

The same file twice changes nothing; a bad row costs only itself. What a file has no column for stays as it is.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from django.db import transaction

from core import journal, sheets
from core.errors import Conflict, Forbidden, Invalid, PortalError
from plants import register
from plants import register_kinds as kinds
from plants.models import RegisterImport
from plants.register_kinds import KINDS, Kind
from plants.register_selectors import finder
from units.models import User
from units.naming import normal

MOST_ROWS = 2_000
HEADER_WITHIN = 15
State = RegisterImport.State


def guess(kind: Kind, rows: list[list]) -> tuple[int, dict[str, str]]:
    """Where the header stands and which column is which field: (row index, column → field). Invalid where no header is found."""
    known = {normal(name): one.name for one in kind.fields for name in (one.label, one.name, *one.names)}
    best: tuple[int, dict[str, str]] = (0, {})
    for index, row in enumerate(rows[:HEADER_WITHIN]):
        found: dict[str, str] = {}
        for column, cell in enumerate(row):
            name = known.get(normal(str(cell or "").replace("*", "").replace("（必填）", "")))
            if name and name not in found.values():
                found[str(column)] = name
        if len(found) > len(best[1]):
            best = index, found
    if len(best[1]) < 2:
        raise Invalid(f"没有找到表头，请用{kind.label}的模板，或让第一行写明各列名称", field="file")
    return best


def upload(raw: bytes, name: str, *, kind: Kind, actor: User, at: datetime) -> RegisterImport:
    """Read a file and guess its columns. Invalid, naming `file`, for what is no table."""
    if not register.may_edit(actor):
        raise Forbidden("底册由区城管局（专班办公室）维护")
    rows = sheets.read(raw, name).rows
    header, mapping = guess(kind, rows)
    body = [[number, [_kept(cell) for cell in row]] for number, row in enumerate(rows[header + 1 :], header + 2) if any(cell not in ("", None) for cell in row)]
    if not body:
        raise Invalid("表头下面没有内容", field="file")
    if len(body) > MOST_ROWS:
        raise Invalid(f"每次最多 {MOST_ROWS} 行，请拆分", field="file")
    width = max(len(rows[header]), *(len(cells) for _, cells in body))
    headings = [str(_kept(rows[header][index]) or "") if index < len(rows[header]) else "" for index in range(width)]
    with transaction.atomic():
        job = RegisterImport.objects.create(
            kind=kind.code, name="".join(c for c in Path(name or "").name if c.isprintable())[:160] or "导入文件", sha256=hashlib.sha256(raw).hexdigest(),
            columns=[heading or f"第 {index + 1} 列" for index, heading in enumerate(headings)], mapping=mapping, rows=body, counts={"rows": len(body)},
            uploaded_by=actor, uploaded_at=at,
        )  # fmt: skip
        journal.record(job, "register_upload", actor=actor, at=at, kind=kind.code, name=job.name, sha256=job.sha256, rows=len(body))
    return job


def _kept(cell):
    """A cell as JSON keeps it."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else str(cell)
    return "".join(c for c in str(cell) if c != "\x00" and not 0xD800 <= ord(c) <= 0xDFFF)[:500] if isinstance(cell, str) else cell


def missing(job: RegisterImport) -> list[str]:
    """Labels of required fields that no column brings."""
    return [one.label for one in KINDS[job.kind].fields if one.required and one.name not in job.mapping.values()]


def agree_columns(job: RegisterImport, mapping: dict[str, str], *, actor: User, at: datetime) -> None:
    """The columns are right. Invalid where a field stands twice or a required one nowhere."""
    names = {one.name for one in KINDS[job.kind].fields}
    agreed = {column: name for column, name in mapping.items() if name and column.isdecimal() and int(column) < len(job.columns)}
    if set(agreed.values()) - names or len(set(agreed.values())) < len(agreed):
        raise Invalid("同一个字段只能对应一列", field="mapping")
    job.mapping = agreed
    if missing(job):
        raise Invalid(f"请指明哪一列是{'、'.join(missing(job))}", field="mapping")
    if not RegisterImport.objects.filter(pk=job.pk, state__in=(State.UPLOADED, State.CHECKED)).update(mapping=agreed, state=State.CHECKED):
        raise Conflict("该导入已结束，请重新上传")
    job.refresh_from_db()


def reconsider(job: RegisterImport) -> None:
    """Back to the columns."""
    if not RegisterImport.objects.filter(pk=job.pk, state=State.CHECKED).update(state=State.UPLOADED):
        raise Conflict("该导入的状态已变化")


def discard(job: RegisterImport, *, actor: User, at: datetime) -> None:
    """The rows go, the record stays."""
    if not RegisterImport.objects.filter(pk=job.pk, state__in=(State.UPLOADED, State.CHECKED)).update(state=State.DISCARDED, rows=[], finished_at=at):
        raise Conflict("该导入已结束")
    journal.record(job, "register_discard", actor=actor, at=at)


@dataclass
class Outcome:
    """What became, or would become, of the rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    # [row number, field, message, cells]
    faults: list = field(default_factory=list)
    # (row number, outcome, values) of the first right rows.
    shown: list = field(default_factory=list)

    @property
    def right(self) -> int:
        return self.created + self.updated + self.unchanged


def preview(job: RegisterImport, *, at: datetime) -> Outcome:
    """What would become of every row: entered for trial and taken back, so it is certain."""
    with transaction.atomic():
        outcome = _enter(job, at=at)
        transaction.set_rollback(True)
    return outcome


@transaction.atomic
def run(job: RegisterImport, *, actor: User, at: datetime) -> Outcome:
    """Enter what is right. Conflict when somebody else has done it."""
    if not register.may_edit(actor):
        raise Forbidden("底册由区城管局（专班办公室）维护")
    if not RegisterImport.objects.filter(pk=job.pk, state=State.CHECKED).update(state=State.DONE, finished_at=at):
        raise Conflict("该导入的状态已变化，请刷新后重试")
    outcome = _enter(job, at=at, actor=actor)
    counts = {"rows": len(job.rows), "created": outcome.created, "updated": outcome.updated, "unchanged": outcome.unchanged, "wrong": len(outcome.faults)}
    RegisterImport.objects.filter(pk=job.pk).update(counts=counts, faults=outcome.faults, rows=[])
    job.refresh_from_db()
    journal.record(job, "register_import", actor=actor, at=at, kind=job.kind, **counts)
    return outcome


def _enter(job: RegisterImport, *, at: datetime, actor: User | None = None) -> Outcome:
    kind, outcome, find = KINDS[job.kind], Outcome(), finder()
    fields = [(int(column), kind.field(name)) for column, name in job.mapping.items()]
    seen: dict[tuple, int] = {}
    for number, cells in job.rows:
        try:
            values = {one.name: kinds.read(one, cells[column] if column < len(cells) else None, find) for column, one in fields}
            key = tuple(str(values.get(name, "")) for name in (("plant", "street") if kind is kinds.CHARGES else ("code", "name", "plant", "community")))
            if seen.setdefault(key, number) != number:
                raise Invalid(f"与第 {seen[key]} 行重复", field=kind.fields[0].name)
            with transaction.atomic():
                said = register.enter(kind, values, actor=actor or job.uploaded_by, at=at, source=job.name)
        except PortalError as fault:
            outcome.faults.append([number, "、".join(kind.field(name).label for name in fault.fields if name in {one.name for one in kind.fields}), fault.message, cells])
            continue
        setattr(outcome, said, getattr(outcome, said) + 1)
        if len(outcome.shown) < 10:
            outcome.shown.append((number, said, cells))
        if kind is kinds.PLANTS and said == register.CREATED:
            find = finder()  # a station may follow its plant in the same file
    return outcome
