"""Reading deadlines and escalations: each unit its own, the task force all of them."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from core import stamps
from core.errors import Invalid, NotFound
from core.paging import Page, page
from core.together import Waiting, may_wait
from deadlines import engine
from deadlines.models import Deadline, Escalation, Milestone, Policy
from units import access

NEWEST = ("-opened_at", "-id")
DUE_FIRST = ("due_at", "id")
LATEST = ("-detected_at", "-id")


def visible_deadlines(user) -> QuerySet[Deadline]:
    """What the user's units owe, or everything for who sees the district's work."""
    if access.everywhere(user, access.SEE_WORK):
        return Deadline.objects.all()
    own = access.unit_ids(user, access.SEE_WORK)
    return Deadline.objects.filter(Q(unit__in=own) | Q(street__in=own))


def visible_escalations(user) -> QuerySet[Escalation]:
    """Escalations of the user's units (a street sees those of its territory), or all of them."""
    if access.everywhere(user, access.SEE_WORK):
        return Escalation.objects.all()
    own = access.unit_ids(user, access.SEE_WORK)
    return Escalation.objects.filter(Q(unit__in=own) | Q(street__in=own))


def deadlines(user, params, *, at: datetime) -> Page:
    """A page of deadlines, newest first; `unit`, `late`, `kind` (the stage), `open` narrow it."""
    found = visible_deadlines(user).select_related("unit", "policy", "subject_type")
    unit, kind, late = params.get("unit", ""), params.get("kind", ""), params.get("late", "").lower()
    if unit:
        found = found.filter(unit__code=unit[:64])
    if kind:
        found = found.filter(stage=kind[:24])
    if late in ("1", "true"):
        found = found.filter(engine.late(at))
    elif late in ("0", "false"):
        found = found.exclude(engine.late(at))
    elif late:
        raise Invalid("只能是 true 或 false", field="late")
    if params.get("open", "").lower() in ("1", "true"):
        found = found.filter(settled_at=None)
    return page(found, order=NEWEST, cursor=params.get("cursor"))


def escalations(user, params, *, at: datetime, size: int = 50) -> Page:
    """A page of escalations, newest first, narrowed."""
    return page(narrowed_escalations(user, params, at=at), order=LATEST, cursor=params.get("cursor"), size=size)


def narrowed_escalations(user, params, *, at: datetime) -> QuerySet[Escalation]:
    """Escalations of which `user` may know; `unit` (who was late), `kind` (the stage), `level`, `signed`, `late` narrow them."""
    found = visible_escalations(user).select_related("deadline__policy", "deadline__subject_type", "unit", "signed_by")
    unit, kind = params.get("unit", ""), params.get("kind", "")
    signed, late, level = (params.get(name, "").lower() for name in ("signed", "late", "level"))
    if unit:
        found = found.filter(unit__code=unit[:64])
    if kind:
        found = found.filter(deadline__stage=kind[:24])
    if level:
        if level not in ("1", "2", "3", "4"):
            raise Invalid("级别只能是 1 至 4", field="level")
        found = found.filter(level=int(level))
    if signed in ("1", "true"):
        found = found.filter(signed_at__isnull=False)
    elif signed in ("0", "false"):
        found = found.filter(signed_at=None)
    if late in ("1", "true"):
        found = found.filter(Q(deadline__settled_at=None) & Q(deadline__due_at__lt=at))
    elif late in ("0", "false"):
        found = found.filter(deadline__settled_at__isnull=False)
    return found


def escalation_to_sign(user, pk: int) -> Escalation:
    """An escalation that `user` may sign for the task force; NotFound where one may not know of it."""
    if not 0 < int(pk) < 2**62:
        raise NotFound
    found = visible_escalations(user).select_related("deadline__policy", "deadline__subject_type", "unit").filter(pk=pk).first()
    if found is None:
        raise NotFound
    access.require(user, access.SUPERVISE)
    return found


@may_wait
def to_sign(user, most: int = 100) -> Waiting[int]:
    """How many escalations wait for a signature, counted up to `most`."""
    found = visible_escalations(user).filter(signed_at=None).values_list("pk", flat=True)[:most]
    yield found
    return len(found)


def owed_by(unit, *, at: datetime, limit: int = 50) -> list[Deadline]:
    """What a unit owes now, what is due first first."""
    return list(
        Deadline.objects.filter(unit=unit, settled_at=None).select_related("policy", "subject_type").order_by("due_at", "id")[:limit]
    )


def lag_seconds(since: datetime) -> list[float]:
    """How late escalations were told (detected − breach, or − the writing of a deadline that opened in the past) since a moment, in seconds."""
    rows = Escalation.objects.filter(detected_at__gte=since).values_list("detected_at", "breach_at", "deadline__written_at")
    return [max((detected - max(breach, written)).total_seconds(), 0.0) for detected, breach, written in rows]


def recent(user, *, at: datetime, hours: int = 24, limit: int = 20) -> QuerySet[Escalation]:
    """The newest unsigned escalations, and those of the last hours."""
    found = visible_escalations(user).filter(Q(signed_at=None) | Q(detected_at__gte=at - timedelta(hours=hours)))
    return found.select_related("deadline__policy", "unit").order_by("-detected_at", "-id")[:limit]


def milestones(season) -> QuerySet[Milestone]:
    """The season's milestones as they stand, in order of time."""
    return Milestone.objects.filter(season=season, is_current=True).order_by("due_at")


def known_milestones(season) -> list[Milestone]:
    """The same, remembered: to be read and never changed."""
    return stamps.remembered(stamps.PLAN, f"milestones of {season.pk}", lambda: list(milestones(season)))


def policies() -> QuerySet[Policy]:
    """The limits in force with their ladders."""
    return Policy.objects.filter(is_current=True).prefetch_related("rungs").order_by("id")


def stages() -> list[tuple[str, str]]:
    """The stages that have a limit in force, with their names."""
    return list(Policy.objects.filter(is_current=True).order_by("id").values_list("stage", "name"))
