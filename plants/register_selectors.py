"""Reading the register: who sees which rows, the lists with their filters, one row with its history."""

from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from core import journal
from core.errors import Forbidden, NotFound
from core.paging import Page, page
from plants import terms
from plants.models import Charge, Community, Management, Meter, Plant, RegisterImport
from plants.register_kinds import BOILERS, CHARGES, COMMUNITIES, KINDS, METERS, NETWORKS, PLANTS, Kind
from units import access
from units.models import COMPANIES, Unit
from units.models import Kind as UnitKind
from units.naming import normal


def require_sight(user) -> None:
    """Forbidden for whoever sees no work at all, such as an administrator."""
    if not (access.unit_ids(user, access.SEE_WORK) or access.unit_ids(user, access.INSPECT)):
        raise Forbidden("您无权查看厂站与小区")


def _reach(user) -> tuple[bool, set[int]]:
    """Whether somebody sees the whole register, and else the units whose rows they see.

    A department of the district sees it all: it supervises schools, boilers, meters all over the district (D8, D10–D14).
    """
    own = set(access.unit_ids(user, access.SEE_WORK)) | set(access.unit_ids(user, access.INSPECT))
    if access.everywhere(user, access.SEE_WORK):
        return True, own
    partial = {*COMPANIES, UnitKind.STREET, UnitKind.CITY}
    kinds = dict(Unit.objects.filter(pk__in=own).values_list("code", "kind"))
    return any(kind not in partial and code not in OVERLAYS for code, kind in kinds.items()), own


# Of these a unit sees its area only: the committees that lie over a street's territory (D17.1).
OVERLAYS = ("daxing-committee",)


def visible(user, kind: Kind) -> QuerySet:
    """The rows of a kind that somebody may know of: a company its own, a street its territory, the district all."""
    all_of_it, own = _reach(user)
    found = kind.model.objects.all()
    if kind is PLANTS:
        found, mine = found.select_related("company", "parent"), _plants(own)
    elif kind is BOILERS:
        found, mine = found.select_related("plant__company"), _plants(own, "plant__", "plant")
    elif kind is NETWORKS:
        found, mine = found.select_related("company", "plant"), Q(company__in=own) | Exists(_charges(own, "plant"))
    elif kind is COMMUNITIES:
        found, mine = found.select_related("street", "overlay", "company", "property_manager", "plant", "station"), _communities(own)
    elif kind is METERS:
        found, mine = found.select_related("community__company"), _communities(own, "community__")
    else:
        found, mine = found.select_related("plant__company", "street"), Q(street__in=own) | Q(plant__company__in=own)
    return found if all_of_it else found.filter(mine)


def _charges(own, outer: str):
    return Charge.objects.filter(plant=OuterRef(outer), street__in=own, until=None)


def _plants(own, prefix: str = "", outer: str = "pk") -> Q:
    return Q(**{f"{prefix}company__in": own}) | Exists(_charges(own, outer))


def _communities(own, prefix: str = "") -> Q:
    found = Q()
    for name in ("company", "street", "property_manager", "overlay"):
        found |= Q(**{f"{prefix}{name}__in": own})
    return found


def kind_named(code: str) -> Kind:
    """A kind by its name in addresses; NotFound for any other."""
    if code not in KINDS:
        raise NotFound
    return KINDS[code]


def to_see(user, kind: Kind, code: str):
    """One row; NotFound where one may not know of it."""
    require_sight(user)
    found = visible(user, kind).filter(code=code[:64]).first() if kind is not CHARGES else None
    if found is None:
        raise NotFound
    return found


def charge_to_see(user, pk: int) -> Charge:
    """One row of the division of labour."""
    found = visible(user, CHARGES).filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


# The lists that the plan asks for by name: D9.2, E13, E12, D17.1 and the like.
LISTS = {
    "special": ("学校、医院、养老、机关", ~Q(use="homes")),
    "heritage": ("汉长安城遗址区", Q(is_heritage=True)),
    "moved_in": ("已回迁未供暖", Q(is_moved_in_without_heat=True)),
    "renewal": ("城改项目", Q(is_renewal=True)),
    "new_project": ("新建项目", Q(is_new_project=True)),
    "property": ("物业代管", Q(managements__mode="property", managements__until=None)),
    "direct": ("直管到户", Q(managements__mode="direct", managements__until=None)),
}


def narrowed(user, kind: Kind, params, *, today: date) -> QuerySet:
    """The rows that the address's filters let through."""
    require_sight(user)
    found = visible(user, kind)
    names = {field.name: field for field in kind.fields}
    for name in ("company", "street", "overlay", "plant"):
        value = params.get(name, "")[:64]
        if value and name in names:
            found = found.filter(**{f"{name}__code": value})
    for name in ("kind", "source", "level", "use"):
        value = params.get(name, "")[:20]
        if value and name in names:
            found = found.filter(**{name: value})
    listed = params.get("list", "")
    if kind is COMMUNITIES and listed in LISTS:
        found = found.filter(LISTS[listed][1])
    if kind is NETWORKS and params.get("old") == "1":
        found = found.filter(built_in__lte=today.year - terms.on(today).old_pipe_years, replaced_on=None)
    q = params.get("q", "").replace("\x00", "").strip()[:40]
    if q:
        wanted = Q(plant__name__icontains=q) | Q(street__name__icontains=q) if kind is CHARGES else Q(name__icontains=q) | Q(code__iexact=q)
        if kind is COMMUNITIES and normal(q):
            wanted |= Q(aliases__contains=[normal(q)]) | Q(address__icontains=q)
        found = found.filter(wanted)
    if kind is CHARGES:
        return found if params.get("inactive") == "1" else found.filter(Q(until=None) | Q(until__gte=today))
    return found if params.get("inactive") == "1" else found.filter(is_active=True)


def listing(user, kind: Kind, params, *, today: date) -> Page:
    """A page of the rows, in the order in which they were entered."""
    return page(narrowed(user, kind, params, today=today), order=("id",), cursor=params.get("cursor"))


def counts(user) -> dict[str, int]:
    """How many rows in use somebody sees, by kind."""
    return {code: visible(user, kind).filter(**({"until": None} if kind is CHARGES else {"is_active": True})).count() for code, kind in KINDS.items()}


def choices(user, kind: Kind) -> dict[str, list]:
    """Units for the filters: only those that stand in rows one may see."""
    found = {}
    for name in ("company", "street", "overlay"):
        if any(field.name == name for field in kind.fields):
            ids = visible(user, kind).exclude(**{name: None}).order_by().values(name)
            found[name] = list(Unit.objects.filter(pk__in=ids))
    return found


ACTS = {
    "register_add": "登记", "register_change": "更正", "register_stop": "停用", "register_resume": "恢复", "charge_begin": "开始负责检查", "charge_end": "结束负责检查",
    "manage": "调整管理方式",
}  # fmt: skip


def detailed(user, kind: Kind, row) -> dict:
    """What hangs on one row, as far as one may see it."""
    found = {"history": [(ACTS.get(entry.act, entry.act), entry) for entry in journal.of(row).order_by("-position")[:30]]}
    if kind is PLANTS:
        found |= {
            "boilers": visible(user, BOILERS).filter(plant=row), "networks": visible(user, NETWORKS).filter(plant=row),
            "children": visible(user, PLANTS).filter(parent=row), "charges": Charge.objects.filter(plant=row).select_related("street").order_by("-since"),
            "communities": visible(user, COMMUNITIES).filter(Q(plant=row) | Q(station=row), is_active=True)[:200],
        }  # fmt: skip
    if kind is COMMUNITIES:
        found |= {"managements": Management.objects.filter(community=row).order_by("-since"), "meters": Meter.objects.filter(community=row)}
    return found


def current_modes(communities) -> dict[int, str]:
    """Community id → how it is managed now."""
    rows = Management.objects.filter(community__in=communities, until=None)
    return {row.community_id: row.get_mode_display() for row in rows}


def finder():
    """`find(field, text)` for `register_kinds.read`: units, plants and communities by code, name or another name. Four statements in all."""
    units: dict[str, list[Unit]] = {}
    for unit in Unit.objects.filter(is_active=True).prefetch_related("aliases"):
        for name in {unit.code, normal(unit.name), normal(unit.short_name), *(alias.name for alias in unit.aliases.all())}:
            units.setdefault(name, []).append(unit)
    plants = _by_name(Plant.objects.select_related("company"))
    communities = _by_name(Community.objects.all())

    def find(field, text):
        where = {"unit": units, "plant": plants, "community": communities}[field.type]
        found = {one.pk: one for one in [*where.get(text, []), *where.get(normal(text), [])] if field.type != "unit" or one.kind in field.units}
        return next(iter(found.values())) if len(found) == 1 else None

    return find


def _by_name(rows) -> dict:
    found: dict[str, list] = {}
    for row in rows:
        for name in {row.code, normal(row.name)}:
            found.setdefault(name, []).append(row)
    return found


def unit_choices(kinds) -> QuerySet:
    """Units that may stand in a field."""
    return Unit.objects.filter(kind__in=kinds, is_active=True)


def other_choices(type_: str) -> QuerySet:
    """Plants or communities that may stand in a field."""
    return (Plant if type_ == "plant" else Community).objects.filter(is_active=True)


def imports(user) -> Page:
    """The newest imports; for those who keep the register."""
    return page(RegisterImport.objects.select_related("uploaded_by"), order=("-uploaded_at", "-id"), size=20)


def import_to_see(user, pk: int) -> RegisterImport:
    """One import."""
    found = RegisterImport.objects.select_related("uploaded_by").filter(pk=pk).first() if access.everywhere(user, access.SUPERVISE) and 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found

