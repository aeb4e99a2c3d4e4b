"""The life of a row of the register: entered, corrected, put out of use with a reason, taken up again; never deleted.

Who checks a facility (Charge) and how a community is managed (Management) hold from a day to a day; history stays.
Everything is journalled. Domain errors are Invalid (naming the field), Conflict and Forbidden.
"""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from core import journal
from core.errors import Conflict, Forbidden, Invalid
from plants import statutory
from plants.models import Charge, Community, Management, ManagementMode, Plant, PlantKind
from plants.register_kinds import BOILERS, CHARGES, COMMUNITIES, KINDS, METERS, NETWORKS, PLANTS, Kind, new_code
from units import access
from units.models import User
from units.naming import normal

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
# Of these the journal says that they changed, not what they were: a person's name and number.
PERSONAL = ("heat_manager", "heat_manager_phone")


def may_edit(user) -> bool:
    """Whether somebody keeps the register: the bureau's officers."""
    return access.everywhere(user, access.SUPERVISE)


def may_keep(user, kind: Kind, row) -> bool:
    """Whether somebody may change the fields that a company keeps of its own rows (G20)."""
    return bool(kind.own) and (may_edit(user) or (row.company_id in access.unit_ids(user, access.HANDLE_TICKETS)))


def kind_of(row) -> Kind:
    """The kind of a row."""
    return next(kind for kind in KINDS.values() if isinstance(row, kind.model))


def require_edit(user) -> None:
    """Forbidden for whoever does not keep the register."""
    if not may_edit(user):
        raise Forbidden("底册由区城管局（专班办公室）维护")


def existing(kind: Kind, values: dict):
    """The row that is meant: by its code, else by its name where that is unique; None for a new one. Invalid where two are meant."""
    if values.get("code"):
        return kind.model.objects.filter(code=values["code"]).first()
    rows = kind.model.objects.filter(name=values["name"])
    if kind in (BOILERS, METERS):
        owner = "plant" if kind is BOILERS else "community"
        rows = rows.filter(**{owner: values[owner]})
    found = list(rows[:2])
    if len(found) > 1:
        raise Invalid(f"有多个名为“{values['name']}”的{kind.label}，请填写代码", field="code")
    return found[0] if found else kind.model.objects.filter(code=new_code(kind, values)).first()


def check(kind: Kind, values: dict, row=None) -> None:
    """What one field cannot say alone. Invalid, naming the field."""
    given = lambda name: values[name] if name in values else getattr(row, name, None)  # noqa: E731
    if kind is PLANTS:
        parent = given("parent")
        seen = {row.pk} if row is not None else set()
        while parent is not None:
            if parent.pk in seen:
                raise Invalid("所属厂站不能是自己或自己的下级", field="parent")
            seen.add(parent.pk)
            parent = parent.parent
    if kind is BOILERS:
        if given("capacity_mw") is not None and given("capacity_mw") <= 0:
            raise Invalid("额定热功率必须大于 0", field="capacity_mw")
        if given("gas_m3_per_day") and given("source") != "gas":
            raise Invalid("只有天然气锅炉填写日用气", field="gas_m3_per_day")
        if given("plant") is not None and given("plant").kind != PlantKind.PLANT:
            raise Invalid("锅炉属于热源厂站，不属于换热站或天然气设施", field="plant")
    if kind is COMMUNITIES:
        if given("plant") is not None and given("plant").kind != PlantKind.PLANT:
            raise Invalid("热源厂站不能是换热站或天然气设施", field="plant")
        if given("station") is not None and given("station").kind != PlantKind.STATION:
            raise Invalid("所填不是换热站", field="station")
    if kind is NETWORKS and given("built_in") is not None and given("built_in") < 1950:
        raise Invalid("建成年份超出合理范围", field="built_in")
    if kind is METERS and given("verified_on") and given("verified_until") and given("verified_until") < given("verified_on"):
        raise Invalid("有效期不能早于检定日期", field="verified_until")


@transaction.atomic
def save(kind: Kind, values: dict, *, actor: User, at: datetime, row=None, reason: str = "", source: str = "") -> tuple:
    """Enter a row, or correct `row` with whatever of `values` differs. (row, created | updated | unchanged); the journal says what changed."""
    require_edit(actor)
    return _save(kind, values, actor=actor, at=at, row=row, reason=reason, source=source)


def _save(kind: Kind, values: dict, *, actor, at, row, reason, source) -> tuple:
    values = dict(values)
    code = values.pop("code", "")
    if kind is COMMUNITIES and "use" in values and not values["use"]:
        values["use"] = row.use if row is not None else "homes"
    if row is None:
        check(kind, values)
        code = code or new_code(kind, values)
        if kind.model.objects.filter(code=code).exists():
            raise Conflict(f"代码 {code} 已被使用")
        row = kind.model.objects.create(code=code, **values)
        journal.record(row, "register_add", actor=actor, at=at, reason=reason, source=source, values=_plain(values))
        return row, CREATED
    row = kind.model.objects.select_for_update(of=("self",)).get(pk=row.pk)
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not changed:
        return row, UNCHANGED
    check(kind, changed, row)
    before = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    journal.record(row, "register_change", actor=actor, at=at, reason=reason, source=source, before=_plain(before), after=_plain(changed))
    if kind in (BOILERS, METERS):
        statutory.renewed(row, at=at)
    return row, UPDATED


def _plain(values: dict) -> dict:
    """Values as the journal keeps them."""
    said = {}
    for name, value in values.items():
        if name in PERSONAL:
            value = "（已更新）" if value else ""
        elif hasattr(value, "code"):
            value = value.code
        elif isinstance(value, Decimal):
            value = str(value)
        elif isinstance(value, date):
            value = value.isoformat()
        said[name] = value
    return said


@transaction.atomic
def keep(kind: Kind, row, values: dict, *, actor: User, at: datetime) -> str:
    """A company names its heat manager, or its plant's telephone (G20). Forbidden for a row that is not its own."""
    if not may_keep(actor, kind, row):
        raise Forbidden("只能维护本企业的资料")
    return _save(kind, {name: value for name, value in values.items() if name in kind.own}, actor=actor, at=at, row=row, reason="", source="")[1]


@transaction.atomic
def put_out_of_use(kind: Kind, row, *, reason: str, actor: User, at: datetime) -> None:
    """The row stays, with the reason. Conflict where something in use depends on it."""
    require_edit(actor)
    reason = reason.strip()
    if not reason:
        raise Invalid("请写明停用原因", field="reason")
    if kind is PLANTS:
        used = Community.objects.filter(Q(plant=row) | Q(station=row), is_active=True).count()
        if used:
            raise Conflict(f"还有 {used} 个小区由它供热，请先改接")
    if not kind.model.objects.filter(pk=row.pk, is_active=True).update(is_active=False, inactive_reason=reason[:120]):
        raise Conflict("已经停用")
    if kind in (BOILERS, METERS):
        statutory.ended(row, reason=reason[:100], at=at)
    journal.record(row, "register_stop", actor=actor, at=at, reason=reason[:120])


@transaction.atomic
def take_up_again(kind: Kind, row, *, reason: str, actor: User, at: datetime) -> None:
    """In use again."""
    require_edit(actor)
    if not reason.strip():
        raise Invalid("请写明恢复原因", field="reason")
    if not kind.model.objects.filter(pk=row.pk, is_active=False).update(is_active=True, inactive_reason=""):
        raise Conflict("正在使用中")
    journal.record(row, "register_resume", actor=actor, at=at, reason=reason.strip()[:120])


# ---------------------------------------------------------------- from a day to a day


@transaction.atomic
def put_in_charge(plant: Plant, street, *, since: date, reason: str, actor: User, at: datetime, twice_is_fine: bool = False) -> tuple:
    """`street` checks `plant` from `since` on (E7). (charge, created | unchanged). Conflict where it does so already."""
    require_edit(actor)
    plant = Plant.objects.select_for_update(of=("self",)).get(pk=plant.pk)
    known = Charge.objects.filter(plant=plant, street=street).order_by("-since").first()
    if known is not None and known.until is None:
        if twice_is_fine:
            return known, UNCHANGED
        raise Conflict(f"{street} 自 {known.since:%Y-%m-%d} 起已负责检查")
    if known is not None and twice_is_fine and known.since == since:
        return known, UNCHANGED
    if known is not None and since <= known.until:
        raise Invalid(f"起始日期须晚于上一段的结束日期 {known.until:%Y-%m-%d}", field="since")
    charge = Charge.objects.create(plant=plant, street=street, since=since, reason=reason[:120])
    journal.record(plant, "charge_begin", actor=actor, at=at, unit=street.code, reason=reason[:120], since=since.isoformat())
    return charge, CREATED


@transaction.atomic
def end_charge(charge: Charge, *, until: date, reason: str, actor: User, at: datetime) -> None:
    """`until` is the last day on which the street checks."""
    require_edit(actor)
    if not reason.strip():
        raise Invalid("请写明调整原因", field="reason")
    if until < charge.since:
        raise Invalid("结束日期不能早于起始日期", field="until")
    if not Charge.objects.filter(pk=charge.pk, until=None).update(until=until, reason=reason.strip()[:120]):
        raise Conflict("这一段分工已经结束")
    journal.record(charge.plant, "charge_end", actor=actor, at=at, unit=charge.street.code, reason=reason.strip()[:120], until=until.isoformat())


@transaction.atomic
def manage(community: Community, mode: str, *, since: date, reason: str, actor: User, at: datetime) -> Management:
    """`community` is managed so from `since` on (D3.11); what held before ends there and stays. The day of a complaint decides."""
    require_edit(actor)
    if mode not in ManagementMode.values:
        raise Invalid("管理方式只能是直管到户或物业代管", field="mode")
    if not reason.strip():
        raise Invalid("请写明调整原因", field="reason")
    community = Community.objects.select_for_update(of=("self",)).get(pk=community.pk)
    known = list(Management.objects.filter(community=community).order_by("-since"))
    current = next((one for one in known if one.until is None), None)
    if current is not None and current.mode == mode:
        raise Conflict(f"自 {current.since:%Y-%m-%d} 起已是{current.get_mode_display()}")
    if known and since <= known[0].since:
        raise Invalid(f"起始日期须晚于上一段的起始日期 {known[0].since:%Y-%m-%d}", field="since")
    if known and current is None and known[0].until and since < known[0].until:
        raise Invalid(f"起始日期不能早于上一段的结束日期 {known[0].until:%Y-%m-%d}", field="since")
    if current is not None:
        Management.objects.filter(pk=current.pk).update(until=since)
    made = Management.objects.create(community=community, mode=mode, since=since, reason=reason.strip()[:120])
    journal.record(community, "manage", actor=actor, at=at, reason=reason.strip()[:120], mode=mode, since=since.isoformat())
    return made


@transaction.atomic
def one_name(community: Community, other: Community, *, reason: str, actor: User, at: datetime) -> None:
    """Two rows are one place: `other` goes out of use, its names become names of `community`."""
    require_edit(actor)
    if community.pk == other.pk:
        raise Invalid("不能与自己合并", field="other")
    names = [*community.aliases, normal(other.name), *other.aliases]
    kept = [name for name in dict.fromkeys(names) if name and name != normal(community.name)]
    _save(COMMUNITIES, {"aliases": kept}, actor=actor, at=at, row=community, reason=reason, source="")
    put_out_of_use(COMMUNITIES, other, reason=f"与 {community.name} 为同一处", actor=actor, at=at)


def enter(kind: Kind, values: dict, *, actor: User, at: datetime, source: str) -> str:
    """One row of a file. Doing it twice changes nothing; what the file leaves out stays as it is."""
    if kind is CHARGES:
        return put_in_charge(values["plant"], values["street"], since=values["since"], reason=values.get("reason", ""), actor=actor, at=at, twice_is_fine=True)[1]
    return save(kind, values, actor=actor, at=at, row=existing(kind, values), source=source)[1]
