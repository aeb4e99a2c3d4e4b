"""What every page's frame shows: who is signed in, where they may go, unread messages, the season, and the server's time.

Asked lazily: a part returned to htmx, an error page and the log-in page ask nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import SimpleLazyObject

from core import clock, one_trip, stamps
from core.one_trip import Question
from core.privacy import mask_name
from deadlines import season as seasons
from units import access
from units.models import DutyPost, Kind

UNREAD_MOST = 99
# Written out, for it is asked with every page.
_ON_DUTY = """
SELECT coalesce(json_agg(json_build_object('kind', post.kind, 'name', worker.name, 'number', phone.number) ORDER BY post.kind, shift.id), '[]')
FROM units_dutyshift shift
JOIN units_dutypost post ON post.id = shift.post_id
JOIN units_unit unit ON unit.id = post.unit_id
JOIN units_worker worker ON worker.id = shift.worker_id
LEFT JOIN units_phone phone ON phone.id = post.phone_id
WHERE unit.code = %s AND post.kind = ANY(%s) AND NOT shift.is_void AND shift.starts_at <= now() AND shift.ends_at > now()
  AND post.since <= now() AND (post.until IS NULL OR post.until > now())
"""


@dataclass(frozen=True)
class Link:
    """An entry of the navigation. `on_phone`: also in the bar at the bottom of the phone's screen, under `short`."""

    path: str
    label: str
    icon: str
    is_current: bool = False
    badge: int = 0
    on_phone: bool = False
    short: str = ""


@dataclass(frozen=True)
class Shell:
    """The frame around a page."""

    work: list[Link]
    campaign: list[Link]
    manage: list[Link]
    unread: int
    unread_text: str
    season: str
    is_demo: bool
    name: str
    unit: str
    initial: str
    now: datetime
    # The district's duty phone and who is there now (D1.10), surnames only; empty without a roster.
    duty_number: str = ""
    duty_people: str = ""

    @property
    def phone(self) -> list[Link]:
        """The four places of the phone's bottom bar."""
        return [link for link in (*self.work, *self.campaign, *self.manage) if link.on_phone][:4]

    @property
    def rest(self) -> list[Link]:
        """What the phone's menu lists beside them."""
        shown = self.phone
        return [link for link in (*self.work, *self.campaign, *self.manage) if link not in shown]


def context(request) -> dict:
    """Context processor: `shell` and `now`, both asked when first used. A view's own `now` goes before this one."""
    shell = SimpleLazyObject(lambda: of(request))
    return {"shell": shell, "now": SimpleLazyObject(lambda: shell.now)}


def of(request) -> Shell:
    """The frame for whoever asks: one query, and one for their rights unless the view has asked already."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Shell([], [], [], 0, "", "", False, "", "", "", clock.now())
    with stamps.held():
        at, unread, on_duty = _seen(user)
        season, unit = seasons.active(at), access.home_unit(user)
        work, campaign, manage = navigation(user, request.path, unread, unit.kind if unit else "")
    return Shell(
        work, campaign, manage, unread, f"{UNREAD_MOST}+" if unread > UNREAD_MOST else str(unread), season.name if season else "",
        season is not None and season.is_demo, str(user), unit.short_name if unit else "", (str(user) or "？")[0], at, *_duty(on_duty),
    )  # fmt: skip


def navigation(user, path: str, unread: int = 0, kind: str = "") -> tuple[list[Link], list[Link], list[Link]]:
    """The places that somebody's rights open: daily work, the season's campaign, management. Everything else would answer 403 or 404."""
    held = access.rights(user)
    heats = kind != Kind.PROPERTY  # a property manager has no plant, no gas and nothing to report
    sees, dispatches = access.SEE_WORK in held, access.DISPATCH_TICKETS in held
    places = [
        ("/", "指挥总览" if access.SUPERVISE in held or dispatches else "工作台", "layout-dashboard", True, "总览", True),
        ("/tickets/", "工单中心", "ticket", sees, "工单", True),
        ("/dispatch/", "待交办", "route", dispatches, "交办", True),
        ("/callbacks/", "回访台", "user-check", access.HANDLE_TICKETS in held, "回访", kind in (Kind.HEATING, Kind.PROPERTY)),
        ("/sampling/", "抽样回访", "zoom-check", access.SUPERVISE in held or (kind == Kind.STREET and access.HANDLE_TICKETS in held), "抽样", False),
        ("/clusters/", "集中诉求", "building-community", sees, "集中", False),
        ("/escalations/", "督办签收", "signature", sees, "督办", True),
        ("/imports/", "12345 导入", "file-import", dispatches, "导入", False),
        ("/inbox/", "消息", "bell", True, "消息", not dispatches),
    ]
    campaign = [
        ("/milestones/", "节点督办", "calendar-event", sees and heats, "节点", False),
        ("/obligations/", "职责落实", "list-check", sees, "职责", False),
        ("/inspections/", "厂站巡查", "clipboard-check", heats and (sees or access.INSPECT in held), "巡查", access.INSPECT in held),
        ("/ledger/", "问题台账", "clipboard-list", sees or access.INSPECT in held, "台账", False),
        ("/reports/", "信息报送", "report-analytics", sees and heats, "报送", False),
        ("/gas/", "燃气保供", "flame", sees and heats, "燃气", False),
        ("/outages/", "抢修停热", "tool", sees, "抢修", False),
        ("/visits/", "访民问暖", "home-heart", sees and heats, "走访", False),
        ("/temperatures/", "室温监测", "thermometer", sees or access.INSPECT in held, "室温", False),
        ("/codes/", "码上暖", "qrcode", access.SUPERVISE in held or kind == Kind.HEATING, "扫码", False),
        ("/duty/", "值班电话", "phone-call", True, "值班", False),
    ]
    management = [
        ("/oversight/", "统计", "chart-line", sees, "统计", False),
        ("/plants/", "厂站与小区", "building-factory-2", sees or access.INSPECT in held, "厂站", False),
        ("/units/", "责任单位", "building-community", True, "单位", False),
        ("/plan/", "工作方案", "books", True, "方案", False),
        ("/system/", "系统", "settings", access.ADMINISTER in held or access.GRANT in held, "系统", False),
        ("/system/journal/", "审计", "history", access.AUDIT in held, "审计", True),
    ]
    return tuple(
        [
            Link(place, label, name, _is_current(place, path), unread if place == "/inbox/" else 0, on_phone, short)
            for place, label, name, is_open, short, on_phone in group
            if is_open
        ]
        for group in (places, campaign, management)
    )


def _seen(user) -> tuple[datetime, int, list[dict]]:
    """The server's time, how many messages are unread (up to one more than is shown), and who is on duty for the district."""
    return one_trip.ask(
        Question("SELECT clock_timestamp()"),
        Question("SELECT count(*) FROM (SELECT FROM notices_message WHERE user_id = %s AND read_at IS NULL LIMIT %s) AS unread", (user.pk, UNREAD_MOST + 1)),
        Question(_ON_DUTY, (access.BUREAU, [DutyPost.Kind.LEADER, DutyPost.Kind.PHONE])),
    )


def _duty(rows: list[dict]) -> tuple[str, str]:
    """The number, and “带班 张** · 值班 李**”."""
    number = next((row["number"] for row in rows if row["number"]), "")
    said = []
    for kind, label in ((DutyPost.Kind.LEADER, "带班"), (DutyPost.Kind.PHONE, "值班")):
        names = [mask_name(row["name"]) for row in rows if row["kind"] == kind]
        if names:
            said.append(f"{label} {'、'.join(names[:3])}")
    return number, " · ".join(said)


def _is_current(place: str, path: str) -> bool:
    return path == place if place == "/" else path.startswith(place)
