"""`manage.py restore FILE`: a backup into the empty database of DATABASE_URL and the folder of MEDIA_ROOT."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from core.errors import PortalError
from heating import backups


class Command(BaseCommand):
    help = "把备份恢复到空的数据库和附件目录，并逐表、逐附件核对"
    requires_system_checks: list = []

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)

    def handle(self, *args, file, **options):
        if not file.exists():
            raise CommandError(f"没有 {file}")
        try:
            manifest = backups.restore(file)
        except PortalError as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(f"已恢复 {manifest['at']} 的备份，{sum(count for count, _ in manifest['tables'].values())} 行。请运行 verify_journal --anchor {manifest['journal'][0]}:{manifest['journal'][1]}")
