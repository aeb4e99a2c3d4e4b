"""Long lists that a person takes along: asked for by one, made in the background, fetched by the same one."""

from django.db import models
from django.db.models import Q

from core.crypto import SealedTextField
from units.models.units import User


class Export(models.Model):
    """A list that somebody asked for as a spreadsheet, too long to wait for. The file goes after its term, the row stays."""

    class State(models.TextChoices):
        MAKING = "making", "正在生成"
        READY = "ready", "可以下载"
        FAILED = "failed", "未完成"
        GONE = "gone", "已过期"

    user = models.ForeignKey(User, models.CASCADE, related_name="exports", db_index=False)
    # Which list (settings.EXPORTS), and what it was called when it was asked for.
    code = models.CharField(max_length=40)
    name = models.CharField("内容", max_length=60)
    # The filters as they were set. Sealed: a search may hold a number or a name; `said` is what may be shown.
    given = SealedTextField()
    said = models.CharField("筛选", max_length=300, blank=True, default="")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.MAKING)
    asked_at = models.DateTimeField("提出")
    rows = models.PositiveIntegerField("行数", null=True)
    rows_done = models.PositiveIntegerField(default=0)
    beat_at = models.DateTimeField(null=True)
    # Each attempt has its number: an attempt that was overtaken finds another one here.
    tries = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True, default="")
    path = models.CharField(max_length=120, blank=True, default="")
    size = models.PositiveBigIntegerField(default=0)
    # The person's rights as the file was made: with others it is theirs no more.
    rights = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "导出"
        constraints = [
            models.CheckConstraint(condition=Q(state="ready") & ~Q(path="") | ~Q(state="ready") & Q(path=""), name="export_ready_has_file"),
            models.CheckConstraint(condition=Q(state="making", finished_at=None) | ~Q(state="making") & Q(finished_at__isnull=False), name="export_ends_once"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="export_of_user"),
            models.Index(fields=["id"], condition=Q(state="making"), name="export_to_make"),
            models.Index(fields=["finished_at"], condition=Q(state="ready"), name="export_to_expire"),
        ]

    journal_kind = "export"

    @property
    def journal_key(self):
        return str(self.pk)

    def __str__(self):
        return self.name
