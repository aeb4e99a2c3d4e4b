"""From the cells of a row to a complaint, with what is wrong in it field by field. One bad row never costs its neighbours."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from complaints.hotline.columns import OWN_COLUMNS, name_of
from core import civil
from core.privacy import scrub

# Looked for in this order: 咨询投诉 is a complaint that begins with a question, not a question.
KINDS = {
    "举报": "report", "投诉": "complaint", "求助": "request", "建议": "suggestion", "意见": "suggestion", "表扬": "suggestion", "感谢": "suggestion",
    "咨询": "enquiry", "诉求": "complaint", "其他": "complaint",
}  # fmt: skip
CATEGORIES = {
    "供热服务": "heating_service", "供暖服务": "heating_service", "集中供热": "heating_service",
    "物业服务": "property_service", "物业管理": "property_service",
    "价格收费": "price_fee", "供热收费": "price_fee", "供暖收费": "price_fee", "供热价格": "price_fee",
    "偷热": "heat_theft", "窃热": "heat_theft", "盗热": "heat_theft",
    "供暖建设": "construction", "供热设施建设": "construction",
}  # fmt: skip
NOTHING = {"", "无", "不详", "未知", "暂无", "无。", "-", "--", "—", "/", "null", "none", "nan", "空"}
NOTHING |= {"#n/a", "#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!"}  # a formula that came to nothing
LONGEST_NOTHING = max(map(len, NOTHING))
YES = {"是", "保密", "需保密", "需要", "要求", "y", "yes", "true", "1", "紧急", "特急", "加急", "急", "高"}
TIMES = ("called_at", "district_received_at", "dispatched_at", "city_due_at", "district_due_at", "closed_at")
LONGEST_CONTENT = 10_000
EXCEL_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 what a cell says is civil time
CLOCK_TOLERANCE = timedelta(minutes=2)

_SCIENTIFIC = re.compile(r"(\d)(?:\.(\d+))?[eE]\+?(\d+)")
_FULL = re.compile(
    r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*日?\s*T?\s*(?:[(]?(?:星期|周)[一二三四五六日天][)]?\s*)?(?P<half>上午|下午|中午|晚上|凌晨|早上|AM|PM|am|pm)?\s*"
    r"(?:(?P<H>\d{1,2})\s*[:时点]\s*(?:(?P<M>\d{1,2})\s*分?\s*(?:[:]?\s*(?P<S>\d{1,2})(?:\.\d+)?\s*秒?)?)?)?\s*(?P<half2>AM|PM|am|pm)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[ T]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?")
# Mobile numbers first, so that two of them with a blank between are two; then landlines and what else may be one.
_PHONES = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)|\d[\d-]{5,18}\d")
_HINT = re.compile(r"(\d{1,2})\s*(?:个)?小时内(?:回复|反馈|办结|处理)")


@dataclass
class RowDraft:
    """A row as read: its number in the file, values by the names of complaints.intake.Intake, faults, and remarks."""

    row: int
    values: dict = field(default_factory=dict)
    errors: list[dict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)

    def fault(self, name: str, message: str) -> None:
        """Something in this row is wrong."""
        self.errors.append({"row": self.row, "field": name, "message": message})


def draft(number: int, cells: list, mapping: dict[str, str], headings: tuple[str, ...] | list[str], *, now: datetime) -> RowDraft:
    """One row of a file. `number` is its line in the file, from 1; `now` decides what lies in the future."""
    result = RowDraft(row=number, cells=[said(cell) for cell in cells])
    raw: dict[str, object] = {}
    extra: dict[str, str] = {}
    for column, cell in enumerate(cells):
        name = mapping.get(str(column))
        if name:
            raw[name] = cell
        elif said(cell):
            if column < len(headings) and headings[column] in OWN_COLUMNS:
                continue
            heading = headings[column] if column < len(headings) and headings[column] else f"第 {column + 1} 列"
            extra[heading if heading not in extra else f"{heading}（{column + 1}）"] = said(cell)[:2000]
    _number(result, "external_no", raw.get("external_no"))
    _number(result, "district_no", raw.get("district_no"))
    _content(result, raw)
    for name in TIMES:
        _moment(result, name, raw.get(name))
    if "called_at" not in result.values and not any(error["field"] == "called_at" for error in result.errors):
        result.fault("called_at", "缺少来电时间")
    _order(result, now)
    _choices(result, raw, extra)
    for name in ("complainant_phone", "other_phone"):
        _phone(result, name, raw.get(name))
    for name, longest in (("complainant_name", 60), ("address", 300), ("building", 60), ("community", 64), ("street", 64), ("title", 80)):
        text = meant(raw.get(name))
        if text:
            result.values[name] = text[:longest]
    for name in ("channel", "result", "doer"):
        if meant(raw.get(name)):
            extra[name_of(name)] = meant(raw.get(name))[:2000]
    hint = _HINT.search(result.values.get("content", ""))
    if hint:
        # A limit in the words is somebody's wish, not the ticket's time: said to the dispatcher, never made a clock.
        result.warnings.append(f"内容中写有“{hint[0]}”，请交办时留意")
        extra.setdefault("内容中的时限", hint[0])
    # What stands under headings we do not know may hold anything: numbers are blotted out before it is kept in clear.
    result.values["extra"] = {name: scrub(value) for name, value in extra.items()}
    return result


def is_empty(cells: list) -> bool:
    """Whether a row has nothing in it."""
    return not any(said(cell) for cell in cells)


def said(cell) -> str:
    """A cell as text: what a person sees in it."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.replace("\x00", "").strip()
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    return str(cell)


def meant(cell) -> str:
    """A cell's text, with 不详 and its like as nothing."""
    if cell is None:
        return ""
    text = said(cell)
    return "" if len(text) <= LONGEST_NOTHING and text.lower() in NOTHING else text


def _number(result: RowDraft, name: str, cell) -> None:
    text = unicodedata.normalize("NFKC", meant(cell)).strip("'` \t")
    if not text:
        return
    if _SCIENTIFIC.fullmatch(text) or (isinstance(cell, float) and (not cell.is_integer() or abs(cell) >= 1e15)):
        result.fault(name, f"{name_of(name)}“{text}”被 Excel 改成了科学计数法，末几位已丢失，请把该列设为文本后重新导出")
    elif len(text) > 64:
        result.fault(name, f"{name_of(name)}过长，最多 64 位")
    else:
        result.values[name] = text


def _content(result: RowDraft, raw: dict) -> None:
    content = meant(raw.get("content")) or meant(raw.get("title"))
    if not content:
        result.fault("content", "缺少诉求内容")
    elif len(content) > LONGEST_CONTENT:
        result.fault("content", f"诉求内容过长，最多 {LONGEST_CONTENT} 字")
    else:
        result.values["content"] = content


def _moment(result: RowDraft, name: str, cell) -> None:
    if not meant(cell) and not isinstance(cell, (datetime, date)):
        return
    moment = moment_in(cell)
    if moment is None:
        result.fault(name, f"{name_of(name)}“{said(cell)[:40]}”无法识别，应如 2025-11-14 09:30")
    else:
        result.values[name] = moment
        if not moment.hour and not moment.minute and not moment.second and not _says_hour(cell):
            result.warnings.append(f"{name_of(name)}只有日期，按当天 0 时计")


def moment_in(cell) -> datetime | None:
    """The moment that a cell means, Shanghai time: a date cell, an Excel serial, or any of the ways in which people write one."""
    if isinstance(cell, datetime):
        return _sane(cell)
    if isinstance(cell, date):
        return _sane(datetime.combine(cell, time.min))
    if isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        return _of_number(float(cell))
    text = unicodedata.normalize("NFKC", said(cell))
    found = _COMPACT.fullmatch(text)
    if found:
        return _build(*[int(part or 0) for part in found.groups()])
    if re.fullmatch(r"\d{4,5}(?:\.\d+)?", text):
        return _of_number(float(text))
    try:
        if "T" in text or text.endswith("Z") or re.search(r"[+-]\d{2}:?\d{2}$", text):
            return _sane(datetime.fromisoformat(text))
    except ValueError:
        pass
    found = _FULL.fullmatch(text.strip())
    if not found:
        return None
    part = found.groupdict()
    hour = int(part["H"] or 0)
    half = (part["half"] or part["half2"] or "").lower()
    if half in ("下午", "晚上", "pm") and hour < 12 or half == "中午" and hour < 3:
        hour += 12
    if half in ("上午", "凌晨", "am") and hour == 12:
        hour = 0
    return _build(int(part["y"]), int(part["m"]), int(part["d"]), hour, int(part["M"] or 0), int(part["S"] or 0))


def _says_hour(cell) -> bool:
    """Whether midnight was written, and not just left out: 00:00 in a text says so, a date cell without hours does not."""
    return isinstance(cell, str) and re.search(r"[:时点]", unicodedata.normalize("NFKC", cell)) is not None


def _of_number(number: float) -> datetime | None:
    compact = _COMPACT.fullmatch(str(int(number))) if number.is_integer() and number > 20_000_101 else None
    if compact:
        return _build(*[int(part or 0) for part in compact.groups()])
    if 36_000 <= number <= 74_000:  # days since 1899-12-30: the years 1998 to 2102
        return _sane(EXCEL_DAY_ZERO + timedelta(seconds=round(number * 86_400)))
    return None


def _build(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime | None:
    try:
        if (hour, minute, second) == (24, 0, 0):  # the end of a day, as limits are often written
            hour, day_after = 0, timedelta(days=1)
        else:
            day_after = timedelta(0)
        return _sane(datetime(year, month, day, hour, minute, second) + day_after)  # noqa: DTZ001 civil time, made aware in _sane
    except (ValueError, OverflowError):
        return None


def _sane(moment: datetime) -> datetime | None:
    return civil.localize(moment) if 2000 <= moment.year <= 2100 else None


def _order(result: RowDraft, now: datetime) -> None:
    known = [(name, result.values[name]) for name in ("called_at", "district_received_at", "dispatched_at") if name in result.values]
    for name, moment in known:
        if moment > now + CLOCK_TOLERANCE:
            result.fault(name, f"{name_of(name)}晚于现在")
    for (before, earlier), (name, later) in zip(known, known[1:], strict=False):
        if later < earlier:
            result.fault(name, f"{name_of(name)}早于{name_of(before)}")
    due, called = result.values.get("city_due_at"), result.values.get("called_at")
    if due and called and due <= called:
        result.fault("city_due_at", "市交办时限早于来电时间")
    closed = result.values.get("closed_at")
    if closed and (closed > now + CLOCK_TOLERANCE or called and closed < called):
        result.fault("closed_at", "办结时间早于来电时间" if called and closed < called else "办结时间晚于现在")


def _choices(result: RowDraft, raw: dict, extra: dict) -> None:
    kind = meant(raw.get("kind"))
    found = next((code for word, code in KINDS.items() if word in kind), "")
    result.values["kind"] = found or "complaint"
    if kind and (not found or kind in ("表扬", "感谢", "其他")):
        extra[name_of("kind")] = kind[:200]
        if not found:
            result.warnings.append(f"诉求类型“{kind[:20]}”按投诉处理")
    category = meant(raw.get("category"))
    if category:
        found = next((code for word, code in CATEGORIES.items() if word in category), "")
        if found:
            result.values["category"] = found
        extra[name_of("category")] = category[:200]
    confidential = meant(raw.get("is_confidential")).lower()
    if confidential:
        result.values["is_confidential"] = confidential in YES or "保密" in confidential and "不" not in confidential
    urgency = meant(raw.get("is_urgent")).lower()
    result.values["is_urgent"] = urgency in YES or ("急" in urgency and not urgency.startswith(("不", "非紧", "非急")))


def _phone(result: RowDraft, name: str, cell) -> None:
    text = unicodedata.normalize("NFKC", meant(cell))
    if not text:
        return
    scientific = _SCIENTIFIC.fullmatch(text)
    if scientific:
        # 1.3812345678E+10 has lost nothing but its shape; 1.38E+10 is no number any more.
        first, rest, power = scientific[1], scientific[2] or "", int(scientific[3])
        if len(rest) != power:
            result.fault(name, f"{name_of(name)}“{text}”被 Excel 改成了科学计数法，末几位已丢失，请把该列设为文本后重新导出")
            return
        text = first + rest
    digits = [re.sub(r"\D", "", number) for number in _PHONES.findall(text)]
    digits = [number[2:] if len(number) == 13 and number.startswith("86") else number for number in digits]
    if not digits or not 7 <= len(digits[0]) <= 14:
        if "*" in text:
            result.warnings.append(f"{name_of(name)}已被来件脱敏，无法联系诉求人")
        else:
            result.fault(name, f"{name_of(name)}“{text[:30]}”无法识别")
        return
    result.values[name] = digits[0]
    if len(digits) > 1 and name == "complainant_phone":
        result.warnings.append("有两个电话，以第一个为主")
        result.values["other_phone"] = digits[1]
