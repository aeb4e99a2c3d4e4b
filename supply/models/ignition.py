"""The staggered ignition 错峰点火 (H4): for each boiler when it is planned to start and when it did."""

import pghistory
from django.db import models

from plants.models import Boiler, MilestoneItem
from units.models import User


@pghistory.track()
class IgnitionSlot(models.Model):
    """A boiler's slot. Its milestone item is due at the slot and the plan's tolerance after it."""

    item = models.OneToOneField(MilestoneItem, models.PROTECT, related_name="slot")
    boiler = models.ForeignKey(Boiler, models.PROTECT, related_name="slots")
    planned_at = models.DateTimeField("计划点火")
    planned_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # By hand, against the planner's proposal: with the reason.
    reason = models.CharField("说明", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "点火时段"
        ordering = ["planned_at", "id"]

    journal_kind = "ignition_slot"

    @property
    def journal_key(self):
        return self.boiler.code

    def __str__(self):
        return f"{self.boiler} {self.planned_at:%m-%d %H:%M}"
