"""From what a dispatcher says to a complete dispatch: what is left open is filled in by the plan's rules."""

from datetime import datetime

from complaints import routing
from complaints.lifecycle import Dispatch
from complaints.models import Category, Ticket
from complaints.routing import Suggestion
from core import civil
from core.errors import Invalid
from plants.models import Community
from units.models import Unit


def suggestion_for(ticket: Ticket, *, at: datetime, category: str = "", community: Community | None = None) -> Suggestion:
    """What routing says of a ticket now, perhaps with another category or community than it came with."""
    place = community or ticket.community
    return routing.suggest(
        ticket.content, at=at, on=civil.day_of(ticket.called_at), category=category, community=place.code if place else "",
        address=ticket.address, street=ticket.street.name if ticket.street_id else "",
    )  # fmt: skip


def decide(
    ticket: Ticket,
    *,
    at: datetime,
    category: str,
    doer: Unit | None = None,
    lead: Unit | None = None,
    assists: list[Unit] | None = None,
    watches: list[Unit] | None = None,
    community: Community | None = None,
    street: Unit | None = None,
    note: str = "",
) -> Dispatch:
    """The dispatch of a ticket as `category` (D18.2–D18.6). Units given by hand win over the plan's.

    Invalid when neither names a lead.
    """
    if category not in Category.values:
        raise Invalid(f"分类只能是 {'、'.join(Category.values)}", field="category")
    said = suggestion_for(ticket, at=at, category=category, community=community)
    lead = lead or said.lead or doer
    if lead is None:
        raise Invalid("请选择主办单位", field="lead")
    doer = doer or said.doer or lead
    territory = street or ticket.street or said.street
    watching = list(said.watches) if watches is None else list(watches)
    if territory is not None and territory not in watching:
        watching.append(territory)
    return Dispatch(
        category=category, lead=lead, doer=doer, assists=list(said.assists) if assists is None else list(assists), watches=watching,
        community=community or ticket.community or said.community, street=territory, note=note, clause=said.clause,
    )  # fmt: skip


def community_named(name: str | None) -> Community | None:
    """The community of this code or name; Invalid when the register has none."""
    if not name:
        return None
    found = Community.objects.filter(code=name, is_active=True).first() or Community.objects.filter(name=name, is_active=True).first()
    if found is None:
        raise Invalid("小区台账中没有这个小区", field="community")
    return found
