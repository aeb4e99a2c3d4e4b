"""Which season it is, and what its plan says about things that other rooms decide by."""

from datetime import datetime

from core import civil, stamps
from core.errors import Invalid
from deadlines.models import Season

_settings: dict[tuple[int, datetime], dict] = {}


def active(at: datetime) -> Season | None:
    """The season that contains `at`, else the latest; None before any plan is loaded. Without its source text."""
    today = civil.day_of(at)
    seasons = stamps.remembered(stamps.PLAN, "seasons", lambda: list(Season.objects.defer("source", "settings").order_by("-starts_on")))
    return next((season for season in seasons if season.starts_on <= today <= season.ends_on), seasons[0] if seasons else None)


def required(at: datetime) -> Season:
    """The active season; Invalid before any plan is loaded."""
    season = active(at)
    if season is None:
        raise Invalid("尚未载入工作方案，请先运行 manage.py load_plan")
    return season


def plan_of(season: Season) -> dict:
    """The plan's sections (clocks, categories, sources, rules, standards …) of a season. Remembered until it is loaded anew."""
    key = (season.pk, season.loaded_at)
    if key not in _settings:
        if len(_settings) > 16:
            _settings.clear()
        _settings[key] = Season.objects.values_list("settings", flat=True).get(pk=season.pk)
    return _settings[key]


def by_code(code: str) -> Season | None:
    """A season by its code, with its source text."""
    return Season.objects.filter(code=code).first()
