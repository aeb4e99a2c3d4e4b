"""Spot-check calls 电话抽查: whether a company's service number is answered, by day and by night (I15)."""

from django.db import models
from django.db.models import Q

from plants.models.ledger import Finding
from units.models import Phone, Unit, User


class CallResult(models.TextChoices):
    """What became of a call."""

    ANSWERED = "answered", "接通"
    BUSY = "busy", "占线"
    UNANSWERED = "unanswered", "无人接听"
    WRONG_NUMBER = "wrong_number", "不是该单位"
    NO_SUCH_NUMBER = "no_such_number", "空号停机"


# A number that is for show only is graver than one that nobody picked up once.
SHAM = (CallResult.WRONG_NUMBER, CallResult.NO_SUCH_NUMBER)


class SpotCall(models.Model):
    """One call to be made, or made: to which number of which company, at which moment. Only the district knows of it before it is made."""

    company = models.ForeignKey(Unit, models.PROTECT, related_name="spot_calls", verbose_name="企业")
    phone = models.ForeignKey(Phone, models.PROTECT, related_name="+", verbose_name="电话")
    # The number as it was then.
    number = models.CharField("号码", max_length=40)
    # The Monday of its week and its place in the draw; null for a call that nobody drew.
    week = models.DateField("周", null=True, blank=True)
    place = models.PositiveSmallIntegerField(null=True, blank=True)
    # What the week was drawn by: the same seed draws the same moments.
    seed = models.CharField(max_length=40, blank=True, default="")
    planned_at = models.DateTimeField("计划时间")
    is_night = models.BooleanField("夜间", default=False)
    rings_limit = models.PositiveSmallIntegerField("几声之内")
    called_at = models.DateTimeField("拨打时间", null=True, blank=True)
    caller = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="拨打人")
    result = models.CharField("结果", max_length=16, choices=CallResult.choices, blank=True, default="")
    rings = models.PositiveSmallIntegerField("响铃声数", null=True, blank=True)
    is_passed = models.BooleanField("通过", null=True, blank=True)
    # To be considered for a circular 通报 (I15).
    is_candidate = models.BooleanField("通报候选", default=False)
    note = models.CharField("说明", max_length=200, blank=True, default="")
    finding = models.ForeignKey(Finding, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="问题台账")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "电话抽查"
        ordering = ["-planned_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["company", "week", "place"], name="spot_call_once"),
            models.CheckConstraint(
                condition=Q(called_at=None, result="", is_passed=None, caller=None)
                | Q(called_at__isnull=False, is_passed__isnull=False, caller__isnull=False) & ~Q(result=""),
                name="spot_call_made_or_not",
            ),
            models.CheckConstraint(condition=~Q(result="answered") | Q(rings__isnull=False), name="answered_call_counts_rings"),
            models.CheckConstraint(condition=~Q(is_passed=True) | Q(result="answered", rings__lte=models.F("rings_limit")), name="passed_call_was_answered"),
        ]
        indexes = [
            models.Index(fields=["planned_at", "id"], name="spot_call_by_time"),
            models.Index(fields=["company", "called_at"], name="spot_call_of_company"),
        ]

    journal_kind = "spot_call"

    @property
    def journal_key(self):
        return str(self.pk)

    @property
    def is_sham(self):
        return self.result in SHAM

    def get_absolute_url(self):
        return f"/duty/calls/{self.pk}/"

    def __str__(self):
        return f"{self.company} {self.number}"
