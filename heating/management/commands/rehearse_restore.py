"""`manage.py rehearse_restore [FILE]`: a backup restored into a scratch database and compared with what it says of itself."""

import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from core.errors import PortalError
from heating import backups


class Command(BaseCommand):
    help = "演练恢复：把最近一份备份恢复到临时库，逐表、逐附件核对；不一致即以非零状态退出"

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, nargs="?")

    def handle(self, *args, file, **options):
        path = file or backups.newest()
        if path is None or not path.exists():
            raise CommandError("还没有备份，请先运行 manage.py backup")
        started = time.monotonic()
        try:
            manifest, wrong = backups.rehearse(path)
        except PortalError as fault:
            raise CommandError(fault.message) from fault
        for name, (count, digest) in manifest["tables"].items():
            if count:
                self.stdout.write(f"{name:<40}{count:>12}  {digest}")
        if wrong:
            raise CommandError("；".join(wrong[:20]))
        self.stdout.write(f"{path.name} 完好：{len(manifest['tables'])} 张表、{len(manifest['files'])} 个附件一致，{time.monotonic() - started:.1f} 秒")
