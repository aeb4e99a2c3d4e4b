"""What the district's statistics remember of days that are over."""

from django.db import models


class KeptDay(models.Model):
    """The figures of a day that is over, counted once (oversight/kept_days.py). Triggers drop the row with any change of what it was counted from."""

    day = models.DateField(primary_key=True)
    figures = models.JSONField(default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "日统计"

    def __str__(self):
        return self.day.isoformat()
