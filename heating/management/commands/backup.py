"""Keeps everything elsewhere, sealed: `manage.py backup`, or every night for ever: `manage.py backup --nightly`."""

import logging
import signal
import time

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection

from core import clock
from heating import backups, nightly

log = logging.getLogger(__name__)

LOOK_EVERY = 30


class Command(BaseCommand):
    help = "加密备份数据库与附件（BACKUP_DIR、BACKUP_COPY_TO）；--nightly 每夜自动执行并按周演练恢复"

    def add_arguments(self, parser):
        parser.add_argument("--nightly", action="store_true", help="常驻：每夜 BACKUP_AT 备份，失败后重试")

    def handle(self, *args, nightly, **options):
        if nightly:
            self._every_night()
            return
        try:
            row = backups.write(at=clock.now())
        except backups.BackupFault as fault:
            raise CommandError(str(fault)) from fault
        copied = f"，已复制到 {row.copied_to}" if row.copied_to else "；未设置 BACKUP_COPY_TO，只存在本机"
        self.stdout.write(f"{backups.folder() / row.name} {row.size / 1024 / 1024:.1f} MB{copied}")

    def _every_night(self) -> None:
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        looked = -LOOK_EVERY
        while not self.stopping:
            if time.monotonic() - looked >= LOOK_EVERY:
                looked = time.monotonic()
                try:
                    nightly.look(at=clock.now())
                except backups.BackupFault as fault:
                    log.error("%s", fault)
                except (DatabaseError, InterfaceError) as fault:
                    log.error("backup: the database is out of reach: %s", fault)
                connection.close()
            time.sleep(1)

    def _stop(self, signum, frame):
        self.stopping = True
