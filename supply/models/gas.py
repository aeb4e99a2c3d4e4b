"""Gas and its shortage: readings, the plan of what is cut when 压非保民, what was cut, and what was asked for upstream."""

import pghistory
from django.db import models
from django.db.models import F, Q

from core import stamps
from deadlines.models import Season
from plants.models import Boiler, Community
from units.models import Unit, User


class GasReading(models.Model):
    """What a company needs and gets of gas on a day, as known at a moment (D2.2). Between two daily reports; the latest counts."""

    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="企业")
    day = models.DateField("日期")
    demand_m3 = models.DecimalField("需求 m³/日", max_digits=12, decimal_places=0)
    supply_m3 = models.DecimalField("供应 m³/日", max_digits=12, decimal_places=0)
    note = models.CharField("说明", max_length=300, blank=True, default="")
    read_at = models.DateTimeField("登记时间")
    read_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", verbose_name="登记单位")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "气量速报"
        ordering = ["-read_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(demand_m3__gte=0, supply_m3__gte=0), name="gas_reading_not_negative")]
        indexes = [models.Index(fields=["day", "company", "-read_at"], name="gas_reading_of_day")]

    journal_kind = "gas-reading"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.company} {self.day}"


class Load(models.TextChoices):
    """Whose gas a step takes."""

    OTHER = "non_residential", "非居民负荷"
    HOMES = "residential", "居民供热"


class CurtailmentPlan(models.Model):
    """A company's plan for a gas shortage 压非保民工作方案 in a season (G8): its steps are stage × boiler × area."""

    company = models.ForeignKey(Unit, models.PROTECT, related_name="curtailment_plans", verbose_name="企业")
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    note = models.TextField("说明", blank=True, default="")
    changed_at = models.DateTimeField("编制时间")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "限供方案"
        constraints = [models.UniqueConstraint(fields=["company", "season"], name="one_curtailment_plan_a_season")]

    journal_kind = "curtailment-plan"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.company} 限供方案"


class CurtailmentStep(models.Model):
    """One measure of a plan: at a stage, from a boiler or a named load, so many m³ a day less for an area. Never deleted, only taken out."""

    plan = models.ForeignKey(CurtailmentPlan, models.PROTECT, related_name="steps")
    stage = models.PositiveSmallIntegerField("阶段")
    order = models.PositiveSmallIntegerField("次序", default=1)
    kind = models.CharField("负荷", max_length=16, choices=Load.choices)
    boiler = models.ForeignKey(Boiler, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="锅炉")
    name = models.CharField("区域或用户", max_length=60)
    communities = models.ManyToManyField(Community, related_name="+", blank=True, verbose_name="小区")
    reduction_m3 = models.DecimalField("减量 m³/日", max_digits=12, decimal_places=0)
    is_active = models.BooleanField("在用", default=True)
    inactive_reason = models.CharField("停用原因", max_length=200, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "限供措施"
        ordering = ["stage", "order", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(reduction_m3__gt=0), name="curtailment_step_reduces"),
            models.CheckConstraint(condition=Q(stage__gte=1, stage__lte=9), name="curtailment_stage_in_bounds"),
            models.CheckConstraint(condition=~Q(kind="residential") | Q(boiler__isnull=False), name="homes_are_cut_by_boiler"),
        ]

    def __str__(self):
        return self.name


class Activation(models.Model):
    """A company's curtailment 限供 from its proposal to the recovery, as it was proposed and approved (G8). Numbers and lines are frozen."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "待批准"
        ACTIVE = "active", "限供中"
        ENDED = "ended", "已恢复"
        WITHDRAWN = "withdrawn", "已撤回"

    number = models.CharField("编号", max_length=20, unique=True)
    plan = models.ForeignKey(CurtailmentPlan, models.PROTECT, related_name="activations")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="企业")
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    day = models.DateField("日期")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PROPOSED)
    demand_m3 = models.DecimalField("需求 m³/日", max_digits=12, decimal_places=0)
    supply_m3 = models.DecimalField("供应 m³/日", max_digits=12, decimal_places=0)
    gap_m3 = models.DecimalField("缺口 m³/日", max_digits=12, decimal_places=0)
    figures_from = models.CharField("数据来源", max_length=60, blank=True, default="")
    level = models.PositiveSmallIntegerField("限供级别", null=True)
    covered_m3 = models.DecimalField("减量合计 m³/日", max_digits=12, decimal_places=0)
    remaining_m3 = models.DecimalField("尚缺 m³/日", max_digits=12, decimal_places=0)
    # Every step of the plan with why it was taken or left: what can be checked by hand.
    lines = models.JSONField("逐项说明", default=list)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="提出人")
    approved_at = models.DateTimeField("批准时间", null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="批准人")
    approval_note = models.CharField("批准意见", max_length=500, blank=True, default="")
    # Boilers without coal backup are cut by a named person's decision only (F4).
    override_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="决定人")
    override_reason = models.CharField("限供无备用锅炉的理由", max_length=500, blank=True, default="")
    ended_at = models.DateTimeField("恢复时间", null=True, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    end_note = models.CharField("恢复情况", max_length=500, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "限供启动"
        ordering = ["-proposed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["company"], condition=Q(state="active"), name="one_active_curtailment"),
            models.UniqueConstraint(fields=["company"], condition=Q(state="proposed"), name="one_proposed_curtailment"),
            models.CheckConstraint(condition=Q(gap_m3=F("demand_m3") - F("supply_m3")), name="gap_is_demand_less_supply"),
            models.CheckConstraint(condition=Q(override_by=None) | ~Q(override_reason=""), name="override_has_reason"),
            models.CheckConstraint(
                condition=~Q(state__in=["active", "ended"]) | Q(approved_at__isnull=False, approved_by__isnull=False), name="active_was_approved"
            ),
            models.CheckConstraint(condition=~Q(state="ended") | Q(ended_at__gte=F("approved_at")), name="curtailment_ends_after_start"),
        ]
        indexes = [models.Index(fields=["proposed_at", "id"], name="activation_by_time")]

    journal_kind = "curtailment"

    @property
    def journal_key(self):
        return self.number

    def get_absolute_url(self):
        return f"/gas/curtailments/{self.number}/"

    def __str__(self):
        return self.number


@pghistory.track()
class ActivatedStep(models.Model):
    """A step that is carried out: from when to when."""

    activation = models.ForeignKey(Activation, models.PROTECT, related_name="carried_out")
    step = models.ForeignKey(CurtailmentStep, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    name = models.CharField("措施", max_length=120)
    reduction_m3 = models.DecimalField("减量 m³/日", max_digits=12, decimal_places=0)
    households = models.PositiveIntegerField("影响户数", default=0)
    started_at = models.DateTimeField("起")
    recovered_at = models.DateTimeField("恢复", null=True, blank=True)
    note = models.CharField("情况", max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "限供执行"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["activation", "step"], name="step_once_an_activation"),
            models.CheckConstraint(condition=Q(recovered_at=None) | Q(recovered_at__gte=F("started_at")), name="step_recovers_after_start"),
        ]

    def __str__(self):
        return self.name


class Restriction(models.Model):
    """A community is on restricted supply 限供 from a moment to a moment: what its tickets are tagged by."""

    carried_out = models.ForeignKey(ActivatedStep, models.PROTECT, related_name="restrictions")
    activation = models.ForeignKey(Activation, models.PROTECT, related_name="restrictions")
    community = models.ForeignKey(Community, models.PROTECT, related_name="restrictions", db_index=False, verbose_name="小区")
    households = models.PositiveIntegerField("户数", null=True)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "限供小区"
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(fields=["carried_out", "community"], name="restriction_once_a_step"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="restriction_ends_after_start"),
        ]
        indexes = [models.Index(fields=["community", "since"], name="restriction_of_community")]
        triggers = [stamps.trigger(stamps.GAS)]

    def __str__(self):
        return f"{self.community} 限供"


class Coordination(models.Model):
    """Gas asked for upstream 协调气源: with whom, how much was asked and granted (D2.4, G10)."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="协调单位")
    day = models.DateField("日期")
    counterpart = models.CharField("对方", max_length=80)
    asked_m3 = models.DecimalField("争取 m³/日", max_digits=12, decimal_places=0)
    # Null: no answer yet, which is not nought.
    granted_m3 = models.DecimalField("落实 m³/日", max_digits=12, decimal_places=0, null=True, blank=True)
    note = models.CharField("情况", max_length=500, blank=True, default="")
    recorded_at = models.DateTimeField("登记时间")
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "气源协调"
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(asked_m3__gt=0), name="coordination_asks"),
            models.CheckConstraint(condition=Q(granted_m3=None) | Q(granted_m3__gte=0), name="coordination_grant_not_negative"),
        ]

    journal_kind = "gas-coordination"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.counterpart} {self.day}"


class GasIncident(models.Model):
    """A sudden trouble with the gas supply 气源突发事宜; the Development and Reform Bureau deals with it (D2.3)."""

    number = models.CharField("编号", max_length=20, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="报告单位")
    owner = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="处置单位")
    # Whom it concerns; null: everybody's supply.
    company = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="涉及企业")
    happened_at = models.DateTimeField("发生时间")
    what = models.TextField("情况")
    measure = models.TextField("处置", blank=True, default="")
    reported_at = models.DateTimeField("报告时间")
    reported_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField("处置完毕", null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "气源突发事宜"
        ordering = ["-reported_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(reported_at__gte=F("happened_at")), name="gas_incident_happened_then_reported"),
            models.CheckConstraint(condition=Q(closed_at=None) | Q(closed_at__gte=F("reported_at")), name="gas_incident_closed_after_report"),
        ]

    journal_kind = "gas-incident"

    @property
    def journal_key(self):
        return self.number

    def __str__(self):
        return self.number
