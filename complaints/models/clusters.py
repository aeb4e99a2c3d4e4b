"""Clusters 集中诉求: many households of one building or community with the same trouble, as one case beside their own tickets (G16)."""

from django.db import models
from django.db.models import Q

from complaints.models.tickets import Ticket
from deadlines.models import Season
from plants.models import Community
from units.models import Unit, User


class Cluster(models.Model):
    """A cluster: its place, its owner, what residents are told. Its tickets keep their own clocks and end by themselves."""

    class State(models.TextChoices):
        OPEN = "open", "处置中"
        CLOSED = "closed", "已结束"
        ABSORBED = "absorbed", "并入小区"

    number = models.CharField("编号", max_length=24, unique=True)
    season = models.ForeignKey(Season, models.PROTECT, related_name="+")
    community = models.ForeignKey(Community, models.PROTECT, related_name="clusters", verbose_name="小区")
    # As residents write it, and as it is compared; empty for a whole community.
    building = models.CharField("楼栋", max_length=60, blank=True, default="")
    building_key = models.CharField(max_length=60, blank=True, default="")
    owner = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="牵头单位")
    street = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", verbose_name="街道")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    # When the threshold was crossed, by the callers' own times; and when the portal saw it.
    opened_at = models.DateTimeField("形成")
    detected_at = models.DateTimeField("发现")
    public_text = models.CharField("公告", max_length=200, blank=True, default="")
    closed_at = models.DateTimeField("结束", null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    finding = models.TextField("处置情况", blank=True, default="")
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "集中诉求"
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["community", "building_key"], condition=Q(state="open"), name="one_open_cluster_a_place"),
            models.CheckConstraint(condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)), name="cluster_closed_at"),
        ]
        indexes = [models.Index(fields=["state", "-opened_at"], name="cluster_by_state"), models.Index(fields=["owner", "-opened_at"], name="cluster_of_owner")]

    journal_kind = "cluster"

    @property
    def journal_key(self):
        return self.number

    @property
    def place(self):
        return f"{self.community}{self.building}"

    def get_absolute_url(self):
        return f"/clusters/{self.number}/"

    def __str__(self):
        return f"{self.number} {self.place}"


class ClusterMember(models.Model):
    """That a ticket belongs to a cluster, from a moment to a moment. Taken out, it is not put in again by itself."""

    cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="members")
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="clusters")
    joined_at = models.DateTimeField("并入")
    left_at = models.DateTimeField("移出", null=True, blank=True)
    reason = models.CharField("原因", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "集中诉求工单"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "ticket"], name="ticket_once_a_cluster"),
            models.UniqueConstraint(fields=["ticket"], condition=Q(left_at=None), name="one_cluster_a_ticket"),
        ]

    def __str__(self):
        return f"{self.cluster} ← {self.ticket}"
