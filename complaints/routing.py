"""To whom a ticket goes, and by which clause: the register of communities first, then the words.

A suggestion decides nothing. A dispatcher confirms it, or the policy of the source does.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Prefetch, Q

from complaints import rulebook, wording
from complaints.models import Category
from complaints.rulebook import Rulebook
from core import civil, stamps
from plants.models import Community, Management, ManagementMode, Use
from units.models import Unit
from units.naming import normal

SERVICE = (Category.HEATING_SERVICE, Category.PROPERTY_SERVICE)
USE_RULES = {Use.SCHOOL: "school", Use.ELDERLY: "elderly", Use.HOSPITAL: "hospital", Use.OFFICE: "government_office"}
LEAST_CONFIDENCE = 0.5
# Below this, words alone call in no other unit than the community's own company: measured in docs/routing-quality.md.
SURE_CONFIDENCE = 0.9


@dataclass(frozen=True)
class Suggestion:
    """Where a ticket should go: category, units, the clause that says so, and what decided, in words for the screen."""

    category: str
    clause: str
    lead: Unit | None
    doer: Unit | None
    assists: tuple[Unit, ...]
    watches: tuple[Unit, ...]
    street: Unit | None
    community: Community | None
    reasons: tuple[str, ...]
    confidence: float
    is_matched: bool
    is_urgent: bool = False
    rule: str = ""

    @property
    def is_sure(self) -> bool:
        """Sure enough to go without a dispatcher: the register named the place, and the words (or the sender) the matter."""
        if not self.is_matched or self.community is None or self.doer is None:
            return False
        return bool(self.rule) or self.category in SERVICE or self.confidence >= SURE_CONFIDENCE

    def as_data(self) -> dict:
        """As kept with the ticket and told over the wire: codes and sentences."""
        return {
            "category": self.category,
            "clause": self.clause,
            "lead": self.lead.code if self.lead else None,
            "doer": self.doer.code if self.doer else None,
            "assists": [unit.code for unit in self.assists],
            "watches": [unit.code for unit in self.watches],
            "street": self.street.code if self.street else None,
            "community": self.community.code if self.community else None,
            "why": list(self.reasons),
            "confidence": round(self.confidence, 3),
            "matched": self.is_matched,
            "rule": self.rule,
        }


@dataclass
class Register:
    """Units and communities in memory: for one suggestion or for twenty thousand, a constant number of queries."""

    units: dict[str, Unit] = field(default_factory=dict)
    by_id: dict[int, Unit] = field(default_factory=dict)
    unit_names: dict[str, Unit] = field(default_factory=dict)
    streets: list[tuple[str, Unit]] = field(default_factory=list)
    communities: dict[str, Community] = field(default_factory=dict)
    names: list[tuple[str, Community]] = field(default_factory=list)

    def unit(self, code: str | None) -> Unit | None:
        """The unit of this code, if it is known."""
        return self.units.get(code) if code else None

    def unit_named(self, name: str) -> Unit | None:
        """The unit that a name, short name, alias or code means."""
        return self.unit_names.get(normal(name)) if name else None

    def community(self, name: str) -> Community | None:
        """The community of this code, name or alias."""
        return self.communities.get(name) or self.communities.get(normal(name)) if name else None

    def community_in(self, text: str) -> tuple[Community | None, str]:
        """The community whose name the text mentions, the longest name first, and the name as found."""
        plain = normal(text)
        for name, community in self.names:
            if name in plain:
                return community, name
        return None, ""

    def street_in(self, text: str) -> Unit | None:
        """The street office that the text mentions."""
        plain = normal(text)
        return next((unit for name, unit in self.streets if name in plain), None)


def read_register() -> Register:
    """Everything that routing looks up; remembered until a unit or a community changes. Shared: read it, never change it."""
    return stamps.remembered(stamps.REGISTER, "routing", _read_register)


def _read_register() -> Register:
    register = Register()
    for unit in Unit.objects.filter(is_active=True).prefetch_related("aliases"):
        register.units[unit.code] = register.by_id[unit.pk] = unit
        for name in (unit.code, unit.short_name, unit.name, *(alias.name for alias in unit.aliases.all())):
            register.unit_names.setdefault(normal(name), unit)
        if unit.kind == "street":
            stem = normal(unit.name).removesuffix("街道办事处")
            names = {f"{stem}街道", f"{stem}街办", *(normal(alias.name) for alias in unit.aliases.all())}
            register.streets += [(name, unit) for name in names if len(name) > 2]
    register.streets.sort(key=lambda pair: -len(pair[0]))
    found = Community.objects.filter(is_active=True).prefetch_related(
        Prefetch("managements", queryset=Management.objects.order_by("-since"), to_attr="modes")
    )
    for community in found:
        names = {normal(community.name), *(normal(alias) for alias in community.aliases)}
        register.communities[community.code] = community
        for name in names:
            register.communities.setdefault(name, community)
            if len(name) >= 3:
                register.names.append((name, community))
    register.names.sort(key=lambda pair: -len(pair[0]))
    return register


def suggest(
    content: str,
    *,
    at: datetime,
    category: str = "",
    community: str = "",
    address: str = "",
    street: str = "",
    on: date | None = None,
    book: Rulebook | None = None,
    register: Register | None = None,
) -> Suggestion:
    """Where a complaint of these words goes. `category`, when given, is taken as said; `on` is the day of the call."""
    book = book or rulebook.current(at)
    register = register or read_register()
    on = on or civil.day_of(at)
    reasons: list[str] = []
    place = register.community(community)
    if place:
        reasons.append(f"小区台账：{place.name}")
    else:
        place, name = register.community_in(f"{community}　{address}　{content}")
        if place:
            reasons.append(f"文中小区“{name}”见于小区台账：{place.name}")
    territory = register.by_id.get(place.street_id) if place else None
    territory = territory or register.street_in(f"{street}　{address}　{content}")

    reading = wording.classify(content)
    decided = category or reading.category
    confidence = 1.0 if category else reading.confidence
    if category:
        reasons.append(f"来件已注明分类：{Category(category).label}")
    else:
        seen = list(dict.fromkeys(reason.words for reason in reading.reasons if reason.category == decided))[:6]
        said = "、".join(f"“{word}”" for word in seen)
        reasons.append(f"措辞：{said} → {Category(decided).label}" if said else "措辞未见明确指向")
    matched = bool(category) or confidence >= LEAST_CONFIDENCE

    rule = _by_register(place, decided, on, book, reasons) if not category or category in (*SERVICE, Category.CONSTRUCTION, Category.OTHER) else None
    if rule is None and decided in (Category.OTHER, Category.CONSTRUCTION):
        rule = _by_words(reading, decided, book, reasons)
        matched = matched and (rule is not None or decided == Category.CONSTRUCTION)
    if rule is not None:
        if rule.get("category") and not category:
            decided = rule["category"]
        matched = True
    entry = book.category(decided)
    answer = rule or entry
    lead = register.unit(answer.get("lead"))
    doer = _doer(answer.get("doer") or entry.get("doer"), place, lead, register)
    assists, watches = _others(answer if answer.get("assists") is not None else entry, register)
    if place and place.overlay_id and (rule or {}).get("code") == "renewal":
        overlay = register.by_id.get(place.overlay_id)
        if overlay:
            assists.append(overlay)
            reasons.append(f"{overlay} 区域的城改项目，由其配合（D17.1）")
    if territory and territory not in assists:
        watches.append(territory)
    reasons.append(f"依据 {answer['clause']}：{answer.get('name', entry.get('name', ''))}")
    return Suggestion(
        category=decided,
        clause=answer["clause"],
        lead=lead,
        doer=doer,
        assists=tuple(unit for unit in dict.fromkeys(assists) if unit not in (lead, doer)),
        watches=tuple(unit for unit in dict.fromkeys(watches) if unit not in (lead, doer, *assists)),
        street=territory,
        community=place,
        reasons=tuple(reasons),
        confidence=confidence,
        is_matched=matched,
        is_urgent=bool(reading.urgency),
        rule=(rule or {}).get("code", ""),
    )


def management_of(community: Community, on: date) -> str:
    """How a community was managed on a day; 直管到户 unless the register says otherwise."""
    for management in community.modes if hasattr(community, "modes") else community.managements.order_by("-since"):
        if management.since <= on and (management.until is None or on < management.until):
            return management.mode
    return ManagementMode.DIRECT


def _by_register(place: Community | None, category: str, on: date, book: Rulebook, reasons: list[str]) -> dict | None:
    """What the register says about this place, if it says anything that outranks the words."""
    if place is None or category in (Category.PRICE_FEE, Category.HEAT_THEFT):
        return None
    rules = {rule["code"]: rule for rule in book.residual}
    if place.use in USE_RULES:
        reasons.append(f"台账用途：{place.get_use_display()}")
        return rules.get(USE_RULES[place.use])
    if place.is_renewal or place.is_moved_in_without_heat:
        reasons.append("台账：城改（回迁）项目")
        return rules.get("renewal")
    if place.is_new_project and (place.first_registered_on is None or on < place.first_registered_on):
        reasons.append("台账：开发商新建项目，尚未完成产权首次登记")
        return rules.get("before_first_registration")
    if category in SERVICE and management_of(place, on) == ManagementMode.PROPERTY:
        reasons.append("台账：物业代管，暂未直管到户")
        return rules.get("property_managed")
    if category in SERVICE:
        reasons.append("台账：直管到户")
    return None


def _by_words(reading, category: str, book: Rulebook, reasons: list[str]) -> dict | None:
    """The residual rule (D18.6) to which the words hint."""
    for hint in reading.residual:
        for rule in book.residual:
            if hint in (rule["code"], rule["lead"]):
                reasons.append(f"措辞指向：{rule.get('name', rule['code'])}")
                return rule
    return None


def _doer(kind: str | None, place: Community | None, lead: Unit | None, register: Register) -> Unit | None:
    if kind == "community_company":
        return register.by_id.get(place.company_id) if place and place.company_id else None
    if kind == "property_manager":
        return register.by_id.get(place.property_manager_id) if place and place.property_manager_id else None
    return lead


def _others(answer: dict, register: Register) -> tuple[list[Unit], list[Unit]]:
    """Assists that have a task of their own, and units that only watch."""
    tasks, watches = [], []
    for row in answer.get("assists") or []:
        unit = register.unit(row["unit"])
        if unit:
            (tasks if row.get("task") else watches).append(unit)
    return tasks, watches


def community_choices(query: str, limit: int = 20):
    """Communities whose name contains `query`, for a dispatcher's choice."""
    return Community.objects.filter(Q(name__icontains=query) | Q(code__icontains=query), is_active=True).order_by("name")[:limit]
