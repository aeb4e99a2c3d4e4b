"""The clock's door to the outbox."""

from celery import shared_task

from core import clock
from notices import outbox


@shared_task
def send():
    """Address what was posted and send what is due."""
    if clock.stands_still():
        return
    outbox.route(at=clock.now(), in_gulps=True)
    outbox.deliver(at=clock.now())
