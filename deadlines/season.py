"""Which season it is, and what its plan says about things that other rooms decide by."""

from datetime import datetime

from core import civil, stamps
from core.errors import Invalid, NotFound
from deadlines.models import Season

_settings: dict[tuple[int, datetime], dict] = {}


def active(at: datetime) -> Season | None:
    """The season that contains `at`, else the latest; None before any plan is loaded. Without its source text."""
    today, seasons = civil.day_of(at), every()
    return next((season for season in seasons if season.starts_on <= today <= season.ends_on), seasons[0] if seasons else None)


def every() -> list[Season]:
    """Every season, the newest first, without their source texts. Remembered."""
    return stamps.remembered(stamps.PLAN, "seasons", lambda: list(Season.objects.defer("source", "settings").order_by("-starts_on")))


def looked_at(code: str, at: datetime) -> tuple[Season | None, datetime]:
    """The season that an address names, and as of when it is shown: one that is over as of its end. Without a name the active one, now.

    NotFound for a season that nobody knows.
    """
    if not code:
        return active(at), at
    season = next((one for one in every() if one.code == code), None)
    if season is None:
        raise NotFound
    return season, min(at, civil.day_bounds(season.ends_on)[1])


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
