"""Independent callbacks: drawn by lot each week, and whenever something asks for one; answered by those who are not the company.

The lot is fixed by season, week and company, and written into the journal as it is drawn: nobody chooses, and anybody
can draw it again.
"""

import hashlib
import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from complaints import lifecycle, rulebook
from complaints.models import Callback, Rating, Sample, State, Ticket
from complaints.residents import following
from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.models import Entry
from deadlines import engine
from deadlines import season as seasons
from plants import ledger
from plants.models import Finding, Severity
from units import access
from units.models import COMPANIES, Unit

DRAW_LOCK = 0x57_59_53_41
LOOK_BACK = timedelta(days=10)
POLICY = "sample"
RECTIFY_DAYS = 3


# ---------------------------------------------------------------- drawing


def generate(*, at: datetime) -> list[Sample]:
    """Draw what is to be asked again as of `at`: last week's lot, and every ticket that asks for it. Idempotent."""
    season = seasons.active(at)
    if season is None or "residents" not in seasons.plan_of(season):
        return []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [DRAW_LOCK])
            if not cursor.fetchone()[0]:
                return []
        return [*_flagged(season, at), *_lot(season, at)]


def _lot(season, at: datetime) -> list[Sample]:
    """Of last week's closed tickets the plan's share of each company, at least so many."""
    rule = seasons.plan_of(season)["residents"]["sampling"]
    monday = civil.day_of(at) - timedelta(days=civil.day_of(at).weekday())
    since, until = civil.day_bounds(monday - timedelta(days=7))[0], civil.day_bounds(monday)[0]
    key = f"{(monday - timedelta(days=7)):%G-W%V}"
    if Entry.objects.filter(subject_kind="season", subject_key=season.code, act="draw", data__week=key).exists():
        return []
    closed = Ticket.objects.filter(closed_at__gte=since, closed_at__lt=until, state=State.CLOSED, is_history=False, doer__kind__in=COMPANIES)
    by_company: dict[int, list[Ticket]] = {}
    for ticket in closed.exclude(phone_index="").select_related("doer", "street").order_by("pk"):
        by_company.setdefault(ticket.doer_id, []).append(ticket)
    drawn = []
    for tickets in by_company.values():
        count = min(len(tickets), max(rule["least"], math.ceil(rule["share"] * len(tickets))))
        drawn += _lottery(season.code, key, tickets[0].doer.code).sample(tickets, count)
    new = _draw(season, [(ticket, Sample.Reason.RANDOM) for ticket in drawn], at)
    journal.record(season, "draw", actor=None, at=at, week=key, tickets=[ticket.number for ticket in drawn], of={str(k): len(v) for k, v in by_company.items()})
    return new


def _lottery(season: str, week: str, company: str) -> random.Random:
    seed = hashlib.sha256(f"{settings.SECRET_KEY}|{season}|{week}|{company}".encode()).digest()
    return random.Random(seed)  # noqa: S311 (a lot that can be drawn again, not a secret)


def _flagged(season, at: datetime) -> list[Sample]:
    """What residents said themselves, what was withdrawn, and arrivals that are in doubt: all of them."""
    since = at - LOOK_BACK
    wanted: dict[int, str] = {}
    for ticket, solved, satisfaction, against in Rating.objects.filter(rated_at__gte=since).values_list("ticket", "solved", "satisfaction", "contradicts"):
        if against:
            wanted[ticket] = Sample.Reason.CONTRADICTED
        elif not solved:
            wanted[ticket] = Sample.Reason.UNSOLVED
        elif satisfaction == Callback.Satisfaction.DISSATISFIED:
            wanted[ticket] = Sample.Reason.DISSATISFIED
    calls = Callback.objects.filter(called_at__gte=since, kind=Callback.Kind.RESULT, satisfaction=Callback.Satisfaction.DISSATISFIED, solved=True)
    for ticket in calls.values_list("ticket", flat=True):
        wanted.setdefault(ticket, Sample.Reason.DISSATISFIED)
    withdrawn = Entry.objects.filter(subject_kind="ticket", act="withdraw", at__gte=since).values_list("subject_key", flat=True)
    for ticket in Ticket.objects.filter(number__in=list(withdrawn)).values_list("pk", flat=True):
        wanted.setdefault(ticket, Sample.Reason.WITHDRAWN)
    doubtful = Ticket.objects.filter(evidence__to_verify=True, evidence__recorded_at__gte=since).values_list("pk", flat=True)
    for ticket in doubtful:
        wanted.setdefault(ticket, Sample.Reason.ARRIVAL)
    tickets = Ticket.objects.filter(pk__in=wanted, doer__isnull=False, is_history=False).exclude(phone_index="").select_related("doer", "street")
    return _draw(season, [(ticket, wanted[ticket.pk]) for ticket in tickets], at)


def _draw(season, wanted: list[tuple[Ticket, str]], at: datetime) -> list[Sample]:
    known = set(Sample.objects.filter(ticket__in=[ticket.pk for ticket, _ in wanted]).values_list("ticket", "round"))
    fresh = [(ticket, reason) for ticket, reason in wanted if (ticket.pk, ticket.round) not in known]
    if not fresh:
        return []
    limit = engine.limit(POLICY)
    bureau = Unit.objects.get(code=access.BUREAU)
    due = at + limit.policy.allowance
    new = Sample.objects.bulk_create(
        Sample(
            season=season, ticket=ticket, round=ticket.round, company=ticket.doer, reason=reason, drawn_at=at, due_at=due,
            unit=ticket.street if reason == Sample.Reason.RANDOM and ticket.street_id else bureau,
        )
        for ticket, reason in fresh
    )  # fmt: skip
    engine.open_all([engine.draft(limit, sample, sample.unit, at=at) for sample in new])
    return new


# ---------------------------------------------------------------- who may know


def visible_to(user):
    """The samples that `user` works on or oversees. A company never learns which of its tickets were drawn."""
    found = Sample.objects.select_related("ticket__community", "ticket__street", "company", "unit", "called_by")
    if access.everywhere(user, access.SUPERVISE):
        return found
    return found.filter(unit__in=access.unit_ids(user, access.HANDLE_TICKETS)).exclude(company__in=access.unit_ids(user, access.HANDLE_TICKETS))


def may_sample(user) -> bool:
    """Whether the sampling desk is anybody's of this kind: the bureau's and the streets'."""
    unit = access.home_unit(user)
    return access.everywhere(user, access.SUPERVISE) or (unit is not None and unit.kind == "street" and bool(access.unit_ids(user, access.HANDLE_TICKETS)))


def sample_to_see(user, pk: int) -> Sample:
    """One sample; NotFound where one may not know of it."""
    found = visible_to(user).filter(pk=pk).first() if 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


def phone_of(sample: Sample, *, actor, at: datetime) -> str:
    """The resident's number, for the call; written down. Not any more once the sample is answered."""
    if sample.called_at is not None:
        raise Conflict("已完成回访，不再提供电话")
    _require(sample, actor)
    journal.record(sample.ticket, "reveal", actor=actor, at=at, unit=lifecycle.unit_of(actor), reason="抽样回访", field="complainant_phone")
    return sample.ticket.complainant_phone


# ---------------------------------------------------------------- asking again


@dataclass(frozen=True)
class Heard:
    """What came of a call: reached or not, and then the resident's answers."""

    reached: bool
    solved: bool | None = None
    satisfaction: str = ""
    was_measured: bool | None = None
    was_called: bool | None = None
    was_visited: bool | None = None
    wrong_details: str = ""
    note: str = ""


@transaction.atomic
def record(sample: Sample, heard: Heard, *, actor, at: datetime) -> Ticket | None:
    """Enter an independent callback. Not reached counts as an attempt; three in two half-days end it as unreachable.

    Not solved is served again: the next round before the close-out, a new ticket after it (behaviour 9). The ticket that runs
    then; None where nothing begins, or somebody is at it already.
    """
    _require(sample, actor)
    if not heard.reached:
        _missed(sample, actor, at)
        return None
    if heard.solved is None:
        raise Invalid("请填写是否解决", field="solved")
    if heard.satisfaction not in Callback.Satisfaction.values:
        raise Invalid("请选择满意度", field="satisfaction")
    said = following.Said(heard.solved, heard.satisfaction, heard.was_measured, heard.was_called, heard.was_visited)
    against = following.contradictions(sample.ticket, said, round_=sample.round)
    _finish(
        sample, actor, at, reached=True, solved=heard.solved, satisfaction=heard.satisfaction, was_measured=heard.was_measured, was_called=heard.was_called,
        was_visited=heard.was_visited, wrong_details=heard.wrong_details.strip()[:200], note=heard.note.strip()[:1000], contradicts=against,
    )  # fmt: skip
    if heard.solved or not following.choices(sample.ticket, at=at).still_cold:
        return None
    return following.still_cold(sample.ticket, words=heard.note, heard="区里回访：住户称没有解决", at=at)


def _missed(sample: Sample, actor, at: datetime) -> None:
    attempts = [*sample.attempts, at.isoformat()]
    rules = rulebook.current(at)
    halves = {civil.half_day_of(datetime.fromisoformat(moment)) for moment in attempts}
    if len(attempts) >= rules.number("unreachable", "attempts", default=3) and len(halves) >= rules.number("unreachable", "half_days", default=2):
        _finish(sample, actor, at, reached=False, attempts=attempts)
        return
    if not Sample.objects.filter(pk=sample.pk, called_at=None, attempts=sample.attempts).update(attempts=attempts):
        raise Conflict("刚被他人登记，请刷新后再试")
    sample.attempts = attempts
    journal.record(sample, "attempt", actor=actor, at=at, count=len(attempts))


def _finish(sample: Sample, actor, at: datetime, **values) -> None:
    if not Sample.objects.filter(pk=sample.pk, called_at=None).update(called_at=at, called_by=actor, **values):
        raise Conflict("这件已经回访过")
    for name, value in {"called_at": at, **values}.items():
        setattr(sample, name, value)
    engine.settle(sample, POLICY, at=at)
    said = {name: value for name, value in values.items() if name in ("reached", "solved", "satisfaction", "contradicts")}
    journal.record(sample, "ask", actor=actor, at=at, unit=sample.unit.code, ticket=sample.ticket.number, **said)


@transaction.atomic
def rule(found, *, upheld: bool, reason: str, actor, at: datetime) -> None:
    """The bureau decides whether what the resident said against the record (a Sample or a Rating) is so."""
    if not access.everywhere(actor, access.SUPERVISE):
        raise Forbidden("由区城管执法局认定")
    if not found.contradicts:
        raise Conflict("没有需要认定的不一致")
    if not reason.strip():
        raise Invalid("请写明认定理由", field="reason")
    if not type(found).objects.filter(pk=found.pk, ruled_at=None).update(ruled_at=at, ruled_by=actor, is_upheld=upheld, ruling=reason.strip()[:300]):
        raise Conflict("已经认定过")
    entered = _into_ledger(found, actor, at).number if upheld else ""
    journal.record(found.ticket, "contradiction", actor=actor, at=at, reason=reason.strip(), upheld=upheld, contradicts=found.contradicts, finding=entered)


def _into_ledger(found, actor, at: datetime) -> Finding:
    """What was written down and was not so is a problem of the company's own: it rectifies, the bureau verifies (G11, I10)."""
    days = seasons.plan_of(seasons.required(at))["residents"]["sampling"].get("rectify_days", RECTIFY_DAYS)
    told = "；".join(found.contradicts)
    wrong = ledger.Found(
        title=f"登记不实：{told}"[:200], unit=found.company if isinstance(found, Sample) else found.ticket.doer, severity=Severity.SERIOUS,
        due_at=civil.day_bounds(civil.day_of(at) + timedelta(days=days))[1], community=found.ticket.community, street=found.ticket.street,
        measure="核实登记经过，重新办理并回访住户，追究登记人责任",
    )  # fmt: skip
    bureau = Unit.objects.get(code=access.BUREAU)
    return ledger.open_finding(wrong, source=Finding.Source.TICKET, subject=found.ticket, unit=bureau, by=str(actor or ""), actor=actor, at=at)


def contradictions(*, ruled: bool | None = None) -> list:
    """Ratings and samples that contradict the company's record, newest first; both kinds side by side."""
    found = []
    for model, moment in ((Rating, "rated_at"), (Sample, "called_at")):
        rows = model.objects.exclude(contradicts=[]).select_related("ticket__community", "ticket__doer", "ruled_by").order_by(f"-{moment}")
        if ruled is not None:
            rows = rows.filter(ruled_at__isnull=not ruled)
        found += [{"kind": model._meta.model_name, "one": one, "at": getattr(one, moment)} for one in rows[:300]]
    return sorted(found, key=lambda row: row["at"], reverse=True)


def contradiction_of(kind: str, pk: int):
    """One rating or sample; NotFound for anything else."""
    model = {"rating": Rating, "sample": Sample}.get(kind)
    found = model.objects.select_related("ticket").filter(pk=pk).first() if model is not None and 0 < pk < 2**62 else None
    if found is None:
        raise NotFound
    return found


def waiting(user):
    """The samples that somebody has to call, what is due first first."""
    return visible_to(user).filter(called_at=None).order_by("due_at", "id")


def _require(sample: Sample, actor) -> None:
    if actor is None:
        return
    own = access.unit_ids(actor, access.HANDLE_TICKETS)
    if sample.company_id in own or not (sample.unit_id in own or access.everywhere(actor, access.SUPERVISE)):
        raise Forbidden("须由承办单位以外的单位回访")
