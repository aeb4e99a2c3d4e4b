"""码上暖: the codes that residents scan, the keys by which they follow a case, and what they say of it afterwards (G22–G25)."""

from django.db import models
from django.db.models import Q

from complaints.models.sampling import Answers, Contradiction
from complaints.models.tickets import Ticket
from core.crypto import SealedTextField
from plants.models import Community
from units.models import Unit, User


class CodeScope(models.TextChoices):
    """For what place a code stands; one scheme for all four (G23)."""

    DISTRICT = "district", "全区"
    COMPANY = "company", "企业"
    COMMUNITY = "community", "小区"
    BUILDING = "building", "楼栋"


class Code(models.Model):
    """A 码上暖 code. Its token is unguessable and printed; revoked, another is issued and the rest stay as printed."""

    token = models.CharField("码", max_length=24, unique=True)
    scope = models.CharField("范围", max_length=10, choices=CodeScope.choices)
    company = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="codes", verbose_name="供热企业")
    community = models.ForeignKey(Community, models.PROTECT, null=True, blank=True, related_name="codes", verbose_name="小区")
    building = models.CharField("楼栋", max_length=60, blank=True, default="")
    issued_at = models.DateTimeField("启用")
    issued_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField("停用", null=True, blank=True)
    revoked_reason = models.CharField("停用原因", max_length=120, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "服务二维码"
        ordering = ["scope", "community__name", "building", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "company", "community", "building"], condition=Q(revoked_at=None), name="one_code_a_place", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(scope="district", company=None, community=None, building="")
                | Q(scope="company", company__isnull=False, community=None, building="")
                | Q(scope="community", community__isnull=False, building="")
                | (Q(scope="building", community__isnull=False) & ~Q(building="")),
                name="code_names_its_place",
            ),
        ]

    journal_kind = "code"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        place = {CodeScope.DISTRICT: "全区", CodeScope.COMPANY: str(self.company)}.get(self.scope)
        return place or f"{self.community}{self.building}"


class HostedAccount(models.Model):
    """A company's own WeChat account, mini-program or site that hosts 码上暖 (G22): a key to sign with, and who may embed the page."""

    company = models.ForeignKey(Unit, models.PROTECT, related_name="hosted_accounts", verbose_name="供热企业")
    name = models.CharField("名称", max_length=40)
    key = models.CharField("应用标识", max_length=32, unique=True)
    secret = SealedTextField("密钥")
    # Addresses of pages that may hold ours in a frame: https://host each.
    origins = models.JSONField("可嵌入的网站", default=list, blank=True)
    issued_at = models.DateTimeField("启用")
    issued_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField("停用", null=True, blank=True)
    revoked_reason = models.CharField("停用原因", max_length=120, blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "企业公众号接入"
        ordering = ["company_id", "id"]

    journal_kind = "hosted_account"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return f"{self.company} {self.name}"


class TrackKey(models.Model):
    """A key by which a resident follows one case. Only its digest is kept."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="track_keys")
    digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "查询凭证"

    def __str__(self):
        return str(self.ticket)


class Rating(Answers, Contradiction):
    """What a resident says of a round by themselves 评价: content or not, and the three questions that staff cannot answer for them."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="ratings")
    round = models.PositiveSmallIntegerField("轮次")
    rated_at = models.DateTimeField("评价时间")

    class Meta:
        verbose_name = verbose_name_plural = "住户评价"
        ordering = ["-rated_at"]
        constraints = [models.UniqueConstraint(fields=["ticket", "round"], name="one_rating_a_round")]

    def __str__(self):
        return f"{self.ticket} {self.get_satisfaction_display()}"
