"""The clocks of a ticket: which open when, on whom, and which one runs out first."""

from datetime import datetime

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from complaints.models import Assignment, Part, Ticket
from complaints.rulebook import Rulebook
from deadlines import engine
from deadlines.models import Deadline
from units.models import Unit

DISPATCH, RESPONSE, VISIT, CALLBACK = "dispatch", "response", "visit", "callback"
CITY, ASSIST, RULING = "city", "assist", "ruling"
# The stages that bind the doer and begin anew with each round and each segment.
DOER_STAGES = (RESPONSE, VISIT, CALLBACK)


def of_doer(ticket: Ticket, unit: Unit, book: Rulebook, limits: dict, *, at: datetime) -> list[Deadline]:
    """The doer's clocks for this round and segment, all running from `at`."""
    return [
        engine.draft(
            limits[code], ticket, unit, at=at, street=ticket.street, round=ticket.round, segment=ticket.segment
        )
        for code in book.stages(ticket.kind, ticket.source, ticket.category)
    ]


def of_city(ticket: Ticket, unit: Unit, limits: dict, *, at: datetime) -> list[Deadline]:
    """The city's own due time, binding the lead; none when the ticket brought none."""
    if ticket.city_due_at is None:
        return []
    return [engine.draft(limits[CITY], ticket, unit, at=at, due_at=ticket.city_due_at, street=ticket.street, round=ticket.round, segment=ticket.segment)]


def of_assists(ticket: Ticket, tasks: list[Assignment], limits: dict, *, at: datetime) -> list[Deadline]:
    """A task's own clock for each assist that has one."""
    return [
        engine.draft(limits[ASSIST], ticket, task.unit, at=at, street=ticket.street, round=ticket.round, segment=ticket.segment)
        for task in tasks
        if task.part == Part.ASSIST
    ]


def refresh(ticket: Ticket) -> None:
    """Keep with the ticket which clock runs out first, for queues."""
    first = (
        Deadline.objects.filter(subject_type=engine.subject_type(Ticket), subject_id=OuterRef("pk"), settled_at=None)
        .order_by("due_at", "id")
    )  # fmt: skip
    Ticket.objects.filter(pk=ticket.pk).update(
        due_at=Subquery(first.values("due_at")[:1]), stage=_or_empty(Subquery(first.values("stage")[:1]))
    )


def running(ticket: Ticket, stage: str) -> Deadline | None:
    """The open clock of a stage in the present round and segment."""
    return (
        engine.open_of(ticket).filter(stage=stage, round=ticket.round, segment=ticket.segment)
        .select_related("policy").order_by("-sequence").first()
    )  # fmt: skip


def _or_empty(expression):
    return Coalesce(expression, Value(""))
