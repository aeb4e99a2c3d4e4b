"""Numbers of curtailments, outages and damage reports: unique, and telling no company how many others there are."""

import secrets
from datetime import datetime

from core import civil
from core.errors import Conflict

TRIES = 20


def take(model, prefix: str, *, at: datetime) -> str:
    """A number that no row of `model` has: `TR-20251114-0473`."""
    for _ in range(TRIES):
        number = f"{prefix}-{civil.day_of(at):%Y%m%d}-{secrets.randbelow(10_000):04d}"
        if not model.objects.filter(number=number).exists():
            return number
    raise Conflict("当日编号已用尽，请稍后再试")
