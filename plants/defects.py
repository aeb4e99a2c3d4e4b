"""Gaps of the register as data defects 数据缺陷: who answers for what must be known of every place (B4), with the link that mends it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from plants import terms
from plants.models import Charge, Management, PlantKind
from plants.register_kinds import BOILERS, COMMUNITIES, METERS, NETWORKS, PLANTS, Kind
from plants.register_selectors import require_sight, visible
from units.naming import normal


@dataclass(frozen=True)
class Rule:
    """A sort of defect: its code, what it says, the clause, the kind it is about, and which rows have it."""

    code: str
    label: str
    clause: str
    kind: Kind
    having: Callable[[QuerySet, date, terms.Terms], QuerySet]
    # `label` may name the plan's terms: {days}, {years}.
    # The field that mends it; "" where something else does.
    mended_by: str = ""


def _without(name: str):
    """Rows where a field is empty, whether null or an empty text."""

    def having(rows, today, terms):
        text = rows.model._meta.get_field(name).get_internal_type() == "CharField"
        return rows.filter(**{name: ""} if text else {name: None})

    return having


def _uncharged(rows, today, terms):
    held = Charge.objects.filter(plant=OuterRef("pk"), since__lte=today).filter(Q(until=None) | Q(until__gte=today))
    return rows.filter(~Exists(held), kind__in=(PlantKind.PLANT, PlantKind.GAS))


def _unmanaged(rows, today, terms):
    return rows.filter(~Exists(Management.objects.filter(community=OuterRef("pk"), since__lte=today).filter(Q(until=None) | Q(until__gt=today))))


def _managed_by_property(rows, today):
    held = Management.objects.filter(community=OuterRef("pk"), mode="property", since__lte=today).filter(Q(until=None) | Q(until__gt=today))
    return rows.filter(Exists(held))


def _twins(rows, today, terms):
    """Places of one street whose names, other names counted, are the same."""
    owners: dict[tuple, set[int]] = {}
    for pk, name, aliases, street in rows.order_by().values_list("pk", "name", "aliases", "street"):
        for one in {normal(name), *(normal(alias) for alias in aliases)}:
            owners.setdefault((street, one), set()).add(pk)
    return rows.filter(pk__in={pk for found in owners.values() if len(found) > 1 for pk in found})


RULES = (
    Rule("community-company", "小区没有供热企业", "B4", COMMUNITIES, _without("company"), "company"),
    Rule("community-street", "小区没有街道", "B4", COMMUNITIES, _without("street"), "street"),
    Rule("community-plant", "小区没有热源厂站", "B4", COMMUNITIES, _without("plant"), "plant"),
    Rule("community-mode", "小区没有管理方式", "D3.11", COMMUNITIES, _unmanaged),
    Rule("community-property", "物业代管小区没有物业服务企业", "D3.11", COMMUNITIES, lambda rows, today, terms: _managed_by_property(rows, today).filter(property_manager=None), "property_manager"),
    Rule("community-contract", "物业代管小区没有供热合同编号", "D3.8", COMMUNITIES, lambda rows, today, terms: _managed_by_property(rows, today).filter(contract_no=""), "contract_no"),
    Rule("community-manager", "小区没有供热管理员或其电话", "G20", COMMUNITIES, lambda rows, today, terms: rows.filter(Q(heat_manager="") | Q(heat_manager_phone="")), "heat_manager"),
    Rule("community-twin", "同一街道两个小区同名", "B4", COMMUNITIES, _twins),
    Rule("plant-company", "厂站没有企业", "B4", PLANTS, _without("company"), "company"),
    Rule("plant-charge", "厂站没有检查街道", "E7", PLANTS, _uncharged),
    Rule("plant-phone", "厂站没有值班电话", "D4.9", PLANTS, _without("duty_phone"), "duty_phone"),
    Rule("network-company", "管网没有企业", "B4", NETWORKS, _without("company"), "company"),
    Rule("network-old", "管网满 {years} 年没有更新改造项目", "G12", NETWORKS, lambda rows, today, terms: rows.filter(built_in__lte=today.year - terms.old_pipe_years, replacement="", replaced_on=None), "replacement"),
    Rule("boiler-gas", "燃气锅炉没有日用气", "G9", BOILERS, lambda rows, today, terms: rows.filter(source="gas", gas_m3_per_day=None), "gas_m3_per_day"),
    Rule("boiler-registration", "锅炉没有使用登记证编号", "D8.2", BOILERS, lambda rows, today, terms: rows.filter(source__in=("gas", "coal"), registration_no=""), "registration_no"),
    Rule("boiler-undated", "锅炉没有下次检验日期", "D8.3", BOILERS, lambda rows, today, terms: rows.filter(source__in=("gas", "coal"), inspected_until=None), "inspected_until"),
    Rule("boiler-overdue", "锅炉检验已过期", "D8.3", BOILERS, lambda rows, today, terms: rows.filter(inspected_until__lt=today), "inspected_until"),
    Rule("boiler-soon", "锅炉检验 {days} 天内到期", "D8.3", BOILERS, lambda rows, today, terms: rows.filter(inspected_until__gte=today, inspected_until__lte=today + terms.soon), "inspected_until"),
    Rule("meter-undated", "热能表没有检定有效期", "D8.6", METERS, _without("verified_until"), "verified_until"),
    Rule("meter-overdue", "热能表检定已过期", "D8.6", METERS, lambda rows, today, terms: rows.filter(verified_until__lt=today), "verified_until"),
    Rule("meter-soon", "热能表检定 {days} 天内到期", "D8.6", METERS, lambda rows, today, terms: rows.filter(verified_until__gte=today, verified_until__lte=today + terms.soon), "verified_until"),
)  # fmt: skip


@dataclass(frozen=True)
class Defects:
    """One rule's findings: what it says, how many, and the rows."""

    rule: Rule
    label: str
    rows: list

    @property
    def count(self) -> int:
        return len(self.rows)


def found(user, *, today: date, code: str = "") -> list[Defects]:
    """Every defect that somebody may see among what is in use, rule by rule; a company its own, a street its territory's."""
    require_sight(user)
    base = {kind.code: visible(user, kind).filter(is_active=True) for kind in (COMMUNITIES, PLANTS, NETWORKS, BOILERS, METERS)}
    said = terms.on(today)
    return [
        Defects(rule, rule.label.format(days=said.soon.days, years=said.old_pipe_years), list(rule.having(base[rule.kind.code], today, said).order_by("pk")[:20_000]))
        for rule in RULES if not code or rule.code == code
    ]  # fmt: skip
