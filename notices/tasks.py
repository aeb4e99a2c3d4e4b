"""The clock's door to the outbox, and to long exports: who asked for one is told here."""

from datetime import timedelta

from celery import shared_task

from core import clock, limits
from notices import inbox, outbox
from units import exports


@shared_task
def send():
    """Address what was posted and send what is due."""
    if clock.stands_still():
        return
    outbox.route(at=clock.now(), in_gulps=True)
    outbox.deliver(at=clock.now())


@shared_task
def make_export(pk: int):
    """Make one long list into a file."""
    exports.make(pk, now=clock.now, tell=inbox.tell)


@shared_task
def resume_exports():
    """Take up what nobody works on: the web could not reach the broker, or a worker died."""
    at = clock.now()
    if not limits.is_first("resume-exports", window=timedelta(seconds=2), at=at):
        return  # behind a long file others have queued; one look is enough
    for pk in exports.waiting(at):
        exports.make(pk, now=clock.now, tell=inbox.tell)
