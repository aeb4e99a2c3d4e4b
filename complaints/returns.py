"""A doer gives a ticket back 退单, and how that is ruled 裁定; and a hand-over by whoever dispatches 转派.

Nothing here stops the caller's clock (behaviours 2 and 8): only a ruling ends a doer's segment, as of when it asked.
"""

from datetime import datetime

from django.db import transaction

from complaints import clocks, lifecycle, rulebook
from complaints.models import Part, Return, State, Ticket
from core import journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from notices import outbox
from units import access
from units.models import Unit


@transaction.atomic
def request(ticket: Ticket, *, reason: str, proposed_unit: Unit, actor, at: datetime) -> Return:
    """The doer asks to be relieved, names the reason and who is answerable instead. Its clocks run on.

    Conflict once the plan's number of returns is used up: then the task force's office decides.
    """
    if not reason.strip():
        raise Invalid("请填写退单理由", field="reason")
    if proposed_unit.pk == ticket.doer_id:
        raise Invalid("建议承办单位不能是本单位", field="proposed_unit")
    book = rulebook.current(at)
    most = book.number("max_returns", default=2)
    if ticket.returns >= most:
        raise Conflict(f"已退单 {ticket.returns} 次，由专班办公室裁定承办单位，不能再退")
    if Return.objects.filter(ticket=ticket, ruled_at=None).exists():
        raise Conflict("已有退单等待裁定")
    if lifecycle.MOVES["return"].get(ticket.state) is None:
        raise Conflict(f"{ticket} 处于“{State(ticket.state).label}”，不能退单")
    lifecycle.touch(ticket, returns=ticket.returns + 1)
    asked = Return.objects.create(
        ticket=ticket, unit=ticket.doer, segment=ticket.segment, reason=reason.strip(), proposed_unit=proposed_unit, requested_at=at,
        requested_by=actor, is_past_window=at > ticket.delivered_at + book.duration("return_window", "PT10M"),
    )  # fmt: skip
    ruler = ruling_unit(ticket, book)
    engine.open_deadline(
        clocks.RULING, ticket, ruler, at=at, street=ticket.street, round=ticket.round, segment=ticket.segment, sequence=ticket.returns
    )
    clocks.refresh(ticket)
    outbox.post(
        ruler, f"退单待裁定：{ticket.number}，{ticket.doer} 建议转 {proposed_unit}", key=f"return:{asked.pk}", audience="workers", kind="note",
        body=reason.strip()[:500], link=f"/tickets/{ticket.number}/", at=at,
    )  # fmt: skip
    journal.record(
        ticket, "return", actor=actor, at=at, unit=ticket.doer.code, reason=reason.strip(), proposed_unit=proposed_unit.code,
        past_window=asked.is_past_window,
    )  # fmt: skip
    return asked


@transaction.atomic
def rule(ticket: Ticket, *, accepted: bool, unit: Unit | None, reason: str, actor, at: datetime) -> Return:
    """A return is ruled on. Accepted: the doer's segment ends as of its request, the new doer starts with full clocks.

    Rejected: nothing has changed, the clock never paused. After the last return the task force's office rules alone.
    """
    if not reason.strip():
        raise Invalid("请填写裁定理由", field="reason")
    asked = Return.objects.filter(ticket=ticket, ruled_at=None).select_related("proposed_unit").first()
    if asked is None:
        raise Conflict("没有等待裁定的退单")
    book = rulebook.current(at)
    if ticket.returns >= book.number("max_returns", default=2) and not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("已退单两次，由专班办公室裁定")
    new = unit or asked.proposed_unit
    if accepted and new.pk == ticket.doer_id:
        raise Invalid("新的承办单位与原承办单位相同", field="unit")
    lifecycle.touch(ticket)
    ruled = Return.objects.filter(pk=asked.pk, ruled_at=None).update(
        ruled_at=at, ruled_by=actor, accepted=accepted, ruling=reason.strip(), to_unit=new if accepted else None
    )
    if not ruled:
        raise Conflict("该退单刚被他人裁定")
    engine.settle(ticket, clocks.RULING, at=at)
    old = ticket.doer
    if accepted:
        lifecycle.move_to_segment(ticket, new, at=at, released_at=asked.requested_at, book=book, limits=engine.limits())
    clocks.refresh(ticket)
    for told in {old, ticket.doer}:
        outbox.post(
            told, f"退单裁定：{ticket.number} {'转 ' + str(new) + ' 承办' if accepted else '不予退单，请继续办理'}",
            key=f"ruling:{asked.pk}:{told.pk}", audience="workers", kind="dispatch", body=reason.strip()[:500],
            link=f"/tickets/{ticket.number}/", at=at,
        )  # fmt: skip
    journal.record(
        ticket, "rule", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason=reason.strip(), accepted=accepted,
        unit_from=old.code, unit_to=ticket.doer.code,
    )  # fmt: skip
    asked.refresh_from_db()
    return asked


@transaction.atomic
def transfer(ticket: Ticket, *, unit: Unit, reason: str, actor, at: datetime) -> None:
    """Whoever dispatches gives the ticket to another doer 转派. The old doer keeps what it was late with by now.

    More than two hand-overs are the task force's office's to decide (behaviour 8).
    """
    if not reason.strip():
        raise Invalid("请填写转派理由", field="reason")
    if unit.pk == ticket.doer_id:
        raise Invalid("该单位已是承办单位", field="unit")
    if ticket.segment > 2 and not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("已多次转手，由专班办公室裁定承办单位")
    old = ticket.doer
    # The ticket is claimed before anything that hangs on it, here as in a ruling: two that come at once must not wait for each other.
    lifecycle.touch(ticket)
    Return.objects.filter(ticket=ticket, ruled_at=None).update(ruled_at=at, accepted=True, ruling="已另行转派", to_unit=unit, ruled_by=actor)
    engine.settle(ticket, clocks.RULING, at=at)
    lifecycle.move_to_segment(ticket, unit, at=at, released_at=at, book=rulebook.current(at), limits=engine.limits())
    parts = ticket.assignments.filter(part=Part.DOER, until=None).select_related("unit")
    outbox.post_many(lifecycle.dispatch_notices(ticket, list(parts), at=at))
    journal.record(
        ticket, "transfer", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason=reason.strip(), unit_from=old.code, unit_to=unit.code
    )


def ruling_unit(ticket: Ticket, book) -> Unit:
    """Who rules: the dispatcher, and the office's bureau once the returns are used up."""
    last = ticket.returns >= book.number("max_returns", default=2)
    return Unit.objects.get(code=access.BUREAU if last else access.DISPATCHER)
