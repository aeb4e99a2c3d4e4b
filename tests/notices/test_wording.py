"""How one, two and sixty things read."""

from collections import Counter
from datetime import timedelta

from notices.models import Notice
from notices.wording import compose, line_of
from tests.notices.world import NOON


def late(number, *, company="甲热力", level=1, minutes=42, proposal="") -> Notice:
    due = NOON - timedelta(minutes=minutes)
    data = {
        "deadline": number, "label": f"WY-20251120-{number:04d}", "stage": "首次响应", "unit": company, "due_at": due.isoformat(),
        "level": level, "proposal": proposal,
    }  # fmt: skip
    return Notice(pk=number, kind="escalation", level=level, subject=data["label"], data=data, created_at=NOON)


def words(notices, *, shown=50):
    kinds = Counter(notice.kind for notice in notices)
    units = Counter(notice.data["unit"] for notice in notices if notice.kind == "escalation")
    return compose(notices[:shown], kinds=kinds, units=units)


def test_one_case_says_everything_in_its_headline():
    said = words([late(1)])
    assert said.subject == "超时 42 分钟：WY-20251120-0001 首次响应，责任单位 甲热力，1 级督办"
    assert said.link == "/tickets/WY-20251120-0001/"


def test_a_proposal_is_named():
    assert words([late(1, level=4, minutes=130, proposal="通报")]).subject == (
        "超时 2 小时 10 分：WY-20251120-0001 首次响应，责任单位 甲热力，4 级督办，建议通报"
    )


def test_at_the_breach_itself_no_zero_seconds_are_counted():
    assert line_of(late(1, minutes=0))["text"].startswith("已超时：")


def test_a_warning_names_what_is_left():
    warning = late(1, minutes=-12, level=0)
    warning.kind = "warning"
    assert line_of(warning)["text"] == "还剩 12 分钟：WY-20251120-0001 首次响应，须于 12:12 前完成（甲热力）"


def test_two_cases_are_numbered():
    said = words([late(1), late(2)])
    assert said.subject == "超时督办 2 件"
    assert said.body == (
        "1. 超时 42 分钟：WY-20251120-0001 首次响应，责任单位 甲热力，1 级督办\n2. 超时 42 分钟：WY-20251120-0002 首次响应，责任单位 甲热力，1 级督办"
    )
    assert said.link == "/tickets/?late=1"


def test_sixty_cases_say_whose_they_are_and_what_is_not_listed():
    said = words([late(number, company="甲热力" if number % 3 else "乙热力") for number in range(1, 61)])
    rows = said.body.split("\n")
    assert said.subject == "超时督办 60 件"
    assert rows[0] == "责任单位：甲热力 40 件、乙热力 20 件"
    assert rows[-1] == "以上为最急的 50 件，其余 10 件请到平台查看。"
    assert len(rows) == 52


def test_different_things_are_counted_by_kind():
    dispatch = Notice(pk=9, kind="dispatch", subject="新交办（承办）：WY-9 不热", body="请 15 分钟内响应", link="/tickets/WY-9/", created_at=NOON)
    said = words([late(1), late(2), dispatch])
    assert said.subject == "共 3 件：超时督办 2 件、新交办 1 件"
    assert said.body.endswith("3. 新交办（承办）：WY-9 不热（请 15 分钟内响应）")
    assert said.link == "/inbox/"


def test_a_plain_notice_is_subject_and_body():
    note = Notice(pk=1, kind="note", subject="退单待裁定：WY-1", body="不在供热范围", link="/tickets/WY-1/", created_at=NOON)
    said = words([note])
    assert (said.subject, said.body, said.link) == ("退单待裁定：WY-1", "不在供热范围", "/tickets/WY-1/")
