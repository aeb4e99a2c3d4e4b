"""The problem ledger 问题台账: a finding keeps its number from discovery to close-out, and beyond (G11, D7.4)."""

import pghistory
from django.db import models

from deadlines.models import Proven
from plants.models.register import Community, Plant
from units.models import Unit


class Severity(models.TextChoices):
    """How grave a finding is."""

    GENERAL = "general", "一般"
    SERIOUS = "serious", "较大"
    GRAVE = "grave", "重大"


@pghistory.track()
class Finding(Proven):
    """A problem of the ledger 问题: rectified by the one who owes it, verified by another, closed out 销号. `season` is that of its discovery."""

    policy_code = "ledger-item"

    class Source(models.TextChoices):
        INSPECTION = "inspection", "每周检查"
        JOINT = "joint", "联合检查"
        UNANNOUNCED = "unannounced", "明察暗访"
        TICKET = "ticket", "工单"
        SPOT_CALL = "spot_call", "电话抽查"
        VISIT = "visit", "访民问暖"
        PATROL = "patrol", "企业巡查"
        EMISSION = "emission", "排放检查"
        DAMAGE = "damage", "管网损毁"
        OTHER = "other", "其他"

    number = models.CharField("编号", max_length=24, unique=True)
    source = models.CharField("来源", max_length=12, choices=Source.choices)
    # What it was found by, as the journal names it: ("inspection", "12").
    source_kind = models.CharField(max_length=32, blank=True, default="")
    source_key = models.CharField(max_length=64, blank=True, default="")
    plant = models.ForeignKey(Plant, models.PROTECT, null=True, blank=True, related_name="findings", verbose_name="厂站")
    community = models.ForeignKey(Community, models.PROTECT, null=True, blank=True, related_name="findings", verbose_name="小区")
    street = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="街道")
    title = models.CharField("问题", max_length=200)
    severity = models.CharField("等级", max_length=8, choices=Severity.choices, default=Severity.GENERAL)
    found_at = models.DateTimeField("发现时间")
    found_by = models.CharField("发现人", max_length=60, blank=True, default="")
    # The unit that found it, and sees what becomes of it.
    found_unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="发现单位")
    measure = models.TextField("整改措施", blank=True, default="")
    reopened = models.PositiveSmallIntegerField("重开次数", default=0)
    # Not to be known by the inspected before it is released (I10).
    is_hidden = models.BooleanField("暂不公开", default=False)

    class Meta(Proven.Meta):
        verbose_name = verbose_name_plural = "问题台账"
        ordering = ["-found_at", "-id"]
        constraints = [*Proven.Meta.constraints]
        indexes = [
            models.Index(fields=["unit", "standing", "due_at"], name="finding_of_unit"),
            models.Index(fields=["plant", "standing"], name="finding_of_plant"),
            models.Index(fields=["found_at", "id"], name="finding_by_time"),
            models.Index(fields=["source_kind", "source_key"], name="finding_of_source"),
        ]

    journal_kind = "finding"

    @property
    def journal_key(self):
        return self.number

    @property
    def deadline_label(self):
        return self.number

    def get_absolute_url(self):
        return f"/ledger/{self.number}/"

    def __str__(self):
        return f"{self.number} {self.title}"
