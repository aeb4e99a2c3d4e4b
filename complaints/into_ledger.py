"""A problem that a ticket shows enters the ledger 问题台账 (G11): the ticket goes on, the problem has its own owner and limit."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from complaints.models import Ticket
from core import civil, journal
from core.errors import Forbidden
from plants import ledger
from plants.models import Finding
from units import access
from units.models import Unit


@dataclass(frozen=True)
class Problem:
    """What is wrong, in words that name no complainant; who has to rectify it by the end of which day."""

    title: str
    unit: Unit
    severity: str
    due_on: date
    measure: str = ""


@transaction.atomic
def enter(ticket: Ticket, problem: Problem, *, actor, at: datetime) -> Finding:
    """Enter it for the unit of whoever enters it; the caller has checked that they supervise. Forbidden without a unit; Invalid (title, due_at)."""
    unit = access.home_unit(actor)
    if unit is None:
        raise Forbidden("您不属于任何单位，不能登记问题")
    found = ledger.Found(
        title=problem.title, unit=problem.unit, due_at=civil.day_bounds(problem.due_on)[1], severity=problem.severity, community=ticket.community,
        street=ticket.street, measure=problem.measure,
    )  # fmt: skip
    finding = ledger.open_finding(found, source=Finding.Source.TICKET, subject=ticket, unit=unit, by=str(actor), actor=actor, at=at)
    journal.record(ticket, "ledger", actor=actor, at=at, unit=unit.code, finding=finding.number, owner=problem.unit.code)
    return finding
