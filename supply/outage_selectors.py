"""Reading outages, passage requests and damage reports: each as far as somebody may know of it."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from core import attachments, civil
from core.errors import Forbidden, Invalid, NotFound
from core.models import Attachment
from core.paging import Page, page
from core.together import Waiting, may_wait
from deadlines import engine
from deadlines.models import Deadline
from plants.models import Community
from supply import damage, outages
from supply.models import DamageReceipt, DamageReport, Outage, OutageArea, OutageCase, PassageRequest, Promise
from units import access
from units.models import Kind, Unit

NEWEST = ("-started_at", "-id")
FILTERS = ("state", "company", "street", "late", "q")


def visible_to(user) -> QuerySet[Outage]:
    """The outages of one's company, in one's territory, with a passage request to one's unit, or all of the district."""
    if access.everywhere(user, access.SEE_WORK):
        return Outage.objects.all()
    held = access.unit_ids(user, access.SEE_WORK)
    if not held:
        return Outage.objects.none()
    here = OutageArea.objects.filter(Q(community__street__in=held) | Q(community__overlay__in=held), outage=OuterRef("pk"))
    asked = PassageRequest.objects.filter(outage=OuterRef("pk"), unit__in=held)
    return Outage.objects.filter(Q(company__in=held) | Exists(here) | Exists(asked))


def areas_seen(user) -> QuerySet[OutageArea]:
    """The areas of outages that `user` may know of: a street's own territory; all of it for the company, the police on the way, and the district."""
    found = OutageArea.objects.select_related("community__street")
    if access.everywhere(user, access.SEE_WORK):
        return found
    held = access.unit_ids(user, access.SEE_WORK)
    asked = PassageRequest.objects.filter(outage=OuterRef("outage"), unit__in=held)
    return found.filter(Q(outage__company__in=held) | Q(community__street__in=held) | Q(community__overlay__in=held) | Exists(asked))


@dataclass
class Filters:
    """What the list may be narrowed by."""

    state: str = ""
    company: str = ""
    street: str = ""
    late: bool = False
    q: str = ""
    given: dict = field(default_factory=dict)

    @classmethod
    def read(cls, params) -> "Filters":
        """From a query string; Invalid, naming the parameter, for a value that cannot be meant."""
        given = {name: params.get(name, "").strip() for name in FILTERS if params.get(name, "").strip()}
        if given.get("state") and given["state"] not in Outage.State.values:
            raise Invalid(f"只能是 {'、'.join(Outage.State.values)}", field="state")
        if given.get("late", "1") not in ("1", "true"):
            raise Invalid("只能是 1", field="late")
        if any(len(value) > 64 or "\x00" in value for value in given.values()):
            raise Invalid("内容过长或有不能识别的字符", field="q")
        return cls(
            state=given.get("state", ""), company=given.get("company", ""), street=given.get("street", ""), late="late" in given, q=given.get("q", ""),
            given=given,
        )  # fmt: skip


def listing(user, filters: Filters, *, at: datetime) -> QuerySet[Outage]:
    """The outages that `user` may see and that the filters let through, with their areas as far as they concern the reader."""
    found = visible_to(user).select_related("company", "plant")
    if filters.state:
        found = found.filter(state=filters.state)
    if filters.company:
        found = found.filter(company__code=filters.company)
    if filters.street:
        found = found.filter(Exists(OutageArea.objects.filter(outage=OuterRef("pk"), community__street__code=filters.street)))
    if filters.late:
        found = found.filter(state=Outage.State.OPEN, expected_at__lt=at)
    if filters.q:
        here = OutageArea.objects.filter(outage=OuterRef("pk"), community__name__icontains=filters.q)
        found = found.filter(Q(number=filters.q.upper()) | Q(place__icontains=filters.q) | Q(cause__icontains=filters.q) | Exists(here))
    if counts_cases(user):
        found = found.annotate(case_count=Count("cases", filter=Q(cases__detached_at=None), distinct=True))
    return found.prefetch_related(Prefetch("areas", areas_seen(user)))


def pages(user, filters: Filters, *, at: datetime, cursor: str | None = None) -> Page:
    """One page of outages, newest first."""
    return page(listing(user, filters, at=at), order=NEWEST, cursor=cursor, size=30)


def counts_cases(user) -> bool:
    """Whether `user` may know how many complaints hang on an outage: no company, since some may be another's."""
    return not access.is_company(user)


@may_wait
def totals(user, *, at: datetime) -> Waiting[dict[str, int]]:
    """How many outages are open, late, and how many households they concern."""
    rows = visible_to(user).filter(state=Outage.State.OPEN).values_list("pk", "households", "expected_at", "started_at")
    yield rows
    return {
        "open": sum(started <= at for *_, started in rows),
        "late": sum(expected < at for _, _, expected, _ in rows),
        "households": sum(households for _, households, _, started in rows if started <= at),
        "planned": sum(started > at for *_, started in rows),
    }


def outage_to_see(user, number: str) -> Outage:
    """An outage that `user` may know of; NotFound otherwise."""
    found = visible_to(user).filter(number=str(number)[:20]).select_related("company", "plant", "reported_by").first()
    if found is None:
        raise NotFound
    return found


def outage_to_handle(user, number: str) -> Outage:
    """An outage for which `user` may act. NotFound, Forbidden."""
    found = outage_to_see(user, number)
    if not outages.may_report(user, found.company):
        raise Forbidden("只有供热企业本身和专班可以办理")
    return found


def outage_to_supervise(user, number: str) -> Outage:
    """An outage over which `user` watches for the task force. NotFound, Forbidden."""
    found = outage_to_see(user, number)
    access.require(user, access.SUPERVISE)
    return found


@dataclass(frozen=True)
class Details:
    """Everything beside the outage itself that its page shows."""

    areas: list[OutageArea]
    promises: list[Promise]
    passages: list[PassageRequest]
    deadlines: list[Deadline]
    case_count: int | None


def details_of(user, outage: Outage) -> Details:
    """An outage's area, promises, passages and clocks: one query each. The police see what passage needs."""
    passages = list(outage.passages.select_related("unit", "requested_by", "answered_by"))
    clocks = list(engine.of(outage).select_related("policy", "unit"))
    if passages:
        clocks += Deadline.objects.filter(
            subject_type=engine.subject_type(PassageRequest), subject_id__in=[one.pk for one in passages]
        ).select_related("policy", "unit").order_by("opened_at", "id")
    return Details(
        areas=list(areas_seen(user).filter(outage=outage)),
        promises=list(outage.promises.select_related("said_by")),
        passages=passages,
        deadlines=clocks,
        case_count=OutageCase.objects.filter(outage=outage, detached_at=None).count() if counts_cases(user) else None,
    )


def passage_to_answer(user, number: str, pk: int) -> PassageRequest:
    """A passage request that `user` may acknowledge. NotFound, Forbidden."""
    outage = outage_to_see(user, number)
    found = outage.passages.filter(pk=min(pk, 2**62)).select_related("outage__company", "unit").first()
    if found is None:
        raise NotFound
    if not outages.may_answer(user, found):
        raise Forbidden("由公安交管未央大队回执")
    return found


def passages_waiting(user) -> QuerySet[PassageRequest]:
    """The passage requests that `user`'s unit has still to acknowledge."""
    held = access.unit_ids(user, access.HANDLE_TICKETS)
    found = PassageRequest.objects.filter(unit__in=held, answered_at=None).exclude(outage__state=Outage.State.VOID)
    return found.select_related("outage__company", "unit").order_by("requested_at")


def companies_to_report(user) -> QuerySet[Unit]:
    """The heating companies for which `user` may report outages."""
    found = Unit.objects.filter(kind=Kind.HEATING, is_active=True).order_by("position", "code")
    return found if access.everywhere(user, access.SUPERVISE) else found.filter(pk__in=access.unit_ids(user, access.HANDLE_TICKETS))


def communities_of(companies: QuerySet[Unit]) -> QuerySet[Community]:
    """The communities that some companies heat."""
    return Community.objects.filter(company__in=companies, is_active=True).order_by("name")


def companies_seen(user) -> list[Unit]:
    """For the filter menu: the companies that `user` may know of."""
    found = Unit.objects.filter(kind=Kind.HEATING, is_active=True).order_by("position", "code")
    if access.is_company(user) and not access.everywhere(user, access.SEE_WORK):
        found = found.filter(pk__in=access.unit_ids(user, access.SEE_WORK))
    return list(found)


def streets() -> list[Unit]:
    """For the filter menu."""
    return list(Unit.objects.filter(kind=Kind.STREET, is_active=True).order_by("position", "code"))


# ---------------------------------------------------------------- damage


DAMAGE_STATES = {"running": "未制止", "unreceived": "未回执", "received": "均已回执"}


def damages_narrowed(user, *, street: str = "", state: str = "", since: date | None = None, until: date | None = None) -> QuerySet[DamageReport]:
    """Those of which `user` may know, newest first, narrowed by street, state and the days on which they were found. Invalid (state)."""
    if state and state not in DAMAGE_STATES:
        raise Invalid(f"只能是 {'、'.join(DAMAGE_STATES)}", field="state")
    found = damages(user).order_by("-reported_at", "-id")
    if street:
        found = found.filter(street__code=street[:64])
    if state == "running":
        found = found.filter(is_stopped=False)
    elif state:
        waits = Exists(DamageReceipt.objects.filter(report=OuterRef("pk"), received_at=None))
        found = found.filter(waits if state == "unreceived" else ~waits)
    if since:
        found = found.filter(found_at__gte=civil.day_bounds(since)[0])
    return found.filter(found_at__lt=civil.day_bounds(until)[1]) if until else found


def reporting_streets(user) -> list[Unit]:
    """The streets whose reports `user` sees: for the filter."""
    return list(Unit.objects.filter(pk__in=damages(user).order_by().values("street")))


def damages(user) -> QuerySet[DamageReport]:
    """The damage reports of one's street, to one's unit, or all of the district. The company whose pipes they are sees them too."""
    found = DamageReport.objects.select_related("street", "community", "company", "finding").prefetch_related(
        Prefetch("receipts", DamageReceipt.objects.select_related("unit", "received_by"))
    )
    if access.everywhere(user, access.SEE_WORK):
        return found
    held = access.unit_ids(user, access.SEE_WORK) | access.unit_ids(user, access.INSPECT)
    if not held:
        return found.none()
    mine = DamageReceipt.objects.filter(report=OuterRef("pk"), unit__in=held)
    return found.filter(Q(street__in=held) | Q(company__in=held) | Exists(mine))


def damage_to_see(user, number: str) -> DamageReport:
    """A damage report that `user` may know of; NotFound otherwise."""
    found = damages(user).filter(number=str(number)[:20]).first()
    if found is None:
        raise NotFound
    return found


def receipt_to_confirm(user, number: str, pk: int) -> DamageReceipt:
    """A receipt that `user` owes. NotFound, Forbidden."""
    report = damage_to_see(user, number)
    found = report.receipts.filter(pk=min(pk, 2**62)).select_related("report__street", "unit").first()
    if found is None:
        raise NotFound
    if not damage.may_confirm(user, found):
        raise Forbidden("由接收单位回执")
    return found


def streets_to_report(user) -> QuerySet[Unit]:
    """The streets for which `user` may report damage."""
    held = access.unit_ids(user, access.HANDLE_TICKETS) | access.unit_ids(user, access.INSPECT)
    return Unit.objects.filter(kind=Kind.STREET, is_active=True, pk__in=held)


def communities_in(streets: QuerySet[Unit]) -> QuerySet[Community]:
    """The communities of some streets."""
    return Community.objects.filter(street__in=streets, is_active=True).order_by("name")


def heating_companies() -> QuerySet[Unit]:
    """Every heating company, for a street's choice of whose pipes they are."""
    return Unit.objects.filter(kind=Kind.HEATING, is_active=True).order_by("position", "code")


def clocks_of(report: DamageReport) -> dict[int, Deadline]:
    """The clock of each receipt, by the receipt's id."""
    rows = Deadline.objects.filter(
        subject_type=engine.subject_type(DamageReceipt), subject_id__in=[one.pk for one in report.receipts.all()]
    ).select_related("policy")
    return {row.subject_id: row for row in rows}


def file_to_see(user, number: str, pk) -> Attachment:
    """A photo of a damage report, for who may see the report."""
    found = attachments.of(damage_to_see(user, number)).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
