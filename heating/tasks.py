"""The clock's door to the calendar."""

from datetime import timedelta

from celery import shared_task

from core import clock, limits
from heating import almanac


@shared_task
def keep_calendar():
    """Open what has come to be owed."""
    at = clock.now()
    if not clock.stands_still() and limits.is_first("keep-calendar", window=timedelta(seconds=15), at=at):
        almanac.keep(at)
