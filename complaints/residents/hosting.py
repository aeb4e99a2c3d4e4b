"""A company's own account hosts 码上暖 (G22): keys to sign with, whose page may hold ours, and what a signature proves.

A request is signed over its method, path, moment, nonce and body: nobody can make, change or send one again without the
secret. What comes in is the same complaint as from the page, and the same submission sent again is the same ticket.
"""

import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.db import transaction

from complaints.models import Code, CodeScope, HostedAccount
from complaints.residents import codes
from core import journal, limits, signatures
from core.errors import Conflict, Invalid, PortalError
from core.signatures import WITHIN
from units.models import Kind, Unit

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "公众号接入.md"
MOST_A_MINUTE = 600
MOST_ORIGINS = 10
_NONCE = re.compile(r"[0-9A-Za-z_-]{16,64}")


class BadSignature(PortalError):
    """The request proves no account: 401."""

    status, code = 401, "not_authenticated"


@transaction.atomic
def issue(company: Unit, *, name: str, origins: list[str], actor, at: datetime) -> tuple[HostedAccount, str]:
    """A new account of a heating company, and its secret, told this once. Forbidden; Invalid (company, name, origins)."""
    codes.require_keeper(actor, company)
    if company.kind != Kind.HEATING:
        raise Invalid("请选择供热企业", field="company")
    if not name.strip():
        raise Invalid("请填写名称，如“一热力公众号”", field="name")
    secret = secrets.token_urlsafe(32)
    account = HostedAccount.objects.create(
        company=company, name=name.strip()[:40], key=secrets.token_hex(8), secret=secret, origins=_origins(origins), issued_at=at, issued_by=actor, is_demo=company.is_demo
    )
    journal.record(account, "issue", actor=actor, at=at, unit=company.code, name=account.name, origins=account.origins)
    return account, secret


def _origins(said: list[str]) -> list[str]:
    """Sites as `https://host[:port]`. Invalid for anything else: a policy must not be widened by a stray word."""
    found = []
    for text in dict.fromkeys(one.strip().rstrip("/") for one in said if one.strip()):
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            parts = None
        if parts is None or parts.scheme != "https" or parts.path or parts.query or parts.fragment or not re.fullmatch(r"[a-z0-9.-]+(:\d{1,5})?", parts.netloc):
            raise Invalid(f"“{text[:60]}”应为 https:// 开头的网站，不带路径", field="origins")
        found.append(text)
    if len(found) > MOST_ORIGINS:
        raise Invalid(f"最多 {MOST_ORIGINS} 个网站", field="origins")
    return found


@transaction.atomic
def renew(account: HostedAccount, *, actor, at: datetime) -> str:
    """Another secret for the same account; the old one proves nothing from now on. Forbidden; Conflict once revoked."""
    codes.require_keeper(actor, account.company)
    secret = secrets.token_urlsafe(32)
    if not HostedAccount.objects.filter(pk=account.pk, revoked_at=None).update(secret=secret):
        raise Conflict("该接入已停用")
    journal.record(account, "renew", actor=actor, at=at, unit=account.company.code)
    return secret


@transaction.atomic
def revoke(account: HostedAccount, *, reason: str, actor, at: datetime) -> None:
    """The account opens nothing any more. Forbidden; Invalid (reason); Conflict."""
    codes.require_keeper(actor, account.company)
    if not reason.strip():
        raise Invalid("请写明停用原因", field="reason")
    if not HostedAccount.objects.filter(pk=account.pk, revoked_at=None).update(revoked_at=at, revoked_reason=reason.strip()[:120]):
        raise Conflict("该接入已停用")
    journal.record(account, "revoke", actor=actor, at=at, unit=account.company.code, reason=reason.strip())


def kept_by(user):
    """The accounts that `user` looks after: the bureau all, a company its own."""
    found = HostedAccount.objects.select_related("company").order_by("revoked_at", "company__position", "id")
    own = codes.kept_companies(user)
    return found if own is None else found.filter(company__in=own)


def prove(headers, *, method: str, path: str, body: bytes, at: datetime) -> HostedAccount:
    """The account that signed a request. BadSignature in one wording for all that proves nothing; TooMany beyond the account's rate."""
    key, moment, nonce, given = (headers.get(name, "") for name in ("X-App-Key", "X-Timestamp", "X-Nonce", "X-Signature"))
    account = HostedAccount.objects.filter(key=key.replace("\x00", "")[:32], revoked_at=None, company__is_active=True).select_related("company").first()
    is_signed = signatures.holds(given, account.secret if account else "-", method=method, path=path, moment=moment, nonce=nonce, body=body)
    if account is None or not is_signed:
        raise BadSignature("签名不正确，或应用标识已停用")
    if not signatures.is_fresh(moment, at=at):
        raise BadSignature("时间戳不在前后 5 分钟之内，请校准时钟")
    if not _NONCE.fullmatch(nonce):
        raise BadSignature("X-Nonce 应为 16 至 64 位字母或数字")
    # Two windows long: a nonce used at the end of one is still known at the beginning of the next.
    seen = limits.counted("hosted-nonce", f"{account.pk}:{nonce}", window=4 * WITHIN, at=at - 4 * WITHIN)
    if seen or limits.count("hosted-nonce", f"{account.pk}:{nonce}", window=4 * WITHIN, at=at) > 1:
        raise BadSignature("X-Nonce 已用过；重新提交请换一个，client_id 不变即不会重复")
    limits.require("hosted-account", str(account.pk), most=MOST_A_MINUTE, window=timedelta(minutes=1), at=at)
    return account


def door_of(account: HostedAccount) -> Code:
    """The company's place, as if its code had been scanned; never saved."""
    return Code(scope=CodeScope.COMPANY, company=account.company, is_demo=account.is_demo)


def frames_of(company: Unit | None) -> list[str]:
    """The sites that may hold the pages of a company's residents in a frame."""
    if company is None:
        return []
    rows = HostedAccount.objects.filter(company=company, revoked_at=None).values_list("origins", flat=True)
    return list(dict.fromkeys(origin for origins in rows for origin in origins))
