"""Demonstration data: marked companies, communities and people, and what they did, so that somebody who tries the portal sees it live.

Everything goes through the portal's own acts, at moments of the past: clocks, verdicts and escalations are real.
"""

import json
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from django.db import transaction

from core import civil, clock, journal
from core.errors import Invalid
from deadlines import season as seasons
from deadlines.models import Deadline, Season
from heating import (
    almanac,
    demo_city,
    demo_duty,
    demo_gas,
    demo_homes,
    demo_inspections,
    demo_milestones,
    demo_obligations,
    demo_reports,
    demo_tickets,
    planfile,
    planload,
    rehearsal,
)
from plants.models import Community, Management
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

# Who does what in the demonstration, topic by topic.
ACTORS = (
    demo_tickets.events,
    demo_duty.events,
    demo_milestones.events,
    demo_inspections.events,
    demo_obligations.events,
    demo_gas.events,
    demo_reports.events,
    demo_homes.events,
)
LIVE_DAYS = 14  # how far back the demonstration of the present day begins
REHEARSAL = (datetime(2025, 10, 20, tzinfo=civil.SHANGHAI), datetime(2025, 11, 20, 18, tzinfo=civil.SHANGHAI))


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
    Login("reform", "发改经办", "development-reform", Role.OFFICER, "区发改委：燃气保供、气源协调"),
    Login("gas", "秦华调度", "qinhua-gas", Role.HANDLER, "秦华天然气公司：气量、气源、驻场值班"),
    Login("police", "交警值班", "traffic-police", Role.OFFICER, "公安交管未央大队：抢修车辆通行"),
    Login("street", "街道经办", "street-weiyanggong", Role.OFFICER, "街道办事处（未央宫）"),
    Login("inspector", "街道巡查", "street-weiyanggong", Role.INSPECTOR, "街道巡查人员"),
    Login("director", "办公室主任", "task-force-office", Role.OFFICER, "专班办公室主任（三级督办）"),
    Login("deputy", "副专班长", "task-force", Role.VIEWER, "分管副专班长（四级督办）"),
    Login("viewer", "查阅员", "urban-management", Role.VIEWER, "只读"),
    Login("admin", "系统管理员", "urban-management", Role.ADMIN, "账号、职务、接收地址（不看工单）"),
    Login("security", "安全管理员", "urban-management", Role.SECURITY, "授权、接口令牌、两步验证重置（不看工单）"),
    Login("auditor", "审计管理员", "urban-management", Role.AUDITOR, "台账流水（只读）"),
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


# ---------------------------------------------------------------- what happened


def live(*, at: datetime) -> int:
    """The fortnight before `at`, played once with every topic's acts. The number of acts done."""
    with clock.standing_still():
        return _play(since=at - timedelta(days=LIVE_DAYS), until=at, say=lambda line: None)


def rehearse(*, say) -> int:
    """The opening of the plan's own season, 2025-10-20 to 2025-11-20, played once. Needs its plan loaded."""
    since, until = REHEARSAL
    first = Deadline.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    season = Season.objects.filter(starts_on__lte=until.date(), ends_on__gte=until.date(), is_demo=False).first()
    if season is None:
        raise Invalid("请先载入工作方案：manage.py load_plan heating/plan/weiyang-2025-2026.yaml")
    with clock.standing_still():
        done = _play(since=since, until=until, say=say)
        if done:
            demo_duty.stand_down(at=until)
            rehearsal.lay_down(first, until)
    return done


def _play(*, since: datetime, until: datetime, say) -> int:
    season = seasons.required(until)
    if journal.of(season).filter(act="play").exists():
        return 0
    almanac.keep(since)
    done = rehearsal.play(ACTORS, since=since, until=until, say=say)
    journal.record(season, "play", actor=None, at=until, since=since.isoformat(), acts=done)
    return done
