"""Reading the duty matrix: each unit what it owes and what it verifies, whoever sees the district everything."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.module_loading import import_string

from core import attachments
from core.errors import Forbidden, Invalid, NotFound
from core.models import Attachment
from core.paging import Page, page
from deadlines import particulars
from deadlines import season as seasons
from deadlines.models import Obligation, ObligationKind, Season, Standing
from units import access, training
from units import selectors as unit_selectors
from units.models import Duty, Unit

# What is still owed first, then what waits for its verifier, then what is done; each by its due moment, what has none last.
OWED_FIRST = ("turn", "by", "id")
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
GRID_KINDS = ("street", "heating", "gas")
PAPERS = (ObligationKind.DOCUMENT, ObligationKind.CONTRACT, ObligationKind.MEETING)
FILTERS = ("scope", "unit", "kind", "clause", "standing", "late", "period")


def require_any(user) -> None:
    """Forbidden for who sees no unit's work: an administrator keeps the keys and reads no letters."""
    if not access.unit_ids(user, access.SEE_WORK):
        raise Forbidden("您无权查看职责事项")


def sees_all(user) -> bool:
    """Whether somebody sees what the whole district owes."""
    return access.everywhere(user, access.SEE_WORK)


def visible(user) -> QuerySet[Obligation]:
    """What the user's units owe, verify or have as the other side of a contract; everything for the district."""
    if sees_all(user):
        return Obligation.objects.all()
    own = access.unit_ids(user, access.SEE_WORK)
    return Obligation.objects.filter(Q(unit__in=own) | Q(verifier__in=own) | Q(counterpart__in=own))


def of_season(user, season: Season | None) -> QuerySet[Obligation]:
    """What of a season this person may see; nothing before a plan is loaded."""
    require_any(user)
    found = visible(user) if season is not None else Obligation.objects.none()
    return found.filter(season=season).select_related("unit", "verifier", "counterpart", "duty")


def late(at: datetime) -> Q:
    """The condition of being late as of `at`: the same sentence as Proven.is_late."""
    waits = Q(achieved_at=None) | Q(is_retrospective=True, standing=Standing.REPORTED)
    return Q(due_at__isnull=False) & ~Q(standing=Standing.DROPPED) & (Q(waits, due_at__lt=at) | Q(~waits, achieved_at__gt=F("due_at")))


def narrowed(user, season: Season | None, params, *, at: datetime) -> QuerySet[Obligation]:
    """The obligations that the filters of a list leave. Invalid names a filter that says nothing known."""
    found = of_season(user, season)
    given = {name: str(params.get(name, ""))[:64].replace("\x00", "") for name in FILTERS}
    if given["scope"] == "mine":
        found = found.filter(unit__in=access.unit_ids(user, access.SEE_WORK))
    elif given["scope"] == "verify":
        found = found.filter(verifier__in=access.unit_ids(user, access.HANDLE_TICKETS), standing=Standing.REPORTED)
    if given["unit"]:
        found = found.filter(unit__code=given["unit"])
    if given["clause"]:
        found = found.filter(clause=given["clause"].upper())
    if given["period"]:
        found = found.filter(period=given["period"][:12])
    if given["kind"]:
        found = found.filter(kind=_one_of(given["kind"], ObligationKind.values, "kind"))
    if given["standing"]:
        found = found.filter(standing=_one_of(given["standing"], Standing.values, "standing"))
    if given["late"]:
        is_late = _one_of(given["late"].lower(), ("1", "true", "0", "false"), "late") in ("1", "true")
        found = found.filter(late(at)) if is_late else found.exclude(late(at))
    return found


def listing(user, season: Season | None, params, *, at: datetime, size: int = 50) -> Page:
    """A page of obligations, what is owed and due first first."""
    found = narrowed(user, season, params, at=at).annotate(
        turn=Case(When(standing=Standing.OPEN, then=0), When(standing=Standing.REPORTED, then=1), default=2), by=Coalesce("due_at", Value(NEVER)),
    )  # fmt: skip
    return page(found, order=OWED_FIRST, cursor=params.get("cursor"), size=size)


def _one_of(value: str, allowed: Iterable[str], name: str) -> str:
    if value not in allowed:
        raise Invalid("没有这个选项", field=name)
    return value


def counts(found: QuerySet[Obligation], *, at: datetime) -> dict[str, int]:
    """How many of them stand how: one question."""
    return found.order_by().aggregate(**_tally(at))


def _tally(at: datetime) -> dict:
    live = ~Q(standing=Standing.DROPPED)
    return {
        "total": Count("pk", filter=live),
        "open": Count("pk", filter=Q(standing=Standing.OPEN)),
        "overdue": Count("pk", filter=Q(standing=Standing.OPEN, due_at__lt=at)),
        "late": Count("pk", filter=late(at)),
        "reported": Count("pk", filter=Q(standing=Standing.REPORTED)),
        "verified": Count("pk", filter=Q(standing=Standing.VERIFIED)),
    }


def periods(user, season: Season | None) -> list[str]:
    """The periods for which something is owed."""
    return list(of_season(user, season).order_by("period").values_list("period", flat=True).distinct())


def units_owing(user, season: Season | None) -> list[Unit]:
    """The units that owe something that this person may see."""
    return list(Unit.objects.filter(pk__in=of_season(user, season).order_by().values("unit")))


def by_unit(user, season: Season | None, *, at: datetime, kind: str = "") -> list[dict]:
    """Who owes what: each unit with its counts, the one with most overdue first."""
    found = of_season(user, season)
    if kind:
        found = found.filter(unit__kind=kind[:12])
    rows = found.order_by().values("unit").annotate(**_tally(at))
    units = {unit.pk: unit for unit in Unit.objects.filter(pk__in=[row["unit"] for row in rows])}
    return sorted(({**row, "unit": units[row["unit"]]} for row in rows), key=lambda row: (-row["overdue"], row["unit"].position, row["unit"].code))


# ---------------------------------------------------------------- one obligation


def to_see(user, pk: int) -> Obligation:
    """One obligation; NotFound where one may not know of it."""
    if not access.unit_ids(user, access.SEE_WORK) or not 0 < int(pk) < 2**62:
        raise NotFound
    found = visible(user).select_related("unit", "verifier", "counterpart", "duty", "season", "reported_by", "verified_by").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def attachment_to_see(user, pk: int, key) -> Attachment:
    """A file of an obligation, for who may see the obligation."""
    found = attachments.of(to_see(user, pk)).filter(pk=key).first()
    if found is None:
        raise NotFound
    return found


def quote_of(item: Obligation) -> dict[str, str]:
    """The plan's words, meaning and evidence behind an obligation; of a receipt, whom the document was sent to."""
    if item.duty is not None:
        return {"quote": item.duty.quote, "meaning": item.duty.meaning, "evidence": item.duty.evidence}
    plan = seasons.plan_of(item.season)
    if item.kind == ObligationKind.RECEIPT:
        document = plan["document"]
        return {"quote": document["distribution"] or "", "meaning": f"签收《{document['title']}》（{document['number']}）", "evidence": "平台记录的签收人与时刻"}
    return {"quote": "", "meaning": "", "evidence": ""}


def awaits(season: Season) -> set[str]:
    """The clauses whose own pages are still to come; until then the obligation is where they are proven."""
    return {row["clause"] for row in (seasons.plan_of(season).get("obligations") or {}).get("clauses", []) if row["awaits"]}


def concerned(item: Obligation) -> list[str]:
    """The names that a list of this obligation has to cover: property managers, schools, renewal projects. The register knows them."""
    return import_string(settings.CONCERNED)(item.clause, item.unit)


def courses_held(item: Obligation) -> list[tuple[date, str]]:
    """The emergency courses that the training register has of the unit in the calendar year of a course (G19)."""
    return training.courses_in(item.unit, int(item.period)) if item.kind == ObligationKind.COURSE and item.period.isdigit() else []


# ---------------------------------------------------------------- the matrix of duties, and completeness of papers


@dataclass(frozen=True)
class DutyRow:
    """A duty of the plan with how it stands: `units` who owe it, `behind` those of them that are overdue."""

    duty: Duty | None
    clause: str
    title: str
    quote: str
    meaning: str
    evidence: str
    cadence: str
    who: str
    is_registered: bool
    awaits: bool
    tally: dict
    behind: list[str]


def matrix(user, season: Season | None, *, at: datetime, kind: str = "", unit: str = "") -> list[DutyRow]:
    """Every duty of the plan, whether it is owed period by period or served elsewhere; D20 and D21 without words of their own."""
    require_any(user)
    if season is None:
        return []
    found = of_season(user, season)
    duties = unit_selectors.duties(season.code)
    if not sees_all(user):
        own = Unit.objects.filter(pk__in=access.unit_ids(user, access.SEE_WORK))
        duties = duties.filter(Q(unit__in=own) | Q(kind__in=own.values("kind")) | Q(unit=None, kind=""))
    if kind:
        found, duties = found.filter(unit__kind=kind[:12]), duties.filter(Q(unit__kind=kind[:12]) | Q(kind=kind[:12]) | Q(unit=None, kind=""))
    if unit:
        chosen = Unit.objects.filter(code=unit[:64])
        found, duties = found.filter(unit__in=chosen), duties.filter(Q(unit__in=chosen) | Q(kind__in=chosen.values("kind")) | Q(unit=None, kind=""))
    tallies = {row["duty"]: row for row in found.order_by().values("duty").annotate(**_tally(at))}
    behind: dict[int | None, list[str]] = {}
    for duty, name in found.filter(standing=Standing.OPEN, due_at__lt=at).order_by("unit__position").values_list("duty", "unit__short_name"):
        if name not in behind.setdefault(duty, []):
            behind[duty].append(name)
    waiting = awaits(season)
    rows = [
        DutyRow(
            duty, duty.clause, duty.title, duty.quote, duty.meaning, duty.evidence, duty.cadence,
            duty.unit.short_name if duty.unit_id else f"各{duty.get_kind_display()}" if duty.kind else "各单位",
            duty.is_registered, duty.clause in waiting, tallies.get(duty.pk, {}), behind.get(duty.pk, []),
        )
        for duty in duties
    ]  # fmt: skip
    if None in tallies:
        receipt = found.filter(duty=None).first()
        said = quote_of(receipt)
        rows.insert(0, DutyRow(None, receipt.clause, receipt.title, said["quote"], said["meaning"], said["evidence"], "once", "印发范围内各单位",
                               True, False, tallies[None], behind.get(None, [])))  # fmt: skip
    return rows


@dataclass(frozen=True)
class Cell:
    """How a unit stands with one duty or paper: the one that needs attention most, and how many there are."""

    item: Obligation
    count: int
    verified: int
    tone: str
    said: str


_TONES = {
    "overdue": ("solid-red", "逾期"), "missing": ("red", "缺"), "open": ("amber", "待落实"), "reported": ("blue", "待核验"), "late": ("amber", "迟办"),
    "verified": ("green", "已核验"), "dropped": ("plain", "不要求"),
}  # fmt: skip


def state_of(item: Obligation, at: datetime) -> tuple[str, str]:
    """The tone and the word for how an obligation stands. A contract that is missing is red before ignition already (F3)."""
    if item.standing == Standing.OPEN:
        if item.due_at is not None and item.due_at < at:
            return _TONES["overdue"]
        return _TONES["missing" if item.kind == ObligationKind.CONTRACT else "open"]
    if item.standing == Standing.VERIFIED and item.is_late(at):
        return _TONES["late"]
    return _TONES[item.standing]


_WORST = [_TONES[name][1] for name in ("overdue", "missing", "open", "reported", "late", "verified", "dropped")]


def grid(items: Iterable[Obligation], *, at: datetime, row, column) -> dict:
    """Obligations as a table: `row` and `column` give each one's place. Rows → columns → Cell of the worst."""
    table: dict = {}
    for item in items:
        table.setdefault(row(item), {}).setdefault(column(item), []).append(item)
    return {key: {name: _cell(cell, at) for name, cell in columns.items()} for key, columns in table.items()}


def _cell(items: list[Obligation], at: datetime) -> Cell:
    worst = min(items, key=lambda item: (_WORST.index(state_of(item, at)[1]), item.due_at is None, item.due_at, item.pk))
    tone, said = state_of(worst, at)
    return Cell(worst, len(items), sum(1 for item in items if item.standing == Standing.VERIFIED), tone, said)


@dataclass(frozen=True)
class Completeness:
    """One table of papers: its name and clause, its columns, and a row of cells for each who has to have them."""

    title: str
    clause: str
    columns: list[str]
    rows: list[tuple[Unit, list]]
    complete: int


def completeness(user, season: Season | None, *, at: datetime) -> list[Completeness]:
    """Who has which papers: a table for each clause that asks for papers by name, and one for the contracts by company."""
    if season is None:
        require_any(user)
        return []
    found = list(of_season(user, season).filter(kind__in=PAPERS, period="season").order_by("unit__position", "pk"))
    tables = []
    for said in seasons.plan_of(season)["documents"]:
        items = [item for item in found if item.clause == said["clause"] and item.title in said["names"]]
        if not items:
            continue
        whose = (lambda item: item.counterpart) if said["each"] else (lambda item: item.unit)
        cells = grid(items, at=at, row=whose, column=lambda item: item.title)
        rows = [(unit, [columns.get(name) for name in said["names"]]) for unit, columns in cells.items()]
        complete = sum(1 for _, row in rows if all(cell is not None and cell.item.standing == Standing.VERIFIED for cell in row))
        title = items[0].duty.title if items[0].duty else said["clause"]
        tables.append(Completeness(title, said["clause"], said["names"], sorted(rows, key=lambda row: (row[0].position, row[0].code)), complete))
    return tables


@dataclass(frozen=True)
class Side:
    """Tables of papers side by side: a title, the heads as (clause, name), a row of cells for each unit, how many units have all of them."""

    title: str
    clauses: list[str]
    heads: list[tuple[str, str]]
    rows: list[tuple[Unit, list]]
    complete: int


def side_by_side(tables: list[Completeness]) -> list[Side]:
    """The tables as a page shows them: those of a single paper that the same units have to have stand in one (E1, E2, E3, E5, I5)."""
    groups: dict[tuple, list[Completeness]] = {}
    for number, table in enumerate(tables):
        owners = tuple(unit.pk for unit, _ in table.rows)
        groups.setdefault(owners if len(table.columns) == 1 else (number,), []).append(table)
    return [_side(group) for group in groups.values()]


def _side(group: list[Completeness]) -> Side:
    first = group[0]
    heads = [(table.clause, name) for table in group for name in table.columns]
    rows = [(unit, [cell for table in group for cell in table.rows[place][1]]) for place, (unit, _) in enumerate(first.rows)]
    complete = sum(all(cell is not None and cell.item.standing == Standing.VERIFIED for cell in cells) for _, cells in rows)
    title = first.title if len(group) == 1 else f"{first.rows[0][0].get_kind_display()}的机制、方案与会议"
    return Side(title, [table.clause for table in group], heads, rows, complete)


def duty_grid(user, season: Season | None, *, at: datetime, kind: str) -> tuple[list[tuple[str, str]], list[tuple[Unit, list]]]:
    """Unit × clause for units of one kind: the columns as (clause, title), and a row of cells for each unit."""
    items = list(of_season(user, season).filter(unit__kind=kind).order_by("unit__position", "pk")) if kind in GRID_KINDS else []
    titles = {item.clause: item.duty.title if item.duty else item.title for item in items}
    columns = sorted(titles, key=_clause_order)
    cells = grid(items, at=at, row=lambda item: item.unit, column=lambda item: item.clause)
    rows = [(unit, [row.get(clause) for clause in columns]) for unit, row in cells.items()]
    return [(clause, titles[clause]) for clause in columns], sorted(rows, key=lambda row: (row[0].position, row[0].code))


def _clause_order(clause: str) -> tuple:
    head, _, rest = clause[1:].partition(".")
    return clause[0], int(head), int(rest or 0)


def rows_of_unit(unit: Unit, season: Season | None, *, at: datetime, limit: int = 12) -> list[dict]:
    """What a unit still has to do or to have verified, what is due first first: for the unit's page."""
    waiting = Obligation.objects.filter(unit=unit, season=season, standing__in=(Standing.OPEN, Standing.REPORTED))
    return [row_of(item, at=at) for item in waiting.select_related("counterpart").order_by("due_at", "pk")[:limit]] if season else []


def row_of(item: Obligation, *, at: datetime) -> dict:
    """A row of a list."""
    tone, said = state_of(item, at)
    return {"item": item, "tone": tone, "said": said, "period": spoken_period(item.period), "is_late": item.is_late(at)}


def spoken_period(period: str) -> str:
    """`2025-11` → 2025 年 11 月; `2025-W46` → 2025 年第 46 周; `2025-12-10` → 2025 年 12 月 10 日到期; `season` → 本采暖季."""
    if period == "season":
        return "本采暖季"
    year, _, rest = period.partition("-")
    if not rest:
        return f"{year} 年"
    if "-" in rest:
        month, day = rest.split("-")
        return f"{year} 年 {int(month)} 月 {int(day)} 日到期"
    if rest.startswith("W"):
        return f"{year} 年第 {int(rest[1:])} 周"
    return f"{year} 年第 {rest[1:]} 季度" if rest.startswith("Q") else f"{year} 年 {int(rest)} 月"


# ---------------------------------------------------------------- what reports hold line by line


@dataclass(frozen=True)
class Line:
    """A line of a report: whose, of which period, its cells in the order of the columns, and what it falls short of."""

    item: Obligation
    period: str
    cells: list[tuple[particulars.Column, object]]
    short: list[str]


@dataclass(frozen=True)
class LineTable:
    """All lines of a clause, those that fall short first, with their totals and how many units have told."""

    asked: particulars.Particulars
    lines: list[Line]
    sums: list[tuple[str, object]]
    told: int
    owed: int

    @property
    def short(self) -> int:
        """How many lines fall short."""
        return sum(bool(line.short) for line in self.lines)


def line_tables(user, season: Season | None, *, clause: str = "") -> list[LineTable]:
    """What was reported line by line in a season, by clause, as far as the user sees it: one query. A unit's latest report alone where that tells how things stand."""
    asked = [one for one in particulars.every(season) if clause in ("", one.clause)]
    items = list(of_season(user, season).filter(clause__in=[one.clause for one in asked]).exclude(standing=Standing.DROPPED).order_by("unit__position", "unit", "-period", "-reported_at"))
    return [table for one in asked if (table := _line_table(one, [item for item in items if item.clause == one.clause])) is not None]


def _line_table(asked: particulars.Particulars, items: list[Obligation]) -> LineTable | None:
    """None where nobody whom one sees owes it."""
    if not items:
        return None
    told = [item for item in items if item.standing in (Standing.REPORTED, Standing.VERIFIED) and item.details.get("sheet")]  # what was sent back tells nothing
    if asked.is_state:
        told = list({item.unit_id: item for item in reversed(told)}.values())
    lines = [line for item in told for line in lines_of(item, asked)]
    lines.sort(key=lambda line: not line.short)
    return LineTable(asked, lines, particulars.sums(asked, [line for item in told for line in item.details["sheet"]]), len({item.unit_id for item in told}), len({item.unit_id for item in items}))


def lines_of(item: Obligation, asked: particulars.Particulars) -> list[Line]:
    """The lines of one report, as they are shown."""
    return [
        Line(item, spoken_period(item.period), [(column, _value(column, line.get(column.code, ""))) for column in asked.columns], particulars.shortfalls(asked, line))
        for line in item.details.get("sheet", [])
    ]


def _value(column: particulars.Column, said: str):
    return Decimal(said) if said and column.kind == particulars.NUMBER else said
