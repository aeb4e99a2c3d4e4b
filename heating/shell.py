"""What every page's frame shows: who is signed in, where they may go, unread messages, the season, and the server's time.

Asked lazily: a part returned to htmx, an error page and the log-in page ask nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, DateTimeField, Func, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import JSONObject, Now, TruncDate
from django.utils.functional import SimpleLazyObject

from core import clock
from core.civil import SHANGHAI
from core.privacy import mask_name
from deadlines.models import Season
from notices.models import Message
from units import access
from units.models import DutyPost, DutyShift, Kind, Membership, Role, User

UNREAD_MOST = 99


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


class ClockTimestamp(Func):
    """The database's wall clock, in the same statement as everything else."""

    function = "clock_timestamp"
    output_field = DateTimeField()


def context(request) -> dict:
    """Context processor: `shell` and `now`, both asked when first used. A view's own `now` goes before this one."""
    shell = SimpleLazyObject(lambda: of(request))
    return {"shell": shell, "now": SimpleLazyObject(lambda: shell.now)}


def of(request) -> Shell:
    """The frame for whoever asks: one query, and one for their rights unless the view has asked already."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Shell([], [], [], 0, "", "", False, "", "", "", clock.now())
    seen = _seen(user)
    season = seen["season"] or {}
    home = seen["home"] or {}
    unread = len(seen["unread"])
    work, campaign, manage = navigation(user, request.path, unread, home.get("kind", ""))
    return Shell(
        work, campaign, manage, unread, f"{UNREAD_MOST}+" if unread > UNREAD_MOST else str(unread), season.get("name", ""),
        bool(season.get("demo")), str(user), home.get("unit", ""), _initial(user, home), seen["at"], *_duty(seen["duty"]),
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


def _seen(user) -> dict:
    today = TruncDate(Now(), tzinfo=SHANGHAI)
    seasons = Season.objects.annotate(
        rank=Case(When(starts_on__lte=today, ends_on__gte=today, then=Value(0)), default=Value(1), output_field=IntegerField())
    ).order_by("rank", "-starts_on")
    unread = Message.objects.filter(user=OuterRef("pk"), read_at=None).order_by().values("pk")[: UNREAD_MOST + 1]
    homes = Membership.objects.filter(user=OuterRef("pk"), until=None).order_by("since", "pk")
    on_duty = DutyShift.objects.filter(
        Q(post__until=None) | Q(post__until__gt=Now()), post__unit__code=access.BUREAU, post__since__lte=Now(), is_void=False,
        starts_at__lte=Now(), ends_at__gt=Now(), post__kind__in=(DutyPost.Kind.LEADER, DutyPost.Kind.PHONE),
    ).order_by("post__kind", "pk")  # fmt: skip
    return (
        User.objects.filter(pk=user.pk)
        .values(
            at=ClockTimestamp(),
            unread=ArraySubquery(unread),
            season=Subquery(seasons.values(one=JSONObject(name="name", demo="is_demo"))[:1]),
            duty=ArraySubquery(on_duty.values(one=JSONObject(kind="post__kind", name="worker__name", number="post__phone__number"))),
            home=Subquery(homes.values(one=JSONObject(unit="unit__short_name", role="role", kind="unit__kind"))[:1]),
        )
        .get()
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


def _initial(user, home: dict) -> str:
    label = dict(Role.choices).get(home.get("role"), "")
    return (str(user) or label or "？")[0]
