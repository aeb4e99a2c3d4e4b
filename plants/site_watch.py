"""Watches the gas facilities: one that nobody is posted at round the clock is told like a gap in a roster (F6)."""

from datetime import datetime

from deadlines import roster_watch
from plants.models import Plant, PlantKind
from units import shifts
from units.models import DutyPost, Kind


def generate(*, at: datetime) -> None:
    """Tell of each gas facility without an on-site post, during the season once a week."""
    if not roster_watch.in_season(at):
        return
    manned = DutyPost.objects.filter(shifts.running(at), kind=DutyPost.Kind.ON_SITE).values("facility")
    without = Plant.objects.filter(kind=PlantKind.GAS, is_active=True, company__kind=Kind.GAS, company__is_active=True).exclude(code__in=manned)
    roster_watch.tell_unset(
        "on-site", [(plant.company, plant.name) for plant in without.select_related("company").order_by("company__position", "name")],
        what="驻场岗", why="集中供热燃气设施须 24 小时驻场值班巡查（F6）", at=at,
    )  # fmt: skip
