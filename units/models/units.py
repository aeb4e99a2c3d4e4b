"""Who answers for what: units, their names, posts, people, duties, and the rights that hang on units."""

import ipaddress

import pghistory
from django.contrib.auth.models import AbstractUser, Group
from django.db import models
from django.db.models import F, Q
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from core import stamps
from core.crypto import SealedTextField


class Kind(models.TextChoices):
    """What sort of unit it is; the plan's duties name kinds as well as units."""

    TASKFORCE = "taskforce", "工作专班"
    OFFICE = "office", "专班办公室"
    BUREAU = "bureau", "区级部门"
    STREET = "street", "街道办事处"
    HEATING = "heating", "集中供热企业"
    PROPERTY = "property", "物业服务企业"
    GAS = "gas", "燃气企业"
    CITY = "city", "市级单位"


COMPANIES = (Kind.HEATING, Kind.PROPERTY, Kind.GAS)


class Unit(models.Model):
    """A responsible unit 责任单位. Its code is a wire name and never changes; its name may, and history keeps the old one."""

    code = models.SlugField("代码", max_length=64, unique=True)
    name = models.CharField("全称", max_length=80)
    short_name = models.CharField("简称", max_length=40)
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="隶属")
    division_code = models.CharField("行政区划代码", max_length=12, blank=True, default="")
    is_entrusted = models.BooleanField("托管街道", null=True, blank=True)
    phone = models.CharField("值班电话", max_length=40, blank=True, default="")
    note = models.CharField("说明", max_length=200, blank=True, default="")
    position = models.PositiveSmallIntegerField("排序", default=1000)
    is_active = models.BooleanField("在用", default=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        triggers = [stamps.trigger(stamps.REGISTER), stamps.trigger(stamps.PEOPLE)]
        verbose_name = verbose_name_plural = "责任单位"
        ordering = ["position", "code"]
        permissions = [
            ("see_work", "查看本单位承办事项"),
            ("handle_tickets", "办理本单位工单"),
            ("dispatch_tickets", "受理与交办工单"),
            ("supervise", "督办、裁定、签收督办单"),
            ("inspect", "登记巡查"),
            ("administer", "管理单位、人员与系统"),
            ("grant_rights", "授予与收回权限、接口令牌"),
            ("audit", "查阅台账流水"),
        ]

    journal_kind = "unit"

    @property
    def journal_key(self):
        return self.code

    def __str__(self):
        return self.short_name or self.name


class UnitAlias(models.Model):
    """Another way in which people write a unit's name, 未央官街道 included. `name` is normalised (units/naming.py)."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="aliases")
    name = models.CharField("别名", max_length=80, unique=True)

    class Meta:
        triggers = [stamps.trigger(stamps.REGISTER)]
        verbose_name = verbose_name_plural = "单位别名"
        ordering = ["name"]

    def __str__(self):
        return self.name


class User(AbstractUser):
    """A person with an account, or a system with a token. Named accounts only."""

    full_name = models.CharField("姓名", max_length=40, blank=True, default="")
    phone = SealedTextField("手机", blank=True, default="")
    is_service = models.BooleanField("系统账号", default=False)
    is_demo = models.BooleanField("演示账号", default=False)
    must_change_password = models.BooleanField("须修改初始密码", default=False)
    password_changed_at = models.DateTimeField(null=True, blank=True)
    # The hashes of those before the present one, newest first (units/passwords.py).
    former_passwords = models.JSONField(default=list, blank=True)
    # Nobody used it for DORMANT_DAYS: it rests until it is woken, and keeps its memberships.
    dormant_since = models.DateTimeField("休眠起", null=True, blank=True)
    woken_at = models.DateTimeField(null=True, blank=True)

    first_name = None
    last_name = None
    REQUIRED_FIELDS = []

    class Meta:
        # All but when they last signed in, which is nobody's right.
        triggers = [
            stamps.trigger(stamps.PEOPLE, of=(
                "username", "full_name", "email", "phone", "password", "former_passwords", "must_change_password", "password_changed_at", "is_active",
                "is_staff", "is_superuser", "is_service", "is_demo", "date_joined", "dormant_since", "woken_at",
            ))
        ]  # fmt: skip
        verbose_name = verbose_name_plural = "人员"
        ordering = ["username"]

    journal_kind = "user"

    @property
    def journal_key(self):
        return self.username

    def __str__(self):
        return self.full_name or self.username

    def get_full_name(self):
        return str(self)


class Belonging(User.groups.through):
    """That an account is in the group of a (unit, role): Django's own table, watched as the others from which rights are read."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [stamps.trigger(stamps.PEOPLE)]


class SecondFactor(models.Model):
    """Somebody's second factor 两步验证. `secret` is in use since `since`; `pending` waits for its first code."""

    user = models.OneToOneField(User, models.CASCADE, related_name="second_factor")
    secret = SealedTextField(blank=True, default="")
    pending = SealedTextField(blank=True, default="")
    since = models.DateTimeField("启用时间", null=True, blank=True)
    # The step of the clock whose code was used last: none up to it is good again.
    last_step = models.BigIntegerField(default=-1)
    # Digests of the recovery codes not used yet.
    recovery = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "两步验证"

    def __str__(self):
        return f"{self.user} 的两步验证"

    @property
    def recovery_left(self) -> int:
        """How many recovery codes are left."""
        return len(self.recovery)


class UserUnitPermission(UserObjectPermissionBase):
    """Guardian's table for people; kept empty: rights are given to (unit, role), never to a person."""

    content_object = models.ForeignKey(Unit, models.CASCADE)


class GroupUnitPermission(GroupObjectPermissionBase):
    """Guardian's table for roles: what a (unit, role) may do for which unit. Written in units/access.py only."""

    content_object = models.ForeignKey(Unit, models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False
        triggers = [stamps.trigger(stamps.PEOPLE)]


class Role(models.TextChoices):
    """What somebody does for a unit; the wire names of design §6."""

    DISPATCHER = "dispatcher", "受理交办"
    OFFICER = "officer", "经办"
    HANDLER = "handler", "企业经办"
    INSPECTOR = "inspector", "巡查"
    VIEWER = "viewer", "查阅"
    # The three that keep the portal and none of its work (等保 8.1.4.2): accounts, rights, and the journal, each apart.
    ADMIN = "admin", "系统管理"
    SECURITY = "security", "安全管理"
    AUDITOR = "auditor", "审计管理"


@pghistory.track()
class Membership(models.Model):
    """Somebody works for a unit in a role, from a moment to a moment."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="memberships")
    role = models.CharField("角色", max_length=12, choices=Role.choices)
    group = models.ForeignKey(Group, models.PROTECT)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)

    class Meta:
        triggers = [stamps.trigger(stamps.PEOPLE)]
        verbose_name = verbose_name_plural = "任职"
        constraints = [
            models.UniqueConstraint(fields=["user", "unit", "role"], condition=Q(until=None), name="one_open_membership"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="membership_ends_after_start"),
        ]

    def __str__(self):
        return f"{self.user} · {self.unit} · {self.get_role_display()}"


class Post(models.Model):
    """A post 职务 of a unit, apart from whoever holds it: 专班长, 主要负责同志, 办公室主任."""

    code = models.SlugField(max_length=64, unique=True)
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="posts")
    title = models.CharField("职务", max_length=60)
    is_principal = models.BooleanField("主要负责同志", default=False)
    position = models.PositiveSmallIntegerField(default=100)

    class Meta:
        verbose_name = verbose_name_plural = "职务"
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["unit"], condition=Q(is_principal=True), name="one_principal_post"),
        ]

    def __str__(self):
        return f"{self.unit} {self.title}"


class Holding(models.Model):
    """Who holds a post, from a moment to a moment. The person may have an account, or be known by name only."""

    post = models.ForeignKey(Post, models.CASCADE, related_name="holdings")
    name = models.CharField("姓名", max_length=40)
    title = models.CharField("身份", max_length=80, blank=True, default="")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="holdings")
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "任职人"
        constraints = [models.UniqueConstraint(fields=["post"], condition=Q(until=None), name="one_holder_at_a_time")]

    def __str__(self):
        return f"{self.post} {self.name}"


class Duty(models.Model):
    """A duty 职责 that the plan lays on a unit or on every unit of a kind, with its clause and its words."""

    season = models.CharField("采暖季", max_length=20)
    clause = models.CharField("条款", max_length=12)
    position = models.PositiveSmallIntegerField(default=0)
    unit = models.ForeignKey(Unit, models.CASCADE, null=True, blank=True, related_name="duties")
    kind = models.CharField("单位类别", max_length=12, choices=Kind.choices, blank=True, default="")
    title = models.CharField("职责", max_length=80)
    quote = models.TextField("原文")
    meaning = models.TextField("含义", blank=True, default="")
    cadence = models.CharField("频次", max_length=20)
    evidence = models.CharField("佐证", max_length=200, blank=True, default="")
    supervised_by = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+")
    # Owed and verified period by period as an obligation; the others are proven by the pages that serve them.
    is_registered = models.BooleanField("列入职责台账", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "职责"
        ordering = ["position", "clause"]
        constraints = [
            models.CheckConstraint(condition=Q(unit=None) | Q(kind=""), name="duty_of_unit_or_kind"),
            models.UniqueConstraint(
                fields=["season", "clause", "unit", "kind"], name="duty_once", nulls_distinct=False
            ),
        ]

    def __str__(self):
        return f"{self.clause} {self.title}"


class Member(models.Model):
    """A unit's seat in one of the plan's two bodies: the task force (C5) or the coordination mechanism (I1)."""

    season = models.CharField("采暖季", max_length=20)
    body = models.CharField("机制", max_length=20, choices=[("task_force", "工作专班"), ("coordination", "协调机制")])
    unit = models.ForeignKey(Unit, models.CASCADE, null=True, blank=True, related_name="seats")
    kind = models.CharField("单位类别", max_length=12, choices=Kind.choices, blank=True, default="")
    is_lead = models.BooleanField("牵头", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "成员单位"
        constraints = [
            models.UniqueConstraint(fields=["season", "body", "unit", "kind"], name="seat_once", nulls_distinct=False)
        ]

    def __str__(self):
        return f"{self.get_body_display()} {self.unit or self.get_kind_display()}"


class ApiToken(models.Model):
    """A key by which a system enters; only its digest is kept."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField("用途", max_length=80)
    issued_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    # What narrows it (S25): of which sources it brings in complaints, from which networks it comes; nothing said is no limit.
    sources = models.JSONField("来源", default=list, blank=True)
    networks = models.JSONField("来访网段", default=list, blank=True)
    # With what each of its requests must be signed (core/signatures.py); empty: none need be.
    signing_secret = SealedTextField("签名密钥", default="", blank=True)

    class Meta:
        triggers = [stamps.trigger(stamps.PEOPLE)]
        verbose_name = verbose_name_plural = "接口令牌"

    def __str__(self):
        return self.name

    def is_from(self, address: str) -> bool:
        """Whether it may come from this address."""
        if not self.networks:
            return True
        try:
            caller = ipaddress.ip_address(address)
        except ValueError:
            return False
        caller = getattr(caller, "ipv4_mapped", None) or caller
        return any(caller in ipaddress.ip_network(one) for one in self.networks)

    @property
    def limits(self) -> str:
        """What narrows it, in words; empty for nothing."""
        said = [f"来源 {'、'.join(self.sources)}" if self.sources else "", "、".join(self.networks), "须签名" if self.signing_secret else ""]
        return "；".join(one for one in said if one)


class SavedView(models.Model):
    """A person's own view of a list: a name for a query string."""

    user = models.ForeignKey(User, models.CASCADE, related_name="views")
    page = models.CharField(max_length=30)
    name = models.CharField("名称", max_length=30)
    query = models.CharField(max_length=500)

    class Meta:
        verbose_name = verbose_name_plural = "我的视图"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_once")]
        triggers = [stamps.trigger(stamps.VIEWS)]

    def __str__(self):
        return self.name
