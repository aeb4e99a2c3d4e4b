"""What the register holds, as tables: which kinds there are, which fields each has, and how a field reads a text."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from core.errors import Invalid
from plants.models import Boiler, Charge, Community, HeatSource, ManagementMode, Meter, Network, Plant, PlantKind, Use
from units.models import Kind as UnitKind
from units.naming import normal

CODE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PHONE = re.compile(r"[0-9 +()（）/、转-]{3,40}")
YES, NO = ("是", "有", "yes", "true", "1", "√"), ("否", "无", "no", "false", "0", "×")
COMPANY, GAS_COMPANY = (UnitKind.HEATING,), (UnitKind.HEATING, UnitKind.GAS)


@dataclass(frozen=True)
class Field:
    """One field: its column in the table of the database, its label, how it is read; `names` are other headings for it."""

    name: str
    label: str
    type: str  # text, code, phone, number, whole, day, bool, choice, unit, plant, community, names
    required: bool = False
    names: tuple[str, ...] = ()
    choices: tuple = ()
    units: tuple = ()
    longest: int = 60
    places: int = 2
    most: int = 10**9


@dataclass(frozen=True)
class Kind:
    """A kind of row: `code` stands in addresses."""

    code: str
    label: str
    model: type
    icon: str
    fields: tuple[Field, ...]
    # Fields that the company answerable keeps itself.
    own: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    def field(self, name: str) -> Field:
        """A field by its name."""
        return next(field for field in self.fields if field.name == name)




PLANTS = Kind(
    "plants", "厂站", Plant, "building-factory-2",
    (
        Field("code", "代码", "code"),
        Field("name", "名称", "text", True, ("厂站名称", "厂站", "热源名称")),
        Field("kind", "类别", "choice", True, ("厂站类别",), tuple(PlantKind.choices)),
        Field("company", "企业", "unit", True, ("供热企业", "责任企业"), units=GAS_COMPANY),
        Field("parent", "所属厂站", "plant", names=("上级厂站",)),
        Field("address", "地址", "text", longest=120),
        Field("longitude", "经度", "number", places=6, most=180),
        Field("latitude", "纬度", "number", places=6, most=90),
        Field("area_m2", "供热面积 m²", "number", names=("供热面积", "供热面积（平方米）"), places=1),
        Field("has_coal_backup", "有备用燃煤锅炉", "bool", names=("燃煤备用",)),
        Field("duty_phone", "值班电话", "phone"),
        Field("commissioned_on", "投运日期", "day"),
    ), ("duty_phone",), ("kind", "company", "address", "area_m2", "duty_phone"),
)  # fmt: skip
BOILERS = Kind(
    "boilers", "锅炉", Boiler, "flame",
    (
        Field("code", "代码", "code"),
        Field("plant", "厂站", "plant", True, ("厂站名称", "所属厂站")),
        Field("name", "名称", "text", True, ("锅炉名称", "锅炉")),
        Field("source", "热源", "choice", True, ("热源类型", "燃料"), tuple(HeatSource.choices)),
        Field("capacity_mw", "额定热功率 MW", "number", True, ("额定热功率", "功率", "MW"), most=10**5),
        Field("gas_m3_per_day", "满负荷日用气 m³", "number", names=("日用气量", "日用气"), places=0),
        Field("registration_no", "使用登记证编号", "text", names=("使用登记证", "登记证编号"), longest=40),
        Field("inspected_until", "下次检验日期", "day", names=("下次检验", "检验有效期至")),
        Field("commissioned_on", "投运日期", "day"),
        Field("is_standby", "备用", "bool"),
    ), (), ("plant", "source", "capacity_mw", "gas_m3_per_day", "registration_no", "inspected_until"),
)  # fmt: skip
NETWORKS = Kind(
    "networks", "管网", Network, "route",
    (
        Field("code", "代码", "code"),
        Field("name", "名称", "text", True, ("管网名称", "管段名称", "管网")),
        Field("company", "企业", "unit", True, ("供热企业", "责任企业"), units=COMPANY),
        Field("plant", "热源厂站", "plant", names=("厂站",)),
        Field("level", "级别", "choice", True, ("管网级别",), (("primary", "一次网"), ("secondary", "二次网"))),
        Field("length_km", "长度 km", "number", names=("长度", "长度（公里）"), most=10**5),
        Field("built_in", "建成年份", "whole", names=("建成", "年份"), most=2100),
        Field("replacement", "更新改造项目", "text", names=("改造项目",), longest=120),
        Field("replaced_on", "改造完成日期", "day", names=("改造日期",)),
    ), (), ("company", "plant", "level", "length_km", "built_in", "replacement"),
)  # fmt: skip
COMMUNITIES = Kind(
    "communities", "小区", Community, "building-community",
    (
        Field("code", "代码", "code"),
        Field("name", "名称", "text", True, ("小区名称", "小区", "单位名称")),
        Field("aliases", "别名", "names", names=("曾用名", "又名")),
        Field("use", "用途", "choice", names=("用户类别",), choices=tuple(Use.choices)),
        Field("address", "地址", "text", longest=120),
        Field("street", "街道", "unit", names=("所属街道", "街道办事处"), units=(UnitKind.STREET,)),
        Field("overlay", "管委会", "unit", names=("叠加区域",), units=(UnitKind.BUREAU, UnitKind.OFFICE)),
        Field("company", "供热企业", "unit", names=("企业", "责任企业"), units=COMPANY),
        Field("property_manager", "物业服务企业", "unit", names=("物业", "物业企业", "物业公司"), units=(UnitKind.PROPERTY,)),
        Field("plant", "热源厂站", "plant", names=("厂站", "热源")),
        Field("station", "换热站", "plant"),
        Field("households", "户数", "whole", most=10**6),
        Field("heated_area_m2", "供热面积 m²", "number", names=("供热面积", "面积"), places=1),
        Field("contract_no", "供热合同编号", "text", names=("合同编号",)),
        Field("first_registered_on", "首次登记日期", "day"),
        Field("is_new_project", "开发商新建项目", "bool", names=("新建项目",)),
        Field("is_renewal", "城改项目", "bool"),
        Field("is_moved_in_without_heat", "已回迁今冬不能供暖", "bool", names=("已回迁未供暖",)),
        Field("is_heritage", "汉长安城遗址区内", "bool", names=("遗址区",)),
        Field("heat_manager", "供热管理员", "text", names=("管理员",), longest=40),
        Field("heat_manager_phone", "管理员电话", "phone", names=("供热管理员电话",)),
    ), ("heat_manager", "heat_manager_phone"), ("use", "street", "company", "plant", "property_manager", "heat_manager"),
)  # fmt: skip
METERS = Kind(
    "meters", "热能表", Meter, "temperature",
    (
        Field("code", "代码", "code"),
        Field("community", "小区", "community", True, ("小区名称",)),
        Field("name", "名称", "text", True, ("表名称", "位置")),
        Field("serial_no", "出厂编号", "text", names=("表号",), longest=40),
        Field("verified_on", "检定日期", "day"),
        Field("verified_until", "检定有效期至", "day", names=("有效期至",)),
    ), (), ("community", "serial_no", "verified_on", "verified_until"),
)  # fmt: skip
CHARGES = Kind(
    "charges", "属地检查分工", Charge, "clipboard-check",
    (
        Field("plant", "厂站", "plant", True, ("厂站名称",)),
        Field("street", "街道", "unit", True, ("检查街道", "街道办事处"), units=(UnitKind.STREET,)),
        Field("since", "起", "day", True, ("起始日期", "开始日期")),
        Field("reason", "调整原因", "text", names=("原因",), longest=120),
    ), (), ("plant", "street", "since", "until", "reason"),
)  # fmt: skip
KINDS = {kind.code: kind for kind in (PLANTS, BOILERS, NETWORKS, COMMUNITIES, METERS, CHARGES)}
MODES = {label: code for code, label in ManagementMode.choices}


def new_code(kind: Kind, values: dict) -> str:
    """A code for a row that brought none: the same name always gives the same."""
    owner = values.get("plant") if kind is BOILERS else values.get("community") if kind is METERS else None
    said = f"{owner.code if owner else ''}|{normal(values['name'])}"
    return f"{kind.code.rstrip('s') if kind is not COMMUNITIES else 'community'}-{hashlib.sha256(said.encode()).hexdigest()[:10]}"


def read(field: Field, cell, find: Callable):
    """A cell, or what was typed, as a value; None or "" for nothing. Invalid, naming the field, for what it cannot be.

    `find(field, text)` finds what a name or a code means among units, plants or communities, None where it is unknown.
    """
    text = _plain(cell)
    if not text:
        if field.required:
            raise Invalid(f"{field.label}不能为空", field=field.name)
        return {"bool": False, "names": [], "choice": ""}.get(field.type, "" if field.type in ("text", "phone", "code") else None)
    try:
        return _READERS[field.type](field, text, cell, find)
    except (ValueError, InvalidOperation, OverflowError):
        raise Invalid(f"{field.label}“{text[:30]}”无法识别", field=field.name) from None


def _plain(cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = unicodedata.normalize("NFC", str(cell)).strip()
    return "".join(c for c in text if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF)


def _text(field, text, cell, find):
    if len(text) > field.longest:
        raise Invalid(f"{field.label}最多 {field.longest} 字", field=field.name)
    return text


def _code(field, text, cell, find):
    if not CODE.fullmatch(text):
        raise Invalid("代码只能用字母、数字、连字符，最多 64 个", field=field.name)
    return text


def _phone(field, text, cell, find):
    if not PHONE.fullmatch(text):
        raise Invalid(f"{field.label}“{text[:30]}”不像电话号码", field=field.name)
    return text


def _number(field, text, cell, find):
    number = Decimal(text.replace(",", "").replace("，", ""))
    if not number.is_finite() or number < 0 or number > field.most:
        raise Invalid(f"{field.label}应在 0 至 {field.most} 之间", field=field.name)
    return round(number, field.places)


def _whole(field, text, cell, find):
    number = _number(field, text, cell, find)
    if number != int(Decimal(text.replace(",", "").replace("，", ""))):
        raise Invalid(f"{field.label}应为整数", field=field.name)
    return int(number)


def _day(field, text, cell, find):
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    else:
        parts = [int(part) for part in re.split(r"[-/.年月]", text.split(" ")[0].rstrip("日")) if part]
        day = date(*parts) if len(parts) == 3 else date.fromisoformat(text)
    if not 1950 <= day.year <= 2100:
        raise Invalid(f"{field.label}超出合理范围", field=field.name)
    return day


def _bool(field, text, cell, find):
    if isinstance(cell, bool):
        return cell
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise Invalid(f"{field.label}应填“是”或“否”", field=field.name)


def _choice(field, text, cell, find):
    for code, label in field.choices:
        if text in (code, label):
            return code
    raise Invalid(f"{field.label}只能是 {'、'.join(label for _, label in field.choices)}", field=field.name)


def _names(field, text, cell, find):
    return list(dict.fromkeys(normal(part)[:60] for part in re.split(r"[、,，;；]", text) if normal(part)))[:20]


def _found(field, text, cell, find):
    found = find(field, text)
    if found is None:
        raise Invalid(f"没有名为“{text[:30]}”的{field.label}", field=field.name)
    return found


_READERS = {
    "text": _text, "code": _code, "phone": _phone, "number": _number, "whole": _whole, "day": _day, "bool": _bool, "choice": _choice,
    "names": _names, "unit": _found, "plant": _found, "community": _found,
}  # fmt: skip
