"""The clock's door to the calendar."""

from celery import shared_task

from core import clock
from heating import almanac


@shared_task
def keep_calendar():
    """Open what has come to be owed."""
    almanac.keep(clock.now())
