"""The clock's door to the deadlines."""

from celery import shared_task

from core import clock
from deadlines import sweep as sweeper


@shared_task
def sweep():
    """Climb every ladder that is due."""
    sweeper.sweep(at=clock.now(), skew=clock.skew_seconds())
