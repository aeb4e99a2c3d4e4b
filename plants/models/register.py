"""The register of the heated city: plants, boilers, networks, exchange stations, gas facilities, communities, meters (B4, G9, D8.2, D8.6)."""

from django.db import models
from django.db.models import F, Q

from core import stamps
from units.models import Unit, User


class PlantKind(models.TextChoices):
    """What sort of facility it is."""

    PLANT = "plant", "热源厂站"
    STATION = "station", "换热站"
    GAS = "gas", "天然气设施"


class HeatSource(models.TextChoices):
    """The four heat sources of G9."""

    COAL = "coal", "燃煤锅炉"
    GAS = "gas", "天然气锅炉"
    COGENERATION = "cogeneration", "热电联产余热"
    SEWAGE = "sewage", "污水源"


class Plant(models.Model):
    """A facility 厂站: a heating plant, an exchange station below one, or a gas facility. Its code is a wire name."""

    code = models.SlugField("代码", max_length=64, unique=True)
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类别", max_length=8, choices=PlantKind.choices, default=PlantKind.PLANT)
    company = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="plants", verbose_name="企业")
    # The plant from which an exchange station has its heat, or which a gas facility feeds.
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="所属厂站")
    address = models.CharField("地址", max_length=120, blank=True, default="")
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True, blank=True)
    latitude = models.DecimalField("纬度", max_digits=8, decimal_places=6, null=True, blank=True)
    area_m2 = models.DecimalField("供热面积 m²", max_digits=12, decimal_places=1, null=True, blank=True)
    # F4: whether a coal boiler stands by when the gas is short.
    has_coal_backup = models.BooleanField("有备用燃煤锅炉", default=False)
    duty_phone = models.CharField("值班电话", max_length=40, blank=True, default="")
    commissioned_on = models.DateField("投运日期", null=True, blank=True)
    is_active = models.BooleanField("在用", default=True)
    inactive_reason = models.CharField("停用原因", max_length=120, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "厂站"
        ordering = ["kind", "name"]

    journal_kind = "plant"

    @property
    def journal_key(self):
        return self.code

    def __str__(self):
        return self.name


class Boiler(models.Model):
    """A boiler or another heat source of a plant (G9), with its registration as special equipment (D8.2, D8.3)."""

    plant = models.ForeignKey(Plant, models.PROTECT, related_name="boilers", verbose_name="厂站")
    code = models.SlugField("代码", max_length=64, unique=True)
    name = models.CharField("名称", max_length=60)
    source = models.CharField("热源", max_length=12, choices=HeatSource.choices)
    capacity_mw = models.DecimalField("额定热功率 MW", max_digits=8, decimal_places=2)
    # What it burns in a day at full load; gas boilers only.
    gas_m3_per_day = models.DecimalField("满负荷日用气 m³", max_digits=10, decimal_places=0, null=True, blank=True)
    registration_no = models.CharField("使用登记证编号", max_length=40, blank=True, default="")
    inspected_until = models.DateField("下次检验日期", null=True, blank=True)
    commissioned_on = models.DateField("投运日期", null=True, blank=True)
    is_standby = models.BooleanField("备用", default=False)
    is_active = models.BooleanField("在用", default=True)
    inactive_reason = models.CharField("停用原因", max_length=120, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "锅炉"
        ordering = ["plant__name", "name"]
        constraints = [models.CheckConstraint(condition=Q(capacity_mw__gt=0), name="boiler_has_capacity")]

    journal_kind = "boiler"

    @property
    def journal_key(self):
        return self.code

    def __str__(self):
        return f"{self.plant} {self.name}"


class Network(models.Model):
    """A pipe network 管网 of a company, with its age (G12)."""

    code = models.SlugField("代码", max_length=64, unique=True)
    name = models.CharField("名称", max_length=60)
    company = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="networks", verbose_name="企业")
    plant = models.ForeignKey(Plant, models.PROTECT, null=True, blank=True, related_name="networks", verbose_name="热源厂站")
    level = models.CharField("级别", max_length=9, choices=[("primary", "一次网"), ("secondary", "二次网")], default="primary")
    length_km = models.DecimalField("长度 km", max_digits=8, decimal_places=2, null=True, blank=True)
    built_in = models.PositiveSmallIntegerField("建成年份", null=True, blank=True)
    # G12: the project by which old pipes are replaced, and when it was or will be done.
    replacement = models.CharField("更新改造项目", max_length=120, blank=True, default="")
    replaced_on = models.DateField("改造完成日期", null=True, blank=True)
    is_active = models.BooleanField("在用", default=True)
    inactive_reason = models.CharField("停用原因", max_length=120, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "管网"
        ordering = ["name"]

    journal_kind = "network"

    @property
    def journal_key(self):
        return self.code

    def __str__(self):
        return self.name


class Charge(models.Model):
    """Which street checks a facility from a day to a day (E7); a facility on a boundary may be both streets'."""

    plant = models.ForeignKey(Plant, models.PROTECT, related_name="charges", verbose_name="厂站")
    street = models.ForeignKey(Unit, models.PROTECT, related_name="charges", verbose_name="街道")
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True)
    reason = models.CharField("调整原因", max_length=120, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "属地检查分工"
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(fields=["plant", "street"], condition=Q(until=None), name="one_open_charge"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="charge_ends_after_start"),
        ]

    def __str__(self):
        return f"{self.street} {self.plant}"


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
    # D3.8: the contract under which property manager and company work together.
    contract_no = models.CharField("供热合同编号", max_length=60, blank=True, default="")
    first_registered_on = models.DateField("首次登记日期", null=True, blank=True)
    is_new_project = models.BooleanField("开发商新建项目", default=False)
    is_renewal = models.BooleanField("城改项目", default=False)
    is_moved_in_without_heat = models.BooleanField("已回迁今冬不能供暖", default=False)
    is_heritage = models.BooleanField("汉长安城遗址区内", default=False)
    households = models.PositiveIntegerField("户数", null=True, blank=True)
    heated_area_m2 = models.DecimalField("供热面积 m²", max_digits=12, decimal_places=1, null=True, blank=True)
    # Where its heat comes from: the plant, and the exchange station between.
    plant = models.ForeignKey(Plant, models.PROTECT, null=True, blank=True, related_name="communities", verbose_name="热源厂站")
    station = models.ForeignKey(Plant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="换热站")
    heat_manager = models.CharField("供热管理员", max_length=40, blank=True, default="")
    heat_manager_phone = models.CharField("管理员电话", max_length=40, blank=True, default="")
    is_active = models.BooleanField("在用", default=True)
    inactive_reason = models.CharField("停用原因", max_length=120, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        triggers = [stamps.trigger(stamps.REGISTER)]
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
    # The first day on which it no longer holds.
    until = models.DateField("止", null=True, blank=True)
    reason = models.CharField("调整原因", max_length=120, blank=True, default="")

    class Meta:
        triggers = [stamps.trigger(stamps.REGISTER)]
        verbose_name = verbose_name_plural = "管理方式"
        ordering = ["since"]
        constraints = [
            models.UniqueConstraint(fields=["community"], condition=Q(until=None), name="one_current_management")
        ]

    def __str__(self):
        return f"{self.community} {self.get_mode_display()}"


class Meter(models.Model):
    """A heat meter 热能表 of a community, and until when its verification holds (D8.6)."""

    code = models.SlugField("代码", max_length=64, unique=True)
    name = models.CharField("名称", max_length=60)
    community = models.ForeignKey(Community, models.PROTECT, related_name="meters", verbose_name="小区")
    serial_no = models.CharField("出厂编号", max_length=40, blank=True, default="")
    verified_on = models.DateField("检定日期", null=True, blank=True)
    verified_until = models.DateField("检定有效期至", null=True, blank=True)
    is_active = models.BooleanField("在用", default=True)
    inactive_reason = models.CharField("停用原因", max_length=120, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "热能表"
        ordering = ["name"]

    journal_kind = "meter"

    @property
    def journal_key(self):
        return self.code

    def __str__(self):
        return f"{self.community} {self.name}"


class RegisterImport(models.Model):
    """A table uploaded into the register: its rows as read, which column means what, and what became of them."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "待核对列"
        CHECKED = "checked", "待确认"
        DONE = "done", "已导入"
        DISCARDED = "discarded", "已放弃"

    kind = models.CharField("类别", max_length=12)
    name = models.CharField("文件", max_length=160)
    sha256 = models.CharField(max_length=64)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.UPLOADED)
    columns = models.JSONField(default=list)
    # Column number → field.
    mapping = models.JSONField(default=dict)
    # [row number in the file, [cells]]; emptied when it is over.
    rows = models.JSONField(default=list)
    # [row number, field, message, [cells]] of what was not imported.
    faults = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="上传人")
    uploaded_at = models.DateTimeField("上传时间")
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "底册导入"
        ordering = ["-uploaded_at", "-id"]

    journal_kind = "register_import"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return self.name
