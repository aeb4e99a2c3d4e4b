"""The words of a message: from notices, written at the moment of sending."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from core import civil
from notices.models import Notice


@dataclass(frozen=True)
class Words:
    """A message as it is read: headline, text, where it leads, and its lines one by one."""

    subject: str
    body: str
    link: str
    lines: list[dict]


def line_of(notice: Notice) -> dict:
    """One line of a message: {key, text, link, level}. Notices of the same line are said once."""
    if notice.kind in ("escalation", "warning"):
        return _deadline_line(notice)
    text = f"{notice.subject}\n{notice.body}" if notice.body else notice.subject
    return {"key": f"n{notice.pk}", "text": text, "link": notice.link, "level": notice.level}


def compose(notices: list[Notice], *, total: int) -> Words:
    """One message for all of `notices`; `total` counts those that are not listed, too."""
    lines = [line_of(notice) for notice in notices]
    if total == 1:
        only, line = notices[0], lines[0]
        subject = line["text"].split("\n")[0] if only.kind in ("escalation", "warning") else only.subject
        return Words(subject=subject, body=line["text"], link=line["link"], lines=lines)
    kinds = Counter(notice.kind for notice in notices)
    named = "、".join(f"{_KINDS.get(kind, '通知')} {count} 件" for kind, count in kinds.most_common())
    subject = f"共 {total} 件：{named}" if total == len(notices) else f"共 {total} 件，以下为其中最急的 {len(notices)} 件"
    body = "\n".join(f"{number}. {line['text']}" for number, line in enumerate(lines, 1))
    link = "/tickets/?late=1" if kinds["escalation"] else "/inbox/"
    return Words(subject=subject, body=body, link=link, lines=lines)


_KINDS = {"escalation": "超时督办", "warning": "临期提醒", "dispatch": "新交办", "arrival": "新工单", "nudge": "催办", "alarm": "告警"}


def _deadline_line(notice: Notice) -> dict:
    data = notice.data
    due = datetime.fromisoformat(data["due_at"])
    gone = notice.created_at - due
    if notice.kind == "warning":
        text = f"临期：{data['label']} {data['stage']}应于 {civil.spoken(due, reference=notice.created_at)} 前完成（{data['unit']}）"
    else:
        said = f"，建议{data['proposal']}" if data.get("proposal") else ""
        text = (
            f"超时 {civil.spell(gone)}：{data['label']} {data['stage']}，责任单位 {data['unit']}，"
            f"{data['level']} 级督办{said}"
        )  # fmt: skip
    link = f"/tickets/{data['label']}/" if data["label"].startswith("WY-") else "/escalations/"
    return {"key": f"d{data['deadline']}:{data['level']}", "text": text, "link": link, "level": notice.level}
