"""The second factor 两步验证: a code from the person's own phone, beside the password (等保 8.1.4.1 d, S6).

Codes are those of RFC 6238 (six digits, thirty seconds), so any authenticator or mini-program shows them. A code is good
once, within one step of the clock either way.
"""

import hashlib
import hmac
import secrets
from base64 import b32encode
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction
from django_otp.oath import TOTP

from core import journal, limits
from core.errors import Conflict, Invalid
from units import access
from units.models import SecondFactor, User
from units.people import end_sessions

ISSUER = "未央供热指挥平台"
STEP, DRIFT = 30, 1  # seconds a code lasts; steps that a phone's clock may be off
RECOVERY_CODES = 10
WRONG_AN_HOUR = 10
# Who may look at numbers, export, oversee, or keep the keys: everybody but those who only read or only inspect.
WEIGHTY = (access.HANDLE_TICKETS, access.DISPATCH_TICKETS, access.SUPERVISE, access.ADMINISTER, access.GRANT, access.AUDIT)


def of(user: User) -> SecondFactor | None:
    """Somebody's second factor, once it is in use."""
    return SecondFactor.objects.filter(user=user, since__isnull=False).first()


def is_enrolled(user: User) -> bool:
    """Whether somebody has a second factor in use."""
    return of(user) is not None


def is_owed(user: User) -> bool:
    """Whether somebody must have one: where the portal requires it, by what their rights let them do."""
    return settings.SECOND_FACTOR == "required" and not user.is_service and any(access.unit_ids(user, verb) for verb in WEIGHTY)


@transaction.atomic
def begin(user: User) -> str:
    """A secret to be scanned, not in use before a code proves that the phone has it. The same until then."""
    factor, _ = SecondFactor.objects.select_for_update().get_or_create(user=user)
    if not factor.pending:
        factor.pending = secrets.token_hex(20)
        factor.save(update_fields=["pending"])
    return factor.pending


@transaction.atomic
def enrol(user: User, code: str, *, at: datetime) -> list[str]:
    """The phone is proved: its secret is in use from now on, an older one no more. The recovery codes, shown once."""
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None or not factor.pending:
        raise Conflict("请重新打开两步验证页面")
    step = _step_of(factor.pending, code, at, after=-1)
    if step is None:
        raise Invalid("验证码不正确，请核对手机时间后再输", field="code")
    codes = ["-".join((secrets.token_hex(2), secrets.token_hex(2), secrets.token_hex(2))) for _ in range(RECOVERY_CODES)]
    factor.secret, factor.pending, factor.since, factor.last_step = factor.pending, "", at, step
    factor.recovery = [_digest(user, one) for one in codes]
    factor.save()
    journal.record(user, "second_factor", actor=user, at=at)
    return codes


def verify(user: User, code: str, *, at: datetime) -> None:
    """A code from the phone, or a recovery code, is right and was not used before. Invalid otherwise; TooMany after ten wrong an hour."""
    tries = ("second-factor", str(user.pk))
    limits.allow(*tries, most=WRONG_AN_HOUR, window=timedelta(hours=1), at=at, message="验证码错误次数过多，请一小时后再试，或联系管理员重置")
    how = _accept(user, code.strip().lower(), at)
    if not how:
        limits.count(*tries, window=timedelta(hours=1), at=at)
        journal.record(user, "second_factor_wrong", actor=user, at=at)
        raise Invalid("验证码不正确或已用过", field="code")
    if how == "recovery":
        journal.record(user, "recovery_code", actor=user, at=at, left=SecondFactor.objects.get(user=user).recovery_left)


@transaction.atomic
def reset(user: User, *, actor, at: datetime, reason: str) -> None:
    """The phone is lost: an administrator takes the factor away; all sessions end, the next sign-in asks for a new one."""
    if not reason.strip():
        raise Invalid("请写明重置理由", field="reason")
    if actor is not None and actor.pk == user.pk:
        raise Conflict("不能重置自己的两步验证，请由其他管理员办理")
    if not SecondFactor.objects.filter(user=user).delete()[0]:
        raise Conflict("该账号没有启用两步验证")
    end_sessions(user)
    journal.record(user, "reset_second_factor", actor=actor, at=at, reason=reason.strip()[:200])


def address(user: User, secret: str) -> str:
    """What the code to scan holds."""
    label = quote(f"{ISSUER}:{user.username}")
    return f"otpauth://totp/{label}?{urlencode({'secret': readable(secret), 'issuer': ISSUER})}"


def readable(secret: str) -> str:
    """The secret for typing, where nothing can be scanned."""
    return b32encode(bytes.fromhex(secret)).decode().rstrip("=")


def code_at(secret: str, at: datetime) -> str:
    """The code that a phone with this secret shows at a moment."""
    return f"{_totp(secret, at).token():06d}"


@transaction.atomic
def _accept(user: User, code: str, at: datetime) -> str:
    factor = SecondFactor.objects.select_for_update().filter(user=user, since__isnull=False).first()
    if factor is None:
        return ""
    step = _step_of(factor.secret, code, at, after=factor.last_step)
    if step is not None:
        factor.last_step = step
        factor.save(update_fields=["last_step"])
        return "phone"
    digest = _digest(user, code)
    if any(hmac.compare_digest(digest, one) for one in factor.recovery):
        factor.recovery = [one for one in factor.recovery if one != digest]
        factor.save(update_fields=["recovery"])
        return "recovery"
    return ""


def _step_of(secret: str, code: str, at: datetime, *, after: int) -> int | None:
    """The step of the clock to which a code belongs, when it is near and later than `after`."""
    if not (code.isascii() and code.isdigit() and len(code) == 6):
        return None
    totp = _totp(secret, at)
    for drift in range(-DRIFT, DRIFT + 1):
        totp.drift = drift
        if hmac.compare_digest(f"{totp.token():06d}", code) and totp.t() > after:
            return totp.t()
    return None


def _totp(secret: str, at: datetime) -> TOTP:
    totp = TOTP(bytes.fromhex(secret), step=STEP, digits=6)
    totp.time = at.timestamp()
    return totp


def _digest(user: User, code: str) -> str:
    return hashlib.sha256(f"{user.pk}|{code}".encode()).hexdigest()
