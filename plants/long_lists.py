"""The lists of this floor that grow all season, to be taken along: room temperatures, home visits, inspections."""

from collections.abc import Callable
from datetime import datetime

from core import civil
from deadlines import season as seasons
from plants import inspection_selectors, register_selectors, temperature_selectors, temperatures, visit_selectors
from plants.models import HomeVisit, Inspection, RoomTemperature
from units.exports import Listed

FILTERS = {"company": "企业", "street": "街道", "community": "小区", "plant": "厂站", "band": "室温", "state": "状态", "mode": "方式", "to_verify": "待核", "q": "搜索", "since": "自", "until": "至"}


def _said(given: dict) -> str:
    return "；".join(f"{FILTERS[name]}：{value}" for name, value in given.items() if name in FILTERS)


def _temperatures(user, given: dict, at: datetime):
    register_selectors.require_sight(user)
    return temperature_selectors.narrowed(user, temperature_selectors.Filters.read(given, today=civil.day_of(at)), temperatures.standards(at))


def _temperature_rows(user, at: datetime) -> Callable[[RoomTemperature], tuple]:
    limits = temperatures.standards(at)
    return lambda one: (
        one.measured_at, str(one.community or ""), str(one.community.street or "") if one.community else "", str(one.community.company or "") if one.community else "",
        one.building, one.room, one.celsius, one.outdoor_celsius, one.celsius >= limits.commitment, one.celsius >= limits.statutory, one.point, one.instrument,
        {True: "是", False: "否", None: "未登记"}[one.is_calibrated], one.get_method_display(), one.get_resident_display(),
        f"{one.get_excuse_display()} {one.excuse_note}".strip(), str(one.unit), "是" if one.remeasures_id else "", one.finding.number if one.finding else "",
    )  # fmt: skip


TEMPERATURES = Listed(
    code="temperatures", name="室温监测", order=("-measured_at", "-id"), found=_temperatures, rows=_temperature_rows, said=_said,
    columns=[("测温时间", 18), ("小区", 20), ("街道", 12), ("企业", 16), ("楼栋", 12), ("房间", 10), ("室温 ℃", 9), ("室外 ℃", 9), ("达到承诺", 9), ("达到法定", 9), ("测点", 20),
             ("仪器", 20), ("检定有效", 9), ("方式", 8), ("住户", 14), ("免责情形", 20), ("测温单位", 16), ("复测", 6), ("问题台账", 16)],
)  # fmt: skip


def _visits(user, given: dict, at: datetime):
    register_selectors.require_sight(user)
    return visit_selectors.narrowed(user, seasons.active(at), given, least=temperatures.standards(at).commitment)


def _visit_rows(user, at: datetime) -> Callable[[HomeVisit], tuple]:
    return lambda one: (
        one.number, str(one.company), str(one.community), str(one.community.street or ""), one.building, one.visited_at, one.told_at, one.visitor, one.is_explained,
        one.opinion, one.solved, one.problem, one.ticket, one.finding.number if one.finding else "",
    )  # fmt: skip


VISITS = Listed(
    code="visits", name="访民问暖", order=("-visited_at", "-id"), found=_visits, rows=_visit_rows, said=_said,
    columns=[("编号", 18), ("企业", 16), ("小区", 20), ("街道", 12), ("楼栋", 14), ("走访时间", 18), ("登记时间", 18), ("走访人", 12), ("已宣传", 8), ("意见建议", 40), ("现场解决", 40),
             ("遗留问题", 40), ("工单", 20), ("问题台账", 16)],
)  # fmt: skip


def _inspections(user, given: dict, at: datetime):
    register_selectors.require_sight(user)
    return inspection_selectors.listed(user, inspection_selectors.Filters.read(given))


def _inspection_rows(user, at: datetime) -> Callable[[Inspection], tuple]:
    return lambda one: (
        one.number, one.get_mode_display(), str(one.plant or one.community), one.company.name if one.company else "", one.street.name if one.street else "", one.unit.name,
        one.visited_at, one.received_at, one.to_verify, len(one.abnormal), "、".join(row["note"] for row in one.abnormal),
    )  # fmt: skip


INSPECTIONS = Listed(
    code="inspections", name="检查记录", order=("-visited_at", "-id"), found=_inspections, rows=_inspection_rows, said=_said,
    columns=[("编号", 16), ("方式", 10), ("对象", 26), ("企业", 26), ("街道", 18), ("检查单位", 18), ("到场", 18), ("收到", 18), ("待核", 8), ("异常项", 8), ("问题", 60)],
)  # fmt: skip
