"""Proves that a backup can be brought back: `manage.py rehearse_restore [FILE]` restores it aside and compares everything."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from core import clock
from heating import backups, restoring


class Command(BaseCommand):
    help = "演练恢复：把备份恢复到临时库，逐表比对行数与摘要、附件 sha256、台账链；不符则以非零状态退出"

    def add_arguments(self, parser):
        parser.add_argument("path", nargs="?", type=Path, help="备份文件，缺省为最新一份")

    def handle(self, *args, path, **options):
        try:
            done = restoring.rehearse(path or backups.newest(), at=clock.now())
        except backups.BackupFault as fault:
            raise CommandError(str(fault)) from fault
        for finding in done.findings:
            self.stdout.write(f"{'相符' if finding.holds else '不符'}  {finding.what:<40}{finding.found}")
        if done.amiss:
            raise CommandError(f"{done.path.name} 不能放心恢复：{done.said}")
        self.stdout.write(f"{done.path.name}（{done.known['at']}）可以恢复，{len(done.findings)} 项全部相符")
