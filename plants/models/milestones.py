"""How far each facility has come with each milestone of the season (H1–H5)."""

import pghistory
from django.db import models
from django.db.models import F, Q

from deadlines.models import Milestone, Proven
from plants.models.register import Boiler, Community, Network, Plant
from units.models import Unit

SUBJECTS = {"plant": Plant, "boiler": Boiler, "network": Network, "community": Community}


@pghistory.track()
class MilestoneItem(Proven):
    """One facility and one version of a milestone. The company reports, another unit verifies; several conditions are ANDed (H3)."""

    policy_code = "milestone"

    milestone = models.ForeignKey(Milestone, models.PROTECT, related_name="items")
    kind = models.CharField("对象", max_length=10, choices=[("plant", "厂站"), ("boiler", "锅炉"), ("network", "管网"), ("community", "小区")])
    plant = models.ForeignKey(Plant, models.PROTECT, null=True, related_name="milestones")
    boiler = models.ForeignKey(Boiler, models.PROTECT, null=True, related_name="milestones")
    network = models.ForeignKey(Network, models.PROTECT, null=True, related_name="milestones")
    community = models.ForeignKey(Community, models.PROTECT, null=True, related_name="milestones")
    street = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", verbose_name="街道")
    name = models.CharField("名称", max_length=121)
    # Condition → the moment at which it held (ISO 8601); all of them make the item.
    conditions = models.JSONField("条件", default=dict, blank=True)
    # What proves the temperature (H5): ℃ of the supply, and of a room.
    supply_celsius = models.DecimalField("供水温度 ℃", max_digits=5, decimal_places=2, null=True, blank=True)
    room_celsius = models.DecimalField("室温 ℃", max_digits=5, decimal_places=2, null=True, blank=True)
    # Of a milestone that starts something (H4): begun before the day from which it was meant.
    is_early = models.BooleanField("提前", default=False)

    class Meta(Proven.Meta):
        verbose_name = verbose_name_plural = "节点事项"
        ordering = ["due_at", "id"]
        constraints = [
            *Proven.Meta.constraints,
            models.UniqueConstraint(fields=["milestone", "kind", "plant", "boiler", "network", "community"], name="milestone_item_once", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(kind="plant", plant__isnull=False) | Q(kind="boiler", boiler__isnull=False) | Q(kind="network", network__isnull=False)
                | Q(kind="community", community__isnull=False),
                name="milestone_item_names_its_subject",
            ),
            models.CheckConstraint(condition=Q(due_at=None) | Q(due_at__gt=F("opened_at")), name="milestone_item_due_after_opening"),
        ]
        indexes = [models.Index(fields=["milestone", "unit", "standing"], name="milestone_item_of_unit")]

    journal_kind = "milestone_item"

    @property
    def journal_key(self):
        return str(self.pk)

    @property
    def deadline_label(self):
        return f"{self.milestone.code} {self.name}"[:64]

    @property
    def facility(self):
        """The plant, boiler, network or community that it is about."""
        return getattr(self, self.kind)

    def get_absolute_url(self):
        return f"/milestones/items/{self.pk}/"

    def __str__(self):
        return f"{self.milestone.label} {self.name}"
