"""The weather outdoors, and the gas that it was said to need (F1)."""

from django.db import models
from django.db.models import F, Q

from units.models import Unit, User


class Weather(models.Model):
    """A day's temperatures outdoors, °C: as observed, or as forecast at `recorded_at`. A later word on the same day is a further row."""

    class Kind(models.TextChoices):
        OBSERVED = "observed", "实况"
        FORECAST = "forecast", "预报"

    day = models.DateField("日期")
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    lowest = models.DecimalField("最低 ℃", max_digits=4, decimal_places=1)
    highest = models.DecimalField("最高 ℃", max_digits=4, decimal_places=1)
    mean = models.DecimalField("日平均 ℃", max_digits=5, decimal_places=2)
    recorded_at = models.DateTimeField("登记时间")
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", verbose_name="登记单位")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "室外气温"
        ordering = ["-day", "kind", "-recorded_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(lowest__lte=F("mean"), mean__lte=F("highest")), name="weather_mean_between")]
        indexes = [models.Index(fields=["day", "kind", "-recorded_at"], name="weather_of_day")]

    journal_kind = "weather"

    @property
    def journal_key(self):
        return f"{self.day.isoformat()}:{self.kind}"

    def __str__(self):
        return f"{self.day.isoformat()} {self.get_kind_display()}"


class GasForecast(models.Model):
    """What a company was said to need of gas on a day, m³: made on an earlier day, and not touched afterwards, so that its error is honest."""

    class Method(models.TextChoices):
        FITTED = "fitted", "最小二乘"
        RATED = "rated", "按满负荷折算"

    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="企业")
    day = models.DateField("日期")
    made_on = models.DateField("预测日")
    made_at = models.DateTimeField("预测时间")
    degree_days = models.DecimalField("度日数", max_digits=5, decimal_places=2)
    demand_m3 = models.DecimalField("预测需求 m³/日", max_digits=12, decimal_places=0)
    method = models.CharField("方法", max_length=6, choices=Method.choices)
    # Demand = base + slope × degree-days, from so many days.
    base_m3 = models.DecimalField("基础用气 m³", max_digits=14, decimal_places=2)
    slope_m3 = models.DecimalField("每度日用气 m³", max_digits=14, decimal_places=4)
    sample = models.PositiveSmallIntegerField("样本天数", default=0)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "用气预测"
        ordering = ["day", "company"]
        constraints = [
            models.UniqueConstraint(fields=["company", "day", "made_on"], name="gas_forecast_once_a_day"),
            models.CheckConstraint(condition=Q(made_on__lt=F("day")), name="gas_forecast_made_before"),
            models.CheckConstraint(condition=Q(demand_m3__gte=0), name="gas_forecast_not_negative"),
        ]
        indexes = [models.Index(fields=["day", "company", "-made_on"], name="gas_forecast_of_day")]

    def __str__(self):
        return f"{self.company} {self.day.isoformat()}"
