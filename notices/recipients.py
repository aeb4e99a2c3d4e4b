"""Who is meant by a role at a unit, at the moment of sending: posts and rosters, never names fixed in advance.

A unit that keeps a roster (a phone post to be manned at this moment) hears at its roster: whoever is on duty now with an
account, and not the whole unit. Nobody on duty is an empty roster: the next one up hears it at once, and the bureau is
alarmed. What the principal hears, the leader on duty 带班领导 hears beside them (REC).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Q

from notices.models import Endpoint
from units import access
from units.models import DutyPost, DutyShift, GroupUnitPermission, Holding, Unit

# Roles that mean whoever works there…
WORKERS = {
    "doer": access.HANDLE_TICKETS,
    "workers": access.HANDLE_TICKETS,
    "street": access.HANDLE_TICKETS,
    "bureau": access.HANDLE_TICKETS,
    "dispatcher": access.HANDLE_TICKETS,
}
# Of these, the ones that are heard at the desk, where a unit keeps a roster; "workers" means the whole unit still.
AT_THE_DESK = ("doer", "street", "bureau", "dispatcher")
# …and roles that mean the holder of a post: the condition on the post.
POSTS = {
    "principal": Q(post__is_principal=True),
    "bureau_principal": Q(post__is_principal=True),
    "office_director": Q(post__code="office-director"),
    "deputy_head": Q(post__code__startswith="deputy-head"),
}


@dataclass(frozen=True)
class Places:
    """The ids of the units to which a notice climbs when nobody is there to hear it; None before a plan is loaded."""

    bureau: int | None
    office: int | None
    task_force: int | None


WITH_THE_LEADER = ("principal", "bureau_principal")

# Who hears what finds nobody: the next one up. Beyond the deputy heads there is nobody.
NEXT = {
    **dict.fromkeys(("doer", "workers", "street", "dispatcher", "principal"), lambda places: places.bureau and (places.bureau, "bureau")),
    "bureau": lambda places: places.bureau and (places.bureau, "bureau_principal"),
    "bureau_principal": lambda places: places.office and (places.office, "office_director"),
    "office_director": lambda places: places.task_force and (places.task_force, "deputy_head"),
}


@dataclass
class Recipients:
    """People with an account, and the unit's own addresses."""

    user_ids: set[int] = field(default_factory=set)
    endpoints: list[Endpoint] = field(default_factory=list)
    # There is a roster, and nobody on it now.
    is_unmanned: bool = False

    def hears(self, level: int) -> bool:
        """Whether anybody here hears a notice of this level. A robot's group is nobody where a roster names who should be there."""
        return not self.is_unmanned and (bool(self.user_ids) or self.shows(level))

    def shows(self, level: int) -> bool:
        """Whether one of the unit's own addresses takes a notice of this level."""
        return any(endpoint.least_level <= level for endpoint in self.endpoints)


def known_places() -> Places:
    """The bureau, the office and the task force, as far as they exist."""
    ids = dict(Unit.objects.filter(code__in=(access.BUREAU, access.OFFICE, access.TASK_FORCE)).values_list("code", "pk"))
    return Places(ids.get(access.BUREAU), ids.get(access.OFFICE), ids.get(access.TASK_FORCE))


def find_recipients(places: set[tuple[int, str]], *, at: datetime) -> dict[tuple[int, str], Recipients]:
    """For each (unit id, audience): whom to tell. A constant number of queries, however many places."""
    units = {unit_id for unit_id, _ in places}
    workers = defaultdict(set)
    for unit_id, verb, user_id in GroupUnitPermission.objects.filter(
        content_object_id__in=units, permission__codename__in=set(WORKERS.values()), group__user__is_active=True,
        group__user__is_service=False,
    ).values_list("content_object_id", "permission__codename", "group__user"):  # fmt: skip
        workers[unit_id, verb].add(user_id)
    holders = defaultdict(set)
    held = Holding.objects.filter(since__lte=at, user__is_active=True).filter(Q(until=None) | Q(until__gt=at))
    for audience, condition in POSTS.items():
        wanted = [unit_id for unit_id, named in places if named == audience]
        if wanted:
            for unit_id, user_id in held.filter(condition, post__unit__in=wanted).values_list("post__unit_id", "user_id"):
                holders[unit_id, audience].add(user_id)
    endpoints = defaultdict(list)
    for endpoint in Endpoint.objects.filter(unit__in=units, is_active=True, for_residents=False):
        endpoints[endpoint.unit_id].append(endpoint)
    rosters, leaders = _rosters(units, at)
    found = {}
    for unit_id, audience in places:
        people = workers[unit_id, WORKERS[audience]] if audience in WORKERS else holders[unit_id, audience]
        is_unmanned = False
        if audience in AT_THE_DESK and unit_id in rosters:
            # Who has left the unit since hears nothing, roster or not.
            people = people & rosters[unit_id]
            is_unmanned = not people
        elif audience in WITH_THE_LEADER:
            people = people | leaders[unit_id]
        found[unit_id, audience] = Recipients(user_ids=people, endpoints=endpoints[unit_id], is_unmanned=is_unmanned)
    return found


def _rosters(units: set[int], at: datetime) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Who is at the phone now, of each unit that keeps a roster; and the leaders on duty of each unit. People with an account, two queries."""
    posts = DutyPost.objects.filter(Q(until=None) | Q(until__gt=at), unit__in=units, since__lte=at)
    rosters: dict[int, set[int]] = {unit_id: set() for unit_id in posts.filter(kind=DutyPost.Kind.PHONE).values_list("unit", flat=True)}
    leaders: dict[int, set[int]] = defaultdict(set)
    present = DutyShift.objects.filter(
        post__in=posts.filter(kind__in=(DutyPost.Kind.PHONE, DutyPost.Kind.LEADER)), is_void=False, starts_at__lte=at, ends_at__gt=at,
        worker__user__is_active=True, worker__user__is_service=False, worker__user__memberships__unit=F("post__unit"),
        worker__user__memberships__until=None,
    )  # fmt: skip
    for unit_id, kind, user_id in present.values_list("post__unit", "post__kind", "worker__user"):
        (leaders if kind == DutyPost.Kind.LEADER else rosters)[unit_id].add(user_id)
    return rosters, leaders
