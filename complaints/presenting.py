"""How a ticket is told to somebody: what they may know of it, over the wire and on the screen alike."""

import re
from datetime import datetime

from complaints import access as ticket_access
from complaints import lifecycle, selectors, situations, timeline
from complaints.intake import Received, hops_of
from complaints.models import Category, Part, Ticket
from core.civil import SHANGHAI
from deadlines.models import Deadline
from units import access

HIDDEN = "（举报保密，内容不向被反映方公开）"
# Door numbers and the like, by which a neighbour would be known.
_DOOR = re.compile(r"\d+\s*(?:号楼|栋|幢|座|单元|号|楼|层|室|户)|(?<!\d)\d{3,4}(?=[室户])")


def words_of(user, ticket: Ticket) -> tuple[str, str]:
    """Title and content as `user` may read them."""
    if not ticket.hides_complainant or not access.is_company(user):
        return ticket.title, ticket.content
    if (ticket.category or ticket.suggested_category) == Category.HEAT_THEFT:
        return HIDDEN, HIDDEN
    return _named_by_category(ticket), _redact(ticket.content, ticket)


def row_words(is_company: bool, ticket: Ticket) -> tuple[str, str]:
    """Title and building for a list row, where the complainant's name is not loaded."""
    if not ticket.hides_complainant or not is_company:
        return ticket.title, ticket.building
    if (ticket.category or ticket.suggested_category) == Category.HEAT_THEFT:
        return HIDDEN, ""
    return _named_by_category(ticket), ""


def _named_by_category(ticket: Ticket) -> str:
    """A title that says what it is about and nothing that the caller said: a name may stand anywhere in their words."""
    return f"（保密）{Category(ticket.category or ticket.suggested_category or Category.OTHER).label}"


def _redact(text: str, ticket: Ticket) -> str:
    name = ticket.complainant_name.strip()
    if len(name) >= 2:
        text = text.replace(name, f"{name[0]}**")
    return _DOOR.sub("**", text)


def iso(moment: datetime | None) -> str | None:
    """A moment for the wire, with Shanghai's offset."""
    return moment.astimezone(SHANGHAI).isoformat() if moment else None


def row(user, ticket: Ticket, *, at: datetime) -> dict:
    """A ticket in a list, over the wire."""
    title, building = row_words(access.is_company(user), ticket)
    return {
        "number": ticket.number,
        "source": ticket.source,
        "kind": ticket.kind,
        "category": ticket.category or None,
        "suggested_category": ticket.suggested_category or None,
        "title": title,
        "state": ticket.state,
        "round": ticket.round,
        "stage": ticket.stage or None,
        "due_at": iso(ticket.due_at),
        "late": bool(ticket.due_at and ticket.due_at < at),
        "urgent": ticket.is_urgent,
        "confidential": ticket.is_confidential,
        "late_on_arrival": ticket.late_on_arrival,
        "community": ticket.community.code if ticket.community_id else None,
        "community_name": ticket.community.name if ticket.community_id else None,
        "building": building,
        "street": ticket.street.code if ticket.street_id else None,
        "lead": ticket.lead.code if ticket.lead_id else None,
        "doer": ticket.doer.code if ticket.doer_id else None,
        "called_at": iso(ticket.called_at),
        "ingested_at": iso(ticket.ingested_at),
        "closed_at": iso(ticket.closed_at),
        "call_count": ticket.call_count,
        "demo": ticket.is_demo,
    }


def full(user, ticket: Ticket, *, at: datetime, new: Received | None = None) -> dict:
    """A ticket with all its fields, over the wire. `new`: it was written this moment, and nothing more than this with it."""
    found = selectors.details_of(user, ticket) if new is None else selectors.details_of_new(new.clocks, new.parts)
    person = selectors.complainant_of(user, ticket)
    title, content = words_of(user, ticket)
    open_parts = [part for part in found.parts if part.until is None]
    has_situation = new is None or new.has_situation
    situation = situations.of([ticket], at=at).get(ticket.pk, situations.NOTHING) if has_situation else situations.NOTHING
    suggestion = ticket.suggestion if ticket_access.may_read_words(user, ticket) else {}
    return {
        **row(user, ticket, at=at),
        "title": title,
        "content": content,
        "building": "" if person.is_hidden else ticket.building,
        "external_no": ticket.external_no,
        "district_no": ticket.district_no,
        "suggestion": suggestion,
        "why": suggestion.get("why", []),
        "complainant": {"name": person.name, "phone": person.phone},
        "address": person.address,
        "segment": ticket.segment,
        "version": ticket.version,
        "returns": ticket.returns,
        "assists": [part.unit.code for part in open_parts if part.part == Part.ASSIST],
        "assist_tasks": [
            {"unit": part.unit.code, "done": part.done_at is not None, "waived": part.waived_at is not None}
            for part in open_parts
            if part.part == Part.ASSIST
        ],
        "watches": [part.unit.code for part in open_parts if part.part == Part.WATCH],
        "district_received_at": iso(ticket.district_received_at),
        "dispatched_at": iso(ticket.dispatched_at),
        "delivered_at": iso(ticket.delivered_at),
        "city_due_at": iso(ticket.city_due_at),
        "district_due_at": iso(ticket.district_due_at),
        "arrival_hop": ticket.arrival_hop or None,
        "hops": hops(ticket),
        "chain_seconds": round(((ticket.closed_at or at) - ticket.called_at).total_seconds()),
        "open_return": {
            "reason": found.open_return.reason,
            "proposed_unit": found.open_return.proposed_unit.code,
            "requested_at": iso(found.open_return.requested_at),
        }
        if found.open_return
        else None,
        "repeat_of": ticket.repeat_of.number if ticket.repeat_of_id and ticket_access.may_see(user, ticket.repeat_of_id) else None,
        "linked_to": found.parent.parent.number if found.parent else None,
        "repeats": [link.child.number for link in found.children] if not access.is_company(user) else [],
        **situations.over_the_wire(user, situation),
        "readings": [
            {"room": one.room, "celsius": float(one.celsius), "point": one.point, "instrument": one.instrument, "round": one.round}
            for one in found.temperatures
        ],
        "evidence": [
            {
                "kind": one.kind, "note": one.note, "round": one.round, "arrived_at": iso(one.arrived_at), "nobody_home": one.nobody_home,
                "to_verify": one.to_verify, "attachment": str(one.attachment_id) if one.attachment_id else None,
            }
            for one in found.evidence
        ],  # fmt: skip
        "deadlines": [deadline(one, at=at) for one in found.deadlines],
        "acts": lifecycle.acts(ticket),
    }


def deadline(one: Deadline, *, at: datetime) -> dict:
    """One clock, over the wire: design §6."""
    return {
        "stage": one.stage,
        "unit": one.unit.code,
        "round": one.round,
        "segment": one.segment,
        "sequence": one.sequence,
        "opened_at": iso(one.opened_at),
        "due_at": iso(one.due_at),
        "settled_at": iso(one.settled_at),
        "outcome": one.outcome or None,
        "late": one.is_late(at),
        "seconds_late": round(one.seconds_late(at), 3),
        "level": one.level,
    }


def hops(ticket: Ticket) -> list[dict]:
    """The way of a ticket to the portal, hop by hop, in seconds: whose minutes they were (behaviour 1)."""
    return [
        {"hop": name, "name": timeline.HOPS[name], "seconds": round(spent.total_seconds())}
        for name, spent in hops_of(ticket, ticket.ingested_at)
    ]


def history(user, ticket: Ticket) -> list[dict]:
    """The timeline, over the wire, oldest first."""
    inner = not access.is_company(user)
    lines = timeline.of(user, ticket)
    return [
        {
            "at": iso(line.at),
            "act": line.act,
            "name": line.name,
            "unit": line.unit_code or None,
            "unit_name": line.unit,
            "actor": line.who or None,
            "text": line.text if inner or not ticket.hides_complainant else _DOOR.sub("**", line.text),
            "note": line.note if inner or not ticket.hides_complainant else _DOOR.sub("**", line.note),
            "level": line.data.get("level"),
            "stage": line.data.get("stage"),
        }
        for line in lines
    ]
