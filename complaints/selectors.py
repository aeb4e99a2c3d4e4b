"""Reading tickets: lists, one ticket with its clocks, and the figures of a home page. A constant number of queries each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.lookups import StartsWith

from complaints import access as ticket_access
from complaints import clocks
from complaints.grams import ReversedText, has_words
from complaints.models import OPEN_STATES, Assignment, Category, Evidence, Link, Part, Return, Source, State, Ticket, TicketKind
from core import civil
from core.countdown import SOON
from core.crypto import blind_index
from core.errors import Invalid, NotFound
from core.models import Attachment
from core.paging import Page, page
from core.privacy import mask_name, mask_phone, normal_phone, scrub
from core.together import Waiting, aggregated, may_wait, only_row
from deadlines import engine
from deadlines.models import Deadline
from plants import temperatures
from plants.models import Community
from units import access
from units.models import Unit

NEWEST = ("-ingested_at", "-id")
DUE_FIRST = ("due_at", "id")
MOST_COMMUNITIES = 200  # whose name has the words searched for
LISTED = (
    "id", "number", "title", "source", "kind", "category", "suggested_category", "state", "round", "stage", "due_at", "is_urgent",
    "is_confidential", "late_on_arrival", "ingested_at", "called_at", "closed_at", "building", "call_count", "is_demo", "version",
    "community__name", "community__code", "street__short_name", "street__code", "doer__short_name", "doer__code", "doer__kind",
    "lead__short_name", "lead__code",
)  # fmt: skip


@dataclass
class Filters:
    """What a list may be narrowed by; the names are those of `GET tickets/`."""

    state: str = ""
    late: bool | None = None
    soon: bool = False
    stage: str = ""
    unit: str = ""
    street: str = ""
    community: str = ""
    category: str = ""
    source: str = ""
    kind: str = ""
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None
    mine: str = ""
    given: dict = field(default_factory=dict)

    @classmethod
    def read(cls, params) -> "Filters":
        """From a query string; Invalid, naming the parameter, for a value that cannot be meant."""
        given = {name: params.get(name, "").strip() for name in FILTER_NAMES if params.get(name, "").strip()}
        _one_of(given, "state", [*State.values, "open"])
        _one_of(given, "category", Category.values)
        _one_of(given, "source", Source.values)
        _one_of(given, "kind", TicketKind.values)
        _one_of(given, "mine", ["lead", "doer", "assist", "watch"])
        for name in ("stage", "unit", "street", "community"):
            if len(given.get(name, "")) > 64:
                raise Invalid("内容过长", field=name)
        if len(given.get("q", "")) > 100:
            raise Invalid("搜索词过长，最多 100 字", field="q")
        return cls(
            state=given.get("state", ""), late=_truth(given, "late"), soon=bool(_truth(given, "soon")), stage=given.get("stage", ""),
            unit=given.get("unit", ""), street=given.get("street", ""), community=given.get("community", ""),
            category=given.get("category", ""), source=given.get("source", ""), kind=given.get("kind", ""), q=given.get("q", ""),
            since=civil.parse(given["since"], field="since") if "since" in given else None,
            until=civil.parse(given["until"], field="until") if "until" in given else None,
            mine=given.get("mine", ""), given=given,
        )  # fmt: skip


FILTER_NAMES = (
    "state", "late", "soon", "stage", "unit", "street", "community", "category", "source", "kind", "q", "since", "until", "mine",
)  # fmt: skip


def tickets(user, filters: Filters, *, at: datetime) -> QuerySet[Ticket]:
    """The tickets that `user` may see and that the filters let through."""
    found = ticket_access.visible_to(user)
    wanted = Q()
    if filters.state == "open":
        wanted &= Q(state__in=OPEN_STATES)
    elif filters.state:
        wanted &= Q(state=filters.state)
    if filters.late is True:
        found = found.filter(_late(at))
    elif filters.late is False:
        found = found.exclude(_late(at))
    if filters.soon:
        wanted &= Q(due_at__gte=at, due_at__lte=at + SOON)
    if filters.stage:
        wanted &= Q(stage=filters.stage, due_at__isnull=False)  # a stage has a clock that runs: the few that have one are in an index
    if filters.unit:
        part = Assignment.objects.filter(ticket=OuterRef("pk"), unit__in=access.ids_of_code(filters.unit), until=None)
        found = found.filter(Exists(part))
    if filters.mine:
        mine = Assignment.objects.filter(
            ticket=OuterRef("pk"), part=filters.mine, until=None, unit__in=access.unit_ids(user, access.HANDLE_TICKETS)
        )
        found = found.filter(Exists(mine))
    # By its key and not by a join: PostgreSQL then knows which street it is, and how many tickets that has.
    if filters.street:
        wanted &= Q(street__in=access.ids_of_code(filters.street))
    if filters.community:
        wanted &= Q(community=Community.objects.filter(code=filters.community).values("pk")[:1])
    for name in ("category", "source", "kind"):
        if getattr(filters, name):
            wanted &= Q(**{name: getattr(filters, name)})
    if filters.since:
        wanted &= Q(ingested_at__gte=filters.since)
    if filters.until:
        wanted &= Q(ingested_at__lt=filters.until)
    if filters.q:
        wanted &= _search(user, filters.q)
    return found.filter(wanted)


def listing(
    user, filters: Filters, *, at: datetime, cursor: str | None = None, order: tuple[str, ...] = NEWEST, size: int = 50
) -> Page:
    """One page of tickets with what a row shows: one query, and none per row."""
    found = tickets(user, filters, at=at)
    if order == DUE_FIRST:
        found = found.filter(due_at__isnull=False)
    return page(
        found.select_related("community", "street", "doer", "lead").only(*LISTED), order=order, cursor=cursor, size=size
    )


def deadlines_of(ticket: Ticket) -> list[Deadline]:
    """Every clock that ever ran on a ticket, in order."""
    return list(engine.of(ticket).select_related("unit", "policy"))


@dataclass(frozen=True)
class Person:
    """The complainant, as far as the reader may know."""

    name: str
    phone: str
    address: str
    is_hidden: bool
    may_reveal: bool


def complainant_of(user, ticket: Ticket) -> Person:
    """Name and phone masked; nothing at all for the side that may be accused."""
    if not ticket_access.may_know_complainant(user, ticket):
        hidden = ticket.hides_complainant
        return Person("（保密）" if hidden else mask_name(ticket.complainant_name), "（保密）" if hidden else mask_phone(ticket.complainant_phone), "（保密）" if hidden else scrub(ticket.address), hidden, False)
    handled = ticket_access.handles(user, ticket) or ticket_access.leads(user, ticket)
    district = access.everywhere(user, access.DISPATCH_TICKETS) or access.everywhere(user, access.SUPERVISE)
    return Person(
        mask_name(ticket.complainant_name), mask_phone(ticket.complainant_phone), scrub(ticket.address), False,
        ticket.is_open and (handled or district) and bool(ticket.complainant_phone or ticket.complainant_name),
    )  # fmt: skip


@dataclass(frozen=True)
class Details:
    """Everything beside the ticket itself that its page shows."""

    deadlines: list[Deadline]
    parts: list[Assignment]
    open_return: Return | None
    returns: list[Return]
    evidence: list[Evidence]
    temperatures: list
    parent: Link | None
    children: list[Link]


def details_of(user, ticket: Ticket) -> Details:
    """A ticket's clocks, parts, returns, proofs, measurements, and links to tickets that `user` may see: one query for each that it has."""
    returned = ticket.return_requests.select_related("unit", "proposed_unit", "to_unit").order_by("requested_at")
    linked = Link.objects.filter(Q(child=ticket) | Q(parent=ticket), undone_at=None).select_related("child", "parent").order_by("linked_at")
    proofs = ticket.evidence.select_related("attachment").order_by("recorded_at")
    measured = temperatures.of(ticket)
    # Most tickets have none of most of these: one question tells which are worth another.
    has = Ticket.objects.filter(pk=ticket.pk).values_list(*(Exists(one) for one in (returned, linked, proofs, measured))).get()
    returns, links, evidence, readings = (list(one) if there else [] for one, there in zip((returned, linked, proofs, measured), has, strict=True))
    foreign = ticket_access.others(user, ticket, {number for link in links for number in (link.child.number, link.parent.number)})
    links = [link for link in links if not foreign & {link.child.number, link.parent.number}]
    return Details(
        deadlines=deadlines_of(ticket),
        parts=list(ticket.assignments.select_related("unit").order_by("since", "id")),
        open_return=next((one for one in returns if one.ruled_at is None), None),
        returns=returns,
        evidence=evidence,
        temperatures=readings,
        parent=next((link for link in links if link.child_id == ticket.pk), None),
        children=[link for link in links if link.parent_id == ticket.pk],
    )


def details_of_new(deadlines: Iterable[Deadline], parts: Iterable[Assignment]) -> Details:
    """The same of a ticket written this moment: its clocks and parts, and nothing else yet."""
    return Details(list(deadlines), list(parts), None, [], [], [], None, [])


def waiting_for_dispatch(user, *, at: datetime, cursor: str | None = None) -> Page:
    """The dispatcher's desk: what waits for dispatch, what is due first first; repeats that follow another are left out."""
    return page(waiting(user, at=at), order=DUE_FIRST, cursor=cursor)


def waiting(user, *, at: datetime) -> QuerySet[Ticket]:
    """The same, all of it."""
    found = tickets(user, Filters(state=State.RECEIVED), at=at).filter(due_at__isnull=False)
    return found.select_related("community", "street", "doer", "lead").order_by(*DUE_FIRST)


def returns_to_rule(user) -> QuerySet[Return]:
    """Returns that wait for a ruling."""
    if not (access.everywhere(user, access.DISPATCH_TICKETS) or access.everywhere(user, access.SUPERVISE)):
        return Return.objects.none()
    return Return.objects.filter(ruled_at=None).select_related("ticket", "unit", "proposed_unit").order_by("requested_at")


def tasks_of(user) -> QuerySet[Assignment]:
    """The open assist tasks of the user's units."""
    return (
        Assignment.objects.filter(
            part=Part.ASSIST, until=None, done_at=None, waived_at=None, unit__in=access.unit_ids(user, access.HANDLE_TICKETS)
        )
        .exclude(ticket__state__in=[State.CLOSED, State.VOID])
        .select_related("ticket", "unit")
        .order_by("since")
    )


@may_wait
def counts(user, *, at: datetime) -> Waiting[dict[str, int]]:
    """How many tickets each tab of the list has, counted over open tickets only."""
    open_ones = ticket_access.visible_to(user).filter(state__in=OPEN_STATES)
    mine = access.unit_ids(user, access.HANDLE_TICKETS)
    asked = aggregated(
        open_ones,
        mine=Count("pk", filter=Q(doer__in=mine)),
        late=Count("pk", filter=_late(at)),
        soon=Count("pk", filter=Q(due_at__gte=at, due_at__lte=at + SOON)),
        to_call=Count("pk", filter=Q(state=State.FINISHED)),
        received=Count("pk", filter=Q(state=State.RECEIVED)),
        open=Count("pk"),
    )
    yield asked
    return only_row(asked)


def attachment_to_see(user, number: str, pk):
    """A file of a ticket, for who may see the ticket and, where it may give the complainant away, the complainant."""
    ticket = ticket_access.ticket_to_see(user, number)
    found = Attachment.objects.filter(pk=pk, subject_kind=ticket.journal_kind, subject_key=ticket.number).first()
    if found is None or not ticket_access.may_read_words(user, ticket):
        raise NotFound
    return found


def _late(at: datetime) -> Q:
    """Something on it is late as of `at`: the clock that runs out first has run out."""
    return Q(due_at__lt=at, state__in=OPEN_STATES)


def _search(user, words: str) -> Q:
    """A number, a phone, a community, or words of the content. Whoever may be accused searches by number and place only."""
    plain = words.strip()
    digits = normal_phone(plain)
    # Each arm has an index of its own, so that PostgreSQL may take them together; one without would cost a look at every ticket.
    found = Q(number=plain.upper()) | Q(source__in=Source.values, external_no=plain)
    if plain:
        found |= Q(district_no=plain) & ~Q(district_no="") | Q(community__in=list(Community.objects.filter(name__icontains=plain).values_list("pk", flat=True)[:MOST_COMMUNITIES]))
    if plain.upper().startswith("WY-") or (plain.replace("-", "").isdigit() and 3 <= len(plain) <= 16):
        found |= Q(StartsWith(ReversedText("number"), plain.upper()[::-1]))
    if access.is_company(user):
        hidden = ticket_access.hidden()
        found |= has_words(plain) & ~hidden
        if len(digits) >= 7:
            found |= Q(phone_index=blind_index(digits)) & ~Q(phone_index="") & ~hidden
        return found
    found |= has_words(plain)
    if len(digits) >= 7:
        found |= Q(phone_index=blind_index(digits)) & ~Q(phone_index="")
    return found


def _one_of(given: dict, name: str, allowed) -> None:
    if name in given and given[name] not in allowed:
        raise Invalid(f"只能是 {'、'.join(allowed)}", field=name)


def _truth(given: dict, name: str) -> bool | None:
    if name not in given:
        return None
    value = given[name].lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise Invalid("只能是 true 或 false", field=name)


def streets_and_companies(user) -> tuple[list[Unit], list[Unit]]:
    """For the filter menus: the streets, and the companies that `user` may know of."""
    units = [unit for unit in access.units_by_id().values() if unit.is_active and unit.kind in ("street", "heating", "property")]
    streets = [unit for unit in units if unit.kind == "street"]
    companies = [unit for unit in units if unit.kind != "street"]
    if not access.everywhere(user, access.SEE_WORK):
        own = access.unit_ids(user, access.SEE_WORK)
        companies = [unit for unit in companies if unit.pk in own]
    return streets, companies


STAGE_NAMES = {
    clocks.DISPATCH: "交办", clocks.RESPONSE: "响应", clocks.VISIT: "上门", clocks.CALLBACK: "回访",
    clocks.CITY: "市交办时限", clocks.ASSIST: "协办", clocks.RULING: "退单裁定",
}  # fmt: skip


def watch_list(user, *, limit: int) -> QuerySet[Ticket]:
    """What is late or due first: the rows of a home page."""
    found = ticket_access.visible_to(user).filter(due_at__isnull=False, state__in=OPEN_STATES)
    if not access.everywhere(user, access.SEE_WORK):
        own = access.unit_ids(user, access.SEE_WORK)
        found = found.filter(Q(doer__in=own) | Q(lead__in=own) | Q(street__in=own))
    return found.select_related("community", "street", "doer", "lead").only(*LISTED).order_by(*DUE_FIRST)[:limit]


def names_of_units(tickets: list[Ticket]) -> dict[str, str]:
    """Short names of all units that the suggestions of these tickets mention: one query."""
    codes = set()
    for ticket in tickets:
        said = ticket.suggestion
        codes |= {said.get("lead"), said.get("doer"), *said.get("assists", []), *said.get("watches", [])}
    return dict(Unit.objects.filter(code__in=codes - {None}).values_list("code", "short_name"))


def spoken_suggestion(ticket: Ticket, names: dict[str, str]) -> dict:
    """What routing suggested for a ticket, with names instead of codes."""
    said = ticket.suggestion
    return {
        "category": said.get("category", ""),
        "category_name": Category(said["category"]).label if said.get("category") else "未能判定",
        "clause": said.get("clause", ""),
        "lead": names.get(said.get("lead"), ""),
        "doer": names.get(said.get("doer"), ""),
        "assists": [names.get(code, code) for code in said.get("assists", [])],
        "watches": [names.get(code, code) for code in said.get("watches", [])],
        "why": said.get("why", []),
        "confidence": round(100 * said.get("confidence", 0)),
        "matched": said.get("matched", False),
    }
