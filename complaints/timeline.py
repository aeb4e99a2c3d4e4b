"""A ticket's history in words: journal entries as people read them."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from complaints import access as ticket_access
from complaints.lifecycle import CONTACTS
from complaints.models import Callback, Category, Evidence, Source, Ticket
from core import journal
from core.civil import SHANGHAI
from core.errors import PortalError
from core.privacy import mask_name, scrub
from units import access
from units.models import Unit

ICONS = {
    "receive": "ticket", "dispatch": "route", "respond": "phone-call", "arrive": "map-pin", "nobody_home": "map-pin-off",
    "finish": "tool", "callback_progress": "phone", "callback_result": "user-check", "close": "circle-check", "reopen": "rotate",
    "return": "arrow-back-up", "return_dropped": "arrow-back-up", "rule": "gavel", "transfer": "route", "escalate": "alarm", "appointment": "calendar-due",
    "supplement": "message-plus", "nudge": "bell-ringing", "void": "ban", "link": "copy", "repeat_call": "copy", "reveal": "eye",
    "join_outage": "tool", "leave_outage": "tool",
    "assist_done": "checks", "assist_waived": "check", "attach": "photo", "scan": "qrcode",
    "withdraw": "arrow-back-up", "no_show": "map-pin-off", "rate": "star", "ledger": "clipboard-list",
}  # fmt: skip
TONES = {"respond": "g", "arrive": "g", "finish": "g", "close": "g", "dispatch": "b", "rule": "b", "escalate": "r", "reopen": "a", "return": "a", "nobody_home": "a", "no_show": "r", "withdraw": "a"}
NAMES = {
    "receive": "转入", "dispatch": "交办", "respond": "响应", "arrive": "到场", "nobody_home": "到场未遇", "finish": "办结",
    "callback_progress": "进度回访", "callback_result": "结果回访", "close": "销号", "reopen": "重办", "return": "申请退单", "return_dropped": "退单撤回", "rule": "退单裁定",
    "transfer": "转派", "escalate": "超时督办", "appointment": "改约", "supplement": "诉求补充", "nudge": "催办", "void": "作废",
    "link": "并案", "unlink": "撤销并案", "repeat_call": "重复来电", "repeat_undone": "撤销重复来电", "reveal": "查看联系方式",
    "assist_done": "协办办结", "assist_waived": "免除协办", "waits_for_assists": "等待协办办结", "set_aside": "时限异常", "sign": "签收督办",
    "attach": "上传附件", "join_outage": "关联停热", "leave_outage": "取消关联停热", "demo": "演示", "scan": "扫码提交", "withdraw": "住户撤回", "no_show": "住户反映无人上门", "rate": "住户评价", "contradiction": "不一致认定", "cluster_joined": "并入集中诉求",
    "cluster_left": "移出集中诉求", "ledger": "列入台账",
}  # fmt: skip
HOPS = {"hotline": "市热线转区", "dispatch": "交办环节", "import": "导入环节"}
# What only staff of the district see: the doer's side is told nothing of who looked at what, nor of another unit's problems.
INNER = ("reveal", "ledger")
_NUMBER = re.compile(r"WY-\d{8}-\d{6}")


@dataclass(frozen=True)
class Line:
    """One line of the timeline, ready to be shown."""

    at: datetime
    act: str
    name: str
    who: str
    unit: str
    unit_code: str
    text: str
    note: str
    icon: str
    tone: str
    data: dict


def of(user, ticket: Ticket) -> list[Line]:
    """The journal of a ticket as `user` may read it, oldest first. Companies are not told who looked at personal data.

    Numbers of tickets of which the reader may not know are blotted out.
    """
    inner = not access.is_company(user)
    entries = [entry for entry in journal.of(ticket) if inner or entry.act not in INNER]
    codes = {entry.unit_code for entry in entries} | {
        code for entry in entries for code in _codes(entry.data)
    }
    names = {unit.code: str(unit) for unit in Unit.objects.filter(code__in=codes - {""})}
    lines = [_line(entry, names) for entry in entries]
    foreign = ticket_access.others(user, ticket, {number for line in lines for number in _NUMBER.findall(f"{line.text} {line.note}")})
    return [replace(line, text=_blotted(line.text, foreign), note=_blotted(line.note, foreign)) for line in lines] if foreign else lines


def _blotted(text: str, numbers: set[str]) -> str:
    return _NUMBER.sub(lambda found: "另一工单" if found.group() in numbers else found.group(), text)


def _codes(data: dict) -> list[str]:
    codes = [data.get(name) for name in ("lead", "doer", "proposed_unit", "unit_from", "unit_to", "assist", "owner")]
    return [code for code in (*codes, *data.get("assists", []), *data.get("watches", [])) if isinstance(code, str)]


def _line(entry, names: dict[str, str]) -> Line:
    said = _TEXTS.get(entry.act)
    try:
        text = said(entry.data, names) if said else ""
    except (KeyError, TypeError, ValueError, PortalError):
        text = ""
    return Line(
        at=entry.at, act=entry.act, name=NAMES.get(entry.act, entry.act), who=mask_name(entry.actor_name) if entry.actor_id else "",
        unit=names.get(entry.unit_code, "") or ("系统" if entry.actor_id is None else ""), unit_code=entry.unit_code, text=text,
        note=scrub(entry.reason), icon=ICONS.get(entry.act, "point"), tone=TONES.get(entry.act, ""), data=entry.data,
    )  # fmt: skip


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(SHANGHAI):%m-%d %H:%M}"


def _received(data: dict, names: dict) -> str:
    said = f"{Source(data['source']).label}，来电 {_moment(data['called_at'])}"
    return said + (f"；到达时已超时（{HOPS.get(data['arrival_hop'], '')}）" if data.get("late_on_arrival") else "")


def _dispatched(data: dict, names: dict) -> str:
    said = f"{Category(data['category']).label} → 主办 {names.get(data['lead'], data['lead'])}，承办 {names.get(data['doer'], data['doer'])}"
    if data.get("assists"):
        said += f"；协办 {'、'.join(names.get(code, code) for code in data['assists'])}"
    if data.get("watches"):
        said += f"；督促 {'、'.join(names.get(code, code) for code in data['watches'])}"
    return said + (f"（依据 {data['clause']}）" if data.get("clause") else "")


def _arrived(data: dict, names: dict) -> str:
    said = Evidence.Kind(data["evidence"]).label
    return f"{said}，到场 {_moment(data['arrived_at'])}{'，待核' if data.get('to_verify') else ''}"


def _finished(data: dict, names: dict) -> str:
    said = f"原因：{data['cause']}；措施：{data['measure']}"
    rooms = "、".join(f"{one['room']} {one['celsius']}℃" for one in data.get("readings", []))
    return scrub(said + (f"；测温：{rooms}" if rooms else ""))


def _called_back(data: dict, names: dict) -> str:
    if not data["reached"]:
        return "未接通"
    said = [{True: "已解决", False: "未解决", None: ""}[data.get("solved")]]
    said.append({"satisfied": "满意", "acceptable": "基本满意", "dissatisfied": "不满意"}.get(data.get("satisfaction"), ""))
    return "，".join(word for word in said if word) or "已告知进度"


def _escalated(data: dict, names: dict) -> str:
    stage = {"response": "响应", "visit": "上门", "callback": "回访", "city": "市交办时限", "dispatch": "交办", "assist": "协办", "ruling": "退单裁定"}
    said = f"{stage.get(data['stage'], data['stage'])}超时，{data['level']} 级督办，报区城管执法局"
    return said + (f"（{'、'.join(map(str, data['collapsed']))} 级合并）" if data.get("collapsed") else "")


_TEXTS = {
    "receive": _received,
    "dispatch": _dispatched,
    "respond": lambda data, names: f"已{CONTACTS[data['channel']]}联系诉求人",
    "arrive": _arrived,
    "nobody_home": _arrived,
    "finish": _finished,
    "callback_progress": _called_back,
    "callback_result": _called_back,
    "close": lambda data, names: {"solved": "诉求已解决", "unreachable": "多次回访未接通", "with_parent": f"随 {data.get('parent')} 销号"}[data["how"]],
    "reopen": lambda data, names: f"进入第 {data['round']} 轮，重新计时" + ("；属地街道到场协调" if data.get("street_on_site") else ""),
    "return": lambda data, names: f"建议由 {names.get(data['proposed_unit'], data['proposed_unit'])} 承办" + ("（已逾退单时限）" if data.get("past_window") else ""),
    "rule": lambda data, names: f"同意，转 {names.get(data['unit_to'])} 承办" if data["accepted"] else "不予退单，原承办单位继续办理，时限照计",
    "transfer": lambda data, names: f"{names.get(data['unit_from'])} → {names.get(data['unit_to'])}",
    "escalate": _escalated,
    "appointment": lambda data, names: f"约定 {_moment(data['visit_at'])} 上门" + ("，住户已确认" if data["confirmed"] else "，住户未确认") + ("，上门时限顺延" if data["moved_clock"] else "，时限不变"),
    "supplement": lambda data, names: "、".join(_FIELDS.get(name, name) for name in data["changes"]),
    "link": lambda data, names: f"并入 {data['to']}",
    "unlink": lambda data, names: f"撤销并入 {data['to']}",
    "repeat_call": lambda data, names: f"重复来电 {data['of']}",
    "reveal": lambda data, names: _FIELDS.get(data["field"], data["field"]),
    "attach": lambda data, names: data.get("name", ""),
    "join_outage": lambda data, names: "本小区正在抢修停热，照常计时",
    "leave_outage": lambda data, names: "另有原因",
    "contradiction": lambda data, names: ("属实" if data["upheld"] else "不属实") + "：" + "；".join(data["contradicts"]),
    "ledger": lambda data, names: f"问题台账 {data['finding']}，责任单位 {names.get(data['owner'], data['owner'])}",
    "no_show": lambda data, names: "企业登记已到场，待核" if data.get("claimed") else "",
    "rate": lambda data, names: "；".join(["已解决" if data["solved"] else "未解决", Callback.Satisfaction(data["satisfaction"]).label, *data.get("contradicts", [])]),
}
_FIELDS = {
    "content": "内容", "complainant_phone": "联系电话", "complainant_name": "姓名", "address": "地址", "building": "楼栋",
    "city_due_at": "市交办时限", "district_due_at": "区交办时限", "district_no": "区平台编号", "is_confidential": "保密", "extra": "附加信息",
    "community": "小区",
}  # fmt: skip
