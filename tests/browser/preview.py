# ruff: noqa: E402, E501 (Django is set up before its parts are named; made-up rows are read best as rows)
"""Renders the pages with made-up values, without a database, and takes their pictures: for looking at, not a test.

    python -m tests.browser.preview OUT [name …]

Writes OUT/<name>.html and OUT/<name>-{desk,phone}-{light,dark}.png, and prints what axe and the console have to say.
The pages come through a real server with the portal's own content security policy.
"""

import functools
import http.server
import os
import shutil
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace as Thing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heating.settings")
os.environ.setdefault("STATIC_STORAGE", "django.contrib.staticfiles.storage.StaticFilesStorage")

import django

django.setup()

import django_htmx
from django import forms as django_forms
from django.conf import settings
from django.template.loader import get_template
from django.test import RequestFactory
from playwright.sync_api import sync_playwright

from complaints import forms
from core.civil import SHANGHAI
from core.countdown import countdown
from core.paging import Page
from heating.shell import Link, Shell
from oversight.statistics import Rate
from tests.chromium import find_chromium

AT = datetime.now(SHANGHAI)
AXE = Path(__file__).with_name("axe.min.js")
POLICY = "; ".join(
    ["default-src 'self'", "img-src 'self' data: blob:", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"]
)
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


def minutes(number: float) -> datetime:
    """A moment so many minutes from now."""
    return AT + timedelta(minutes=number)


def row(number, title, place, doer, street, source, state, state_name, left, **more) -> dict:
    """A list row as complaints.presenting_rows makes it."""
    due = minutes(left) if left is not None else None
    return {
        "pk": 1, "number": f"WY-2026{number}", "short": number, "url": f"/tickets/WY-2026{number}/", "title": title, "place": place, "doer": doer,
        "lead": doer, "street": street, "source": source, "category": "供热服务", "state": state, "state_name": state_name, "state_tone": "amber",
        "stage": "1 小时上门", "clock": countdown(due, at=AT) if due else None, "is_late": bool(due and due < AT), "received": "09:45", "is_urgent": False, "is_confidential": False, "late_on_arrival": False,
        "round": 1, "calls": 1, "version": 1, **more,
    }  # fmt: skip


ROWS = [
    row("1113-0019", "整栋不热，老人在家", "示范小区一 3 号楼", "示范热力二", "徐家湾", "码上暖", "responded", "待上门", -42.1, is_urgent=True),
    row("1113-0024", "立管漏水", "示范小区二 12 号楼", "示范热力一", "三桥", "12345 转办", "responded", "待上门", -18.5, round=2),
    row("1113-0051", "阀门井冒汽", "北辰路口", "示范热力一", "大明宫", "值班电话", "dispatched", "待响应", -3.2),
    row("1113-0058", "室温 14℃", "示范小区三 7 号楼", "示范物业一", "张家堡", "码上暖", "dispatched", "待响应", 2.8),
    row("1113-0056", "室温 16℃，一夜未热", "示范小区一 2 号楼", "示范热力二", "徐家湾", "12345 转办", "dispatched", "待响应", 4.9),
    row("1113-0041", "暖气片局部不热", "示范小区二 5 号楼", "示范热力一", "谭家", "码上暖", "responded", "待上门", 9.3),
    row("1113-0047", "卧室不热，室温约 15℃", "示范小区一 6 号楼", "示范热力二", "徐家湾", "12345 转办", "responded", "待上门", 18.7),
    row("1113-0049", "地暖主管渗水", "示范小区三 9 号楼", "示范热力一", "未央宫", "码上暖", "responded", "待上门", 46.2, is_confidential=True),
    row("1112-0233", "换阀后复测室温", "示范小区二 11 号楼", "示范热力一", "谭家", "12345 转办", "finished", "待回访", 312),
    row("1112-0217", "反映物业未公示故障信息", "示范小区三 2 号楼", "区住建局", "张家堡", "12345 转办", "arrived", "处理中", 3488),
]


def shell(path: str) -> Shell:
    """The frame of an officer of the bureau."""
    work = [
        ("/", "指挥总览", "layout-dashboard", "总览", True), ("/tickets/", "工单中心", "ticket", "工单", True), ("/dispatch/", "待交办", "route", "交办", True),
        ("/escalations/", "督办签收", "signature", "督办", True), ("/imports/", "12345 导入", "file-import", "导入", False), ("/inbox/", "消息", "bell", "消息", False),
    ]  # fmt: skip
    manage = [
        ("/oversight/", "统计", "chart-line", "统计", False), ("/units/", "责任单位", "building-community", "单位", False),
        ("/plan/", "工作方案", "books", "方案", False), ("/system/", "系统", "settings", "系统", False),
    ]  # fmt: skip
    links = [
        [Link(place, label, name, path == place or place != "/" and path.startswith(place), 5 if place == "/inbox/" else 0, on_phone, short) for place, label, name, short, on_phone in group]
        for group in (work, manage)
    ]
    return Shell(*links, 5, "5", "2026—2027 采暖季", True, "供热办值班员", "区城管执法局", "供", AT)


def deadline(stage, opened, due, settled=None, outcome="") -> Thing:
    """A clock."""
    return Thing(
        stage=stage, opened_at=minutes(opened), due_at=minutes(due), settled_at=minutes(settled) if settled is not None else None, outcome=outcome,
        unit="示范热力二", get_outcome_display={"met": "按时", "late": "超时"}.get(outcome, ""),
    )  # fmt: skip


def line(at, unit, who, name, text="", note="", icon="point", tone="") -> Thing:
    """A line of the timeline."""
    return Thing(at=minutes(at), unit=unit, who=who, name=name, text=text, note=note, icon=icon, tone=tone)


def ticket_detail() -> dict:
    """One ticket as complaints.views._detail gives it."""
    ticket = Thing(
        number="WY-20261113-0047", is_urgent=True, is_confidential=False, round=1, late_on_arrival=False, is_demo=True, call_count=2, lead="示范热力二",
        doer="示范热力二", street="徐家湾街道", is_open=True, called_at=minutes(-46), district_received_at=minutes(-44), ingested_at=minutes(-43),
        delivered_at=minutes(-41), city_due_at=minutes(2000), external_no="2026111300471", district_no="",
    )  # fmt: skip
    acts = [
        Thing(code="arrive", name="登记到场", icon="map-pin", main=True), Thing(code="appointment", name="改约", icon="calendar-due", main=False),
        Thing(code="return", name="退单", icon="arrow-back-up", main=False), Thing(code="nudge", name="催办", icon="bell-ringing", main=False),
    ]  # fmt: skip
    clocks = [deadline("response", -41, -26, -35, "met"), deadline("visit", -41, 18.7), None]
    return {
        "at": AT, "ticket": ticket, "row": ROWS[6], "title": ROWS[6]["title"], "content": "家里有孩子，昨晚到现在卧室一直不热，测了 15 度，请尽快处理。",
        "person": Thing(name="王**", phone="138****6021", address="示范小区一 6 号楼 2 单元", is_hidden=False, may_reveal=True),
        "cards": [{"stage": "", "name": name, "deadline": one, "waiting": "办结后起算", "at": AT} for name, one in zip(("15 分钟响应", "1 小时上门", "24 小时回访"), clocks, strict=True)],
        "city": deadline("city", -41, 2000), "deadlines": [],
        "parts": [Thing(part="assist", unit=Named(code="demo-heating-1"), done_at=None, waived_at=None), Thing(part="watch", unit="徐家湾街道")],
        "my_task": None, "may_waive": True, "open_return": None, "evidence": [], "temperatures": [], "attachments": [], "parent": None, "children": [],
        "related": ROWS[:2], "acts": acts, "main_act": acts[0], "act": None, "form": None, "status_message": "", "suggestion": {"clause": "D18.2"},
        "hops": [{"hop": "hotline", "name": "市热线转区", "seconds": 120}, {"hop": "dispatch", "name": "交办环节", "seconds": 95}],
        "timeline": [
            line(-18, "示范热力二", "赵**", "进度回访", "已告知进度", "维修二班已出发，预计 10:35 到场。", "truck-delivery", "a"),
            line(-35, "示范热力二", "赵**", "响应", "已电话联系诉求人", "用户反映主卧、次卧暖气片上热下凉，客厅正常；初判为支管气堵，带排气工具上门。", "phone-call", "g"),
            line(-41, "区委社会工作部", "李*", "交办", "供热服务 → 主办 示范热力二，承办 示范热力二；督促 徐家湾街道（依据 D18.2）", "", "route", "b"),
            line(-43, "系统", "", "转入", "12345 转办，来电 11-13 09:43", "", "ticket"),
        ],
    }  # fmt: skip


def listing() -> dict:
    """The list's values."""
    return {
        "at": AT, "rows": ROWS, "page": Page(rows=ROWS, next="abc", previous=None), "filters": Thing(given={"state": "open"}), "by_due": True, "query": "state=open",
        "tabs": [
            {"code": code, "name": name, "count": count, "url": "?state=open", "on": code == "open"}
            for code, name, count in (("open", "未办结", 316), ("late", "已超时", 3), ("soon", "即将超时", 7), ("to_call", "待回访", 12), ("received", "未交办", 2))
        ],
        "streets": [], "companies": [Thing(code="demo-heating-1", short_name="示范热力一")], "categories": [("heating_service", "供热服务")], "sources": [("12345", "12345 转办")],
        "states": [("open", "未办结"), ("closed", "已销号")], "saved": [Thing(name="我街道", query="street=x")], "may_dispatch": True,
    }  # fmt: skip


def milestones() -> dict:
    """Five milestones, the last one to come."""
    rows = [(-20000, "检修完成"), (-9000, "冷循环"), (-7000, "具备点火"), (-2000, "错峰点火"), (1534, "全部达温")]
    found = [Thing(due_at=minutes(at), label=label, title=label) for at, label in rows]
    return {"rows": [{"milestone": one, "is_past": one.due_at < AT, "is_next": one is found[-1]} for one in found], "next": found[-1]}


def escalation(pk, level, signed=False) -> Thing:
    """A supervision order."""
    return Thing(
        pk=pk, level=level, unit="示范热力二", breach_at=minutes(-42), detected_at=minutes(-41.99), signed_at=minutes(-3) if signed else None, signed_by="值班员",
        note="已电话督促" if signed else "", proposal="通报" if level == 4 else "", collapsed=[], audiences=["bureau", "principal", "street"],
        deadline=Thing(label=ROWS[pk % 9]["number"], policy=Thing(name="1 小时上门"), due_at=minutes(-42), settled_at=None, subject_type=Thing(model="ticket")),
    )  # fmt: skip


class Named(Thing):
    """A unit that says its name."""

    def __str__(self):
        return "示范热力一" if self.code.endswith("1") else "示范热力二"


def bureau() -> dict:
    """The bureau's home."""
    return {
        "at": AT, "milestones": milestones(), "counts": {"mine": 0, "late": 3, "soon": 7, "to_call": 12, "received": 2, "open": 316},
        "late": {"stages": [("响应", 1), ("上门", 2)], "longest": "42 分钟"}, "arrived": {"total": 86, "by_source": {"12345": 41, "qr": 38, "phone": 7}},
        "rates": [
            {"stage": "a", "name": "15 分钟响应率", "icon": "phone-call", "now": Rate(83, 86), "change": 1.2},
            {"stage": "b", "name": "1 小时上门率", "icon": "tool", "now": Rate(62, 68), "change": -2.4},
            {"stage": "c", "name": "24 小时回访率", "icon": "user-check", "now": Rate(0, 0), "change": None},
        ],
        "rows": ROWS[:9], "escalations": [escalation(number, level, number == 3) for number, level in ((1, 1), (2, 2), (3, 1), (4, 4), (5, 3))], "to_sign": 4,
        "returns": [Thing(requested_at=minutes(-9), ticket=Thing(number="WY-20261113-0047"), unit="示范热力一", proposed_unit="示范物业一", reason="该小区为物业代管")],
        "units": [
            Thing(unit=Named(code="demo-heating-2"), response=Rate(20, 21), visit=Rate(15, 20), callback=Rate(0, 0), late_now=2, escalations=3),
            Thing(unit=Named(code="demo-heating-1"), response=Rate(40, 40), visit=Rate(33, 36), callback=Rate(12, 12), late_now=0, escalations=1),
        ],
    }  # fmt: skip


class Preview(django_forms.Form):
    """Every kind of field, some with faults."""

    name = django_forms.CharField(label="姓名", help_text="与身份证一致")
    phone = django_forms.CharField(label="电话")
    agree = django_forms.BooleanField(label="我已核对")


def desk() -> dict:
    """The dispatcher's desk."""
    suggestion = {
        "category": "heating_service", "category_name": "供热服务", "clause": "D18.2", "lead": "示范热力二", "doer": "示范热力二", "assists": [], "watches": ["徐家湾街道"],
        "why": ["小区台账：示范小区一", "台账：直管到户", "措辞：“不热”“15 度” → 供热服务", "依据 D18.2：服务质量类"], "confidence": 93, "matched": True,
    }  # fmt: skip
    rows = [{**one, "content": "家里有孩子，昨晚到现在卧室一直不热，测了 15 度，请尽快处理。" * 2, "suggestion": suggestion} for one in ROWS[:3]]
    rows[2]["suggestion"] = {**suggestion, "matched": False, "category_name": "未能判定", "lead": "", "doer": "", "why": ["措辞未见明确指向"], "clause": ""}
    return {"at": AT, "rows": rows, "page": Page(rows=rows, next="x", previous="y"), "returns": bureau()["returns"], "categories": []}


def act_page() -> dict:
    """A finish form with faults, on the ticket."""
    act = Thing(code="finish", name="登记办结", icon="tool")
    return {**ticket_detail(), "act": act, "form": forms.FinishForm({"cause": "", "celsius_1": "x"})}


PAGES = {
    "home": ("heating/home_bureau.html", "/", bureau),
    "list": ("complaints/list.html", "/tickets/", lambda: {**listing(), "detail": ticket_detail()}),
    "ticket": ("complaints/list.html", "/tickets/WY-20261113-0047/", lambda: {**listing(), "detail": ticket_detail(), "is_alone": True, "current": ROWS[6]["number"]}),
    "empty": ("complaints/list.html", "/tickets/", lambda: {**listing(), "rows": [], "detail": None}),
    "act": ("complaints/act.html", "/tickets/WY-20261113-0047/finish/", act_page),
    "desk": ("complaints/desk.html", "/dispatch/", desk),
    "new": ("complaints/new.html", "/tickets/new/", lambda: {"form": forms.IntakeForm({"source": "12345"}), "at": AT}),
    "orders": (
        "deadlines/escalations.html", "/escalations/",
        lambda: {"at": AT, "page": Page(rows=bureau()["escalations"], next=None, previous=None), "params": {"signed": "0"}, "may_sign": True, "to_sign": 4},
    ),
    "login": ("units/login.html", "/login/", lambda: {"form": Preview({"name": ""}), "next": "/"}),
    "error": ("errors/page.html", "/x/", lambda: {"status": 404, "message": "没有找到，或您无权查看", "fields": {}, "number": "0a1b2c3d4e5f"}),
}  # fmt: skip


class Handler(http.server.SimpleHTTPRequestHandler):
    """The written pages, with the portal's headers."""

    paths: dict[str, str] = {}

    def translate_path(self, path):
        return super().translate_path(self.paths.get(path, path))

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *args):
        pass


def main(out: Path, names: list[str]) -> None:
    """Write, serve, look."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out / "static", ignore_errors=True)
    shutil.copytree(settings.BASE_DIR / "static", out / "static")
    shutil.copytree(Path(django_htmx.__file__).parent / "static" / "django_htmx", out / "static" / "django_htmx")
    for name in names:
        template, path, values = PAGES[name]
        request = RequestFactory().get(path, {"state": "open"} if "list" in template else {})
        request.user = Thing(is_authenticated=True, must_change_password=False)
        request.htmx = Thing(target=None)
        request.number = "0a1b2c3d4e5f"
        frame = shell(path)
        engine = get_template(template)
        context = {"shell": frame, "now": AT, "user": request.user, **values()}
        (out / f"{name}.html").write_text(engine.render(context, request))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_chromium())
        for theme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1)
                page.add_init_script(f"localStorage.setItem('wy-theme', '{theme}')")
                said = []
                page.on("console", lambda message, said=said: said.append(message.text) if message.type in ("error", "warning") else None)
                page.on("pageerror", lambda fault, said=said: said.append(str(fault)))
                for name in names:
                    said.clear()
                    Handler.paths = {PAGES[name][1]: f"/{name}.html"}
                    page.goto(f"http://127.0.0.1:{server.server_port}{PAGES[name][1]}")
                    page.wait_for_timeout(350)
                    page.screenshot(path=out / f"{name}-{size}-{theme}.png", full_page=False)
                    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                    session = page.context.new_cdp_session(page)
                    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
                    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
                    faults = [f"{one['id']}: {node['target']} {node['failureSummary'][:160]!r}" for one in found["violations"] for node in one["nodes"][:4]]
                    print(f"{name:8} {size:5} {theme:5} overflow={wide} axe={len(faults)} console={len(said)}")
                    for one in (*faults, *said):
                        print("   ", one)
                page.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(PAGES))
