"""An escalation is signed 签收: somebody of the task force's office has taken it up, and said what is done."""

from datetime import datetime

from django.db import transaction

from core import journal
from core.errors import Conflict
from deadlines.models import Escalation
from units import access


@transaction.atomic
def sign(escalation: Escalation, *, note: str, actor, at: datetime) -> None:
    """Take up an escalation. Conflict when somebody has signed it already: an order has one hand."""
    signed = Escalation.objects.filter(pk=escalation.pk, signed_at=None).update(signed_at=at, signed_by=actor, note=note.strip())
    if not signed:
        raise Conflict("该督办单已被签收")
    escalation.signed_at, escalation.signed_by, escalation.note = at, actor, note.strip()
    unit = access.home_unit(actor)
    journal.record(
        Subject(escalation), "sign", actor=actor, at=at, unit=unit.code if unit else "", reason=note.strip(), level=escalation.level,
        escalation=escalation.pk, stage=escalation.deadline.stage,
    )  # fmt: skip


class Subject:
    """Under which subject an escalation is journalled: its ticket's history, where it has one."""

    def __init__(self, escalation: Escalation):
        deadline = escalation.deadline
        is_ticket = deadline.subject_type.model == "ticket"
        self.journal_kind = "ticket" if is_ticket else "deadline"
        self.journal_key = deadline.label if is_ticket else str(deadline.pk)
