"""Tells the worker that there is something to import. Best effort: beat finds within seconds what could not be told."""

import logging

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from complaints import tasks
from complaints.models import ImportJob

log = logging.getLogger(__name__)


def nudge(job: ImportJob) -> None:
    """Put an import before a worker now, if the broker can be reached."""
    try:
        tasks.run_import.delay(job.pk)
    except (OperationalError, RedisError, OSError) as fault:
        log.warning("import %s waits for beat, the broker is out of reach: %s", job.pk, fault)
