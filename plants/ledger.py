"""The life of a finding: found → rectified → verified and closed out by another unit (G11, D7.4, E6).

What every proven thing has in common (report, approve, refuse, reopen) is `deadlines.proof`; here is what makes it a
ledger: the number, the source, and who verifies.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core import attachments, civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine, proof
from deadlines import season as seasons
from deadlines.models import Season, Standing
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
def open_finding(found: Found, *, source: str, subject=None, unit: Unit, by: str = "", hidden: bool = False, files=(), actor, at: datetime) -> Finding:
    """Enter a finding into the ledger for the unit that found it. `subject` is what it was found by (an inspection…), `files` what shows it.

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
    for file in files:
        attachments.store(file, finding, actor=actor, at=at, field="files")
    proof.open_deadlines([finding])
    if not hidden:
        outbox.post(
            found.unit, f"问题台账：{finding.title}", key=f"finding:{finding.pk}:opened", at=at, audience="doer", kind="finding",
            link=finding.get_absolute_url(), body=f"编号 {finding.number}，{finding.get_severity_display()}，须于 {civil.spoken(found.due_at)} 前整改",
        )  # fmt: skip
    journal.record(finding, "found", actor=actor, at=at, unit=unit.code, title=finding.title, severity=finding.severity, owner=found.unit.code)
    return finding


@transaction.atomic
def extend(item: Finding, *, due_at: datetime, reason: str, actor, at: datetime) -> None:
    """The verifier gives more time, before the old limit is past, with the reason. Forbidden for the owner; Invalid; Conflict once late."""
    if not proof.may_verify(actor, item):
        raise Forbidden("由核验单位决定是否延期")
    if item.standing != Standing.OPEN:
        raise Conflict("已报告整改或已销号，不能延期")
    if not reason.strip():
        raise Invalid("请写明延期理由", field="reason")
    if due_at <= item.due_at:
        raise Invalid("延期须晚于原期限", field="due_on")
    stage = engine.limit(item.policy_code).policy.stage
    running = engine.open_of(item).filter(stage=stage).select_related("policy").first()
    if running is None or item.due_at < at:
        raise Conflict("原期限已过，不能延期")
    engine.move(running, due_at=due_at, at=at)
    before = item.due_at
    if not Finding.objects.filter(pk=item.pk, standing=Standing.OPEN, due_at=before).update(due_at=due_at):
        raise Conflict("状态已变化，请刷新后再试")
    item.due_at = due_at
    outbox.post(
        item.unit, f"整改期限延至 {civil.spoken(due_at)}：{item.title}", key=f"finding:{item.pk}:extended:{due_at.isoformat()}", at=at, audience="doer", kind="finding",
        link=item.get_absolute_url(), body=reason,
    )  # fmt: skip
    journal.record(item, "extend", actor=actor, at=at, unit=item.verifier.code, reason=reason, before=before.isoformat(), after=due_at.isoformat())


def _next_number(season: Season) -> str:
    Season.objects.select_for_update().get(pk=season.pk)  # one number at a time
    prefix = f"WT-{season.starts_on.year}-"
    last = Finding.objects.filter(number__startswith=prefix).order_by("-number").values_list("number", flat=True).first()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:05d}"


def _verifier(owner: Unit, finder: Unit) -> Unit:
    if finder != owner:
        return finder
    return Unit.objects.get(code=access.OFFICE if owner.code == access.BUREAU else access.BUREAU)
