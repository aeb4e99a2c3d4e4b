"""Statutory inspection of boilers and verification of heat meters 检验检定: owed before the old one runs out (D8.3, D8.6).

The dates stand in the register. Some days before one runs out, the company owes a new one; the supervising department
verifies it. A later date entered in the register is the report; what goes out of use owes nothing more.
"""

from datetime import date, datetime

from core import civil
from deadlines import proof
from deadlines import season as seasons
from deadlines.models import Obligation, ObligationKind, Season, Standing
from plants import terms
from plants.models import Boiler, Meter
from units.models import Duty, Unit

# Each: clause, what it is called, the rows, the date and the company of a row.
SORTS = {
    Boiler: ("D8.3", "锅炉定期检验", "inspected_until", lambda row: row.plant.company),
    Meter: ("D8.6", "热能表检定", "verified_until", lambda row: row.community.company),
}


def generate(*, at: datetime) -> None:
    """Open what runs out by `at` and the plan's warning time, once for each row and date. Idempotent."""
    season = seasons.active(at)
    said = season and seasons.plan_of(season).get("register")
    if not said:
        return
    verifier = Unit.objects.filter(code=said["statutory_verifier"]).first()
    if verifier is None:
        return
    today = civil.day_of(at)
    known = set(Obligation.objects.filter(season=season, clause__in=[sort[0] for sort in SORTS.values()]).values_list("details__register", "period"))
    wanted = []
    for row, until in _running_out(by=today + terms.on(today).soon):
        if (_key(row), until.isoformat()) not in known:
            wanted.append(_obligation(season, verifier, row, until, ahead=terms.on(today).soon))
    if wanted:
        _name_duties(wanted, season)
        proof.open_many(wanted)


def _running_out(*, by: date):
    boilers = Boiler.objects.filter(is_active=True, plant__is_active=True, plant__company__isnull=False, inspected_until__lte=by).select_related("plant__company")
    meters = Meter.objects.filter(is_active=True, community__is_active=True, community__company__isnull=False, verified_until__lte=by).select_related("community__company")
    for row in (*boilers, *meters):
        yield row, getattr(row, SORTS[type(row)][2])


def _obligation(season: Season, verifier: Unit, row, until: date, *, ahead) -> Obligation:
    clause, name, _, company_of = SORTS[type(row)]
    return Obligation(
        season=season, unit=company_of(row), verifier=verifier, clause=clause, title=f"{name}：{row}"[:120], kind=ObligationKind.DUTY, period=until.isoformat(),
        opened_at=civil.day_bounds(until - ahead)[0], due_at=civil.day_bounds(until)[1], details={"register": _key(row)}, is_demo=row.is_demo,
    )  # fmt: skip


def _name_duties(items: list[Obligation], season: Season) -> None:
    duties = {duty.clause: duty for duty in Duty.objects.filter(season=season.code, clause__in={item.clause for item in items})}
    for item in items:
        item.duty = duties.get(item.clause)


def _key(row) -> str:
    return f"{row.journal_kind}:{row.code}"


def _open(row):
    return Obligation.objects.filter(clause=SORTS[type(row)][0], details__register=_key(row), standing=Standing.OPEN).select_related("unit", "verifier", "season")


def renewed(row, *, at: datetime) -> None:
    """The register has a new date for `row`: what ran out before it is reported; the department still verifies it."""
    until = getattr(row, SORTS[type(row)][2])
    for item in _open(row):
        if until is not None and until.isoformat() > item.period:
            proof.report(item, note=f"底册已登记新的有效期至 {until}", actor=None, at=at)


def ended(row, *, reason: str, at: datetime) -> None:
    """`row` is out of use: nothing is owed for it any more."""
    for item in _open(row):
        proof.drop(item, reason=f"底册已停用：{reason}", actor=None, at=at)
