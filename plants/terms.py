"""What the plan says of the register: how long before a statutory date it warns, and from what age a pipe is old."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.dateparse import parse_duration

from core import civil
from deadlines import season as seasons


@dataclass(frozen=True)
class Terms:
    """`soon`: how long before a statutory inspection runs out it is owed anew (D8.3, D8.6); `old_pipe_years` (G12)."""

    soon: timedelta = timedelta(days=30)
    old_pipe_years: int = 15


def on(day: date) -> Terms:
    """The terms in force on a day; those of the dataclass where no season says otherwise."""
    season = seasons.active(civil.day_bounds(day)[0])
    said = season and seasons.plan_of(season).get("register")
    return Terms(parse_duration(said["statutory_ahead"]), said["old_pipe_years"]) if said else Terms()
