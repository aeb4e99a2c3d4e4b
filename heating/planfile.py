"""The plan file: reads it, checks it, and names line and field of every fault at once. Pure: no database, no clock.

A plan is plain data from here on: dicts and lists as the YAML has them, dates, moments and durations already checked.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import yaml
from django.utils.dateparse import parse_duration

from core.civil import SHANGHAI

MOST_BYTES = 2_000_000
DEEPEST = 30
KINDS = ("taskforce", "office", "bureau", "street", "heating", "property", "gas", "city")
AUDIENCES = ("doer", "principal", "street", "bureau", "bureau_principal", "office_director", "deputy_head")
CADENCES = ("once", "daily", "weekly", "monthly", "season", "twice_a_year", "as_needed", "continuous", "regular")
CATEGORIES = ("heating_service", "property_service", "price_fee", "heat_theft", "construction", "other")
SOURCES = ("12345", "qr", "phone", "visit", "opinion", "petition")
TICKET_KINDS = ("complaint", "enquiry", "request", "report", "suggestion")
DOERS = ("community_company", "property_manager", "lead")
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CLAUSE = re.compile(r"[A-J]\d{1,2}(?:\.\d{1,2})?")
_DURATION = re.compile(r"-?P(?!$)(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?")


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong: the line, the field as a dotted path, and what is wrong, in Chinese."""

    line: int
    field: str
    message: str

    def __str__(self):
        return f"第 {self.line} 行 {self.field or '文件'}：{self.message}"


class PlanFaults(Exception):
    """Everything that is wrong with a plan file."""

    def __init__(self, faults: list[Fault]):
        super().__init__("\n".join(map(str, faults)))
        self.faults = sorted(set(faults))


@dataclass(frozen=True)
class Plan:
    """A plan that may be loaded: its data, and the text it was read from."""

    data: dict
    source: str

    def __getitem__(self, section: str):
        return self.data[section]


def read(text: str) -> Plan:
    """The plan in a YAML text. PlanFaults with all that is wrong; never another exception, whatever the text."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise PlanFaults([Fault(1, "", f"文件过大，最多 {MOST_BYTES // 1_000_000} MB")])
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, (yaml.AliasToken, yaml.AnchorToken)):
                raise PlanFaults([Fault(token.start_mark.line + 1, "", "不允许使用锚点与引用（& 和 *）")])
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        raise PlanFaults([Fault(mark.line + 1 if mark else 1, "", f"YAML 语法错误：{getattr(fault, 'problem', None) or fault}")]) from fault
    except (RecursionError, ValueError) as fault:
        raise PlanFaults([Fault(1, "", f"无法读取：{fault}")]) from fault
    if node is None:
        raise PlanFaults([Fault(1, "", "文件是空的")])
    checker = _Checker()
    data = checker.take(node, PLAN, "")
    if not checker.faults:
        _check_references(data, checker)
    if checker.faults:
        raise PlanFaults(checker.faults)
    return Plan(data, text)


# ---------------------------------------------------------------- shapes


@dataclass(frozen=True)
class Value:
    """A scalar, and how it is read. `read` returns the value or raises ValueError with what is wrong."""

    read: Callable
    optional: bool = False


@dataclass(frozen=True)
class Rows:
    """A list of one shape."""

    of: object
    optional: bool = False
    least: int = 0


@dataclass(frozen=True)
class Table:
    """A mapping with known keys."""

    fields: dict
    optional: bool = False


@dataclass(frozen=True)
class Free:
    """A mapping or list that other rooms interpret: any plain data."""

    optional: bool = False


def _text(longest: int = 5000, pattern: re.Pattern | None = None, said: str = "格式不正确"):
    def read_text(value):
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise ValueError("应为文字")
        value = str(value)
        if not value.strip():
            raise ValueError("不能为空")
        if len(value) > longest:
            raise ValueError(f"过长，最多 {longest} 字")
        if pattern is not None and not pattern.fullmatch(value):
            raise ValueError(said)
        return value

    return read_text


def _one_of(*allowed):
    def read_choice(value):
        if str(value) not in allowed:
            raise ValueError(f"“{str(value)[:40]}”不在可选值之内：{'、'.join(allowed)}")
        return str(value)

    return read_choice


def _flag(value):
    if not isinstance(value, bool):
        raise ValueError("应为 true 或 false")
    return value


def _whole(least: int, most: int):
    def read_number(value):
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"应为 {least} 至 {most} 的整数")
        return value

    return read_number


def _share(value):
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < 1:
        raise ValueError("应为 0 与 1 之间的小数")
    return value


def _number(value):
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError("应为数字")
    return value


def _day(value):
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError("日期应如 2025-11-15") from None


def _moment(value):
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("时刻应如 2025-11-14T12:00:00+08:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    return moment.isoformat()


def _duration(value):
    text = str(value)
    if not _DURATION.fullmatch(text) or parse_duration(_days_of_weeks(text)) is None:
        raise ValueError(f"“{text[:30]}”不是 ISO 8601 时长，应如 PT15M、P1D")
    return text


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of a checked plan."""
    return parse_duration(_days_of_weeks(text))


def _days_of_weeks(text: str) -> str:
    return re.sub(r"(\d+)W(?:(\d+)D)?", lambda found: f"{int(found[1]) * 7 + int(found[2] or 0)}D", text)


def text(longest: int = 5000, *, optional: bool = False) -> Value:
    """A text field."""
    return Value(_text(longest), optional)


CODE = Value(_text(64, _CODE, "代码只能用小写字母、数字、连字符"))
CODE_OR_NONE = Value(_text(64, _CODE, "代码只能用小写字母、数字、连字符"), optional=True)
CLAUSE = Value(_text(12, _CLAUSE, "条款编号应如 D18.2"))
CODES = Rows(CODE, optional=True)

RUNG = Table({
    "fraction": Value(_share, True), "after": Value(_duration, True), "level": Value(_whole(0, 4)), "audience": Rows(Value(_one_of(*AUDIENCES)), least=1),
    "proposal": text(20, optional=True),
})  # fmt: skip
ASSISTS = Rows(Table({"unit": CODE, "task": Value(_flag, True), "why": text(200, optional=True)}), optional=True)
PLAN = Table({
    "document": Table({
        "number": text(60), "title": text(200), "issuer": text(80), "issued_on": Value(_day), "basis": text(200, optional=True),
        "distribution": text(300, optional=True), "text_file": text(200, optional=True), "defects": Rows(text(300), optional=True),
    }),
    "season": Table({
        "code": CODE, "name": text(60), "starts_on": Value(_day), "ends_on": Value(_day), "demonstration": Value(_flag, True),
    }),
    "to_decide": Rows(text(300), optional=True),
    "units": Rows(Table({
        "code": CODE, "name": text(80), "short_name": text(40), "kind": Value(_one_of(*KINDS)), "aliases": Rows(text(80), optional=True),
        "division_code": Value(_text(12), True), "parent": CODE_OR_NONE, "entrusted": Value(_flag, True), "note": text(200, optional=True),
    }), least=1),
    "posts": Rows(Table({
        "code": CODE, "unit": CODE, "title": text(60), "principal": Value(_flag, True), "holder": text(40, optional=True), "holder_title": text(80, optional=True),
    })),
    "members": Table({"task_force": Rows(CODE), "task_force_kinds": Rows(Value(_one_of(*KINDS)), optional=True), "coordination": Rows(CODE),
                      "coordination_kinds": Rows(Value(_one_of(*KINDS)), optional=True), "lead": CODE}),
    "duties": Rows(Table({
        "clause": CLAUSE, "units": CODES, "kind": Value(_one_of(*KINDS), True), "title": text(80), "quote": text(1000), "meaning": text(500, optional=True),
        "cadence": Value(_one_of(*CADENCES)), "evidence": text(200, optional=True), "supervised_by": CODE_OR_NONE,
    }), least=1),
    "milestones": Rows(Table({
        "code": Value(_text(8)), "clause": CLAUSE, "title": text(120), "label": text(20), "quote": text(500), "kind": Value(_one_of("due", "start")),
        "due_at": Value(_moment), "subjects": Rows(Value(_one_of("plant", "boiler", "network", "community"))), "conditions": Rows(text(80), optional=True),
    })),
    "ladders": Rows(Table({"code": CODE, "rungs": Rows(RUNG, least=1)}), least=1),
    "policies": Rows(Table({
        "code": CODE, "name": text(60), "stage": CODE, "allowance": Value(_duration, True), "clause": Value(_text(12), True), "ladder": CODE,
    }), least=1),
    "clocks": Rows(Table({
        "kind": Rows(Value(_one_of(*TICKET_KINDS)), optional=True), "source": Rows(Value(_one_of(*SOURCES)), optional=True),
        "category": Rows(Value(_one_of(*CATEGORIES)), optional=True), "stages": Rows(CODE, least=1), "why": text(200, optional=True),
    }), least=1),
    "sources": Rows(Table({"code": Value(_one_of(*SOURCES)), "name": text(40), "auto_dispatch": Value(_flag), "receives": CODE}), least=1),
    "categories": Rows(Table({
        "code": Value(_one_of(*CATEGORIES)), "name": text(80), "clause": CLAUSE, "lead": CODE, "doer": Value(_one_of(*DOERS)), "assists": ASSISTS,
        "why": text(300, optional=True),
    }), least=1),
    "residual": Rows(Table({
        "code": CODE, "name": text(80), "clause": CLAUSE, "lead": CODE, "category": Value(_one_of(*CATEGORIES), True), "doer": Value(_one_of(*DOERS), True),
        "assists": ASSISTS, "why": text(300, optional=True),
    })),
    "rules": Free(),
    "standards": Free(),
    "checklists": Free(),
    "documents": Free(optional=True),
    "templates": Free(optional=True),
})  # fmt: skip


@dataclass
class _Checker:
    """Walks the nodes of a YAML text along a shape, and keeps what it finds wrong with the line where it stands."""

    faults: list[Fault] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, node, path: str, message: str) -> None:
        line = node.start_mark.line + 1 if node is not None else self.lines.get(path, 1)
        self.faults.append(Fault(line, path, message))

    def take(self, node, shape, path: str, depth: int = 0):
        self.lines[path] = node.start_mark.line + 1
        if depth > DEEPEST:
            self.fault(node, path, "层次过深")
            return None
        if isinstance(shape, Table):
            return self._table(node, shape, path, depth)
        if isinstance(shape, Rows):
            return self._rows(node, shape, path, depth)
        if isinstance(shape, Free):
            return self._free(node, path, depth)
        return self._value(node, shape, path)

    def _table(self, node, shape: Table, path: str, depth: int):
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, path, "应为“键: 值”的表")
            return {}
        found = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            if key not in shape.fields:
                self.fault(key_node, inner, "没有这个字段")
            elif key in found:
                self.fault(key_node, inner, "重复的字段")
            else:
                found[key] = self.take(value_node, shape.fields[key], inner, depth + 1)
        for key, inner_shape in shape.fields.items():
            if key not in found:
                if not inner_shape.optional:
                    self.fault(node, f"{path}.{key}" if path else key, "缺少这个字段")
                found[key] = [] if isinstance(inner_shape, Rows) else {} if isinstance(inner_shape, (Table, Free)) else None
        return found

    def _rows(self, node, shape: Rows, path: str, depth: int):
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null") and shape.optional:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.fault(node, path, "应为列表")
            return []
        if len(node.value) < shape.least:
            self.fault(node, path, f"至少要有 {shape.least} 项")
        return [self.take(item, shape.of, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]

    def _value(self, node, shape: Value, path: str):
        if not isinstance(node, yaml.ScalarNode):
            self.fault(node, path, "应为单个值")
            return None
        try:
            plain = yaml.SafeLoader("").construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, OverflowError):
            plain = node.value
        if plain is None and shape.optional:
            return None
        try:
            return shape.read(plain)
        except (ValueError, OverflowError) as fault:
            self.fault(node, path, str(fault))
            return None

    def _free(self, node, path: str, depth: int):
        if depth > DEEPEST:
            self.fault(node, path, "层次过深")
            return None
        if isinstance(node, yaml.MappingNode):
            return {str(key.value): self._free(value, f"{path}.{key.value}", depth + 1) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self._free(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        try:
            plain = yaml.SafeLoader("").construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, OverflowError):
            plain = node.value
        return plain.isoformat() if isinstance(plain, (date, datetime)) else plain


# ---------------------------------------------------------------- what only the whole can tell


def _check_references(data: dict, checker: _Checker) -> None:
    def fault(path: str, message: str) -> None:
        checker.fault(None, path, message)

    units = _unique(data["units"], "units", "code", fault)
    for section in ("posts", "ladders", "policies", "sources", "categories", "residual", "milestones"):
        _unique(data[section], section, "code", fault)

    def known(code, path: str) -> None:
        if code is not None and code not in units:
            fault(path, f"没有代码为“{code}”的单位")

    names: dict[str, str] = {}
    for index, unit in enumerate(data["units"]):
        known(unit["parent"], f"units[{index}].parent")
        for number, alias in enumerate(unit["aliases"]):
            if names.setdefault(alias, unit["code"]) != unit["code"]:
                fault(f"units[{index}].aliases[{number}]", f"别名“{alias}”已属于 {names[alias]}")
    for index, post in enumerate(data["posts"]):
        known(post["unit"], f"posts[{index}].unit")
    for body in ("task_force", "coordination"):
        for index, code in enumerate(data["members"][body]):
            known(code, f"members.{body}[{index}]")
    known(data["members"]["lead"], "members.lead")
    seen: set[tuple] = set()
    for index, duty in enumerate(data["duties"]):
        path = f"duties[{index}]"
        if bool(duty["units"]) == bool(duty["kind"]) and not (not duty["units"] and not duty["kind"]):
            fault(path, "units 与 kind 只能写一个")
        for number, code in enumerate(duty["units"]):
            known(code, f"{path}.units[{number}]")
        known(duty["supervised_by"], f"{path}.supervised_by")
        for key in [(duty["clause"], code) for code in duty["units"] or [duty["kind"]]]:
            if key in seen:
                fault(f"{path}.clause", f"条款 {duty['clause']} 对同一单位重复")
            seen.add(key)
    ladders = {ladder["code"] for ladder in data["ladders"]}
    policies = {policy["code"] for policy in data["policies"]}
    for index, policy in enumerate(data["policies"]):
        if policy["ladder"] not in ladders:
            fault(f"policies[{index}].ladder", f"没有代码为“{policy['ladder']}”的阶梯")
        if policy["allowance"] is not None and duration(policy["allowance"]) <= timedelta(0):
            fault(f"policies[{index}].allowance", "时限须大于零")
    _check_ladders(data, fault)
    for index, row in enumerate(data["clocks"]):
        for number, code in enumerate(row["stages"]):
            if code not in policies:
                fault(f"clocks[{index}].stages[{number}]", f"没有代码为“{code}”的时限")
    for section in ("categories", "residual"):
        for index, row in enumerate(data[section]):
            known(row["lead"], f"{section}[{index}].lead")
            for number, assist in enumerate(row["assists"]):
                known(assist["unit"], f"{section}[{index}].assists[{number}].unit")
    for index, row in enumerate(data["sources"]):
        known(row["receives"], f"sources[{index}].receives")
    for code in CATEGORIES:
        if code not in {row["code"] for row in data["categories"]}:
            fault("categories", f"缺少分类 {code}")
    for code in ("dispatch", "response", "visit", "callback", "city", "assist", "ruling"):
        if code not in policies:
            fault("policies", f"缺少时限 {code}")
    if data["season"]["starts_on"] >= data["season"]["ends_on"]:
        fault("season.ends_on", "采暖季的止日须晚于起日")
    moments = [row["due_at"] for row in data["milestones"]]
    if moments != sorted(moments):
        fault("milestones", "时间节点须按时间先后排列")


def _check_ladders(data: dict, fault: Callable) -> None:
    used = {policy["ladder"]: policy["allowance"] for policy in data["policies"]}
    for index, ladder in enumerate(data["ladders"]):
        last, levels = None, 0
        allowance = duration(used[ladder["code"]]) if used.get(ladder["code"]) else timedelta(days=1)
        for number, rung in enumerate(ladder["rungs"]):
            path = f"ladders[{index}].rungs[{number}]"
            if (rung["fraction"] is None) == (rung["after"] is None):
                fault(path, "fraction 与 after 须写一个且只写一个")
                continue
            moment = allowance * rung["fraction"] if rung["fraction"] is not None else allowance + duration(rung["after"])
            if last is not None and moment <= last:
                fault(path, "阶梯须按时间先后排列")
            last = moment
            if rung["level"]:
                if rung["level"] <= levels:
                    fault(f"{path}.level", "级别须逐级升高")
                levels = rung["level"]
                if rung["fraction"] is not None or duration(rung["after"]) < timedelta(0):
                    fault(path, "督办不能早于到期")


def _unique(rows: list[dict], section: str, key: str, fault: Callable) -> set[str]:
    seen: set[str] = set()
    for index, row in enumerate(rows):
        if row[key] in seen:
            fault(f"{section}[{index}].{key}", f"“{row[key]}”重复")
        seen.add(row[key])
    return seen


# ---------------------------------------------------------------- the next season


def carry(text: str, season: str, *, demonstration: bool = False) -> str:
    """The plan moved to another season ("2026-2027"): dates moved by whole years, and what must be decided anew listed.

    ValueError when `season` does not name two years in a row.
    """
    found = re.fullmatch(r"(\d{4})-(\d{4})", season)
    if not found or int(found[2]) != int(found[1]) + 1:
        raise ValueError("采暖季代码应如 2026-2027")
    plan = read(text)
    data = yaml.safe_load(text)
    years = int(found[1]) - int(plan["season"]["starts_on"][:4])
    data["season"] = {
        **data["season"], "code": season, "name": f"{found[1]}—{found[2]} 年采暖期", "starts_on": _moved_day(plan["season"]["starts_on"], years),
        "ends_on": _moved_day(plan["season"]["ends_on"], years), "demonstration": demonstration,
    }  # fmt: skip
    for row, old in zip(data["milestones"], plan["milestones"], strict=True):
        moment = datetime.fromisoformat(old["due_at"])
        row["due_at"] = moment.replace(year=moment.year + years).isoformat()
    data["to_decide"] = [
        f"{season} 采暖季的正式文件：文号、日期、正文（现仍为 {plan['document']['number']}）",
        "市城管局下达的五个时间节点（现按上季顺延）",
        *[f"{post['title']}人选（现为{post['holder']}）" for post in plan["posts"] if post["holder"]],
        "各项时限、督办阶梯、退单与成片阈值是否调整",
        "采暖期起止日期是否由市里另行决定",
    ]
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=160)


def _moved_day(text: str, years: int) -> date:
    day = date.fromisoformat(text)
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
