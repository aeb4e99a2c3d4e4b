"""What the words of a complaint say: its category, why, how urgent, which temperatures, and a headline for it.

Pure and deterministic: no database, no clock, no model. All words are data in `heating/plan/words.yaml`, so that the
bureau can read, and change, why a complaint went where it went (clauses D18.1 to D18.6, D3.11, D3.12).
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

WORDS_FILE = Path(__file__).resolve().parents[1] / "heating" / "plan" / "words.yaml"

HEATING_SERVICE = "heating_service"
OTHER = "other"

# A hotline text has 14 to 350 characters. Of a longer one we read the beginning, where the caller says what happened,
# and the end, where he says what he wants; a megabyte costs no more than a page.
HEAD, TAIL = 2400, 800

TITLE_LENGTH = 24


class WordsFault(ValueError):
    """The words file cannot be used; the message names the rule and what is wrong with it."""


@dataclass(frozen=True)
class Reason:
    """Words found in the text, as written there at [start, end), that spoke for `category` with `weight`."""

    words: str
    start: int
    end: int
    rule: str
    weight: float
    category: str


@dataclass(frozen=True)
class Urgency:
    """A cue that somebody cannot wait: `kind` is elderly, infant, pregnant, patient, whole_building, burst …"""

    kind: str
    words: str
    start: int
    end: int


@dataclass(frozen=True)
class Temperature:
    """A temperature in degrees Celsius that the text mentions, `low` = `high` unless a span is given (14—16℃).

    `kind`: `room` as measured or felt at home, `outdoor`, `water` in pipe or radiator, `required` by rule or promise,
    `difference` (fell by 5 degrees).
    """

    low: float
    high: float
    kind: str
    words: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """What a complaint is about, as worded. `confidence` is 0..1, `margin` the lead in weight over `runner_up`.

    `residual` are codes of the units that the plan names for such a matter, the likeliest first: a hint for routing of
    `other` and `construction` (clause D18.6).
    """

    category: str
    confidence: float
    margin: float
    runner_up: str
    reasons: tuple[Reason, ...] = ()
    scores: tuple[tuple[str, float], ...] = ()
    residual: tuple[str, ...] = ()
    urgency: tuple[Urgency, ...] = ()
    temperatures: tuple[Temperature, ...] = ()
    is_about_heat: bool = True


@lru_cache(maxsize=128)
def classify(text: str) -> Reading:
    """Read what `text` is about. Never raises; an empty text is `other` with confidence 0. A text is read once for its place and its title."""
    words = _words()
    page = _page(text)
    if not page.plain.strip():
        return Reading(OTHER, 0.0, 0.0, HEATING_SERVICE, is_about_heat=False)
    found = _temperatures(page)
    reasons = _reasons(page, words, found)
    scores = dict.fromkeys(words.categories, 0.0)
    for reason in reasons:
        scores[reason.category] += reason.weight
    is_about_heat = _is_about_heat(page, words, reasons)
    if not is_about_heat:
        return Reading(
            OTHER, 0.9 if len(page.plain) > 8 else 0.5, 0.0, HEATING_SERVICE, residual=_residual(page, words, reasons),
            urgency=_urgency(page, words), temperatures=found, is_about_heat=False,
        )
    if max(scores.values()) <= 0:
        # It speaks of heat, and of nothing we know: the company's service is what nine in ten such texts mean.
        scores[HEATING_SERVICE] = 0.2
    order = sorted(words.categories, key=lambda code: (-scores[code], words.categories.index(code)))
    first, second = order[0], order[1]
    margin = scores[first] - max(scores[second], 0.0)
    return Reading(
        category=first, confidence=_confidence(margin, scores[first], words), margin=round(margin, 2), runner_up=second,
        reasons=tuple(sorted(reasons, key=lambda reason: (reason.category != first, -reason.weight, reason.start))),
        scores=tuple((code, round(scores[code], 2)) for code in order), residual=_residual(page, words, reasons),
        urgency=_urgency(page, words), temperatures=found,
    )


def temperatures(text: str) -> list[Temperature]:
    """The temperatures that `text` mentions, in its order, in degrees Celsius; percent and years are none."""
    return list(_temperatures(_Page(text, _words())))


def title(text: str) -> str:
    """A headline of at most 24 characters, such as `卧室不热，室温约 15℃`, without names, numbers or phones."""
    words = _words()
    page = _page(text)
    reading = classify(text)
    if not page.plain.strip():
        return "（无内容）"
    spoken = [reason for reason in reading.reasons if reason.category == reading.category and reason.weight > 0]
    core = next((words.titles[reason.rule] for reason in spoken if words.titles.get(reason.rule)), "")
    if not core or not reading.is_about_heat:
        return _scrubbed(page.plain)[:TITLE_LENGTH] or "（无内容）"
    if reading.category == HEATING_SERVICE:
        place = next((name for name in PLACES if name in page.plain), "")
        if core in SYMPTOMS:
            core = place + SYMPTOMS[core] if place else core
        room = [found for found in reading.temperatures if found.kind == "room"]
        if room:
            core = f"{core}，室温约 {_span(min(room, key=lambda found: found.low))}℃"
    return core[:TITLE_LENGTH]


# What a headline says of a place: the part of the house, and the symptom in few words
PLACES = ("整个小区", "整栋楼", "整栋", "整个单元", "卧室", "客厅", "卫生间", "厨房", "高层", "全屋")
SYMPTOMS = {"暖气不热": "不热", "室温不达标": "温度不达标", "暖气冰凉": "暖气冰凉", "停暖": "停暖", "家中寒冷": "寒冷"}


@lru_cache(maxsize=8)
def _page(text: str) -> "_Page":
    return _Page(text, _words())


@lru_cache(maxsize=1)
def _words() -> "Words":
    return read_words(WORDS_FILE.read_text(encoding="utf-8"))


# --- The words file ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """One line of the words file, ready to search."""

    id: str
    category: str
    weight: float
    pattern: re.Pattern
    unless: re.Pattern | None
    ask: float
    hearsay: float
    title: str
    hint: str


@dataclass(frozen=True)
class Combination:
    """Rules that together mean something else than each alone.

    `asked`: one of these was said in what the caller asks for. `firm`: what others are quoted as saying does not count.
    """

    id: str
    all: frozenset[str]
    any: frozenset[str]
    none: frozenset[str]
    asked: frozenset[str]
    firm: bool
    category: str
    weight: float


@dataclass(frozen=True)
class Words:
    """The words file, validated and compiled."""

    categories: tuple[str, ...]
    factors: dict[str, float]
    rules: tuple[Rule, ...]
    combinations: tuple[Combination, ...]
    asks: re.Pattern
    hearsay: re.Pattern
    turns: re.Pattern
    about_heat: re.Pattern
    hints: tuple[tuple[str, re.Pattern], ...]
    urgency: tuple[tuple[str, re.Pattern], ...]
    simplify: dict[int, str]
    titles: dict[str, str]
    rule_hints: dict[str, str]


SECTIONS = {
    "version", "categories", "factors", "names", "asks", "hearsay", "turns", "about_heat", "rules", "combinations",
    "hints", "urgency", "simplify",
}
RULE_FIELDS = {"id", "category", "weight", "words", "unless", "ask", "hearsay", "title", "hint"}
COMBINATION_FIELDS = {"id", "all", "any", "none", "asked", "firm", "category", "weight", "note"}
FACTORS = {"ask", "hearsay", "repeat", "temperature", "confidence"}


def read_words(source: str) -> Words:
    """The words file as `source` states it. WordsFault for the first thing that is wrong, naming rule and field."""
    try:
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise WordsFault(f"不是有效的 YAML：{error}") from error
    try:
        return _read(data)
    except WordsFault:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WordsFault(f"结构不对：{error}") from error


def _read(data) -> Words:
    _only(data, SECTIONS, "文件", required=SECTIONS)
    categories = tuple(data["categories"])
    _only(data["factors"], FACTORS, "factors", required=FACTORS)
    names = {name: "(?:" + "|".join(map(str, alternatives)) + ")" for name, alternatives in data["names"].items()}

    def pattern(alternatives: list, where: str) -> re.Pattern:
        return _pattern(alternatives, names, where)

    rules, seen = [], set()
    for line in data["rules"]:
        where = f"规则 {line.get('id', '？')}" if isinstance(line, dict) else "规则"
        _only(line, RULE_FIELDS, where, required={"id", "category", "weight", "words"})
        if line["id"] in seen:
            raise WordsFault(f"{where}：编号重复")
        if line["category"] not in categories:
            raise WordsFault(f"{where}：没有类别 {line['category']}")
        _number(line["weight"], f"{where} weight")
        seen.add(line["id"])
        rules.append(
            Rule(
                id=line["id"], category=line["category"], weight=float(line["weight"]),
                pattern=pattern(line["words"], where),
                unless=pattern(line["unless"], f"{where} unless") if line.get("unless") else None,
                ask=float(line.get("ask", data["factors"]["ask"])),
                hearsay=float(line.get("hearsay", data["factors"]["hearsay"])), title=line.get("title", ""),
                hint=line.get("hint", ""),
            )
        )
    combinations = []
    for line in data["combinations"]:
        where = f"组合 {line.get('id', '？')}" if isinstance(line, dict) else "组合"
        _only(line, COMBINATION_FIELDS, where, required={"id", "category", "weight"})
        named = [name for part in ("all", "any", "none", "asked") for name in line.get(part, ())]
        unknown = [name for name in named if name not in seen]
        speaks = line.get("all") or line.get("any") or line.get("asked")
        if unknown or not speaks or line["category"] not in categories:
            raise WordsFault(f"{where}：所引规则或类别不存在 {'、'.join(unknown) or line['category']}")
        _number(line["weight"], f"{where} weight")
        combinations.append(
            Combination(
                line["id"], frozenset(line.get("all", ())), frozenset(line.get("any", ())),
                frozenset(line.get("none", ())), frozenset(line.get("asked", ())), bool(line.get("firm")),
                line["category"], float(line["weight"]),
            )
        )
    pairs = "".join(data["simplify"].split())
    if len(pairs) % 2:
        raise WordsFault("simplify：应为成对的繁简字")
    return Words(
        categories=categories, factors={name: float(value) for name, value in data["factors"].items()},
        rules=tuple(rules), combinations=tuple(combinations), asks=pattern(data["asks"], "asks"),
        hearsay=pattern(data["hearsay"], "hearsay"), turns=pattern(data["turns"], "turns"),
        about_heat=pattern(data["about_heat"], "about_heat"),
        hints=tuple((line["unit"], pattern(line["words"], f"hints {line['unit']}")) for line in data["hints"]),
        urgency=tuple((line["kind"], pattern(line["words"], f"urgency {line['kind']}")) for line in data["urgency"]),
        simplify={ord(pairs[i]): pairs[i + 1] for i in range(0, len(pairs), 2)},
        titles={rule.id: rule.title for rule in rules}, rule_hints={rule.id: rule.hint for rule in rules},
    )


def _only(line, known: set[str], where: str, *, required: set[str]) -> None:
    if not isinstance(line, dict):
        raise WordsFault(f"{where}：应为一个映射")
    if unknown := set(line) - known:
        raise WordsFault(f"{where}：不认识 {'、'.join(sorted(map(str, unknown)))}")
    if missing := required - set(line):
        raise WordsFault(f"{where}：缺少 {'、'.join(sorted(missing))}")


def _number(value, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WordsFault(f"{where}：应为数字")


def _pattern(alternatives: list, names: dict[str, str], where: str) -> re.Pattern:
    if not isinstance(alternatives, list) or not alternatives:
        raise WordsFault(f"{where}：应列出词语")
    source = "|".join(map(str, alternatives))
    for _ in range(2):  # a name may be made of another name, no deeper
        for name, expression in names.items():
            source = source.replace(f"<{name}>", expression)
    if unknown := re.search(r"(?<!\?)<([a-z_]+)>", source):
        raise WordsFault(f"{where}：没有定义 <{unknown[1]}>")
    source = source.replace("~~", "[^。!?;\n]{0,20}?").replace("~", "[^。!?;\n]{0,8}?")
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error as error:
        raise WordsFault(f"{where}：{error}") from error


# --- Reading a text ---------------------------------------------------------------------------------------------------


class _Page:
    """A text as the rules see it, with the way back to the places in the original."""

    def __init__(self, text: str, words: Words):
        original = text if isinstance(text, str) else str(text or "")
        places = range(len(original))
        if len(original) > HEAD + TAIL:
            places = [*range(HEAD), *range(len(original) - TAIL, len(original))]
        plain, back = [], []
        for place in places:
            character = original[place]
            if character < "\x80":
                shown = character if character >= " " or character == "\n" else " "
            elif "\u4e00" <= character <= "\u9fff":
                shown = words.simplify.get(ord(character), character)
            elif character in SHOWN_AS:
                shown = SHOWN_AS[character]
            else:
                shown = unicodedata.normalize("NFKC", character)
            plain.append(shown)
            back.extend([place] * len(shown))
        self.original = original
        self.plain = "".join(plain)
        self.back = back
        self.asks = list(self._stretches(words.asks, CLAUSE_END))
        self.hearsay = list(self._stretches(words.hearsay, SENTENCE_END, until=words.turns))

    def quote(self, start: int, end: int) -> tuple[str, int, int]:
        """The words at [start, end) as the original has them, and where."""
        if start >= end or end > len(self.back):
            return "", 0, 0
        first, last = self.back[start], self.back[end - 1] + 1
        return self.original[first:last], first, last

    def sentence(self, place: int) -> str:
        start = max(self.plain.rfind(mark, 0, place) for mark in "。!?;\n") + 1
        end = SENTENCE_END.search(self.plain, place)
        return self.plain[start : end.start() if end else len(self.plain)]

    def _stretches(self, opening: re.Pattern, closing: re.Pattern, until: re.Pattern | None = None) -> Iterator[tuple]:
        place = 0
        while match := opening.search(self.plain, place):
            end = closing.search(self.plain, match.end())
            stop = end.start() if end else len(self.plain)
            if until and (turn := until.search(self.plain, match.end(), stop)):
                stop = turn.start()
            yield match.start(), max(stop, match.end())
            place = max(stop, match.end(), match.start() + 1)


SENTENCE_END = re.compile(r"[。!?;\n]")
CLAUSE_END = re.compile(r"[。!?;\n]")
# NFKC would turn the degree sign into two characters and leave these as they are; the rules know one form of each
SHOWN_AS = {"℃": "℃", "…": ",", "—": "-", "–": "-", "～": "-", "〜": "-", "、": ",", "“": "", "”": "", "‘": "", "’": "",
            "「": "", "」": "", "『": "", "』": "", "\u200b": "", "\ufeff": "", "．": "."}


# A word said a fifth time says no more than at the fourth
MENTIONS = 4
# ℃: what the district promises, and what the by-law demands
COMFORT, STATUTORY = 20, 18


def _inside(place: int, stretches: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in stretches)


def _reasons(page: _Page, words: Words, found: tuple[Temperature, ...]) -> list[Reason]:
    """What each rule found, once per rule at its most telling place, then what the rules mean together."""
    spoken: dict[str, Reason] = {}
    asked, firm = set(), set()
    for rule in words.rules:
        best, times = None, 0
        for match in rule.pattern.finditer(page.plain):
            if match.start() == match.end() or (rule.unless and rule.unless.search(page.sentence(match.start()))):
                continue
            if _inside(match.start(), page.hearsay):
                factor = rule.hearsay
            else:
                firm.add(rule.id)
                factor = 1.0
                if _inside(match.start(), page.asks):
                    asked.add(rule.id)
                    factor = rule.ask
            times += 1
            if best is None or factor > best[0]:
                best = factor, match.start(), match.end()
            if times == MENTIONS:
                break
        if best is not None:
            factor, start, end = best
            weight = rule.weight * factor * (1 + words.factors["repeat"] * (times - 1))
            spoken[rule.id] = Reason(*page.quote(start, end), rule.id, round(weight, 2), rule.category)
    reasons = list(spoken.values())
    for combination in words.combinations:
        heard = firm & spoken.keys() if combination.firm else spoken.keys()
        if not combination.all <= heard or combination.none & spoken.keys():
            continue
        if (combination.any and not combination.any & heard) or (combination.asked and not combination.asked & asked):
            continue
        causes = [spoken[rule] for rule in combination.all | combination.any | combination.asked if rule in spoken]
        cause = min(causes, key=lambda reason: (reason.start, reason.rule))
        reasons.append(
            Reason(cause.words, cause.start, cause.end, combination.id, combination.weight, combination.category)
        )
    low = [temperature for temperature in found if temperature.kind == "room" and temperature.low < COMFORT]
    if low:
        coldest = min(low, key=lambda temperature: temperature.low)
        weight = words.factors["temperature"] * (2 if coldest.low < STATUTORY else 1)
        reasons.append(
            Reason(coldest.words, coldest.start, coldest.end, "temperature.low", weight, HEATING_SERVICE)
        )
    return reasons


def _is_about_heat(page: _Page, words: Words, reasons: list[Reason]) -> bool:
    """A complaint set aside by mistake is worse than one read for nothing: a single warm or cold word is enough."""
    return bool(words.about_heat.search(page.plain)) or any(
        reason.rule.startswith(("cold.", "temperature.")) and reason.weight > 0 for reason in reasons
    )


def _confidence(margin: float, top: float, words: Words) -> float:
    """A logistic curve of the lead, lower where the evidence as a whole is thin."""
    lead = 1 / (1 + math.exp(-margin / words.factors["confidence"]))
    return round(lead * (1 - math.exp(-top / 1.2)), 2)


def _residual(page: _Page, words: Words, reasons: list[Reason]) -> tuple[str, ...]:
    units: dict[str, float] = {}
    for reason in reasons:
        if (unit := words.rule_hints.get(reason.rule)) and reason.weight > 0:
            units[unit] = units.get(unit, 0) + reason.weight
    for unit, pattern in words.hints:
        if pattern.search(page.plain):
            units[unit] = units.get(unit, 0) + 1
    return tuple(sorted(units, key=lambda unit: (-units[unit], unit)))


def _urgency(page: _Page, words: Words) -> tuple[Urgency, ...]:
    cues = []
    for kind, pattern in words.urgency:
        if (match := pattern.search(page.plain)) and match.end() > match.start():
            cues.append(Urgency(kind, *page.quote(match.start(), match.end())))
    return tuple(cues)


# --- Temperatures -----------------------------------------------------------------------------------------------------

DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
NUMBER = r"(?:-?\d{1,2}(?:\.\d{1,2})?|[零一二三四五六七八九十两〇]{1,5}(?:点[零一二三四五六七八九]{1,2})?)"
TEMPERATURE = re.compile(
    rf"(?P<below>零下|负)?(?<![\d.])(?P<low>{NUMBER})(?:度|℃|°C)?"
    rf"(?:\s*(?:-|~|至|到|,(?=\d))\s*(?P<high>{NUMBER}))?(?:多|几|来)?\s*"
    r"(?:摄氏度|℃|°\s*C|°|度)(?P<tail>[一二三四五六七八九半](?![十个天月次年平户]))?",
    re.IGNORECASE,
)
NOT_A_DEGREE = re.compile(r"度[电假过量夏日角]|度的?电")
CONTEXTS = (
    (
        "difference",
        re.compile(
            r"(?:低了?(?!于)|高了?(?!于)|差(?:出|了)?|掉了?|降了?|升了?|少了?|相差|比[^,。]{1,8}低)[^,。\d]{0,3}$"
        ),
    ),
    ("room", re.compile(r"(?:才|只|仅|刚|最高|最多|实测)[^,。\d]{0,8}$")),
    ("outdoor", re.compile(r"(?:室外|外面|户外|天气|气温|外边)[^,。室屋]{0,10}$")),
    ("water", re.compile(r"(?:水温|进水|回水|出水|供水|管子|管道|暖气片|分水器|水)[^,。室屋]{0,10}$")),
    (
        "required",
        re.compile(
            r"(?:不低于|低于|达到|达不到|标准(?:是|为)?|要求(?:是|为)?|应(?:该)?(?:是|为|达)|规定(?:是|为)?|不足|不到|没到|不够|"
            r"未达到|至少|承诺)[^,。\d]{0,6}$"
        ),
    ),
)
STANDARD_AFTER = re.compile(r"^(?:的)?(?:标准|达标|以上才|的规定|的要求)")


def _temperatures(page: _Page) -> tuple[Temperature, ...]:
    found = []
    for match in TEMPERATURE.finditer(page.plain):
        if NOT_A_DEGREE.match(page.plain, match.end() - 1):
            continue
        low = _value(match["low"])
        if low is None or (match["low"] == "一" and not match["below"]):  # 一度: once
            continue
        span = _spoken_span(match["low"])
        high = _value(match["high"]) if match["high"] else None
        if span:
            low, high = span
        if match["tail"]:
            low = high = low + (0.5 if match["tail"] == "半" else DIGITS[match["tail"]] / 10)
        high = low if high is None or high < low else high
        if match["below"]:
            low, high = -high, -low
        before = page.plain[max(0, match.start() - 16) : match.start()]
        kind = next((kind for kind, pattern in CONTEXTS if pattern.search(before)), "room")
        if kind == "room" and low <= -5:
            kind = "outdoor"
        if kind == "room" and (STANDARD_AFTER.match(page.plain[match.end() : match.end() + 6]) or low > 40):
            kind = "required" if low <= 40 else "water"
        found.append(Temperature(low, high, kind, *page.quote(match.start(), match.end())))
    return tuple(found)


def _value(number: str) -> float | None:
    """`16.8`, `十六`, `二十三点五`; None where Chinese digits make no number."""
    try:
        return float(number)
    except ValueError:
        pass
    whole, _, fraction = number.partition("点")
    if "十" in whole:
        tens, _, ones = whole.partition("十")
        if len(tens) > 1 or any(character not in DIGITS for character in tens + ones):
            return None
        value = (DIGITS[tens] if tens else 1) * 10 + (DIGITS[ones[0]] if ones else 0)
    elif len(whole) == 1:
        value = DIGITS[whole]
    elif len(whole) == 2:
        value = DIGITS[whole[0]]  # 七八度: a span, see `_spoken_span`
    else:
        return None
    if fraction:
        value += int("".join(str(DIGITS[character]) for character in fraction)) / 10 ** len(fraction)
    return value


def _spoken_span(number: str) -> tuple[float, float] | None:
    """`十四五` is 14 to 15, `七八` is 7 to 8; None for a plain number."""
    match = re.fullmatch(r"(?P<tens>[一二三四]?十)?(?P<low>[一二三四五六七八])(?P<high>[二三四五六七八九])", number)
    if not match or DIGITS[match["high"]] != DIGITS[match["low"]] + 1:
        return None
    tens = 0 if not match["tens"] else (DIGITS[match["tens"][0]] if len(match["tens"]) == 2 else 1) * 10
    return tens + DIGITS[match["low"]], tens + DIGITS[match["high"]]


def _span(found: Temperature) -> str:
    return f"{found.low:g}" if found.low == found.high else f"{found.low:g}—{found.high:g}"


# --- Headlines --------------------------------------------------------------------------------------------------------

OPENING = re.compile(
    r"^(?:尊敬的[^,。:]{0,12}[,:。]?|您好|你好|领导好|市民(?:来电)?(?:反映|咨询|投诉)?|来电人?(?:反映|咨询|称)?|反映|请问|请反映一下|投诉|[,:。!\s])+"
)
PERSON = re.compile(r"[\u4e00-\u9fa5]{1,3}(?:先生|女士|小姐|大爷|大娘|阿姨|师傅|同志|某某?)")
DIGIT_RUN = re.compile(r"[0-9A-Za-z*\-]{3,}(?<=[0-9*])[A-Za-z\-]*")


def _scrubbed(plain: str) -> str:
    """The first clause that says something, without names and long numbers."""
    text = OPENING.sub("", DIGIT_RUN.sub("", PERSON.sub("", plain[:400])).strip())
    clauses = [clause.strip() for clause in re.split(r"[。!?;\n]", text) if clause.strip()]
    if not clauses:
        return ""
    head = clauses[0]
    if len(head) <= TITLE_LENGTH:
        return head
    kept = head[:TITLE_LENGTH]
    return kept[: kept.rfind(",")] if kept.rfind(",") >= 8 else kept[:-1] + "…"
