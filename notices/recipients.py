"""Who is meant by a role at a unit, at the moment of sending: posts and rosters, never names fixed in advance."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from notices.models import Endpoint
from units import access
from units.models import GroupUnitPermission, Holding, Unit

# Roles that mean whoever works there…
WORKERS = {
    "doer": access.HANDLE_TICKETS,
    "workers": access.HANDLE_TICKETS,
    "street": access.HANDLE_TICKETS,
    "bureau": access.HANDLE_TICKETS,
    "dispatcher": access.HANDLE_TICKETS,
}
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

    def hears(self, level: int) -> bool:
        """Whether anybody here hears a notice of this level."""
        return bool(self.user_ids) or any(endpoint.least_level <= level for endpoint in self.endpoints)


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
    for endpoint in Endpoint.objects.filter(unit__in=units, is_active=True):
        endpoints[endpoint.unit_id].append(endpoint)
    found = {}
    for unit_id, audience in places:
        people = workers[unit_id, WORKERS[audience]] if audience in WORKERS else holders[unit_id, audience]
        found[unit_id, audience] = Recipients(user_ids=people, endpoints=endpoints[unit_id])
    return found
