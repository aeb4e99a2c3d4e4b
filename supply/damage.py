"""Damage to heating pipes 管网损毁: a street stops it, reports it to the police and the bureau, and has their receipts (E10)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core import attachments, civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from deadlines import season as seasons
from notices import outbox
from plants import ledger
from plants.models import Community, Finding, Severity
from supply import numbering
from supply.models import DamageReceipt, DamageReport
from units import access
from units.models import Unit

RECEIVERS = ("public-security", access.BUREAU)
STAGE, POLICY = "damage_receipt", "damage-receipt"
LONGEST_AGO = timedelta(days=30)


@dataclass(frozen=True)
class Damage:
    """What was found damaged, where and when, and whether it was stopped. `repair_by`: enter it into the ledger, due then."""

    place: str
    what: str
    found_at: datetime
    community: Community | None = None
    company: Unit | None = None
    is_stopped: bool = False
    stopped_note: str = ""
    repair_by: datetime | None = None


@transaction.atomic
def report(street: Unit, said: Damage, *, files=(), actor, at: datetime) -> DamageReport:
    """A street reports damage. Police and bureau each owe a receipt; the company repairs by the ledger, if a day is named.

    Forbidden; Invalid (place, what, found_at, company, repair_by, files).
    """
    if actor is not None and street.pk not in access.unit_ids(actor, access.HANDLE_TICKETS) | access.unit_ids(actor, access.INSPECT):
        raise Forbidden("由发现的街道报告")
    if not said.place.strip():
        raise Invalid("请填写地点", field="place")
    if not said.what.strip():
        raise Invalid("请写明损毁情况", field="what")
    if not at - LONGEST_AGO <= said.found_at <= at:
        raise Invalid("发现时间应在三十天之内，且不晚于现在", field="found_at")
    company = said.company or (said.community.company if said.community else None)
    if said.repair_by is not None and company is None:
        raise Invalid("请选择管网企业，才能列入问题台账", field="company")
    receivers = {unit.code: unit for unit in Unit.objects.filter(code__in=RECEIVERS)}
    made = DamageReport.objects.create(
        number=numbering.take(DamageReport, "SH", at=at), season=seasons.required(at), street=street, found_at=said.found_at, place=said.place.strip()[:120],
        community=said.community, company=company, what=said.what.strip()[:2000], is_stopped=said.is_stopped, stopped_note=said.stopped_note.strip()[:300],
        reported_at=at, reported_by=actor, is_demo=street.is_demo or bool(company and company.is_demo) or bool(actor and actor.is_demo),
    )  # fmt: skip
    kept = [attachments.store(file, made, actor=actor, at=at, field="files") for file in files]
    for code in RECEIVERS:
        receipt = DamageReceipt.objects.create(report=made, unit=receivers[code])
        engine.open_deadline(POLICY, receipt, receivers[code], at=at, street=street)
        outbox.post(
            receivers[code], f"管网损毁报告：{made.place}", key=f"damage:{made.pk}:{code}", at=at, audience="workers", kind="damage", level=1,
            link=made.get_absolute_url(), body=f"{street} 报告，发现于 {civil.spoken(made.found_at)}；{'已制止' if made.is_stopped else '尚未制止'}。请回执并查处。",
        )  # fmt: skip
    if said.repair_by is not None:
        _enter(made, company, said.repair_by, actor=actor, at=at)
    journal.record(
        made, "report", actor=actor, at=at, unit=street.code, place=made.place, stopped=made.is_stopped, to=list(RECEIVERS),
        finding=made.finding.number if made.finding else None, files=[str(file.pk) for file in kept],
    )  # fmt: skip
    return made


def _enter(made: DamageReport, company: Unit, repair_by: datetime, *, actor, at: datetime) -> None:
    found = ledger.Found(
        title=f"管网损毁：{made.place}", unit=company, due_at=repair_by, severity=Severity.SERIOUS, community=made.community, street=made.street
    )
    try:
        made.finding = ledger.open_finding(found, source=Finding.Source.DAMAGE, subject=made, unit=made.street, by=str(actor or ""), actor=actor, at=at)
    except Invalid as fault:
        raise Invalid(fault.message, field="repair_by") from fault
    made.save(update_fields=["finding"])


def may_confirm(user, receipt: DamageReceipt) -> bool:
    """Whether `user` may confirm a receipt: for the unit that received the report."""
    return receipt.unit_id in access.unit_ids(user, access.HANDLE_TICKETS)


@transaction.atomic
def confirm(receipt: DamageReceipt, *, note: str = "", actor, at: datetime) -> None:
    """The report has been received and is taken up. Forbidden; Conflict when it was confirmed already."""
    if actor is not None and not may_confirm(actor, receipt):
        raise Forbidden("由接收单位回执")
    if not DamageReceipt.objects.filter(pk=receipt.pk, received_at=None).update(received_at=at, received_by=actor, note=note.strip()[:300]):
        raise Conflict("已回执")
    engine.settle(receipt, STAGE, at=at)
    report = receipt.report
    outbox.post(
        report.street, f"管网损毁报告已回执：{receipt.unit}", key=f"damage-receipt:{receipt.pk}", at=at, audience="workers", kind="damage",
        link=report.get_absolute_url(), body=note.strip()[:300],
    )  # fmt: skip
    journal.record(report, "confirm", actor=actor, at=at, unit=receipt.unit.code, reason=note.strip())
