"""What is going on where a ticket comes from: an outage on which it hangs, restricted gas. Tags; no clock waits for them (G8, G16)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from complaints.models import Category, Ticket
from core import journal, one_trip
from core.together import Waiting, may_wait
from supply import curtailment, gas_selectors, outage_selectors, outages
from supply.models import Outage, OutageCase, Restriction
from supply.outages import Case, OpenArea

KIND = Ticket.journal_kind
# What no outage explains, wherever it comes from: whose heat was stolen, and what it costs.
APART = (Category.HEAT_THEFT, Category.PRICE_FEE)


@dataclass(frozen=True)
class Situation:
    """A ticket's outage and curtailment, where it has one."""

    outage: Outage | None = None
    restriction: Restriction | None = None

    @property
    def tags(self) -> list[tuple[str, str]]:
        """As chips of a list row: text and tone."""
        found = []
        if self.outage is not None:
            found.append((self.outage.get_effect_display(), "amber"))
        if self.restriction is not None:
            found.append(("限供", "amber"))
        return found


NOTHING = Situation()


@may_wait
def of(tickets: Iterable[Ticket], *, at: datetime) -> Waiting[dict[int, Situation]]:
    """The situation of each ticket that has one, by its key: one query, however many tickets.

    Restricted is a ticket whose community was on restricted supply at any moment between the call and the close-out.
    """
    tickets = list(tickets)
    hanging = yield from outages.outages_of.later(KIND, [one.number for one in tickets])
    cut = curtailment.restricted({one.pk: (one.community_id, one.called_at, one.closed_at or at) for one in tickets})
    return {
        one.pk: Situation(hanging.get(one.number), cut.get(one.pk))
        for one in tickets
        if one.number in hanging or one.pk in cut
    }


def attach(tickets: Iterable[Ticket], *, at: datetime) -> list:
    """Hang tickets whose place has just become known on the open outages of their communities. Their journal entries, not yet written."""
    tickets = list(tickets)
    [areas] = one_trip.ask(outages.open_areas({one.community_id for one in tickets if one.community_id}, at=at))
    cases, entries = join(tickets, [OpenArea(**area) for area in areas or ()], at=at)
    one_trip.write(outages.rows(cases))
    return entries


def join(tickets: Iterable[Ticket], areas: list[OpenArea], *, at: datetime) -> tuple[list[OutageCase], list]:
    """Which of these tickets hang on which of these areas, and their journal entries: both not yet written."""
    wanted = [one for one in tickets if one.community_id and not one.is_history and (one.category or one.suggested_category) not in APART]
    tickets = {one.number: one for one in wanted}
    made = outages.hang([Case(KIND, one.number, one.community_id, one.building) for one in wanted], areas, at=at)
    entries = [journal.entry(tickets[case.subject_key], "join_outage", actor=None, at=at, outage=area.number) for case, area in made]
    return [case for case, _ in made], entries


def places_of(user, situation: Situation) -> list[dict]:
    """For a ticket's page: what is going on, with the number and address of it for who may know more."""
    found = []
    outage, cut = situation.outage, situation.restriction
    if outage is not None:
        known = outage_selectors.visible_to(user).filter(pk=outage.pk).exists()
        text = f"所在小区{outage.get_nature_display()}{outage.get_effect_display()}" + ("（已恢复）" if outage.restored_at else "")
        found.append({"text": text, "name": outage.number if known else "", "url": outage.get_absolute_url() if known else ""})
    if cut is not None:
        known = _activation(user, cut)
        text = "所在小区在限供范围" + ("（已恢复）" if cut.until else "")
        found.append({"text": text, "name": known.number if known else "", "url": known.get_absolute_url() if known else ""})
    return found


def over_the_wire(user, situation: Situation) -> dict:
    """The same for the interface: the numbers of the outage and the curtailment, null where there is none or one may not know."""
    outage, cut = situation.outage, situation.restriction
    known = _activation(user, cut) if cut is not None else None
    return {
        "outage": outage.number if outage is not None and outage_selectors.visible_to(user).filter(pk=outage.pk).exists() else None,
        "curtailment": known.number if known else None,
    }


def _activation(user, restriction: Restriction):
    """The curtailment of a restriction, for who may know of it. Asked anew: what is remembered of restrictions is shared."""
    return gas_selectors.activations(user).filter(pk=restriction.activation_id).first()
