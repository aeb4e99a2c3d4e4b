"""Who may do what for which unit. The only place that writes rights, and the only one that answers for them.

Rights are guardian permissions on units, held by one group per (unit, role). Whatever is a unit's work is the task
force's work too: who may see the work of the task force sees the whole district's.
"""

import hashlib
import ipaddress
import json
import secrets
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import datetime
from functools import cache

from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import DateTimeField, Func, OuterRef, Subquery
from django.db.models.functions import JSONObject
from guardian.shortcuts import assign_perm

from core import journal, stamps
from core.errors import Forbidden, Invalid
from core.models import Stamp
from units.models import COMPANIES, ApiToken, GroupUnitPermission, Kind, Membership, Role, Unit, User

SEE_WORK = "see_work"
HANDLE_TICKETS = "handle_tickets"
DISPATCH_TICKETS = "dispatch_tickets"
SUPERVISE = "supervise"
INSPECT = "inspect"
ADMINISTER = "administer"  # keeps accounts, posts, addresses
GRANT = "grant_rights"  # gives and takes rights, tokens, second factors
AUDIT = "audit"  # reads the journal

TASK_FORCE = "task-force"
OFFICE = "task-force-office"
BUREAU = "urban-management"  # houses the task force's office (C6)
DISPATCHER = "social-work"  # takes in and dispatches the hotline's tickets (D18.1)

# What a role may do for its own unit.
OWN = {
    Role.DISPATCHER: (SEE_WORK, HANDLE_TICKETS),
    Role.OFFICER: (SEE_WORK, HANDLE_TICKETS),
    Role.HANDLER: (SEE_WORK, HANDLE_TICKETS),
    Role.INSPECTOR: (SEE_WORK, INSPECT),
    Role.VIEWER: (SEE_WORK,),
    Role.ADMIN: (ADMINISTER,),
    Role.SECURITY: (GRANT,),
    Role.AUDITOR: (AUDIT,),
}
# The three keepers 三员: one account holds one of these roles and no other, so that nobody both acts and erases (S8).
KEEPERS = (Role.ADMIN, Role.SECURITY, Role.AUDITOR)
# What a role of these units may do for the whole district. Administrators see no tickets: who keeps the keys reads no letters.
DISTRICT = {
    (DISPATCHER, Role.DISPATCHER): (SEE_WORK, DISPATCH_TICKETS),
    (DISPATCHER, Role.OFFICER): (SEE_WORK,),
    (DISPATCHER, Role.VIEWER): (SEE_WORK,),
    (BUREAU, Role.DISPATCHER): (SEE_WORK, DISPATCH_TICKETS),
    (BUREAU, Role.OFFICER): (SEE_WORK, DISPATCH_TICKETS, SUPERVISE),
    (BUREAU, Role.VIEWER): (SEE_WORK,),
    (BUREAU, Role.ADMIN): (ADMINISTER,),
    (BUREAU, Role.SECURITY): (GRANT,),
    (BUREAU, Role.AUDITOR): (AUDIT,),
    (TASK_FORCE, Role.OFFICER): (SEE_WORK, SUPERVISE),
    (TASK_FORCE, Role.VIEWER): (SEE_WORK,),
    (OFFICE, Role.OFFICER): (SEE_WORK, DISPATCH_TICKETS, SUPERVISE),
    (OFFICE, Role.VIEWER): (SEE_WORK,),
}


NOBODY = -1  # no key of a person


# ---------------------------------------------------------------- asking


def known(pk) -> User | None:
    """A person with what every request asks of them: their rights, the unit they work for, and the stamps of what is remembered. One statement."""
    sql, values = _who()
    user = next(iter(User.objects.raw(sql, [pk if value == NOBODY else value for value in values])), None)
    if user is None:
        return None
    stamps.learn({one["topic"]: one["version"] for one in map(_told, user.stamps)}, at=user.read_at)
    if user.is_active:
        user._rights = _by_verb((one["verb"], one["unit"]) for one in map(_told, user.held))
    user._home = _membership(user, _told(user.home)) if user.home else None
    return user


def _told(said) -> dict:
    """A row as it came: Django leaves it to each field to read JSON."""
    return json.loads(said) if isinstance(said, str) else said


@cache
def _who() -> tuple[str, tuple]:
    """The statement of `known` and its values, with NOBODY for the person: composing it took a third of a page."""
    held = GroupUnitPermission.objects.filter(group__user=OuterRef("pk")).values(one=JSONObject(verb="permission__codename", unit="content_object_id"))
    home = Membership.objects.filter(user=OuterRef("pk"), until=None).order_by("since", "pk")
    found = User.objects.annotate(
        held=ArraySubquery(held), stamps=ArraySubquery(Stamp.objects.values(one=JSONObject(topic="topic", version="version"))),
        read_at=Func(function="clock_timestamp", output_field=DateTimeField()),
        home=Subquery(home.values(one=JSONObject(pk="pk", unit="unit_id", role="role", since="since", group="group_id"))[:1]),
    )  # fmt: skip
    return found.filter(pk=NOBODY).query.sql_with_params()


def _membership(user: User, said: dict) -> Membership:
    found = Membership(pk=said["pk"], user=user, unit_id=said["unit"], role=said["role"], group_id=said["group"], since=datetime.fromisoformat(said["since"]))
    found._state.adding, found._state.db = False, user._state.db
    unit = units_by_id().get(said["unit"])
    if unit is not None:
        found.unit = copy(unit)  # what is remembered is shared
    return found


def units_by_id() -> dict[int, Unit]:
    """Every unit, remembered: to be read and never changed."""
    return stamps.remembered(stamps.REGISTER, "units", lambda: {unit.pk: unit for unit in Unit.objects.order_by("position", "code")})


def ids_of_code(code: str) -> list[int]:
    """The id of the unit with this code; empty for none."""
    return [unit.pk for unit in units_by_id().values() if unit.code == code]


def _by_verb(rows: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for verb, unit_id in rows:
        found.setdefault(verb, set()).add(unit_id)
    return {verb: frozenset(ids) for verb, ids in found.items()}


def rights(user) -> dict[str, frozenset[int]]:
    """All rights of `user`: verb → ids of the units for which it holds. Remembered until anybody's rights change, and on the user object."""
    if not user.is_authenticated or not user.is_active:
        return {}
    found = getattr(user, "_rights", None)
    if found is None:
        user._rights = found = stamps.one_remembered(stamps.PEOPLE, "rights", user.pk, lambda: _read_rights(user))
    return found


def _read_rights(user) -> dict[str, frozenset[int]]:
    return _by_verb(GroupUnitPermission.objects.filter(group__user=user).values_list("permission__codename", "content_object_id"))


def unit_ids(user, verb: str) -> frozenset[int]:
    """The ids of the units for which `user` holds `verb`."""
    return rights(user).get(verb, frozenset())


def place_ids() -> dict[str, int]:
    """The ids of the units on which the portal itself rests: task force, its office, the bureau, the dispatcher."""
    codes = (TASK_FORCE, OFFICE, BUREAU, DISPATCHER)
    found = stamps.remembered(stamps.REGISTER, "places", lambda: dict(Unit.objects.filter(code__in=codes).values_list("code", "pk")))
    missing = [code for code in codes if code not in found]
    if missing:
        raise Invalid(f"尚未载入工作方案：缺少单位 {'、'.join(missing)}")
    return found


def everywhere(user, verb: str) -> bool:
    """Whether `user` holds `verb` for the whole district, that is for the task force."""
    held = unit_ids(user, verb)
    if not held:
        return False
    known = getattr(user, "_everywhere", None)
    if known is None:
        found = stamps.remembered(stamps.REGISTER, "task force", lambda: Unit.objects.filter(code=TASK_FORCE).values_list("pk", flat=True).first())
        user._everywhere = known = found
    return known in held


def may(user, verb: str, unit: Unit | int | None) -> bool:
    """Whether `user` may do `verb` for `unit`, by its own right or the district's."""
    unit_id = unit.pk if isinstance(unit, Unit) else unit
    return (unit_id is not None and unit_id in unit_ids(user, verb)) or everywhere(user, verb)


def require(user, verb: str, *units: Unit | int | None) -> None:
    """Forbidden unless `user` may do `verb` for one of `units` (or for the whole district)."""
    if not (any(unit is not None and may(user, verb, unit) for unit in units) or everywhere(user, verb)):
        raise Forbidden("您无权执行此操作")


def home_unit(user) -> Unit | None:
    """The unit for which somebody works first: the one named beside their name."""
    if not user.is_authenticated:
        return None
    membership = home_membership(user)
    return membership.unit if membership else None


def home_membership(user) -> Membership | None:
    """The membership in whose name somebody acts: the oldest open one. Remembered as rights are."""
    if not hasattr(user, "_home"):
        user._home = stamps.one_remembered(stamps.PEOPLE, "homes", user.pk, lambda: _read_home(user))
    return user._home


def _read_home(user) -> Membership | None:
    return user.memberships.filter(until=None).select_related("unit").order_by("since", "pk").first()


def is_company(user) -> bool:
    """Whether somebody works for companies only: the side that may be accused."""
    unit = home_unit(user)
    return unit is not None and unit.kind in COMPANIES


# ---------------------------------------------------------------- writing


@transaction.atomic
def enrol(user: User, unit: Unit, role: str, *, actor, at: datetime) -> Membership:
    """`user` works for `unit` in `role` from `at` on. Doing it twice changes nothing. Invalid where a keeper would do something else too."""
    if actor is not None and actor.pk == user.pk:
        raise Forbidden("不能给自己授权")
    held = set(Membership.objects.filter(user=user, until=None).values_list("role", flat=True)) - {role}
    if held and (role in KEEPERS or held & set(KEEPERS)):
        raise Invalid("系统、安全、审计三种管理员须各用各的账号，不兼任其他角色", field="role")
    open_one = Membership.objects.filter(user=user, unit=unit, role=role, until=None).first()
    group = role_group(unit, role)
    user.groups.add(group)
    if open_one:
        return open_one
    membership = Membership.objects.create(user=user, unit=unit, role=role, group=group, since=at)
    _forget(user)
    journal.record(user, "enrol", actor=actor, at=at, unit=unit.code, role=role)
    return membership


@transaction.atomic
def leave(membership: Membership, *, actor, at: datetime, reason: str = "") -> None:
    """The membership ends at `at`, and its rights with it."""
    if not Membership.objects.filter(pk=membership.pk, until=None).update(until=at):
        return
    membership.user.groups.remove(membership.group)
    _forget(membership.user)
    journal.record(
        membership.user, "leave", actor=actor, at=at, unit=membership.unit.code, reason=reason, role=membership.role
    )


def role_group(unit: Unit, role: str) -> Group:
    """The group of a (unit, role), with exactly the rights of the tables above."""
    if role not in Role.values:
        raise Invalid(f"没有“{role}”这种角色", field="role")
    group, is_new = Group.objects.get_or_create(name=f"{unit.code}:{role}")
    if is_new:
        for verb in OWN[role]:
            assign_perm(f"units.{verb}", group, unit)
        district = DISTRICT.get((unit.code, role), ())
        if district:
            task_force = Unit.objects.get_or_create(
                code=TASK_FORCE,
                defaults={"name": "未央区集中供热应急指挥工作专班", "short_name": "工作专班", "kind": Kind.TASKFORCE, "position": 1},
            )[0]
            for verb in district:
                assign_perm(f"units.{verb}", group, task_force)
        if unit.kind == Kind.STREET and role == Role.OFFICER:
            assign_perm(f"units.{INSPECT}", group, unit)
    return group


@transaction.atomic
def issue_token(unit: Unit, role: str, *, name: str = "", sources: Sequence[str] = (), networks: Sequence[str] = (), actor=None, at: datetime) -> str:
    """A new token for a system that acts for `unit` in `role`. The text is returned once and kept nowhere.

    It may be narrowed to `sources` of complaints and to `networks` ("10.1.0.0/16") from which it comes. Invalid (role, networks).
    """
    if role not in Role.values:
        raise Invalid(f"没有“{role}”这种角色，可用：{'、'.join(Role.values)}", field="role")
    known = _networks(networks)
    secret = secrets.token_urlsafe(32)
    user = User(username=f"token-{secrets.token_hex(6)}", full_name=name or f"{unit}接口", is_service=True, is_demo=unit.is_demo)
    user.set_unusable_password()
    user.save()
    enrol(user, unit, role, actor=actor, at=at)
    ApiToken.objects.create(digest=digest(secret), user=user, name=name or f"{unit} {role}", issued_at=at, sources=list(sources), networks=known)
    journal.record(unit, "issue_token", actor=actor, at=at, unit=unit.code, role=role, user=user.username, sources=list(sources), networks=known)
    return secret


def _networks(said: Sequence[str]) -> list[str]:
    try:
        return [str(ipaddress.ip_network(one.strip(), strict=False)) for one in said if one.strip()]
    except ValueError as fault:
        raise Invalid("网段应形如 10.1.0.0/16 或 10.1.2.3", field="networks") from fault


@transaction.atomic
def demand_signature(secret: str, *, actor=None, at: datetime) -> str:
    """From now on each request with the token of this text must be signed; with what, is told this once (S25)."""
    token = ApiToken.objects.select_related("user").get(digest=digest(secret))
    token.signing_secret = secrets.token_urlsafe(32)
    token.save(update_fields=["signing_secret"])
    journal.record(token.user, "demand_signature", actor=actor, at=at, name=token.name)
    return token.signing_secret


@transaction.atomic
def revoke_token(token: ApiToken, *, actor, at: datetime) -> None:
    """A token opens nothing from now on."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
        journal.record(token.user, "revoke_token", actor=actor, at=at, name=token.name)


def digest(secret: str) -> str:
    """What of a token is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _forget(user) -> None:
    for name in ("_rights", "_everywhere", "_home"):
        user.__dict__.pop(name, None)
