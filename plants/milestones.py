"""The milestones of the season: an item for each facility, reported by its company, verified by another, rolled up by the worst (H0–H5).

A date that is moved makes a new version: the old items keep their verdicts, what was achieved already is carried over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.dateparse import parse_duration

from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid, PortalError
from deadlines import engine, proof
from deadlines import season as seasons
from deadlines.models import Milestone, Season, Standing
from plants import temperatures
from plants.models import Boiler, Community, MilestoneItem, Network, Plant, PlantKind
from units import access
from units.models import Unit

BUREAU, STREET = "bureau", "street"
RULES = {"opens_before": "P30D", "community_verified_by": BUREAU, "start_tolerance": "PT6H", "ignition": {"step": "PT1H", "ramp": "PT4H"}}


def rule(season: Season, name: str):
    """What the plan says of milestones; where an older plan says nothing, our default."""
    return (seasons.plan_of(season).get("milestone_rules") or {}).get(name) or RULES[name]


# ---------------------------------------------------------------- opening


def generate(*, at: datetime) -> list[MilestoneItem]:
    """Open the items that are owed by `at`: for every facility in use, from the plan's time before each due moment on.

    A facility commissioned after a milestone's due moment is not held to it; one out of use drops what is still open.
    Idempotent, a constant number of statements.
    """
    season = seasons.active(at)
    if season is None:
        return []
    ahead = parse_duration(rule(season, "opens_before"))
    milestones = [one for one in Milestone.objects.filter(season=season, is_current=True) if at >= one.due_at - ahead]
    if not milestones:
        return []
    known = {(item.milestone_id, item.kind, _facility_id(item)) for item in MilestoneItem.objects.filter(milestone__in=milestones)}
    verifiers = _verifiers(season)
    wanted = []
    for milestone in milestones:
        for kind in milestone.subjects:
            for facility, company, street in _facilities(kind):
                begun = getattr(facility, "commissioned_on", None)
                if company is None or (milestone.pk, kind, facility.pk) in known or (begun is not None and begun > civil.day_of(milestone.due_at)):
                    continue
                wanted.append(_item(season, milestone, kind, facility, company, street, verifiers, ahead))
    new = proof.open_many(wanted)
    if new:
        _carry_over(new)
    _end_old_versions(season, at=at)
    _drop_unused(milestones, at=at)
    return new


def _facilities(kind: str):
    """(facility, company, street) of every facility of a kind that is in use."""
    if kind == "community":
        for one in Community.objects.filter(is_active=True).select_related("company", "street"):
            yield one, one.company, one.street
        return
    if kind == "boiler":
        found = Boiler.objects.filter(is_active=True, plant__is_active=True).select_related("plant__company").prefetch_related("plant__charges__street")
        for one in found:
            yield one, one.plant.company, _street_of(one.plant)
        return
    if kind == "network":
        for one in Network.objects.filter(is_active=True).select_related("company", "plant").prefetch_related("plant__charges__street"):
            yield one, one.company, _street_of(one.plant) if one.plant else None
        return
    for one in Plant.objects.filter(is_active=True, kind=PlantKind.PLANT).select_related("company").prefetch_related("charges__street"):
        yield one, one.company, _street_of(one)


def _street_of(plant: Plant) -> Unit | None:
    return next((charge.street for charge in plant.charges.all() if charge.until is None), None)


def _verifiers(season: Season) -> dict:
    return {BUREAU: Unit.objects.get(code=access.BUREAU), "community": rule(season, "community_verified_by")}


def _item(season, milestone, kind, facility, company, street, verifiers, ahead: timedelta) -> MilestoneItem:
    verifier = street if kind == "community" and verifiers["community"] == STREET and street is not None else verifiers[BUREAU]
    # A milestone that starts something is due when its own slot says so (supply/ignition.py).
    due = milestone.due_at if milestone.kind == "due" else None
    return MilestoneItem(
        season=season, milestone=milestone, kind=kind, unit=company, verifier=verifier, street=street, opened_at=milestone.due_at - ahead, due_at=due,
        name=str(facility)[:121], is_demo=facility.is_demo, conditions=dict.fromkeys(milestone.conditions), **{kind: facility},
    )  # fmt: skip


def _facility_id(item: MilestoneItem) -> int:
    return getattr(item, f"{item.kind}_id")


def _carry_over(new: list[MilestoneItem]) -> None:
    """What was achieved under an earlier version of its milestone counts for the new one."""
    moved = {(item.milestone.code, item.kind, _facility_id(item)): item for item in new if item.milestone.version > 1}
    if not moved:
        return
    codes = {code for code, _, _ in moved}
    before = MilestoneItem.objects.filter(season=new[0].season, milestone__code__in=codes, milestone__is_current=False, achieved_at__isnull=False)
    for old in before.select_related("milestone").order_by("milestone__version"):
        item = moved.get((old.milestone.code, old.kind, _facility_id(old)))
        if item is None:
            continue
        values = {
            name: getattr(old, name)
            for name in ("standing", "achieved_at", "reported_at", "reported_by", "note", "verified_at", "verified_by", "verdict_note", "conditions",
                         "supply_celsius", "room_celsius")
        }  # fmt: skip
        values["is_retrospective"] = False
        MilestoneItem.objects.filter(pk=item.pk).update(**values)
        engine.settle(item, "milestone", at=old.achieved_at)


def _end_old_versions(season: Season, *, at: datetime) -> None:
    """Of a version that is no longer in force, what was still open is asked for no more; its verdicts stay."""
    for item in MilestoneItem.objects.filter(season=season, milestone__is_current=False, standing=Standing.OPEN).select_related("unit", "milestone"):
        proof.drop(item, reason="节点时间已调整，改按新版本", actor=None, at=at)


def _drop_unused(milestones: list[Milestone], *, at: datetime) -> None:
    open_ones = MilestoneItem.objects.filter(milestone__in=milestones, standing=Standing.OPEN).select_related("plant", "boiler__plant", "network", "community", "unit", "milestone")
    for item in open_ones:
        facility = item.facility
        if not facility.is_active or (item.kind == "boiler" and not facility.plant.is_active):
            proof.drop(item, reason=getattr(facility, "inactive_reason", "") or "已停用", actor=None, at=at)


# ---------------------------------------------------------------- acts


@dataclass(frozen=True)
class Progress:
    """What a company says of an item: when it was done, condition by condition where there are several, and what proves it."""

    achieved_at: datetime | None = None
    conditions: dict[str, datetime] = field(default_factory=dict)
    note: str = ""
    files: tuple = ()
    supply_celsius: object = None
    room_celsius: object = None


def declare(item: MilestoneItem, said: Progress, *, actor, at: datetime) -> None:
    """The company declares an item achieved. With several conditions it is the last that counts; all are needed (H3).

    Invalid (conditions, achieved_at, files, room_celsius) for what is missing or cannot be, a room below the commitment (H5); see `proof.report` for what is told late.
    """
    achieved, more = said.achieved_at or at, {}
    if item.milestone.conditions:
        missing = [name for name in item.milestone.conditions if name not in said.conditions]
        if missing:
            raise Invalid(f"须同时具备全部条件，还缺：{'、'.join(missing)}", field="conditions")
        if any(moment > at for moment in said.conditions.values()):
            raise Invalid("条件具备的时间不能晚于现在", field="conditions")
        achieved = max(said.conditions[name] for name in item.milestone.conditions)
        more["conditions"] = {name: said.conditions[name].isoformat() for name in item.milestone.conditions}
    least = temperatures.standards(at).commitment
    if said.room_celsius is not None and said.room_celsius < least:
        raise Invalid(f"抽测室温 {said.room_celsius} ℃ 未达 {least} ℃，不能报告达到规定供暖温度", field="room_celsius")
    for name in ("supply_celsius", "room_celsius"):
        if getattr(said, name) is not None:
            more[name] = getattr(said, name)
    if item.milestone.kind == "start":
        more["is_early"] = achieved < item.milestone.due_at
    proof.report(item, achieved_at=achieved, note=said.note, files=said.files, actor=actor, at=at, **more)


@dataclass(frozen=True)
class Done:
    """What became of one item of several: refused with a sentence, or done."""

    item: MilestoneItem
    refusal: str = ""


def declare_many(items: Iterable[MilestoneItem], said: Progress, *, actor, at: datetime) -> list[Done]:
    """The same declaration for several items; for each what became of it. One refusal keeps no other back."""
    return [_tried(item, lambda item=item: declare(item, said, actor=actor, at=at), said.files) for item in items]


def approve_many(items: Iterable[MilestoneItem], *, note: str = "", actor, at: datetime) -> list[Done]:
    """Approve several; for each what became of it."""
    return [_tried(item, lambda item=item: proof.approve(item, note=note, actor=actor, at=at)) for item in items]


def _tried(item: MilestoneItem, act, files=()) -> Done:
    for file in files:
        file.seek(0)
    try:
        with transaction.atomic():
            act()
    except PortalError as fault:
        return Done(item, fault.message)
    return Done(item)


@transaction.atomic
def move(milestone: Milestone, *, due_at: datetime, reason: str, actor, at: datetime) -> Milestone:
    """The authority moves a date (H0): a new version, with the document that says so; the old one and its verdicts stay."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("只有专班办公室可以登记节点调整")
    if not reason.strip():
        raise Invalid("请写明调整依据（文号、日期）", field="reason")
    if due_at == milestone.due_at:
        raise Invalid("时间没有变化", field="due_at")
    if not Milestone.objects.filter(pk=milestone.pk, is_current=True).update(is_current=False):
        raise Conflict("节点刚被他人调整，请刷新")
    new = Milestone.objects.create(
        season=milestone.season, code=milestone.code, clause=milestone.clause, version=milestone.version + 1, title=milestone.title, label=milestone.label,
        quote=milestone.quote, kind=milestone.kind, due_at=due_at, subjects=milestone.subjects, conditions=milestone.conditions,
    )  # fmt: skip
    generate(at=at)
    journal.record(
        milestone.season, "move_milestone", actor=actor, at=at, reason=reason.strip(), code=milestone.code, before=milestone.due_at.isoformat(), after=due_at.isoformat()
    )
    return new


def plan_start(item: MilestoneItem, *, slot: datetime, tolerance: timedelta, at: datetime) -> None:
    """An item of a start-type milestone is due at its slot and the tolerance after it; planned anew, while it is not late, it moves."""
    due = slot + tolerance
    if item.due_at is None:
        opened = min(item.opened_at, due - timedelta(seconds=1))
        MilestoneItem.objects.filter(pk=item.pk).update(due_at=due, opened_at=opened)
        item.due_at, item.opened_at = due, opened
        proof.open_deadlines([item])
        return
    clock = engine.open_of(item).filter(stage="milestone").first()
    if clock is None:
        raise Conflict("已点火或已不再要求，不能再改时间")
    engine.move(clock, due_at=due, at=at)
    MilestoneItem.objects.filter(pk=item.pk).update(due_at=due)
    item.due_at = due
