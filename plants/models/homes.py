"""What was measured in people's homes."""

from django.db import models
from django.db.models import Q

from plants.models.register import Community
from units.models import Unit


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
