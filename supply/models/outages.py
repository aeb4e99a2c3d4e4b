"""Outages and repairs 停热与抢修: the area, what was promised and kept, passage for repair vehicles, and damage to pipes."""

import pghistory
from django.db import models
from django.db.models import F, Q

from deadlines.models import Season
from plants.models import Community, Finding, Plant
from units.models import Unit, User


@pghistory.track()
class Outage(models.Model):
    """An interruption of heat and its repair 抢修停热 (I14, D15). Late when the heat is not back by what was promised."""

    policy_code = "restoration"

    class Nature(models.TextChoices):
        EMERGENCY = "emergency", "抢修"
        PLANNED = "planned", "计划检修"

    class Effect(models.TextChoices):
        STOPPED = "stopped", "停热"
        REDUCED = "reduced", "降温运行"

    class State(models.TextChoices):
        OPEN = "open", "抢修中"
        RESTORED = "restored", "已恢复"
        VOID = "void", "已作废"

    number = models.CharField("编号", max_length=20, unique=True)
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="outages", verbose_name="企业")
    plant = models.ForeignKey(Plant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="厂站")
    nature = models.CharField("性质", max_length=10, choices=Nature.choices)
    effect = models.CharField("影响", max_length=8, choices=Effect.choices, default=Effect.STOPPED)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    place = models.CharField("地点", max_length=120)
    cause = models.CharField("原因", max_length=300)
    households = models.PositiveIntegerField("影响户数")
    started_at = models.DateTimeField("开始时间")
    expected_at = models.DateTimeField("预计恢复")
    restored_at = models.DateTimeField("实际恢复", null=True, blank=True)
    # When the portal was told so: what the verdict goes by.
    told_at = models.DateTimeField("办理恢复", null=True, blank=True)
    result = models.CharField("抢修结果", max_length=500, blank=True, default="")
    reported_at = models.DateTimeField("登记时间")
    reported_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "抢修停热"
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(expected_at__gt=F("started_at")), name="outage_expected_after_start"),
            models.CheckConstraint(condition=Q(restored_at=None) | Q(restored_at__gte=F("started_at")), name="outage_restored_after_start"),
            models.CheckConstraint(condition=~Q(state="restored") | Q(restored_at__isnull=False, told_at__gte=F("restored_at")), name="outage_restored_at_a_moment"),
        ]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="outage_newest"),
            models.Index(fields=["company", "-started_at"], name="outage_of_company"),
        ]

    journal_kind = "outage"

    @property
    def journal_key(self):
        return self.number

    @property
    def deadline_label(self):
        return f"{self.number} {self.place}"[:64]

    def get_absolute_url(self):
        return f"/outages/{self.number}/"

    def __str__(self):
        return f"{self.number} {self.place}"

    def is_late(self, at) -> bool:
        """Whether its end was told later than the last promise, or is not told as of `at` though promised."""
        return self.state != self.State.VOID and (self.told_at or at) > self.expected_at


class OutageArea(models.Model):
    """A community, or some buildings of it, without heat."""

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="areas")
    community = models.ForeignKey(Community, models.PROTECT, related_name="outage_areas", verbose_name="小区")
    # Empty: the whole community.
    buildings = models.JSONField("楼栋", default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "停热范围"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["outage", "community"], name="outage_area_once")]

    def __str__(self):
        return f"{self.community}{'、'.join(self.buildings)}"


class Promise(models.Model):
    """When the heat was expected back, as said at a moment. Nothing said is taken back; each was told to those concerned."""

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="promises")
    expected_at = models.DateTimeField("预计恢复")
    reason = models.CharField("原因", max_length=300, blank=True, default="")
    said_at = models.DateTimeField("告知时间")
    said_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # Said after the one before had already passed.
    came_late = models.BooleanField("逾期后变更", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "预计恢复时间"
        ordering = ["said_at", "id"]

    def __str__(self):
        return f"{self.outage} {self.expected_at}"


class OutageCase(models.Model):
    """Something of the area that hangs on an outage (a ticket, by its number) and keeps its own clocks. Can be undone."""

    outage = models.ForeignKey(Outage, models.PROTECT, related_name="cases")
    subject_kind = models.CharField(max_length=32)
    subject_key = models.CharField(max_length=64)
    attached_at = models.DateTimeField("关联时间")
    # None: the portal itself, at intake.
    attached_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    detached_at = models.DateTimeField("取消关联", null=True, blank=True)
    detach_reason = models.CharField("理由", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "停热关联"
        ordering = ["attached_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["outage", "subject_kind", "subject_key"], condition=Q(detached_at=None), name="case_once_an_outage")
        ]
        indexes = [models.Index(fields=["subject_kind", "subject_key"], name="outage_of_case")]

    def __str__(self):
        return f"{self.subject_key} → {self.outage_id}"


class PassageRequest(models.Model):
    """A request for passage of a repair vehicle 通行保障, to be acknowledged by the traffic police (D15)."""

    policy_code = "passage"

    outage = models.ForeignKey(Outage, models.PROTECT, related_name="passages")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="受理单位")
    plate = models.CharField("车牌", max_length=20)
    route = models.CharField("路线", max_length=200)
    window_from = models.DateTimeField("通行起")
    window_until = models.DateTimeField("通行止")
    note = models.CharField("说明", max_length=300, blank=True, default="")
    requested_at = models.DateTimeField("申请时间")
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField("回执时间", null=True, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    is_granted = models.BooleanField("予以保障", null=True, blank=True)
    answer = models.CharField("回执", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "通行申请"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(window_until__gt=F("window_from")), name="passage_window_runs_forward"),
            models.CheckConstraint(
                condition=Q(answered_at=None, is_granted=None) | Q(answered_at__isnull=False, is_granted__isnull=False), name="passage_answered_one_way"
            ),
        ]

    journal_kind = "passage"

    @property
    def journal_key(self):
        return str(self.pk)

    @property
    def deadline_label(self):
        return f"{self.outage.number} 通行 {self.plate}"[:64]

    def get_absolute_url(self):
        return self.outage.get_absolute_url()

    def __str__(self):
        return f"{self.plate} {self.route}"


class DamageReport(models.Model):
    """Damage done to heating pipes 损毁供热管网, stopped on the spot and reported by a street (E10)."""

    number = models.CharField("编号", max_length=20, unique=True)
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    street = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="报告街道")
    found_at = models.DateTimeField("发现时间")
    place = models.CharField("地点", max_length=120)
    community = models.ForeignKey(Community, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="小区")
    company = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="管网企业")
    what = models.TextField("情况")
    is_stopped = models.BooleanField("已制止", default=False)
    stopped_note = models.CharField("制止情况", max_length=300, blank=True, default="")
    reported_at = models.DateTimeField("上报时间")
    reported_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    finding = models.ForeignKey(Finding, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="台账")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "管网损毁报告"
        ordering = ["-reported_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(reported_at__gte=F("found_at")), name="damage_found_then_reported")]

    journal_kind = "damage"

    @property
    def journal_key(self):
        return self.number

    def get_absolute_url(self):
        return f"/outages/damage/{self.number}/"

    def __str__(self):
        return f"{self.number} {self.place}"


class DamageReceipt(models.Model):
    """That a unit has received a damage report and takes it up 回执; it owes it by a moment of the plan."""

    policy_code = "damage-receipt"

    report = models.ForeignKey(DamageReport, models.PROTECT, related_name="receipts")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="接收单位")
    received_at = models.DateTimeField("回执时间", null=True, blank=True)
    received_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField("处理", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "损毁报告回执"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["report", "unit"], name="damage_receipt_once")]

    journal_kind = "damage-receipt"

    @property
    def journal_key(self):
        return str(self.pk)

    @property
    def deadline_label(self):
        return f"{self.report.number} 回执"[:64]

    def get_absolute_url(self):
        return self.report.get_absolute_url()

    def __str__(self):
        return f"{self.report.number} {self.unit}"
