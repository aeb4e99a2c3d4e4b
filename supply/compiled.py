"""The life of what is sent to the city of a period (I8): owed → compiled → approved by another person → sent; corrected afterwards by notices.

The figures are a snapshot as of a cut-off: each line names the version that it was taken from, so that `snapshot` with the same
cut-off gives the same again. What changes once it is approved makes a correction 更正; the report itself is never touched.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Q

from core import civil, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from deadlines import season as seasons
from deadlines.models import Season
from notices import outbox
from supply.models import Activation, CompiledReport, Correction, DailyReport, ReportDue, Sending, Weather
from supply.report_days import DAY, at_time, first_day, rules
from units import access
from units.models import Holding, Unit

STAGE = "compiled_report"
OPENING_LOCK = 0x57_59_4F_38
DIRECTOR = "office-director"
SUMMED = ("boilers_running", "capacity_mw", "gas_used_m3", "gas_demand_m3", "gas_supply_m3", "gas_gap_m3")
STATES = {"missing": "漏报", "zero": "零报告", "revised": "已更正", "late": "迟报", "submitted": "已报"}


# ---------------------------------------------------------------- what is owed


def generate(*, at: datetime) -> None:
    """Open what is to be sent of every period that is over by `at`; a portal that is new begins with the last one. A constant number of statements."""
    season = seasons.active(at)
    if season is None or not seasons.plan_of(season).get("reports"):
        return
    said = rules(season)["compiled"]
    yesterday, length = civil.day_of(at) - DAY, timedelta(days=said["every_days"])
    first, last = first_day(season), min(yesterday, season.ends_on)
    newest = CompiledReport.objects.filter(season=season, last_day__lte=last).order_by("-last_day").values_list("last_day", flat=True).first()
    if newest is not None:
        start = newest + DAY
    elif yesterday > season.ends_on:
        return  # a portal that comes when the season is over owes nothing of it
    else:
        start = first + length * max(((last - first + DAY) // length) - 1, 0)
    wanted = []
    while (end := min(start + length - DAY, season.ends_on)) <= last and start <= end:
        wanted.append((start, end))
        start = end + DAY
    if wanted:
        _open(season, wanted, at=at)


@transaction.atomic
def _open(season: Season, periods: list[tuple[date, date]], *, at: datetime) -> None:
    with connection.cursor() as cursor:  # one opens at a time: the second finds the rows there
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OPENING_LOCK])
    said = rules(season)["compiled"]
    units = {unit.code: unit for unit in Unit.objects.filter(code__in=(access.BUREAU, said["recipient"]))}
    before = CompiledReport.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    CompiledReport.objects.bulk_create(
        [
            CompiledReport(
                season=season, number=f"HZ-{end:%Y%m%d}", first_day=start, last_day=end, unit=units[access.BUREAU], recipient=units[said["recipient"]],
                opened_at=civil.day_bounds(end)[1], due_at=at_time(end + DAY, said["send_by"]), is_demo=season.is_demo,
            )
            for start, end in periods
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    new = list(CompiledReport.objects.filter(pk__gt=before).select_related("unit"))
    if not new:
        return
    limit = engine.limit("compiled-report")
    engine.open_all([engine.draft(limit, one, one.unit, at=one.opened_at, due_at=one.due_at) for one in new])
    journal.record(season, "open_compiled", actor=None, at=at, numbers=[one.number for one in new])


# ---------------------------------------------------------------- the figures


def snapshot(season: Season, first: date, last: date, *, cutoff: datetime) -> dict:
    """What the reports of these days said as of `cutoff`: by day, each company's line with its version, and totals with their coverage."""
    dues = ReportDue.objects.filter(day__range=(first, last), season=season).select_related("company").order_by("day", "company__position", "company__code")
    told = {}
    for one in DailyReport.objects.filter(day__range=(first, last), submitted_at__lte=cutoff).order_by("due_id", "-version").distinct("due_id"):
        told[one.due_id] = one
    days: dict[date, list[dict]] = {first + DAY * number: [] for number in range((last - first).days + 1)}
    for due in dues:
        days[due.day].append(_line(due, told.get(due.pk), cutoff))
    observed = (
        Weather.objects.filter(day__range=(first, last), kind=Weather.Kind.OBSERVED, recorded_at__lte=cutoff)
        .order_by("day", "-recorded_at", "-id").distinct("day")
    )  # fmt: skip
    cut = Activation.objects.filter(approved_at__lte=cutoff, approved_at__lt=civil.day_bounds(last)[1]).filter(
        Q(ended_at=None) | Q(ended_at__gte=civil.day_bounds(first)[0])
    )
    return {
        "days": [{"day": day.isoformat(), **_totals(lines), "companies": lines} for day, lines in days.items()],
        "weather": [{"day": one.day.isoformat(), "lowest": str(one.lowest), "highest": str(one.highest), "mean": str(one.mean)} for one in observed],
        "curtailments": [
            {"number": one.number, "company": str(one.company), "level": one.level, "covered_m3": str(one.covered_m3)}
            for one in cut.select_related("company").order_by("approved_at", "id")
        ],
    }


def _line(due: ReportDue, report: DailyReport | None, cutoff: datetime) -> dict:
    line = {"code": due.company.code, "name": str(due.company), "is_demo": due.company.is_demo, "state": _state(due, report)}
    if report is None:
        return {**line, "version": None, **dict.fromkeys(SUMMED), "measures": ""}
    figures = {name: _text(getattr(report, name)) for name in SUMMED}
    return {
        **line, "version": report.version, "submitted_at": report.submitted_at.isoformat(), **figures, "gas_gap_m3": _text(report.gap),
        "declared_gap_m3": _text(report.gas_gap_m3), "measures": report.measures,
    }  # fmt: skip


def _state(due: ReportDue, report: DailyReport | None) -> str:
    if report is None:
        return "missing"
    if due.submitted_at is not None and due.submitted_at > due.due_at:
        return "late"
    return "revised" if report.version > 1 else "zero" if report.is_zero else "submitted"


def _totals(lines: list[dict]) -> dict:
    totals = {}
    for name in SUMMED:
        known = [Decimal(line[name]) for line in lines if line[name] is not None]
        totals[name] = {"sum": _text(sum(known, Decimal(0))), "covered": len(known)}
    reported = [line for line in lines if line["version"] is not None]
    return {"owed": len(lines), "reported": len(reported), "totals": totals, "missing": [line["name"] for line in lines if line["version"] is None]}


def _text(value) -> str | None:
    return None if value is None else f"{Decimal(value):f}"


def reproduces(report: CompiledReport) -> bool:
    """Whether the figures come out the same when taken again as of the same cut-off."""
    return report.cutoff_at is not None and snapshot(report.season, report.first_day, report.last_day, cutoff=report.cutoff_at)["days"] == report.figures["days"]


# ---------------------------------------------------------------- from hand to hand


def may_compile(user) -> bool:
    """Whether `user` may compile and send: the bureau, whose duty it is."""
    return Unit.objects.filter(code=access.BUREAU, pk__in=access.unit_ids(user, access.HANDLE_TICKETS)).exists()


def may_approve(user, report: CompiledReport) -> bool:
    """Whether `user` may approve: the office's director, and not who compiled it."""
    is_director = Holding.objects.filter(post__code=DIRECTOR, user=user, until=None).exists()
    return is_director and report.compiled_by_id != user.pk


@transaction.atomic
def compile_figures(report: CompiledReport, *, note: str = "", actor, at: datetime) -> None:
    """Take the figures as of `at`, for the director to approve. Before the plan's cut-off only when everybody has reported.

    Forbidden, Conflict (approved already), Invalid (too early).
    """
    if not may_compile(actor):
        raise Forbidden("由区城管执法局汇总")
    earliest = at_time(report.last_day + DAY, rules(report.season)["compiled"]["cutoff"])
    waiting = ReportDue.objects.filter(season=report.season, day__range=(report.first_day, report.last_day), submitted_at=None).exists()
    if at < earliest and waiting:
        raise Invalid(f"还有企业未报，{civil.spoken(earliest)} 取数截止后再汇总")
    figures = snapshot(report.season, report.first_day, report.last_day, cutoff=at)
    _move(
        report, (CompiledReport.State.DUE, CompiledReport.State.DRAFT), CompiledReport.State.DRAFT, figures=figures, cutoff_at=at, compiled_at=at,
        compiled_by=actor, note=note.strip()[:2000], is_demo=report.season.is_demo or any(line["is_demo"] for day in figures["days"] for line in day["companies"]),
    )  # fmt: skip
    outbox.post(
        Unit.objects.get(code=access.OFFICE), f"汇总报送待审批：{report.period}", key=f"compiled:{report.pk}:{at.isoformat()}", at=at,
        audience="office_director", kind="report", level=1, link=report.get_absolute_url(), body=coverage_of(figures),
    )  # fmt: skip
    journal.record(report, "compile", actor=actor, at=at, unit=access.BUREAU, reason=note.strip()[:500], cutoff=at.isoformat(), coverage=coverage_of(figures))


def coverage_of(figures: dict) -> str:
    """Of how many companies the figures are: `11-13 报送 12/14 家`."""
    return "；".join(f"{day['day'][5:]} 报送 {day['reported']}/{day['owed']} 家" for day in figures.get("days", []))


@transaction.atomic
def approve(report: CompiledReport, *, actor, at: datetime, note: str = "") -> None:
    """The office's director agrees that it goes out. Forbidden for anybody else, and for who compiled it; Conflict unless it waits for that."""
    _require_director(report, actor)
    _move(report, (CompiledReport.State.DRAFT,), CompiledReport.State.APPROVED, approved_at=at, approved_by=actor)
    journal.record(report, "approve", actor=actor, at=at, unit=access.OFFICE, reason=note.strip()[:500])


@transaction.atomic
def refuse(report: CompiledReport, *, reason: str, actor, at: datetime) -> None:
    """The director sends it back to be compiled anew, with the reason. Forbidden, Invalid (reason), Conflict."""
    _require_director(report, actor)
    if not reason.strip():
        raise Invalid("请写明退回原因", field="reason")
    compiler = report.compiled_by
    _move(report, (CompiledReport.State.DRAFT,), CompiledReport.State.DUE)
    outbox.post(
        report.unit, f"汇总报送被退回：{report.period}", key=f"compiled-refused:{report.pk}:{at.isoformat()}", at=at, audience="workers", kind="report", level=1,
        link=report.get_absolute_url(), body=reason.strip()[:300],
    )  # fmt: skip
    journal.record(report, "refuse", actor=actor, at=at, unit=access.OFFICE, reason=reason.strip()[:500], compiled_by=str(compiler))


def _require_director(report: CompiledReport, actor) -> None:
    if not may_approve(actor, report):
        raise Forbidden("汇总人不能审批自己的汇总" if report.compiled_by_id == actor.pk else "由专班办公室主任审批")


@transaction.atomic
def send(report: CompiledReport, *, recipient: str, way: str, receipt: str = "", correction: Correction | None = None, actor, at: datetime) -> Sending:
    """It went out: to whom and how. The first time it settles what the bureau owed. Forbidden, Invalid (recipient, way), Conflict unless approved."""
    if not may_compile(actor):
        raise Forbidden("由区城管执法局报送")
    if not recipient.strip():
        raise Invalid("请填写送往何处", field="recipient")
    if way not in Sending.Way.values:
        raise Invalid(f"方式只能是 {'、'.join(Sending.Way.labels)}", field="way")
    if report.state not in (CompiledReport.State.APPROVED, CompiledReport.State.SENT):
        raise Conflict("审批后才能送出")
    sending = Sending.objects.create(
        report=report, correction=correction, recipient=recipient.strip()[:80], way=way, receipt=receipt.strip()[:200], sent_at=at, sent_by=actor
    )
    if correction is not None:
        Correction.objects.filter(pk=correction.pk, sent_at=None).update(sent_at=at)
    elif CompiledReport.objects.filter(pk=report.pk, sent_at=None, state=CompiledReport.State.APPROVED).update(state=CompiledReport.State.SENT, sent_at=at):
        engine.settle(report, STAGE, at=at)
        report.state, report.sent_at = CompiledReport.State.SENT, at
    journal.record(
        report, "send", actor=actor, at=at, unit=access.BUREAU, recipient=sending.recipient, way=way, receipt=sending.receipt,
        correction=correction.number if correction else None,
    )  # fmt: skip
    return sending


# ---------------------------------------------------------------- corrections


def correct(report: DailyReport, before: DailyReport | None, *, at: datetime) -> list[Correction]:
    """A day's figures changed, or came at last, after its report was approved: a correction notice for the city, and word to the bureau."""
    made = []
    taken = CompiledReport.objects.select_for_update(of=("self",)).select_related("unit").filter(
        first_day__lte=report.day, last_day__gte=report.day, state__in=(CompiledReport.State.APPROVED, CompiledReport.State.SENT)
    )  # fmt: skip
    changes = _changes(before, report)
    for compiled in taken if changes else ():
        last = compiled.corrections.order_by("-number").values_list("number", flat=True).first() or 0
        one = Correction.objects.create(
            report=compiled, number=last + 1, version=report, company=report.company, day=report.day, reason=report.reason or "报告送出后补报", changes=changes,
            made_at=at, is_demo=report.is_demo,
        )  # fmt: skip
        outbox.post(
            compiled.unit, f"更正：{report.company} {report.day:%m-%d} 日报在汇总后有变动", key=f"correction:{one.pk}", at=at, audience="workers", kind="report",
            level=1, link=compiled.get_absolute_url(), body=f"{one.reason}。更正通知已生成，请送{compiled.recipient}。",
        )  # fmt: skip
        made.append(one)
    return made


def _changes(before: DailyReport | None, after: DailyReport) -> list[dict]:
    changes = []
    for name in (*SUMMED, "measures"):
        old = None if before is None else getattr(before, name)
        new = getattr(after, name)
        if old != new and not (old is None and new == ""):
            changes.append({"field": name, "old": _said(name, old), "new": _said(name, new)})
    return changes


def _said(name: str, value) -> str | None:
    return value if name == "measures" else _text(value)


def _move(report: CompiledReport, old: tuple[str, ...], new: str, **changes) -> None:
    """The state changes if it still is what it was: whoever loses gets a conflict."""
    if not CompiledReport.objects.filter(pk=report.pk, state__in=old).update(state=new, **changes):
        raise Conflict("该汇总已由他人办理，请刷新后重试")
    report.state = new
    for name, value in changes.items():
        setattr(report, name, value)
