"""The life of an outage 抢修停热: reported → expected back, perhaps later → restored (I14); passage for repair vehicles (D15).

What was promised is a deadline of the company: heat that is not back by then is late, and a later promise made after that
is a new deadline beside the missed one. Complaints of the area hang on the outage and keep their own clocks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid
from core.one_trip import Question, Rows
from core.together import Waiting, may_wait
from deadlines import engine
from deadlines import season as seasons
from notices import outbox
from notices.models import Notice
from plants.models import Community, Plant
from supply import numbering
from supply.models import Outage, OutageArea, OutageCase, PassageRequest, Promise
from units import access
from units.models import Unit
from units.naming import normal

TRAFFIC_POLICE = "traffic-police"
FARTHEST = timedelta(days=30)  # no repair is promised farther ahead
LONGEST_AGO = timedelta(days=30)  # nor one recorded that began longer ago
RESTORATION, PASSAGE = "restoration", "passage"
State = Outage.State


@dataclass(frozen=True)
class Area:
    """A community without heat; `buildings` empty means all of it."""

    community: Community
    buildings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Interruption:
    """What is interrupted, where, why, since when and until when. `households` None: as the register has them."""

    place: str
    cause: str
    areas: tuple[Area, ...]
    started_at: datetime
    expected_at: datetime
    nature: str = Outage.Nature.EMERGENCY
    effect: str = Outage.Effect.STOPPED
    plant: Plant | None = None
    households: int | None = None


def may_report(user, company: Unit) -> bool:
    """Whether `user` may report an outage of a company and what becomes of it: for the company, or for the district."""
    return company.pk in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE)


# ---------------------------------------------------------------- reported, promised, restored


@transaction.atomic
def report(company: Unit, said: Interruption, *, actor, at: datetime) -> Outage:
    """Heat is interrupted, or will be. Streets are told, and the promise runs from now as a deadline of the company.

    Forbidden; Invalid (place, cause, areas, started_at, expected_at, households).
    """
    if actor is not None and not may_report(actor, company):
        raise Forbidden("只有供热企业本身和专班可以登记")
    _check(company, said, at=at)
    outage = Outage.objects.create(
        number=numbering.take(Outage, "TR", at=at), season=seasons.required(at), company=company, plant=said.plant, nature=said.nature, effect=said.effect,
        place=said.place.strip()[:120], cause=said.cause.strip()[:300], households=_households(said), started_at=said.started_at,
        expected_at=said.expected_at, reported_at=at, reported_by=actor, is_demo=company.is_demo,
    )  # fmt: skip
    OutageArea.objects.bulk_create([OutageArea(outage=outage, community=area.community, buildings=list(area.buildings)) for area in said.areas])
    Promise.objects.create(outage=outage, expected_at=said.expected_at, said_at=at, said_by=actor)
    engine.open_deadline(RESTORATION, outage, company, at=max(at, said.started_at), due_at=said.expected_at, street=_street(outage))
    _tell(outage, "reported", f"{outage.get_nature_display()}{outage.get_effect_display()}：{outage.place}", at=at)
    journal.record(
        outage, "report", actor=actor, at=at, unit=company.code, place=outage.place, cause=outage.cause, households=outage.households,
        started_at=outage.started_at.isoformat(), expected_at=outage.expected_at.isoformat(), communities=[area.community.code for area in said.areas],
    )  # fmt: skip
    return outage


def _check(company: Unit, said: Interruption, *, at: datetime) -> None:
    fields: dict[str, list[str]] = {}
    if not said.place.strip():
        fields["place"] = ["请填写地点"]
    if not said.cause.strip():
        fields["cause"] = ["请填写原因，不明时写“查明中”"]
    if said.nature not in Outage.Nature.values:
        fields["nature"] = ["性质不正确"]
    if said.effect not in Outage.Effect.values:
        fields["effect"] = ["影响不正确"]
    if not said.areas:
        fields["communities"] = ["请选择受影响的小区"]
    elif any(area.community.company_id != company.pk for area in said.areas):
        fields["communities"] = ["有小区不由本企业供热"]
    if said.plant is not None and said.plant.company_id != company.pk:
        fields["plant"] = ["不是本企业的厂站"]
    if said.households is not None and not 0 <= said.households <= 1_000_000:
        fields["households"] = ["户数不正确"]
    if said.nature == Outage.Nature.EMERGENCY and said.started_at > at:
        fields["started_at"] = ["抢修的开始时间不能晚于现在；尚未开始的请选计划检修"]
    elif not at - LONGEST_AGO <= said.started_at <= at + FARTHEST:
        fields["started_at"] = ["开始时间应在前后三十天之内"]
    if said.expected_at <= max(said.started_at, at):
        fields["expected_at"] = ["预计恢复须晚于现在和开始时间；已恢复的请在登记后办理恢复"]
    elif said.expected_at > max(at, said.started_at) + FARTHEST:
        fields["expected_at"] = ["预计恢复最远三十天"]
    if fields:
        raise Invalid(next(iter(fields.values()))[0], fields=fields)


def _households(said: Interruption) -> int:
    """As said, or as the register has them for whole communities. Invalid where neither tells: nobody is counted as nought."""
    if said.households is not None:
        return said.households
    if any(area.buildings or area.community.households is None for area in said.areas):
        raise Invalid("请填写影响户数（按楼栋停热，或小区户数未登记）", field="households")
    return sum(area.community.households for area in said.areas)


def _street(outage: Outage) -> Unit | None:
    streets = {area.community.street for area in outage.areas.select_related("community__street")}
    return streets.pop() if len(streets) == 1 else None


@transaction.atomic
def promise(outage: Outage, *, expected_at: datetime, reason: str, actor, at: datetime) -> None:
    """The heat is expected back at another moment. Said in time it moves the deadline; said after the breach, the breach stays.

    Every promise is kept and told. Invalid (expected_at, reason), Conflict once restored.
    """
    _require_reporter(outage, actor)
    if not reason.strip():
        raise Invalid("请写明变更原因", field="reason")
    if not max(at, outage.started_at) < expected_at <= max(at, outage.started_at) + FARTHEST:
        raise Invalid("预计恢复须晚于现在，最远三十天", field="expected_at")
    if expected_at == outage.expected_at:
        raise Invalid("与原预计时间相同", field="expected_at")
    came_late = at > outage.expected_at
    if not Outage.objects.filter(pk=outage.pk, state=State.OPEN, expected_at=outage.expected_at).update(expected_at=expected_at):
        raise Conflict("已恢复或刚被他人变更，请刷新后再试")
    outage.expected_at = expected_at
    Promise.objects.create(outage=outage, expected_at=expected_at, reason=reason.strip()[:300], said_at=at, said_by=actor, came_late=came_late)
    running = engine.open_of(outage).filter(stage=RESTORATION).select_related("policy").first()
    if running is not None and not came_late:
        engine.move(running, due_at=expected_at, at=at)
    else:
        # What was missed is settled as late, and the new promise is a deadline of its own.
        engine.release(outage, at=at, stage=RESTORATION)
        rounds = engine.of(outage).filter(stage=RESTORATION).count()
        engine.open_deadline(RESTORATION, outage, outage.company, at=at, due_at=expected_at, street=_street(outage), sequence=rounds + 1)
    _tell(outage, f"promise:{at.isoformat()}", f"预计恢复时间变更：{outage.place}", at=at, more=f"原因：{reason.strip()[:200]}")
    journal.record(outage, "promise", actor=actor, at=at, unit=outage.company.code, reason=reason.strip(), expected_at=expected_at.isoformat(), late=came_late)


@transaction.atomic
def restore(outage: Outage, *, restored_at: datetime | None = None, result: str, actor, at: datetime) -> None:
    """The heat is back, as of `restored_at` (default: now). Tickets of the area are left to their own clocks.

    A moment before the promise that is told only after it counts as told: the verdict is that of the telling.
    """
    _require_reporter(outage, actor)
    back = restored_at or at
    if not result.strip():
        raise Invalid("请写明抢修结果", field="result")
    if not outage.started_at <= back <= at:
        raise Invalid("恢复时间应在开始之后、现在之前", field="restored_at")
    if not Outage.objects.filter(pk=outage.pk, state=State.OPEN).update(
        state=State.RESTORED, restored_at=back, told_at=at, result=result.strip()[:500]
    ):
        raise Conflict("已恢复或已作废，请刷新后再试")
    outage.state, outage.restored_at, outage.told_at, outage.result = State.RESTORED, back, at, result.strip()[:500]
    engine.settle(outage, RESTORATION, at=at)
    _tell(outage, "restored", f"已恢复供热：{outage.place}", at=at)
    journal.record(outage, "restore", actor=actor, at=at, unit=outage.company.code, reason=result.strip(), restored_at=back.isoformat())


@transaction.atomic
def make_void(outage: Outage, *, reason: str, actor, at: datetime) -> None:
    """It was no outage (a wrong entry): nothing was owed. What hung on it hangs no more."""
    if actor is not None and not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("只有专班可以作废")
    if not reason.strip():
        raise Invalid("请写明作废原因", field="reason")
    if not Outage.objects.filter(pk=outage.pk, state=State.OPEN).update(state=State.VOID, result=reason.strip()[:500]):
        raise Conflict("已恢复或已作废，请刷新后再试")
    outage.state, outage.result = State.VOID, reason.strip()[:500]
    engine.void(outage, at=at)
    for passage in outage.passages.filter(answered_at=None):
        engine.void(passage, at=at)
    OutageCase.objects.filter(outage=outage, detached_at=None).update(detached_at=at, detach_reason="停热登记已作废")
    _tell(outage, "void", f"停热登记作废：{outage.place}", at=at, more=outage.result)
    journal.record(outage, "void", actor=actor, at=at, unit=outage.company.code, reason=reason.strip())


def _require_reporter(outage: Outage, actor) -> None:
    if actor is not None and not may_report(actor, outage.company):
        raise Forbidden("只有供热企业本身和专班可以办理")


def _tell(outage: Outage, what: str, subject: str, *, at: datetime, more: str = "") -> None:
    """To each street with its own communities, and to the bureau: one notice a unit."""
    said = {
        State.OPEN: f"预计 {civil.spoken(outage.expected_at)} 恢复", State.RESTORED: f"{civil.spoken(outage.restored_at)} 恢复", State.VOID: "",
    }[State(outage.state)]  # fmt: skip
    places: dict[int, list[str]] = {}
    for area in outage.areas.select_related("community"):
        for unit_id in {area.community.street_id, area.community.overlay_id} - {None}:
            places.setdefault(unit_id, []).append(str(area))
    bureau = Unit.objects.get(code=access.BUREAU)
    body = "；".join(part for part in (f"{outage.company}，{outage.cause}", said, more) if part)
    key = f"outage:{outage.pk}:{what}"
    notices = [
        Notice(
            key=f"{key}:{unit_id}", unit_id=unit_id, audience="street", kind="outage", subject=subject[:160], body=f"辖区内：{'、'.join(names)}。{body}",
            link=outage.get_absolute_url(), created_at=at,
        )
        for unit_id, names in places.items()
    ]  # fmt: skip
    notices.append(
        Notice(
            key=f"{key}:{bureau.pk}", unit_id=bureau.pk, audience="bureau", kind="outage", subject=subject[:160],
            body=f"{body}；影响 {outage.households} 户", link=outage.get_absolute_url(), created_at=at,
        )
    )  # fmt: skip
    outbox.post_many(notices)


# ---------------------------------------------------------------- passage (D15)


@transaction.atomic
def request_passage(
    outage: Outage, *, plate: str, route: str, window_from: datetime, window_until: datetime, note: str = "", actor, at: datetime
) -> PassageRequest:
    """Ask the traffic police for passage of a repair vehicle; they owe an acknowledgement within the plan's limit.

    Invalid (plate, route, window_from, window_until), Conflict when the repair is over.
    """
    _require_reporter(outage, actor)
    if outage.state != State.OPEN:
        raise Conflict("抢修已结束，不能申请通行")
    if not plate.strip():
        raise Invalid("请填写车牌", field="plate")
    if not route.strip():
        raise Invalid("请填写路线", field="route")
    if window_until <= max(window_from, at):
        raise Invalid("通行时段已过或先后颠倒", field="window_until")
    if window_until > at + FARTHEST:
        raise Invalid("通行时段最远三十天", field="window_until")
    police = Unit.objects.filter(code=TRAFFIC_POLICE, is_active=True).first()
    if police is None:
        raise Invalid("工作方案中没有公安交管未央大队")
    made = PassageRequest.objects.create(
        outage=outage, unit=police, plate=plate.strip().upper()[:20], route=route.strip()[:200], window_from=window_from, window_until=window_until,
        note=note.strip()[:300], requested_at=at, requested_by=actor,
    )  # fmt: skip
    engine.open_deadline(PASSAGE, made, police, at=at, street=_street(outage))
    outbox.post(
        police, f"抢修车辆通行：{made.plate}", key=f"passage:{made.pk}", at=at, audience="workers", kind="passage", level=1, link=outage.get_absolute_url(),
        body=f"{outage.company} {outage.place}；{made.route}；{civil.spoken(window_from)} 至 {civil.spoken(window_until)}",
    )  # fmt: skip
    journal.record(outage, "request_passage", actor=actor, at=at, unit=outage.company.code, plate=made.plate, route=made.route, request=made.pk)
    return made


def may_answer(user, request: PassageRequest) -> bool:
    """Whether `user` may acknowledge: for the traffic police only."""
    return request.unit_id in access.unit_ids(user, access.HANDLE_TICKETS)


@transaction.atomic
def answer_passage(request: PassageRequest, *, is_granted: bool, answer: str = "", actor, at: datetime) -> None:
    """The traffic police acknowledge, and say whether passage is secured. Invalid: a refusal without a reason. Conflict."""
    if actor is not None and not may_answer(actor, request):
        raise Forbidden("由公安交管未央大队回执")
    if not is_granted and not answer.strip():
        raise Invalid("不能保障的，请写明原因", field="answer")
    changes = {"answered_at": at, "answered_by": actor, "is_granted": is_granted, "answer": answer.strip()[:300]}
    if not PassageRequest.objects.filter(pk=request.pk, answered_at=None).update(**changes):
        raise Conflict("已有回执")
    engine.settle(request, PASSAGE, at=at)
    outage = request.outage
    outbox.post(
        outage.company, f"通行{'已保障' if is_granted else '未能保障'}：{request.plate}", key=f"passage:{request.pk}:answer", at=at, audience="workers",
        kind="passage", link=outage.get_absolute_url(), body=answer.strip()[:300],
    )  # fmt: skip
    journal.record(outage, "answer_passage", actor=actor, at=at, unit=request.unit.code, reason=answer.strip(), granted=is_granted, request=request.pk)


# ---------------------------------------------------------------- what hangs on it


@dataclass(frozen=True)
class Case:
    """Something that came in from a place: what the journal calls it, and where it is."""

    kind: str
    key: str
    community_id: int | None
    building: str = ""


@dataclass(frozen=True)
class OpenArea:
    """A community, or some of its buildings, on an outage that is not over."""

    outage_id: int
    number: str
    community_id: int
    buildings: list[str]


def open_areas(communities: Iterable[int], *, at: datetime) -> Question:
    """What is without heat at `at` in some communities: rows for OpenArea, the outage that began first before the others; None for none."""
    return Question(
        """SELECT json_agg(json_build_object('outage_id', outage.id, 'number', outage.number, 'community_id', area.community_id, 'buildings', area.buildings)
                           ORDER BY outage.started_at, area.id)
           FROM supply_outagearea area JOIN supply_outage outage ON outage.id = area.outage_id
           WHERE area.community_id = ANY(%s::bigint[]) AND outage.state = %s AND outage.started_at <= %s""",
        (list(communities), State.OPEN.value, at),
    )


def hang(cases: Iterable[Case], areas: Iterable[OpenArea], *, at: datetime) -> list[tuple[OutageCase, OpenArea]]:
    """On which of these areas each of what just came in hangs: rows not yet written, each with its area.

    An outage of some buildings takes what is known to come from them; one of the whole community takes all of it.
    """
    areas = list(areas)
    made = []
    for case in cases:
        area = next((one for one in areas if one.community_id == case.community_id and covers(one.buildings, case.building)), None)
        if area is not None:
            made.append((OutageCase(outage_id=area.outage_id, subject_kind=case.kind, subject_key=case.key, attached_at=at), area))
    return made


def rows(cases: list[OutageCase]) -> Rows:
    """What hangs, to be written; what hangs there already is left as it is."""
    return Rows(cases, once=True)


def covers(buildings: list[str], building: str) -> bool:
    """Whether a building is one of an area's, as people write building numbers; an area without any is the whole community."""
    return not buildings or bool(building) and normal(building) in {normal(one) for one in buildings}


@transaction.atomic
def attach(outage: Outage, cases: list[Case], *, actor, at: datetime) -> int:
    """Hang these on an outage by hand. The number that was not there yet."""
    known = set(OutageCase.objects.filter(outage=outage, detached_at=None).values_list("subject_kind", "subject_key"))
    new = [case for case in cases if (case.kind, case.key) not in known]
    OutageCase.objects.bulk_create(
        [OutageCase(outage=outage, subject_kind=case.kind, subject_key=case.key, attached_at=at, attached_by=actor) for case in new], ignore_conflicts=True
    )
    if new:
        journal.record(outage, "attach", actor=actor, at=at, unit=outage.company.code, cases=[case.key for case in new])
    return len(new)


@transaction.atomic
def detach(outage: Outage, kind: str, key: str, *, reason: str, actor, at: datetime) -> None:
    """It has another cause after all. Invalid without a reason, Conflict when it does not hang there."""
    if not reason.strip():
        raise Invalid("请写明理由", field="reason")
    found = OutageCase.objects.filter(outage=outage, subject_kind=kind, subject_key=key, detached_at=None)
    if not found.update(detached_at=at, detach_reason=reason.strip()[:300]):
        raise Conflict("未关联或已取消关联")
    journal.record(outage, "detach", actor=actor, at=at, unit=outage.company.code, reason=reason.strip(), case=key)


@may_wait
def outages_of(kind: str, keys: Iterable[str]) -> Waiting[dict[str, Outage]]:
    """On which outage each of these hangs: one query."""
    keys = list(keys)
    if not keys:
        return {}
    rows = OutageCase.objects.filter(subject_kind=kind, subject_key__in=keys, detached_at=None).select_related("outage").order_by("attached_at")
    yield rows
    return {row.subject_key: row.outage for row in rows}


def keys_of(outage: Outage, kind: str) -> list[str]:
    """The keys of what hangs on an outage, oldest first."""
    return list(OutageCase.objects.filter(outage=outage, subject_kind=kind, detached_at=None).order_by("attached_at").values_list("subject_key", flat=True))


# ---------------------------------------------------------------- what residents are told


def public_notices(community: Community, *, at: datetime) -> list[str]:
    """What the residents of a community are told of outages at `at`, the planned of the coming days included."""
    found = OutageArea.objects.filter(community=community, outage__state=State.OPEN).select_related("outage").order_by("outage__started_at")
    return [public_text(area, at=at) for area in found]


def public_text(area: OutageArea, *, at: datetime) -> str:
    """“您所在小区正在抢修，预计 18:00 恢复”, in full. Says nothing of which company or why beyond the cause given out."""
    outage = area.outage
    where = f"您所在小区{'、'.join(area.buildings)}" if area.buildings else "您所在小区"
    back = civil.spoken(outage.expected_at, reference=at)
    effect = "停热" if outage.effect == Outage.Effect.STOPPED else "降温运行"
    if outage.started_at > at:
        return f"{where}将于 {civil.spoken(outage.started_at, reference=at)} 计划检修，届时{effect}，预计 {back} 恢复。"
    doing = "正在抢修" if outage.nature == Outage.Nature.EMERGENCY else "正在检修"
    if at > outage.expected_at:
        return f"{where}{doing}（{effect}），原预计 {back} 恢复，现有延迟，新的时间确定后在此告知。"
    return f"{where}{doing}（{effect}），预计 {back} 恢复。"
