"""The words of a message: from notices, written at the moment of sending."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from core import civil
from core.privacy import scrub
from notices.models import Notice

KINDS = {
    "escalation": "超时督办", "warning": "临期提醒", "dispatch": "新交办", "arrival": "新工单", "nudge": "催办", "alarm": "告警",
    "unheard": "无人接收", "undelivered": "发送失败", "roster": "值班空档", "roster_unset": "未设值班岗", "spot_call": "电话抽查",
}  # fmt: skip
UNITS_NAMED = 5


@dataclass(frozen=True)
class Words:
    """A message as it is read: headline, text, where it leads, and its lines one by one."""

    subject: str
    body: str
    link: str
    lines: list[dict]


def line_key(notice: Notice) -> str:
    """Notices of the same key say the same thing, and are said once to one recipient."""
    if notice.kind in ("escalation", "warning"):
        return f"d{notice.data.get('deadline')}:{notice.data.get('level')}:{notice.data.get('due_at')}"
    return f"n{notice.pk}"


def line_of(notice: Notice) -> dict:
    """One line of a message: {key, text, link, level}. It never fails: a notice that lacks something is told as it stands."""
    if notice.kind in ("escalation", "warning"):
        try:
            return _deadline_line(notice)
        except (KeyError, TypeError, ValueError):
            pass
    text = f"{notice.subject}\n{notice.body}" if notice.body else notice.subject
    return {"key": line_key(notice), "text": scrub(text), "link": notice.link, "level": notice.level}


def compose(notices: list[Notice], *, kinds: Counter, units: Counter) -> Words:
    """One message for many notices. `notices` are the gravest, which are listed; `kinds` and `units` count all of them."""
    lines = [line_of(notice) for notice in notices]
    total = kinds.total()
    if total == 1:
        subject, _, rest = lines[0]["text"].partition("\n")
        return Words(subject=subject, body=rest or subject, link=lines[0]["link"], lines=lines)
    named = "、".join(f"{KINDS.get(kind, '通知')} {count} 件" for kind, count in _tally(kinds).most_common())
    subject = f"{named}" if len(_tally(kinds)) == 1 else f"共 {total} 件：{named}"
    head = []
    if len(units) > 1 or (units and total > len(notices)):
        shown = "、".join(f"{unit} {count} 件" for unit, count in units.most_common(UNITS_NAMED))
        more = f"等 {len(units)} 家" if len(units) > UNITS_NAMED else ""
        head = [f"责任单位：{shown}{more}"]
    rows = []
    for number, line in enumerate(lines, 1):
        first, _, rest = line["text"].partition("\n")
        rows.append(f"{number}. {first}" + (f"（{' '.join(rest.split())}）" if rest else ""))
    foot = [f"以上为最急的 {len(lines)} 件，其余 {total - len(lines)} 件请到平台查看。"] if total > len(lines) else []
    link = "/tickets/?late=1" if kinds["escalation"] == total else "/inbox/"
    return Words(subject=subject, body="\n".join([*head, *rows, *foot]), link=link, lines=lines)


def _tally(kinds: Counter) -> Counter:
    """Kinds by the word with which they are named."""
    tally = Counter()
    for kind, count in kinds.items():
        tally[kind if kind in KINDS else "note"] += count
    return tally


def _deadline_line(notice: Notice) -> dict:
    data = notice.data
    due = datetime.fromisoformat(data["due_at"])
    label, stage, unit = data["label"], data["stage"], data["unit"]
    if notice.kind == "warning":
        left = civil.spell(due - notice.created_at)
        text = f"还剩 {left}：{label} {stage}，须于 {civil.spoken(due, reference=notice.created_at)} 前完成（{unit}）"
    else:
        gone = notice.created_at - due
        late = f"超时 {civil.spell(gone)}" if gone.total_seconds() >= 60 else "已超时"
        said = f"，建议{data['proposal']}" if data.get("proposal") else ""
        text = f"{late}：{label} {stage}，责任单位 {unit}，{data['level']} 级督办{said}"
    link = data.get("link") or (f"/tickets/{label}/" if label.startswith("WY-") else "/escalations/")
    return {"key": line_key(notice), "text": scrub(text), "link": link, "level": notice.level}
