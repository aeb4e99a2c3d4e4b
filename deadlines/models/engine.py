"""The season, its plan, and the deadline: one kind of thing for everything that somebody owes by some moment."""

import pghistory
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core import stamps
from units.models import Unit, User


class Season(models.Model):
    """A heating season 采暖季 with the plan that governs it. Belongs to its starting year and crosses the turn of the year."""

    code = models.CharField("代码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=60)
    starts_on = models.DateField("起")
    ends_on = models.DateField("止")
    is_demo = models.BooleanField("演示数据", default=False)
    loaded_at = models.DateTimeField()
    # The plan file as loaded, and the parts of it that other rooms read: clocks, categories, sources, rules, standards…
    source = models.TextField()
    settings = models.JSONField(default=dict)

    class Meta:
        triggers = [stamps.trigger(stamps.PLAN)]
        verbose_name = verbose_name_plural = "采暖季"
        ordering = ["-starts_on"]

    journal_kind = "season"

    @property
    def journal_key(self):
        return self.code

    def __str__(self):
        return self.name


class PolicyDocument(models.Model):
    """A document 文件 on which a season's rules rest; an amendment is a further row, the old text stays."""

    season = models.ForeignKey(Season, models.CASCADE, related_name="documents")
    number = models.CharField("文号", max_length=60)
    title = models.CharField("标题", max_length=200)
    issuer = models.CharField("印发机关", max_length=80)
    issued_on = models.DateField("印发日期")
    basis = models.CharField("依据", max_length=200, blank=True, default="")
    text = models.TextField("正文")
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = verbose_name_plural = "文件"
        ordering = ["-issued_on", "-id"]
        constraints = [models.UniqueConstraint(fields=["season", "number", "sha256"], name="document_version_once")]

    def __str__(self):
        return f"{self.number} {self.title}"


class Milestone(models.Model):
    """A milestone 时间节点 of the season (H1–H5). Moving its date makes a new version; the old one and its verdicts stay."""

    season = models.ForeignKey(Season, models.CASCADE, related_name="milestones")
    code = models.CharField(max_length=8)
    clause = models.CharField(max_length=12)
    version = models.PositiveSmallIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    title = models.CharField("节点", max_length=120)
    label = models.CharField("简称", max_length=20)
    quote = models.TextField("原文")
    kind = models.CharField("类型", max_length=8, choices=[("due", "须完成"), ("start", "起始")])
    due_at = models.DateTimeField("时限")
    subjects = models.JSONField(default=list)
    conditions = models.JSONField(default=list)

    class Meta:
        verbose_name = verbose_name_plural = "时间节点"
        ordering = ["due_at", "code"]
        constraints = [
            models.UniqueConstraint(fields=["season", "code", "version"], name="milestone_version_once"),
            models.UniqueConstraint(fields=["season", "code"], condition=Q(is_current=True), name="one_current_milestone"),
        ]
        triggers = [stamps.trigger(stamps.PLAN)]

    def __str__(self):
        return self.title


class Audience(models.TextChoices):
    """To whom a rung speaks: a role, resolved to people when the message is sent."""

    DOER = "doer", "承办单位"
    PRINCIPAL = "principal", "承办单位主要负责人"
    STREET = "street", "属地街道"
    BUREAU = "bureau", "区城管执法局值班"
    BUREAU_PRINCIPAL = "bureau_principal", "区城管执法局主要负责人"
    OFFICE_DIRECTOR = "office_director", "专班办公室主任"
    DEPUTY_HEAD = "deputy_head", "分管副专班长"


@pghistory.track()
class Policy(models.Model):
    """A time limit 时限 as the plan sets it. A changed limit is a new version, which binds what opens afterwards."""

    code = models.SlugField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    name = models.CharField("名称", max_length=60)
    stage = models.CharField("环节", max_length=24)
    # None: the due time is given with each case, as the city does with its tickets.
    allowance = models.DurationField("时限", null=True, blank=True)
    clause = models.CharField("条款", max_length=12, blank=True, default="")

    class Meta:
        triggers = [stamps.trigger(stamps.PLAN)]
        verbose_name = verbose_name_plural = "时限规则"
        ordering = ["code", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="policy_version_once"),
            models.UniqueConstraint(fields=["code"], condition=Q(is_current=True), name="one_current_policy"),
            models.CheckConstraint(condition=Q(allowance=None) | Q(allowance__gt="0"), name="allowance_is_positive"),
        ]

    def __str__(self):
        return self.name


@pghistory.track()
class Rung(models.Model):
    """A step of the ladder 督办阶梯. Either a share of the way to the due time (a warning), or a time after it."""

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="rungs")
    position = models.PositiveSmallIntegerField()
    fraction = models.DecimalField(max_digits=5, decimal_places=4, null=True, blank=True)
    after = models.DurationField(null=True, blank=True)
    # 0: a warning. 1…4: how high the escalation goes.
    level = models.PositiveSmallIntegerField("级别")
    audiences = ArrayField(models.CharField(max_length=20, choices=Audience.choices))
    # The same when the late unit is the bureau itself, which cannot supervise itself.
    audiences_if_bureau = ArrayField(models.CharField(max_length=20, choices=Audience.choices))
    proposal = models.CharField("建议", max_length=20, blank=True, default="")

    class Meta:
        triggers = [stamps.trigger(stamps.PLAN)]
        verbose_name = verbose_name_plural = "督办阶梯"
        ordering = ["policy", "position"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "position"], name="rung_position_once"),
            models.UniqueConstraint(fields=["policy", "level"], condition=Q(level__gt=0), name="level_once_a_ladder"),
            models.CheckConstraint(condition=Q(position__gte=1), name="rung_positions_from_one"),
            models.CheckConstraint(
                condition=Q(fraction=None, after__isnull=False) | Q(fraction__isnull=False, after=None),
                name="rung_by_fraction_or_after",
            ),
        ]

    def __str__(self):
        return f"{self.policy} 第 {self.position} 级"


class Outcome(models.TextChoices):
    """How a deadline ended."""

    MET = "met", "按时"
    LATE = "late", "超时"
    NEUTRAL = "neutral", "不计"


@pghistory.track(exclude=["next_check_at", "written_at"])
class Deadline(models.Model):
    """What one unit owes by one moment. Late is what the timestamps say: (settled_at or now) > due_at, to the microsecond."""

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="deadlines", db_index=False)
    # The street beside it, whose territory it is.
    street = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", db_index=False)
    subject_type = models.ForeignKey(ContentType, models.PROTECT, related_name="+", db_index=False)
    subject_id = models.BigIntegerField()
    subject = GenericForeignKey("subject_type", "subject_id")
    # The subject's number and what it is about, as lists and messages show them.
    label = models.CharField(max_length=64)
    link = models.CharField(max_length=160, blank=True, default="")
    stage = models.CharField("环节", max_length=24)
    round = models.PositiveSmallIntegerField("轮次", default=1)
    segment = models.PositiveSmallIntegerField("经手", default=1)
    sequence = models.PositiveSmallIntegerField(default=1)
    opened_at = models.DateTimeField("起算")
    due_at = models.DateTimeField("时限")
    settled_at = models.DateTimeField("完成", null=True)
    outcome = models.CharField("结果", max_length=8, choices=Outcome.choices, default="", blank=True)
    # How far up its ladder it has been taken: the rung's position, and that rung's level.
    reached = models.PositiveSmallIntegerField(default=0)
    level = models.PositiveSmallIntegerField("级别", default=0)
    next_check_at = models.DateTimeField(null=True)
    # When the row was written, by the database's clock: what opens as of the past could not be noticed before. Decides nothing.
    written_at = models.DateTimeField(db_default=Now(), editable=False)
    set_aside_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "时限"
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "stage", "round", "segment", "sequence", "unit"], name="deadline_once"
            ),
            models.CheckConstraint(condition=Q(due_at__gt=F("opened_at")), name="due_after_opening"),
            models.CheckConstraint(
                condition=Q(settled_at=None, outcome="") | (Q(settled_at__isnull=False) & ~Q(outcome="")),
                name="settled_with_outcome",
            ),
            models.CheckConstraint(condition=Q(settled_at=None) | Q(next_check_at=None), name="settled_is_not_swept"),
            # The verdict is the timestamps' and nobody's: on time up to and with the due moment.
            models.CheckConstraint(
                condition=~Q(outcome="met") | Q(settled_at__lte=F("due_at")), name="met_is_on_time"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="late") | Q(settled_at__gt=F("due_at")), name="late_is_after_due"
            ),
        ]
        indexes = [
            models.Index(fields=["next_check_at"], condition=Q(next_check_at__isnull=False), name="deadline_to_check"),
            models.Index(fields=["unit", "due_at", "id"], condition=Q(settled_at=None), name="deadline_open_of_unit"),
            models.Index(fields=["due_at", "id"], condition=Q(settled_at=None), name="deadline_open"),
            models.Index(fields=["unit", "opened_at"], name="deadline_of_unit"),
            models.Index(fields=["opened_at", "stage"], name="deadline_by_opening"),
        ]

    journal_kind = "deadline"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.label} {self.policy.name}"

    def is_late(self, at) -> bool:
        """Whether it is late as of `at`. A neutral end is never late."""
        return self.outcome != Outcome.NEUTRAL and (self.settled_at or at) > self.due_at

    def seconds_late(self, at) -> float:
        """By how many seconds it is late as of `at`; 0 when it is not."""
        return max(((self.settled_at or at) - self.due_at).total_seconds(), 0) if self.is_late(at) else 0.0


@pghistory.track()
class Escalation(models.Model):
    """A supervision order 督办单: one deadline was taken to one level. At most one for each, whoever sweeps and how often."""

    deadline = models.ForeignKey(Deadline, models.PROTECT, related_name="escalations", db_index=False)
    level = models.PositiveSmallIntegerField("级别")
    # The unit that was late, as it stood then.
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="escalations", db_index=False)
    street = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", db_index=False)
    audiences = ArrayField(models.CharField(max_length=20, choices=Audience.choices), verbose_name="报送")
    proposal = models.CharField("建议", max_length=20, blank=True, default="")
    breach_at = models.DateTimeField("应报")
    detected_at = models.DateTimeField("报出")
    # Lower levels that fell into the same silence and were not told one by one.
    collapsed = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    signed_at = models.DateTimeField("签收", null=True)
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    note = models.TextField("处置意见", blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "督办单"
        constraints = [
            models.UniqueConstraint(fields=["deadline", "level"], name="one_escalation_a_level"),
            models.CheckConstraint(condition=Q(level__gte=1), name="escalation_level_from_one"),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None) | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="signed_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["detected_at", "id"], name="escalation_by_time"),
            models.Index(fields=["unit", "detected_at"], name="escalation_of_unit"),
            models.Index(fields=["detected_at"], condition=Q(signed_at=None), name="escalation_to_sign"),
        ]

    journal_kind = "escalation"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.deadline.label} {self.level} 级督办"


class Heartbeat(models.Model):
    """That somebody swept: one row for each who does (celery, watchdog); and that the watchdog would (watchdog alive)."""

    source = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()
    taken_ms = models.FloatField(default=0)
    escalated = models.PositiveIntegerField(default=0)
    # How far the clock of the machine that swept is from the database's; positive when it is ahead.
    skew_seconds = models.FloatField(db_default=0)

    class Meta:
        verbose_name = verbose_name_plural = "心跳"

    def __str__(self):
        return self.source
