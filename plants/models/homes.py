"""What was measured in people's homes, by which instruments, and the visits 访民问暖 to them."""

from django.db import models
from django.db.models import Q

from core.crypto import SealedTextField
from deadlines.models import Season
from plants.models.ledger import Finding
from plants.models.register import Community
from units.models import Unit, User


class Instrument(models.Model):
    """A thermometer of a unit, and until when its calibration holds."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="instruments", verbose_name="单位")
    number = models.CharField("编号", max_length=40)
    name = models.CharField("名称", max_length=60)
    calibrated_on = models.DateField("检定日期", null=True, blank=True)
    calibrated_until = models.DateField("检定有效期至", null=True, blank=True)
    is_active = models.BooleanField("在用", default=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "测温仪器"
        ordering = ["unit_id", "number"]
        constraints = [models.UniqueConstraint(fields=["unit", "number"], name="instrument_once")]

    journal_kind = "instrument"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.name} {self.number}"


class Method(models.TextChoices):
    """How a temperature was read off."""

    MANUAL = "manual", "人工"
    SENSOR = "sensor", "传感器"


class Resident(models.TextChoices):
    """The resident's part in a measurement."""

    SIGNED = "signed", "在场并签字"
    REFUSED = "refused", "在场，拒绝签字"
    DISPUTED = "disputed", "在场，对结果有异议"
    ABSENT = "absent", "不在场"


class Excuse(models.TextChoices):
    """Why the company may not answer for a low temperature. Recorded, never a reason to leave the reading out."""

    ALTERED = "altered", "住户自行改动管道或散热器"
    UNHEATED = "unheated", "非供热单元"
    OUTDOOR = "outdoor", "室外低于设计温度"


class RoomTemperature(models.Model):
    """A measured room temperature 测温, unrounded, with everything that makes it proof (G21, I14)."""

    # What it was measured for: ("ticket", its number), ("visit", its number), ("community", its code).
    subject_kind = models.CharField(max_length=32)
    subject_key = models.CharField(max_length=64)
    round = models.PositiveSmallIntegerField(default=1)
    community = models.ForeignKey(Community, models.PROTECT, null=True, related_name="temperatures")
    building = models.CharField("楼栋", max_length=60, blank=True, default="")
    room = models.CharField("房间", max_length=30)
    celsius = models.DecimalField("室温 ℃", max_digits=6, decimal_places=3)
    point = models.CharField("测点", max_length=60, blank=True, default="")
    instrument = models.CharField("仪器", max_length=60, blank=True, default="")
    device = models.ForeignKey(Instrument, models.PROTECT, null=True, blank=True, related_name="readings", verbose_name="登记仪器")
    # Whether its calibration held on the day; None where no registered instrument was named.
    is_calibrated = models.BooleanField("检定有效", null=True, blank=True)
    method = models.CharField("方式", max_length=6, choices=Method.choices, default=Method.MANUAL)
    resident = models.CharField("住户", max_length=8, choices=Resident.choices, blank=True, default="")
    excuse = models.CharField("免责情形", max_length=8, choices=Excuse.choices, blank=True, default="")
    excuse_note = models.CharField("免责说明", max_length=200, blank=True, default="")
    outdoor_celsius = models.DecimalField("室外 ℃", max_digits=6, decimal_places=3, null=True, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="测温单位")
    measured_by = models.CharField("测温人", max_length=60, blank=True, default="")
    measured_at = models.DateTimeField("测温时间")
    remeasures = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="remeasured_by", verbose_name="复测")
    finding = models.ForeignKey(Finding, models.PROTECT, null=True, blank=True, related_name="readings", verbose_name="整改")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "测温记录"
        constraints = [
            models.CheckConstraint(condition=Q(celsius__gte=-60) & Q(celsius__lte=100), name="room_temperature_plausible"),
            models.CheckConstraint(condition=Q(excuse="") | ~Q(excuse_note=""), name="room_temperature_excuse_is_explained"),
        ]
        indexes = [
            models.Index(fields=["subject_kind", "subject_key"], name="temperature_of_subject"),
            models.Index(fields=["-measured_at", "-id"], name="temperature_by_moment"),
            models.Index(fields=["community", "measured_at"], name="temperature_of_community"),
        ]

    journal_kind = "temperature"

    @property
    def journal_key(self):
        return str(self.pk)

    def get_absolute_url(self):
        """The page of the reading."""
        return f"/temperatures/{self.pk}/"

    def __str__(self):
        return f"{self.room} {self.celsius} ℃"


class VisitTarget(models.Model):
    """How many households a company visits in a season, by when (D1.6, G17). Its deadline is settled by the visit that reaches it."""

    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="企业")
    households = models.PositiveIntegerField("目标户数")
    opened_at = models.DateTimeField("起")
    due_at = models.DateTimeField("时限")
    reason = models.CharField("调整原因", max_length=200, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "走访目标"
        constraints = [
            models.UniqueConstraint(fields=["season", "company"], name="visit_target_once"),
            models.CheckConstraint(condition=Q(households__gte=1), name="visit_target_positive"),
        ]

    journal_kind = "visit_target"

    @property
    def journal_key(self):
        return f"{self.season_id}:{self.company_id}"

    @property
    def deadline_label(self):
        return f"访民问暖 {self.households} 户"

    def get_absolute_url(self):
        """The page of the campaign."""
        return "/visits/"

    def __str__(self):
        return self.deadline_label


class HomeVisit(models.Model):
    """One household visited 访民问暖: what it was told, what it said, what was put right on the spot (G17)."""

    number = models.CharField("编号", max_length=24, unique=True)
    # Given by the device, so that a record sent twice is one.
    client_id = models.UUIDField(null=True, blank=True, unique=True)
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    company = models.ForeignKey(Unit, models.PROTECT, related_name="home_visits", verbose_name="企业")
    community = models.ForeignKey(Community, models.PROTECT, related_name="home_visits", verbose_name="小区")
    building = models.CharField("楼栋", max_length=60, blank=True, default="")
    door = SealedTextField("门牌", blank=True, default="")
    contact = SealedTextField("联系电话", blank=True, default="")
    visitor = models.CharField("走访人", max_length=60)
    visited_at = models.DateTimeField("走访时间")
    told_at = models.DateTimeField("登记时间")
    # By which moment it counts: the visit's, or the telling's where it was told too late.
    counted_at = models.DateTimeField()
    is_explained = models.BooleanField("已宣传供热知识", default=True)
    opinion = models.TextField("意见建议", blank=True, default="")
    solved = models.TextField("现场解决", blank=True, default="")
    problem = models.TextField("遗留问题", blank=True, default="")
    # What became of the problem: a ticket, or a row of the ledger.
    ticket = models.CharField("工单", max_length=24, blank=True, default="")
    finding = models.ForeignKey(Finding, models.PROTECT, null=True, blank=True, related_name="home_visits", verbose_name="问题台账")
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "访民问暖"
        ordering = ["-visited_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(told_at__gte=models.F("visited_at")), name="visited_then_told")]
        indexes = [
            models.Index(fields=["company", "season", "counted_at"], name="visit_of_company"),
            models.Index(fields=["-visited_at", "-id"], name="visit_by_moment"),
        ]

    journal_kind = "visit"

    @property
    def journal_key(self):
        return self.number

    def get_absolute_url(self):
        """The page of the visit."""
        return f"/visits/{self.number}/"

    def __str__(self):
        return self.number
