"""Reading imports: for who takes in tickets."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from complaints.hotline import columns, rows
from complaints.models import ImportFault, ImportJob
from core import sheets
from core.errors import NotFound
from core.privacy import mask_name, mask_phone, scrub
from units import access


def imports(user) -> QuerySet[ImportJob]:
    """Every import, newest first. Forbidden for who does not take in tickets."""
    access.require(user, access.DISPATCH_TICKETS)
    return ImportJob.objects.select_related("unit", "uploaded_by").order_by("-id")


def import_to_see(user, pk: int) -> ImportJob:
    """One import, for who takes in tickets."""
    found = imports(user).filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


def faults(job: ImportJob, *, warnings: bool = False, limit: int = 1000) -> list[ImportFault]:
    """What is wrong, row by row; or what is only remarked."""
    return list(ImportFault.objects.filter(job=job, is_warning=warnings).order_by("row", "id")[:limit])


@dataclass(frozen=True)
class WrongRow:
    """A row that was not imported: its line, its cells as they were, and every reason."""

    row: int
    cells: list[str]
    reasons: list[str]


def wrong_rows(job: ImportJob, limit: int | None = None) -> list[WrongRow]:
    """Every wrong row, or the first `limit`, with its reasons together."""
    found: dict[int, WrongRow] = {}
    for fault in ImportFault.objects.filter(job=job, is_warning=False).order_by("row", "id").iterator(chunk_size=2000):
        if fault.row not in found:
            if limit is not None and len(found) == limit:
                break
            found[fault.row] = WrongRow(fault.row, json.loads(fault.cells) if fault.cells else [], [])
        name = columns.FIELDS[fault.field][0] if fault.field in columns.FIELDS else ""
        found[fault.row].reasons.append(f"{name}：{fault.message}" if name and name not in fault.message else fault.message)
    return list(found.values())


def sample(job: ImportJob, raw: bytes, limit: int = 5) -> list[list[str]]:
    """The first rows of a file, masked, for the page on which columns are agreed."""
    return [[cell[:60] for cell in masked(job, [rows.said(cell) for cell in cells])] for _, cells in _first(job, raw, limit)]


def masked(job: ImportJob, cells: list[str]) -> list[str]:
    """Cells as a page may show them: whoever called is not named, whatever column it was taken for first."""
    masks = {"complainant_name": mask_name, "complainant_phone": mask_phone, "other_phone": mask_phone}
    guessed = columns.fields_of(job.columns)
    return [
        masks.get(job.mapping.get(str(column), ""), masks.get(guessed[column] if column < len(guessed) else "", scrub))(cell)
        for column, cell in enumerate(cells)
    ]


def preview(job: ImportJob, raw: bytes, *, at: datetime, limit: int = 8) -> list[rows.RowDraft]:
    """The first rows of a file as they would be taken in, for the page before the import."""
    return [rows.draft(number, cells, job.mapping, job.columns, now=at) for number, cells in _first(job, raw, limit)]


def _first(job: ImportJob, raw: bytes, limit: int) -> list[tuple[int, list]]:
    sheet = sheets.read(raw, job.name, first=job.next_row + limit * 3, header=columns.__name__)
    found = [(number, cells) for number, cells in enumerate(sheet.rows[job.next_row :], job.next_row + 1) if not rows.is_empty(cells)]
    return found[:limit]
