"""The life of a finding: found → rectified → verified and closed out by another unit (G11, D7.4, E6).

What every proven thing has in common (report, approve, refuse, reopen) is `deadlines.proof`; here is what makes it a
ledger: the number, the source, and who verifies.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core import civil, journal
from core.errors import Invalid
from deadlines import proof
from deadlines import season as seasons
from deadlines.models import Season
from notices import outbox
from plants.models import Community, Finding, Plant, Severity
from units import access
from units.models import Unit


@dataclass(frozen=True)
class Found:
    """What was found: a title, how grave, who has to rectify it by when, and where."""

    title: str
    unit: Unit
    due_at: datetime
    severity: str = Severity.GENERAL
    plant: Plant | None = None
    community: Community | None = None
    street: Unit | None = None
    measure: str = ""


@transaction.atomic
def open_finding(found: Found, *, source: str, subject=None, unit: Unit, by: str = "", hidden: bool = False, actor, at: datetime) -> Finding:
    """Enter a finding into the ledger for the unit that found it. `subject` is what it was found by (an inspection…).

    The finding unit verifies its rectification, unless it owes it itself: then the bureau does, or the office.
    Invalid (title, due_at).
    """
    if not found.title.strip():
        raise Invalid("请写明问题", field="title")
    if found.due_at <= at:
        raise Invalid("整改期限须晚于现在", field="due_at")
    season = seasons.required(at)
    finding = Finding.objects.create(
        season=season, number=_next_number(season), source=source, source_kind=getattr(subject, "journal_kind", ""),
        source_key=str(getattr(subject, "journal_key", "")), unit=found.unit, verifier=_verifier(found.unit, unit), found_unit=unit, plant=found.plant,
        community=found.community, street=found.street, title=found.title.strip()[:200], severity=found.severity, measure=found.measure,
        found_at=at, found_by=by[:60], opened_at=at, due_at=found.due_at, is_hidden=hidden,
        is_demo=found.unit.is_demo or bool(found.plant and found.plant.is_demo),
    )  # fmt: skip
    proof.open_deadlines([finding])
    if not hidden:
        outbox.post(
            found.unit, f"问题台账：{finding.title}", key=f"finding:{finding.pk}:opened", at=at, audience="doer", kind="finding",
            link=finding.get_absolute_url(), body=f"编号 {finding.number}，{finding.get_severity_display()}，须于 {civil.spoken(found.due_at)} 前整改",
        )  # fmt: skip
    journal.record(finding, "found", actor=actor, at=at, unit=unit.code, title=finding.title, severity=finding.severity, owner=found.unit.code)
    return finding


def _next_number(season: Season) -> str:
    Season.objects.select_for_update().get(pk=season.pk)  # one number at a time
    prefix = f"WT-{season.starts_on.year}-"
    last = Finding.objects.filter(number__startswith=prefix).order_by("-number").values_list("number", flat=True).first()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:05d}"


def _verifier(owner: Unit, finder: Unit) -> Unit:
    if finder != owner:
        return finder
    return Unit.objects.get(code=access.OFFICE if owner.code == access.BUREAU else access.BUREAU)
