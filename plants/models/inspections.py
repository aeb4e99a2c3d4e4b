"""Inspections 检查: what each street owes each week for each facility (E7), and what was seen there."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from core import civil
from core.crypto import SealedTextField
from core.models import Attachment
from deadlines.models import Season
from plants.models.register import Boiler, Community, Plant
from units.models import Unit, User


class InspectionMode(models.TextChoices):
    """In which manner somebody looked."""

    WEEKLY = "weekly", "每周检查"
    JOINT = "joint", "联合检查"
    UNANNOUNCED = "unannounced", "明察暗访"
    EMISSION = "emission", "排放检查"
    SPECIAL = "special", "专项检查"


class Inspection(models.Model):
    """One visit and what was seen. The checklist is kept in the words that the plan had then."""

    number = models.CharField("编号", max_length=24, unique=True)
    # Made by the device that wrote it down: sent twice, it is still one visit.
    client_id = models.UUIDField(unique=True)
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    mode = models.CharField("方式", max_length=12, choices=InspectionMode.choices)
    # Which of the plan's special checklists, for a special inspection.
    topic = models.CharField("专项", max_length=40, blank=True, default="")
    plant = models.ForeignKey(Plant, models.PROTECT, null=True, blank=True, related_name="inspections", verbose_name="厂站")
    community = models.ForeignKey(Community, models.PROTECT, null=True, blank=True, related_name="inspections", verbose_name="小区")
    boiler = models.ForeignKey(Boiler, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="锅炉")
    company = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", verbose_name="受检单位")
    street = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="街道")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="检查单位")
    participants = models.ManyToManyField(Unit, related_name="+", blank=True, verbose_name="参加单位")
    inspector = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="检查人")
    companion = models.CharField("陪同人", max_length=40, blank=True, default="")
    visited_at = models.DateTimeField("到场时间")
    # What the device's own clock said when it was filed; None where it came at once.
    device_time = models.DateTimeField("设备时间", null=True, blank=True)
    received_at = models.DateTimeField("收到时间")
    # The moment by which it counts: the visit, or its receipt where it came too long after.
    counted_at = models.DateTimeField("计入时间")
    to_verify = models.BooleanField("待核", default=False)
    place = SealedTextField("位置", blank=True, default="")
    checklist = models.JSONField("检查项", default=list)
    duty_call = models.JSONField("值班电话试拨", default=dict, blank=True)
    revisits = models.JSONField("隐患复查", default=list, blank=True)
    values = models.JSONField("排放数值", default=list, blank=True)
    scores = models.JSONField("评分", default=list, blank=True)
    signature = models.ForeignKey(Attachment, models.PROTECT, null=True, blank=True, related_name="+")
    refusal = models.CharField("未签字原因", max_length=120, blank=True, default="")
    note = models.TextField("说明", blank=True, default="")
    # I10: whether the inspected may know of it yet.
    is_hidden = models.BooleanField("暂不公开", default=False)
    released_at = models.DateTimeField("公开时间", null=True, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "检查"
        ordering = ["-visited_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(plant__isnull=False) | Q(community__isnull=False), name="inspection_of_something"),
            models.CheckConstraint(condition=~Q(mode="weekly") | Q(plant__isnull=False, street__isnull=False), name="weekly_inspection_by_a_street"),
            models.CheckConstraint(condition=~Q(is_hidden=True) | Q(released_at=None), name="inspection_hidden_or_released"),
            models.CheckConstraint(condition=Q(received_at__gte=models.F("visited_at")), name="inspection_seen_then_told"),
        ]
        indexes = [
            models.Index(fields=["visited_at", "id"], name="inspection_by_time"),
            models.Index(fields=["plant", "visited_at"], name="inspection_of_plant"),
            models.Index(fields=["company", "visited_at"], name="inspection_of_company"),
        ]

    journal_kind = "inspection"

    @property
    def journal_key(self):
        return self.number

    @property
    def abnormal(self):
        """The items that were found wrong."""
        return [item for item in self.checklist if item.get("state") == "bad"]

    def get_absolute_url(self):
        return f"/inspections/{self.number}/"

    def __str__(self):
        return f"{self.number} {self.plant or self.community}"


class InspectionDue(models.Model):
    """That a street owes a look at a facility in a week. Rows never go: one that is not asked any more says why (behaviour 13)."""

    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    street = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="街道")
    plant = models.ForeignKey(Plant, models.PROTECT, related_name="dues", verbose_name="厂站")
    # The Monday of the week.
    week = models.DateField("周")
    # A first or last week that the season only touches.
    is_partial = models.BooleanField("不足一周", default=False)
    opened_at = models.DateTimeField("起")
    due_at = models.DateTimeField("止")
    inspection = models.ForeignKey(Inspection, models.PROTECT, null=True, blank=True, related_name="dues")
    done_at = models.DateTimeField("完成时间", null=True, blank=True)
    dropped_at = models.DateTimeField("撤销时间", null=True, blank=True)
    dropped_reason = models.CharField("撤销原因", max_length=200, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "每周检查任务"
        ordering = ["week", "street", "plant"]
        constraints = [
            models.UniqueConstraint(fields=["street", "plant", "week"], name="inspection_due_once"),
            models.CheckConstraint(condition=Q(inspection=None, done_at=None) | Q(inspection__isnull=False, done_at__isnull=False), name="inspection_done_by_one"),
            models.CheckConstraint(condition=Q(dropped_at=None) | ~Q(dropped_reason=""), name="inspection_dropped_for_a_reason"),
        ]
        indexes = [models.Index(fields=["week", "street"], name="inspection_due_of_week")]

    journal_kind = "inspection_due"

    @property
    def journal_key(self):
        return f"{self.street_id}:{self.plant_id}:{self.week.isoformat()}"

    @property
    def deadline_label(self):
        return f"{self.plant.name[:40]} {self.week_name}"[:64]

    @property
    def week_name(self):
        """How people name the week: its number and days."""
        last = self.week + timedelta(days=6)
        return f"第{self.week.isocalendar().week}周 {self.week:%m.%d}—{last:%m.%d}"

    def state(self, at) -> str:
        """done, late (done after the week), missed, open, or dropped, as of `at`."""
        if self.dropped_at is not None:
            return "dropped"
        if self.done_at is not None:
            return "done" if self.done_at <= self.due_at else "late"
        return "missed" if at > self.due_at else "open"

    def get_absolute_url(self):
        return f"/inspections/new/?plant={self.plant.code}"

    def __str__(self):
        return f"{self.plant} {civil.spoken(self.opened_at)[:10]}"
