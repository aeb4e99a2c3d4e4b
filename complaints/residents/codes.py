"""The life of a code: issued, printed, scanned, revoked, replaced without reprinting the rest (G22, G23)."""

import io
import secrets
from datetime import datetime

import segno
from django.db import IntegrityError, transaction
from django.db.models import Q

from complaints.models import Code, CodeScope
from core import journal
from core.errors import Conflict, Forbidden, Invalid, NotFound
from plants.models import Community
from units import access
from units.models import Kind, Unit

# No letter or digit that is taken for another when somebody types it from a poster; 14 of 31 are 69 bits.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH = 14
MOST_BUILDINGS = 200


@transaction.atomic
def issue(
    scope: str, *, company: Unit | None = None, community: Community | None = None, building: str = "", actor, at: datetime, is_demo: bool = False
) -> Code:
    """A new code for a place. Conflict while another is in use there, Invalid for a place that does not fit the scope."""
    require_keeper(actor, company or (community.company if community else None))
    building = building.strip()[:60]
    if scope == CodeScope.COMPANY and (company is None or company.kind != Kind.HEATING):
        raise Invalid("请选择供热企业", field="company")
    if scope in (CodeScope.COMMUNITY, CodeScope.BUILDING) and community is None:
        raise Invalid("请选择小区", field="community")
    if scope == CodeScope.BUILDING and not building:
        raise Invalid("请填写楼栋", field="building")
    place = {
        CodeScope.DISTRICT: {}, CodeScope.COMPANY: {"company": company}, CodeScope.COMMUNITY: {"community": community},
        CodeScope.BUILDING: {"community": community, "building": building},
    }.get(scope)  # fmt: skip
    if place is None:
        raise Invalid("范围只能是全区、企业、小区或楼栋", field="scope")
    token = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    try:
        with transaction.atomic():
            code = Code.objects.create(token=token, scope=scope, issued_at=at, issued_by=actor, is_demo=is_demo, **place)
    except IntegrityError:
        raise Conflict("这里已有在用的码，请先停用") from None
    journal.record(code, "issue", actor=actor, at=at, scope=scope, place=str(code))
    return code


@transaction.atomic
def issue_buildings(community: Community, buildings: list[str], *, actor, at: datetime) -> list[Code]:
    """A code for each building that has none yet; those that were new."""
    names = list(dict.fromkeys(name.strip()[:60] for name in buildings if name.strip()))
    if len(names) > MOST_BUILDINGS:
        raise Invalid(f"一次最多 {MOST_BUILDINGS} 个楼栋", field="buildings")
    known = set(Code.objects.filter(community=community, scope=CodeScope.BUILDING, revoked_at=None).values_list("building", flat=True))
    return [issue(CodeScope.BUILDING, community=community, building=name, actor=actor, at=at) for name in names if name not in known]


@transaction.atomic
def revoke(code: Code, *, reason: str, actor, at: datetime) -> None:
    """The code opens nothing any more, with the reason; those beside it stay."""
    require_keeper(actor, code.company or (code.community.company if code.community else None))
    if not reason.strip():
        raise Invalid("请写明停用原因", field="reason")
    if not Code.objects.filter(pk=code.pk, revoked_at=None).update(revoked_at=at, revoked_reason=reason.strip()[:120]):
        raise Conflict("这个码已经停用")
    journal.record(code, "revoke", actor=actor, at=at, reason=reason.strip())


def replace(code: Code, *, reason: str, actor, at: datetime) -> Code:
    """A new code for the same place, in one go: the old one is revoked."""
    with transaction.atomic():
        revoke(code, reason=reason, actor=actor, at=at)
        return issue(code.scope, company=code.company, community=code.community, building=code.building, actor=actor, at=at, is_demo=code.is_demo)


def resolve(token: str) -> Code:
    """The code that was scanned, revoked or not. NotFound for what was never one."""
    found = Code.objects.filter(token=token.lower()[:24]).select_related("company", "community__company", "community__street").first()
    if found is None:
        raise NotFound("没有这个服务码。请重新扫码，或拨打 12345")
    return found


def company_of(code: Code) -> Unit | None:
    """The company that heats the code's place."""
    return code.community.company if code.community else code.company


def company_code(company: Unit) -> Code | None:
    """The code in use for a company as a whole."""
    return Code.objects.filter(scope=CodeScope.COMPANY, company=company, revoked_at=None).first()


def svg(code: Code, address: str, *, scale: int = 6) -> str:
    """The code's picture as SVG: error correction Q, so that a torn poster can still be read."""
    return segno.make(address, error="q", boost_error=False).svg_inline(scale=scale, border=4)


def png(address: str, *, scale: int = 10) -> bytes:
    """The same as PNG, for those who lay out their own posters."""
    out = io.BytesIO()
    segno.make(address, error="q", boost_error=False).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def kept_by(user):
    """The codes that `user` looks after: the bureau all of them, a company its own."""
    codes = Code.objects.select_related("company", "community__company", "community__street")
    if user is None or access.everywhere(user, access.SUPERVISE):
        return codes
    own = access.unit_ids(user, access.HANDLE_TICKETS)
    return codes.filter(Q(company__in=own) | Q(community__company__in=own))


def kept_companies(user) -> set[int] | None:
    """The companies for which `user` looks after codes and accounts; None for all of them."""
    return None if user is None or access.everywhere(user, access.SUPERVISE) else set(access.unit_ids(user, access.HANDLE_TICKETS))


def require_keeper(user, company: Unit | None) -> None:
    """Forbidden unless `user` is the bureau, or the company itself. None is the portal."""
    if user is None or access.everywhere(user, access.SUPERVISE):
        return
    if company is None or company.kind != Kind.HEATING or company.pk not in access.unit_ids(user, access.HANDLE_TICKETS):
        raise Forbidden("只有区城管执法局和本企业可以管理服务码")


def places_for(user):
    """The companies and communities for which `user` may issue codes."""
    companies, communities = Unit.objects.filter(kind=Kind.HEATING, is_active=True), Community.objects.filter(is_active=True).order_by("name")
    if access.everywhere(user, access.SUPERVISE):
        return companies, communities
    own = access.unit_ids(user, access.HANDLE_TICKETS)
    return companies.filter(pk__in=own), communities.filter(company__in=own)


def listed(user, *, q: str = "", revoked: bool = False):
    """The codes that `user` looks after, in use or revoked."""
    found = kept_by(user).filter(revoked_at__isnull=not revoked)
    if q:
        found = found.filter(Q(community__name__icontains=q[:30]) | Q(building__icontains=q[:30]) | Q(company__short_name__icontains=q[:30]))
    return found


def chosen(user, numbers: list[int], *, q: str = ""):
    """Of the codes that `user` looks after, those chosen; none chosen: all that the search finds."""
    found = listed(user, q=q)
    return found.filter(pk__in=numbers) if numbers else found


def issue_all(wanted: dict, *, actor, at: datetime) -> list[Code]:
    """What the form asks for: one code, or one for each building that has none."""
    scope, community = wanted["scope"], wanted["community"]
    if scope == CodeScope.BUILDING:
        if community is None:
            raise Invalid("请选择小区", field="community")
        names = wanted["buildings"].splitlines()
        if not any(name.strip() for name in names):
            raise Invalid("请填写楼栋，每行一个", field="buildings")
        return issue_buildings(community, names, actor=actor, at=at)
    place = {CodeScope.COMPANY: {"company": wanted["company"]}, CodeScope.COMMUNITY: {"community": community}}.get(scope, {})
    return [issue(scope, **place, actor=actor, at=at)]
