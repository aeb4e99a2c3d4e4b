"""The plan file: reads it, checks it, and names line and field of every fault at once. Pure: no database, no clock.

A plan is plain data from here on: dicts and lists as the YAML has them, dates, moments and durations already checked.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from string import Formatter

import yaml
from django.utils.dateparse import parse_duration

from core.civil import SHANGHAI
from units.naming import normal

# The plan itself has about 60 KB. PyYAML reads some 30 KB a second of the worst kind, so this is a matter of seconds.
MOST_BYTES = 400_000
MOST_ROWS = 2_000
DEEPEST = 12
LONGEST = timedelta(days=400)
KINDS = ("taskforce", "office", "bureau", "street", "heating", "property", "gas", "city")
AUDIENCES = ("doer", "principal", "street", "bureau", "bureau_principal", "office_director", "deputy_head")
CADENCES = ("once", "daily", "weekly", "monthly", "season", "twice_a_year", "as_needed", "continuous", "regular")
CATEGORIES = ("heating_service", "property_service", "price_fee", "heat_theft", "construction", "other")
SMS_GAPS = {"number", "doer", "visit_at", "link"}  # what a text message to residents may hold (complaints/residents/messaging.py)
SOURCES = ("12345", "qr", "phone", "visit", "opinion", "petition")
TICKET_KINDS = ("complaint", "enquiry", "request", "report", "suggestion")
USES = ("homes", "school", "elderly", "hospital", "office")
DOERS = ("community_company", "property_manager", "lead")
PERIODS = ("season", "year", "quarter", "month", "week")
OBLIGATION_KINDS = ("duty", "document", "contract", "course", "drill", "meeting", "survey", "readiness")
CHECKS = ("check", "number", "readiness", "call", "signature")
TICKET_STAGES = ("response", "visit", "callback")
# The portal knows these by their codes (units/access.py): no plan can do without them.
NEEDED_UNITS = ("task-force", "task-force-office", "urban-management", "social-work")
NEEDED_POLICIES = ("dispatch", *TICKET_STAGES, "city", "assist", "ruling")
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CLAUSE = re.compile(r"[A-J]\d{1,2}(?:\.\d{1,2})?")
_TIME_OF_DAY = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_DAY_OF_YEAR = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
# Characters that no text has and that the database or a page cannot hold.
_UNTYPED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]")
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
    """A plan that may be loaded: its data, the text it was read from, and the line of each field (by dotted path)."""

    data: dict
    source: str
    lines: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, section: str):
        return self.data[section]


def read(text: str) -> Plan:
    """The plan in a YAML text. PlanFaults with all that is wrong; never another exception, whatever the text."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise PlanFaults([Fault(1, "", f"文件过大，最多 {MOST_BYTES // 1000} KB")])
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.reader.ReaderError as fault:
        line = text.count("\n", 0, max(fault.position, 0)) + 1
        raise PlanFaults([Fault(line, "", "有不能识别的字符，文件应为 UTF-8 文本")]) from fault
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise PlanFaults([Fault(mark.line + 1 if mark else 1, "", f"YAML 语法错误：{fault.problem}")]) from fault
    except (yaml.YAMLError, RecursionError, ValueError) as fault:
        raise PlanFaults([Fault(1, "", f"无法读取：{fault}")]) from fault
    if node is None:
        raise PlanFaults([Fault(1, "", "文件是空的")])
    checker = _Checker()
    data = checker.take(node, PLAN, "")
    _check_whole(data, checker)
    if checker.faults:
        raise PlanFaults(checker.faults)
    return Plan(data, text, checker.lines)


def misquotes(plan: Plan, document: str) -> list[Fault]:
    """The quotes that do not stand in the document's text; spaces and line breaks, which a page breaks anywhere, aside."""
    plain = _without_spaces(document)
    rows = [(f"{section}[{index}].quote", row["quote"]) for section in ("duties", "milestones") for index, row in enumerate(plan[section])]
    return [Fault(plan.lines[path], path, "引文与文件正文不符") for path, quote in rows if _without_spaces(quote) not in plain]


def _without_spaces(text: str) -> str:
    return re.sub(r"\s+", "", text)


class _Loader(yaml.SafeLoader):
    """Builds nodes while refusing what a plan never needs and an attacker does: references, and depth without end."""

    depth = 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise yaml.MarkedYAMLError(problem="不允许使用锚点与引用（& 和 *）", problem_mark=event.start_mark)
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem="层次过深", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


# ---------------------------------------------------------------- shapes


@dataclass(frozen=True)
class Value:
    """A scalar, and how it is read. `read` returns the value or raises ValueError with what is wrong."""

    read: Callable
    optional: bool = False
    is_text: bool = False


@dataclass(frozen=True)
class Rows:
    """A list of one shape, of at least and at most so many items."""

    of: object
    optional: bool = False
    least: int = 0
    most: int = MOST_ROWS


@dataclass(frozen=True)
class Table:
    """A mapping with known keys."""

    fields: dict
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
        if _UNTYPED.search(value):
            raise ValueError("含有看不见的控制字符")
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


def _number(least: float, most: float):
    def read_number(value):
        # Not a number is neither less nor more, and falls out here as well.
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"应为 {least} 至 {most} 的数字")
        return value

    return read_number


def _day(value):
    try:
        day = value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("日期应如 2025-11-15") from None
    if not 2000 <= day.year <= 2100:
        raise ValueError("年份应在 2000 至 2100 之间")
    return day.isoformat()


def _moment(value):
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("时刻应如 2025-11-14T12:00:00+08:00") from None
    if not 2000 <= moment.year <= 2100:
        raise ValueError("年份应在 2000 至 2100 之间")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    return moment.isoformat()


def _duration(value):
    text = str(value)
    try:
        length = parse_duration(_days_of_weeks(text)) if _DURATION.fullmatch(text) else None
    except (ValueError, OverflowError):
        length = None
    if length is None:
        raise ValueError(f"“{text[:30]}”不是 ISO 8601 时长，应如 PT15M、P1D")
    if abs(length) > LONGEST:
        raise ValueError(f"时长最多 {LONGEST.days} 天")
    return text


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of a checked plan."""
    return parse_duration(_days_of_weeks(text))


def _days_of_weeks(text: str) -> str:
    return re.sub(r"(\d+)W(?:(\d+)D)?", lambda found: f"{int(found[1]) * 7 + int(found[2] or 0)}D", text)


def _sms(raw: str) -> str:
    """A text message with gaps to be filled: only those that the portal knows how to fill."""
    said = _text(200)(raw)
    try:
        names = {name for _, name, _, _ in Formatter().parse(said) if name is not None}
    except ValueError as fault:
        raise ValueError("花括号不成对") from fault
    if names - SMS_GAPS:
        raise ValueError(f"只能用 {'、'.join(f'{{{name}}}' for name in sorted(SMS_GAPS))}")
    return said


def text(longest: int = 5000, *, optional: bool = False) -> Value:
    """A text field."""
    return Value(_text(longest), optional, is_text=True)


def code(longest: int = 64, *, optional: bool = False) -> Value:
    """A code: lower-case letters, digits, hyphens. As long as its column is wide."""
    return Value(_text(longest, _CODE, "代码只能用小写字母、数字、连字符"), optional, is_text=True)


def choice(*allowed: str, optional: bool = False) -> Value:
    """One of some words."""
    return Value(_one_of(*allowed), optional, is_text=True)


def number(least: float, most: float, *, optional: bool = False) -> Value:
    """A number within bounds."""
    return Value(_number(least, most), optional)


def whole(least: int, most: int, *, optional: bool = False) -> Value:
    """A whole number within bounds."""
    return Value(_whole(least, most), optional)


CODE = code()
CODES = Rows(CODE, optional=True)
CLAUSE = Value(_text(12, _CLAUSE, "条款编号应如 D18.2"), is_text=True)
DAY, MOMENT, FLAG = Value(_day), Value(_moment), Value(_flag)
DURATION = Value(_duration)
TIME_OF_DAY = Value(_text(5, _TIME_OF_DAY, "时刻应如 \"08:30\"，并加引号"), is_text=True)
MAYBE_DURATION, MAYBE_FLAG = Value(_duration, True), Value(_flag, True)
SMS = Value(_sms, is_text=True)
KIND, SOME_KINDS = choice(*KINDS), Rows(choice(*KINDS), optional=True)

RUNG = Table({
    "fraction": Value(_share, True), "after": MAYBE_DURATION, "level": whole(0, 4),
    "audience": Rows(choice(*AUDIENCES), least=1, most=len(AUDIENCES)), "proposal": text(20, optional=True),
})  # fmt: skip
ASSISTS = Rows(Table({"unit": CODE, "task": MAYBE_FLAG, "why": text(200, optional=True)}), optional=True)
# When something owed for a period is due: at a milestone's moment, or so long after the period's end.
TERM = {"milestone": text(8, optional=True), "after": MAYBE_DURATION}
PLAN = Table({
    "document": Table({
        "number": text(60), "title": text(200), "issuer": text(80), "issued_on": DAY, "basis": text(200, optional=True),
        "distribution": text(300, optional=True), "text_file": text(200, optional=True), "defects": Rows(text(300), optional=True),
    }),
    "season": Table({"code": code(20), "name": text(60), "starts_on": DAY, "ends_on": DAY, "demonstration": MAYBE_FLAG}),
    "to_decide": Rows(text(300), optional=True),
    "units": Rows(Table({
        "code": CODE, "name": text(80), "short_name": text(40), "kind": KIND, "aliases": Rows(text(80), optional=True),
        "division_code": text(12, optional=True), "parent": code(optional=True), "entrusted": MAYBE_FLAG, "note": text(200, optional=True),
    }), least=1),
    "posts": Rows(Table({
        "code": CODE, "unit": CODE, "title": text(60), "principal": MAYBE_FLAG, "holder": text(40, optional=True),
        "holder_title": text(80, optional=True),
    })),
    "members": Table({
        "task_force": Rows(CODE), "task_force_kinds": SOME_KINDS, "coordination": Rows(CODE), "coordination_kinds": SOME_KINDS, "lead": CODE,
    }),
    "duties": Rows(Table({
        "clause": CLAUSE, "units": CODES, "kind": choice(*KINDS, optional=True), "title": text(80), "quote": text(1000),
        "meaning": text(500, optional=True), "cadence": choice(*CADENCES), "evidence": text(200, optional=True), "supervised_by": code(optional=True),
        "registry": MAYBE_FLAG,
    }), least=1),
    "milestones_ordered_by": text(80, optional=True),
    "milestone_rules": Table({
        "opens_before": DURATION, "community_verified_by": choice("bureau", "street"), "start_tolerance": DURATION,
        "ignition": Table({"step": DURATION, "ramp": DURATION, "hourly_cap": number(0, 1e9, optional=True)}),
    }),
    "milestones": Rows(Table({
        "code": text(8), "clause": CLAUSE, "title": text(120), "label": text(20), "quote": text(500), "kind": choice("due", "start"),
        "due_at": MOMENT, "subjects": Rows(choice("plant", "boiler", "network", "community"), least=1), "conditions": Rows(text(80), optional=True),
    })),
    "when_bureau_is_late": choice(*AUDIENCES, optional=True),
    "ladders": Rows(Table({"code": code(40), "rungs": Rows(RUNG, least=1, most=20)}), least=1),
    "policies": Rows(Table({
        "code": code(40), "name": text(60), "stage": code(24), "allowance": MAYBE_DURATION, "clause": Value(CLAUSE.read, True, True),
        "ladder": code(40),
    }), least=1),
    "clocks": Rows(Table({
        "kind": Rows(choice(*TICKET_KINDS), optional=True), "source": Rows(choice(*SOURCES), optional=True),
        "category": Rows(choice(*CATEGORIES), optional=True), "stages": Rows(choice(*TICKET_STAGES), least=1), "why": text(200, optional=True),
    }), least=1),
    "sources": Rows(Table({"code": choice(*SOURCES), "name": text(40), "auto_dispatch": FLAG, "receives": CODE}), least=1),
    "categories": Rows(Table({
        "code": choice(*CATEGORIES), "name": text(80), "clause": CLAUSE, "lead": CODE, "doer": choice(*DOERS), "assists": ASSISTS,
        "why": text(300, optional=True),
    }), least=1),
    "residual": Rows(Table({
        "code": CODE, "name": text(80), "clause": CLAUSE, "lead": CODE, "category": choice(*CATEGORIES, optional=True),
        "doer": choice(*DOERS, optional=True), "assists": ASSISTS, "why": text(300, optional=True),
    })),
    "rules": Table({
        "return_window": DURATION, "max_returns": whole(0, 9), "offline_tolerance": DURATION, "appointment_horizon": DURATION,
        "late_on_arrival_after": DURATION, "unreachable": Table({"attempts": whole(1, 20), "half_days": whole(1, 10)}),
        "street_on_site_from_round": whole(2, 20), "inclusive_days": FLAG, "week_starts": choice("monday"),
        "cluster": Table({"building_households": whole(2, 10_000), "community_households": whole(2, 10_000), "within": DURATION}),
    }),
    "rosters": Table({
        "warn_ahead": DURATION, "training_valid": DURATION,
        "spot_calls": Table({
            "per_week": whole(0, 100), "by_night": whole(0, 100), "night_from": TIME_OF_DAY, "night_until": TIME_OF_DAY, "rings": whole(1, 60),
            "rectify_within": DURATION,
        }),
    }),
    "standards": Table({
        "room_celsius": number(0, 40), "statutory_celsius": number(0, 40),
        "refund_bands": Rows(Table({"from": number(-50, 40, optional=True), "below": number(-50, 40), "share": number(0, 1)}), least=1),
        "plausible_room_celsius": Table({"lowest": number(-60, 40), "highest": number(0, 100)}),
        "rectify_within": DURATION,
        "refund_until": Value(_text(5, _DAY_OF_YEAR, "日期应如 06-30"), is_text=True),
    }),
    "inspections": Table({
        "offline_tolerance": DURATION, "online_within": DURATION, "rectify_within": DURATION, "joint_subjects": Rows(text(20), least=1),
        "assessment": Rows(Table({"grade": text(20), "from": number(0, 100)}), least=1),
        "emissions": Rows(Table({
            "code": CODE, "name": text(20), "unit": text(20), "gas": number(0, 1e6), "coal": number(0, 1e6), "highest": number(0, 1e9),
        }), least=1),
        "special": Rows(Table({"code": CODE, "name": text(40), "clause": CLAUSE, "items": Rows(text(80), least=1)}), optional=True),
    }),
    "visits": Table({
        "opens_before": DURATION, "least": whole(1, 1_000_000), "share": number(0, 1), "due_on": Value(_text(5, _DAY_OF_YEAR, "日期应如 12-31"), is_text=True),
        "told_within": DURATION,
    }),
    "register": Table({"statutory_ahead": DURATION, "statutory_verifier": CODE, "old_pipe_years": whole(1, 100)}),
    "checklists": Table({
        "weekly_inspection": Rows(Table({
            "code": CODE, "group": text(40), "item": text(80), "kind": choice(*CHECKS), "unit": text(20, optional=True),
            "lowest": number(-1e9, 1e9, optional=True), "highest": number(-1e9, 1e9, optional=True),
        }), least=1),
        "gas_facility": Rows(CODE, least=1), "readiness": Rows(text(20), least=1), "callback_questions": Rows(text(80), optional=True),
        "daily_report": Table({
            "cutoff": TIME_OF_DAY,
            "items": Rows(Table({
                "code": CODE, "name": text(40), "unit": text(20), "lowest": number(0, 1e12, optional=True), "highest": number(0, 1e12, optional=True),
            }), least=1),
        }),
        "courses_per_calendar_year": whole(0, 50),
        "curtailment_levels": Rows(Table({
            "level": whole(1, 9), "from": number(0, 1, optional=True), "below": number(0, 1, optional=True),
        }), optional=True),
        "protected_uses": Rows(choice(*USES), optional=True),
    }),
    "reports": Table({
        "from_milestone": text(8, optional=True), "gas_balance": Table({"lowest": number(0, 1e12), "highest": number(0, 1e12)}),
        "jump_share": number(0, 10), "gap_tolerance": number(0, 1e9), "misses": Table({"count": whole(1, 100), "within_days": whole(1, 200)}),
        "compiled": Table({"every_days": whole(1, 31), "cutoff": TIME_OF_DAY, "send_by": TIME_OF_DAY, "recipient": CODE}),
        "forecast": Table({
            "base_celsius": number(5, 30), "design_celsius": number(-50, 15), "least_days": whole(3, 200), "window_days": whole(3, 200), "days_ahead": whole(1, 15),
        }),
        "major": Table({"within": DURATION, "kinds": Rows(Table({"code": CODE, "name": text(20), "meaning": text(120)}), least=1)}),
    }),
    "documents": Rows(Table({
        "clause": CLAUSE, "kind": KIND, "each": choice(*KINDS, optional=True), "names": Rows(text(80), least=1),
    }), optional=True),
    "particulars": Rows(Table({
        "clause": CLAUSE, "title": text(30), "about": text(200, optional=True), "keeps": choice("latest", "all"),
        "columns": Rows(Table({
            "code": code(24), "name": text(20), "kind": choice("text", "number", "day"), "unit": text(10, optional=True),
            "needed": MAYBE_FLAG, "carried": MAYBE_FLAG, "summed": MAYBE_FLAG,
        }), least=2, most=10),
        "rules": Rows(Table({"of": code(24), "least": code(24), "says": text(40), "refuses": MAYBE_FLAG}), optional=True, most=10),
    }), optional=True),
    "residents": Table({
        "faq": Rows(Table({"question": text(80), "answer": text(400), "clause": Value(CLAUSE.read, True, True)}), optional=True),
        "sampling": Table({"share": number(0, 1), "least": whole(0, 100), "rectify_days": whole(1, 60, optional=True)}),
        "messages": Table({
            "sources": Rows(choice(*SOURCES), optional=True), "receipt": SMS, "dispatched": SMS, "appointment": SMS, "finished": SMS, "closed": SMS,
        }),
    }),
    "obligations": Table({
        "opens_before": DURATION, "renew_within": DURATION, "readiness_valid": DURATION,
        "receipts": Table({"clause": CLAUSE, "title": text(80), "kinds": Rows(choice(*KINDS), least=1), **TERM}),
        "periods": Rows(Table({"cadence": choice(*CADENCES), "period": choice(*PERIODS), **TERM}), least=1),
        "clauses": Rows(Table({
            "clause": CLAUSE, "kind": choice(*OBLIGATION_KINDS, optional=True), "period": choice(*PERIODS, optional=True), **TERM, "units": CODES,
            "awaits": MAYBE_FLAG,
        }), optional=True),
    }),
})  # fmt: skip


@dataclass
class _Checker:
    """Walks the nodes of a YAML text along a shape, and keeps what it finds wrong with the line where it stands."""

    faults: list[Fault] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, node, path: str, message: str) -> None:
        line = node.start_mark.line + 1 if node is not None else self.lines.get(path, 1)
        self.faults.append(Fault(line, path, message))

    def take(self, node, shape, path: str):
        self.lines[path] = node.start_mark.line + 1
        if isinstance(shape, Table):
            return self._table(node, shape, path)
        if isinstance(shape, Rows):
            return self._rows(node, shape, path)
        return self._value(node, shape, path)

    def _table(self, node, shape: Table, path: str):
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, path, "应为“键: 值”的表")
            return {}
        found = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            inner = f"{path}.{key[:60]}" if path else key[:60]
            if key not in shape.fields:
                self.fault(key_node, inner, "没有这个字段")
            elif key in found:
                self.fault(key_node, inner, "重复的字段")
            else:
                found[key] = self.take(value_node, shape.fields[key], inner)
        for key, inner_shape in shape.fields.items():
            if key not in found:
                if not inner_shape.optional:
                    self.fault(node, f"{path}.{key}" if path else key, "缺少这个字段")
                found[key] = [] if isinstance(inner_shape, Rows) else {} if isinstance(inner_shape, Table) else None
        return found

    def _rows(self, node, shape: Rows, path: str):
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null") and shape.optional:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.fault(node, path, "应为列表")
            return []
        if len(node.value) < shape.least:
            self.fault(node, path, f"至少要有 {shape.least} 项")
        if len(node.value) > shape.most:
            self.fault(node, path, f"最多 {shape.most} 项")
            return []
        return [self.take(item, shape.of, f"{path}[{index}]") for index, item in enumerate(node.value)]

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
        if shape.is_text and not isinstance(plain, str) and str(plain) != node.value:
            # YAML takes 08:30, 0610 or yes for numbers and truth values.
            self.fault(node, path, f"应为文字，请加引号：\"{node.value[:30]}\"" if node.value else "应为文字，不能为空")
            return None
        try:
            return shape.read(plain)
        except (ValueError, OverflowError) as fault:
            self.fault(node, path, str(fault))
            return None


# ---------------------------------------------------------------- what only the whole can tell


def _check_whole(data: dict, checker: _Checker) -> None:
    """Every check whose sections are sound in themselves; one faulty section hides no fault of another."""
    faulty = {re.split(r"[.\[]", fault.field)[0] for fault in checker.faults}
    if not data:
        return
    for sections, check in WHOLE:
        if not faulty & set(sections):
            check(data, lambda path, message: checker.fault(None, path, message))


def _check_codes(section: str) -> tuple:
    def check(data: dict, fault: Callable) -> None:
        _unique(data[section], section, "code", fault)

    return (section,), check


def _check_needed(section: str, codes: tuple, why: str = "") -> tuple:
    def check(data: dict, fault: Callable) -> None:
        have = {row["code"] for row in data[section]}
        for code in codes:
            if code not in have:
                fault(section, f"缺少 {code}{why}")

    return (section,), check


def _check_units_of(section: str, *fields: str) -> tuple:
    """The unit codes in these fields of a section's rows are units of the plan; a field is a code or a list of codes."""

    def check(data: dict, fault: Callable) -> None:
        units = {unit["code"] for unit in data["units"]}
        for index, row in enumerate(data[section]):
            for name in fields:
                said = row[name]
                for number, code in enumerate(said if isinstance(said, list) else [said]):
                    code = code["unit"] if isinstance(code, dict) else code
                    if code is not None and code not in units:
                        fault(f"{section}[{index}].{name}{f'[{number}]' if isinstance(said, list) else ''}", f"没有代码为“{code}”的单位")

    return ("units", section), check


def _check_members(data: dict, fault: Callable) -> None:
    units = {unit["code"] for unit in data["units"]}
    for body in ("task_force", "coordination"):
        for index, code in enumerate(data["members"][body]):
            if code not in units:
                fault(f"members.{body}[{index}]", f"没有代码为“{code}”的单位")
            if code in data["members"][body][:index]:
                fault(f"members.{body}[{index}]", f"{code} 重复")
    if data["members"]["lead"] not in data["members"]["coordination"]:
        fault("members.lead", "牵头单位须在协调机制名单之内")


def _check_names(data: dict, fault: Callable) -> None:
    """No name may mean two units, compared as people's writing is compared."""
    own = {}
    for index, unit in enumerate(data["units"]):
        for name in ("name", "short_name"):
            if own.setdefault(normal(unit[name]), unit["code"]) != unit["code"]:
                fault(f"units[{index}].{name}", f"“{unit[name]}”已属于 {own[normal(unit[name])]}")
    names = dict(own)
    for index, unit in enumerate(data["units"]):
        for number, alias in enumerate(unit["aliases"]):
            path = f"units[{index}].aliases[{number}]"
            if not normal(alias):
                fault(path, "别名不能只有标点")
            elif names.setdefault(normal(alias), unit["code"]) != unit["code"]:
                fault(path, f"别名“{alias}”已属于 {names[normal(alias)]}")


def _check_circles(data: dict, fault: Callable) -> None:
    above = {unit["code"]: unit["parent"] for unit in data["units"]}
    for index, unit in enumerate(data["units"]):
        seen, code = {unit["code"]}, unit["parent"]
        while code is not None and code not in seen:
            seen.add(code)
            code = above.get(code)
        if code == unit["code"]:
            fault(f"units[{index}].parent", "隶属关系成环")


def _check_principals(data: dict, fault: Callable) -> None:
    """C5: one principal for each member of the task force, the seat may be vacant; never two for one unit."""
    found: dict[str, int] = {}
    for index, post in enumerate(data["posts"]):
        if post["principal"] and found.setdefault(post["unit"], index) != index:
            fault(f"posts[{index}].principal", f"{post['unit']} 已有主要负责同志职务")
    kinds = data["members"]["task_force_kinds"]
    for code in [*data["members"]["task_force"], *(unit["code"] for unit in data["units"] if unit["kind"] in kinds)]:
        if code not in found:
            fault("posts", f"缺少 {code} 的主要负责同志职务（C5）")


def _check_duties(data: dict, fault: Callable) -> None:
    seen: set[tuple] = set()
    for index, duty in enumerate(data["duties"]):
        path = f"duties[{index}]"
        if duty["units"] and duty["kind"]:
            fault(path, "units 与 kind 只能写一个；都不写表示各单位")
        for key in [(duty["clause"], who) for who in duty["units"] or [f"kind {duty['kind']}"]]:
            if key in seen:
                fault(f"{path}.clause", f"条款 {duty['clause']} 对同一单位重复")
            seen.add(key)


def _check_clauses(data: dict, fault: Callable) -> None:
    """Whoever cites a clause cites one that a duty or a milestone of this plan quotes."""
    quoted = {row["clause"] for section in ("duties", "milestones") for row in data[section]} | {"H0"}
    for section in ("policies", "categories", "residual", "documents"):
        for index, row in enumerate(data[section]):
            if row["clause"] is not None and row["clause"] not in quoted:
                fault(f"{section}[{index}].clause", f"职责与节点中没有条款 {row['clause']}")


def _check_limits(data: dict, fault: Callable) -> None:
    ladders = {ladder["code"] for ladder in data["ladders"]}
    for index, policy in enumerate(data["policies"]):
        if policy["ladder"] not in ladders:
            fault(f"policies[{index}].ladder", f"没有代码为“{policy['ladder']}”的阶梯")
        if policy["allowance"] is not None and duration(policy["allowance"]) <= timedelta(0):
            fault(f"policies[{index}].allowance", "时限须大于零")
        if policy["allowance"] is None and policy["code"] in NEEDED_POLICIES and policy["code"] != "city":
            fault(f"policies[{index}].allowance", "这项时限须写明时长，不能随件给定")
    for index, ladder in enumerate(data["ladders"]):
        allowances = {policy["allowance"] for policy in data["policies"] if policy["ladder"] == ladder["code"]} or {None}
        _check_ladder(ladder["rungs"], f"ladders[{index}].rungs", [duration(one) if one else None for one in allowances], fault)


def _check_clocks(data: dict, fault: Callable) -> None:
    *rows, last = data["clocks"]
    for index, row in enumerate(rows):
        if not (row["kind"] or row["source"] or row["category"]):
            fault(f"clocks[{index}]", "不带条件的一行只能放在最后，其后各行不起作用")
    if last["kind"] or last["source"] or last["category"]:
        fault(f"clocks[{len(rows)}]", "最后一行不得带条件，否则有的工单没有时限")


def _check_obligations(data: dict, fault: Callable) -> None:
    """Every cadence of a duty has its period, every period its due moment; what is said of a clause is said of a duty."""
    said = data["obligations"]
    clauses = {duty["clause"] for duty in data["duties"]}
    units = {unit["code"] for unit in data["units"]}
    cadences = _unique(said["periods"], "obligations.periods", "cadence", fault)
    _unique(said["clauses"], "obligations.clauses", "clause", fault)
    for index, duty in enumerate(data["duties"]):
        if duty["registry"] and duty["cadence"] not in cadences:
            fault(f"duties[{index}].cadence", f"obligations.periods 没有写明“{duty['cadence']}”的期次")
    rows = [("obligations.receipts", said["receipts"])]
    rows += [(f"obligations.{part}[{index}]", row) for part in ("periods", "clauses") for index, row in enumerate(said[part])]
    for path, row in rows:
        has_period = "period" not in row or row["period"] is not None
        if (row["milestone"] is not None) + (row["after"] is not None) != has_period:
            fault(path, "milestone 与 after 须写一个且只写一个" if has_period else "写了 milestone 或 after 的，须写 period")
        if row["milestone"] is not None and row.get("period", "season") != "season":
            fault(f"{path}.milestone", "只有每采暖季一次的才能以节点为时限")
        if row["after"] is not None and duration(row["after"]) < timedelta(0):
            fault(f"{path}.after", "不能早于期末")
    for index, row in enumerate(said["clauses"]):
        if row["clause"] not in clauses:
            fault(f"obligations.clauses[{index}].clause", f"职责中没有条款 {row['clause']}")
        for number, code in enumerate(row["units"]):
            if code not in units:
                fault(f"obligations.clauses[{index}].units[{number}]", f"没有代码为“{code}”的单位")
    for name in ("opens_before", "renew_within", "readiness_valid"):
        if duration(said[name]) <= timedelta(0):
            fault(f"obligations.{name}", "时长须大于零")


def _check_particulars(data: dict, fault: Callable) -> None:
    """Each clause has its columns once; a rule compares two columns of numbers, or two of days."""
    clauses = {duty["clause"] for duty in data["duties"]}
    _unique(data["particulars"], "particulars", "clause", fault)
    for index, row in enumerate(data["particulars"]):
        path = f"particulars[{index}]"
        if row["clause"] not in clauses:
            fault(f"{path}.clause", f"职责中没有条款 {row['clause']}")
        _unique(row["columns"], f"{path}.columns", "code", fault)
        kinds = {column["code"]: column["kind"] for column in row["columns"]}
        if not any(column["needed"] for column in row["columns"]):
            fault(f"{path}.columns", "至少有一栏须填（needed: true）")
        for number, column in enumerate(row["columns"]):
            if column["summed"] and column["kind"] != "number":
                fault(f"{path}.columns[{number}].summed", "只有数字能合计")
        for number, rule in enumerate(row["rules"]):
            for name in ("of", "least"):
                if rule[name] not in kinds:
                    fault(f"{path}.rules[{number}].{name}", f"没有代码为“{rule[name]}”的栏")
            pair = {kinds.get(rule["of"]), kinds.get(rule["least"])}
            if None not in pair and (len(pair) > 1 or pair == {"text"}):
                fault(f"{path}.rules[{number}]", "只能比较两栏数字或两栏日期")


def _check_ladder(rungs: list[dict], path: str, allowances: list[timedelta | None], fault: Callable) -> None:
    level = 0
    for number, rung in enumerate(rungs):
        if (rung["fraction"] is None) == (rung["after"] is None):
            fault(f"{path}[{number}]", "fraction 与 after 须写一个且只写一个")
            return
        is_early = rung["after"] is None or duration(rung["after"]) < timedelta(0)
        if rung["level"]:
            if rung["level"] <= level:
                fault(f"{path}[{number}].level", "级别须逐级升高")
            if is_early:
                fault(f"{path}[{number}]", "督办不能早于到期")
            level = rung["level"]
    for allowance in allowances:
        last = None
        for number, rung in enumerate(rungs):
            moment = _moment_of(rung, allowance)
            # Without an allowance a share of the way and a time before the due moment cannot be compared.
            if last is not None and (last[0] != moment[0] and moment[0] != "due" or last[0] == moment[0] and moment[1] <= last[1]):
                fault(f"{path}[{number}]", "阶梯须按时间先后排列")
                break
            last = moment


def _moment_of(rung: dict, allowance: timedelta | None) -> tuple:
    """When a rung comes, as something that compares with the others of its ladder: how it is measured, and how far."""
    if rung["after"] is not None:
        after = duration(rung["after"])
        return ("due" if allowance is not None or after >= timedelta(0) else "before", after)
    if allowance is None:
        return ("share", rung["fraction"])
    return ("due", allowance * rung["fraction"] - allowance)


def _check_dates(data: dict, fault: Callable) -> None:
    starts_on, ends_on = (date.fromisoformat(data["season"][name]) for name in ("starts_on", "ends_on"))
    if not starts_on < ends_on <= starts_on + LONGEST:
        fault("season.ends_on", "采暖季的止日须晚于起日，且不超过一年")
    last = None
    for index, row in enumerate(data["milestones"]):
        moment = datetime.fromisoformat(row["due_at"])
        if last is not None and moment < last:
            fault(f"milestones[{index}].due_at", "时间节点须按时间先后排列")
        # A demonstration's dates are put where somebody can see them count down.
        if not data["season"]["demonstration"] and not starts_on - timedelta(days=200) <= moment.date() <= ends_on:
            fault(f"milestones[{index}].due_at", "时间节点不在本采暖季")
        last = moment


def _check_numbers(data: dict, fault: Callable) -> None:
    for index, band in enumerate(data["standards"]["refund_bands"]):
        if band["from"] is not None and band["from"] >= band["below"]:
            fault(f"standards.refund_bands[{index}]", "from 须小于 below")
    plausible = data["standards"]["plausible_room_celsius"]
    if plausible["lowest"] >= plausible["highest"]:
        fault("standards.plausible_room_celsius", "lowest 须小于 highest")
    items = _unique(data["checklists"]["weekly_inspection"], "checklists.weekly_inspection", "code", fault)
    for index, code in enumerate(data["checklists"]["gas_facility"]):
        if code not in items:
            fault(f"checklists.gas_facility[{index}]", f"周检查表没有“{code}”这一项")
    _check_reports(data, fault)
    report = data["checklists"]["daily_report"]["items"]
    _unique(report, "checklists.daily_report.items", "code", fault)
    for path, rows in (("checklists.weekly_inspection", data["checklists"]["weekly_inspection"]), ("checklists.daily_report.items", report)):
        for index, row in enumerate(rows):
            if row["lowest"] is not None and row["highest"] is not None and row["lowest"] >= row["highest"]:
                fault(f"{path}[{index}]", "lowest 须小于 highest")


def _check_reports(data: dict, fault: Callable) -> None:
    said, cutoff = data["reports"], data["checklists"]["daily_report"]["cutoff"]
    if said["gas_balance"]["lowest"] >= said["gas_balance"]["highest"]:
        fault("reports.gas_balance", "lowest 须小于 highest")
    if not cutoff <= said["compiled"]["cutoff"] <= said["compiled"]["send_by"]:
        fault("reports.compiled.cutoff", f"须不早于日报截止 {cutoff}，不晚于 send_by")
    if said["forecast"]["design_celsius"] >= said["forecast"]["base_celsius"]:
        fault("reports.forecast.design_celsius", "须低于 base_celsius")
    if said["forecast"]["least_days"] > said["forecast"]["window_days"]:
        fault("reports.forecast.least_days", "不能多于 window_days")
    _unique(said["major"]["kinds"], "reports.major.kinds", "code", fault)


def _unique(rows: list[dict], section: str, key: str, fault: Callable) -> set[str]:
    seen: set[str] = set()
    for index, row in enumerate(rows):
        if row[key] in seen:
            fault(f"{section}[{index}].{key}", f"“{row[key]}”重复")
        seen.add(row[key])
    return seen


def _check_register(data: dict, fault: Callable) -> None:
    if data["register"]["statutory_verifier"] not in {row["code"] for row in data["units"]}:
        fault("register.statutory_verifier", f"没有代码为“{data['register']['statutory_verifier']}”的单位")


def _check_recipient(data: dict, fault: Callable) -> None:
    if data["reports"]["compiled"]["recipient"] not in {row["code"] for row in data["units"]}:
        fault("reports.compiled.recipient", f"没有单位“{data['reports']['compiled']['recipient']}”")


# Each check, and the sections that it reads.
WHOLE = [
    *map(_check_codes, ("units", "posts", "ladders", "policies", "sources", "categories", "residual", "milestones")),
    _check_needed("units", NEEDED_UNITS, "，平台按此代码认定职权"),
    _check_needed("policies", NEEDED_POLICIES),
    _check_needed("categories", CATEGORIES),
    _check_needed("sources", SOURCES),
    _check_units_of("units", "parent"),
    _check_units_of("posts", "unit"),
    _check_units_of("duties", "units", "supervised_by"),
    _check_units_of("sources", "receives"),
    _check_units_of("categories", "lead", "assists"),
    _check_units_of("residual", "lead", "assists"),
    (("units",), _check_names),
    (("units",), _check_circles),
    (("units", "members"), _check_members),
    (("units", "members", "posts"), _check_principals),
    (("duties",), _check_duties),
    (("duties", "milestones", "policies", "categories", "residual", "documents"), _check_clauses),
    (("policies", "ladders"), _check_limits),
    (("clocks",), _check_clocks),
    (("units", "duties", "obligations"), _check_obligations),
    (("duties", "particulars"), _check_particulars),
    (("season", "milestones"), _check_dates),
    (("standards", "checklists", "reports"), _check_numbers),
    (("units", "reports"), _check_recipient),
    (("units", "register"), _check_register),
]


# ---------------------------------------------------------------- the next season


def carry(text: str, season: str, *, demonstration: bool = False, last_milestone_on: date | None = None) -> str:
    """The plan moved to another season ("2026-2027"): dates moved by whole years, and what must be decided anew listed.

    With `last_milestone_on` the milestones keep their distances, and the last falls on that day: a demonstration counts down.
    ValueError when `season` does not name two years in a row, or years that no plan has; PlanFaults as `read`.
    """
    found = re.fullmatch(r"(\d{4})-(\d{4})", season)
    if not found or int(found[2]) != int(found[1]) + 1 or not 2001 <= int(found[1]) <= 2098:
        raise ValueError("采暖季代码应如 2026-2027")
    plan = read(text)
    data = yaml.safe_load(text)
    years = int(found[1]) - int(plan["season"]["starts_on"][:4])
    data["season"] = {
        **data["season"], "code": season, "name": f"{found[1]}—{found[2]} 年采暖期", "starts_on": _moved_day(plan["season"]["starts_on"], years),
        "ends_on": _moved_day(plan["season"]["ends_on"], years), "demonstration": demonstration,
    }  # fmt: skip
    moments = [datetime.fromisoformat(row["due_at"]) for row in plan["milestones"]]
    days = [_moved_day(moment.date().isoformat(), years) for moment in moments]
    shift = last_milestone_on - days[-1] if last_milestone_on and days else timedelta(0)
    for row, moment, day in zip(data["milestones"], moments, days, strict=True):
        row["due_at"] = datetime.combine(day + shift, moment.timetz()).isoformat()
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
