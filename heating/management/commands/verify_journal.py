"""Proves the journal's chain, or names its first broken link: `manage.py verify_journal [--anchor POSITION:HASH] [--anchors FILE]`."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from core import anchors, journal
from core.errors import Invalid


class Command(BaseCommand):
    help = "校验台账流水的哈希链与此前公布的锚点；有断点则指出第一处并以非零状态退出"

    def add_arguments(self, parser):
        parser.add_argument("--anchor", action="append", default=[], help="此前公布的锚点，形如 1234:9f86…，可重复")
        parser.add_argument("--anchors", type=Path, help="锚点文件（ANCHOR_FILE 或它的副本）")

    def handle(self, *args, anchor, **options):
        try:
            published = [anchors.parse(one) for one in anchor]
            published += anchors.read(options["anchors"]) if options["anchors"] else []
        except (Invalid, OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"锚点无法读取：{getattr(fault, 'message', fault)}") from fault
        broken = journal.verify() or anchors.broken(published)
        if broken is not None:
            raise CommandError(f"第 {broken.position} 条断开：{broken.why}")
        head, digest = journal.head()
        held = f"，{len(published)} 个锚点相符" if published else ""
        self.stdout.write(f"完好，共 {head} 条{held}。锚点 {head}:{digest}")
