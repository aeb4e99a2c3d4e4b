"""Daily reports of the heating companies (I7), what is compiled of them for the city (I8), and reports of major problems (D1.1)."""

import pghistory
from django.db import models
from django.db.models import F, Q

from deadlines.models import Season
from units.models import Unit, User

M3 = {"max_digits": 12, "decimal_places": 0}


class ReportDue(models.Model):
    """That a company owes a report on a day, 00:00–24:00 Shanghai. Opened when the day is over; rows never go."""

    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="reports_due", verbose_name="企业")
    day = models.DateField("报告日")
    opened_at = models.DateTimeField("起")
    due_at = models.DateTimeField("截止")
    # When the first report came; None: missing, which is not nought.
    submitted_at = models.DateTimeField("报送时间", null=True, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "应报日报"
        ordering = ["-day", "company"]
        constraints = [
            models.UniqueConstraint(fields=["company", "day"], name="report_due_once"),
            models.CheckConstraint(condition=Q(due_at__gt=F("opened_at")), name="report_due_after_its_day"),
        ]
        indexes = [models.Index(fields=["day", "company"], name="report_due_of_day")]

    journal_kind = "daily-report"

    @property
    def journal_key(self):
        return f"{self.company_id}:{self.day.isoformat()}"

    @property
    def deadline_label(self):
        return f"{str(self.company)[:40]} {self.day:%m-%d} 日报"[:64]

    def is_late(self, at) -> bool:
        """Whether it came, or still comes, after the cut-off."""
        return (self.submitted_at or at) > self.due_at

    def get_absolute_url(self):
        return f"/reports/{self.company.code}/{self.day.isoformat()}/"

    def __str__(self):
        return f"{self.company} {self.day.isoformat()}"


@pghistory.track()
class DailyReport(models.Model):
    """One version of a company's report on a day. A revision is a further row with its reason; the earlier ones stay."""

    due = models.ForeignKey(ReportDue, models.PROTECT, related_name="versions")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="企业")
    day = models.DateField("报告日")
    version = models.PositiveSmallIntegerField("版本", default=1)
    is_current = models.BooleanField("现行", default=True)
    # Said outright: nothing out of the ordinary, no gap; figures of running stand, what is left blank is nought. An absent report never is one.
    is_zero = models.BooleanField("零报告", default=False)
    boilers_running = models.PositiveSmallIntegerField("锅炉运行 台")
    capacity_mw = models.DecimalField("供热能力 MW", max_digits=9, decimal_places=2)
    gas_used_m3 = models.DecimalField("天然气消耗 m³/日", **M3)
    # Null: not told, so that the declared gap cannot be checked.
    gas_demand_m3 = models.DecimalField("天然气需求 m³/日", null=True, blank=True, **M3)
    gas_supply_m3 = models.DecimalField("天然气供应 m³/日", null=True, blank=True, **M3)
    gas_gap_m3 = models.DecimalField("天然气缺口（申报） m³/日", **M3)
    # Demand less supply, never below nought: what the portal reckons beside what was declared.
    gap_computed_m3 = models.DecimalField("天然气缺口（核算） m³/日", null=True, blank=True, **M3)
    measures = models.TextField("采取的应急措施", blank=True, default="")
    # Optional: [{code, name, running, gas_m3}].
    boilers = models.JSONField("逐台锅炉", default=list, blank=True)
    # What was noticed when it came: [{code, field, text}], and the company's word on it.
    remarks = models.JSONField("核对提示", default=list, blank=True)
    confirmed = models.CharField("核对说明", max_length=300, blank=True, default="")
    reason = models.CharField("更正原因", max_length=300, blank=True, default="")
    submitted_at = models.DateTimeField("报送时间")
    submitted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="填报人")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", verbose_name="填报单位")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "供热日报"
        ordering = ["-day", "company", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["due", "version"], name="report_version_once"),
            models.UniqueConstraint(fields=["due"], condition=Q(is_current=True), name="one_current_report"),
            models.CheckConstraint(condition=Q(version=1) | ~Q(reason=""), name="report_revised_for_a_reason"),
            models.CheckConstraint(condition=Q(capacity_mw__gte=0, gas_used_m3__gte=0, gas_gap_m3__gte=0), name="report_not_negative"),
            models.CheckConstraint(condition=~Q(is_zero=True) | Q(gas_gap_m3=0), name="zero_report_has_no_gap"),
        ]
        indexes = [models.Index(fields=["day", "company"], condition=Q(is_current=True), name="report_current_of_day")]

    @property
    def gap(self):
        """The gap that counts: as reckoned where demand and supply are known, else as declared."""
        return self.gap_computed_m3 if self.gap_computed_m3 is not None else self.gas_gap_m3

    @property
    def demand(self):
        """What was needed: as told, else what was burnt and what was short together."""
        return self.gas_demand_m3 if self.gas_demand_m3 is not None else self.gas_used_m3 + self.gas_gap_m3

    def __str__(self):
        return f"{self.company} {self.day.isoformat()} 第 {self.version} 版"


class MissProposal(models.Model):
    """A company left out so many reports within so many days: a circular 通报 is proposed to the office, with the days."""

    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="企业")
    days = models.JSONField("漏报日")
    last_day = models.DateField("最近一次")
    raised_at = models.DateTimeField("提出时间")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "漏报通报建议"
        ordering = ["-raised_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["company", "last_day"], name="miss_proposal_once")]

    journal_kind = "miss-proposal"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.company} 漏报"


class CompiledReport(models.Model):
    """What the bureau sends of a period to the city 市燃气供热服务中心 (I8): owed, compiled, approved by another, sent."""

    class State(models.TextChoices):
        DUE = "due", "待汇总"
        DRAFT = "draft", "待审批"
        APPROVED = "approved", "待送出"
        SENT = "sent", "已送出"

    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    number = models.CharField("编号", max_length=20, unique=True)
    first_day = models.DateField("起")
    last_day = models.DateField("止")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="报送单位")
    recipient = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="收件单位")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.DUE)
    opened_at = models.DateTimeField("起算")
    due_at = models.DateTimeField("送出时限")
    # The figures as they stood at this moment; each names the version that it was taken from.
    cutoff_at = models.DateTimeField("取数截止", null=True, blank=True)
    figures = models.JSONField("数据", default=dict, blank=True)
    note = models.TextField("说明", blank=True, default="")
    compiled_at = models.DateTimeField("汇总时间", null=True, blank=True)
    compiled_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="汇总人")
    approved_at = models.DateTimeField("审批时间", null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="审批人")
    sent_at = models.DateTimeField("送出时间", null=True, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "汇总报送"
        ordering = ["-last_day", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["season", "first_day"], name="compiled_once_a_period"),
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="compiled_period_runs_forward"),
            models.CheckConstraint(condition=Q(state="due") | Q(cutoff_at__isnull=False, compiled_by__isnull=False), name="compiled_by_somebody"),
            models.CheckConstraint(
                condition=Q(state__in=["due", "draft"]) | (Q(approved_by__isnull=False) & ~Q(approved_by=F("compiled_by"))), name="compiled_approved_by_another"
            ),
        ]

    journal_kind = "compiled-report"

    @property
    def journal_key(self):
        return self.number

    @property
    def period(self):
        """The days, as people say them."""
        first, last = self.first_day, self.last_day
        return f"{last.year}年{last.month}月{last.day}日" if first == last else f"{first.year}年{first.month}月{first.day}日至{last.month}月{last.day}日"

    @property
    def deadline_label(self):
        return f"汇总报送 {self.period}"[:64]

    def get_absolute_url(self):
        return f"/reports/compiled/{self.number}/"

    def __str__(self):
        return self.number


class Correction(models.Model):
    """更正: what changed in a company's figures after the report of its day was sent. The report itself stays as it was."""

    report = models.ForeignKey(CompiledReport, models.PROTECT, related_name="corrections")
    number = models.PositiveSmallIntegerField("第几号")
    version = models.ForeignKey(DailyReport, models.PROTECT, related_name="+")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="企业")
    day = models.DateField("报告日")
    reason = models.CharField("原因", max_length=300)
    changes = models.JSONField("变动", default=list)
    made_at = models.DateTimeField("产生时间")
    sent_at = models.DateTimeField("送出时间", null=True, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "更正"
        ordering = ["report", "number"]
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="correction_number_once"),
            models.UniqueConstraint(fields=["report", "version"], name="correction_once_a_version"),
        ]

    def __str__(self):
        return f"{self.report} 更正 {self.number}"


class Sending(models.Model):
    """That a report or a correction went out: to whom, how, when, by whom (I8)."""

    class Way(models.TextChoices):
        NETWORK = "network", "政务外网"
        MAIL = "mail", "电子邮件"
        PAPER = "paper", "纸质送达"
        FAX = "fax", "传真"
        OTHER = "other", "其他"

    report = models.ForeignKey(CompiledReport, models.PROTECT, related_name="sendings")
    correction = models.ForeignKey(Correction, models.PROTECT, null=True, blank=True, related_name="sendings")
    recipient = models.CharField("送往", max_length=80)
    way = models.CharField("方式", max_length=8, choices=Way.choices, default=Way.NETWORK)
    receipt = models.CharField("回执", max_length=200, blank=True, default="")
    sent_at = models.DateTimeField("送出时间")
    sent_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="送出人")

    class Meta:
        verbose_name = verbose_name_plural = "送达记录"
        ordering = ["sent_at", "id"]

    def __str__(self):
        return f"{self.report} → {self.recipient}"


class MajorReport(models.Model):
    """重大问题报告: a major problem reported to the district's committee and government, with both moments (D1.1)."""

    number = models.CharField("编号", max_length=20, unique=True)
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="报告单位")
    kind = models.CharField("类型", max_length=40)
    kind_name = models.CharField("类型名称", max_length=20)
    title = models.CharField("标题", max_length=80)
    facts = models.TextField("情况")
    measures = models.TextField("已采取措施", blank=True, default="")
    next_steps = models.TextField("下一步", blank=True, default="")
    recipients = models.CharField("报送", max_length=80)
    discovered_at = models.DateTimeField("发现时间")
    reported_at = models.DateTimeField("报告时间")
    # The plan's limit as it stood then.
    within = models.DurationField("时限")
    recorded_at = models.DateTimeField("登记时间")
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "重大问题报告"
        ordering = ["-discovered_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(reported_at__gte=F("discovered_at")), name="major_discovered_then_reported"),
            models.CheckConstraint(condition=Q(recorded_at__gte=F("reported_at")), name="major_reported_then_recorded"),
        ]
        indexes = [models.Index(fields=["discovered_at", "id"], name="major_by_time")]

    journal_kind = "major-report"

    @property
    def journal_key(self):
        return self.number

    @property
    def interval(self):
        """From discovery to report."""
        return self.reported_at - self.discovered_at

    @property
    def is_prompt(self):
        """Whether it was reported within the limit; exactly at it counts."""
        return self.interval <= self.within

    def get_absolute_url(self):
        return f"/reports/major/{self.number}/"

    def __str__(self):
        return self.number
