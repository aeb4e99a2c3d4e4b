"""When a backup is owed, and whether the portal has one: at BACKUP_AT each night, again soon after a failure, read back once a week."""

import logging
from datetime import datetime, time, timedelta

from django.conf import settings

from core import civil
from core.models import Backup
from heating import backups, restoring

log = logging.getLogger(__name__)

RETRY_AFTER = timedelta(minutes=15)
# A backup of last night is at most a day old; two hours more for one that is large.
OLDEST_GOOD = timedelta(hours=26)


def look(*, at: datetime) -> bool:
    """Make the backup that is owed by `at`, if it is; on REHEARSE_ON's day read it back. Whether one was made. BackupFault from either."""
    if not is_owed(at):
        return False
    row = backups.write(at=at)
    log.info("backup %s of %d bytes", row.name, row.size)
    if civil.localize(row.began_at).isoweekday() == settings.REHEARSE_ON:
        done = restoring.rehearse(backups.folder() / row.name, at=at)
        if done.amiss:
            raise backups.BackupFault(f"恢复演练不符：{done.said}")
    return True


def is_owed(at: datetime) -> bool:
    """Whether none was made since the last BACKUP_AT, and the last attempt is not so recent that trying again is no use."""
    hour, minute = map(int, settings.BACKUP_AT.split(":"))
    local = at.astimezone(civil.SHANGHAI)
    since = datetime.combine(local.date(), time(hour, minute), civil.SHANGHAI)
    if since > local:
        since -= timedelta(days=1)
    if Backup.objects.filter(began_at__gte=since, ended_at__isnull=False).exists():
        return False
    return not Backup.objects.filter(began_at__gt=at - RETRY_AFTER, began_at__lte=at).exists()


def standing(*, at: datetime) -> dict:
    """How the care stands: age of the newest good backup in hours (None: there is none), and in `bad` what is wrong, in words."""
    good = Backup.objects.exclude(ended_at=None).order_by("-began_at").first()
    last = Backup.objects.order_by("-began_at").first()
    age = (at - good.began_at) if good else None
    bad = []
    if last is None:
        return {"backup_age_hours": None, "bad": bad}
    if good is None or age > OLDEST_GOOD:
        bad.append("备份已超过 26 小时没有成功，原因见备份进程的日志")
    rehearsed = Backup.objects.exclude(rehearsed_at=None).order_by("-rehearsed_at").first()
    if rehearsed is not None and rehearsed.rehearsal_fault:
        bad.append("最近一次恢复演练不符，详见备份进程的日志")
    return {"backup_age_hours": round(age.total_seconds() / 3600, 2) if age is not None else None, "bad": bad}
