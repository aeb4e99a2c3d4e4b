"""What the audit administrator reads: the journal as it is written, whole and unchangeable (S8, S9; 等保 8.1.4.3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet

from core import anchors, civil
from core.errors import Invalid
from core.models import Entry
from core.paging import Page, page

MOST_REVEALS_A_DAY = 50  # numbers looked at by one person in a day, from which on the day is worth a question (S10)
# What an auditor asks for first; everything else is found by its own word.
KINDS = {
    "sign": ("登录与退出", ("sign_in", "sign_out", "second_factor_wrong", "recovery_code", "dormant", "wake")),
    "rights": ("账号与权限", ("register", "enrol", "leave", "switch_off", "reset_password", "reset_second_factor", "issue_token", "demand_signature", "revoke_token", "appoint")),
    "seen": ("查看与导出", ("reveal", "export")),
    "set": ("方案与地址", ("load_plan", "endpoint_add", "endpoint_change", "endpoint_on", "endpoint_off", "policy_change")),
}
NAMES = {
    "sign_in": "登录", "sign_out": "退出", "second_factor": "启用两步验证", "second_factor_wrong": "两步验证码错误", "recovery_code": "用恢复码登录",
    "register": "新增账号", "enrol": "授权", "leave": "收回授权", "switch_off": "停用账号", "dormant": "账号休眠", "wake": "唤醒账号",
    "reset_password": "重置密码", "change_password": "修改密码", "reset_second_factor": "重置两步验证", "issue_token": "发放令牌", "demand_signature": "令牌须签名", "revoke_token": "吊销令牌",
    "appoint": "任命职务", "reveal": "查看号码", "export": "导出", "load_plan": "载入方案", "endpoint_add": "新增接收地址", "endpoint_change": "变更接收地址",
    "endpoint_on": "启用接收地址", "endpoint_off": "停用接收地址", "dispatch": "交办", "respond": "响应", "arrive": "到场", "finish": "办结", "callback": "回访",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Which entries: of a group, an act, a person, a subject, from a day to a day (both included)."""

    kind: str = ""
    act: str = ""
    actor: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, params) -> "Asked":
        """From an address. Invalid for a group or a day that is none."""
        said = cls(*(params.get(name, "").strip()[:64] for name in ("kind", "act", "actor", "subject", "since", "until")))
        if said.kind and said.kind not in KINDS:
            raise Invalid("没有这一类事项", field="kind")
        return said


def entries(asked: Asked) -> QuerySet[Entry]:
    """The journal's entries that were asked for."""
    found = Entry.objects.all()
    if asked.kind:
        found = found.filter(act__in=KINDS[asked.kind][1])
    if asked.act:
        found = found.filter(act=next((code for code, name in NAMES.items() if name == asked.act), asked.act))
    if asked.actor:
        found = found.filter(actor_name=asked.actor)
    if asked.subject:
        found = found.filter(subject_key=asked.subject)
    if asked.since:
        found = found.filter(at__gte=civil.day_bounds(civil.day_of(civil.parse(asked.since, field="since")))[0])
    if asked.until:
        found = found.filter(at__lt=civil.day_bounds(civil.day_of(civil.parse(asked.until, field="until")))[1])
    return found


def listed(asked: Asked, cursor: str | None) -> Page:
    """A page of them, newest first, each with its act in words."""
    found = page(entries(asked), order=("-position",), cursor=cursor)
    for entry in found.rows:
        entry.act_name = NAMES.get(entry.act, entry.act)
    return found


def curious(at: datetime) -> list[tuple[str, int]]:
    """Who looked at as many residents' numbers within a day as no day's work explains."""
    rows = Entry.objects.filter(act="reveal", at__gte=at - timedelta(days=1)).values_list("actor_name").annotate(seen=Count("pk"))
    return [(name, seen) for name, seen in rows.order_by("-seen") if seen >= MOST_REVEALS_A_DAY]


def newest_anchors() -> list:
    """The journal's heads of the latest days, as they were published."""
    return anchors.newest(7)
