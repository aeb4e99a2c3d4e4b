"""Who is on duty when, with which phone (D1.10, F6, G14, I12, I13), and who was trained for it (G6, G18)."""

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from core.crypto import SealedTextField
from units.models.units import Unit, User


class PhoneKind(models.TextChoices):
    """What a number is for."""

    SERVICE = "service", "供热服务电话"
    DUTY = "duty", "24 小时值班电话"
    SUPERVISION = "supervision", "投诉监督电话"
    EMERGENCY = "emergency", "抢修电话"


class Phone(models.Model):
    """A unit's number, published to residents from a day on (I13); never a private one."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="phones", verbose_name="单位")
    kind = models.CharField("用途", max_length=12, choices=PhoneKind.choices)
    number = models.CharField("号码", max_length=40)
    note = models.CharField("说明", max_length=80, blank=True, default="")
    published_on = models.DateField("公开日期", null=True, blank=True)
    withdrawn_on = models.DateField("停用日期", null=True, blank=True)
    is_active = models.BooleanField("在用", default=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "公开电话"
        ordering = ["unit__position", "kind", "number"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "kind", "number"], condition=Q(is_active=True), name="phone_once"),
        ]

    journal_kind = "phone"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.unit} {self.get_kind_display()} {self.number}"


class Worker(models.Model):
    """Somebody who may stand on a roster; has an account or not."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="workers", verbose_name="单位")
    name = models.CharField("姓名", max_length=40)
    job = models.CharField("岗位", max_length=40, blank=True, default="")
    phone = SealedTextField("手机", blank=True, default="")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="账号")
    is_active = models.BooleanField("在岗", default=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "值班人员"
        ordering = ["unit__position", "name", "id"]

    journal_kind = "worker"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return self.name


class TrainingKind(models.TextChoices):
    """What a training was for."""

    PRE_JOB = "pre_job", "上岗前培训"
    SKILLS = "skills", "业务培训"
    EMERGENCY = "emergency", "应急课程"
    SAFETY = "safety", "安全教育"


class Training(models.Model):
    """That a worker was trained (G6, G18, G19)."""

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="trainings")
    kind = models.CharField("类别", max_length=12, choices=TrainingKind.choices)
    topic = models.CharField("内容", max_length=120)
    trained_on = models.DateField("日期")
    # The last day on which it still counts; None: for good.
    valid_until = models.DateField("有效期至", null=True, blank=True)
    hours = models.DecimalField("学时", max_digits=5, decimal_places=1, null=True, blank=True)
    result = models.CharField("考核结果", max_length=40, blank=True, default="")
    # Somebody who failed was there, but is not trained.
    is_passed = models.BooleanField("合格", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "培训记录"
        ordering = ["-trained_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["worker", "kind", "topic", "trained_on"], name="training_once"),
            models.CheckConstraint(condition=Q(valid_until=None) | Q(valid_until__gte=F("trained_on")), name="training_ends_after_start"),
        ]

    def __str__(self):
        return f"{self.worker} {self.topic}"


class DutyPost(models.Model):
    """A duty post 值班岗位 that has to be manned round the clock for a time: the phone room, a gas facility, the leader on call."""

    class Kind(models.TextChoices):
        LEADER = "leader", "带班领导"
        PHONE = "phone", "电话值守"
        ON_SITE = "on_site", "驻场值守"
        REPAIR = "repair", "抢修待命"

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="duty_posts", verbose_name="单位")
    name = models.CharField("岗位", max_length=60)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices, default=Kind.PHONE)
    clause = models.CharField("条款", max_length=12, blank=True, default="")
    # The code of the facility at which it stands (F6): facilities are a floor above.
    facility = models.SlugField("设施代码", max_length=64, blank=True, default="")
    phone = models.ForeignKey(Phone, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="电话")
    needs = models.PositiveSmallIntegerField("每时人数", default=1)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "值班岗位"
        ordering = ["unit__position", "kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "name"], name="duty_post_once"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gt=F("since")), name="duty_post_ends_after_start"),
            models.CheckConstraint(condition=Q(needs__gte=1), name="duty_post_needs_somebody"),
        ]

    journal_kind = "duty_post"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.unit} {self.name}"


class MomentRange(Func):
    """From a moment to a moment, the end excluded."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class NumberRange(Func):
    """A range that holds one number: overlap is equality, without the extension that compares numbers in such an index."""

    function = "INT8RANGE"
    output_field = BigIntegerRangeField()


@pghistory.track()
class DutyShift(models.Model):
    """A shift 值班班次: somebody at a post from a moment to a moment, across midnight or not; [start, end)."""

    post = models.ForeignKey(DutyPost, models.PROTECT, related_name="shifts", verbose_name="岗位")
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="shifts", verbose_name="值班人")
    starts_at = models.DateTimeField("起")
    ends_at = models.DateTimeField("止")
    # Whom this one stands in for, after a swap.
    instead_of = models.ForeignKey(Worker, models.PROTECT, null=True, blank=True, related_name="+")
    # Why somebody without a valid training was put on all the same (G18).
    untrained_reason = models.CharField("未培训上岗理由", max_length=120, blank=True, default="")
    handed_over_at = models.DateTimeField("交班时间", null=True, blank=True)
    handover = models.TextField("交班事项", blank=True, default="")
    is_void = models.BooleanField("已撤", default=False)
    void_reason = models.CharField("撤班理由", max_length=120, blank=True, default="")
    note = models.CharField("说明", max_length=120, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "值班班次"
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="shift_ends_after_start"),
            models.CheckConstraint(condition=Q(is_void=False) | ~Q(void_reason=""), name="void_shift_says_why"),
            models.CheckConstraint(condition=Q(handed_over_at=None) | ~Q(handover=""), name="handover_says_what"),
            # Nobody is at two posts at once, nor twice at one.
            ExclusionConstraint(
                name="one_shift_at_a_time",
                expressions=[
                    (MomentRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                    (NumberRange("worker", "worker", Value("[]")), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_void=False),
            ),
        ]
        indexes = [models.Index(fields=["post", "starts_at"], name="shift_of_post")]

    journal_kind = "duty_shift"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.post} {self.worker}"
