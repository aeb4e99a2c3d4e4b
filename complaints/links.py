"""Repeat calls 重复来电: a ticket hangs on the one that was there before (behaviour 6). Reversible, and never a circle."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from complaints import clocks, lifecycle
from complaints.models import Link, State, Ticket
from core import journal
from core.errors import Conflict, Invalid
from deadlines import engine


@transaction.atomic
def link(child: Ticket, parent: Ticket, *, reason: str, actor, at: datetime) -> Link:
    """`child` is the same trouble as the open `parent`.

    Not yet dispatched, it runs no clocks of its own and ends with its parent, whose callback covers both. Dispatched
    already, it keeps its clocks: they were promised to its caller.
    """
    if not reason.strip():
        raise Invalid("请填写并案理由", field="reason")
    root = _root(parent)
    if root.pk == child.pk:
        raise Conflict("不能并入自身或自己的重复件")
    if not root.is_open:
        raise Conflict(f"{root} 已{State(root.state).label}，不能并入；原件已销号的按新诉求办理")
    if not child.is_open:
        raise Conflict(f"{child} 已{State(child.state).label}，不能并案")
    if Link.objects.filter(child=child, undone_at=None).exists():
        raise Conflict(f"{child} 已并案")
    for ticket in sorted((child, root), key=lambda one: one.pk):
        lifecycle.touch(ticket)
    follows = child.state == State.RECEIVED
    made = Link.objects.create(child=child, parent=root, reason=reason.strip(), linked_at=at, follows=follows)
    Link.objects.filter(parent=child, undone_at=None).update(parent=root)
    if follows:
        engine.release(child, at=at, stage=clocks.DISPATCH)
        clocks.refresh(child)
    Ticket.objects.filter(pk=root.pk).update(call_count=F("call_count") + child.call_count, is_urgent=True)
    journal.record_many(
        [
            journal.entry(child, "link", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason=reason.strip(), to=root.number),
            journal.entry(root, "repeat_call", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason=reason.strip(), of=child.number),
        ]
    )
    return made


@transaction.atomic
def unlink(child: Ticket, *, reason: str, actor, at: datetime) -> None:
    """They were two troubles after all. A ticket that had followed waits for dispatch again, with a new clock."""
    made = Link.objects.filter(child=child, undone_at=None).select_related("parent").first()
    if made is None:
        raise Conflict(f"{child} 未并案")
    parent = made.parent
    for ticket in sorted((child, parent), key=lambda one: one.pk):
        lifecycle.touch(ticket)
    Link.objects.filter(pk=made.pk).update(undone_at=at)
    if made.follows and child.state == State.RECEIVED:
        lifecycle.wait_again(child, at=at)
    Ticket.objects.filter(pk=parent.pk).update(call_count=F("call_count") - child.call_count)
    journal.record_many(
        [
            journal.entry(child, "unlink", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason=reason.strip(), to=parent.number),
            journal.entry(parent, "repeat_undone", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason=reason.strip(), of=child.number),
        ]
    )


def _root(ticket: Ticket) -> Ticket:
    """The ticket at the top: a repeat of a repeat hangs on the first."""
    seen = {ticket.pk}
    while True:
        up = Link.objects.filter(child=ticket, undone_at=None).select_related("parent").first()
        if up is None or up.parent_id in seen:
            return ticket
        ticket = up.parent
        seen.add(ticket.pk)
