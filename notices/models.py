"""What has to be said to whom, and how far each message has come."""

from django.db import models
from django.db.models import Q

from core.crypto import SealedTextField
from units.models import Unit, User


class Notice(models.Model):
    """Something a unit must be told, written with its cause under a key that makes it happen once. Not yet addressed to anybody."""

    key = models.CharField(max_length=120, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="notices", db_index=False)
    # A role at the unit (deadlines.models.Audience, or "workers"); people are found when it is sent.
    audience = models.CharField(max_length=20)
    kind = models.CharField(max_length=32)
    level = models.PositiveSmallIntegerField(default=0)
    subject = models.CharField("标题", max_length=160)
    body = models.TextField("内容", blank=True, default="")
    link = models.CharField(max_length=200, blank=True, default="")
    data = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    routed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "消息"
        indexes = [models.Index(fields=["id"], condition=Q(routed_at=None), name="notice_to_route")]

    def __str__(self):
        return self.subject


class Channel(models.TextChoices):
    """How a message travels."""

    EMAIL = "email", "电子邮件"
    WECOM = "wecom", "企业微信机器人"
    DINGTALK = "dingtalk", "钉钉机器人"
    FEISHU = "feishu", "飞书机器人"
    WEBHOOK = "webhook", "签名回调"
    SMS = "sms", "短信网关"


class Endpoint(models.Model):
    """Where a unit hears: an address on a channel, with its secret."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="endpoints", verbose_name="单位")
    channel = models.CharField("渠道", max_length=10, choices=Channel.choices)
    name = models.CharField("名称", max_length=60)
    # Sealed, because a robot's address is its key, and a phone number is a person's.
    address = SealedTextField("地址")
    # Endpoints of one host share its fate: only a few of them are served at once (outbox._claim).
    host = models.CharField(max_length=200, blank=True, default="")
    secret = SealedTextField("密钥", blank=True, default="")
    # The gateway of messages to residents: no unit's address, it hears nothing of the unit's.
    for_residents = models.BooleanField(default=False)
    least_level = models.PositiveSmallIntegerField("最低级别", default=0)
    is_active = models.BooleanField("启用", default=True)
    # The breaker: after failures in a row nothing is tried before this moment. A robot rests after each message, too.
    failures = models.PositiveIntegerField(default=0)
    rest_until = models.DateTimeField(null=True, blank=True)
    # Somebody is sending to it, until they book or this moment has passed: one sender at a time for each endpoint.
    busy_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "接收地址"
        ordering = ["unit", "channel", "id"]
        constraints = [models.UniqueConstraint(fields=["channel"], condition=Q(for_residents=True), name="one_gateway_to_residents")]

    def __str__(self):
        return f"{self.unit} {self.name}"

    journal_kind = "endpoint"

    @property
    def journal_key(self):
        return str(self.pk)


class Message(models.Model):
    """One thing said to one recipient: a person's inbox, or an endpoint. Many notices at once make one message."""

    key = models.CharField(max_length=80, unique=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="inbox", db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, null=True, related_name="messages", db_index=False)
    # A resident's number or address, where the endpoint is the gateway to residents.
    to = SealedTextField(blank=True, default="")
    subject = models.CharField("标题", max_length=200)
    body = models.TextField("内容")
    link = models.CharField(max_length=200, blank=True, default="")
    level = models.PositiveSmallIntegerField(default=0)
    lines = models.JSONField(default=list)
    notice_count = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "消息"
        constraints = [
            models.CheckConstraint(condition=Q(user=None, endpoint__isnull=False) | Q(user__isnull=False, endpoint=None), name="message_to_one")
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="message_to_send"),
            models.Index(fields=["user", "-created_at", "-id"], condition=Q(user__isnull=False), name="message_of_user"),
            models.Index(fields=["user"], condition=Q(user__isnull=False, read_at=None), name="message_unread"),
            models.Index(fields=["endpoint", "next_attempt_at"], condition=Q(endpoint__isnull=False), name="message_of_endpoint"),
        ]

    def __str__(self):
        return self.subject
