"""What a report holds line by line 明细: stock beside its minimum, subsidies beside what was due, cases with their papers.

The plan says for which clause and in which columns (`particulars`). A line that falls short of its own bound is kept, shown
and counted (F8, G3, D11.2, D3.9); one that cannot be so is refused (D3.10: not before the time to put it right is over).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from core.errors import Invalid
from deadlines import season as seasons
from deadlines.models import Obligation, Season

TEXT, NUMBER, DAY = "text", "number", "day"
MOST_LINES, LONGEST, MOST_NUMBER = 200, 200, Decimal(10**12)


@dataclass(frozen=True)
class Column:
    """A column: its code, its heading with the unit, what it holds. `is_carried`: taken over from the unit's last report."""

    code: str
    name: str
    kind: str
    is_needed: bool = False
    is_carried: bool = False
    is_summed: bool = False


@dataclass(frozen=True)
class Rule:
    """Column `of` is no less than column `least` of the same line; a day lies after it. `refuses`: else the line is not taken."""

    of: str
    least: str
    says: str
    refuses: bool = False


@dataclass(frozen=True)
class Particulars:
    """The lines that a clause's reports hold. `is_state`: the latest report tells how things stand; else each tells what happened."""

    clause: str
    title: str
    about: str
    is_state: bool
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]

    def column(self, code: str) -> Column:
        """The column of a code."""
        return next(one for one in self.columns if one.code == code)


def every(season: Season | None) -> list[Particulars]:
    """All that a season's plan asks line by line, in the plan's order; none of a plan that was loaded before it could say so."""
    return [_read(row) for row in seasons.plan_of(season).get("particulars") or []] if season else []


def of(item: Obligation) -> Particulars | None:
    """What this obligation's report holds line by line, if anything."""
    return next((one for one in every(item.season) if one.clause == item.clause), None)


def _read(row: dict) -> Particulars:
    columns = tuple(
        Column(one["code"], f"{one['name']}（{one['unit']}）" if one["unit"] else one["name"], one["kind"], bool(one["needed"]), bool(one["carried"]), bool(one["summed"]))
        for one in row["columns"]
    )
    rules = tuple(Rule(one["of"], one["least"], one["says"], bool(one["refuses"])) for one in row["rules"])
    return Particulars(row["clause"], row["title"], row["about"] or "", row["keeps"] == "latest", columns, rules)


# ---------------------------------------------------------------- taking lines in


def checked(asked: Particulars, lines: list[dict]) -> list[dict[str, str]]:
    """Lines as they are kept: texts, plain numbers, ISO dates. Invalid, naming `sheet.LINE.COLUMN`, for everything that is wrong at once."""
    if len(lines) > MOST_LINES:
        raise Invalid(f"明细最多 {MOST_LINES} 行", field="sheet")
    kept, faults = [], {}
    for number, line in enumerate(lines):
        try:
            kept.append(checked_line(asked, line))
        except Invalid as fault:
            faults |= {f"sheet.{number}.{code}": said for code, said in fault.fields.items()}
    if faults:
        raise Invalid(next(iter(faults.values()))[0], fields=faults)
    return kept


def checked_line(asked: Particulars, line: dict) -> dict[str, str]:
    """One line; Invalid, naming the columns."""
    kept, faults = {}, {}
    for column in asked.columns:
        given = line.get(column.code)
        given = "" if given is None else str(given).strip()
        try:
            kept[column.code] = _value(column, given)
        except ValueError as fault:
            faults[column.code] = [str(fault)]
    unknown = set(line) - {column.code for column in asked.columns}
    if unknown:
        faults[str(min(unknown, key=str))[:40]] = ["没有这一栏"]
    if not faults:
        faults = {rule.of: [rule.says] for rule in asked.rules if rule.refuses and _falls_short(asked, rule, kept)}
    if faults:
        raise Invalid(next(iter(faults.values()))[0], fields=faults)
    return kept


def _value(column: Column, given: str) -> str:
    if not given:
        if column.is_needed:
            raise ValueError(f"请填写{column.name}")
        return ""
    if len(given) > LONGEST or not given.isprintable():
        raise ValueError(f"{column.name}过长或含有无法识别的字符，最多 {LONGEST} 字")
    if column.kind == NUMBER:
        return _number(column, given)
    if column.kind == DAY:
        try:
            day = date.fromisoformat(given)
        except ValueError:
            raise ValueError(f"{column.name}应如 2026-11-01") from None
        if not 2000 <= day.year <= 2100:
            raise ValueError(f"{column.name}的年份应在 2000 至 2100 之间")
        return day.isoformat()
    return given


def _number(column: Column, given: str) -> str:
    try:
        number = Decimal(given.replace(",", "").replace("，", ""))
    except InvalidOperation:
        raise ValueError(f"{column.name}应为数字") from None
    if not number.is_finite() or not 0 <= number <= MOST_NUMBER:
        raise ValueError(f"{column.name}应在 0 至一万亿之间")
    rounded = number.quantize(Decimal("0.01"))
    if rounded != number:
        raise ValueError(f"{column.name}最多两位小数")
    return f"{rounded.normalize():f}"


# ---------------------------------------------------------------- what they tell


def shortfalls(asked: Particulars, line: dict[str, str]) -> list[str]:
    """What a line falls short of, in words and with by how much: “低于最低储备，差 3”."""
    return [_said(asked, rule, line) for rule in asked.rules if not rule.refuses and _falls_short(asked, rule, line)]


def sums(asked: Particulars, lines: list[dict[str, str]]) -> list[tuple[str, Decimal]]:
    """The totals of the columns that are summed, under their headings."""
    return [(column.name, sum((Decimal(line[column.code]) for line in lines if line.get(column.code)), Decimal())) for column in asked.columns if column.is_summed]


def carried(item: Obligation, asked: Particulars) -> list[dict[str, str]]:
    """The lines to begin with: what stays the same from the unit's last report on the same clause."""
    codes = [column.code for column in asked.columns if column.is_carried]
    before = Obligation.objects.filter(unit=item.unit_id, clause=item.clause, title=item.title, reported_at__isnull=False, details__has_key="sheet").exclude(pk=item.pk)
    last = before.order_by("-reported_at").values_list("details", flat=True).first() if codes else None
    lines = item.details.get("sheet") or [{code: line.get(code, "") for code in codes} for line in (last or {}).get("sheet", [])]
    return lines[:MOST_LINES]


def _falls_short(asked: Particulars, rule: Rule, line: dict[str, str]) -> bool:
    value, bound = line.get(rule.of), line.get(rule.least)
    if not value or not bound:
        return False
    return value <= bound if asked.column(rule.of).kind == DAY else Decimal(value) < Decimal(bound)


def _said(asked: Particulars, rule: Rule, line: dict[str, str]) -> str:
    if asked.column(rule.of).kind == DAY:
        return rule.says
    return f"{rule.says}，差 {(Decimal(line[rule.least]) - Decimal(line[rule.of])).normalize():f}"
