"""Reads of inspections: who may see which, the matrix of a week, what is left for a street, the season's assessment."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.dateparse import parse_date

from core import attachments, civil
from core.errors import Invalid, NotFound
from core.models import Attachment
from core.paging import page
from core.together import Waiting, may_wait
from deadlines import season as seasons
from plants import inspections
from plants.models import Charge, Community, Finding, Inspection, InspectionDue, InspectionMode, Plant
from units import access
from units.models import Unit

STATE_NAMES = {"done": "已查", "late": "逾期补查", "missed": "未查", "open": "待查", "dropped": "不再要求"}
STATE_TONES = {"done": "green", "late": "amber", "missed": "red", "open": "blue", "dropped": ""}


def _mine(user) -> frozenset[int]:
    return access.unit_ids(user, access.SEE_WORK) | access.unit_ids(user, access.INSPECT)


def visible(user):
    """The inspections of which somebody may know. One that is hidden: the district, the inspecting and participating units only (I10)."""
    found = Inspection.objects.select_related("plant", "community", "company", "street", "unit", "inspector", "season", "boiler")
    if access.everywhere(user, access.SEE_WORK):
        return found
    mine = _mine(user)
    taking_part = Inspection.participants.through.objects.filter(unit_id__in=mine).values("inspection_id")
    doing = Q(unit__in=mine) | Q(pk__in=taking_part)
    known = Q(is_hidden=False) & (Q(street__in=mine) | Q(company__in=mine))
    return found.filter(doing | known)


def visible_dues(user):
    """The weekly rows of which somebody may know: the district all, a street its own, a company those of its facilities."""
    found = InspectionDue.objects.select_related("street", "plant", "plant__company", "inspection")
    if access.everywhere(user, access.SEE_WORK):
        return found
    mine = _mine(user)
    return found.filter(Q(street__in=mine) | Q(plant__company__in=mine))


def to_see(user, number: str) -> Inspection:
    """One inspection; NotFound when there is none or one may not know."""
    found = visible(user).filter(number=number[:24]).first()
    if found is None:
        raise NotFound
    return found


def due_to_see(user, pk: int) -> InspectionDue:
    """One weekly row; NotFound when there is none or one may not know."""
    found = visible_dues(user).filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


def attachment_to_see(user, number: str, pk) -> Attachment:
    """A photograph or signature of an inspection that one may see."""
    found = attachments.of(to_see(user, number)).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def plant_to_inspect(user, code: str, *, at: datetime) -> Plant:
    """A facility that somebody may inspect; NotFound otherwise."""
    plant = Plant.objects.filter(code=code[:64]).select_related("company", "parent").first()
    if plant is None or (inspections.street_of(user, plant, at) is None and inspections.department_of(user) is None):
        raise NotFound
    return plant


def plants_to_inspect(user, *, at: datetime):
    """The facilities that somebody may inspect, for a select box."""
    found = Plant.objects.filter(is_active=True).select_related("company")
    if inspections.department_of(user) is not None:
        return found
    day = civil.day_of(at)
    charges = Charge.objects.filter(street__in=access.unit_ids(user, access.INSPECT), since__lte=day).filter(Q(until=None) | Q(until__gte=day))
    return found.filter(pk__in=charges.values("plant"))


def _communities(user):
    found = Community.objects.filter(is_active=True).select_related("street", "company", "property_manager")
    return found if inspections.department_of(user) is not None else found.filter(street__in=access.unit_ids(user, access.INSPECT))


def community_to_inspect(user, code: str) -> Community:
    """A community that somebody may look at: a department any, a street its own; NotFound otherwise."""
    found = _communities(user).filter(code=code).first()
    if found is None:
        raise NotFound
    return found


def heritage_communities(user):
    """The communities of the heritage zone that somebody may look at (E12)."""
    return _communities(user).filter(is_heritage=True)


def hazards(plant: Plant) -> list[Finding]:
    """What is still wrong at a facility, shown to who stands in front of it (D7.4)."""
    return list(inspections.open_findings(plant).select_related("unit")[:50])


# ---------------------------------------------------------------- a week


def week_named(text: str | None, *, at: datetime) -> date:
    """The Monday of `2025-W47`, of a day, or of now. Invalid (week)."""
    if not text:
        return inspections.monday_of(at)
    try:
        if "-W" in text:
            year, week = text.split("-W", 1)
            day = date.fromisocalendar(int(year), int(week), 1)
        else:
            day = parse_date(text)
            if day is None:
                raise ValueError
    except ValueError as fault:
        raise Invalid("周应写作 2025-W47", field="week") from fault
    if not 2000 <= day.year <= 2100:
        raise Invalid("周应写作 2025-W47", field="week")
    return day - timedelta(days=day.weekday())


def week_code(monday: date) -> str:
    """`2025-W47`."""
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02d}"


@dataclass
class Row:
    """One line of the matrix: a street and a facility, and the row of each week shown (None: not owed then)."""

    street: Unit
    plant: Plant
    cells: list = field(default_factory=list)


def matrix(user, weeks: list[date], *, at: datetime, street: str = "", kind: str = "") -> list[Row]:
    """Street × facility over some weeks. Two questions."""
    found = visible_dues(user).filter(week__in=weeks)
    if street:
        found = found.filter(street__code=street)
    if kind:
        found = found.filter(plant__kind=kind)
    rows: dict[tuple[int, int], dict] = {}
    for due in found.order_by("street__position", "street__name", "plant__kind", "plant__name")[:20_000]:
        due.shown = due.state(at)
        due.shown_name, due.tone = STATE_NAMES[due.shown], STATE_TONES[due.shown]
        rows.setdefault((due.street_id, due.plant_id), {"street": due.street, "plant": due.plant, "weeks": {}})["weeks"][due.week] = due
    return [Row(row["street"], row["plant"], [row["weeks"].get(week) for week in weeks]) for row in rows.values()]


@dataclass
class Count:
    """A street's week: rows that count, how many are done, late or missed, and the findings of its visits."""

    street: Unit
    total: int = 0
    done: int = 0
    late: int = 0
    missed: int = 0
    findings: int = 0


@may_wait
def week_by_street(user, at: datetime, week: date | None = None) -> Waiting[list[Count]]:
    """Per street for the week of `at`: done, total, findings, as the home page's card shows it. One question."""
    dues = visible_dues(user).filter(week=week or inspections.monday_of(at), dropped_at=None).order_by("street__position", "street__name")
    yield dues
    counts: dict[int, Count] = {}
    for due in dues:
        count = counts.setdefault(due.street_id, Count(due.street))
        count.total += 1
        state = due.state(at)
        count.done += state == "done"
        count.late += state == "late"
        count.missed += state == "missed"
        if due.inspection is not None:
            count.findings += len(due.inspection.abnormal)
    return list(counts.values())


def left_for(user, at: datetime) -> list[InspectionDue]:
    """This week's rows of the streets for which somebody inspects: what is left first."""
    streets = access.unit_ids(user, access.INSPECT)
    found = list(visible_dues(user).filter(week=inspections.monday_of(at), street__in=streets, dropped_at=None).order_by("plant__kind", "plant__name"))
    for due in found:
        due.shown = due.state(at)
        due.shown_name, due.tone = STATE_NAMES[due.shown], STATE_TONES[due.shown]
    return sorted(found, key=lambda due: due.done_at is not None)


def missed_last_week(user, plant: Plant, at: datetime) -> InspectionDue | None:
    """Last week's row of a facility, if the street of this user missed it: a visit may make up for it."""
    street = inspections.street_of(user, plant, at)
    last = inspections.monday_of(at) - timedelta(days=7)
    return InspectionDue.objects.filter(street=street, plant=plant, week=last, done_at=None, dropped_at=None).first() if street else None


# ---------------------------------------------------------------- lists


@dataclass
class Filters:
    """What a list of inspections is narrowed by."""

    mode: str = ""
    street: str = ""
    plant: str = ""
    q: str = ""
    abnormal: bool = False
    to_verify: bool = False

    @classmethod
    def read(cls, said) -> "Filters":
        """From the address; unknown values are passed over."""
        mode = said.get("mode", "")
        return cls(
            mode=mode if mode in InspectionMode.values else "", street=said.get("street", "")[:64], plant=said.get("plant", "")[:64],
            q=said.get("q", "").strip()[:60], to_verify=said.get("to_verify") == "1",
        )  # fmt: skip


def listed(user, filters: Filters):
    """The inspections of a list, not yet in order."""
    found = visible(user)
    for name, value in (("mode", filters.mode), ("street__code", filters.street), ("plant__code", filters.plant)):
        if value:
            found = found.filter(**{name: value})
    if filters.to_verify:
        found = found.filter(to_verify=True)
    if filters.q:
        found = found.filter(Q(number=filters.q.upper()) | Q(plant__name__icontains=filters.q) | Q(community__name__icontains=filters.q))
    return found


def listing(user, filters: Filters, *, cursor: str | None):
    """One page of them, newest first."""
    return page(listed(user, filters), order=("-visited_at", "-id"), cursor=cursor, size=30)


def streets(user) -> list[Unit]:
    """The streets whose rows somebody sees."""
    return list(Unit.objects.filter(pk__in=visible_dues(user).values("street")).order_by("position", "name"))


def departments() -> list[Unit]:
    """Who may take part in a joint inspection: departments and streets, not the task force they form together."""
    return list(Unit.objects.filter(is_active=True).exclude(kind__in=("heating", "property", "gas")).exclude(code=access.TASK_FORCE).order_by("position", "code"))


# ---------------------------------------------------------------- the season's assessment (D1.5)


def assessment(user, *, at: datetime) -> list[dict]:
    """Each company's joint inspections of the season: mean per subject, mean of all, grade. A company sees its own."""
    season = seasons.active(at)
    if season is None:
        return []
    found = visible(user).filter(season=season, mode=InspectionMode.JOINT).order_by("company__position", "company__name")
    companies: dict[int, dict] = {}
    for one in found:
        row = companies.setdefault(one.company_id, {"company": one.company, "visits": 0, "points": {}})
        row["visits"] += 1
        for score in one.scores:
            row["points"].setdefault(score["subject"], []).append(score["points"])
    for row in companies.values():
        row["means"] = [(subject, sum(points) / len(points)) for subject, points in row["points"].items()]
        row["mean"] = sum(mean for _, mean in row["means"]) / len(row["means"])
        row["grade"] = inspections.grade(row["mean"], season)
    return list(companies.values())


def detailed(user, inspection: Inspection) -> dict:
    """What the page of an inspection shows."""
    photos = {str(one.pk): one for one in attachments.of(inspection)}
    used = {pk for row in inspection.checklist for pk in row.get("photos", [])}
    for row in inspection.checklist:
        row["state_name"] = inspections.STATES.get(row.get("state"), "")
        row["pictures"] = [photos[pk] for pk in row.get("photos", []) if pk in photos]
    signature = str(inspection.signature_id) if inspection.signature_id else ""
    return {
        "other_photos": [one for pk, one in photos.items() if pk not in used and pk != signature],
        "findings": Finding.objects.filter(source_kind="inspection", source_key=inspection.number).select_related("unit").order_by("number"),
        "participants": list(inspection.participants.all()),
        "dues": list(inspection.dues.select_related("street")),
    }


