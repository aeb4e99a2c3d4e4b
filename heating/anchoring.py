"""The day's anchor leaves the portal: a line in ANCHOR_FILE, and a notice to ANCHOR_UNITS, whose addresses carry it by mail."""

import logging
from datetime import datetime

from django.conf import settings

from core import anchors
from notices import outbox
from units.models import Unit

log = logging.getLogger(__name__)


def generate(*, at: datetime) -> None:
    """Take and publish the anchor of the day of `at`, once. OSError when the file cannot be written: then none was taken."""
    anchor = anchors.take(at=at)
    if anchor is None:
        return
    anchors.publish(anchor, settings.ANCHOR_FILE)
    told = {unit.code: unit for unit in Unit.objects.filter(code__in=settings.ANCHOR_UNITS)}
    for code in settings.ANCHOR_UNITS:
        if code not in told:
            log.error("ANCHOR_UNITS names a unit that is not there: %s", code)
            continue
        outbox.post(
            told[code], f"台账锚点 {anchor.day}", key=f"anchor:{anchor.day}:{code}", at=at, audience="bureau",
            body=f"{anchor}\n请留存。日后以 verify_journal --anchor 核对，可证明此前的记录没有改动。",
        )  # fmt: skip
