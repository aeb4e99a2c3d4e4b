"""What the plan's duties ask of each unit, period by period 职责事项: who owes what by when, and the life of one such item.

Which duties, which periods and which due moments is data in the plan (`duties`, `documents`, `obligations`). Opening,
verdicts, verification by another unit and escalation are those of `proof` and of the engine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.dateparse import parse_duration

from core import attachments, civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import particulars, proof
from deadlines import season as seasons
from deadlines.models import Milestone, Obligation, ObligationKind, Season, Standing
from units import access
from units.models import Duty, Unit

SEASON, YEAR, QUARTER, MONTH, WEEK = "season", "year", "quarter", "month", "week"
STATEMENTS = (MONTH, QUARTER, WEEK)  # periods in which there may have been nothing to do
# What is no report without a paper or a photograph.
WITH_PAPER = (ObligationKind.DOCUMENT, ObligationKind.CONTRACT)
PRESENT, ABSENT = "到会", "缺席"
SOUND, FAULTY = "正常", "有问题"
STATES = {ObligationKind.MEETING: (PRESENT, ABSENT), ObligationKind.SURVEY: (SOUND, FAULTY)}
MOST_ROWS = 500


@dataclass(frozen=True)
class Term:
    """A period for which something is owed: its code, when it begins and when it is due."""

    period: str
    opened_at: datetime
    due_at: datetime


@dataclass(frozen=True)
class Report:
    """What a unit says of something owed. `details` by kind: rows of a list, approval of a document, six items."""

    achieved_at: datetime | None = None
    note: str = ""
    files: tuple = ()
    is_zero: bool = False
    expires_on: date | None = None
    details: dict = field(default_factory=dict)


# ---------------------------------------------------------------- what is owed


def generate(*, at: datetime) -> None:
    """Open whatever the active season's plan asks by `at` and is not there yet; papers that ran out are asked for again."""
    season = seasons.active(at)
    if season is None or at >= civil.day_bounds(season.ends_on)[1]:
        return
    known = set(map(_key_of, _known(season)))
    proof.open_many([item for item in owed(season, at=at) if _key_of(_row(item)) not in known])
    renew(season, at=at)


def owed(season: Season, *, at: datetime) -> list[Obligation]:
    """Every obligation of a season that has begun by `at`, not yet written: duty × unit × period. Three questions."""
    plan = seasons.plan_of(season)
    said = plan.get("obligations")
    if not said:
        return []
    units = list(Unit.objects.filter(is_active=True).order_by("position", "code"))
    duties = list(Duty.objects.filter(season=season.code))
    calendar = Calendar(season, said, at)
    verifiers = _Verifiers(units)
    return [
        item
        for source in (_receipts(said, units), _documents(plan, units, duties), _duties(plan, units, duties))
        for one in source
        for item in calendar.items(one, verifiers)
    ]


@dataclass(frozen=True)
class Asked:
    """One thing asked of one unit: `rule` says for which periods and when it is due."""

    unit: Unit
    clause: str
    title: str
    kind: str
    rule: dict
    duty: Duty | None = None
    counterpart: Unit | None = None
    times: int = 1


def _receipts(said: dict, units: list[Unit]) -> Iterator[Asked]:
    receipt = said["receipts"]
    for unit in units:
        if unit.kind in receipt["kinds"]:
            yield Asked(unit, receipt["clause"], receipt["title"], ObligationKind.RECEIPT, {**receipt, "period": SEASON})


def _documents(plan: dict, units: list[Unit], duties: list[Duty]) -> Iterator[Asked]:
    """The papers by name; where one is asked for each of several units, one for each of them (F3)."""
    for row in plan["documents"]:
        own = _rule(plan, row["clause"], "season")
        kind = own.get("kind") or (ObligationKind.CONTRACT if row["each"] else ObligationKind.DOCUMENT)
        for unit in units:
            if unit.kind != row["kind"]:
                continue
            duty = next((one for one in duties if one.clause == row["clause"] and _binds(one, unit)), None)
            others = [other for other in units if other.kind == row["each"]] if row["each"] else [None]
            for name in row["names"]:
                for other in others:
                    yield Asked(unit, row["clause"], name, kind, own, duty, other)


def _duties(plan: dict, units: list[Unit], duties: list[Duty]) -> Iterator[Asked]:
    """The registered duties that ask for no paper by name."""
    papers = {row["clause"] for row in plan["documents"]}
    for duty in duties:
        if not duty.is_registered or duty.clause in papers:
            continue
        own = _rule(plan, duty.clause, duty.cadence)
        kind = own.get("kind") or ObligationKind.DUTY
        times = plan["checklists"]["courses_per_calendar_year"] if kind == ObligationKind.COURSE else 1
        for unit in units:
            if _binds(duty, unit) and (not own.get("units") or unit.code in own["units"]):
                yield Asked(unit, duty.clause, duty.title, kind, own, duty, times=times)


def _rule(plan: dict, clause: str, cadence: str) -> dict:
    """For which period and by when a clause's duty is owed: as said of the clause, else of its cadence."""
    said = plan["obligations"]
    own = next((row for row in said["clauses"] if row["clause"] == clause), {})
    if own.get("period"):
        return own
    usual = next(row for row in said["periods"] if row["cadence"] == cadence)
    return {**own, "period": usual["period"], "milestone": usual["milestone"], "after": usual["after"]}


def _binds(duty: Duty, unit: Unit) -> bool:
    return duty.unit_id == unit.pk if duty.unit_id else duty.kind in ("", unit.kind)


class Calendar:
    """The periods of a season that have begun by a moment."""

    def __init__(self, season: Season, said: dict, at: datetime):
        self.season, self.at = season, at
        self.starts_at = civil.day_bounds(season.starts_on)[0]
        self.ends_at = civil.day_bounds(season.ends_on)[1]
        self.opens_at = self.starts_at - parse_duration(said["opens_before"])
        self.milestones = dict(Milestone.objects.filter(season=season, is_current=True).values_list("code", "due_at"))
        self._terms: dict[tuple, list[Term]] = {}

    def items(self, asked: Asked, verifiers: "_Verifiers") -> Iterator[Obligation]:
        """What is asked, for each period that has begun; nothing where nobody else could verify it."""
        verifier = verifiers.of(asked)
        if verifier is None:
            return
        for term in self.terms(asked.rule):
            for number in range(1, asked.times + 1):
                yield Obligation(
                    season=self.season, unit=asked.unit, verifier=verifier, duty=asked.duty, clause=asked.clause, title=asked.title, kind=asked.kind,
                    counterpart=asked.counterpart, period=term.period, number=number, opened_at=term.opened_at, due_at=term.due_at,
                    is_demo=asked.unit.is_demo or bool(asked.counterpart and asked.counterpart.is_demo),
                )  # fmt: skip

    def terms(self, rule: dict) -> list[Term]:
        """The periods of a rule that have begun."""
        key = (rule["period"], rule["milestone"], rule["after"])
        if key not in self._terms:
            self._terms[key] = [
                Term(code, max(start, self.opens_at), self._due(rule, end)) for code, start, end in self._periods(rule["period"])
                if max(start, self.opens_at) <= self.at
            ]  # fmt: skip
        return self._terms[key]

    def _due(self, rule: dict, end: datetime) -> datetime:
        """At the milestone's moment; where the plan has that milestone no more, when the season starts."""
        return self.milestones.get(rule["milestone"], self.starts_at) if rule["milestone"] else end + parse_duration(rule["after"])

    def _periods(self, period: str) -> Iterator[tuple[str, datetime, datetime]]:
        """Code, beginning and end of each period up to the season's end; months and weeks only whole ones."""
        if period == SEASON:
            yield SEASON, self.opens_at, self.ends_at
            return
        day = civil.day_of(self.opens_at)
        first = {YEAR: date(day.year, 1, 1), QUARTER: date(day.year, day.month - (day.month - 1) % 3, 1), MONTH: day.replace(day=1),
                 WEEK: day - timedelta(days=day.weekday())}[period]  # fmt: skip
        while (start := civil.day_bounds(first)[0]) < self.ends_at:
            following = _following(first, period)
            if start >= self.opens_at or period in (YEAR, QUARTER):
                yield _code(first, period), start, civil.day_bounds(following)[0]
            first = following


def _following(day: date, period: str) -> date:
    if period == WEEK:
        return day + timedelta(days=7)
    months = {MONTH: 1, QUARTER: 3, YEAR: 12}[period] + day.month - 1
    return date(day.year + months // 12, months % 12 + 1, 1)


def _code(day: date, period: str) -> str:
    if period == WEEK:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return {YEAR: f"{day.year}", QUARTER: f"{day.year}-Q{(day.month + 2) // 3}", MONTH: f"{day:%Y-%m}"}[period]


class _Verifiers:
    """Who verifies: whoever supervises the duty, else the bureau; the office for the bureau, the task force for the office."""

    def __init__(self, units: list[Unit]):
        self.by_code = {unit.code: unit for unit in units}
        self.by_key = {unit.pk: unit for unit in units}

    def of(self, asked: Asked) -> Unit | None:
        """Never the unit itself; None where the plan's own units are missing."""
        said = asked.duty.supervised_by_id if asked.duty else None
        choices = [self.by_key.get(said), *(self.by_code.get(code) for code in (access.BUREAU, access.OFFICE, access.TASK_FORCE))]
        return next((unit for unit in choices if unit is not None and unit.pk != asked.unit.pk), None)


_KEY = ("unit_id", "clause", "kind", "title", "counterpart_id", "period", "number")


def _known(season: Season):
    """What is there already: of this season, and the courses of whatever season, for a calendar year is shared by two (G19)."""
    return Obligation.objects.filter(Q(season=season) | Q(kind=ObligationKind.COURSE)).values_list(*_KEY)


def _row(item: Obligation) -> tuple:
    return tuple(getattr(item, name) for name in _KEY)


def _key_of(row: tuple) -> tuple:
    """A duty reworded is the same duty; a paper of another name is another paper."""
    unit, clause, kind, title, counterpart, period, number = row
    is_paper = kind not in (ObligationKind.DUTY, ObligationKind.COURSE, ObligationKind.DRILL, ObligationKind.READINESS, ObligationKind.SURVEY)
    return unit, clause, title if is_paper else "", counterpart, period, number


def renew(season: Season, *, at: datetime) -> None:
    """Verified papers that have run out are owed again, as of the day on which they ran out."""
    within = parse_duration(seasons.plan_of(season)["obligations"]["renew_within"])
    gone = Obligation.objects.filter(season=season, standing=Standing.VERIFIED, kind__in=WITH_PAPER, expires_on__lt=civil.day_of(at))
    for item in gone.select_related("unit", "verifier"):
        ran_out = civil.day_bounds(item.expires_on)[1]
        try:
            proof.reopen(item, reason=f"有效期至 {item.expires_on}，已到期，须换新", actor=None, at=ran_out, due_at=ran_out + within)
        except Conflict:  # somebody was quicker
            continue


# ---------------------------------------------------------------- reporting


@transaction.atomic
def report(item: Obligation, said: Report, *, actor, at: datetime) -> None:
    """The unit says what it has done for this item, or that there was nothing to do in this period 零报告.

    A paper needs its file, a list its rows, six items all six, anything else a word or a file. Receipts prove
    themselves and are verified at once. Invalid names the field; Forbidden and Conflict as `proof.report`.
    """
    if actor is not None and not proof.may_report(actor, item):
        raise Forbidden("只有责任单位可以报告")
    details = _checked(item, said, at=at)
    more = {"details": details}
    if said.expires_on is not None:
        more["expires_on"] = said.expires_on
    proof.report(item, achieved_at=said.achieved_at, note=said.note, files=said.files, actor=actor, at=at, **more)
    if item.kind == ObligationKind.RECEIPT:
        proof.approve(item, note="签收由平台记录", actor=None, at=at)


def may_be_nothing(item: Obligation) -> bool:
    """Whether “nothing in this period” may be a report: for recurring duties, not for papers, courses or readiness."""
    return is_statement(item.period) and item.kind in (ObligationKind.DUTY, ObligationKind.MEETING, ObligationKind.SURVEY)


def is_statement(period: str) -> bool:
    """Whether a period recurs within the season; a single day, on which something runs out, does not."""
    return len(period) > 4 and period != SEASON and period.count("-") == 1


def _checked(item: Obligation, said: Report, *, at: datetime) -> dict:
    """What is kept of a report. Invalid where something that its kind needs is missing or cannot be."""
    if said.is_zero:
        if not may_be_nothing(item):
            raise Invalid("这一事项不能零报告", field="is_zero")
        return {"zero": True}
    if item.kind == ObligationKind.RECEIPT:
        return {}
    has_file = bool(said.files) or attachments.of(item).exists()
    if item.kind in WITH_PAPER and not has_file:
        raise Invalid("请附文件（PDF 或照片）", field="files")
    if said.expires_on is not None and said.expires_on < civil.day_of(at):
        raise Invalid("有效期不能早于今天", field="expires_on")
    if item.kind == ObligationKind.READINESS:
        return {"items": _six(item, said)}
    if item.kind in STATES:
        return {"rows": _rows(item, said)}
    if item.kind == ObligationKind.COURSE:
        _check_course(item, said.achieved_at or at)
    asked = particulars.of(item)
    if asked is not None:
        lines = particulars.checked(asked, said.details.get("sheet") or [])
        if not lines:
            raise Invalid(f"请逐行填写{asked.title}" + ("；本期没有的，勾选零报告" if may_be_nothing(item) else ""), field="sheet")
        return {"sheet": lines}
    if said.details.get("sheet"):
        raise Invalid("这一事项没有明细", field="sheet")
    if not has_file and not said.note.strip():
        raise Invalid("请写明做了什么，或附佐证材料", field="note")
    return {name: str(value)[:200] for name, value in said.details.items() if value and name in ("approved_by", "reviewed_on", "topic", "people")}


def _rows(item: Obligation, said: Report) -> list[dict]:
    rows = said.details.get("rows") or []
    if len(rows) > MOST_ROWS:
        raise Invalid(f"名单最多 {MOST_ROWS} 行", field="rows")
    if not rows and not said.note.strip():
        raise Invalid("请逐行填写名单；辖区没有的，请在说明中写明", field="rows")
    states = STATES[item.kind]
    for number, row in enumerate(rows, 1):
        if not row.get("name") or row.get("state") not in states:
            raise Invalid(f"第 {number} 行应为“名称，{'或'.join(states)}，备注”", field="rows")
    return [{"name": row["name"][:80], "state": row["state"], "note": row.get("note", "")[:200]} for row in rows]


def _six(item: Obligation, said: Report) -> dict:
    wanted = readiness_items(item)
    got = said.details.get("items") or {}
    missing = [name for name in wanted if not got.get(name)]
    if missing:
        raise Invalid(f"尚未到位：{'、'.join(missing)}；六项齐全方可报告", field="items")
    return dict.fromkeys(wanted, True)


def readiness_items(item: Obligation) -> list[str]:
    """The six readiness items 六到位 of the plan under which `item` is owed (G4)."""
    return seasons.plan_of(item.season)["checklists"]["readiness"]


def _check_course(item: Obligation, achieved_at: datetime) -> None:
    """A course counts for the calendar year in which it was held, and once only (G19)."""
    day = civil.day_of(achieved_at)
    if str(day.year) != item.period:
        raise Invalid(f"须在 {item.period} 年内举办（按自然年计）", field="achieved_at")
    others = Obligation.objects.filter(unit=item.unit_id, clause=item.clause, period=item.period).exclude(pk=item.pk)
    if day in {civil.day_of(moment) for moment in others.exclude(achieved_at=None).values_list("achieved_at", flat=True)}:
        raise Invalid("同一天的课程已报过一次，两次课程须在不同日期", field="achieved_at")


def absentees(item: Obligation) -> list[str]:
    """Who stayed away from a meeting (E5), or what a survey found at fault."""
    bad = {ABSENT, FAULTY}
    return [row["name"] for row in item.details.get("rows", []) if row.get("state") in bad]


# ---------------------------------------------------------------- the six items, looked at on the spot


@transaction.atomic
def confirm_readiness(unit: Unit, place: str, items: dict[str, bool], *, at: datetime, note: str = "") -> Obligation | None:
    """An inspection has looked at a company's six readiness items at one `place` at `at` (G4): what it saw is the proof.

    All six there, and nothing missing where else it was looked this week: the week's obligation is verified, valid for as
    long as the plan says. One missing: it stays or is open again, with what is missing and where. None where the company
    owes nothing for that week.
    """
    found = Obligation.objects.select_for_update(of=("self",)).filter(unit=unit, kind=ObligationKind.READINESS, opened_at__lte=at)
    item = found.select_related("unit", "verifier", "season").order_by("-opened_at").first()
    if item is None or item.standing == Standing.DROPPED:
        return None
    wanted = readiness_items(item)
    seen = {**item.details.get("seen", {}), place: [name for name in wanted if not items.get(name)]}
    missing = {where: names for where, names in seen.items() if names}
    details = {"items": {name: all(name not in names for names in missing.values()) for name in wanted}, "seen": seen, "seen_at": at.isoformat()}
    at = max(at, item.reported_at or at)  # what was seen answers what was reported meanwhile
    if missing:
        reason = "现场核验缺：" + "；".join(f"{where} {'、'.join(names)}" for where, names in missing.items())
        if item.standing == Standing.REPORTED:
            proof.refuse(item, reason=reason, actor=None, at=at)
        elif item.standing == Standing.VERIFIED:
            proof.reopen(item, reason=reason, actor=None, at=at)
        _keep(item, details=details)
        return item
    if item.standing == Standing.VERIFIED:
        _keep(item, details=details)
        return item
    until = civil.day_of(at + parse_duration(seasons.plan_of(item.season)["obligations"]["readiness_valid"]))
    if item.standing == Standing.OPEN:
        proof.report(item, note=note or "现场核验六项到位", actor=None, at=at, details=details, expires_on=until)
    else:
        _keep(item, details=details, expires_on=until)
    proof.approve(item, note=note or "现场核验六项到位", actor=None, at=at)
    return item


def _keep(item: Obligation, **changes) -> None:
    Obligation.objects.filter(pk=item.pk).update(**changes)
    for name, value in changes.items():
        setattr(item, name, value)


def history(item: Obligation) -> Iterable:
    """What the journal has of an item, newest first."""
    return journal.of(item).order_by("-position")
