"""访民问暖: how many homes a company visits in a season, and each visit's record (D1.6, G17).

The target is a deadline of the company, settled by the visit that reaches it, as of the moment at which that visit counts.
A visit counts when it was made if it was told within the plan's tolerance, else when it was told.
"""

import math
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.utils.dateparse import parse_duration

from core import attachments, civil, journal
from core.errors import Conflict, Forbidden, Invalid
from core.privacy import normal_phone
from deadlines import engine
from deadlines import season as seasons
from deadlines.models import Season
from notices import outbox
from plants import ledger, temperatures
from plants.models import Community, Finding, HomeVisit, Severity, VisitTarget
from plants.temperatures import Reading
from units import access
from units.models import Kind, Unit

POLICY, STAGE = "visit-target", "visit_target"
LONGEST_AGO = timedelta(days=30)


@dataclass(frozen=True)
class Visited:
    """What was done in a home: whom, what they said, what was put right, what is left."""

    community: Community
    visitor: str
    building: str = ""
    door: str = ""
    contact: str = ""
    visited_at: datetime | None = None
    is_explained: bool = True
    opinion: str = ""
    solved: str = ""
    problem: str = ""
    readings: tuple[Reading, ...] = ()
    photos: tuple = ()
    client_id: uuid.UUID | None = None


def rules(season: Season) -> dict | None:
    """The plan's section on visits; None in a plan that has none."""
    return seasons.plan_of(season).get("visits")


# ---------------------------------------------------------------- how many


def generate(*, at: datetime) -> None:
    """Each heating company's target for the active season, once. What the register says then decides; the bureau may change it."""
    season = seasons.active(at)
    said = season and rules(season)
    if not said or at < civil.day_bounds(season.starts_on)[0] - parse_duration(said["opens_before"]):
        return
    due = due_of(season, said)
    if at >= due:
        return
    known = set(VisitTarget.objects.filter(season=season).values_list("company_id", flat=True))
    companies = [unit for unit in Unit.objects.filter(kind=Kind.HEATING, is_active=True) if unit.pk not in known]
    if not companies:
        return
    homes = dict(
        Community.objects.filter(company__in=companies, is_active=True, use="homes").order_by().values("company").annotate(sum=Sum("households")).values_list("company", "sum")
    )
    opened = civil.day_bounds(season.starts_on)[0] - parse_duration(said["opens_before"])
    limit = engine.limit(POLICY)
    for company in companies:
        households = max(said["least"], math.ceil((homes.get(company.pk) or 0) * said["share"]))
        target = VisitTarget.objects.create(season=season, company=company, households=households, opened_at=opened, due_at=due, is_demo=company.is_demo)
        engine.open_all([engine.draft(limit, target, company, at=opened, due_at=due)])
        journal.record(target, "open", actor=None, at=opened, unit=company.code, households=households)


def due_of(season: Season, said: dict) -> datetime:
    """The end of the day of the year that the plan names, in this season."""
    month, day = map(int, said["due_on"].split("-"))
    year = season.starts_on.year if (month, day) >= (season.starts_on.month, 1) else season.ends_on.year
    return civil.day_bounds(date(year, month, day))[1]


@transaction.atomic
def set_target(target: VisitTarget, *, households: int, reason: str, actor, at: datetime) -> None:
    """The bureau asks for more or fewer homes (D1.6). Forbidden for others; Invalid (households, reason); Conflict once it is past or reached."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("走访目标由区城管执法局调整")
    if not 1 <= households <= 1_000_000:
        raise Invalid("目标户数应在 1 至 1000000 之间", field="households")
    if not reason.strip():
        raise Invalid("请写明调整原因", field="reason")
    target = VisitTarget.objects.select_for_update(of=("self",)).select_related("company", "season").get(pk=target.pk)
    if at > target.due_at or not engine.open_of(target).exists():
        raise Conflict("已到时限或已完成，不能再调整")
    before = target.households
    target.households, target.reason = households, reason.strip()[:200]
    target.save(update_fields=["households", "reason"])
    engine.open_of(target).update(label=target.deadline_label)
    outbox.post(
        target.company, f"访民问暖目标调整为 {households} 户", key=f"visit-target:{target.pk}:{households}:{at.isoformat()}", at=at, audience="doer", kind="visit",
        link=target.get_absolute_url(), body=reason.strip()[:200],
    )  # fmt: skip
    journal.record(target, "target", actor=actor, at=at, unit=target.company.code, reason=reason.strip()[:200], before=before, after=households)
    _settle(target.company, target.season)


def counted(company: Unit, season: Season):
    """A company's visits of a season in the order in which they count."""
    return HomeVisit.objects.filter(company=company, season=season).order_by("counted_at", "id")


def _settle(company: Unit, season: Season) -> None:
    target = VisitTarget.objects.select_for_update(of=("self",)).filter(company=company, season=season).first()
    if target is None:
        return
    reached = counted(company, season).values_list("counted_at", flat=True)[target.households - 1 : target.households].first()
    if reached is not None:
        engine.settle(target, STAGE, at=reached)


# ---------------------------------------------------------------- a visit


@transaction.atomic
def record(said: Visited, *, actor, at: datetime) -> HomeVisit:
    """A company has visited a home. A record sent twice is one. Readings below the commitment open findings by themselves.

    Forbidden for another company's community; Invalid (community, visitor, visited_at, problem …).
    """
    if said.client_id is not None:
        known = HomeVisit.objects.filter(client_id=said.client_id).first()
        if known is not None:
            return known
    company = said.community.company
    if company is None or company.pk not in access.unit_ids(actor, access.HANDLE_TICKETS):
        raise Forbidden("由负责该小区的供热企业登记")
    season = seasons.required(at)
    visited = said.visited_at or at
    if not at - LONGEST_AGO <= visited <= at:
        raise Invalid("走访时间应在最近三十天内，不能晚于现在", field="visited_at")
    if not said.visitor.strip():
        raise Invalid("请填写走访人", field="visitor")
    if not (said.is_explained or said.opinion.strip() or said.solved.strip() or said.problem.strip() or said.readings):
        raise Invalid("请至少记下一项：宣传、意见、现场解决、遗留问题或室温", field="is_explained")
    tolerance = parse_duration((rules(season) or {}).get("told_within", "P1D"))
    try:
        with transaction.atomic():
            visit = HomeVisit.objects.create(
                number=_next_number(season), client_id=said.client_id, season=season, company=company, community=said.community, building=said.building.strip()[:60],
                door=said.door.strip()[:60], contact=normal_phone(said.contact)[:20], visitor=said.visitor.strip()[:60], visited_at=visited, told_at=at,
                counted_at=visited if at - visited <= tolerance else at, is_explained=said.is_explained, opinion=said.opinion.strip()[:2000],
                solved=said.solved.strip()[:2000], problem=said.problem.strip()[:2000], recorded_by=actor, is_demo=said.community.is_demo,
            )  # fmt: skip
    except IntegrityError:  # the same record from the same device, at the same moment
        return HomeVisit.objects.get(client_id=said.client_id)
    for reading in said.readings:
        temperatures.measure(said.community, reading, measured_at=visited, subject=visit, actor=actor, at=at)
    for photo in said.photos[:10]:
        attachments.store(photo, visit, actor=actor, at=at, field="photos")
    _settle(company, season)
    journal.record(
        visit, "visit", actor=actor, at=at, unit=company.code, community=said.community.code, visited_at=visited.isoformat(), readings=len(said.readings),
        has_problem=bool(visit.problem),
    )  # fmt: skip
    return visit


def _next_number(season: Season) -> str:
    Season.objects.select_for_update().get(pk=season.pk)  # one number at a time
    prefix = f"FW-{season.starts_on.year}-"
    last = HomeVisit.objects.filter(number__startswith=prefix).order_by("-number").values_list("number", flat=True).first()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:06d}"


def may_convert(user, visit: HomeVisit) -> bool:
    """Whether `user` may make something of the visit's problem: the company itself, or the district."""
    return visit.company_id in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE)


@transaction.atomic
def into_ledger(visit: HomeVisit, *, due_on: date, severity: str = Severity.GENERAL, actor, at: datetime) -> Finding:
    """The visit's problem enters the ledger of its company (G17). Conflict where it became something already."""
    visit = claim(visit, actor=actor)
    found = ledger.Found(
        title=f"访民问暖：{visit.problem}"[:200], unit=visit.company, due_at=civil.day_bounds(due_on)[1], severity=severity, community=visit.community,
        street=visit.community.street,
    )  # fmt: skip
    finding = ledger.open_finding(found, source=Finding.Source.VISIT, subject=visit, unit=access.home_unit(actor) or visit.company, by=str(actor), actor=actor, at=at)
    HomeVisit.objects.filter(pk=visit.pk).update(finding=finding)
    journal.record(visit, "ledger", actor=actor, at=at, unit=visit.company.code, finding=finding.number)
    return finding


def claim(visit: HomeVisit, *, actor) -> HomeVisit:
    """The visit, locked, with a problem that is not yet anything. Forbidden; Invalid without a problem; Conflict where it is one already."""
    if not may_convert(actor, visit):
        raise Forbidden("由该企业或区城管执法局处理")
    visit = HomeVisit.objects.select_for_update(of=("self",)).select_related("company", "community__street", "season").get(pk=visit.pk)
    if not visit.problem:
        raise Invalid("没有登记遗留问题", field="problem")
    if visit.ticket or visit.finding_id:
        raise Conflict("已转为工单或列入台账")
    return visit


def became_ticket(visit: HomeVisit, number: str, *, actor, at: datetime) -> None:
    """The problem is a ticket now: kept with the visit."""
    HomeVisit.objects.filter(pk=visit.pk).update(ticket=number)
    journal.record(visit, "ticket", actor=actor, at=at, unit=visit.company.code, ticket=number)


def made_by(season: Season) -> dict[int, int]:
    """Company id → visits of a season. One query."""
    return dict(HomeVisit.objects.filter(season=season).order_by().values("company").annotate(n=Count("pk")).values_list("company", "n"))


def forget(*, at: datetime) -> None:
    """Which door it was and whose telephone, of visits older than RETENTION_MONTHS (S12); the visit still counts."""
    before = civil.months_before(at, settings.RETENTION_MONTHS)
    HomeVisit.objects.filter(visited_at__lt=before).exclude(door="", contact="").update(door="", contact="")
