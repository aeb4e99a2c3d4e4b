"""The life of a cluster: found by the callers' own times, joined by whoever complains of the same place, ended on its own (G16, behaviour 6).

A cluster is beside its tickets, never above them: they keep their clocks, their receipts and their callbacks.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Max, Q

from complaints import access as ticket_access
from complaints import rulebook
from complaints.models import Category, Cluster, ClusterMember, State, Ticket
from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid, NotFound
from deadlines import season as seasons
from deadlines.models import Season
from notices import outbox
from plants.models import Community
from units import access
from units.models import Unit
from units.naming import normal

DETECT_LOCK = 0x57_59_43_4C
LOOK_BACK = timedelta(hours=24)
PREPARATION = timedelta(days=30)  # trial runs before the season belong to it
_NUMBERED = re.compile(r"(\d+)(?:号楼|号|栋|幢|座|楼)")


def building_key(text: str) -> str:
    """A building as it is compared: 6号楼, 6 栋 and 6# are one."""
    plain = normal(text).replace("#", "号")
    found = _NUMBERED.search(plain)
    return found.group(1) if found else plain[:60]


@dataclass(frozen=True)
class Call:
    """One ticket as the search for clusters sees it."""

    pk: int
    community: int
    building: str
    building_key: str
    household: str
    at: datetime


# ---------------------------------------------------------------- finding


def detect(*, at: datetime) -> list[Cluster]:
    """Let what has come in join its cluster, and open a cluster wherever the plan's number of households is reached.

    Households are counted once, by the callers' times, in any stretch of the plan's length that ends within the last day;
    how often and when this runs changes nothing but when people hear. A constant number of statements, however many calls.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [DETECT_LOCK])
            if not cursor.fetchone()[0]:
                return []
        calls = _calls(at)
        if not calls:
            return []
        rules = rulebook.current(at)
        within = rules.cluster_within
        open_ones = {(one.community_id, one.building_key): one for one in Cluster.objects.filter(state=Cluster.State.OPEN)}
        taken = _taken(calls)
        found = []
        by_community = defaultdict(list)
        for call in calls:
            by_community[call.community].append(call)
        least = rules.number("cluster", "community_households", default=10)
        for community, its in by_community.items():
            if (community, "") not in open_ones:
                crossed = _crossing([call for call in its if call.pk not in taken or taken[call.pk] in _ids(open_ones, community)], least, within)
                if crossed:
                    found.append((community, "", crossed))
        whole = {community for community, _, _ in found} | {community for community, key in open_ones if not key}
        least = rules.number("cluster", "building_households", default=5)
        for community, its in by_community.items():
            if community in whole:
                continue
            by_building = defaultdict(list)
            for call in its:
                if call.building_key and call.pk not in taken:
                    by_building[call.building_key].append(call)
            for key, calls_of_it in by_building.items():
                crossed = None if (community, key) in open_ones else _crossing(calls_of_it, least, within)
                if crossed:
                    found.append((community, key, crossed))
        new = _open(found, calls, at) if found else []
        open_ones.update({(one.community_id, one.building_key): one for one in new})
        _absorb([one for one in new if not one.building_key], at)
        _join(calls, open_ones, within, at)
        return new


def _calls(at: datetime) -> list[Call]:
    rows = (
        _troubles(Ticket.objects.filter(ingested_at__gt=at - LOOK_BACK))
        .order_by("called_at", "pk")
        .values_list("pk", "community_id", "building", "phone_index", "called_at")
    )
    return [Call(pk, community, building, building_key(building), phone or f"ticket-{pk}", called) for pk, community, building, phone, called in rows]


def _troubles(tickets):
    """Of `tickets` those that tell of trouble with the heating somewhere known: no enquiries, no fees."""
    known = tickets.filter(community__isnull=False, is_history=False).exclude(state=State.VOID)
    return known.exclude(kind__in=("enquiry", "suggestion")).exclude(category=Category.PRICE_FEE)


def _taken(calls: list[Call]) -> dict[int, int]:
    """Ticket → the cluster that it was in, or is: it opens no other by itself."""
    return dict(ClusterMember.objects.filter(ticket__in=[call.pk for call in calls]).values_list("ticket_id", "cluster_id"))


def _ids(open_ones: dict, community: int) -> set[int]:
    return {one.pk for (place, _), one in open_ones.items() if place == community}


def _crossing(calls: list[Call], least: int, within: timedelta) -> datetime | None:
    """The moment at which so many different households had called within the stretch; None when they never had."""
    first = 0
    for last, call in enumerate(calls):
        while call.at - calls[first].at > within:
            first += 1
        if len({one.household for one in calls[first : last + 1]}) >= least:
            return call.at
    return None


def _open(found: list[tuple[int, str, datetime]], calls: list[Call], at: datetime) -> list[Cluster]:
    season = seasons.required(at)
    places = {one.pk: one for one in Community.objects.filter(pk__in={community for community, _, _ in found}).select_related("company", "street")}
    bureau = Unit.objects.get(code=access.BUREAU)
    names = {(call.community, call.building_key): call.building for call in calls}
    new = []
    for (community, key, crossed), number in zip(found, _numbers(season, len(found)), strict=True):
        place = places[community]
        owner = place.company or bureau
        building = names[community, key] if key else ""
        text = f"{place}{building}已有多户反映供热问题，{owner}正在集中处置，不必重复提交；有新情况可照常反映。"
        new.append(
            Cluster(
                number=number, season=season, community=place, building=building, building_key=key, owner=owner, street=place.street,
                opened_at=crossed, detected_at=at, public_text=text, is_demo=place.is_demo,
            )
        )  # fmt: skip
    Cluster.objects.bulk_create(new)
    for one in new:
        _tell(one, at)
    journal.record_many([journal.entry(one, "open", actor=None, at=at, opened_at=one.opened_at.isoformat(), owner=one.owner.code) for one in new])
    return new


def _numbers(season: Season, count: int) -> list[str]:
    prefix = f"JC-{season.starts_on.year}-"
    last = Cluster.objects.filter(number__startswith=prefix).aggregate(last=Max("number"))["last"]
    start = int(last.removeprefix(prefix)) if last else 0
    return [f"{prefix}{start + step:04d}" for step in range(1, count + 1)]


def _tell(one: Cluster, at: datetime) -> None:
    """The owner, the bureau and the street hear once that there is a cluster; not once a ticket."""
    bureau = Unit.objects.get(code=access.BUREAU)
    for unit, audience in ((one.owner, "doer"), (bureau, "bureau"), (one.street, "street")):
        if unit is not None:
            outbox.post(
                unit, f"集中诉求：{one.place}", key=f"cluster:{one.number}:{unit.code}", at=at, audience=audience, kind="cluster", level=1,
                link=one.get_absolute_url(), body="请牵头查明原因、集中处置并告知居民；各户工单仍按各自时限办理（G16）。",
            )  # fmt: skip


def _absorb(communities: list[Cluster], at: datetime) -> None:
    """A community's cluster takes in those of its buildings."""
    for one in communities:
        smaller = list(Cluster.objects.filter(community=one.community, state=Cluster.State.OPEN).exclude(building_key=""))
        if not smaller:
            continue
        ClusterMember.objects.filter(cluster__in=smaller, left_at=None).update(cluster=one)
        Cluster.objects.filter(pk__in=[small.pk for small in smaller]).update(state=Cluster.State.ABSORBED, closed_at=at, finding=f"并入 {one.number}")
        journal.record_many([journal.entry(small, "absorb", actor=None, at=at, into=one.number) for small in smaller])


def _join(calls: list[Call], open_ones: dict, within: timedelta, at: datetime) -> None:
    taken = _taken(calls)
    new = []
    for call in calls:
        if call.pk in taken:
            continue
        one = open_ones.get((call.community, "")) or open_ones.get((call.community, call.building_key))
        if one is not None and one.state == Cluster.State.OPEN and call.at >= one.opened_at - within and (not one.building_key or call.building_key):
            new.append(ClusterMember(cluster=one, ticket_id=call.pk, joined_at=at))
    ClusterMember.objects.bulk_create(new, ignore_conflicts=True)


# ---------------------------------------------------------------- who may know


def visible_to(user):
    """The clusters that `user` may know of: its own, those of its territory, or the district's."""
    found = Cluster.objects.select_related("community", "owner", "street")
    if access.everywhere(user, access.SEE_WORK):
        return found
    own = access.unit_ids(user, access.SEE_WORK)
    return found.filter(Q(owner__in=own) | Q(street__in=own))


def cluster_to_see(user, number: str) -> Cluster:
    """One cluster; NotFound where one may not know of it."""
    found = visible_to(user).filter(number=number[:24]).first()
    if found is None:
        raise NotFound
    return found


def may_handle(user, one: Cluster) -> bool:
    """Whether `user` may write the notice and end it: its owner, or the bureau."""
    return one.owner_id in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE)


def counted(clusters: Iterable[Cluster], *, at: datetime) -> dict[int, dict]:
    """For each cluster: tickets, households, how many are open and how many late as of `at`: one query."""
    rows = (
        ClusterMember.objects.filter(cluster__in=[one.pk for one in clusters], left_at=None)
        .values("cluster")
        .annotate(
            tickets=Count("pk"),
            households=Count("ticket__phone_index", distinct=True, filter=~Q(ticket__phone_index="")) + Count("pk", filter=Q(ticket__phone_index="")),
            open=Count("pk", filter=~Q(ticket__state__in=(State.CLOSED, State.VOID))),
            late=Count("pk", filter=Q(ticket__due_at__lt=at) & ~Q(ticket__state__in=(State.CLOSED, State.VOID))),
        )
    )
    return {row["cluster"]: row for row in rows}


def tickets_of(user, one: Cluster):
    """The tickets of a cluster that `user` may see, in the order of their calls. Those one may not know of only count."""
    return ticket_access.visible_to(user).filter(clusters__cluster=one, clusters__left_at=None).order_by("called_at", "pk")


def numbers_of(tickets: Iterable[int]) -> dict[int, str]:
    """Ticket → the number of the cluster in which it is: one query for a list."""
    rows = ClusterMember.objects.filter(ticket__in=list(tickets), left_at=None, cluster__state=Cluster.State.OPEN)
    return dict(rows.values_list("ticket_id", "cluster__number"))


def public_texts(community: Community, building: str = "") -> list[str]:
    """What residents of a place read of its open clusters."""
    found = Cluster.objects.filter(community=community, state=Cluster.State.OPEN).exclude(public_text="")
    key = building_key(building) if building else ""
    return list(found.filter(Q(building_key="") | Q(building_key=key)).values_list("public_text", flat=True))


# ---------------------------------------------------------------- acts


@transaction.atomic
def write_notice(one: Cluster, *, text: str, actor, at: datetime) -> None:
    """What residents of the place read before they complain; empty takes it away."""
    _require(one, actor)
    text = text.strip()[:200]
    if not Cluster.objects.filter(pk=one.pk, state=Cluster.State.OPEN).update(public_text=text):
        raise Conflict("已结束，不能再改公告")
    journal.record(one, "notice", actor=actor, at=at, reason=text)


@transaction.atomic
def hand_over(one: Cluster, *, owner: Unit, reason: str, actor, at: datetime) -> None:
    """Another unit leads: the cause lies with the property manager, say. The bureau's to decide."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("由区城管执法局指定牵头单位")
    if not reason.strip():
        raise Invalid("请写明理由", field="reason")
    Cluster.objects.filter(pk=one.pk).update(owner=owner)
    one.owner = owner
    _tell(one, at)
    journal.record(one, "hand_over", actor=actor, at=at, reason=reason.strip(), owner=owner.code)


@transaction.atomic
def take_out(one: Cluster, ticket: Ticket, *, reason: str, actor, at: datetime) -> None:
    """This ticket has another cause. Reversible: `put_in` brings it back."""
    _require(one, actor)
    if not reason.strip():
        raise Invalid("请写明原因", field="reason")
    if not ClusterMember.objects.filter(cluster=one, ticket=ticket, left_at=None).update(left_at=at, reason=reason.strip()[:200]):
        raise Conflict("这件工单不在其中")
    journal.record_many(
        [journal.entry(one, "take_out", actor=actor, at=at, reason=reason.strip(), ticket=ticket.number),
         journal.entry(ticket, "cluster_left", actor=actor, at=at, reason=reason.strip(), cluster=one.number)]
    )  # fmt: skip


@transaction.atomic
def put_in(one: Cluster, ticket: Ticket, *, actor, at: datetime) -> None:
    """This ticket belongs here after all. Conflict while it is in another cluster."""
    _require(one, actor)
    if one.state != Cluster.State.OPEN:
        raise Conflict("已结束，不能再并入")
    other = ClusterMember.objects.filter(ticket=ticket, left_at=None).exclude(cluster=one).select_related("cluster").first()
    if other is not None:
        raise Conflict(f"{ticket.number} 已在 {other.cluster.number} 中")
    ClusterMember.objects.update_or_create(cluster=one, ticket=ticket, defaults={"joined_at": at, "left_at": None, "reason": ""})
    journal.record_many(
        [journal.entry(one, "put_in", actor=actor, at=at, ticket=ticket.number), journal.entry(ticket, "cluster_joined", actor=actor, at=at, cluster=one.number)]
    )


@transaction.atomic
def close(one: Cluster, *, finding: str, actor, at: datetime) -> None:
    """The common cause is removed. Its tickets go on: each is finished and called back on its own."""
    _require(one, actor)
    if not finding.strip():
        raise Invalid("请写明原因和处置情况", field="finding")
    if not Cluster.objects.filter(pk=one.pk, state=Cluster.State.OPEN).update(
        state=Cluster.State.CLOSED, closed_at=at, closed_by=actor, finding=finding.strip()[:2000]
    ):
        raise Conflict("已经结束")
    journal.record(one, "close", actor=actor, at=at, reason=finding.strip()[:2000])


def _require(one: Cluster, actor) -> None:
    if actor is not None and not may_handle(actor, one):
        raise Forbidden("只有牵头单位和区城管执法局可以处置")


# ---------------------------------------------------------------- the buildings that keep coming back


@dataclass(frozen=True)
class Place:
    """A building or community and what came from it in a season."""

    community: str
    building: str
    company: str
    street: str
    tickets: int
    households: int
    again: int
    weeks: int


def persistent(user, season: Season, *, least: int = 3, limit: int = 100) -> list[Place]:
    """The buildings with the most complaints of a season that `user` may see: tickets, households, second rounds, and in how many weeks.

    A company reads nothing here of tickets that hide their complainant: a building of one household would name it.
    """
    since = civil.day_bounds(season.starts_on - PREPARATION)[0]
    visible = _troubles(ticket_access.visible_to(user).filter(ingested_at__gte=since))
    rows = (
        (visible.exclude(ticket_access.hidden()) if access.is_company(user) else visible)
        .values("community__name", "building", "community__company__short_name", "community__street__short_name", "phone_index", "round", "called_at")
        .order_by()[:200_000]
    )
    found: dict[tuple, dict] = {}
    for row in rows:
        key = (row["community__name"], building_key(row["building"]))
        one = found.setdefault(key, {"row": row, "tickets": 0, "households": set(), "again": 0, "weeks": set()})
        one["tickets"] += 1
        one["households"].add(row["phone_index"] or one["tickets"])
        one["again"] += row["round"] > 1
        one["weeks"].add(civil.day_of(row["called_at"]).isocalendar()[:2])
    places = [
        Place(
            key[0], one["row"]["building"], one["row"]["community__company__short_name"] or "", one["row"]["community__street__short_name"] or "",
            one["tickets"], len(one["households"]), one["again"], len(one["weeks"]),
        )
        for key, one in found.items()
        if one["tickets"] >= least
    ]  # fmt: skip
    return sorted(places, key=lambda place: (-place.weeks, -place.tickets))[:limit]
