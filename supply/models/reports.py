"""What heating companies report each day 信息报送 (I7): what is owed for which day, and every version of what was said."""

import pghistory
from django.db import models
from django.db.models import Q

from deadlines.models import Season
from units.models import Unit, User


class ReportDue(models.Model):
    """That a company owes the report of a day, by the plan's cut-off on the day after. The subject of a deadline."""

    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="reports_due", verbose_name="企业")
    day = models.DateField("报告日")
    due_at = models.DateTimeField("时限")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "应报日报"
        ordering = ["-day", "company__position"]
        constraints = [models.UniqueConstraint(fields=["company", "day"], name="one_report_a_day")]

    journal_kind = "daily_report"

    @property
    def journal_key(self):
        return f"{self.company.code}:{self.day}"

    @property
    def deadline_label(self):
        return f"日报 {self.day}"

    def get_absolute_url(self):
        return f"/reports/{self.day}/{self.company.code}/"

    def __str__(self):
        return f"{self.company} {self.day} 日报"


@pghistory.track()
class DailyReport(models.Model):
    """One version of a company's report of a day 00:00–24:00. A revision is a further version with its reason; none is changed."""

    due = models.ForeignKey(ReportDue, models.PROTECT, related_name="versions")
    version = models.PositiveSmallIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    # 零报告: nothing out of the ordinary; the figures of running still stand.
    is_zero = models.BooleanField("零报告", default=False)
    boilers_running = models.PositiveIntegerField("锅炉运行 台")
    capacity_mw = models.DecimalField("供热能力 MW", max_digits=9, decimal_places=2)
    gas_used_m3 = models.DecimalField("天然气消耗 m³", max_digits=12, decimal_places=0)
    gas_demand_m3 = models.DecimalField("天然气需求 m³", max_digits=12, decimal_places=0)
    gas_supply_m3 = models.DecimalField("天然气供应 m³", max_digits=12, decimal_places=0)
    gas_gap_m3 = models.DecimalField("天然气缺口 m³（申报）", max_digits=12, decimal_places=0)
    measures = models.TextField("应急措施", blank=True, default="")
    # What the portal asked back about, and the word that confirmed it.
    questions = models.JSONField("存疑", default=list, blank=True)
    confirmation = models.CharField("情况说明", max_length=300, blank=True, default="")
    reason = models.CharField("更正原因", max_length=300, blank=True, default="")
    reported_at = models.DateTimeField("报送时间")
    reported_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "日报"
        ordering = ["due", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["due", "version"], name="report_version_once"),
            models.UniqueConstraint(fields=["due"], condition=Q(is_current=True), name="one_current_report"),
            models.CheckConstraint(
                condition=Q(capacity_mw__gte=0, gas_used_m3__gte=0, gas_demand_m3__gte=0, gas_supply_m3__gte=0, gas_gap_m3__gte=0), name="report_not_negative"
            ),
        ]

    @property
    def gap_m3(self):
        """The gap as it follows from demand and supply, m³ a day; never below 0."""
        return max(self.gas_demand_m3 - self.gas_supply_m3, 0)

    def __str__(self):
        return f"{self.due} 第 {self.version} 版"


class Compilation(models.Model):
    """The district's report of a day for 市燃气供热服务中心 (I8): figures as they stood at the cut-off, approved by another person, and sent."""

    day = models.DateField("报告日")
    number = models.PositiveSmallIntegerField("次", default=1)
    # The figures themselves, and which versions they come from: whatever is revised later, this can be counted again.
    snapshot = models.JSONField("数据")
    cut_at = models.DateTimeField("数据截止")
    correction_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="corrections", verbose_name="更正")
    compiled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField("审定时间", null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    sent_at = models.DateTimeField("报送时间", null=True, blank=True)
    sent_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    sent_how = models.CharField("报送方式", max_length=120, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "汇总报告"
        ordering = ["-day", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["day", "number"], name="compilation_once"),
            models.CheckConstraint(condition=Q(sent_at=None) | Q(approved_at__isnull=False), name="sent_after_approval"),
        ]

    journal_kind = "compilation"

    @property
    def journal_key(self):
        return f"{self.day}:{self.number}"

    def __str__(self):
        return f"{self.day} 供热日报汇总" + (f"（更正 {self.number - 1}）" if self.number > 1 else "")
