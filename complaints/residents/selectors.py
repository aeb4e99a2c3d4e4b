"""What a resident's page shows of a place: the community, its company, heat manager, phones; never anybody's case but one's own."""

from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.db.models import Q

from complaints import clusters
from complaints.models import Code, Ticket
from complaints.residents import codes, keys
from core.errors import PortalError
from deadlines import season as seasons
from plants.models import Community
from supply import curtailment, outages
from units.models import Phone, PhoneKind, Unit

MOST_MINE = 5
HOTLINE = "12345"
_SALT = "my-cases"


@dataclass(frozen=True)
class Place:
    """Where the resident is: the community and building of the code, or as chosen."""

    code: Code
    community: Community | None
    building: str
    company: Unit | None

    @property
    def name(self) -> str:
        """What stands at the top of the page."""
        return f"{self.community} {self.building}".strip() if self.community else str(self.company or "未央区")


def place_of(code: Code, chosen: str = "") -> Place:
    """The place of a code; `chosen` is the code of a community that the resident picked, where the code leaves that open."""
    community = code.community
    if chosen and (community is None or chosen != community.code):
        found = communities(code).filter(code=chosen[:64]).select_related("company", "street").first()
        if found is not None:
            return Place(code, found, "", found.company)
    return Place(code, community, code.building, codes.company_of(code))


def communities(code: Code, q: str = ""):
    """The communities among which a resident may choose: a company's code leads to its own."""
    found = Community.objects.filter(is_active=True).order_by("name")
    company = codes.company_of(code)
    if code.company_id and company is not None:
        found = found.filter(company=company)
    if q:
        found = found.filter(Q(name__icontains=q[:30]) | Q(address__icontains=q[:30]) | Q(aliases__icontains=q[:30]))
    return found


def phones_of(company: Unit | None) -> dict[str, str]:
    """`call`: the number for an emergency, in view on every page; `service`: the company's, where it has published one."""
    found = {}
    if company is not None:
        rows = Phone.objects.filter(unit=company, is_active=True, published_on__isnull=False).order_by("kind", "id")
        found = {}
        for phone in rows:
            found.setdefault(phone.kind, phone.number)
    service = found.get(PhoneKind.SERVICE) or found.get(PhoneKind.DUTY) or (company.phone if company else "")
    return {"call": found.get(PhoneKind.EMERGENCY) or service or HOTLINE, "service": service}


def faq(at: datetime) -> list[dict]:
    """The plan's questions and answers: an answer found ends an enquiry."""
    season = seasons.active(at)
    return (seasons.plan_of(season).get("residents") or {}).get("faq") or [] if season else []


def notices_of(community: Community | None, building: str = "", *, at: datetime) -> list[str]:
    """What the residents of a community should know before they complain: outages first, then restricted supply (I14, G8)."""
    if community is None:
        return []
    found = outages.public_notices(community, at=at) + clusters.public_texts(community, building)
    if curtailment.active_for([community.pk], at):
        found.append("因天然气供应紧张，您所在小区正在限供，室温可能偏低；恢复时间另行告知。诉求照常受理，时限不变。")
    return found


def my_cases(cookie: str) -> list[tuple[str, Ticket]]:
    """(key, ticket) of the cases that this phone has submitted, newest first."""
    found = []
    for key in _keys(cookie):
        try:
            found.append((key, keys.by_key(key)))
        except PortalError:
            continue
    return found


def remember(cookie: str, key: str) -> str:
    """The cookie with one more case in it."""
    return signing.dumps([key, *[one for one in _keys(cookie) if one != key]][:MOST_MINE], salt=_SALT)


def _keys(cookie: str) -> list[str]:
    try:
        keys = signing.loads(cookie, salt=_SALT) if cookie else []
    except signing.BadSignature:
        return []
    return [key for key in keys if isinstance(key, str)][:MOST_MINE]
