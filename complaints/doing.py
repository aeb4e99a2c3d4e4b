"""The acts on a ticket's page: for each its name, its form, who may open it, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django import forms as django_forms
from django.db import transaction

from complaints import access as ticket_access
from complaints import clocks, dispatching, forms, into_ledger, lifecycle, links, returns
from complaints.lifecycle import Arrival
from complaints.models import State, Ticket
from core import attachments, journal
from deadlines import promises
from units import access, selectors


@dataclass(frozen=True)
class Act:
    """One act as a page offers it. `fetch` gives the ticket or refuses; `offered` decides whether a button is shown."""

    code: str
    name: str
    icon: str
    form: type[django_forms.Form]
    fetch: Callable
    offered: Callable
    do: Callable
    takes_units: bool = False
    main: bool = False

    def fill(self, ticket: Ticket, data=None, files=None, **kwargs):
        """The act's form, bound or fresh."""
        if self.takes_units:
            kwargs["units"] = selectors.active_units()
        return self.form(data, files, **kwargs) if data is not None else self.form(**kwargs)


def offered(user, ticket: Ticket, *, has_return: bool = False) -> list[Act]:
    """The acts that this person may do on this ticket now, the next step first."""
    return [act for act in ACTS.values() if act.offered(user, ticket, has_return)]


def _legal(act: str, ticket: Ticket) -> bool:
    return ticket.state in lifecycle.MOVES[act]


def _doer_may(act: str):
    return lambda user, ticket, has_return: _legal(act, ticket) and ticket_access.handles(user, ticket)


def _district_may(act: str):
    return lambda user, ticket, has_return: _legal(act, ticket) and access.everywhere(user, access.DISPATCH_TICKETS)


def _supervisor_may(user, ticket, has_return):
    return ticket.state != State.VOID and access.everywhere(user, access.SUPERVISE)


def _may_finish(user, ticket, has_return):
    if not (_legal("finish", ticket) and ticket_access.handles(user, ticket)):
        return False
    return ticket.state == State.ARRIVED or not lifecycle.needs_visit(ticket)


def _may_call_back(user, ticket, has_return):
    return _legal("progress", ticket) and (ticket_access.handles(user, ticket) or ticket_access.leads(user, ticket))


def _may_rule(user, ticket, has_return):
    return has_return and (access.everywhere(user, access.DISPATCH_TICKETS) or access.everywhere(user, access.SUPERVISE))


def _may_return(user, ticket, has_return):
    return not has_return and _legal("return", ticket) and ticket_access.handles(user, ticket)


def _may_arrive(user, ticket, has_return):
    return _legal("arrive", ticket) and ticket_access.handles(user, ticket)


def _do_dispatch(ticket, said, *, actor, at: datetime):
    order = dispatching.decide(
        ticket, at=at, category=said["category"], doer=said["doer"], lead=said["lead"], street=said["street"],
        assists=list(said["assists"]) if said["assists"] else None, community=dispatching.community_named(said["community"]), note=said["note"],
    )  # fmt: skip
    lifecycle.dispatch(ticket, order, actor=actor, at=at)


def _do_arrive(ticket, said, *, actor, at: datetime):
    photo = None
    with transaction.atomic():
        if said.get("photo"):
            photo = attachments.store(said["photo"], ticket, actor=actor, at=at, field="photo")
        arrival = Arrival(kind=said["kind"], note=said["note"], attachment=photo, nobody_home=said["nobody_home"])
        lifecycle.arrive(ticket, arrival, actor=actor, at=at)
        if photo:
            journal.record(ticket, "attach", actor=actor, at=at, unit=ticket.doer.code, name=photo.name, sha256=photo.sha256)


def _do_call_back(ticket, said, *, actor, at: datetime):
    solved = said["solved"] if said["reached"] and said["kind"] == "result" else None
    lifecycle.call_back(
        ticket, kind=said["kind"], reached=said["reached"], solved=solved, satisfaction=said["satisfaction"] if said["reached"] else "",
        note=said["note"], actor=actor, at=at,
    )  # fmt: skip


def _do_link(ticket, said, *, actor, at: datetime):
    parent = ticket_access.ticket_to_see(actor, said["to"].strip())
    links.link(ticket, parent, reason=said["reason"], actor=actor, at=at)


ACTS: dict[str, Act] = {
    act.code: act
    for act in [
        Act("dispatch", "交办", "route", forms.DispatchForm, ticket_access.ticket_to_dispatch, _district_may("dispatch"), _do_dispatch, True, True),
        Act("respond", "登记响应", "phone-call", forms.RespondForm, ticket_access.ticket_to_handle, _doer_may("respond"),
            lambda ticket, said, **who: lifecycle.respond(ticket, **said, **who), main=True),
        Act("arrive", "登记到场", "map-pin", forms.ArriveForm, ticket_access.ticket_to_handle, _may_arrive, _do_arrive, main=True),
        Act("finish", "登记办结", "tool", forms.FinishForm, ticket_access.ticket_to_handle, _may_finish,
            lambda ticket, said, **who: lifecycle.finish(ticket, cause=said["cause"], measure=said["measure"], readings=said["readings"], **who), main=True),
        Act("callback", "登记回访", "user-check", forms.CallbackForm, ticket_access.ticket_to_answer, _may_call_back, _do_call_back, main=True),
        Act("rule", "裁定退单", "gavel", forms.RuleForm, ticket_access.ticket_to_rule, _may_rule,
            lambda ticket, said, **who: returns.rule(ticket, **said, **who), True, True),
        Act("appointment", "改约", "calendar-due", forms.AppointmentForm, ticket_access.ticket_to_handle, _doer_may("appointment"),
            lambda ticket, said, **who: lifecycle.make_appointment(ticket, **said, **who)),
        Act("return", "退单", "arrow-back-up", forms.ReturnForm, ticket_access.ticket_to_handle, _may_return,
            lambda ticket, said, **who: returns.request(ticket, **said, **who), True),
        Act("nudge", "催办", "bell-ringing", forms.NoteForm, ticket_access.ticket_to_dispatch, _district_may("nudge"),
            lambda ticket, said, **who: lifecycle.nudge(ticket, **said, **who)),
        Act("transfer", "转派", "route", forms.TransferForm, ticket_access.ticket_to_dispatch, _district_may("transfer"),
            lambda ticket, said, **who: returns.transfer(ticket, **said, **who), True),
        Act("link", "并案", "copy", forms.LinkForm, ticket_access.ticket_to_dispatch, _district_may("void"), _do_link),
        Act("ledger", "列入台账", "clipboard-list", forms.ProblemForm, ticket_access.ticket_to_supervise, _supervisor_may,
            lambda ticket, said, **who: into_ledger.enter(ticket, into_ledger.Problem(**said), **who), True),
        Act("void", "作废", "ban", forms.ReasonForm, ticket_access.ticket_to_dispatch, _district_may("void"),
            lambda ticket, said, **who: lifecycle.make_void(ticket, **said, **who)),
    ]
}  # fmt: skip


def said_by(act: Act, form) -> dict:
    """What a valid form says, in the words of the act."""
    said = dict(form.cleaned_data)
    if act.code == "finish":
        said["readings"] = form.readings()
    return said


def initial_of(act: Act, ticket: Ticket, *, at: datetime) -> dict:
    """With what an act's form begins: the dispatch with what the plan suggests."""
    if act.code != "dispatch":
        return {}
    suggestion = dispatching.suggestion_for(ticket, at=at, category=ticket.category)
    return {
        "category": ticket.category or suggestion.category,
        "community": suggestion.community.name if suggestion.community else "",
        "lead": suggestion.lead.code if suggestion.lead else "",
        "doer": suggestion.doer.code if suggestion.doer else "",
        "assists": [unit.code for unit in suggestion.assists],
        "street": suggestion.street.code if suggestion.street else "",
    }


def stage_cards(ticket: Ticket, deadlines: list, *, at: datetime) -> list[dict]:
    """The three clocks of the present round, as cards: state (done, late, run, wait), times, and what comes next."""
    cards = []
    for promise in promises.made(clocks.DOER_STAGES):
        mine = [one for one in deadlines if one.stage == promise.stage and one.round == ticket.round and one.segment == ticket.segment]
        # A clock keeps the limit it was opened under.
        name = mine[-1].policy.name if mine else promise.name
        cards.append({"stage": promise.stage, "name": name, "deadline": mine[-1] if mine else None, "waiting": "交办后起算", "at": at})
    return cards
