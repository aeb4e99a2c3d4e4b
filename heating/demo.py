"""Demonstration data: marked companies, communities, people and tickets, so that somebody who tries the portal sees it live.

Everything goes through the portal's own acts, at moments of the last two days: clocks, verdicts and escalations are real.
"""

import json
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from complaints import dispatching, intake, lifecycle
from complaints.intake import Intake
from complaints.lifecycle import Arrival
from complaints.models import Ticket
from core import civil
from core.errors import Invalid
from deadlines.models import Season
from heating import demo_city, planfile, planload, rehearsal
from notices import outbox
from plants.models import Community, Management
from plants.temperatures import Reading
from units import access, people
from units.models import Holding, Kind, Post, Role, Unit, User

COMPANIES = [
    ("demo-heating-1", "演示第一热力有限公司", "演示一热力", Kind.HEATING),
    ("demo-heating-2", "演示第二热力有限公司", "演示二热力", Kind.HEATING),
    ("demo-heating-3", "演示第三热力有限公司", "演示三热力", Kind.HEATING),
    ("demo-property-1", "演示第一物业服务公司", "演示一物业", Kind.PROPERTY),
    ("demo-property-2", "演示第二物业服务公司", "演示二物业", Kind.PROPERTY),
]
# code, name, street, company, property manager, mode, and what else the register says
COMMUNITIES = [
    ("demo-community-1", "演示和暖苑", "street-weiyanggong", "demo-heating-1", None, "direct", {}),
    ("demo-community-2", "演示煦园", "street-tanjia", "demo-heating-2", None, "direct", {}),
    ("demo-community-3", "演示融春里", "street-zhangjiabu", "demo-heating-1", "demo-property-1", "property", {}),
    ("demo-community-4", "演示安和家园", "street-xujiawan", "demo-heating-2", None, "direct", {}),
    ("demo-community-5", "演示明德坊", "street-daminggong", "demo-heating-3", "demo-property-2", "property", {}),
    ("demo-community-6", "演示曦城", "street-caotan", "demo-heating-3", None, "direct", {"is_new_project": True}),
    ("demo-community-7", "演示北苑回迁区", "street-weiyanggong", "demo-heating-1", "demo-property-1", "direct", {"is_renewal": True, "overlay": "daxing-committee"}),
    ("demo-community-8", "演示汉城家园", "street-hancheng", "demo-heating-2", None, "direct", {"is_heritage": True}),
    ("demo-school-1", "演示第一小学", "street-zhangjiabu", "demo-heating-1", None, "direct", {"use": "school"}),
    ("demo-elderly-1", "演示颐养院", "street-xinjiamiao", "demo-heating-3", None, "direct", {"use": "elderly"}),
    ("demo-hospital-1", "演示社区医院", "street-sanqiao", "demo-heating-2", None, "direct", {"use": "hospital"}),
]  # fmt: skip


@dataclass(frozen=True)
class Login:
    """A demonstration account: what it is for, its name, and for whom it works."""

    username: str
    full_name: str
    unit: str
    role: str
    said: str


LOGINS = [
    Login("bureau", "值班员", "urban-management", Role.OFFICER, "区城管执法局（专班办公室）：总览、督办"),
    Login("dispatcher", "受理员", "social-work", Role.DISPATCHER, "区委社会工作部：导入、交办"),
    Login("heating1", "一热力调度", "demo-heating-1", Role.HANDLER, "供热企业：响应、上门、办结、回访"),
    Login("heating2", "二热力调度", "demo-heating-2", Role.HANDLER, "供热企业（另一家）"),
    Login("heating3", "三热力调度", "demo-heating-3", Role.HANDLER, "供热企业（第三家）"),
    Login("property1", "一物业经理", "demo-property-1", Role.HANDLER, "物业服务企业"),
    Login("property2", "二物业经理", "demo-property-2", Role.HANDLER, "物业服务企业（另一家）"),
    Login("housing", "住建经办", "housing-construction", Role.OFFICER, "区级部门（区住建局）"),
    Login("street", "街道经办", "street-weiyanggong", Role.OFFICER, "街道办事处（未央宫）"),
    Login("inspector", "街道巡查", "street-weiyanggong", Role.INSPECTOR, "街道巡查人员"),
    Login("director", "办公室主任", "task-force-office", Role.OFFICER, "专班办公室主任（三级督办）"),
    Login("deputy", "副专班长", "task-force", Role.VIEWER, "分管副专班长（四级督办）"),
    Login("viewer", "查阅员", "urban-management", Role.VIEWER, "只读"),
    Login("admin", "系统管理员", "urban-management", Role.ADMIN, "人员、令牌、接收地址（不看工单）"),
]
POSTS = {"director": ("office-director", "urban-management-principal"), "deputy": ("deputy-head-1",)}


def carry_season(*, at: datetime) -> None:
    """The plan, carried to the season that contains `at` or comes next, marked as a demonstration: its own has ended."""
    newest = Season.objects.filter(is_demo=False).order_by("-starts_on").first() or Season.objects.order_by("-starts_on").first()
    if newest is None:
        raise Invalid("请先载入工作方案：manage.py load_plan heating/plan/weiyang-2025-2026.yaml")
    today = civil.day_of(at)
    start = today.year if today.month >= 7 else today.year - 1
    code = f"{start}-{start + 1}"
    # On most days of a season its milestones are past: the demonstration's last is the day after tomorrow, to be seen counting down.
    text = planfile.carry(newest.source, code, demonstration=True, last_milestone_on=today + timedelta(days=2))
    planload.load(planfile.read(text), at=at)


@transaction.atomic
def world(*, at: datetime, password: str) -> None:
    """The demonstration units, communities and people. Doing it twice changes nothing but their password."""
    units = {unit.code: unit for unit in Unit.objects.all()}
    for position, (code, name, short, kind) in enumerate(COMPANIES):
        units[code], _ = Unit.objects.update_or_create(
            code=code, defaults={"name": name, "short_name": short, "kind": kind, "is_demo": True, "position": 500 + position}
        )
        Post.objects.get_or_create(code=f"{code}-principal", defaults={"unit": units[code], "title": "主要负责人", "is_principal": True})
    for code, name, street, company, manager, mode, more in COMMUNITIES:
        said = dict(more)
        overlay = said.pop("overlay", None)
        community, _ = Community.objects.update_or_create(
            code=code,
            defaults={
                "name": name, "street": units[street], "company": units[company], "property_manager": units.get(manager), "is_demo": True,
                "overlay": units.get(overlay), "heat_manager": "演示管理员", **said,
            },
        )  # fmt: skip
        Management.objects.get_or_create(community=community, until=None, defaults={"mode": mode, "since": date(2020, 11, 15)})
    demo_city.register()
    _people(units, at=at, password=password)


def _people(units: dict[str, Unit], *, at: datetime, password: str) -> None:
    accounts = {}
    for login in LOGINS:
        user = User.objects.filter(username=login.username).first() or User(username=login.username)
        user.full_name, user.is_demo, user.password_changed_at = login.full_name, True, at
        if not user.pk or not user.check_password(password):
            user.set_password(password)
        user.save()
        accounts[login.username] = user
        access.enrol(user, units[login.unit], login.role, actor=None, at=at)
    for username, codes in POSTS.items():
        for post in Post.objects.filter(code__in=codes):
            _hold(post, accounts[username], at)
    for login in LOGINS:
        post = Post.objects.filter(unit__code=login.unit, is_principal=True, unit__is_demo=True).first()
        if post:
            _hold(post, accounts[login.username], at)


def _hold(post: Post, user: User, at: datetime) -> None:
    held = Holding.objects.filter(post=post, until=None).first()
    if held is None:
        people.appoint(post, user.full_name, title="演示", user=user, actor=None, at=at)
    elif held.user_id is None:
        Holding.objects.filter(pk=held.pk).update(user=user)


def logins_file(var: Path) -> Path:
    """Where the demonstration log-ins are kept, readable by their owner only."""
    return Path(var) / "demo-logins.json"


def password_of(var: Path) -> str:
    """The password of this installation's demonstration accounts; made the first time."""
    path = logins_file(var)
    if path.exists():
        return json.loads(path.read_text())["password"]
    password = people.initial_password()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump({"password": password, "logins": [[login.username, login.said] for login in LOGINS]}, file, ensure_ascii=False)
    return password


# ---------------------------------------------------------------- tickets


@dataclass(frozen=True)
class Story:
    """One demonstration ticket: minutes ago it came in, what it says, and what happened since (act, minutes after)."""

    ago: int
    source: str
    community: str
    building: str
    content: str
    name: str
    phone: str
    acts: tuple[tuple, ...] = ()
    kind: str = "complaint"
    city_hours: int = 48


STORIES = [
    Story(2900, "12345", "demo-community-1", "2号楼", "家里暖气从昨天开始就不热，客厅只有15度，家里有八十多岁的老人，请尽快处理。", "王秀兰", "13800000001",
          (("dispatch", 6), ("respond", 14), ("arrive", 52), ("finish", 130), ("solved", 600))),
    Story(2700, "12345", "demo-community-2", "7号楼", "室温一直在16度左右，去年也是这样，多次反映没有解决。", "李建国", "13800000002",
          (("dispatch", 9), ("respond", 30), ("arrive", 95), ("finish", 200), ("unsolved", 900), ("respond", 912), ("arrive", 940), ("finish", 1000), ("solved", 1500))),
    Story(1700, "qr", "demo-community-4", "3号楼", "暖气片不热，上半截温下半截凉，放过气也不行。", "赵敏", "13800000003",
          (("respond", 8), ("arrive", 45), ("finish", 100), ("solved", 300))),
    Story(1500, "12345", "demo-community-3", "12号楼", "物业说暖气他们管，打电话没人来，水泵也不开，家里只有14度。", "周芳", "13800000004",
          (("dispatch", 12), ("respond", 20), ("arrive", 80), ("finish", 300), ("solved", 800))),
    Story(1300, "12345", "demo-community-5", "9号楼", "物业除了采暖费还要每平米加收两块二的加压电费，问这个收费合不合理。", "吴刚", "13800000005",
          (("dispatch", 8), ("respond", 40), ("progress", 900))),
    Story(900, "phone", "demo-school-1", "", "学校教室暖气不热，孩子们上课冷得写不了字。", "孙老师", "13800000006", (("dispatch", 10), ("respond", 18), ("arrive", 65))),
    Story(400, "12345", "demo-community-1", "5号楼", "整栋楼都不热，打供热公司电话一直占线。", "郑凯", "13800000007", (("dispatch", 5), ("respond", 12))),
    Story(330, "12345", "demo-community-8", "1号楼", "暖气管接头漏水，已经拿盆接了一晚上。", "冯丽", "13800000008", (("dispatch", 7),)),
    Story(250, "qr", "demo-community-2", "3号楼", "卧室和卫生间暖气冰凉，客厅正常。", "陈晨", "13800000009", (("respond", 11), ("arrive", 50))),
    Story(180, "12345", "demo-community-7", "6号楼", "回迁入住第二年了，今年还是没有通暖气，什么时候能供上。", "何平", "13800000010", (("dispatch", 10), ("respond", 19))),
    Story(120, "12345", "demo-community-4", "8号楼", "有人举报隔壁单元私自装了管道泵偷热，我们这边越来越凉。", "韩雪", "13800000011", (("dispatch", 9),)),
    Story(75, "12345", "demo-community-1", "2号楼", "楼上楼下都反映不热，室温13度，请派人来看。", "秦勇", "13800000012", (("dispatch", 4), ("respond", 10))),
    Story(40, "qr", "demo-community-1", "2号楼", "家里有婴儿，室温15度，麻烦快一点。", "许静", "13800000013", (("respond", 6),)),
    Story(28, "12345", "demo-community-6", "4号楼", "新交付的小区，暖气一直没开，物业说开发商还没弄好管道。", "曹磊", "13800000014", ()),
    Story(12, "qr", "demo-community-4", "2号楼", "昨晚开始一点热气都没有，大人小孩都冻感冒了。", "邓超", "13800000015", ()),
    Story(9, "12345", "demo-community-2", "1号楼", "请问今年供暖到几号结束，费用怎么退。", "谢婷", "13800000016", (), "enquiry"),
    Story(6, "12345", "demo-community-3", "6号楼", "暖气不热，物业和热力公司互相推。", "袁媛", "13800000017", ()),
    Story(4, "12345", "", "", "小区门口井盖冒热气，路面结冰，怕老人摔倒。", "于洋", "13800000018", ()),
    Story(2, "qr", "demo-community-2", "5号楼", "暖气刚热了一天又凉了，室内17度。", "薛峰", "13800000019", ()),
]  # fmt: skip


def tickets(*, at: datetime) -> int:
    """The demonstration tickets, with what happened to each, minute by minute up to `at`. Once only."""
    if Ticket.objects.filter(is_demo=True).exists():
        return 0
    events = []
    for index, story in enumerate(STORIES):
        start = at - timedelta(minutes=story.ago)
        events.append((start, index, "receive"))
        events += [(start + timedelta(minutes=after), index, act) for act, after in story.acts if after <= story.ago]
    bureau = User.objects.get(username="bureau")
    dispatcher = User.objects.get(username="dispatcher")
    numbers: dict[int, str] = {}
    for moment, index, act in sorted(events, key=lambda event: event[:2]):
        rehearsal.tick(moment)
        if act == "receive":
            numbers[index] = _receive(STORIES[index], index, dispatcher if STORIES[index].source == "12345" else bureau, moment)
        else:
            _do(Ticket.objects.select_related("lead", "doer", "street", "community").get(number=numbers[index]), act, dispatcher, moment)
    rehearsal.tick(at)
    outbox.route(at=at)
    return len(STORIES)


def _receive(story: Story, index: int, actor, at: datetime) -> str:
    called = at - timedelta(minutes=25 if story.source == "12345" else 1)
    complaint = Intake(
        source=story.source, external_no=f"YS{at:%Y%m%d}{index:04d}" if story.source == "12345" else None, kind=story.kind, content=story.content,
        called_at=called, district_received_at=at - timedelta(minutes=8) if story.source == "12345" else None,
        city_due_at=called + timedelta(hours=story.city_hours) if story.source == "12345" else None, complainant_name=story.name,
        complainant_phone=story.phone, community=story.community, building=story.building, is_demo=True,
        address=f"{story.building}1单元302室" if story.building else "",
    )  # fmt: skip
    return intake.receive(complaint, actor=actor, at=at).ticket.number


def _do(ticket: Ticket, act: str, dispatcher, at: datetime) -> None:
    who = {"actor": None, "at": at}
    if act == "dispatch":
        if ticket.state == "received":
            said = dispatching.suggestion_for(ticket, at=at, category=ticket.category)
            lifecycle.dispatch(ticket, dispatching.decide(ticket, at=at, category=said.category), actor=dispatcher, at=at)
    elif act == "respond":
        lifecycle.respond(ticket, channel="phone", note="已电话联系，约定上门查看", **who)
    elif act == "arrive":
        lifecycle.arrive(ticket, Arrival(kind="witness", note="住户在场"), **who)
    elif act == "finish":
        readings = [Reading(room="客厅", celsius=Decimal("20.6")), Reading(room="主卧", celsius=Decimal("20.1"))]
        lifecycle.finish(ticket, cause="支管气堵、过滤器脏堵", measure="排气并清洗过滤器，复测室温", readings=readings, **who)
    elif act == "progress":
        lifecycle.call_back(ticket, kind="progress", reached=True, note="收费依据正在核实", **who)
    else:
        lifecycle.call_back(ticket, kind="result", reached=True, solved=act == "solved", satisfaction="satisfied" if act == "solved" else "dissatisfied", note="" if act == "solved" else "室温仍不达标", **who)

