"""What beat would do at a moment, without Celery: `manage.py tick --at "2025-11-14 12:00"`."""

from django.core.management.base import BaseCommand, CommandError

from core import civil, clock
from core.errors import PortalError
from deadlines import sweep
from heating import almanac
from notices import outbox


class Command(BaseCommand):
    help = "不经 Celery，按某一时刻巡检时限并发送消息"

    def add_arguments(self, parser):
        parser.add_argument("--at", default="", help="时刻（北京时间），缺省为现在")

    def handle(self, *args, at, **options):
        try:
            moment = civil.parse(at, field="at") if at else clock.now()
        except PortalError as fault:
            raise CommandError(fault.message) from fault
        almanac.keep(moment)
        done = sweep.sweep(at=moment, source="tick")
        routed = outbox.route(at=moment)
        sent = outbox.deliver(at=moment, patience=None)  # to the end: this process has no next round
        self.stdout.write(
            f"{moment:%Y-%m-%d %H:%M:%S} 查看 {done.checked} 个时限，督办 {done.escalated} 件，分发通知 {routed} 条，"
            f"发出 {sent.sent} 条，失败 {sent.failed} 条"
        )
