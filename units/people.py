"""People come, change and go: accounts, passwords, posts. Nobody is deleted; who leaves is switched off and signed out."""

import secrets
import string
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Greatest

from core import journal
from core.errors import Conflict, Invalid
from units import access
from units.models import ApiToken, Holding, Membership, Post, Unit, User
from units.passwords import KEPT

_ALPHABET = string.ascii_letters + string.digits


def initial_password() -> str:
    """A password for the first sign-in: four classes, 16 signs, no two alike."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12)) + "-" + secrets.choice("ABCDEFGH") + secrets.choice("abcdefgh") + secrets.choice("23456789")


@transaction.atomic
def register(username: str, full_name: str, unit: Unit | None = None, role: str = "", *, phone: str = "", actor, at: datetime) -> tuple[User, str]:
    """A new named account and its initial password, which must be changed at the first sign-in. Without a unit it may do nothing yet."""
    if User.objects.filter(username__iexact=username).exists():
        raise Invalid("这个用户名已被使用", field="username")
    password = initial_password()
    user = User(username=username, full_name=full_name, phone=phone, must_change_password=True, password_changed_at=at)
    user.set_password(password)
    user.save()
    journal.record(user, "register", actor=actor, at=at, unit=unit.code if unit else "")
    if unit is not None:
        access.enrol(user, unit, role, actor=actor, at=at)
    return user, password


@transaction.atomic
def reset_password(user: User, *, actor, at: datetime) -> str:
    """A new initial password for who forgot theirs; every session of theirs ends."""
    password = initial_password()
    user.set_password(password)
    user.must_change_password, user.password_changed_at = True, at
    user.save(update_fields=["password", "must_change_password", "password_changed_at"])
    end_sessions(user)
    journal.record(user, "reset_password", actor=actor, at=at)
    return password


@transaction.atomic
def change_password(user: User, password: str, *, at: datetime) -> None:
    """Somebody sets their own password. Invalid, with every rule it breaks."""
    try:
        validate_password(password, user)
    except ValidationError as fault:
        raise Invalid(fault.messages[0], fields={"new_password2": fault.messages}) from fault
    user.former_passwords = [user.password, *user.former_passwords][:KEPT]
    user.set_password(password)
    user.must_change_password, user.password_changed_at = False, at
    user.save(update_fields=["password", "former_passwords", "must_change_password", "password_changed_at"])
    journal.record(user, "change_password", actor=user, at=at)


@transaction.atomic
def switch_off(user: User, *, actor, at: datetime, reason: str = "") -> None:
    """The account can be used no more; its sessions and tokens end at once."""
    if actor is not None and actor.pk == user.pk:
        raise Conflict("不能停用自己的账号")
    User.objects.filter(pk=user.pk).update(is_active=False)
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=at)
    for membership in Membership.objects.filter(user=user, until=None).select_related("user", "unit", "group"):
        access.leave(membership, actor=actor, at=at, reason=reason)
    Holding.objects.filter(user=user, until=None).update(user=None)
    end_sessions(user)
    journal.record(user, "switch_off", actor=actor, at=at, reason=reason)


@transaction.atomic
def appoint(post: Post, name: str, *, title: str = "", user: User | None = None, actor, at: datetime) -> Holding:
    """Somebody holds a post from now on; whoever held it does no more. Escalations follow the post (16.7)."""
    Holding.objects.filter(post=post, until=None).update(until=at)
    held = Holding.objects.create(post=post, name=name, title=title, user=user, since=at)
    journal.record(post.unit, "appoint", actor=actor, at=at, unit=post.unit.code, post=post.code, name=name)
    return held


def rest_dormant(*, at: datetime) -> int:
    """Accounts that nobody used for DORMANT_DAYS rest: they open nothing until an administrator wakes them. How many fell asleep.

    Memberships stay: who comes back in November works where they worked in March.
    """
    before = at - timedelta(days=settings.DORMANT_DAYS)
    used = Greatest("last_login", "password_changed_at", "date_joined", "woken_at")
    asleep = 0
    for user in User.objects.filter(is_active=True, is_service=False, is_demo=False).annotate(used_at=used).filter(used_at__lt=before):
        if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False, dormant_since=at):
            end_sessions(user)
            journal.record(user, "dormant", actor=None, at=at, days=settings.DORMANT_DAYS)
            asleep += 1
    return asleep


@transaction.atomic
def wake(user: User, *, actor, at: datetime) -> str:
    """A dormant account is used again, with a new initial password. Conflict for one that was switched off for good, or never slept."""
    if not User.objects.filter(pk=user.pk, is_active=False, dormant_since__isnull=False).update(is_active=True, dormant_since=None, woken_at=at):
        raise Conflict("该账号不是休眠账号")
    user.refresh_from_db()
    journal.record(user, "wake", actor=actor, at=at)
    return reset_password(user, actor=actor, at=at)


def end_sessions(user: User) -> None:
    """Sign somebody out everywhere."""
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()
