"""The life of a curtailment 限供 (压非保民, G8, F4, F5): plan → proposal for a gap → approved by a named person → recovered.

What is proposed, and why, is `allocation`'s answer; here it is frozen, approved, carried out, told and ended. Complaints
from communities on restricted supply are tagged by `restricted`, and their clocks run on (behaviour 15).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from core import civil, journal, stamps
from core.errors import Conflict, Forbidden, Invalid
from core.one_trip import Question
from deadlines import season as seasons
from notices import outbox
from notices.models import Notice
from plants.models import Boiler, Community, HeatSource, Use
from supply import allocation, numbering
from supply.allocation import Option
from supply.models import ActivatedStep, Activation, CurtailmentPlan, CurtailmentStep, Load, Restriction
from units import access
from units.models import Kind, Unit

MOST_M3 = Decimal(100_000_000)  # a hundred million m³ a day is more than the whole city burns
DEVELOPMENT_REFORM = "development-reform"  # answers for the supply of gas (D2.2–D2.4)
State = Activation.State


# ---------------------------------------------------------------- the plan


@dataclass(frozen=True)
class Measure:
    """A step as it is planned: stage × boiler × area → m³ a day less."""

    stage: int
    kind: str
    name: str
    reduction_m3: Decimal
    boiler: Boiler | None = None
    communities: tuple[Community, ...] = ()
    order: int = 1


def plan_of(company: Unit, *, at: datetime) -> CurtailmentPlan:
    """The company's plan of the present season; begun empty when there is none."""
    season = seasons.required(at)
    return CurtailmentPlan.objects.get_or_create(company=company, season=season, defaults={"changed_at": at, "is_demo": company.is_demo})[0]


@transaction.atomic
def add_step(plan: CurtailmentPlan, measure: Measure, *, actor, at: datetime) -> CurtailmentStep:
    """Put a measure into a plan. Invalid (stage, boiler, communities, reduction_m3) for what cannot be carried out."""
    if measure.kind not in Load.values:
        raise Invalid("负荷类型不正确", field="kind")
    if not 1 <= measure.stage <= 9:
        raise Invalid("阶段为 1 至 9", field="stage")
    if not measure.name.strip():
        raise Invalid("请填写区域或用户名称", field="name")
    _require_m3(measure.reduction_m3, "reduction_m3", least=1)
    boiler = measure.boiler
    if boiler is not None and boiler.plant.company_id != plan.company_id:
        raise Invalid("不是本企业的锅炉", field="boiler")
    if measure.kind == Load.HOMES:
        if boiler is None or boiler.source != HeatSource.GAS:
            raise Invalid("居民供热按天然气锅炉限供，请选择燃气锅炉", field="boiler")
        if not measure.communities:
            raise Invalid("请选择受影响的小区", field="communities")
    if boiler is not None and boiler.gas_m3_per_day is not None and measure.reduction_m3 > boiler.gas_m3_per_day:
        raise Invalid(f"超过该锅炉满负荷日用气 {boiler.gas_m3_per_day:,.0f} m³", field="reduction_m3")
    if any(community.company_id != plan.company_id for community in measure.communities):
        raise Invalid("有小区不由本企业供热", field="communities")
    step = CurtailmentStep.objects.create(
        plan=plan, stage=measure.stage, order=measure.order, kind=measure.kind, boiler=boiler, name=measure.name.strip()[:60],
        reduction_m3=measure.reduction_m3, is_demo=plan.is_demo,
    )  # fmt: skip
    step.communities.set(measure.communities)
    CurtailmentPlan.objects.filter(pk=plan.pk).update(changed_at=at)
    journal.record(
        plan, "add_step", actor=actor, at=at, unit=plan.company.code, step=step.pk, stage=step.stage, load=step.kind, name=step.name,
        boiler=boiler.code if boiler else None, m3=int(step.reduction_m3), communities=[one.code for one in measure.communities],
    )  # fmt: skip
    return step


@transaction.atomic
def take_out(step: CurtailmentStep, *, reason: str, actor, at: datetime) -> None:
    """A measure is no longer planned; it stays in the history. Invalid without a reason, Conflict when it is out already."""
    if not reason.strip():
        raise Invalid("请写明停用原因", field="reason")
    if not CurtailmentStep.objects.filter(pk=step.pk, is_active=True).update(is_active=False, inactive_reason=reason.strip()[:200]):
        raise Conflict("这项措施已停用")
    CurtailmentPlan.objects.filter(pk=step.plan_id).update(changed_at=at)
    journal.record(step.plan, "take_out", actor=actor, at=at, unit=step.plan.company.code, reason=reason.strip(), step=step.pk, name=step.name)


def options_of(plan: CurtailmentPlan, *, at: datetime) -> list[Option]:
    """The plan's measures as `allocation` sees them: two queries."""
    protected = set(seasons.plan_of(plan.season)["checklists"].get("protected_uses") or [])
    steps = plan.steps.filter(is_active=True).select_related("boiler__plant").prefetch_related("communities")
    return [_option(step, protected) for step in steps]


def _option(step: CurtailmentStep, protected: set[str]) -> Option:
    communities = list(step.communities.all())
    boiler = f"{step.boiler} · " if step.boiler_id else ""
    return Option(
        key=step.pk, stage=step.stage, order=step.order, rank=rank_of(step), name=f"{boiler}{step.name}", m3=step.reduction_m3,
        households=sum(one.households or 0 for one in communities),
        protected=tuple(f"{one.name}（{Use(one.use).label}）" for one in communities if one.use in protected),
        unknown=sum(one.households is None and one.use == Use.HOMES for one in communities),
    )  # fmt: skip


def rank_of(step: CurtailmentStep) -> int:
    """0 non-residential; 1 homes whose plant has a coal boiler standing by (F5); 2 homes whose plant has none (F4)."""
    if step.kind == Load.OTHER:
        return 0
    return 1 if step.boiler.plant.has_coal_backup else 2


# ---------------------------------------------------------------- proposal and approval


@transaction.atomic
def propose(
    plan: CurtailmentPlan, *, demand_m3: Decimal, supply_m3: Decimal, figures_from: str = "人工填写", actor, at: datetime
) -> Activation:
    """What to cut for today's gap, frozen with every reason, to be approved. Invalid without a gap or without a plan.

    A proposal that still waited is replaced. Conflict when somebody proposes at the same moment.
    """
    _require_m3(demand_m3, "demand_m3")
    _require_m3(supply_m3, "supply_m3")
    gap = demand_m3 - supply_m3
    if gap <= 0:
        raise Invalid("供应不低于需求，没有缺口", field="supply_m3")
    options = options_of(plan, at=at)
    if not options:
        raise Invalid("本企业尚未编制限供方案，请先录入各阶段措施", field="company")
    CurtailmentPlan.objects.select_for_update().get(pk=plan.pk)  # one proposal at a time
    waiting = Activation.objects.filter(company=plan.company, state=State.PROPOSED).first()
    if waiting is not None:
        _end(waiting, State.PROPOSED, State.WITHDRAWN, note="由新的方案替换", actor=actor, at=at)
    found = allocation.propose(gap, options)
    activation = Activation.objects.create(
        number=numbering.take(Activation, "XG", at=at), plan=plan, company=plan.company, season=plan.season, day=civil.day_of(at),
        demand_m3=demand_m3, supply_m3=supply_m3, gap_m3=gap, figures_from=figures_from[:60],
        level=allocation.level_of(gap, demand_m3, seasons.plan_of(plan.season)["checklists"].get("curtailment_levels") or []),
        covered_m3=found.covered, remaining_m3=found.remaining, lines=[line.as_data() for line in found.lines], proposed_at=at,
        proposed_by=actor, is_demo=plan.is_demo,
    )  # fmt: skip
    bureau = Unit.objects.get(code=access.BUREAU)
    outbox.post(
        bureau, f"限供方案待批：{plan.company} 缺口 {gap:,.0f} m³/日", key=f"curtailment:{activation.pk}:proposed", at=at, audience="workers",
        kind="curtailment", link=activation.get_absolute_url(), body=f"方案可减 {found.covered:,.0f} m³，尚缺 {found.remaining:,.0f} m³",
    )  # fmt: skip
    journal.record(
        activation, "propose", actor=actor, at=at, unit=plan.company.code, gap=int(gap), covered=int(found.covered), remaining=int(found.remaining),
        steps=[option.key for option in found.taken],
    )  # fmt: skip
    return activation


def may_approve(user, activation: Activation) -> bool:
    """Whether `user` may approve: a named person who supervises for the district, and never the company itself."""
    if user.is_service or activation.company_id in access.unit_ids(user, access.HANDLE_TICKETS):
        return False
    return access.everywhere(user, access.SUPERVISE)


@transaction.atomic
def approve(activation: Activation, *, note: str = "", override_reason: str = "", actor, at: datetime) -> None:
    """A named person approves, and the measures begin. With `override_reason` boilers without coal backup may be cut as well (F4).

    An activation still running is continued by this one. Forbidden, Invalid (override_reason), Conflict.
    """
    if actor is None or not may_approve(actor, activation):
        raise Forbidden("限供须由专班具名批准")
    changes = {"approved_at": at, "approved_by": actor, "approval_note": note.strip()[:500]}
    plan = CurtailmentPlan.objects.select_related("season", "company").select_for_update(of=("self",)).get(pk=activation.plan_id)
    if override_reason.strip():
        if not any(line["rank"] == 2 and not line["taken"] and not line["protected"] for line in activation.lines) or not activation.remaining_m3:
            raise Invalid("其他措施已够，或没有可限的无备用锅炉，不需要具名决定", field="override_reason")
        found = allocation.propose(activation.gap_m3, options_of(plan, at=at), allows_last=True)
        changes |= {
            "override_by": actor, "override_reason": override_reason.strip()[:500], "covered_m3": found.covered, "remaining_m3": found.remaining,
            "lines": [line.as_data() for line in found.lines],
        }  # fmt: skip
    lines = [line for line in changes.get("lines", activation.lines) if line["taken"]]
    if not lines:
        raise Conflict("方案中没有可以启用的措施，请先协调气源或由负责人具名决定")
    steps = CurtailmentStep.objects.filter(pk__in=[line["step"] for line in lines], is_active=True).prefetch_related("communities").in_bulk()
    if len(steps) < len(lines):
        raise Conflict("限供方案已变更，请重新提出")
    before = Activation.objects.filter(company=activation.company, state=State.ACTIVE).first()
    if before is not None:
        _end(before, State.ACTIVE, State.ENDED, note=f"由 {activation.number} 接续", actor=actor, at=at)
    _move(activation, State.PROPOSED, State.ACTIVE, **changes)
    _carry_out(activation, lines, steps, at=at)
    _tell_begin(activation, at=at)
    journal.record(
        activation, "approve", actor=actor, at=at, unit=activation.company.code, reason=override_reason.strip() or note.strip(),
        overridden=bool(override_reason.strip()), steps=[line["step"] for line in lines],
    )  # fmt: skip


def _carry_out(activation: Activation, lines: list[dict], steps: dict[int, CurtailmentStep], *, at: datetime) -> None:
    made = ActivatedStep.objects.bulk_create(
        [
            ActivatedStep(
                activation=activation, step=steps[line["step"]], position=position, name=line["name"][:120], reduction_m3=line["m3"],
                households=line["households"], started_at=at,
            )
            for position, line in enumerate(lines, 1)
        ]
    )  # fmt: skip
    Restriction.objects.bulk_create(
        [
            Restriction(carried_out=one, activation=activation, community=community, households=community.households, since=at)
            for one in made
            for community in one.step.communities.all()
        ]
    )


def _tell_begin(activation: Activation, *, at: datetime) -> None:
    company = activation.company
    said = f"缺口 {activation.gap_m3:,.0f} m³/日，减量 {activation.covered_m3:,.0f} m³/日"
    _tell(activation, "begun", f"已启动限供：{company} {activation.number}", f"{said}。请按方案执行并做好用户告知；投诉照常计时办理。", at=at)


def _tell_end(activation: Activation, *, at: datetime) -> None:
    _tell(activation, "ended", f"限供结束：{activation.company} {activation.number}", activation.end_note, at=at)


def _tell(activation: Activation, what: str, subject: str, body: str, *, at: datetime) -> None:
    """To the company, the bureau of gas, the suppliers, and each street with its own communities: one notice a unit."""
    link = activation.get_absolute_url()
    units = list(Unit.objects.filter(Q(code=DEVELOPMENT_REFORM) | Q(kind=Kind.GAS), is_active=True))
    notices = [
        Notice(
            key=f"curtailment:{activation.pk}:{what}:{unit.pk}", unit_id=unit.pk, audience="workers", kind="curtailment", subject=subject[:160],
            body=body, link=link, created_at=at,
        )
        for unit in [activation.company, *units]
    ]  # fmt: skip
    areas: dict[int, list[Community]] = {}
    for row in activation.restrictions.select_related("community"):
        if row.community.street_id and row.community not in areas.setdefault(row.community.street_id, []):
            areas[row.community.street_id].append(row.community)
    notices += [
        Notice(
            key=f"curtailment:{activation.pk}:{what}:{street}", unit_id=street, audience="street", kind="curtailment", subject=subject[:160],
            body=f"辖区内：{'、'.join(f'{one.name}（{one.households} 户）' if one.households else one.name for one in communities)}。{body}",
            link=link, created_at=at,
        )
        for street, communities in areas.items()
    ]  # fmt: skip
    outbox.post_many(notices)


@transaction.atomic
def withdraw(activation: Activation, *, reason: str, actor, at: datetime) -> None:
    """A proposal is taken back before anybody approved it. Invalid without a reason, Conflict once it is approved."""
    if not reason.strip():
        raise Invalid("请写明撤回原因", field="reason")
    _end(activation, State.PROPOSED, State.WITHDRAWN, note=reason.strip(), actor=actor, at=at)


@transaction.atomic
def recover_step(carried_out: ActivatedStep, *, note: str = "", actor, at: datetime) -> None:
    """One measure is over, its communities have their gas again. With the last one the curtailment ends."""
    if not ActivatedStep.objects.filter(pk=carried_out.pk, recovered_at=None, activation__state=State.ACTIVE).update(recovered_at=at, note=note.strip()[:300]):
        raise Conflict("这项措施已恢复，请刷新后再试")
    Restriction.objects.filter(carried_out=carried_out, until=None).update(until=at)
    activation = carried_out.activation
    journal.record(activation, "recover_step", actor=actor, at=at, unit=activation.company.code, reason=note.strip(), step=carried_out.step_id, name=carried_out.name)
    if not ActivatedStep.objects.filter(activation=activation, recovered_at=None).exists():
        end(activation, note=note or "各项措施均已恢复", actor=actor, at=at)


@transaction.atomic
def end(activation: Activation, *, note: str, actor, at: datetime) -> None:
    """The curtailment is over: everybody is supplied again, and told. Invalid without a word on the recovery."""
    if not note.strip():
        raise Invalid("请写明恢复情况", field="note")
    _end(activation, State.ACTIVE, State.ENDED, note=note.strip(), actor=actor, at=at)
    _tell_end(activation, at=at)


def _end(activation: Activation, old: str, new: str, *, note: str, actor, at: datetime) -> None:
    _move(activation, old, new, ended_at=at, ended_by=actor, end_note=note[:500])
    ActivatedStep.objects.filter(activation=activation, recovered_at=None).update(recovered_at=at)
    Restriction.objects.filter(activation=activation, until=None).update(until=at)
    journal.record(activation, "end" if new == State.ENDED else "withdraw", actor=actor, at=at, unit=activation.company.code, reason=note)


def _move(activation: Activation, old: str, new: str, **changes) -> None:
    if not Activation.objects.filter(pk=activation.pk, state=old).update(state=new, **changes):
        raise Conflict("状态已变化，请刷新后再试")
    activation.state = new
    for name, value in changes.items():
        setattr(activation, name, value)


def _require_m3(value: Decimal, field: str, *, least: int = 0) -> None:
    if not least <= value <= MOST_M3:
        raise Invalid(f"应为 {least} 至 {MOST_M3:,.0f} 的数（m³/日）", field=field)


# ---------------------------------------------------------------- who is restricted


def active_for(community_ids: Iterable[int], at: datetime) -> dict[int, Restriction]:
    """The communities among these that are on restricted supply at `at`, each with its restriction: one query."""
    wanted = {pk for pk in community_ids if pk}
    if not wanted:
        return {}
    found = Restriction.objects.filter(Q(until=None) | Q(until__gt=at), community__in=wanted, since__lte=at)
    return {row.community_id: row for row in found.select_related("activation").order_by("-since")}


def restricted(spans: dict[int, tuple[int, datetime, datetime]]) -> dict[int, Restriction]:
    """Which of some cases fell into a restriction: `spans` key → (community id, from, until). All restrictions are remembered.

    A complaint is tagged when its community was on restricted supply at any moment between the call and its close-out.
    """
    rows = stamps.remembered(stamps.GAS, "restrictions", _restrictions)
    found = {}
    for key, (community, since, until) in spans.items():
        for row in rows.get(community, ()):
            if row.since <= until and (row.until is None or row.until > since):
                found[key] = row
    return found


def _restrictions() -> dict[int, list[Restriction]]:
    found: dict[int, list[Restriction]] = {}
    for row in Restriction.objects.order_by("since"):
        found.setdefault(row.community_id, []).append(row)
    return found


def ever_restricted(communities: Iterable[int], since: datetime) -> Question:
    """Which of some communities were on restricted supply at any moment from `since` on: an array of their ids; None for none."""
    return Question(
        "SELECT array_agg(community_id) FROM supply_restriction WHERE community_id = ANY(%s::bigint[]) AND (until IS NULL OR until > %s)", (list(communities), since)
    )


def public_notices(community: Community, *, at: datetime) -> list[str]:
    """What the residents of a community are told of a curtailment at `at`."""
    return [
        f"因天然气供应紧张，{community.name}自 {civil.spoken(row.since, reference=at)} 起限量供热，室温可能下降；恢复后在此告知。报修和投诉照常受理。"
        for row in active_for([community.pk], at).values()
    ]
