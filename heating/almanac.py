"""What the calendar brings: whatever comes to be owed because a day, a week or a season began is opened here.

Each room has a `generate(at=)` that opens what is owed by `at` and is not there yet. It may run at any time, any number of
times, in several processes: rows are unique, and deadlines open as of the moment at which they were owed, not of the run.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from complaints import clusters, retention, sampling
from complaints.residents import gate
from deadlines import obligations, roster_watch
from heating import anchoring
from oversight import kept_days
from plants import inspections, milestones, site_watch, spot_calls, statutory, visits
from supply import compiled, forecast, reports
from units import housekeeping

log = logging.getLogger(__name__)

# In order: what a later one reads, an earlier one has opened.
KEEPERS: tuple[Callable, ...] = (
    obligations.generate,
    milestones.generate,
    roster_watch.generate,
    site_watch.generate,
    spot_calls.generate,
    inspections.generate,
    statutory.generate,
    visits.generate,
    reports.generate,
    compiled.generate,
    forecast.generate,
    clusters.detect,
    sampling.generate,
    gate.forget,
    anchoring.generate,
    retention.generate,
    visits.forget,
    housekeeping.generate,
    kept_days.generate,
)


def keep(at: datetime) -> None:
    """Open what is owed as of `at`. One room's fault is told and keeps no other from its work."""
    for generate in KEEPERS:
        try:
            with transaction.atomic():
                generate(at=at)
        except Exception:  # whatever it is, the rooms beside it are owed their day
            log.exception("the calendar could not open what %s owes", generate.__module__)
