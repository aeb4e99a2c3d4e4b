"""Ticket rows for lists on the screen: ready strings, so that a template only places them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from complaints import selectors, situations
from complaints.models import Category, Source, State, Ticket
from complaints.presenting import row_words
from core import civil
from core.countdown import countdown
from core.together import Waiting, may_wait
from units import access

TONES = {
    State.RECEIVED: "amber", State.DISPATCHED: "amber", State.RESPONDED: "amber", State.ARRIVED: "blue", State.FINISHED: "blue",
    State.CLOSED: "green", State.VOID: "",
}  # fmt: skip


@may_wait
def rows_of(user, tickets: Iterable[Ticket], *, at: datetime) -> Waiting[list[dict]]:
    """One dict a ticket: number, url, title, place, unit names, state, and the countdown's due moment and tone."""
    company = access.is_company(user)
    tickets = list(tickets)
    known = yield from situations.of.later(tickets, at=at)
    return [row_of(company, ticket, at=at, situation=known.get(ticket.pk, situations.NOTHING)) for ticket in tickets]


def row_of(is_company: bool, ticket: Ticket, *, at: datetime, situation: situations.Situation = situations.NOTHING) -> dict:
    """One ticket as a list row."""
    title, building = row_words(is_company, ticket)
    place = " ".join(part for part in (ticket.community.name if ticket.community_id else "", building) if part)
    category = ticket.category or ticket.suggested_category
    due = ticket.due_at
    clock = countdown(due, at=at) if due else None
    # An outage of one building would tell where a hidden complainant lives.
    tags = [] if is_company and ticket.hides_complainant else situation.tags
    return {
        "pk": ticket.pk,
        "number": ticket.number,
        "short": ticket.number[7:],
        "url": f"/tickets/{ticket.number}/",
        "title": title,
        "place": place or "地点待核",
        "doer": ticket.doer.short_name if ticket.doer_id else "待交办",
        "lead": ticket.lead.short_name if ticket.lead_id else "",
        "street": ticket.street.short_name if ticket.street_id else "",
        "source": Source(ticket.source).label,
        "category": Category(category).label if category else "未分类",
        "state": ticket.state,
        "state_name": State(ticket.state).label,
        "state_tone": TONES[State(ticket.state)],
        "stage": selectors.STAGE_NAMES.get(ticket.stage, ticket.stage),
        "clock": clock,
        # The same laid open: a template finds what is in a dict far sooner than what is on an object.
        **({"due": clock.due, "due_soon": clock.soon, "due_text": clock.text, "due_tone": clock.tone, "due_icon": clock.icon} if clock else {"due": ""}),
        "is_late": bool(due and due < at),
        "received": civil.spoken(ticket.ingested_at, reference=at),
        "is_urgent": ticket.is_urgent,
        "is_confidential": ticket.is_confidential,
        "late_on_arrival": ticket.late_on_arrival,
        "round": ticket.round,
        "calls": ticket.call_count,
        "version": ticket.version,
        "tags": tags,
        "marks": [*tags, *_marks(ticket)],
    }


def _marks(ticket: Ticket) -> Iterator[tuple[str, str]]:
    """What a row says of a ticket at a glance: urgent, confidential, not its first round. Text and tone."""
    if ticket.is_urgent:
        yield "急", "red"
    if ticket.is_confidential:
        yield "密", ""
    if ticket.round > 1:
        yield f"第{ticket.round}轮", "amber"

