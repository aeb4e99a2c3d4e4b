"""The callback desk: whom one has to call back, by when, for what, and how often one has tried (G25, behaviour 9)."""

from dataclasses import dataclass
from datetime import datetime

from complaints import clocks, rulebook
from complaints.models import Callback, State, Ticket
from core import civil
from deadlines import engine
from deadlines.models import Deadline
from units import access

MOST, MOST_ON_PAPER = 100, 5000


@dataclass(frozen=True)
class Due:
    """A callback that is owed: progress or result, until when, and the attempts of this round that reached nobody."""

    ticket: Ticket
    deadline: Deadline
    kind: str
    attempts: int
    advice: str


def owed(user, *, at: datetime, most: int | None = None) -> list[Due]:
    """The callbacks that `user`'s units owe, what is due first first, at most so many (MOST). A constant number of queries."""
    own = access.unit_ids(user, access.HANDLE_TICKETS)
    open_ones = list(
        Deadline.objects.filter(unit__in=own, stage=clocks.CALLBACK, settled_at=None, subject_type=engine.subject_type(Ticket))
        .order_by("due_at", "id")[: most or MOST]
    )  # fmt: skip
    tickets = {
        ticket.pk: ticket
        for ticket in Ticket.objects.filter(pk__in=[one.subject_id for one in open_ones]).select_related("community", "street", "doer", "lead")
    }
    missed: dict[int, list[datetime]] = {}
    for ticket, round_, called in Callback.objects.filter(ticket__in=tickets, kind=Callback.Kind.RESULT, reached=False).values_list("ticket", "round", "called_at"):
        if tickets[ticket].round == round_:
            missed.setdefault(ticket, []).append(called)
    found = []
    for one in open_ones:
        ticket = tickets.get(one.subject_id)
        if ticket is None or ticket.state in (State.RECEIVED, State.CLOSED, State.VOID):
            continue
        tries = missed.get(ticket.pk, [])
        kind = Callback.Kind.RESULT if ticket.state == State.FINISHED else Callback.Kind.PROGRESS
        found.append(Due(ticket, one, kind, len(tries), _advice(tries, at)))
    return found


def _advice(tries: list[datetime], at: datetime) -> str:
    """What the rule of attempts asks for next, in words."""
    if not tries:
        return ""
    rules = rulebook.current(at)
    attempts, halves = rules.number("unreachable", "attempts", default=3), rules.number("unreachable", "half_days", default=2)
    seen = {civil.half_day_of(moment) for moment in tries}
    said = f"已 {len(tries)} 次未接通"
    if len(tries) >= attempts - 1 and len(seen) < halves and civil.half_day_of(at) in seen:
        return f"{said}，须换半天再打"
    return f"{said}，{attempts} 次、分 {halves} 个半天仍未接通方可按联系不上办结"
