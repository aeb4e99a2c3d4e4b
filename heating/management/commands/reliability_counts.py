"""The figures by which a fault drill judges the portal: `manage.py reliability_counts --json`."""

import json

from django.core.management.base import BaseCommand

from core import clock
from heating import reliability


class Command(BaseCommand):
    help = "可靠性计数：工单、编号、督办、未处理的超时、待发消息、最大延迟"

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="以 JSON 输出")

    def handle(self, *args, **options):
        counts = reliability.counts(at=clock.now())
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            for name, value in counts.items():
                self.stdout.write(f"{name}: {value}")
