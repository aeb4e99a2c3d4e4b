"""What is about to be forgotten, or is forgotten now: `manage.py retention [--run]`. The calendar does the same by itself."""

from django.conf import settings
from django.core.management.base import BaseCommand

from complaints import retention
from core import clock


class Command(BaseCommand):
    help = "保存期限：列出已到期、将被匿名化的内容；--run 立即执行"

    def add_arguments(self, parser):
        parser.add_argument("--run", action="store_true", help="立即匿名化全部到期内容")

    def handle(self, *args, run, **options):
        at = clock.now()
        tickets, rows = retention.due(at).count(), retention.due_rows(at).count()
        self.stdout.write(f"办结满 {settings.RETENTION_MONTHS} 个月、尚未匿名化的工单 {tickets} 件；已过 30 天的导入错误行 {rows} 行")
        if run:
            done = 0
            while forgotten := retention.forget(at=at):
                done += forgotten
            retention.due_rows(at).update(cells="")
            self.stdout.write(f"已匿名化 {done} 件")
