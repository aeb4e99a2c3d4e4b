"""Who may see which company's gas, and how it stands: demand, supply and gap with their age, curtailments, the log of coordination."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from core.errors import Forbidden, Invalid, NotFound
from core.paging import Page, page
from deadlines import season as seasons
from plants.models import Boiler, Charge, Community, HeatSource, Plant
from supply import allocation, curtailment, gas
from supply.models import (
    ActivatedStep,
    Activation,
    Coordination,
    CurtailmentPlan,
    CurtailmentStep,
    DailyReport,
    GasForecast,
    GasIncident,
    GasReading,
    Restriction,
)
from units import access
from units.models import Kind, Unit

NEWEST = ("-proposed_at", "-id")
STALE = timedelta(hours=24)  # older figures are marked: a gap changes within a day
LOOK_BACK = timedelta(days=7)  # where a day has no figures yet, the latest of these days are shown beside it, never added up


# ---------------------------------------------------------------- who may see what


def sees_everything(user) -> bool:
    """Whether `user` sees every company's gas: the district, the bureau of gas, and the suppliers, who deliver to each (D2.2, F4, F5)."""
    if access.everywhere(user, access.SEE_WORK):
        return True
    held = access.unit_ids(user, access.SEE_WORK)
    return bool(held) and Unit.objects.filter(Q(code=curtailment.DEVELOPMENT_REFORM) | Q(kind=Kind.GAS), pk__in=held).exists()


def companies(user, *, with_former: bool = False) -> QuerySet[Unit]:
    """The heating companies whose gas `user` may see: its own, or those that heat its territory (E4), or all. `with_former`: those no longer in use too."""
    found = Unit.objects.filter(kind=Kind.HEATING).order_by("position", "code")
    if not with_former:
        found = found.filter(is_active=True)
    if sees_everything(user):
        return found
    held = access.unit_ids(user, access.SEE_WORK)
    if not held:
        return found.none()
    heated = Community.objects.filter(Q(street__in=held) | Q(overlay__in=held), is_active=True).values("company")
    checked = Charge.objects.filter(street__in=held, until=None).values("plant__company")
    return found.filter(Q(pk__in=held) | Q(pk__in=heated) | Q(pk__in=checked))


def company_to_see(user, code: str) -> Unit:
    """A company whose gas `user` may see; NotFound otherwise."""
    found = companies(user).filter(code=str(code)[:64]).first()
    if found is None:
        raise NotFound
    return found


def company_to_handle(user, code: str) -> Unit:
    """A company for whose curtailment `user` may act: its own people and the district's supervisors. NotFound, Forbidden."""
    found = company_to_see(user, code)
    if not may_handle(user, found):
        raise Forbidden("只有企业本身和专班可以办理")
    return found


def may_handle(user, company: Unit) -> bool:
    """Whether `user` may plan and propose for a company."""
    return company.pk in access.unit_ids(user, access.HANDLE_TICKETS) or access.everywhere(user, access.SUPERVISE)


def companies_to_handle(user) -> QuerySet[Unit]:
    """The companies for which `user` may plan and propose."""
    found = companies(user)
    return found if access.everywhere(user, access.SUPERVISE) else found.filter(pk__in=access.unit_ids(user, access.HANDLE_TICKETS))


def companies_to_read(user) -> QuerySet[Unit]:
    """The companies whose figures `user` may enter."""
    return companies(user) if gas.gas_unit_of(user) else companies_to_handle(user)


# ---------------------------------------------------------------- the board


@dataclass(frozen=True)
class Said:
    """A company's demand and supply of a day, m³, as told at a moment, and where."""

    day: date
    demand_m3: Decimal
    supply_m3: Decimal
    read_at: datetime
    source: str

    @property
    def gap_m3(self) -> Decimal:
        """Demand less supply, never below nought."""
        return max(self.demand_m3 - self.supply_m3, Decimal(0))


@dataclass(frozen=True)
class Balance:
    """A company's gas on a day: what it needs and gets, m³ a day, and how old that is. None where nothing was reported: missing is not nought.

    `last`: where nothing was reported of the day, what was said of an earlier one, for orientation and in no total. `forecast`: what
    it was expected to need (F1).
    """

    company: Unit
    demand: Decimal | None
    supply: Decimal | None
    read_at: datetime | None
    source: str
    level: int | None
    age: timedelta | None
    is_stale: bool
    active: Activation | None
    last: Said | None = None
    forecast: Decimal | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything was reported for the day."""
        return self.demand is not None

    @property
    def gap(self) -> Decimal | None:
        """Demand less supply, never below nought."""
        return max(self.demand - self.supply, Decimal(0)) if self.is_known else None

    @property
    def share(self) -> Decimal | None:
        """The gap as a share of the demand."""
        return self.gap / self.demand if self.is_known and self.demand else None


@dataclass(frozen=True)
class Board:
    """The gas of a day: every company that may be seen, and totals of those that have reported, with their coverage."""

    day: date
    rows: list[Balance]

    @property
    def known(self) -> list[Balance]:
        """The companies that have reported."""
        return [row for row in self.rows if row.is_known]

    @property
    def demand(self) -> Decimal | None:
        """What those that have reported need together; None where nobody has."""
        return _sum(row.demand for row in self.known)

    @property
    def supply(self) -> Decimal | None:
        """What they get together; None where nobody has reported."""
        return _sum(row.supply for row in self.known)

    @property
    def gap(self) -> Decimal | None:
        """Their gaps together: one company's surplus is not another's gas. None where nobody has reported: that is not no gap."""
        return _sum(row.gap for row in self.known)

    @property
    def foreseen(self) -> list[Balance]:
        """The companies whose demand was forecast."""
        return [row for row in self.rows if row.forecast is not None]

    @property
    def forecast(self) -> Decimal | None:
        """What they were expected to need together; None without a forecast."""
        return _sum(row.forecast for row in self.foreseen)

    @property
    def coverage(self) -> str:
        """How many of how many have reported."""
        return f"{len(self.known)}/{len(self.rows)} 家"

    @property
    def oldest(self) -> timedelta | None:
        """How old the oldest figure is."""
        return max((row.age for row in self.known), default=None)


def board(user, day: date, *, at: datetime) -> Board:
    """How the gas stands on a day, company by company: a constant number of queries."""
    units = list(companies(user))
    said = _latest_said(units, day - LOOK_BACK, day)
    latest = GasForecast.objects.filter(day=day, company__in=units).order_by("company_id", "-made_on").distinct("company_id")
    foreseen = {one.company_id: one.demand_m3 for one in latest}
    running = {one.company_id: one for one in Activation.objects.filter(company__in=units, state=Activation.State.ACTIVE)}
    season = seasons.active(at)
    levels = (seasons.plan_of(season)["checklists"].get("curtailment_levels") or []) if season else []
    return Board(day, [_balance(unit, day, said.get(unit.pk), running.get(unit.pk), foreseen.get(unit.pk), levels, at) for unit in units])


def _latest_said(units: list[Unit], first: date, last: date) -> dict[int, Said]:
    """Company id → the latest word on the last of these days that has any: a reading or the day's own report, whichever came later. Two queries."""
    readings = GasReading.objects.filter(day__range=(first, last), company__in=units).order_by("company_id", "-day", "-read_at", "-id").distinct("company_id")
    found = {one.company_id: Said(one.day, one.demand_m3, one.supply_m3, one.read_at, str(one.unit or "气量速报")) for one in readings.select_related("unit")}
    reports = DailyReport.objects.filter(day__range=(first, last), company__in=units, is_current=True).order_by("company_id", "-day").distinct("company_id")
    for one in reports:
        other = found.get(one.company_id)
        if other is None or (other.day, other.read_at) < (one.day, one.submitted_at):
            found[one.company_id] = _reported(one)
    return found


def _reported(report: DailyReport) -> Said:
    """A daily report's demand and supply: as told, else what was burnt, and that with the gap it declared."""
    if report.gas_demand_m3 is not None and report.gas_supply_m3 is not None:
        return Said(report.day, report.gas_demand_m3, report.gas_supply_m3, report.submitted_at, "供热日报")
    return Said(report.day, report.gas_used_m3 + report.gas_gap_m3, report.gas_used_m3, report.submitted_at, "供热日报（消耗＋申报缺口）")


def _sum(values) -> Decimal | None:
    values = list(values)
    return sum(values, Decimal(0)) if values else None


def _balance(unit: Unit, day: date, said: Said | None, active: Activation | None, forecast: Decimal | None, levels: list[dict], at: datetime) -> Balance:
    if said is None or said.day != day:
        return Balance(unit, None, None, None, "", None, None, False, active, said, forecast)
    level = allocation.level_of(said.gap_m3, said.demand_m3, levels)
    age = max(at - said.read_at, timedelta(0))
    return Balance(unit, said.demand_m3, said.supply_m3, said.read_at, said.source, level, age, age > STALE, active, None, forecast)


def balance_of(user, company: Unit, *, day: date, at: datetime) -> Balance:
    """One company's gas on a day."""
    return next(row for row in board(user, day, at=at).rows if row.company.pk == company.pk)


def readings_of(user, *, day: date | None = None, cursor: str | None = None) -> Page:
    """Every reading that was entered, newest first."""
    found = GasReading.objects.filter(company__in=companies(user)).select_related("company", "unit", "read_by")
    return page(found.filter(day=day) if day else found, order=("-read_at", "-id"), cursor=cursor, size=30)


def plants_serving(user) -> list[Plant]:
    """For a street: the heating plants with gas boilers that serve its territory, with their boilers (E4)."""
    held = access.unit_ids(user, access.SEE_WORK)
    found = Plant.objects.filter(
        Q(communities__street__in=held) | Q(communities__overlay__in=held) | Q(charges__street__in=held, charges__until=None), is_active=True,
        boilers__source=HeatSource.GAS,
    )  # fmt: skip
    return list(found.distinct().select_related("company").order_by("name"))


# ---------------------------------------------------------------- the plan of a company


def plan_to_see(user, code: str, *, at: datetime) -> tuple[Unit, CurtailmentPlan | None]:
    """A company's curtailment plan of this season, None when there is none; for its own people, the district, and the gas side."""
    company = company_to_see(user, code)
    if not (sees_everything(user) or may_handle(user, company) or company.pk in access.unit_ids(user, access.SEE_WORK)):
        raise NotFound
    return company, CurtailmentPlan.objects.filter(company=company, season=seasons.active(at)).select_related("season", "company").first()


def steps_of(plan: CurtailmentPlan) -> list[CurtailmentStep]:
    """The measures of a plan, those taken out last."""
    return list(plan.steps.select_related("boiler__plant").prefetch_related("communities").order_by("-is_active", "stage", "order", "id"))


def step_to_handle(user, code: str, pk: int) -> CurtailmentStep:
    """A measure that `user` may take out."""
    company = company_to_handle(user, code)
    found = CurtailmentStep.objects.filter(pk=min(pk, 2**62), plan__company=company).select_related("plan__company").first()
    if found is None:
        raise NotFound
    return found


def boilers_of(company: Unit) -> QuerySet[Boiler]:
    """A company's gas boilers."""
    return Boiler.objects.filter(plant__company=company, source=HeatSource.GAS, is_active=True).select_related("plant")


def communities_of(company: Unit) -> QuerySet[Community]:
    """The communities that a company heats."""
    return Community.objects.filter(company=company, is_active=True).order_by("name")


# ---------------------------------------------------------------- curtailments


def activations(user) -> QuerySet[Activation]:
    """The curtailments of which `user` may know: of its company, in its territory, or all. A street hears of what has begun, not of proposals."""
    found = Activation.objects.select_related("company", "approved_by", "proposed_by", "override_by", "plan__season")
    if sees_everything(user):
        return found
    held = access.unit_ids(user, access.SEE_WORK)
    if not held:
        return found.none()
    here = Restriction.objects.filter(Q(community__street__in=held) | Q(community__overlay__in=held)).values("activation")
    return found.filter(Q(company__in=held) | Q(pk__in=here))


def read_filters(params) -> tuple[str, str]:
    """State and company from a query string; Invalid, naming the parameter, for a value that cannot be meant."""
    state, company = params.get("state", ""), params.get("company", "")
    if state and state not in Activation.State.values:
        raise Invalid(f"只能是 {'、'.join(Activation.State.values)}", field="state")
    if len(company) > 64 or "\x00" in company:
        raise Invalid("没有这家企业", field="company")
    return state, company


def activation_list(user, *, state: str = "", company: str = "", cursor: str | None = None) -> Page:
    """Curtailments, newest first."""
    found = activations(user)
    if state:
        found = found.filter(state=state)
    if company:
        found = found.filter(company__code=company)
    return page(found, order=NEWEST, cursor=cursor, size=30)


def activation_to_see(user, number: str) -> Activation:
    """A curtailment that `user` may know of; NotFound otherwise."""
    found = activations(user).filter(number=str(number)[:20]).first()
    if found is None:
        raise NotFound
    return found


def activation_to_handle(user, number: str) -> Activation:
    """A curtailment for which `user` may act. NotFound, Forbidden."""
    found = activation_to_see(user, number)
    if not may_handle(user, found.company):
        raise Forbidden("只有企业本身和专班可以办理")
    return found


def activation_to_approve(user, number: str) -> Activation:
    """A curtailment that `user` may approve. NotFound, Forbidden."""
    found = activation_to_see(user, number)
    if not curtailment.may_approve(user, found):
        raise Forbidden("限供须由专班具名批准")
    return found


def carried_out_to_handle(user, number: str, pk: int) -> ActivatedStep:
    """A measure under way for which `user` may act."""
    activation = activation_to_handle(user, number)
    found = activation.carried_out.filter(pk=min(pk, 2**62)).select_related("activation__company").first()
    if found is None:
        raise NotFound
    return found


def sees_lines(user, activation: Activation) -> bool:
    """Whether `user` may read every measure: a street reads what concerns its own territory only."""
    return sees_everything(user) or activation.company_id in access.unit_ids(user, access.SEE_WORK)


def restrictions_of(user, activation: Activation) -> list[Restriction]:
    """The communities that a curtailment affects, as far as `user` may know."""
    found = activation.restrictions.select_related("community__street", "carried_out").order_by("community__street__position", "community__name")
    if not sees_lines(user, activation):
        held = access.unit_ids(user, access.SEE_WORK)
        found = found.filter(Q(community__street__in=held) | Q(community__overlay__in=held))
    return list(found)


def carried_out_of(user, activation: Activation) -> list[ActivatedStep]:
    """The measures that were carried out, as far as `user` may know."""
    found = activation.carried_out.order_by("position")
    if not sees_lines(user, activation):
        found = found.filter(pk__in=[row.carried_out_id for row in restrictions_of(user, activation)])
    return list(found)


# ---------------------------------------------------------------- coordination and incidents


def coordinations(user, *, unit: str = "", state: str = "", since: date | None = None, until: date | None = None) -> QuerySet[Coordination]:
    """The log of gas asked for upstream: of one's own unit, or all for the district and the bureau of gas. `state`: waiting, answered. Invalid (state)."""
    found = Coordination.objects.select_related("unit", "recorded_by").order_by("-recorded_at", "-id")
    if not sees_log(user):
        found = found.filter(unit__in=access.unit_ids(user, access.SEE_WORK))
    if state not in ("", "waiting", "answered"):
        raise Invalid("只能是 waiting、answered", field="state")
    if unit:
        found = found.filter(unit__code=unit[:64])
    if state:
        found = found.filter(granted_m3__isnull=state == "waiting")
    return _within(found, "day", since, until)


def _within(found: QuerySet, name: str, since: date | None, until: date | None) -> QuerySet:
    if since:
        found = found.filter(**{f"{name}__gte": since})
    return found.filter(**{f"{name}__lte": until}) if until else found


def askers(user) -> list[Unit]:
    """The units that stand in the log as `user` sees it: for its filter."""
    return list(Unit.objects.filter(pk__in=coordinations(user).order_by().values("unit")))


def sees_log(user) -> bool:
    """Whether `user` sees every unit's coordination and incidents: the district and the bureau of gas, but no supplier."""
    if access.everywhere(user, access.SEE_WORK):
        return True
    return Unit.objects.filter(code=curtailment.DEVELOPMENT_REFORM, pk__in=access.unit_ids(user, access.SEE_WORK)).exists()


def granted(found: QuerySet[Coordination]) -> dict:
    """What was asked and granted in all, and how many wait for an answer."""
    return found.order_by().aggregate(asked=Sum("asked_m3"), granted=Sum("granted_m3"), waiting=Count("pk", filter=Q(granted_m3=None)))


def coordination_to_handle(user, pk: int) -> Coordination:
    """An entry of the log that `user` may answer. NotFound, Forbidden."""
    found = coordinations(user).filter(pk=min(pk, 2**62)).first()
    if found is None:
        raise NotFound
    if not gas.may_coordinate(user, found.unit):
        raise Forbidden("只能登记本单位的协调")
    return found


def incidents(user, *, since: date | None = None, until: date | None = None) -> QuerySet[GasIncident]:
    """Sudden troubles with the supply: those one reported, those that concern one's company, or all; narrowed by the day they happened."""
    found = GasIncident.objects.select_related("unit", "owner", "company", "reported_by").order_by("-reported_at", "-id")
    if not sees_log(user):
        held = access.unit_ids(user, access.SEE_WORK)
        found = found.filter(Q(unit__in=held) | Q(company__in=held))
    return _within(found, "happened_at__date", since, until)


def incident_to_close(user, number: str) -> GasIncident:
    """An incident that `user` may close. NotFound, Forbidden."""
    found = incidents(user).filter(number=str(number)[:20]).first()
    if found is None:
        raise NotFound
    if not gas.may_close(user, found):
        raise Forbidden("由区发改委处置")
    return found
