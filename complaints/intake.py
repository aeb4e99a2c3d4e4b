"""Intake: how a complaint becomes a ticket, once, with its five moments and the hop that lost time on the way.

One ticket or five hundred take the same path: prepare in memory, look up what is known with one statement, write all of it
in one round trip (core/one_trip.py). The same (source, external_no) again is the same ticket: a supplement, which moves no clock.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from complaints import access as ticket_access
from complaints import clocks, lifecycle, numbering, routing, rulebook, situations, wording
from complaints.models import Assignment, Category, Source, State, Ticket, TicketKind
from complaints.routing import Register, Suggestion
from core import civil, journal, one_trip, stamps
from core.crypto import blind_index
from core.errors import Conflict, Invalid
from core.one_trip import Question, Rows
from core.privacy import mask_phone, normal_phone, scrub
from deadlines import engine
from deadlines.models import Deadline
from notices import outbox
from notices.models import Notice
from supply import curtailment, outages
from supply.models import OutageCase
from supply.outages import OpenArea
from units import access
from units.models import Unit

CLOCK_TOLERANCE = timedelta(minutes=2)  # how far a sender's clock may be ahead of ours
SAME_MOMENT = timedelta(minutes=1)  # files keep minutes where interfaces keep seconds
LONGEST_CONTENT = 10_000
TRIES = 5
REPEAT_WITHIN = timedelta(days=30)

SOURCES, KINDS, CATEGORIES = frozenset(Source.values), frozenset(TicketKind.values), frozenset(Category.values)
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@dataclass
class Intake:
    """A complaint as it came in; the names are those of `POST tickets/` (design §6). Times are aware."""

    source: str
    content: str
    called_at: datetime
    kind: str = TicketKind.COMPLAINT
    external_no: str | None = None
    district_no: str = ""
    category: str = ""
    title: str = ""
    complainant_name: str = ""
    complainant_phone: str = ""
    complainant_email: str = ""
    other_phone: str = ""
    is_confidential: bool = False
    is_urgent: bool = False
    address: str = ""
    community: str = ""
    building: str = ""
    street: str = ""
    district_received_at: datetime | None = None
    dispatched_at: datetime | None = None
    city_due_at: datetime | None = None
    district_due_at: datetime | None = None
    doer: Unit | None = None
    is_history: bool = False
    is_demo: bool = False
    # Of a ticket long closed elsewhere: when. Only with is_history.
    closed_at: datetime | None = None
    # It says again what this open ticket says: it follows that one, and nobody dispatches it (links.link hangs it there).
    same_as: Ticket | None = None
    extra: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """What became of one complaint: its ticket, and whether that is new, supplemented, or the same as before."""

    ticket: Ticket
    outcome: str
    # Of a new ticket all that was written with it, so that nobody need read it back.
    clocks: tuple[Deadline, ...] = ()
    parts: tuple[Assignment, ...] = ()
    # Whether anything is going on where it comes from: an outage on which it hangs, restricted gas.
    has_situation: bool = False


def receive(complaint: Intake, *, actor, at: datetime) -> Received:
    """Take in one complaint. Conflict where it contradicts what came first under its number; Invalid for what cannot be."""
    result = receive_many([complaint], actor=actor, at=at)[0]
    if isinstance(result, Exception):
        raise result
    return result


def receive_many(complaints: list[Intake], *, actor, at: datetime, register: Register | None = None) -> list[Received | Exception]:
    """Take in complaints as one transaction; for each what became of it, or why it was refused. Nothing is lost to a neighbour."""
    with stamps.held():
        return _receive_many(complaints, register or routing.read_register(), actor=actor, at=at)


def _receive_many(complaints: list[Intake], register: Register, *, actor, at: datetime) -> list[Received | Exception]:
    results: list = [None] * len(complaints)
    wanted: list[tuple[int, Intake]] = []
    for index, complaint in enumerate(complaints):
        try:
            check(complaint, at=at)
            wanted.append((index, complaint))
        except (Invalid, Conflict) as fault:
            results[index] = fault
    looks_first = len(wanted) > 1  # one alone is nearly always new
    for attempt in range(TRIES):
        try:
            # One alone that is new is written in one go, which is a transaction by itself.
            with transaction.atomic() if looks_first or connection.in_atomic_block else nullcontext():
                written = _receive_all(wanted, register, actor=actor, at=at, looks_first=looks_first)
            break
        except (_Known, IntegrityError):
            # Somebody took in the same number before, or at the same moment: look again, and it is there.
            looks_first = True
            if attempt == TRIES - 1:
                raise
    for index, result in written.items():
        results[index] = result
    return results


def check(complaint: Intake, *, at: datetime) -> None:
    """Invalid, with every field that is at fault, for what cannot be understood or cannot be true."""
    fields: dict[str, list[str]] = {}

    def fault(name: str, message: str) -> None:
        fields.setdefault(name, []).append(message)

    if complaint.source not in SOURCES:
        fault("source", f"来源只能是 {'、'.join(Source.values)}")
    if complaint.kind not in KINDS:
        fault("kind", f"诉求类型只能是 {'、'.join(TicketKind.values)}")
    if complaint.category and complaint.category not in CATEGORIES:
        fault("category", f"分类只能是 {'、'.join(Category.values)}")
    if complaint.source == Source.HOTLINE and not complaint.external_no:
        fault("external_no", "12345 工单须有工单编号")
    if not complaint.content.strip():
        fault("content", "诉求内容不能为空")
    if len(complaint.content) > LONGEST_CONTENT:
        fault("content", f"诉求内容过长，最多 {LONGEST_CONTENT} 字")
    moments = [
        ("called_at", "来电时间", complaint.called_at),
        ("district_received_at", "区接收时间", complaint.district_received_at),
        ("dispatched_at", "交办时间", complaint.dispatched_at),
    ]
    known = [(name, said, moment) for name, said, moment in moments if moment is not None]
    for name, said, moment in known:
        if moment > at + CLOCK_TOLERANCE:
            fault(name, f"{said}晚于现在")
    for (_, said_before, before), (name, said, moment) in zip(known, known[1:], strict=False):
        if moment < before:
            fault(name, f"{said}早于{said_before}")
    if complaint.city_due_at is not None and complaint.city_due_at <= complaint.called_at:
        fault("city_due_at", "市交办时限早于来电时间")
    if fields:
        raise Invalid(next(iter(fields.values()))[0], fields=fields)


# ---------------------------------------------------------------- writing


class _Known(Exception):
    """A number that was taken for new has come in before."""


@dataclass
class _Batch:
    """What a batch writes: collected in memory, written in one go."""

    tickets: list[Ticket] = field(default_factory=list)
    orders: dict[int, lifecycle.Dispatch] = field(default_factory=dict)
    followers: set[int] = field(default_factory=set)
    clocks: list[Deadline] = field(default_factory=list)
    parts: list[Assignment] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    cases: list[OutageCase] = field(default_factory=list)
    restricted: set[int] = field(default_factory=set)

    def rows(self) -> list[Rows]:
        """Everything but the journal, in the order in which it has to be written."""
        return [Rows(self.tickets), Rows(self.parts), Rows(self.clocks), outbox.rows(self.notices), outages.rows(self.cases)]

    def received(self) -> dict[int, Received]:
        """What became of each ticket, by its key."""
        clocks, parts = {}, {}
        for one in sorted(self.clocks, key=lambda one: one.opened_at):
            clocks.setdefault(one.subject_id, []).append(one)
        for one in self.parts:
            parts.setdefault(one.ticket_id, []).append(one)
        joined = {case.subject_key for case in self.cases}
        return {
            one.pk: Received(
                one, CREATED, tuple(clocks.get(one.pk, ())), tuple(parts.get(one.pk, ())), one.number in joined or one.community_id in self.restricted
            )
            for one in self.tickets
        }


def _receive_all(wanted: list[tuple[int, Intake]], register: Register, *, actor, at: datetime, looks_first: bool) -> dict[int, Received | Exception]:
    results: dict[int, Received | Exception] = {}
    known = _known(wanted) if looks_first else {}
    book = rulebook.current(at)
    batch = _Batch()
    fresh: dict[tuple, Ticket] = {}
    new_indexes: list[tuple[int, Ticket]] = []
    entries: list = []
    twins: list[tuple[int, Intake, Ticket]] = []
    for index, complaint in wanted:
        key = (complaint.source, complaint.external_no)
        if complaint.external_no and key in known:
            try:
                results[index] = supplement(known[key], complaint, register, book, entries, actor=actor, at=at)
            except Conflict as fault:
                results[index] = fault
            continue
        if complaint.external_no and key in fresh:
            twins.append((index, complaint, fresh[key]))
            continue
        ticket = _prepare(complaint, register, book, batch, actor=actor, at=at)
        new_indexes.append((index, ticket))
        if complaint.external_no:
            fresh[key] = ticket
    if batch.tickets:
        _complete(batch, book, register, entries, actor=actor, at=at)
    # The journal comes last, because its lock is held from the first entry to the commit.
    one_trip.write(*batch.rows(), *([] if twins else [Rows(entries)]))
    written = batch.received()
    for index, ticket in new_indexes:
        results[index] = written[ticket.pk]
    for index, complaint, ticket in twins:
        try:
            results[index] = supplement(ticket, complaint, register, book, entries, actor=actor, at=at)
        except Conflict as fault:
            results[index] = fault
    if twins:
        journal.record_many(entries)
    return results


def _known(wanted: list[tuple[int, Intake]]) -> dict[tuple, Ticket]:
    numbers: dict[str, set] = {}
    for _, complaint in wanted:
        if complaint.external_no:
            numbers.setdefault(complaint.source, set()).add(complaint.external_no)
    found = {}
    for source, wanted_numbers in numbers.items():
        known = Ticket.objects.filter(source=source, external_no__in=wanted_numbers)
        if not known.exists():  # as nearly always; who comes between is met by the key, and looked for again
            continue
        tickets = known.select_related("community", "street", "lead", "doer")
        found.update({(ticket.source, ticket.external_no): ticket for ticket in tickets.order_by("pk").select_for_update(of=("self",))})
    return found


def _prepare(complaint: Intake, register: Register, book, batch: _Batch, *, actor, at: datetime) -> Ticket:
    suggestion = routing.suggest(
        complaint.content, at=at, on=civil.day_of(complaint.called_at), category=complaint.category, community=complaint.community,
        address=complaint.address, street=complaint.street, book=book, register=register,
    )  # fmt: skip
    phone = normal_phone(complaint.complainant_phone)
    extra = dict(complaint.extra)
    if complaint.community and suggestion.community is None:
        extra.setdefault("来件小区", complaint.community)
    if complaint.street and suggestion.street is None:
        extra.setdefault("来件街道", complaint.street)
    content = complaint.content.strip()
    shown = scrub(content)
    ticket = Ticket(
        source=complaint.source,
        external_no=complaint.external_no or None,
        district_no=complaint.district_no,
        kind=complaint.kind,
        category=complaint.category,
        suggested_category=suggestion.category,
        suggestion=suggestion.as_data(),
        title=scrub(complaint.title.strip() or wording.title(content))[:80] or "（无标题）",
        content=shown,
        content_original=content if shown != content else "",
        is_urgent=complaint.is_urgent or suggestion.is_urgent,
        is_confidential=complaint.is_confidential,
        complainant_name=complaint.complainant_name.strip()[:60],
        complainant_phone=phone,
        complainant_email=complaint.complainant_email,
        other_contacts=normal_phone(complaint.other_phone),
        phone_index=blind_index(phone),
        address=complaint.address.strip()[:300],
        building=scrub(complaint.building.strip())[:60],
        community=suggestion.community,
        street=suggestion.street,
        called_at=min(complaint.called_at, at),
        district_received_at=complaint.district_received_at,
        dispatched_at=complaint.dispatched_at,
        ingested_at=at,
        city_due_at=complaint.city_due_at,
        district_due_at=complaint.district_due_at,
        is_history=complaint.is_history,
        is_demo=complaint.is_demo,
        extra=extra,
    )
    ticket.late_on_arrival, ticket.arrival_hop = arrival_of(ticket, book, at=at)
    batch.tickets.append(ticket)
    if complaint.is_history:
        ticket.category = complaint.category or suggestion.category
        ticket.state = State.CLOSED
        ticket.closed_at = complaint.closed_at or at
        ticket.lead, ticket.doer = suggestion.lead, complaint.doer or suggestion.doer
    elif complaint.same_as is not None:
        batch.followers.add(len(batch.tickets) - 1)
    else:
        order = _order(complaint, suggestion, book)
        if order is not None:
            batch.orders[len(batch.tickets) - 1] = order
    return ticket


def _order(complaint: Intake, suggestion: Suggestion, book) -> lifecycle.Dispatch | None:
    """The dispatch that needs no dispatcher: the sender named the doer, or the policy of the source allows it."""
    doer = complaint.doer
    if doer is None and book.source(complaint.source).get("auto_dispatch") and suggestion.is_sure:
        doer = suggestion.doer
    if doer is None or suggestion.lead is None and complaint.doer is None:
        return None
    lead = suggestion.lead or doer
    return lifecycle.Dispatch(
        category=suggestion.category, lead=lead, doer=doer, assists=list(suggestion.assists), watches=list(suggestion.watches),
        clause=suggestion.clause, note="来件已指定承办单位" if complaint.doer else "按来源规则自动交办",
    )  # fmt: skip


def arrival_of(ticket: Ticket, book, *, at: datetime) -> tuple[bool, str]:
    """Whether the caller's time was lost before the ticket reached the portal, and the hop that lost most of it.

    Lost: even an answer at this very moment would come after the response limit counted from the call, or the city's time is up.
    """
    limit = book.duration("late_on_arrival_after", "PT15M")
    late = at > ticket.called_at + limit or (ticket.city_due_at is not None and at > ticket.city_due_at)
    if not late:
        return False, ""
    return True, max(hops_of(ticket, at), key=lambda hop: hop[1])[0]


def hops_of(ticket: Ticket, at: datetime) -> list[tuple[str, timedelta]]:
    """The way from the call to the portal, hop by hop: hotline (市热线), dispatch (区委社会工作部交办), import (进入本平台)."""
    hops, since = [], ticket.called_at
    for name, moment in (
        ("hotline", ticket.district_received_at),
        ("dispatch", ticket.dispatched_at if ticket.dispatched_at and ticket.dispatched_at <= ticket.ingested_at else None),
        ("import", ticket.ingested_at or at),
    ):
        if moment is not None:
            hops.append((name, moment - since))
            since = moment
    return hops


NOTHING = Question("SELECT NULL")


def _look_up(tickets: list[Ticket], *, at: datetime) -> tuple:
    """All that the database knows of tickets to come, in one statement: their keys and serials, whether one of their numbers was
    taken meanwhile, the closed tickets of the same phones, and what is without heat or short of gas where they come from.
    """
    live = [ticket for ticket in tickets if not ticket.is_history]
    places = {ticket.community_id for ticket in live if ticket.community_id}
    numbered = tuple((ticket.source, ticket.external_no) for ticket in tickets if ticket.external_no)
    phones = [ticket.phone_index for ticket in live if ticket.phone_index]
    return one_trip.ask(
        one_trip.new_keys(Ticket, len(tickets)),
        numbering.serials(len(tickets)),
        Question("SELECT EXISTS (SELECT FROM complaints_ticket WHERE (source, external_no) IN %s)", (numbered,)) if numbered else NOTHING,
        Question(
            """SELECT json_agg(json_build_object('id', id, 'number', number, 'phone', phone_index, 'community', community_id) ORDER BY closed_at)
               FROM complaints_ticket WHERE phone_index = ANY(%s) AND phone_index <> '' AND state = 'closed' AND closed_at >= %s""",
            (phones, at - REPEAT_WITHIN),
        ) if phones else NOTHING,
        outages.open_areas(places, at=at) if places else NOTHING,
        curtailment.ever_restricted(places, min(ticket.called_at for ticket in tickets)) if places else NOTHING,
    )


def _complete(batch: _Batch, book, register: Register, entries: list, *, actor, at: datetime) -> None:
    """Prepared tickets become what will be written: numbered, dispatched where they go by themselves, with all that belongs to them."""
    keys, serials, is_known, closed, areas, restricted = _look_up(batch.tickets, at=at)
    if is_known:
        raise _Known
    batch.restricted = set(restricted or ())
    for ticket, key, number in zip(batch.tickets, keys, numbering.numbers(serials, at), strict=True):
        ticket.pk, ticket.number = key, number
    # Dispatched tickets are written as such at once: state, units and first due moment need no second statement.
    limits = engine.limits()
    places = access.place_ids()
    for index, order in batch.orders.items():
        ticket = batch.tickets[index]
        ticket.state, ticket.category = State.DISPATCHED, order.category
        ticket.lead, ticket.doer, ticket.delivered_at = order.lead, order.doer, at
        ticket.dispatched_at = ticket.dispatched_at or at
        ticket.community = order.community or ticket.community
    _tag_repeats(batch.tickets, closed or [])
    for index, ticket in enumerate(batch.tickets):
        if not ticket.is_history:
            ticket.due_at, ticket.stage = _first_due(ticket, index in batch.orders, book, limits, at)

    dispatch_entries, waiting = [], 0
    for index, ticket in enumerate(batch.tickets):
        entries.append(_received_entry(ticket, actor=actor, at=at))
        if ticket.is_history:
            continue
        order = batch.orders.get(index)
        if order is None:
            place = places.get(book.source(ticket.source).get("receives"), places[access.DISPATCHER])
            receiver = register.by_id.get(place) or Unit.objects.get(pk=place)
            batch.clocks.append(engine.draft(limits[clocks.DISPATCH], ticket, receiver, at=at, street=ticket.street))
            waiting += index not in batch.followers
            continue
        own = lifecycle.parts_of(ticket, order, at=at)
        batch.parts += own
        batch.clocks += lifecycle.opening_clocks(ticket, own, book, limits, at=at)
        batch.notices += lifecycle.dispatch_notices(ticket, own, at=at)
        dispatch_entries.append(lifecycle.dispatch_entry(ticket, order, actor=actor, at=at))
    if waiting:
        batch.notices.append(
            Notice(
                key=f"arrival:{batch.tickets[0].number}:{waiting}", unit_id=places[access.DISPATCHER], audience="dispatcher", kind="arrival",
                subject=f"新工单待交办 {waiting} 件" if waiting > 1 else f"新工单待交办：{batch.tickets[0].number} {batch.tickets[0].open_title}"[:160],
                link="/dispatch/", created_at=at,
            )
        )  # fmt: skip
    batch.cases, joining = situations.join(batch.tickets, [OpenArea(**area) for area in areas or ()], at=at)
    entries += dispatch_entries + joining


def _tag_repeats(tickets: list[Ticket], closed: list[dict]) -> None:
    """The same household again after its ticket was closed is a 复诉: a ticket of its own, tagged with the one before (behaviour 6)."""
    before = {(one["phone"], one["community"]): Ticket.from_db(None, ("id", "number"), (one["id"], one["number"])) for one in closed}
    for ticket in tickets:
        if not ticket.is_history:
            ticket.repeat_of = before.get((ticket.phone_index, ticket.community_id))


def _first_due(ticket: Ticket, is_dispatched: bool, book, limits: dict, at: datetime) -> tuple[datetime | None, str]:
    """The clock that will run out first, known before it is written."""
    if not is_dispatched:
        return at + limits[clocks.DISPATCH].policy.allowance, clocks.DISPATCH
    due = [
        (at + limits[code].policy.allowance, limits[code].policy.stage)
        for code in book.stages(ticket.kind, ticket.source, ticket.category)
    ]
    if ticket.city_due_at is not None:
        due.append((ticket.city_due_at, clocks.CITY))
    return min(due, default=(None, ""))


def _received_entry(ticket: Ticket, *, actor, at: datetime):
    unit = access.home_unit(actor) if actor is not None else None
    return journal.entry(
        ticket, "receive", actor=actor, at=at, unit=unit.code if unit else "", source=ticket.source, external_no=ticket.external_no,
        called_at=ticket.called_at.isoformat(), late_on_arrival=ticket.late_on_arrival, arrival_hop=ticket.arrival_hop,
        suggested_category=ticket.suggested_category, history=ticket.is_history,
    )  # fmt: skip


# ---------------------------------------------------------------- the same ticket again


def supplement(ticket: Ticket, complaint: Intake, register: Register, book, entries: list, *, actor, at: datetime) -> Received:
    """The same number again: what is new is merged and journalled, and no clock moves.

    Conflict where the call's time contradicts, and, without a word on it, where it is another unit's ticket.
    """
    if not ticket_access.may_supplement(actor, ticket):
        raise Conflict("这个来源编号已被使用")
    if abs(ticket.called_at - complaint.called_at) >= SAME_MOMENT:
        raise Conflict(
            f"编号 {ticket.external_no} 已有工单 {ticket.number}，但来电时间不同（原为 {ticket.called_at.astimezone(complaint.called_at.tzinfo):%Y-%m-%d %H:%M}）"
        )
    changes, said = {}, {}
    _merge_words(ticket, complaint, changes, said)
    _merge_contact(ticket, complaint, changes, said)
    for name, new in (("address", complaint.address.strip()[:300]), ("building", scrub(complaint.building.strip())[:60])):
        old = getattr(ticket, name)
        if new and new != old:
            changes[name], said[name] = new, "改为新值" if old else "补充"
    if complaint.district_no and complaint.district_no != ticket.district_no:
        changes["district_no"], said["district_no"] = complaint.district_no, complaint.district_no
    for name in ("city_due_at", "district_due_at"):
        new, old = getattr(complaint, name), getattr(ticket, name)
        if new is not None and new != old:
            changes[name], said[name] = new, [old.isoformat() if old else None, new.isoformat()]
    if complaint.is_confidential and not ticket.is_confidential:
        changes["is_confidential"], said["is_confidential"] = True, True
    unknown = {name: value for name, value in complaint.extra.items() if ticket.extra.get(name) != value}
    if unknown:
        changes["extra"], said["extra"] = {**ticket.extra, **unknown}, sorted(unknown)
    if ticket.state == State.RECEIVED and ticket.community_id is None and (complaint.community or complaint.address):
        place = register.community(complaint.community) or register.community_in(complaint.address)[0]
        if place:
            changes["community"], said["community"] = place, place.name
            if ticket.street_id is None and place.street_id:
                changes["street"] = register.by_id.get(place.street_id)
    if not changes:
        return Received(ticket, UNCHANGED)
    opens_city = "city_due_at" in changes and ticket.city_due_at is None and ticket.is_open and ticket.lead_id
    # Under the row's lock already (in _known); the version makes a page that was open beside it notice.
    changes["version"] = ticket.version + 1
    Ticket.objects.filter(pk=ticket.pk).update(**changes)
    for name, value in changes.items():
        setattr(ticket, name, value)
    if opens_city:
        engine.open_all(clocks.of_city(ticket, ticket.lead, engine.limits([clocks.CITY]), at=at))
        clocks.refresh(ticket)
    entries.append(journal.entry(ticket, "supplement", actor=actor, at=at, changes=said))
    if "community" in changes:
        entries += situations.attach([ticket], at=at)
    if ticket.is_open and ticket.doer_id and ("content" in changes or "complainant_phone" in changes):
        outbox.post(
            ticket.doer, f"诉求补充：{ticket.number} {ticket.open_title}", key=f"supplement:{ticket.pk}:{ticket.version}", audience="doer",
            kind="note", link=f"/tickets/{ticket.number}/", at=at,
        )  # fmt: skip
    return Received(ticket, UPDATED)


def _merge_words(ticket: Ticket, complaint: Intake, changes: dict, said: dict) -> None:
    new = complaint.content.strip()
    known = ticket.content_original or ticket.content
    if new and new not in known:
        merged = new if known in new else f"{known}\n〔补充〕{new}"
        if len(merged) > LONGEST_CONTENT * 3:
            raise Conflict(f"工单 {ticket.number} 的补充内容过长")
        shown = scrub(merged)
        changes["content"] = shown
        changes["content_original"] = merged if shown != merged else ""
        said["content"] = scrub(new)[:500]


def _merge_contact(ticket: Ticket, complaint: Intake, changes: dict, said: dict) -> None:
    phone = normal_phone(complaint.complainant_phone)
    others = ticket.other_contacts.split("；") if ticket.other_contacts else []
    if phone and phone != ticket.complainant_phone and phone not in others:
        if ticket.complainant_phone:
            changes["other_contacts"] = "；".join([ticket.complainant_phone, *others])
        changes["complainant_phone"], changes["phone_index"] = phone, blind_index(phone)
        said["complainant_phone"] = mask_phone(phone)
    name = complaint.complainant_name.strip()[:60]
    if name and name != ticket.complainant_name and not ticket.complainant_name:
        changes["complainant_name"], said["complainant_name"] = name, "补充"


def repeats_of(user, ticket: Ticket, *, limit: int = 8) -> list[Ticket]:
    """Other tickets of the same household or building that `user` may see, newest first: what a dispatcher may link."""
    known = ticket_access.visible_to(user).select_related("community", "street", "doer", "lead").exclude(pk=ticket.pk)
    found: dict[int, Ticket] = {}
    if ticket.phone_index:
        for other in known.filter(phone_index=ticket.phone_index).order_by("-ingested_at")[:limit]:
            found[other.pk] = other
    if ticket.community_id and ticket.building:
        same = known.filter(community_id=ticket.community_id, building=ticket.building)
        for other in same.order_by("-ingested_at")[:limit]:
            found.setdefault(other.pk, other)
    return sorted(found.values(), key=lambda other: other.ingested_at, reverse=True)[:limit]

