"""The life of an import 导入: uploaded → columns agreed → checked → imported, chunk by chunk, resumable at any row.

Rows take the same path as everything else (intake.receive_many): the same file twice changes nothing, a bad row costs
only itself, and history starts no clock and tells nobody.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from complaints import intake, routing
from complaints.hotline import columns, rows
from complaints.intake import Intake
from complaints.models import ImportFault, ImportJob, Source, Ticket
from core import journal, sheets
from core.errors import Conflict, Invalid, PortalError
from units.models import Unit, User

log = logging.getLogger(__name__)

CHUNK = 500
STALE = timedelta(seconds=20)
KEPT = timedelta(days=7)  # how long a file full of names and phones waits for somebody to go on
RUNNING = (ImportJob.State.CHECKING, ImportJob.State.IMPORTING)
WAITING = (ImportJob.State.UPLOADED, ImportJob.State.CHECKED)
MOST_FAULTS_PER_ROW = 12
MOST_TRIES = 5


# ---------------------------------------------------------------- what people do


def upload(
    raw: bytes, name: str, *, source: str, unit: Unit, actor: User, at: datetime,
    automatic: bool = False, dry_run: bool = False, history: bool = False,
) -> ImportJob:  # fmt: skip
    """Keep a file and guess its columns. Invalid, naming `file`, for what is no table or has no header.

    `automatic` goes on by itself; otherwise a person looks at the columns first.
    """
    if source not in Source.values:
        raise Invalid(f"来源只能是 {'、'.join(Source.values)}", field="source")
    sheet = sheets.read(raw, name, header=columns.__name__)
    found = columns.guess(sheet.rows)
    missing = _missing(found.mapping, source)
    if automatic and missing:
        raise Invalid(f"没有找到这些列：{'、'.join(missing)}", field="file")
    count = sum(1 for row in sheet.rows[found.first_row :] if not rows.is_empty(row))
    if not count:
        raise Invalid("表头下面没有内容", field="file")
    path = Path("imports") / f"{secrets.token_hex(16)}.bin"
    target = Path(settings.MEDIA_ROOT) / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.touch(mode=0o600)
    target.write_bytes(raw)
    with transaction.atomic():
        job = ImportJob.objects.create(
            name="".join(c for c in Path(name or "导入文件").name if c.isprintable())[:160] or "导入文件", path=str(path), size=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(), source=source, is_automatic=automatic, is_dry_run=dry_run, is_history=history,
            state=ImportJob.State.CHECKING if automatic else ImportJob.State.UPLOADED, mapping=found.mapping, columns=list(found.headings),
            rows=count, next_row=found.first_row, unit=unit,
            uploaded_by=actor, uploaded_at=at,
        )  # fmt: skip
        journal.record(job, "import_upload", actor=actor, at=at, unit=unit.code, name=job.name, sha256=job.sha256, rows=job.rows, history=history)
    return job


def _missing(mapping: dict[str, str], source: str) -> list[str]:
    """Names of the columns without which not one row of the file could be imported."""
    fields = set(mapping.values())
    missing = [columns.name_of(name) for name in columns.REQUIRED if name not in fields]
    if source == Source.HOTLINE and not fields & {"external_no", "district_no"}:
        missing.insert(0, columns.name_of("external_no"))
    return missing


def agree_columns(job: ImportJob, mapping: dict[str, str], *, actor: User, at: datetime) -> None:
    """The columns are right, or have been put right: the rows are checked next. Invalid, naming the column, where they cannot be."""
    agreed = columns.checked(mapping, len(job.columns))
    missing = _missing(agreed, job.source)
    if missing:
        raise Invalid(f"请指明哪一列是{'、'.join(missing)}", field="mapping")
    with transaction.atomic():
        _advance(job, (ImportJob.State.UPLOADED,), ImportJob.State.CHECKING, mapping=agreed, rows_done=0)
        journal.record(job, "import_columns", actor=actor, at=at, unit=job.unit.code, mapping=agreed)


def reconsider(job: ImportJob) -> None:
    """Back to the columns: the preview showed that they are not right after all."""
    _advance(job, (ImportJob.State.CHECKED,), ImportJob.State.UPLOADED)


def begin(job: ImportJob, *, actor: User, at: datetime) -> None:
    """Import what is right; what is wrong stays in the list."""
    with transaction.atomic():
        _advance(job, (ImportJob.State.CHECKED,), ImportJob.State.IMPORTING, rows_done=0)
        journal.record(job, "import_begin", actor=actor, at=at, unit=job.unit.code, rows=job.rows, wrong=job.wrong)


def discard(job: ImportJob, *, actor: User | None, at: datetime, reason: str = "已放弃") -> None:
    """Leave it: the file goes, the record stays."""
    with transaction.atomic():
        _advance(job, WAITING, ImportJob.State.FAILED, error=reason, finished_at=at)
        ImportFault.objects.filter(job=job).delete()
        journal.record(job, "import_discard", actor=actor, at=at, unit=job.unit.code, reason=reason)
    _file_of(job).unlink(missing_ok=True)


def expire(at: datetime) -> int:
    """Files that nobody went on with are not kept for ever. How many went."""
    forgotten = ImportJob.objects.filter(state__in=WAITING, uploaded_at__lt=at - KEPT).select_related("unit").order_by("id")[:50]
    for job in forgotten:
        try:
            discard(job, actor=None, at=at, reason=f"{KEPT.days} 天未继续，已清除")
        except Conflict:
            continue  # somebody went on with it at this very moment
    return len(forgotten)


def _advance(job: ImportJob, olds: tuple, new: str, **changes) -> None:
    if not ImportJob.objects.filter(pk=job.pk, state__in=olds).update(state=new, beat_at=None, tries=0, **changes):
        raise Conflict("该导入的状态已变化，请刷新后重试")
    job.refresh_from_db()


def contents(job: ImportJob) -> bytes:
    """The uploaded file. Invalid when it is there no more."""
    try:
        return _file_of(job).read_bytes()
    except FileNotFoundError:
        raise Invalid("上传的文件已不在，请重新上传", field="file") from None


# ---------------------------------------------------------------- what the worker does


def waiting(at: datetime) -> list[int]:
    """Imports that run and that nobody works on: fresh ones, and those whose worker died."""
    return list(
        ImportJob.objects.filter(state__in=RUNNING).filter(Q(beat_at=None) | Q(beat_at__lt=at - STALE)).order_by("id").values_list("pk", flat=True)
    )


def run(pk: int, *, now: Callable[[], datetime], most_chunks: int | None = None) -> None:
    """Take an import as far as it goes without a person. Safe to call twice: one worker holds it at a time.

    A worker that dies, or meets what it did not expect, leaves it for the next; after MOST_TRIES without a step forward it fails.
    """
    at = now()
    held = ImportJob.objects.filter(pk=pk, state__in=RUNNING).filter(Q(beat_at=None) | Q(beat_at__lt=at - STALE))
    if not held.update(beat_at=at, tries=F("tries") + 1):
        return
    job = ImportJob.objects.select_related("unit", "uploaded_by").get(pk=pk)
    if job.tries > MOST_TRIES:
        _fail(job, f"连续 {MOST_TRIES} 次处理失败，已停在第 {job.next_row + 1} 行；此前的行已导入，可重新上传", at)
        return
    try:
        if job.state == ImportJob.State.CHECKING:
            _check(job, now)
        if job.state == ImportJob.State.IMPORTING:
            _import(job, now, most_chunks)
    except _Taken:
        log.warning("import %s was taken over by another worker", job.pk)
    except PortalError as fault:
        _fail(job, fault.message, now())
    except FileNotFoundError:
        _fail(job, "上传的文件已不在，请重新上传", now())
    except Exception:
        # Whatever it was: told where operators look, tried again by whoever comes next.
        log.exception("import %s stopped at row %s", job.pk, job.next_row)


class _Taken(Exception):
    """This worker was slow and another one has gone on in its place."""


@dataclass
class _Preview:
    """What a check finds: how many rows would become what, and everything to be said about them."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    wrong: int = 0
    warned: int = 0
    faults: list[ImportFault] = field(default_factory=list)
    # Number → its first row in the file, when the call was, and what the row said.
    seen: dict[str, tuple[int, datetime, int]] = field(default_factory=dict)


def _check(job: ImportJob, now: Callable[[], datetime]) -> None:
    """Read every row, say what would become of it and what is wrong with it; nothing is imported yet."""
    register = routing.read_register()
    preview = _Preview()
    for chunk in _chunks(_drafts(job, now())):
        _check_chunk(job, chunk, preview, register, now())
        if not ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.CHECKING).update(beat_at=now(), rows_done=preview.rows):
            raise _Taken
    state = ImportJob.State
    if not job.is_automatic:
        new = state.CHECKED
    else:
        new = state.DONE if job.is_dry_run else state.IMPORTING
    forecast = {"created": preview.created, "updated": preview.updated, "unchanged": preview.unchanged}
    at = now()
    with transaction.atomic():
        if not ImportJob.objects.filter(pk=job.pk, state=state.CHECKING).update(
            state=new, rows=preview.rows, wrong=preview.wrong, warned=preview.warned, tries=0, forecast=forecast,
            rows_done=0 if new == state.IMPORTING else preview.rows, beat_at=at if new == state.IMPORTING else None, finished_at=at if new == state.DONE else None,
        ):  # fmt: skip
            raise _Taken
        ImportFault.objects.filter(job=job).delete()
        ImportFault.objects.bulk_create(preview.faults, batch_size=1000)
    job.refresh_from_db()
    if new == state.DONE:
        _file_of(job).unlink(missing_ok=True)


def _check_chunk(job: ImportJob, chunk: list[rows.RowDraft], preview: _Preview, register: routing.Register, at: datetime) -> None:
    fresh: list[tuple[rows.RowDraft, Intake]] = []
    for draft in chunk:
        if draft.errors:
            continue
        complaint = _intake_of(job, draft, register)
        try:
            intake.check(complaint, at=at)
        except Invalid as fault:
            _take_over(draft, fault)
            continue
        if not _is_twin(draft, complaint, preview):
            fresh.append((draft, complaint))
    # Rows under a known number are taken in for trial and taken back: only so is it certain what they would change.
    numbers = [complaint.external_no for _, complaint in fresh if complaint.external_no]
    known = set(Ticket.objects.filter(source=job.source, external_no__in=numbers).values_list("external_no", flat=True))
    again = [(draft, complaint) for draft, complaint in fresh if complaint.external_no in known]
    preview.created += len(fresh) - len(again)
    if again:
        with transaction.atomic():
            results = intake.receive_many([complaint for _, complaint in again], actor=job.uploaded_by, at=at, register=register)
            transaction.set_rollback(True)
        for (draft, _), result in zip(again, results, strict=True):
            if isinstance(result, PortalError):
                _take_over(draft, result)
            elif result.outcome == intake.UPDATED:
                preview.updated += 1
            else:
                preview.unchanged += 1
    for draft in chunk:
        preview.rows += 1
        preview.wrong += bool(draft.errors)
        preview.warned += bool(draft.warnings and not draft.errors)
        preview.faults += _faults(job, draft)


def _is_twin(draft: rows.RowDraft, complaint: Intake, preview: _Preview) -> bool:
    """Whether the file had this number before: the same call is the same ticket, another call is a contradiction."""
    number = complaint.external_no
    if not number:
        return False
    says = hash(repr(sorted(draft.values.items(), key=lambda item: item[0])))
    first = preview.seen.setdefault(number, (draft.row, complaint.called_at, says))
    if first[0] == draft.row:
        return False
    if abs(first[1] - complaint.called_at) >= intake.SAME_MOMENT:
        draft.fault("external_no", f"编号与第 {first[0]} 行相同，但来电时间不同")
    elif first[2] == says:
        draft.warnings.append(f"与第 {first[0]} 行相同，只生成一件工单")
        preview.unchanged += 1
    else:
        draft.warnings.append(f"编号与第 {first[0]} 行相同，作为该工单的补充")
        preview.updated += 1
    return True


def _import(job: ImportJob, now: Callable[[], datetime], most_chunks: int | None) -> None:
    """Import from where it stopped. A chunk and the mark how far it came are one transaction: killed anywhere, nothing is twice or lost."""
    register = routing.read_register()
    wrong = set(ImportFault.objects.filter(job=job, is_warning=False).values_list("row", flat=True))
    for done, chunk in enumerate(_chunks(_drafts(job, now()))):
        if most_chunks is not None and done >= most_chunks:
            return
        _import_chunk(job, chunk, wrong, register, now())
    at = now()
    with transaction.atomic():
        if not ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.IMPORTING).update(
            state=ImportJob.State.DONE, finished_at=at, beat_at=None, rows_done=F("rows")
        ):
            raise _Taken
        job.refresh_from_db()
        journal.record(
            job, "import_done", actor=job.uploaded_by, at=at, unit=job.unit.code, created=job.created, updated=job.updated,
            unchanged=job.unchanged, wrong=job.wrong,
        )  # fmt: skip
    _file_of(job).unlink(missing_ok=True)


def _import_chunk(job: ImportJob, chunk: list[rows.RowDraft], wrong: set[int], register: routing.Register, at: datetime) -> None:
    """`wrong`: rows that the check refused. What it let pass and is refused now (the world has moved on) is added to the list."""
    taken = [draft for draft in chunk if draft.row not in wrong]
    good = [draft for draft in taken if not draft.errors]
    complaints = [_intake_of(job, draft, register) for draft in good]
    counts = {intake.CREATED: 0, intake.UPDATED: 0, intake.UNCHANGED: 0}
    with transaction.atomic():
        # First of all, under the row's lock: whoever finds the mark moved has been overtaken and writes nothing.
        here = ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.IMPORTING, next_row=job.next_row)
        if not here.update(next_row=chunk[-1].row, beat_at=at, tries=0):
            raise _Taken
        results = intake.receive_many(complaints, actor=job.uploaded_by, at=at, register=register)
        for draft, result in zip(good, results, strict=True):
            if isinstance(result, PortalError):
                _take_over(draft, result)
            elif isinstance(result, Exception):
                raise result
            else:
                counts[result.outcome] += 1
        refused = [draft for draft in taken if draft.errors]
        for draft in refused:
            draft.warnings.clear()  # said at the check
        ImportFault.objects.bulk_create([fault for draft in refused for fault in _faults(job, draft)])
        ImportJob.objects.filter(pk=job.pk).update(
            rows_done=F("rows_done") + len(chunk), created=F("created") + counts[intake.CREATED], updated=F("updated") + counts[intake.UPDATED],
            unchanged=F("unchanged") + counts[intake.UNCHANGED], wrong=F("wrong") + len(refused),
        )  # fmt: skip
    job.next_row = chunk[-1].row


def _drafts(job: ImportJob, at: datetime) -> Iterator[rows.RowDraft]:
    """The rows of a job's file that are still to be done, as drafts; empty rows are passed over."""
    sheet = sheets.read(_file_of(job).read_bytes(), job.name, header=columns.__name__)
    for index in range(job.next_row, len(sheet.rows)):
        cells = sheet.rows[index]
        sheet.rows[index] = []  # what has been read need not be kept
        if not rows.is_empty(cells):
            yield rows.draft(index + 1, cells, job.mapping, job.columns, now=at)


def _chunks(drafts: Iterable[rows.RowDraft]) -> Iterator[list[rows.RowDraft]]:
    chunk: list[rows.RowDraft] = []
    for draft in drafts:
        chunk.append(draft)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _take_over(draft: rows.RowDraft, fault: PortalError) -> None:
    """What intake has against a row, as faults of the row."""
    for name, messages in (fault.fields or {"": [fault.message]}).items():
        for message in messages:
            draft.fault(name, message)


def _intake_of(job: ImportJob, draft: rows.RowDraft, register: routing.Register) -> Intake:
    values = dict(draft.values)
    values["extra"] = dict(values["extra"])
    closed_at = values.pop("closed_at", None)
    if job.source == Source.HOTLINE and not values.get("external_no") and values.get("district_no"):
        values["external_no"] = values["district_no"]
    if not values.get("external_no") and job.source != Source.HOTLINE:
        # A list kept by hand has no numbers: what a row says is its number, so that the same file twice is the same tickets.
        told = [values["called_at"].isoformat(), values["content"], *(values.get(name, "") for name in ("complainant_phone", "address", "building"))]
        values["external_no"] = f"row-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]}"
    if job.is_history:
        values |= {"is_history": True, "closed_at": closed_at}
        named = register.unit_named(values["extra"].get(columns.name_of("doer"), ""))
        if named is not None:
            values["doer"] = named
    elif closed_at is not None:
        # Closed elsewhere says nothing about here: kept, and the ticket runs its course.
        values["extra"][columns.name_of("closed_at")] = f"{closed_at:%Y-%m-%d %H:%M}"
    return Intake(source=job.source, **values)


def _faults(job: ImportJob, draft: rows.RowDraft) -> list[ImportFault]:
    cells = json.dumps(draft.cells, ensure_ascii=False) if draft.errors else ""
    found = [
        ImportFault(job=job, row=draft.row, field=error["field"][:40], message=error["message"][:300], cells=cells if number == 0 else "")
        for number, error in enumerate(draft.errors[:MOST_FAULTS_PER_ROW])
    ]
    found += [ImportFault(job=job, row=draft.row, message=remark[:300], is_warning=True) for remark in draft.warnings[:MOST_FAULTS_PER_ROW]]
    return found


def _fail(job: ImportJob, said: str, at: datetime) -> None:
    log.warning("import %s failed: %s", job.pk, said)
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.FAILED, error=said[:300], finished_at=at, beat_at=None)
    _file_of(job).unlink(missing_ok=True)


def _file_of(job: ImportJob) -> Path:
    return Path(settings.MEDIA_ROOT) / job.path
