"""Which days are reported on, and by when: what the plan says of reports (I7, I8, F1, D1.1)."""

from datetime import date, datetime, time, timedelta

from core import civil
from core.errors import Invalid
from deadlines import season as seasons
from deadlines.models import Milestone, Season

DAY = timedelta(days=1)
LONGEST_BEFORE = timedelta(days=200)  # by how much a milestone may precede its season


def rules(season: Season) -> dict:
    """What the plan says of reports. Invalid when the loaded plan has no such section."""
    found = seasons.plan_of(season).get("reports")
    if found is None:
        raise Invalid("已载入的方案缺少 reports 一节，请重新载入方案文件")
    return found


def first_day(season: Season) -> date:
    """From which day on reports are owed: the milestone's that the plan names (ignition), or the season's first, whichever is earlier (REC)."""
    code = rules(season)["from_milestone"]
    moment = Milestone.objects.filter(season=season, code=code, is_current=True).values_list("due_at", flat=True).first() if code else None
    return min(season.starts_on, civil.day_of(moment)) if moment else season.starts_on


def season_of(day: date) -> Season | None:
    """The season in which a day is reported on."""
    for season in Season.objects.defer("source", "settings").filter(ends_on__gte=day, starts_on__lte=day + LONGEST_BEFORE).order_by("-starts_on"):
        if seasons.plan_of(season).get("reports") and first_day(season) <= day:
            return season
    return None


def due_moment(season: Season, day: date) -> datetime:
    """By when the report on a day is due: at the plan's cut-off on the next morning."""
    return at_time(day + DAY, seasons.plan_of(season)["checklists"]["daily_report"]["cutoff"])


def at_time(day: date, text: str) -> datetime:
    """A day's moment that the plan gives as `08:30`."""
    return datetime.combine(day, time.fromisoformat(text), tzinfo=civil.SHANGHAI)
