"""The register of the heated city, and what was measured in it."""

from django.db import models
from django.db.models import Q

from units.models import Unit


class ManagementMode(models.TextChoices):
    """Who manages the heat inside a community; it decides who is answerable (D3.11)."""

    DIRECT = "direct", "直管到户"
    PROPERTY = "property", "物业代管"


class Use(models.TextChoices):
    """What a place is, where the plan names a leading department for it (D10–D14)."""

    HOMES = "homes", "住宅小区"
    SCHOOL = "school", "学校、幼儿园"
    ELDERLY = "elderly", "养老机构"
    HOSPITAL = "hospital", "医疗机构"
    OFFICE = "office", "机关办公场所"


class Community(models.Model):
    """A community 小区 or another heated place. Exactly one company and one street answer for it (B4); gaps are data defects."""

    code = models.SlugField("代码", max_length=64, unique=True)
    name = models.CharField("名称", max_length=60)
    # Other names by which residents call it, normalised.
    aliases = models.JSONField(default=list, blank=True)
    use = models.CharField("用途", max_length=10, choices=Use.choices, default=Use.HOMES)
    address = models.CharField("地址", max_length=120, blank=True, default="")
    street = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="communities", verbose_name="街道")
    # 大兴未央管委会 and the like: an area that lies over a street's (D17.1).
    overlay = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="管委会")
    company = models.ForeignKey(
        Unit, models.PROTECT, null=True, related_name="heated_communities", verbose_name="供热企业"
    )
    property_manager = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="managed_communities", verbose_name="物业服务企业"
    )
    first_registered_on = models.DateField("首次登记日期", null=True, blank=True)
    is_new_project = models.BooleanField("开发商新建项目", default=False)
    is_renewal = models.BooleanField("城改项目", default=False)
    is_moved_in_without_heat = models.BooleanField("已回迁今冬不能供暖", default=False)
    is_heritage = models.BooleanField("汉长安城遗址区内", default=False)
    households = models.PositiveIntegerField("户数", null=True, blank=True)
    heat_manager = models.CharField("供热管理员", max_length=40, blank=True, default="")
    heat_manager_phone = models.CharField("管理员电话", max_length=40, blank=True, default="")
    is_active = models.BooleanField("在用", default=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "小区"
        ordering = ["name"]

    journal_kind = "community"

    @property
    def journal_key(self):
        return self.code

    def __str__(self):
        return self.name


class Management(models.Model):
    """How a community is managed from a day to a day; the day of the complaint decides (behaviour 8)."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="managements")
    mode = models.CharField("管理方式", max_length=10, choices=ManagementMode.choices)
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "管理方式"
        ordering = ["since"]
        constraints = [
            models.UniqueConstraint(fields=["community"], condition=Q(until=None), name="one_current_management")
        ]

    def __str__(self):
        return f"{self.community} {self.get_mode_display()}"


class RoomTemperature(models.Model):
    """A measured room temperature 测温, unrounded, with everything that makes it proof (G21, I14)."""

    # What it was measured for: a ticket's number, later a visit's.
    subject_kind = models.CharField(max_length=32)
    subject_key = models.CharField(max_length=64)
    round = models.PositiveSmallIntegerField(default=1)
    community = models.ForeignKey(Community, models.PROTECT, null=True, related_name="temperatures")
    room = models.CharField("房间", max_length=30)
    celsius = models.DecimalField("室温 ℃", max_digits=6, decimal_places=3)
    point = models.CharField("测点", max_length=60, blank=True, default="")
    instrument = models.CharField("仪器", max_length=60, blank=True, default="")
    outdoor_celsius = models.DecimalField("室外 ℃", max_digits=6, decimal_places=3, null=True, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="测温单位")
    measured_by = models.CharField("测温人", max_length=60, blank=True, default="")
    measured_at = models.DateTimeField("测温时间")

    class Meta:
        verbose_name = verbose_name_plural = "测温记录"
        constraints = [
            models.CheckConstraint(condition=Q(celsius__gte=-30) & Q(celsius__lte=60), name="room_temperature_plausible")
        ]
        indexes = [models.Index(fields=["subject_kind", "subject_key"], name="temperature_of_subject")]

    def __str__(self):
        return f"{self.room} {self.celsius} ℃"
