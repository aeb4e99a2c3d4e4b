"""Brings a backup back into an empty portal: `manage.py restore [FILE]`; without one, the newest of BACKUP_DIR."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from heating import backups, restoring


class Command(BaseCommand):
    help = "把备份恢复到空的数据库与空的附件目录，并与清单逐表比对"
    requires_system_checks: list = []

    def add_arguments(self, parser):
        parser.add_argument("path", nargs="?", type=Path, help="备份文件，缺省为最新一份")

    def handle(self, *args, path, **options):
        try:
            done = restoring.restore(path or backups.newest())
        except backups.BackupFault as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(f"已恢复 {done.path.name}（{done.known['at']}），{len(done.findings)} 项比对全部相符。锚点 {done.anchor}。接着执行 manage.py migrate")
