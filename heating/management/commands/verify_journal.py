"""Proves the journal's chain, or names its first broken link: `manage.py verify_journal [--anchor POSITION:HASH]`."""

from django.core.management.base import BaseCommand, CommandError

from core import journal


class Command(BaseCommand):
    help = "校验台账流水的哈希链；有断点则指出第一处并以非零状态退出"

    def add_arguments(self, parser):
        parser.add_argument("--anchor", default="", help="此前公布的锚点，形如 1234:9f86…")

    def handle(self, *args, anchor, **options):
        position, digest = None, None
        if anchor:
            try:
                text, digest = anchor.split(":", 1)
                position = int(text)
            except ValueError:
                raise CommandError("锚点应形如 1234:9f86…") from None
        broken = journal.verify(position=position, hash=digest)
        if broken is not None:
            raise CommandError(f"第 {broken.position} 条断开：{broken.why}")
        head, digest = journal.head()
        self.stdout.write(f"完好，共 {head} 条。锚点 {head}:{digest}")
