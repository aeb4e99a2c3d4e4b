"""Gas from day to day: readings, gas asked for upstream, sudden troubles with the supply (D2.2–D2.4, G10)."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid
from notices import outbox
from supply import numbering
from supply.curtailment import DEVELOPMENT_REFORM, MOST_M3
from supply.models import Coordination, GasIncident, GasReading
from units import access
from units.models import Kind, Unit

FARTHEST = timedelta(days=7)  # a reading is of these days, not of long ago


def may_read(user, company: Unit) -> bool:
    """Whether `user` may enter figures for a company: itself, its supplier, the bureau of gas, or the district."""
    if company.pk in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE):
        return True
    return bool(gas_unit_of(user))


def gas_unit_of(user) -> Unit | None:
    """The unit for which somebody handles the district's gas: the bureau of gas, or a supplier (D2, F1)."""
    held = access.unit_ids(user, access.HANDLE_TICKETS)
    if not held:
        return None
    return next((unit for unit in Unit.objects.filter(pk__in=held).order_by("position") if unit.code == DEVELOPMENT_REFORM or unit.kind == Kind.GAS), None)


def may_coordinate(user, unit: Unit) -> bool:
    """Whether `user` may keep the log of gas asked for upstream for `unit`."""
    return unit.pk in access.unit_ids(user, access.HANDLE_TICKETS)


@transaction.atomic
def read(company: Unit, *, day: date, demand_m3: Decimal, supply_m3: Decimal, note: str = "", unit: Unit | None = None, actor, at: datetime) -> GasReading:
    """A company's demand and supply of a day as known now, m³ a day. Earlier readings stay. Forbidden, Invalid (day, demand_m3, supply_m3)."""
    if actor is not None and not may_read(actor, company):
        raise Forbidden("只有企业本身、燃气企业、区发改委和专班可以登记")
    if not civil.day_of(at) - FARTHEST <= day <= civil.day_of(at) + FARTHEST:
        raise Invalid("日期应在前后七天之内", field="day")
    for field, value in (("demand_m3", demand_m3), ("supply_m3", supply_m3)):
        if not 0 <= value <= MOST_M3:
            raise Invalid(f"应为 0 至 {MOST_M3:,.0f} 的数（m³/日）", field=field)
    reading = GasReading.objects.create(
        company=company, day=day, demand_m3=demand_m3, supply_m3=supply_m3, note=note.strip()[:300], read_at=at, read_by=actor,
        unit=unit, is_demo=company.is_demo,
    )  # fmt: skip
    journal.record(reading, "read", actor=actor, at=at, unit=unit.code if unit else "", company=company.code, demand=int(demand_m3), supply=int(supply_m3))
    return reading


@transaction.atomic
def coordinate(
    unit: Unit, *, day: date, counterpart: str, asked_m3: Decimal, granted_m3: Decimal | None = None, note: str = "", actor, at: datetime
) -> Coordination:
    """Gas was asked for upstream: of whom, how much, and what was granted, if that is known. Forbidden, Invalid."""
    if actor is not None and not may_coordinate(actor, unit):
        raise Forbidden("只能登记本单位的协调")
    if not counterpart.strip():
        raise Invalid("请填写对方单位", field="counterpart")
    if day > civil.day_of(at):
        raise Invalid("日期不能晚于今天", field="day")
    if not 0 < asked_m3 <= MOST_M3:
        raise Invalid("争取量应大于 0", field="asked_m3")
    if granted_m3 is not None and not 0 <= granted_m3 <= MOST_M3:
        raise Invalid("落实量不能为负", field="granted_m3")
    made = Coordination.objects.create(
        unit=unit, day=day, counterpart=counterpart.strip()[:80], asked_m3=asked_m3, granted_m3=granted_m3, note=note.strip()[:500], recorded_at=at,
        recorded_by=actor, answered_at=at if granted_m3 is not None else None, is_demo=_is_demo(unit, actor),
    )  # fmt: skip
    journal.record(made, "coordinate", actor=actor, at=at, unit=unit.code, counterpart=made.counterpart, asked=int(asked_m3),
                   granted=int(granted_m3) if granted_m3 is not None else None)  # fmt: skip
    return made


@transaction.atomic
def answered(coordination: Coordination, *, granted_m3: Decimal, note: str = "", actor, at: datetime) -> None:
    """The counterpart has answered: how much it grants. Conflict when an answer is there already."""
    if actor is not None and not may_coordinate(actor, coordination.unit):
        raise Forbidden("只能登记本单位的协调")
    if not 0 <= granted_m3 <= MOST_M3:
        raise Invalid("落实量不能为负", field="granted_m3")
    changes = {"granted_m3": granted_m3, "answered_at": at}
    if note.strip():
        changes["note"] = f"{coordination.note}\n{note.strip()}".strip()[:500]
    if not Coordination.objects.filter(pk=coordination.pk, granted_m3=None).update(**changes):
        raise Conflict("已有答复")
    journal.record(coordination, "answered", actor=actor, at=at, unit=coordination.unit.code, granted=int(granted_m3), reason=note.strip())


@transaction.atomic
def report_incident(unit: Unit, *, what: str, happened_at: datetime, company: Unit | None = None, actor, at: datetime) -> GasIncident:
    """A sudden trouble with the supply is reported for `unit`; the bureau of gas hears of it at once and deals with it (D2.3)."""
    if actor is not None and unit.pk not in access.unit_ids(actor, access.HANDLE_TICKETS):
        raise Forbidden("只能以本单位名义报告")
    if not what.strip():
        raise Invalid("请写明情况", field="what")
    if happened_at > at:
        raise Invalid("发生时间不能晚于现在", field="happened_at")
    owner = Unit.objects.get(code=DEVELOPMENT_REFORM)
    made = GasIncident.objects.create(
        number=numbering.take(GasIncident, "QY", at=at), unit=unit, owner=owner, company=company, happened_at=happened_at, what=what.strip()[:2000],
        reported_at=at, reported_by=actor, is_demo=_is_demo(unit, actor),
    )  # fmt: skip
    for told in {owner.pk: owner, **{one.pk: one for one in Unit.objects.filter(code=access.BUREAU)}}.values():
        outbox.post(
            told, f"气源突发事宜：{unit} 报告 {made.number}", key=f"gas-incident:{made.pk}:{told.pk}", at=at, audience="workers", kind="gas", level=1,
            link="/gas/log/", body=made.what[:300],
        )  # fmt: skip
    journal.record(made, "report", actor=actor, at=at, unit=unit.code, owner=owner.code)
    return made


def may_close(user, incident: GasIncident) -> bool:
    """Whether `user` may say how an incident was dealt with: for its owner, or for the district."""
    return incident.owner_id in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE)


@transaction.atomic
def close_incident(incident: GasIncident, *, measure: str, actor, at: datetime) -> None:
    """It has been dealt with. Forbidden, Invalid (measure), Conflict when it is closed already."""
    if actor is not None and not may_close(actor, incident):
        raise Forbidden("由区发改委处置")
    if not measure.strip():
        raise Invalid("请写明处置情况", field="measure")
    if not GasIncident.objects.filter(pk=incident.pk, closed_at=None).update(measure=measure.strip()[:2000], closed_at=at, closed_by=actor):
        raise Conflict("已处置完毕")
    journal.record(incident, "close", actor=actor, at=at, unit=incident.owner.code, reason=measure.strip()[:500])


def _is_demo(unit: Unit, actor) -> bool:
    """Whatever a demonstration person enters is demonstration, for a real unit too."""
    return unit.is_demo or bool(actor and actor.is_demo)
