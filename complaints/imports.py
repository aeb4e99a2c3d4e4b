"""The life of an import 导入: uploaded → columns agreed → checked → imported, chunk by chunk, resumable at any row.

Rows take the same path as everything else (intake.receive_many): the same file twice changes nothing, a bad row costs
only itself, and history starts no clock and tells nobody.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from complaints import intake, routing
from complaints.hotline import columns, rows, sheets
from complaints.intake import Intake
from complaints.models import ImportFault, ImportJob, Source
from core import journal
from core.errors import Conflict, Invalid, PortalError
from units.models import Unit, User

log = logging.getLogger(__name__)

CHUNK = 500
STALE = timedelta(seconds=20)
RUNNING = (ImportJob.State.CHECKING, ImportJob.State.IMPORTING)
MOST_FAULTS_PER_ROW = 12


# ---------------------------------------------------------------- what people do


def upload(
    raw: bytes, name: str, *, source: str, unit: Unit, actor: User, at: datetime, automatic: bool = False, dry_run: bool = False, history: bool = False
) -> ImportJob:
    """Keep a file and guess its columns. Invalid, naming `file`, for what is no table or has no header.

    `automatic` goes on by itself; otherwise a person looks at the columns first.
    """
    if source not in Source.values:
        raise Invalid(f"来源只能是 {'、'.join(Source.values)}", field="source")
    sheet = sheets.read(raw, name)
    found = columns.guess(sheet.rows)
    if automatic and found.missing:
        raise Invalid(f"没有找到这些列：{'、'.join(columns.name_of(field) for field in found.missing)}", field="file")
    path = Path("imports") / f"{secrets.token_hex(16)}.bin"
    target = Path(settings.MEDIA_ROOT) / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.write_bytes(raw)
    with transaction.atomic():
        job = ImportJob.objects.create(
            name="".join(c for c in Path(name or "导入文件").name if c.isprintable())[:160] or "导入文件", path=str(path), size=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(), source=source, is_automatic=automatic, is_dry_run=dry_run, is_history=history,
            state=ImportJob.State.CHECKING if automatic else ImportJob.State.UPLOADED, mapping=found.mapping, columns=list(found.headings),
            rows=sum(1 for row in sheet.rows[found.first_row :] if not rows.is_empty(row)), next_row=found.first_row, unit=unit,
            uploaded_by=actor, uploaded_at=at,
        )  # fmt: skip
        journal.record(job, "import_upload", actor=actor, at=at, unit=unit.code, name=job.name, sha256=job.sha256, rows=job.rows, history=history)
    return job


def agree_columns(job: ImportJob, mapping: dict[str, str], *, history: bool, at: datetime) -> None:
    """The columns are right, or have been put right: the rows are checked next."""
    agreed = columns.checked(mapping, len(job.columns))
    _advance(job, (ImportJob.State.UPLOADED, ImportJob.State.CHECKED), ImportJob.State.CHECKING, mapping=agreed, is_history=history)


def begin(job: ImportJob, *, at: datetime) -> None:
    """Import what is right; what is wrong stays in the list."""
    _advance(job, (ImportJob.State.CHECKED,), ImportJob.State.IMPORTING)


def discard(job: ImportJob, *, at: datetime) -> None:
    """Leave it: the file goes, the record stays."""
    _advance(job, (ImportJob.State.UPLOADED, ImportJob.State.CHECKED), ImportJob.State.FAILED, error="已放弃", finished_at=at)
    _file_of(job).unlink(missing_ok=True)


def _advance(job: ImportJob, olds: tuple, new: str, **changes) -> None:
    if not ImportJob.objects.filter(pk=job.pk, state__in=olds).update(state=new, beat_at=None, **changes):
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
    """Take an import as far as it goes without a person. Safe to call twice: one worker holds it at a time."""
    at = now()
    held = ImportJob.objects.filter(pk=pk, state__in=RUNNING).filter(Q(beat_at=None) | Q(beat_at__lt=at - STALE))
    if not held.update(beat_at=at):
        return
    job = ImportJob.objects.select_related("unit", "uploaded_by").get(pk=pk)
    try:
        if job.state == ImportJob.State.CHECKING:
            _check(job, now)
        if job.state == ImportJob.State.IMPORTING:
            _import(job, now, most_chunks)
    except PortalError as fault:
        _fail(job, fault.message, now())
    except FileNotFoundError:
        _fail(job, "上传的文件已不在，请重新上传", now())
    except MemoryError:
        _fail(job, "文件过大，内存不足", now())


def _check(job: ImportJob, now: Callable[[], datetime]) -> None:
    """Read every row and keep what is wrong with it; nothing is imported yet."""
    at = now()
    faults, count, wrong = [], 0, 0
    for draft in _drafts(job, at):
        count += 1
        if draft.errors:
            wrong += 1
            faults += _faults(job, draft)
        if count % 2000 == 0:
            ImportJob.objects.filter(pk=job.pk).update(beat_at=now(), rows_done=count)
    if not job.is_automatic or job.is_dry_run:
        new = ImportJob.State.DONE if job.is_dry_run and job.is_automatic else ImportJob.State.CHECKED
    else:
        new = ImportJob.State.IMPORTING
    with transaction.atomic():
        ImportFault.objects.filter(job=job).delete()
        ImportFault.objects.bulk_create(faults, batch_size=1000)
        ImportJob.objects.filter(pk=job.pk).update(
            state=new, rows=count, rows_done=0, wrong=wrong, beat_at=now() if new == ImportJob.State.IMPORTING else None,
            finished_at=now() if new == ImportJob.State.DONE else None,
        )  # fmt: skip
    job.refresh_from_db()
    if new == ImportJob.State.DONE:
        _file_of(job).unlink(missing_ok=True)


def _import(job: ImportJob, now: Callable[[], datetime], most_chunks: int | None) -> None:
    """Import from where it stopped. A chunk and the mark how far it came are one transaction: killed anywhere, nothing is twice or lost."""
    register = routing.read_register()
    chunk: list[rows.RowDraft] = []
    done = 0
    for draft in _drafts(job, now(), start=job.next_row):
        chunk.append(draft)
        if len(chunk) == CHUNK:
            _import_chunk(job, chunk, register, now())
            chunk, done = [], done + 1
            if most_chunks is not None and done >= most_chunks:
                return
    if chunk:
        _import_chunk(job, chunk, register, now())
    at = now()
    with transaction.atomic():
        ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.DONE, finished_at=at, beat_at=None, rows_done=F("rows"))
        job.refresh_from_db()
        journal.record(
            job, "import_done", actor=job.uploaded_by, at=at, unit=job.unit.code, created=job.created, updated=job.updated,
            unchanged=job.unchanged, wrong=job.wrong,
        )  # fmt: skip
    _file_of(job).unlink(missing_ok=True)


def _import_chunk(job: ImportJob, chunk: list[rows.RowDraft], register: routing.Register, at: datetime) -> None:
    good = [draft for draft in chunk if not draft.errors]
    complaints = [_intake_of(job, draft, register) for draft in good]
    with transaction.atomic():
        results = intake.receive_many(complaints, actor=job.uploaded_by, at=at, register=register)
        faults, counts = [], {intake.CREATED: 0, intake.UPDATED: 0, intake.UNCHANGED: 0}
        refused = 0
        for draft, result in zip(good, results, strict=True):
            if isinstance(result, PortalError):
                refused += 1
                for name, said in (result.fields or {"": [result.message]}).items():
                    draft.errors += [{"row": draft.row, "field": name, "message": message} for message in said]
                faults += _faults(job, draft)
            elif isinstance(result, Exception):
                raise result
            else:
                counts[result.outcome] += 1
        ImportFault.objects.bulk_create(faults)
        ImportJob.objects.filter(pk=job.pk).update(
            next_row=chunk[-1].row, rows_done=F("rows_done") + len(chunk), created=F("created") + counts[intake.CREATED],
            updated=F("updated") + counts[intake.UPDATED], unchanged=F("unchanged") + counts[intake.UNCHANGED], wrong=F("wrong") + refused, beat_at=at,
        )  # fmt: skip


def _drafts(job: ImportJob, at: datetime, start: int | None = None):
    """The rows of a job's file from line `start` on (0-based), as drafts; empty rows are passed over."""
    sheet = sheets.read(_file_of(job).read_bytes(), job.name)
    first = columns.guess(sheet.rows).first_row if start is None else start
    for index in range(first, len(sheet.rows)):
        cells = sheet.rows[index]
        sheet.rows[index] = []  # what has been read need not be kept
        if not rows.is_empty(cells):
            yield rows.draft(index + 1, cells, job.mapping, job.columns, now=at)


def _intake_of(job: ImportJob, draft: rows.RowDraft, register: routing.Register) -> Intake:
    values = dict(draft.values)
    closed_at = values.pop("closed_at", None)
    if job.source == Source.HOTLINE and not values.get("external_no") and values.get("district_no"):
        values["external_no"] = values["district_no"]
    if job.is_history:
        values |= {"is_history": True, "closed_at": closed_at}
        named = register.unit_named(values["extra"].get(columns.name_of("doer"), ""))
        if named is not None:
            values["doer"] = named
    return Intake(source=job.source, **values)


def _faults(job: ImportJob, draft: rows.RowDraft) -> list[ImportFault]:
    cells = json.dumps(draft.cells, ensure_ascii=False)
    return [
        ImportFault(job=job, row=draft.row, field=error["field"][:40], message=error["message"][:300], cells=cells if number == 0 else "")
        for number, error in enumerate(draft.errors[:MOST_FAULTS_PER_ROW])
    ]


def _fail(job: ImportJob, said: str, at: datetime) -> None:
    log.warning("import %s failed: %s", job.pk, said)
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.FAILED, error=said[:300], finished_at=at, beat_at=None)
    _file_of(job).unlink(missing_ok=True)


def _file_of(job: ImportJob) -> Path:
    return Path(settings.MEDIA_ROOT) / job.path
