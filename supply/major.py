"""重大问题报告: a major problem is reported to the district's committee and government; how long that took is on record (D1.1)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.dateparse import parse_duration

from core import civil, journal
from core.errors import Forbidden, Invalid
from deadlines import season as seasons
from deadlines.models import Season
from supply import numbering
from supply.models import MajorReport
from supply.report_days import rules
from units import access
from units.models import Unit


@dataclass(frozen=True)
class Problem:
    """What is reported: of which of the plan's kinds, what happened, what was done and what follows, to whom, and both moments."""

    kind: str
    title: str
    facts: str
    recipients: str
    discovered_at: datetime
    reported_at: datetime
    measures: str = ""
    next_steps: str = ""


def kinds(season: Season) -> list[dict]:
    """The plan's list of what counts as a major problem."""
    return rules(season)["major"]["kinds"]


def may_report(user) -> bool:
    """Whether `user` may report upward: the bureau, whose duty it is."""
    return Unit.objects.filter(code=access.BUREAU, pk__in=access.unit_ids(user, access.HANDLE_TICKETS)).exists()


@transaction.atomic
def report(said: Problem, *, actor, at: datetime) -> MajorReport:
    """Keep what was reported upward. Forbidden; Invalid names the field; the moments must follow each other up to now."""
    if not may_report(actor):
        raise Forbidden("由区城管执法局向区委、区政府报告")
    season = seasons.required(at)
    known = {row["code"]: row for row in kinds(season)}
    faults = {name: ["请填写"] for name in ("title", "facts", "recipients") if not getattr(said, name).strip()}
    if said.kind not in known:
        faults["kind"] = ["请选择类型"]
    if said.discovered_at > at:
        faults["discovered_at"] = ["发现时间不能晚于现在"]
    if said.reported_at < said.discovered_at:
        faults["reported_at"] = ["报告时间不能早于发现时间"]
    elif said.reported_at > at:
        faults["reported_at"] = ["报告时间不能晚于现在"]
    if faults:
        raise Invalid("填写有误", fields=faults)
    made = MajorReport.objects.create(
        number=numbering.take(MajorReport, "ZD", at=at), season=season, unit=Unit.objects.get(code=access.BUREAU), kind=said.kind, kind_name=known[said.kind]["name"],
        title=said.title.strip()[:80], facts=said.facts.strip()[:4000], measures=said.measures.strip()[:2000], next_steps=said.next_steps.strip()[:2000],
        recipients=said.recipients.strip()[:80], discovered_at=said.discovered_at, reported_at=said.reported_at,
        within=parse_duration(rules(season)["major"]["within"]), recorded_at=at, recorded_by=actor, is_demo=bool(actor and actor.is_demo),
    )  # fmt: skip
    journal.record(
        made, "report", actor=actor, at=at, unit=access.BUREAU, kind=said.kind, discovered_at=said.discovered_at.isoformat(),
        reported_at=said.reported_at.isoformat(), took=civil.spell(made.interval), prompt=made.is_prompt,
    )  # fmt: skip
    return made
