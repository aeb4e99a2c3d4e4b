"""Demonstration tickets: complaints of the last two days, with what happened to each, minute by minute."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from complaints import dispatching, intake, lifecycle
from complaints.intake import Intake
from complaints.lifecycle import Arrival
from complaints.models import Ticket
from heating.rehearsal import Event
from plants.temperatures import Reading
from units.models import User


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


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """What came in during the two days before `until`, and what was done about it."""
    people = {user.username: user for user in User.objects.filter(username__in=("bureau", "dispatcher"))}
    for index, story in enumerate(STORIES):
        start = until - timedelta(minutes=story.ago)
        teller = _Teller(story, index, people)
        if start < since:
            continue
        yield start, teller.receive
        for act, after in story.acts:
            if after <= story.ago:
                yield start + timedelta(minutes=after), partial(teller.do, act)


@dataclass
class _Teller:
    """Tells one story: remembers the number that its ticket was given."""

    story: Story
    index: int
    people: dict[str, User]
    number: str = ""

    def receive(self, at: datetime) -> None:
        """The complaint comes in."""
        self.number = _receive(self.story, self.index, self.people["dispatcher" if self.story.source == "12345" else "bureau"], at)

    def do(self, act: str, at: datetime) -> None:
        """What happened next."""
        ticket = Ticket.objects.select_related("lead", "doer", "street", "community").get(number=self.number)
        _do(ticket, act, self.people["dispatcher"], at)


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

