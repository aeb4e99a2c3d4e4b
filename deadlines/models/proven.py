"""What one unit has to do by some moment, and another unit verifies: milestones, obligations, ledger items."""

from datetime import datetime

import pghistory
from django.db import models
from django.db.models import F, Q

from deadlines.models.engine import Season
from units.models import Duty, Unit, User


class Standing(models.TextChoices):
    """How far something owed has come. Whether it is late is the timestamps' affair, not the standing's."""

    OPEN = "open", "待落实"
    REPORTED = "reported", "待核验"
    VERIFIED = "verified", "已核验"
    DROPPED = "dropped", "不再要求"


class Proven(models.Model):
    """Reported by the unit that owes it, verified by another: two moments, two people (behaviour 11).

    `achieved_at` is when it was done, `reported_at` when the portal was told. Told after the due moment of something
    done before it, it is retrospective 补录: its verdict waits for the approval.
    """

    policy_code = ""  # the limit of the plan under which its deadline opens

    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="责任单位")
    verifier = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="核验单位")
    standing = models.CharField("状态", max_length=10, choices=Standing.choices, default=Standing.OPEN)
    # Which attempt this is: a refused report begins the next.
    attempt = models.PositiveSmallIntegerField("次数", default=1)
    opened_at = models.DateTimeField("起")
    due_at = models.DateTimeField("时限", null=True, blank=True)
    achieved_at = models.DateTimeField("完成时间", null=True, blank=True)
    reported_at = models.DateTimeField("报告时间", null=True, blank=True)
    reported_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.TextField("说明", blank=True, default="")
    is_retrospective = models.BooleanField("补录", default=False)
    verified_at = models.DateTimeField("核验时间", null=True, blank=True)
    verified_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    verdict_note = models.TextField("核验意见", blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=~Q(verifier=F("unit")), name="%(class)s_verified_by_another"),
            models.CheckConstraint(
                condition=Q(reported_at=None, achieved_at=None) | Q(reported_at__gte=F("achieved_at")), name="%(class)s_done_then_told"
            ),
            models.CheckConstraint(condition=~Q(standing="verified") | Q(verified_at__isnull=False), name="%(class)s_verified_at_a_moment"),
        ]

    def is_late(self, at: datetime) -> bool:
        """Whether it was done late, or is late as of `at`. A retrospective report counts once it is approved."""
        if self.due_at is None or self.standing == Standing.DROPPED:
            return False
        counts = self.achieved_at is not None and not (self.is_retrospective and self.standing == Standing.REPORTED)
        return (self.achieved_at if counts else at) > self.due_at


class ObligationKind(models.TextChoices):
    """What sort of thing is owed; it decides what a report must hold."""

    DUTY = "duty", "职责落实"
    DOCUMENT = "document", "文件"
    CONTRACT = "contract", "合同"
    COURSE = "course", "应急课程"
    DRILL = "drill", "演练"
    MEETING = "meeting", "会议"
    SURVEY = "survey", "排查"
    READINESS = "readiness", "六到位"
    RECEIPT = "receipt", "签收"


@pghistory.track()
class Obligation(Proven):
    """A unit's duty for a period 职责事项: duty × unit × period → evidence → verified by another unit. A row of the duty matrix."""

    policy_code = "obligation"

    duty = models.ForeignKey(Duty, models.SET_NULL, null=True, related_name="obligations")
    # Copied: a plan loaded anew may reword or drop the duty, and this stays what it was.
    clause = models.CharField("条款", max_length=12)
    title = models.CharField("事项", max_length=120)
    kind = models.CharField("类别", max_length=12, choices=ObligationKind.choices, default=ObligationKind.DUTY)
    # With whom, where it is owed for each of several: the heating company of a gas contract (F3).
    counterpart = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="对方")
    period = models.CharField("期次", max_length=12)
    number = models.PositiveSmallIntegerField("序", default=1)
    expires_on = models.DateField("有效至", null=True, blank=True)
    details = models.JSONField("内容", default=dict, blank=True)

    class Meta(Proven.Meta):
        verbose_name = verbose_name_plural = "职责事项"
        ordering = ["due_at", "id"]
        constraints = [
            *Proven.Meta.constraints,
            models.UniqueConstraint(
                fields=["season", "unit", "clause", "title", "counterpart", "period", "number"], name="obligation_once", nulls_distinct=False
            ),
        ]
        indexes = [
            models.Index(fields=["unit", "standing", "due_at"], name="obligation_of_unit"),
            models.Index(fields=["season", "clause"], name="obligation_of_clause"),
        ]

    journal_kind = "obligation"

    @property
    def journal_key(self):
        return str(self.pk)

    @property
    def deadline_label(self):
        return f"{self.clause} {self.title}"[:64]

    def get_absolute_url(self):
        return f"/obligations/{self.pk}/"

    def __str__(self):
        return f"{self.clause} {self.title}"
