"""What is going on where a ticket comes from: an outage on which it hangs, restricted gas. Tags; no clock waits for them (G8, G16)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from complaints.models import Category, Ticket
from core import journal
from supply import curtailment, gas_selectors, outage_selectors, outages
from supply.models import Activation, Outage
from supply.outages import Case

KIND = Ticket.journal_kind
# What no outage explains, wherever it comes from: whose heat was stolen, and what it costs.
APART = (Category.HEAT_THEFT, Category.PRICE_FEE)


@dataclass(frozen=True)
class Situation:
    """A ticket's outage and curtailment, where it has one."""

    outage: Outage | None = None
    curtailment: Activation | None = None

    @property
    def tags(self) -> list[tuple[str, str]]:
        """As chips of a list row: text and tone."""
        found = []
        if self.outage is not None:
            found.append((self.outage.get_effect_display(), "amber"))
        if self.curtailment is not None:
            found.append(("限供", "amber"))
        return found


NOTHING = Situation()


def of(tickets: Iterable[Ticket], *, at: datetime, may_hang: bool = True) -> dict[int, Situation]:
    """The situation of each ticket that has one, by its key: two queries, however many tickets.

    `may_hang` False: they are known to hang on no outage. Restricted is a ticket whose community was on restricted supply at any moment between the call and the close-out.
    """
    tickets = list(tickets)
    hanging = outages.outages_of(KIND, [one.number for one in tickets]) if may_hang else {}
    cut = curtailment.restricted({one.pk: (one.community_id, one.called_at, one.closed_at or at) for one in tickets})
    return {
        one.pk: Situation(hanging.get(one.number), cut[one.pk].activation if one.pk in cut else None)
        for one in tickets
        if one.number in hanging or one.pk in cut
    }


def attach(tickets: Iterable[Ticket], *, at: datetime) -> list:
    """Hang tickets that have just come in on the open outages of their communities. Their journal entries, not yet written."""
    wanted = [one for one in tickets if one.community_id and not one.is_history and (one.category or one.suggested_category) not in APART]
    tickets = {one.number: one for one in wanted}
    made = outages.attach_new([Case(KIND, one.number, one.community_id, one.building) for one in tickets.values()], at=at)
    if not made:
        return []
    numbers = dict(Outage.objects.filter(pk__in={one.outage_id for one in made}).values_list("pk", "number"))
    return [
        journal.entry(tickets[one.subject_key], "join_outage", actor=None, at=at, outage=numbers[one.outage_id]) for one in made
    ]


def places_of(user, situation: Situation) -> list[dict]:
    """For a ticket's page: what is going on, with the number and address of it for who may know more."""
    found = []
    outage, cut = situation.outage, situation.curtailment
    if outage is not None:
        known = outage_selectors.visible_to(user).filter(pk=outage.pk).exists()
        text = f"所在小区{outage.get_nature_display()}{outage.get_effect_display()}" + ("（已恢复）" if outage.restored_at else "")
        found.append({"text": text, "name": outage.number if known else "", "url": outage.get_absolute_url() if known else ""})
    if cut is not None:
        known = gas_selectors.activations(user).filter(pk=cut.pk).exists()
        text = "所在小区在限供范围" + ("（已恢复）" if cut.ended_at else "")
        found.append({"text": text, "name": cut.number if known else "", "url": cut.get_absolute_url() if known else ""})
    return found


def over_the_wire(user, situation: Situation) -> dict:
    """The same for the interface: the numbers of the outage and the curtailment, null where there is none or one may not know."""
    outage, cut = situation.outage, situation.curtailment
    return {
        "outage": outage.number if outage is not None and outage_selectors.visible_to(user).filter(pk=outage.pk).exists() else None,
        "curtailment": cut.number if cut is not None and gas_selectors.activations(user).filter(pk=cut.pk).exists() else None,
    }
