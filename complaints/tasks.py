"""The clock's door to tickets: long files, read in a worker of their own queue, and clusters."""

from datetime import timedelta

from celery import shared_task

from complaints import clusters, imports
from core import clock, limits


@shared_task
def run_import(pk: int):
    """Take one import as far as it goes."""
    imports.run(pk, now=clock.now)


@shared_task
def resume_imports():
    """Take up what nobody works on: the web could not reach the broker, or a worker died. Clear away what nobody goes on with."""
    at = clock.now()
    if not limits.is_first("resume-imports", window=timedelta(seconds=2), at=at):
        return  # behind a long import others have queued; one look is enough
    for pk in imports.waiting(at):
        imports.run(pk, now=clock.now)
    imports.expire(at)


@shared_task
def detect_clusters():
    """Let what has come in join its cluster, or open one."""
    at = clock.now()
    if not clock.stands_still() and limits.is_first("detect-clusters", window=timedelta(seconds=10), at=at):
        clusters.detect(at=at)
