"""Independent callbacks 抽样回访: somebody who is not the company asks again, and what contradicts the record is ruled on."""

from django.db import models
from django.db.models import Q

from complaints.models.tickets import Callback, Ticket
from deadlines.models import Season
from units.models import Unit, User


class Contradiction(models.Model):
    """What a resident says against the company's record, and how the bureau ruled on it."""

    contradicts = models.JSONField("不一致", default=list, blank=True)
    ruled_at = models.DateTimeField("认定时间", null=True, blank=True)
    ruled_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    is_upheld = models.BooleanField("属实", null=True, blank=True)
    ruling = models.CharField("认定理由", max_length=300, blank=True, default="")

    class Meta:
        abstract = True


class Answers(models.Model):
    """Helped or not, content or not, and the three questions that only the resident can answer: measured, called, visited."""

    solved = models.BooleanField("解决", null=True)
    satisfaction = models.CharField("满意度", max_length=12, choices=Callback.Satisfaction.choices, blank=True, default="")
    was_measured = models.BooleanField("测过室温", null=True)
    was_called = models.BooleanField("有人来电", null=True)
    was_visited = models.BooleanField("有人上门", null=True)
    note = models.TextField("意见", blank=True, default="")

    class Meta:
        abstract = True


class Sample(Answers, Contradiction):
    """A ticket drawn for an independent callback: by lot, or because something about it asks for one."""

    class Reason(models.TextChoices):
        RANDOM = "random", "随机抽取"
        DISSATISFIED = "dissatisfied", "不满意"
        UNSOLVED = "unsolved", "反映未解决"
        WITHDRAWN = "withdrawn", "已撤回"
        CONTRADICTED = "contradicted", "与记录不一致"
        ARRIVAL = "arrival", "到场待核"

    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="samples")
    round = models.PositiveSmallIntegerField("轮次")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="承办单位")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="回访单位")
    reason = models.CharField("缘由", max_length=14, choices=Reason.choices)
    drawn_at = models.DateTimeField("抽取时间")
    due_at = models.DateTimeField("时限")
    # When somebody tried and reached nobody: moments, for the rule of three attempts in two half-days.
    attempts = models.JSONField(default=list, blank=True)
    reached = models.BooleanField("接通", null=True)
    wrong_details = models.CharField("信息不符", max_length=200, blank=True, default="")
    called_at = models.DateTimeField("回访时间", null=True, blank=True)
    called_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = verbose_name_plural = "抽样回访"
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "round"], name="one_sample_a_round"),
            models.CheckConstraint(condition=Q(called_at=None, reached=None) | Q(called_at__isnull=False, reached__isnull=False), name="sample_called_with_result"),
            models.CheckConstraint(condition=Q(reached=True) | Q(solved=None, satisfaction=""), name="unreached_sample_says_nothing"),
        ]
        indexes = [models.Index(fields=["unit", "due_at"], condition=Q(called_at=None), name="sample_to_call"), models.Index(fields=["company", "called_at"], name="sample_of_company")]

    journal_kind = "sample"

    @property
    def journal_key(self):
        return str(self.pk)

    @property
    def deadline_label(self):
        return f"抽样回访 {self.pk}"  # without the ticket's number: the company must not learn of it

    def get_absolute_url(self):
        return f"/sampling/{self.pk}/"

    def __str__(self):
        return f"抽样回访 {self.ticket}"
