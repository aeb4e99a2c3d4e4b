"""Reading milestones: the board company × milestone, the items of one, and what “all” still lacks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Min, Q, QuerySet

from core import civil
from core.errors import Invalid, NotFound
from core.paging import Page, page
from core.together import Waiting, may_wait
from deadlines import season as seasons
from deadlines import selectors as deadline_selectors
from deadlines.models import Milestone, Season, Standing
from plants import temperatures
from plants.models import MilestoneItem
from units import access

AROUND = timedelta(days=2)  # how near to the moment a room must have been measured to speak for it
COUNTED = (Standing.OPEN, Standing.REPORTED, Standing.VERIFIED)
OF_A_CELL = ("name", "milestone", "standing", "due_at", "achieved_at", "is_retrospective")  # what a cell of the board is made of


def visible(user) -> QuerySet[MilestoneItem]:
    """The items of one's own company or territory, or the district's."""
    found = MilestoneItem.objects.select_related("milestone", "unit", "verifier", "street")
    if access.everywhere(user, access.SEE_WORK):
        return found
    own = access.unit_ids(user, access.SEE_WORK)
    return found.filter(Q(unit__in=own) | Q(street__in=own) | Q(verifier__in=own))


def item_to_see(user, pk: int) -> MilestoneItem:
    """One item; NotFound where one may not know of it."""
    found = visible(user).select_related("plant", "boiler", "network", "community", "reported_by", "verified_by").filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


def milestone_of(code: str, at: datetime, *, season: Season | None = None, version: str = "") -> Milestone:
    """The current version of a milestone of a season, the active one unless another is given; or an earlier version by its number."""
    season = season or seasons.active(at)
    which = {"version": int(version)} if version.isascii() and version.isdigit() and len(version) < 6 else {"is_current": True}
    found = Milestone.objects.filter(season=season, code=code[:8], **which).select_related("season").first() if season else None
    if found is None:
        raise NotFound
    return found


def late(at: datetime) -> Q:
    """The condition of an item being late, as the item's own `is_late` says it."""
    waits = Q(achieved_at=None) | Q(is_retrospective=True, standing=Standing.REPORTED)
    return Q(standing__in=COUNTED) & ((waits & Q(due_at__lt=at)) | (~waits & Q(achieved_at__gt=F("due_at"))))


@dataclass(frozen=True)
class Cell:
    """A company's state with one milestone: the worst of its facilities."""

    total: int
    achieved: int
    verified: int
    late: int
    late_open: int
    last_at: datetime | None
    tone: str
    text: str
    missing: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        """Whether all are achieved: 100 %, never an average."""
        return self.total > 0 and self.achieved == self.total


@may_wait
def board(user, at: datetime, *, by: str = "unit", season: Season | None = None) -> Waiting[dict]:
    """Rows company (or street) × milestone. `rows`: [{unit, cells, dot}], `milestones`: in order of time, `total`: a cell each for all."""
    season = season or seasons.active(at)
    milestones = deadline_selectors.known_milestones(season) if season else []
    items = visible(user).filter(milestone__in=milestones, standing__in=COUNTED).order_by("name").select_related(None).only(*OF_A_CELL, by)
    yield items
    cells: dict[tuple, list] = {}
    units, known = {}, access.units_by_id()
    for item in items:
        unit = known.get(item.unit_id if by == "unit" else item.street_id)
        if unit is None:
            continue
        units[unit.pk] = unit
        cells.setdefault((unit.pk, item.milestone_id), []).append(item)
        cells.setdefault((None, item.milestone_id), []).append(item)
    rows = []
    for unit in sorted(units.values(), key=lambda one: (one.position, one.code)):
        mine = [_cell(cells.get((unit.pk, milestone.pk), []), at) for milestone in milestones]
        rows.append({"unit": unit, "cells": mine, "dot": "red" if any(cell.late_open for cell in mine) else "amber" if any(cell.late for cell in mine) else "green"})
    total = [_cell(cells.get((None, milestone.pk), []), at) for milestone in milestones]
    return {"milestones": milestones, "rows": rows, "total": total, "heads": list(zip(milestones, total, strict=True)), "season": season}


def total_of(user, milestone: Milestone, at: datetime) -> Cell:
    """One milestone's cell for all of its items that one may see, of whatever version."""
    return _cell(list(visible(user).filter(milestone=milestone, standing__in=COUNTED).order_by("name")), at)


def _cell(items: list[MilestoneItem], at: datetime) -> Cell:
    done = [item for item in items if _counts(item)]
    late_ones = [item for item in items if item.is_late(at)]
    open_late = [item for item in late_ones if not _counts(item)]
    last = max((item.achieved_at for item in done), default=None)
    missing = tuple(item.name for item in items if not _counts(item))
    if not items:
        tone, text = "na", "—"
    elif open_late:
        days = max((at - item.due_at).days for item in open_late)
        tone, text = "od", f"超 {days} 天" if days else f"超 {civil.spell(max(at - item.due_at for item in open_late))}"
    elif missing:
        tone, text = "run", f"{100 * len(done) // len(items)}%"
    else:
        tone, text = ("late" if late_ones else "ok"), f"{civil.localize(last):%-m.%-d}"
    verified = sum(item.standing == Standing.VERIFIED for item in items)
    return Cell(len(items), len(done), verified, len(late_ones), len(open_late), last, tone, text, missing)


def _counts(item: MilestoneItem) -> bool:
    """Whether the item is achieved as far as anybody may count on it: a retrospective report counts once approved."""
    return item.achieved_at is not None and not (item.is_retrospective and item.standing == Standing.REPORTED)


FILTERS = ("unit", "street", "standing", "late", "kind", "q")


def listing(user, milestone: Milestone, params, *, at: datetime) -> Page:
    """A page of a milestone's items, by name."""
    return page(narrowed(user, milestone, params, at=at), order=("id",), cursor=params.get("cursor"), size=50)


def narrowed(user, milestone: Milestone, params, *, at: datetime) -> QuerySet[MilestoneItem]:
    """The items of a milestone that the filters let through."""
    found = visible(user).filter(milestone=milestone)
    for name, column in (("unit", "unit__code"), ("street", "street__code"), ("standing", "standing"), ("kind", "kind")):
        value = params.get(name, "")[:64]
        if value:
            found = found.filter(**{column: value})
    if params.get("late") in ("1", "true"):
        found = found.filter(late(at))
    q = params.get("q", "").strip()[:40]
    if q:
        found = found.filter(name__icontains=q)
    return found


def versions(milestone: Milestone):
    """Every version of a milestone, the newest first."""
    return Milestone.objects.filter(season=milestone.season, code=milestone.code).order_by("-version")


def units_of(user, milestone: Milestone):
    """The companies that have items of this milestone, for a filter."""
    seen = {}
    for item in visible(user).filter(milestone=milestone).order_by("unit__position", "unit__code"):
        seen.setdefault(item.unit.code, str(item.unit))
    return list(seen.items())


def streets_of(user, milestone: Milestone):
    """The streets that have items of this milestone, for a filter."""
    found = visible(user).filter(milestone=milestone).exclude(street=None).order_by("street__position", "street__code")
    return list(dict.fromkeys((item.street.code, str(item.street)) for item in found))


def rooms_of(user, item: MilestoneItem, at: datetime) -> dict | None:
    """What was measured in a community's homes about the moment it is said to be warm (H5): how many, how many reach the commitment, the coldest.

    None where the item proves no temperature of homes.
    """
    if item.kind != "community" or item.milestone.code != "H5":
        return None
    around = item.achieved_at or at
    least = temperatures.standards(at).commitment
    found = temperatures.visible(user).filter(community=item.community, measured_at__range=(around - AROUND, around + AROUND)).order_by()
    return {**found.aggregate(total=Count("pk"), reached=Count("pk", filter=Q(celsius__gte=least)), coldest=Min("celsius")), "least": least, "since": civil.day_of(around - AROUND), "until": civil.day_of(around + AROUND)}


def item_of(user, milestone: Milestone, subject: dict[str, str]) -> MilestoneItem:
    """The item of one facility, named by its code: {kind: code}. Invalid unless exactly one is named, NotFound where one may not know of it."""
    if len(subject) != 1:
        raise Invalid("请写明一个对象：plant、boiler、network 或 community", field="plant")
    kind, code = next(iter(subject.items()))
    found = visible(user).select_related("plant", "boiler", "network", "community").filter(milestone=milestone, kind=kind, **{f"{kind}__code": code}).first()
    if found is None:
        raise NotFound
    return found
