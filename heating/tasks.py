"""The clock's door to the calendar."""

from celery import shared_task

from core import clock
from heating import almanac, backups


@shared_task
def back_up():
    """The night's backup; one that failed is told where the failures of tasks are told."""
    backups.write(at=clock.now())


@shared_task
def keep_calendar():
    """Open what has come to be owed."""
    almanac.keep(clock.now())
