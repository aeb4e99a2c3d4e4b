"""The only way to a ticket: 404 where one may not know of it, 403 where one may not act on it."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from complaints.models import Assignment, Category, Part, Ticket
from core import journal
from core.errors import Forbidden, NotFound
from units import access
from units.models import COMPANIES, Unit, User


def visible_to(user) -> QuerySet[Ticket]:
    """The tickets in which a unit takes part whose work `user` may see; all of them for who sees the district's.

    Only present parts count: a unit that was relieved of a ticket knows of it no more.
    """
    if sees_all(user):
        return Ticket.objects.all()
    units = access.unit_ids(user, access.SEE_WORK)
    if not units:
        return Ticket.objects.none()
    return Ticket.objects.filter(Exists(Assignment.objects.filter(ticket=OuterRef("pk"), unit__in=units, until=None)))


def sees_all(user) -> bool:
    """Whether every ticket of the district is open to `user`."""
    return access.everywhere(user, access.SEE_WORK)


def may_see(user, ticket_id: int) -> bool:
    """Whether a ticket of this key is open to `user`."""
    return sees_all(user) or visible_to(user).filter(pk=ticket_id).exists()


def ticket_to_see(user, number: str) -> Ticket:
    """A ticket that `user` may see, with its units; NotFound otherwise, whether it exists or not."""
    ticket = (
        visible_to(user).filter(number=str(number)[:40]).select_related("lead", "doer", "street", "community", "repeat_of").first()
    )
    if ticket is None:
        raise NotFound
    return ticket


def ticket_to_handle(user, number: str) -> Ticket:
    """A ticket on which `user` may act for the doing unit; Forbidden for who may only see it."""
    ticket = ticket_to_see(user, number)
    _require_own(user, ticket.doer_id)
    return ticket


def ticket_to_answer(user, number: str) -> Ticket:
    """A ticket whose caller `user` may call back: for the doer, or for the lead, who owns the answer."""
    ticket = ticket_to_see(user, number)
    _require_own(user, ticket.doer_id, ticket.lead_id)
    return ticket


def ticket_to_dispatch(user, number: str) -> Ticket:
    """A ticket that `user` may dispatch or hand to another doer."""
    ticket = ticket_to_see(user, number)
    access.require(user, access.DISPATCH_TICKETS)
    return ticket


def ticket_to_rule(user, number: str) -> Ticket:
    """A ticket on whose return `user` may rule: who dispatches, or who supervises."""
    ticket = ticket_to_see(user, number)
    if not access.everywhere(user, access.SUPERVISE):
        access.require(user, access.DISPATCH_TICKETS)
    return ticket


def ticket_to_supervise(user, number: str) -> Ticket:
    """A ticket over which `user` watches for the task force."""
    ticket = ticket_to_see(user, number)
    access.require(user, access.SUPERVISE)
    return ticket


def ticket_to_assist(user, number: str) -> tuple[Ticket, Assignment]:
    """A ticket and `user`'s unit's own open task on it."""
    ticket = ticket_to_see(user, number)
    mine = access.unit_ids(user, access.HANDLE_TICKETS)
    task = ticket.assignments.filter(part=Part.ASSIST, until=None, unit__in=mine).select_related("unit").first()
    if task is None:
        raise Forbidden("本单位在这张工单上没有协办任务")
    return ticket, task


def assist_to_waive(user, number: str, code: str) -> tuple[Ticket, Assignment]:
    """A ticket that `user` leads (or supervises), and the open task of one of its assists."""
    ticket = ticket_to_see(user, number)
    if not access.everywhere(user, access.SUPERVISE):
        _require_own(user, ticket.lead_id)
    task = ticket.assignments.filter(part=Part.ASSIST, until=None, unit__code=str(code)[:64]).select_related("unit").first()
    if task is None:
        raise NotFound("该单位没有协办任务")
    return ticket, task


def others(user, ticket: Ticket, numbers: set[str]) -> set[str]:
    """Of ticket `numbers` that stand in what is told of `ticket`, those of which `user` may not know."""
    asked = numbers - {ticket.number}
    return asked - set(visible_to(user).filter(number__in=asked).values_list("number", flat=True)) if asked else set()


def may_supplement(actor, ticket: Ticket) -> bool:
    """Whether what `actor` sends under this ticket's number may be merged: they may see it, or their unit brought it in."""
    if actor is None or access.everywhere(actor, access.SEE_WORK) or visible_to(actor).filter(pk=ticket.pk).exists():
        return True
    unit = access.home_unit(actor)
    return unit is not None and journal.of(ticket).filter(act="receive", unit_code=unit.code).exists()


def handles(user, ticket: Ticket) -> bool:
    """Whether `user` acts for the doing unit."""
    return ticket.doer_id in access.unit_ids(user, access.HANDLE_TICKETS)


def leads(user, ticket: Ticket) -> bool:
    """Whether `user` acts for the leading unit."""
    return ticket.lead_id in access.unit_ids(user, access.HANDLE_TICKETS)


def may_know_complainant(user: User, ticket: Ticket) -> bool:
    """Whether `user` may learn who complained. In a theft or confidential ticket the side that may be accused never does."""
    if not ticket.hides_complainant:
        return handles(user, ticket) or leads(user, ticket) or access.everywhere(user, access.SEE_WORK)
    if access.everywhere(user, access.DISPATCH_TICKETS) or access.everywhere(user, access.SUPERVISE):
        return True
    mine = access.unit_ids(user, access.HANDLE_TICKETS)
    return Unit.objects.filter(pk__in=mine & {ticket.lead_id, ticket.doer_id}).exclude(kind__in=COMPANIES).exists()


def hidden() -> Q:
    """The tickets that hide their complainant, as `Ticket.hides_complainant` says of one."""
    return Q(is_confidential=True) | Q(category=Category.HEAT_THEFT) | Q(category="", suggested_category=Category.HEAT_THEFT)


def may_read_words(user: User, ticket: Ticket) -> bool:
    """Whether `user` may read place and words of a ticket that hides its complainant: they, too, can give one away."""
    return not ticket.hides_complainant or not access.is_company(user)


def street_filter(user) -> Q:
    """For queues of a street: what lies in its territory."""
    return Q(street__in=access.unit_ids(user, access.SEE_WORK))


def _require_own(user, *unit_ids: int | None) -> None:
    mine = access.unit_ids(user, access.HANDLE_TICKETS)
    if not any(unit_id in mine for unit_id in unit_ids if unit_id is not None):
        raise Forbidden("只有承办单位可以执行此操作")
