"""Tags and filters of every page: icons, chips, countdowns, masks, times. Built in, so that no template loads them."""

from datetime import datetime, timedelta
from decimal import Decimal

from django import template
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import StaticNode
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from complaints.models import Source
from core import civil, figures
from core.countdown import SOON, Countdown, countdown, text_of
from core.privacy import mask_name, mask_phone, scrub
from deadlines import promises
from deadlines.models import Audience

register = template.Library()
register.tag("static", lambda parser, token: StaticNode.handle_token(parser, token))
register.filter("mask_phone", mask_phone)
register.filter("mask_name", mask_name)
register.filter("scrub", scrub)

WEEKDAYS = "一二三四五六日"
_STATE_TONES = {
    "received": ("grey", "inbox"), "dispatched": ("blue", "phone-call"), "responded": ("blue", "map-pin"), "arrived": ("blue", "tool"),
    "finished": ("blue", "user-check"), "closed": ("green", "circle-check"), "void": ("plain", "ban"),
}  # fmt: skip
_LEVELS = {0: ("amber", "提醒"), 1: ("red", "一级"), 2: ("red", "二级"), 3: ("solid-red", "三级"), 4: ("solid-red", "四级")}
_VERBS = {"response": "响应", "visit": "到场", "callback": "回访", "city": "答复", "dispatch": "交办", "assist": "办结", "ruling": "裁定"}
_icons: dict[tuple[str, int | str], SafeString] = {}


# ---------------------------------------------------------------- marks


@register.simple_tag
def icon(name: str, size: int | str = "") -> SafeString:
    """`{% icon "alarm" 16 %}`: a drawing of scripts/icons.txt, hidden from screen readers: the word stands beside it."""
    found = _icons.get((name, size))
    if found is None:
        found = format_html('<span class="i{} ico-{}" aria-hidden="true"></span>', f" i-{size}" if size else "", name)
        if len(_icons) < 500:
            _icons[name, size] = found
    return found


@register.simple_tag
def chip(text, tone: str = "", name: str = "") -> SafeString:
    """`{% chip "区直派" "blue" "route" %}`: a word in a frame; tones: blue amber red green grey plain solid-red."""
    return format_html('<span class="chip {}">{}{}</span>', tone, icon(name) if name else "", text)


@register.simple_tag
def state_chip(state: str, label: str) -> SafeString:
    """`{% state_chip ticket.state ticket.get_state_display %}`: where a ticket stands."""
    tone, name = _STATE_TONES.get(state, ("grey", ""))
    return chip(label, tone, name)


@register.simple_tag
def level_chip(level: int) -> SafeString:
    """`{% level_chip escalation.level %}`: how high an escalation has climbed."""
    tone, label = _LEVELS.get(level, ("solid-red", f"{level} 级"))
    return chip(label, tone, "alarm" if level else "bell")


@register.simple_tag(takes_context=True)
def clock_chip(context, due_at: datetime | Countdown | None, soon: int | timedelta = SOON, at: datetime | None = None) -> SafeString:
    """`{% clock_chip ticket.due_at %}`: a live countdown; takes a moment or a ready core.countdown.Countdown. None: a dash."""
    if not due_at:
        return mark_safe('<span class="chip cd plain"><span class="sr">时限</span>—</span>')  # nosec B308
    if not isinstance(due_at, Countdown):
        soon = soon if isinstance(soon, timedelta) else timedelta(seconds=soon)
        due_at = countdown(due_at, at=at or context.get("at") or context["now"], soon=soon)
    return format_html(
        '<time class="chip cd {}" datetime="{}" data-due="{}" data-soon="{}">{}<span class="cd-t">{}</span></time>',
        due_at.tone, due_at.due, due_at.due, due_at.soon, icon(due_at.icon), due_at.text,
    )  # fmt: skip


@register.inclusion_tag("parts/_stage_card.html")
def stage_card(card: dict) -> dict:
    """`{% stage_card card %}`: one clock of a round. `card`: name, deadline (or None), waiting (what starts it), at."""
    one, at = card["deadline"], card["at"]
    clock = {"name": card["name"], "status": "wait", "big": "—", "word": "未起算", "line": card.get("waiting", ""), "percent": 0}
    if one is None:
        return {"clock": clock}
    allowed = one.due_at - one.opened_at
    gone = (one.settled_at or at) - one.opened_at
    clock["percent"] = round(max(0.0, min(100.0, 100 * gone / allowed)), 1)
    verb = _VERBS.get(one.stage, "完成")
    if one.outcome == "neutral":
        return {"clock": {**clock, "word": "不计", "line": f"{civil.spoken(one.settled_at, reference=at)} 终止，不计入考核"}}
    if one.settled_at:
        late = one.settled_at > one.due_at
        line = f"{civil.spoken(one.settled_at, reference=at)} {verb}" + (f"，{text_of(one.due_at - one.settled_at)}" if late else "，按时")
        return {"clock": {**clock, "status": "donelate" if late else "done", "big": text_of(gone), "word": "实际用时", "line": line}}
    soon = min(SOON, allowed / 3)
    left = one.due_at - at
    return {
        "clock": {
            **clock,
            "status": "late" if left < timedelta(0) else "soon" if left <= soon else "run",
            "big": text_of(left),
            "word": "已超时" if left < timedelta(0) else "剩余",
            "line": f"应于 {civil.spoken(one.due_at, reference=at)} 前{verb}",
            "due": iso(one.due_at),
            "opened": iso(one.opened_at),
            "soon": int(soon.total_seconds()),
        }
    }


@register.simple_tag(takes_context=True)
def part(context, name: str, values: dict) -> str:
    """`{% part "complaints/_detail.html" detail %}`: a part with its own values, as htmx gets it alone."""
    with context.push(**values):
        return context.template.engine.get_template(name).render(context)


@register.simple_tag(takes_context=True)
def block_again(context, *names: str) -> str:
    """`{% block_again "heading" "title" %}`: the first of these blocks once more: a page's title is also its heading."""
    blocks = context.render_context[BLOCK_CONTEXT_KEY]
    found = next((block for name in names if (block := blocks.get_block(name)) is not None), None)
    return mark_safe(found.nodelist.render(context).strip()) if found is not None else ""  # noqa: S308 (rendered already)  # nosec B308 B703


@register.simple_tag(takes_context=True)
def query(context, **changes) -> str:
    """`?{% query cursor=page.next %}`: the address's query with changes; an empty value takes its name out."""
    given = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            given.pop(name, None)
        else:
            given[name] = value
    return given.urlencode()


# ---------------------------------------------------------------- time


@register.filter
def iso(moment: datetime | None) -> str:
    """A moment for scripts and `<time datetime>`: ISO 8601 with Shanghai's offset."""
    return civil.localize(moment).isoformat() if moment else ""


@register.filter
def spoken(moment: datetime | None, reference: datetime | None = None) -> str:
    """`{{ moment|spoken:now }}`: 10:45 today, 11-13 10:45 this year, else with the year."""
    return civil.spoken(moment, reference=reference)


@register.filter
def moment(value: datetime | None) -> str:
    """`2025-11-14 12:00`; to the second where it decides: use `exact`."""
    return f"{civil.localize(value):%Y-%m-%d %H:%M}" if value else "—"


@register.filter
def exact(value: datetime | None) -> str:
    """`2025-11-14 12:00:01`."""
    return f"{civil.localize(value):%Y-%m-%d %H:%M:%S}" if value else "—"


@register.filter
def longday(value: datetime | None) -> str:
    """`11月13日 星期四`."""
    if not value:
        return ""
    local = civil.localize(value)
    return f"{local.month}月{local.day}日 星期{WEEKDAYS[local.weekday()]}"


@register.filter
def clocktime(value: datetime | None) -> str:
    """`10:26`."""
    return f"{civil.localize(value):%H:%M}" if value else "—"


@register.filter
def clockseconds(value: datetime | None) -> str:
    """`10:26:05`."""
    return f"{civil.localize(value):%H:%M:%S}" if value else "—"


@register.filter
def monthday(value: datetime | None, with_time: bool = False) -> str:
    """`11月14日`, or `11月14日 12:00`."""
    if not value:
        return ""
    local = civil.localize(value)
    return f"{local.month}月{local.day}日" + (f" {local:%H:%M}" if with_time else "")


@register.filter
def timeleft(due_at: datetime | None, at: datetime | None = None) -> str:
    """`{{ due_at|timeleft:now }}`: 18:42 or 超 42:07, without a live chip (prints, mails)."""
    return text_of(due_at - at) if due_at and at else "—"


@register.filter
def spell(duration) -> str:
    """A duration (timedelta or seconds) in words: 42 分钟, 3 小时 05 分."""
    if duration is None:
        return "—"
    return civil.spell(duration if isinstance(duration, timedelta) else timedelta(seconds=duration))


# ---------------------------------------------------------------- figures


@register.filter
def percent(value, digits: int = 1) -> str:
    """A share between 0 and 1 as `96.5`; None (nothing to count) as a dash."""
    return "—" if value is None else f"{value * 100:.{digits}f}"


@register.filter
def floored(value, digits: int = 1) -> str:
    """A mean that is never rounded upward; None as a dash."""
    return "—" if value is None else f"{figures.floored(value, digits)}"


@register.filter
def lookup(mapping, key):
    """`{{ names|lookup:code }}`: a mapping's value, else empty."""
    return mapping.get(key, "") if mapping else ""


_SOURCES = dict(Source.choices)
_SHORT_SOURCES = {"12345": "转办", "qr": "扫码", "phone": "电话", "visit": "走访", "opinion": "舆情", "petition": "信访"}
_AUDIENCES = dict(Audience.choices)


@register.filter
def source_name(code: str) -> str:
    """`12345` → 12345 转办."""
    return _SOURCES.get(code, code)


@register.filter
def source_short(code: str) -> str:
    """`12345` → 转办, where there is little room."""
    return _SHORT_SOURCES.get(code, code)


@register.simple_tag
def bars(counts: dict, name: str = "件") -> dict:
    """Counts by source as data for charts.js: `{% bars arrived.by_source as data %}`."""
    return {
        "kind": "bar",
        "labels": [source_name(code) for code in counts],
        "series": [{"name": name, "values": list(counts.values()), "tone": "blue"}],
    }


@register.filter
def total(counts: dict) -> int:
    """The sum of a dict of counts."""
    return sum(counts.values())


@register.filter
def degrees(value) -> str:
    """A temperature as it was read off, no digit lost and none added: `19.95`, `20`."""
    return "" if value is None else f"{Decimal(value).normalize():f}"


@register.filter
def grouped(value) -> str:
    """A whole number with its thousands apart: `305,000`; nothing for None."""
    return "" if value is None else f"{value:,.0f}"


@register.filter
def unsigned(value) -> str:
    """A negative change without its sign: the arrow says it."""
    return f"{abs(value)}"


@register.filter
def unlocal(value) -> str:
    """A number as attributes want it, whatever the language."""
    return "" if value is None else f"{value}"


@register.simple_tag
def rate_cell(rate) -> SafeString:
    """`{% rate_cell row.visit %}`: an on-time rate in a table, with what it is of."""
    if rate.percent is None:
        return mark_safe('<span class="ms na">—</span>')  # nosec B308
    tone = {"g": "ok", "a": "late", "r": "bad"}[bar_tone(rate.percent)]
    return format_html('<span class="ms {}" title="{} / {}">{}%</span>', tone, rate.kept, rate.of, f"{rate.percent:g}")


@register.filter
def bar_tone(share) -> str:
    """The colour of an on-time rate in percent: g from 95, a from 85, r below."""
    if share is None:
        return ""
    return "g" if share >= 95 else "a" if share >= 85 else "r"


@register.simple_tag
def rung_moment(rung) -> str:
    """When a step of a ladder is taken: 用时 50%, 提前 30 分钟, 超时当刻, 超 2 小时."""
    if rung.fraction is not None:
        return f"用时 {float(rung.fraction * 100):g}%"
    if not rung.after:
        return "超时当刻"
    return f"{'提前' if rung.after < timedelta(0) else '超'} {civil.spell(rung.after)}"


@register.filter
def audience_names(codes) -> str:
    """Who hears of it, in words."""
    return "、".join(_AUDIENCES.get(code, code) for code in codes)


@register.simple_tag
def promised() -> str:
    """`15 分钟响应、1 小时上门、24 小时回访`, as the plan in force has it."""
    return promises.spoken()


