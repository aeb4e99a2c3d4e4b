"""The life of an inspection: owed for a week, recorded on the spot, its findings in the ledger (E7, E8, D1.3, D1.5, D5, D8.4, E12).

A week's rows come from who was in charge when it began. A visit satisfies the week in which it took place and no other;
who comes after the week's end may say that it makes up for it: that is late, and the new week remains owed.
"""

import math
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Q
from django.utils.dateparse import parse_duration

from core import attachments, civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine, obligations, proof
from deadlines import season as seasons
from deadlines.models import Season, Standing
from notices import outbox
from plants import ledger
from plants.models import Boiler, Charge, Community, Finding, HeatSource, Inspection, InspectionDue, InspectionMode, Plant, PlantKind, Severity
from units import access
from units.models import COMPANIES, Unit

OK, BAD, NOT_APPLICABLE = "ok", "bad", "na"
STATES = {OK: "正常", BAD: "异常", NOT_APPLICABLE: "不适用"}
CALLS = {"answered": "接通", "unanswered": "无人接听", "busy": "占线", "wrong_number": "不是该单位"}
WEEK = timedelta(days=7)
OPENING_LOCK = 0x57_59_4F_32
EARTH_M = 6_371_000
MOST_PHOTOS = 6
CLOCK_SKEW = timedelta(minutes=15)  # by how much a telephone's clock may run ahead of ours
LONGEST_DUE = timedelta(days=180)
SOURCES = {
    InspectionMode.WEEKLY: Finding.Source.INSPECTION, InspectionMode.JOINT: Finding.Source.JOINT, InspectionMode.UNANNOUNCED: Finding.Source.UNANNOUNCED,
    InspectionMode.EMISSION: Finding.Source.EMISSION, InspectionMode.SPECIAL: Finding.Source.INSPECTION,
}  # fmt: skip


# ---------------------------------------------------------------- what the plan says


def rules(season: Season) -> dict:
    """What the plan says of inspections. Invalid when the loaded plan has no such section."""
    found = seasons.plan_of(season).get("inspections")
    if found is None:
        raise Invalid("已载入的方案缺少 inspections 一节，请重新载入方案文件")
    return found


def items_for(season: Season, plant: Plant | None, mode: str, topic: str = "") -> list[dict]:
    """The checklist of a visit: the plan's weekly items, those of a gas facility, or those of a special subject; none for emissions."""
    if mode == InspectionMode.EMISSION:
        return []
    if mode == InspectionMode.SPECIAL:
        special = next((one for one in rules(season).get("special") or [] if one["code"] == topic), None)
        if special is None:
            raise Invalid("请选择专项", field="topic")
        return [{"code": f"{topic}-{number}", "group": special["name"], "item": item, "kind": "check"} for number, item in enumerate(special["items"], 1)]
    lists = seasons.plan_of(season)["checklists"]
    items = lists["weekly_inspection"]
    if plant is not None and plant.kind == PlantKind.GAS:
        items = [item for item in items if item["code"] in lists["gas_facility"]]
    return items


def six(season: Season) -> list[str]:
    """The six things that must be in place (G4)."""
    return seasons.plan_of(season)["checklists"]["readiness"]


def monday_of(moment: datetime) -> date:
    """The Monday of the inspection week in which a moment falls."""
    day = civil.day_of(moment)
    return day - timedelta(days=day.weekday())


# ---------------------------------------------------------------- what is owed


def generate(*, at: datetime) -> None:
    """Open the rows of every week of the season that has begun by `at` and is not there yet. A constant number of statements."""
    season = seasons.active(at)
    if season is None:
        return
    first = season.starts_on - timedelta(days=season.starts_on.weekday())
    last = min(monday_of(at), season.ends_on - timedelta(days=season.ends_on.weekday()))
    weeks = [first + WEEK * number for number in range((last - first).days // 7 + 1)]
    if not weeks:
        return
    charges = list(Charge.objects.filter(since__lt=last + WEEK).select_related("plant", "street"))
    known = set(InspectionDue.objects.filter(season=season).values_list("street_id", "plant_id", "week"))
    wanted = [
        _due(season, charge, week)
        for week in weeks
        for charge in charges
        if _is_owed(season, charge, week) and (charge.street_id, charge.plant_id, week) not in known
    ]
    if wanted:
        _open(wanted, at=at)


def _is_owed(season: Season, charge: Charge, week: date) -> bool:
    """In charge when the week began, of a facility in use then. The season's first week begins with the season (REC)."""
    begins = max(week, season.starts_on)
    plant = charge.plant
    in_use = plant.is_active and plant.kind != PlantKind.STATION and (plant.commissioned_on is None or plant.commissioned_on <= begins)
    return in_use and charge.since <= begins and (charge.until is None or charge.until >= begins)


def _due(season: Season, charge: Charge, week: date) -> InspectionDue:
    begins, ends = max(week, season.starts_on), min(week + timedelta(days=6), season.ends_on)
    return InspectionDue(
        season=season, street=charge.street, plant=charge.plant, week=week, is_partial=(ends - begins).days < 6,
        opened_at=civil.day_bounds(begins)[0], due_at=civil.day_bounds(ends)[1], is_demo=charge.plant.is_demo,
    )  # fmt: skip


def _open(wanted: list[InspectionDue], *, at: datetime) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OPENING_LOCK])
        before = InspectionDue.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        InspectionDue.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=500)
        new = list(InspectionDue.objects.filter(pk__gt=before).select_related("street", "plant"))
        limit = engine.limit("weekly-inspection")
        engine.open_all([engine.draft(limit, due, due.street, at=due.opened_at, due_at=due.due_at, street=due.street) for due in new])
        weeks = sorted({due.week for due in new})
        if new:
            journal.record(
                new[0].season, "open_inspections", actor=None, at=at, rows=len(new), weeks=[week.isoformat() for week in weeks]
            )


@transaction.atomic
def drop(due: InspectionDue, *, reason: str, actor, at: datetime) -> None:
    """A row is not asked any more, with the reason; it stays in the matrix. Invalid (reason), Forbidden, Conflict when done or dropped."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("只有专班办公室可以撤销要求")
    if not reason.strip():
        raise Invalid("请写明不再要求的原因", field="reason")
    if not InspectionDue.objects.filter(pk=due.pk, done_at=None, dropped_at=None).update(dropped_at=at, dropped_reason=reason.strip()[:200]):
        raise Conflict("该任务已完成或已撤销")
    engine.release(due, at=at)
    journal.record(due, "drop", actor=actor, at=at, unit=due.street.code, reason=reason)


# ---------------------------------------------------------------- on the spot


@dataclass
class Answer:
    """What was seen at one item. `state` ok, bad or na; a number for a reading; photographs where something is wrong."""

    state: str = ""
    note: str = ""
    severity: str = ""
    due_on: date | None = None
    value: str | float | Decimal | None = None
    ready: list[str] | None = None
    photos: list = field(default_factory=list)


@dataclass(frozen=True)
class Other:
    """Something wrong that no item of the checklist names, and who owes its rectification."""

    title: str
    unit: Unit
    due_on: date
    severity: str = Severity.GENERAL


@dataclass
class Visit:
    """A visit as told. `is_paper`: told by another system, which has looked but sends neither photographs, readings nor a signature."""

    mode: str = InspectionMode.WEEKLY
    plant: Plant | None = None
    community: Community | None = None
    boiler: Boiler | None = None
    topic: str = ""
    visited_at: datetime | None = None
    device_time: datetime | None = None
    client_id: uuid.UUID | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    # What is wrong beside the checklist: a property manager's fault (E6), say.
    others: list[Other] = field(default_factory=list)
    photos: list = field(default_factory=list)
    call: str = ""
    companion: str = ""
    signature: object = None
    refusal: str = ""
    place: str = ""
    note: str = ""
    makes_up: bool = False
    revisits: dict[str, str] = field(default_factory=dict)
    participants: list[Unit] = field(default_factory=list)
    scores: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    is_paper: bool = False


def street_of(user, plant: Plant, moment: datetime) -> Unit | None:
    """The street for which somebody may inspect a facility on a day: one that is in charge of it and for which they inspect."""
    day = civil.day_of(moment)
    charge = (
        Charge.objects.filter(plant=plant, street__in=access.unit_ids(user, access.INSPECT), since__lte=day)
        .filter(Q(until=None) | Q(until__gte=day)).select_related("street").order_by("since", "pk").first()
    )  # fmt: skip
    return charge.street if charge else None


def department_of(user) -> Unit | None:
    """The department for which somebody may inspect anywhere: the district's side, never a company."""
    home = access.home_unit(user)
    if home is None or home.kind in COMPANIES or home.kind == "street":
        return None
    return home if access.everywhere(user, access.SUPERVISE) or home.pk in access.unit_ids(user, access.HANDLE_TICKETS) else None


@transaction.atomic
def record(visit: Visit, *, actor, at: datetime) -> Inspection:
    """Write down a visit, once: the same client id again answers what was written first.

    Invalid names the item; Forbidden for who may not inspect there; Conflict where the client id is somebody else's.
    """
    client = visit.client_id or uuid.uuid4()
    with connection.cursor() as cursor:  # one at a time under this id: the second finds the first
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [client.int % 2**63])
    first = Inspection.objects.filter(client_id=client).first()
    if first is not None:
        if first.inspector_id != actor.pk:
            raise Conflict("该记录已由他人提交")
        return first
    season = seasons.required(at)
    said = rules(season)
    visited, counted, to_verify = _times(visit, said, at)
    unit, street = _who(visit, actor, visited)
    company = _company(visit)
    items = items_for(season, visit.plant, visit.mode, visit.topic)
    checklist, photos = _check(visit, items, season, said, at)
    checklist += [_other(number, other, at) for number, other in enumerate(visit.others[:50], 1)]
    values = _check_values(visit, said)
    scores = _check_scores(visit, said)
    inspection = Inspection(
        number=_next_number(season, visit.mode), client_id=client, season=season, mode=visit.mode, topic=visit.topic, plant=visit.plant,
        community=visit.community, boiler=visit.boiler, company=company, street=street, unit=unit, inspector=actor, companion=visit.companion.strip()[:40],
        visited_at=visited, device_time=visit.device_time, received_at=at, counted_at=counted, to_verify=to_verify, place=visit.place[:120],
        checklist=checklist, values=values, scores=scores, refusal=visit.refusal.strip()[:120], note=visit.note.strip()[:2000],
        duty_call={"result": visit.call, "number": visit.plant.duty_phone if visit.plant else ""} if visit.call else {},
        is_hidden=visit.mode == InspectionMode.UNANNOUNCED, is_demo=bool((visit.plant or visit.community).is_demo),
    )  # fmt: skip
    inspection.save()
    inspection.participants.set(visit.participants)
    _keep_files(inspection, visit, photos, actor, at)
    inspection.revisits = _revisit(inspection, visit, actor, at)
    if not inspection.is_hidden:
        _make_known(inspection, actor, at)
    inspection.save()
    if visit.mode == InspectionMode.WEEKLY:
        _settle(inspection, makes_up=visit.makes_up)
    journal.record(
        inspection, "record", actor=actor, at=at, unit=unit.code, mode=visit.mode, plant=getattr(visit.plant, "code", ""), visited_at=visited.isoformat(),
        abnormal=len(inspection.abnormal), to_verify=to_verify, makes_up=visit.makes_up,
    )  # fmt: skip
    return inspection


def known(client_id: uuid.UUID | None) -> bool:
    """Whether a record of this device's id was written already."""
    return client_id is not None and Inspection.objects.filter(client_id=client_id).exists()


def _times(visit: Visit, said: dict, at: datetime) -> tuple[datetime, datetime, bool]:
    """When it was, by when it counts, and whether the office has to look at it (behaviour 10).

    A device's clock is believed within the tolerance; a clock that runs ahead of ours is set back to ours.
    """
    told = visit.visited_at or visit.device_time or at
    if told > at + CLOCK_SKEW:
        raise Invalid("到场时间不能晚于现在", field="visited_at")
    if told < at - timedelta(days=60):
        raise Invalid("到场时间过早", field="visited_at")
    visited = min(told, at)
    waited = at - visited
    is_late_told = waited > parse_duration(said["offline_tolerance"])
    return visited, at if is_late_told else visited, is_late_told or waited > parse_duration(said["online_within"]) or told > at


def _who(visit: Visit, actor, visited: datetime) -> tuple[Unit, Unit | None]:
    if visit.plant is None and (visit.community is None or visit.mode != InspectionMode.SPECIAL):
        raise Invalid("请选择厂站", field="plant")
    street = street_of(actor, visit.plant, visited) if visit.plant else None
    if visit.mode == InspectionMode.WEEKLY:
        if street is None:
            raise Forbidden("每周检查由负责该厂站的街道检查人员登记")
        return street, street
    unit = department_of(actor) or street
    if unit is None and visit.community is not None and visit.community.street_id in access.unit_ids(actor, access.INSPECT):
        unit = visit.community.street
    if unit is None or (visit.mode in (InspectionMode.UNANNOUNCED, InspectionMode.JOINT) and department_of(actor) is None):
        raise Forbidden("您无权登记此类检查")
    if visit.mode == InspectionMode.JOINT and len({unit.pk, *(one.pk for one in visit.participants)}) < 2:
        raise Invalid("联合检查须有两个以上部门参加", field="participants")
    return unit, street or (visit.community.street if visit.community else None)


def _company(visit: Visit) -> Unit | None:
    if visit.plant is not None:
        return visit.plant.company
    return visit.community.property_manager or visit.community.company


def _check(visit: Visit, items: list[dict], season: Season, said: dict, at: datetime) -> tuple[list[dict], dict[str, list]]:
    """The checklist as it is kept, and the photographs by item. Invalid names every item that is missing or wrong."""
    faults: dict[str, list[str]] = {}
    rows, photos = [], {}
    wanted = {item["code"] for item in items}
    for code in visit.answers.keys() - wanted:
        faults[f"item-{code}"] = [f"检查表没有“{code[:40]}”这一项"]
    for item in items:
        answer = visit.answers.get(item["code"]) or Answer()
        row = {"code": item["code"], "group": item["group"], "item": item["item"], "kind": item["kind"]}
        fault = _KINDS[item["kind"]](row, item, answer, visit, season) if not (visit.is_paper and item["kind"] != "check") else _paper(row, item, answer)
        if fault is None and row.get("state") == BAD:
            fault = _check_bad(row, answer, visit, said, at)
        if fault:
            faults[f"item-{item['code']}"] = [fault]
        rows.append(row)
        photos[item["code"]] = answer.photos
    if faults:
        raise Invalid(f"还差 {len(faults)} 项：{next(iter(faults.values()))[0]}", fields=faults)
    return rows, photos


def _check_plain(row, item, answer, visit, season) -> str | None:
    if answer.state not in STATES:
        return f"“{item['item']}”未填"
    row["state"] = answer.state
    row["note"] = answer.note.strip()[:1000]
    return None


def _check_number(row, item, answer, visit, season) -> str | None:
    row["unit"] = item.get("unit") or ""
    if answer.state == NOT_APPLICABLE:
        row["state"] = NOT_APPLICABLE
        return None
    if answer.value in (None, ""):
        return f"“{item['item']}”未填"
    value = _number(answer.value)
    lowest, highest = item.get("lowest"), item.get("highest")
    if value is None or (lowest is not None and value < lowest) or (highest is not None and value > highest):
        return f"“{item['item']}”应为 {lowest} 至 {highest} {row['unit']} 之间的数，请核对是否抄错"
    row["value"] = value
    row["state"] = BAD if answer.state == BAD else OK
    row["note"] = answer.note.strip()[:1000]
    return None


def _check_six(row, item, answer, visit, season) -> str | None:
    named = six(season)
    ready = [one for one in answer.ready or [] if one in named]
    missing = [one for one in named if one not in ready]
    row["ready"], row["missing"] = ready, missing
    if answer.state not in STATES and missing and answer.ready is None:
        return "六到位未填"
    row["state"] = BAD if missing else OK
    row["note"] = answer.note.strip()[:1000] or (f"未到位：{'、'.join(missing)}" if missing else "")
    return None


def _check_call(row, item, answer, visit, season) -> str | None:
    if answer.state == NOT_APPLICABLE and not (visit.plant and visit.plant.duty_phone):
        row["state"] = NOT_APPLICABLE
        return None
    if visit.call not in CALLS:
        return "值班电话试拨结果未填"
    row["result"] = visit.call
    row["state"] = OK if visit.call == "answered" else BAD
    row["note"] = answer.note.strip()[:1000] or (f"值班电话试拨{CALLS[visit.call]}" if visit.call != "answered" else "")
    return None


def _check_signature(row, item, answer, visit, season) -> str | None:
    if not visit.companion.strip():
        return "请填写企业陪同人"
    if visit.signature is None and not visit.refusal.strip():
        return "请陪同人签字，或写明未签字原因"
    row["state"] = OK if visit.signature is not None else NOT_APPLICABLE
    return None


_KINDS = {"check": _check_plain, "number": _check_number, "readiness": _check_six, "call": _check_call, "signature": _check_signature}


def _paper(row, item, answer) -> str | None:
    """An item as another system tells it: seen or not, with a reading where it has one."""
    if answer.state not in STATES:
        return f"“{item['item']}”未填"
    row["state"], row["note"] = answer.state, answer.note.strip()[:1000]
    if answer.value not in (None, ""):
        value = _number(answer.value)
        lowest, highest = item.get("lowest"), item.get("highest")
        if value is None or (lowest is not None and value < lowest) or (highest is not None and value > highest):
            return f"“{item['item']}”应为 {lowest} 至 {highest} 之间的数"
        row["value"], row["unit"] = value, item.get("unit") or ""
    return None


def _check_bad(row: dict, answer: Answer, visit: Visit, said: dict, at: datetime) -> str | None:
    """What is wrong says how grave, what, by when, and is photographed. What the form itself shows wrong needs no picture."""
    shows_itself = row["kind"] in ("call", "readiness", "number")
    severity = answer.severity or (Severity.GENERAL if shows_itself or visit.is_paper else "")
    if severity not in Severity.values:
        return f"“{row['item']}”异常，请选择隐患等级"
    if not row.get("note"):
        return f"“{row['item']}”异常，请写明情况"
    default = civil.day_of(at + parse_duration(said["rectify_within"]))
    due_on = answer.due_on or (default if shows_itself or visit.is_paper else None)
    if due_on is None:
        return f"“{row['item']}”异常，请填写整改期限"
    # What waited offline past its own limit is still a finding: it gets the plan's time anew.
    if due_on < civil.day_of(visit.visited_at or visit.device_time or at) or due_on > civil.day_of(at + LONGEST_DUE):
        return f"“{row['item']}”整改期限须在今天之后、半年之内"
    if due_on < civil.day_of(at):
        due_on = default
    if not answer.photos and not shows_itself and not visit.is_paper:
        return f"“{row['item']}”异常，请拍现场照片"
    if len(answer.photos) > MOST_PHOTOS:
        return f"“{row['item']}”照片最多 {MOST_PHOTOS} 张"
    row["severity"], row["due_on"] = severity, due_on.isoformat()
    return None


def _other(number: int, other: Other, at: datetime) -> dict:
    if not other.title.strip():
        raise Invalid("请写明问题", field="findings")
    if other.severity not in Severity.values:
        raise Invalid("请选择隐患等级", field="findings")
    if not civil.day_of(at) <= other.due_on <= civil.day_of(at + LONGEST_DUE):
        raise Invalid("整改期限须在今天之后、半年之内", field="findings")
    return {"code": f"other-{number}", "group": "其他问题", "item": "其他问题", "kind": "other", "state": BAD, "note": other.title.strip()[:200],
            "severity": other.severity, "due_on": other.due_on.isoformat(), "owner": other.unit.code}


def _check_values(visit: Visit, said: dict) -> list[dict]:
    """Measured pollutants against the plan's limits for the boiler's fuel (D5.1)."""
    if visit.mode != InspectionMode.EMISSION:
        return []
    if visit.boiler is None or visit.boiler.plant_id != visit.plant.pk:
        raise Invalid("请选择锅炉", field="boiler")
    if visit.boiler.source not in (HeatSource.GAS, HeatSource.COAL):
        raise Invalid("该热源没有排放限值", field="boiler")
    rows = []
    for pollutant in said["emissions"]:
        value = _number(visit.values.get(pollutant["code"]))
        if value is None or not 0 <= value <= pollutant["highest"]:
            raise Invalid(f"{pollutant['name']}应为 0 至 {pollutant['highest']} {pollutant['unit']}", field=f"value-{pollutant['code']}")
        limit = pollutant[visit.boiler.source]
        rows.append({"code": pollutant["code"], "name": pollutant["name"], "unit": pollutant["unit"], "value": value, "limit": limit, "is_over": value > limit})
    return rows


def _check_scores(visit: Visit, said: dict) -> list[dict]:
    """Points of a hundred for each subject of a joint inspection (D1.5)."""
    if visit.mode != InspectionMode.JOINT:
        return []
    rows = []
    for index, subject in enumerate(said["joint_subjects"]):
        points = _number(visit.scores.get(subject))
        if points is None or not 0 <= points <= 100:
            raise Invalid(f"“{subject}”请打 0 至 100 分", field=f"score-{index}")
        rows.append({"subject": subject, "points": points})
    return rows


def _number(value) -> float | None:
    if value is None or isinstance(value, bool) or len(str(value)) > 20:
        return None
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _next_number(season: Season, mode: str) -> str:
    """Unannounced visits are numbered apart: a gap in the others would tell of them."""
    Season.objects.select_for_update().get(pk=season.pk)
    prefix = f"{'AF' if mode == InspectionMode.UNANNOUNCED else 'JC'}-{season.starts_on.year}-"
    last = Inspection.objects.filter(number__startswith=prefix).order_by("-number").values_list("number", flat=True).first()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:05d}"


def _keep_files(inspection: Inspection, visit: Visit, photos: dict[str, list], actor, at: datetime) -> None:
    for row in inspection.checklist:
        kept = [attachments.store(photo, inspection, actor=actor, at=at, field=f"item-{row['code']}") for photo in photos.get(row["code"], [])]
        if kept:
            row["photos"] = [str(one.pk) for one in kept]
    for photo in visit.photos[:20]:
        attachments.store(photo, inspection, actor=actor, at=at, field="photos")
    if visit.signature is not None:
        inspection.signature = attachments.store(visit.signature, inspection, actor=actor, at=at, field="item-signature")


def _revisit(inspection: Inspection, visit: Visit, actor, at: datetime) -> list[dict]:
    """What became of the facility's open findings, as seen on the spot. Where the company has reported, this may verify it."""
    if visit.plant is None:
        return []
    rows = []
    for finding in open_findings(visit.plant).filter(number__in=list(visit.revisits)[:200]):
        seen = visit.revisits[finding.number]
        if seen not in ("fixed", "still"):
            continue
        if finding.standing == Standing.REPORTED and proof.may_verify(actor, finding):
            if seen == "fixed":
                proof.approve(finding, note=f"现场复查 {inspection.number}", actor=actor, at=at)
            else:
                proof.refuse(finding, reason=f"现场复查仍未整改 {inspection.number}", actor=actor, at=at)
        else:
            journal.record(finding, f"seen_{seen}", actor=actor, at=at, unit=inspection.unit.code, inspection="" if inspection.is_hidden else inspection.number)
        rows.append({"finding": finding.number, "title": finding.title, "seen": seen})
    return rows


def open_findings(plant: Plant):
    """What is wrong at a facility and not yet closed out, made known already."""
    return Finding.objects.filter(plant=plant, standing__in=(Standing.OPEN, Standing.REPORTED), is_hidden=False).order_by("due_at")


def _make_known(inspection: Inspection, actor, at: datetime) -> None:
    """What was seen has its effect: problems enter the ledger, and the six items are confirmed or found missing (G4)."""
    _open_findings(inspection, actor, at)
    row = next((row for row in inspection.checklist if row["kind"] == "readiness"), None)
    if inspection.company is None or row is None or ("missing" not in row and row["state"] != OK):
        return
    items = {name: name not in row.get("missing", []) for name in six(inspection.season)}
    obligations.confirm_readiness(inspection.company, str(inspection.plant), items, at=inspection.counted_at, note=f"现场核验 {inspection.number}")


def _open_findings(inspection: Inspection, actor, at: datetime) -> None:
    """Every item that is wrong, and every value over its limit, becomes a finding of the facility's company."""
    if inspection.company is None and (inspection.abnormal or any(row["is_over"] for row in inspection.values)):
        raise Invalid("该厂站尚未登记企业，问题无法列入台账", field="plant")
    common = {"plant": inspection.plant, "community": inspection.community, "street": inspection.street}
    within = parse_duration(rules(inspection.season)["rectify_within"])
    for row in inspection.abnormal:
        due_at = civil.day_bounds(date.fromisoformat(row["due_on"]))[1]
        title = row["note"] if row["kind"] in ("call", "readiness", "other") else f"{row['item']}：{row['note']}"
        unit = Unit.objects.get(code=row["owner"]) if row["kind"] == "other" else inspection.company
        found = ledger.Found(title=title, unit=unit, due_at=due_at if due_at > at else at + within, severity=row["severity"], **common)
        row["finding"] = _enter(inspection, found, actor, at)
    for row in inspection.values:
        if row["is_over"]:
            title = f"{inspection.boiler} {row['name']} {row['value']:g} {row['unit']}，超过限值 {row['limit']:g}"
            row["finding"] = _enter(inspection, ledger.Found(title=title, unit=inspection.company, due_at=at + within, severity=Severity.SERIOUS, **common), actor, at)


def _enter(inspection: Inspection, found: ledger.Found, actor, at: datetime) -> str:
    finding = ledger.open_finding(
        found, source=SOURCES[inspection.mode], subject=inspection, unit=inspection.unit, by=str(inspection.inspector), actor=actor, at=at
    )
    return finding.number


def _settle(inspection: Inspection, *, makes_up: bool) -> None:
    """The visit satisfies one week: its own, or, where it makes up for one, the week before, which is then late.

    Its own week's visit ends the alarms of earlier weeks that were missed: their verdict stays.
    """
    counted = inspection.counted_at
    week = monday_of(counted) - (WEEK if makes_up else timedelta(0))
    rows = InspectionDue.objects.select_for_update().filter(street=inspection.street, plant=inspection.plant, dropped_at=None, done_at=None)
    due = rows.filter(week=week).first()
    if due is not None:
        InspectionDue.objects.filter(pk=due.pk).update(inspection=inspection, done_at=counted)
        engine.settle(due, "weekly_inspection", at=counted)
    elif makes_up:
        raise Conflict("上周的检查已完成，无须补查")
    for missed in rows.filter(week__lt=week, due_at__lt=counted):
        engine.release(missed, at=counted)


# ---------------------------------------------------------------- afterwards


@transaction.atomic
def release(inspection: Inspection, *, actor, at: datetime) -> Inspection:
    """An unannounced visit is made known to the inspected: only now its findings enter the ledger (I10). Forbidden; Conflict when known."""
    if department_of(actor) is None or not (access.everywhere(actor, access.SUPERVISE) or inspection.unit == department_of(actor)):
        raise Forbidden("只有检查单位或专班办公室可以公开")
    inspection = Inspection.objects.select_for_update(of=("self",)).select_related("season", "company", "unit", "inspector", "plant", "boiler").get(pk=inspection.pk)
    if not inspection.is_hidden:
        raise Conflict("该检查已公开")
    inspection.is_hidden, inspection.released_at = False, at
    _make_known(inspection, actor, at)
    inspection.save()
    if inspection.company is not None:
        outbox.post(
            inspection.company, f"检查结果公开：{inspection.plant or inspection.community}", key=f"inspection:{inspection.pk}:released", at=at, audience="doer",
            kind="inspection", link=inspection.get_absolute_url(), body=f"编号 {inspection.number}，请查看并整改。",
        )  # fmt: skip
    journal.record(inspection, "release", actor=actor, at=at, unit=inspection.unit.code)
    return inspection


@transaction.atomic
def verify_time(inspection: Inspection, *, note: str, actor, at: datetime) -> None:
    """The office has looked at a visit told later and takes its time as told (behaviour 10). Forbidden; Conflict; Invalid (note)."""
    if not access.everywhere(actor, access.SUPERVISE) or actor.pk == inspection.inspector_id:
        raise Forbidden("由专班办公室核定")
    if not note.strip():
        raise Invalid("请写明核定依据", field="note")
    if not Inspection.objects.filter(pk=inspection.pk, to_verify=True).update(to_verify=False):
        raise Conflict("该记录无须核定")
    journal.record(inspection, "verify_time", actor=actor, at=at, unit=inspection.unit.code, reason=note)


def distance(place: str, plant: Plant) -> int | None:
    """How far, in metres, a kept place ("latitude,longitude,accuracy") is from a facility; None when either is unknown."""
    try:
        latitude, longitude = (float(part) for part in place.split(",")[:2])
    except ValueError:
        return None
    if plant is None or plant.latitude is None or plant.longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    here, there = math.radians(latitude), math.radians(float(plant.latitude))
    half = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(math.radians(float(plant.longitude) - longitude) / 2) ** 2
    return round(2 * EARTH_M * math.asin(min(1, math.sqrt(half))))


def grade(points: float, season: Season) -> str:
    """The grade of the season's assessment for an average (D1.5)."""
    rows = sorted(rules(season)["assessment"], key=lambda row: -row["from"])
    return next((row["grade"] for row in rows if points >= row["from"]), rows[-1]["grade"])
