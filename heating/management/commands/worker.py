"""A Celery worker: `manage.py worker [--queues clock,files]`."""

from django.core.management.base import BaseCommand

from heating import processes


class Command(BaseCommand):
    help = "启动 Celery 工作进程"

    def add_arguments(self, parser):
        parser.add_argument("--queues", default="clock,files", help="队列：clock 巡检与消息，files 文件导入")

    def handle(self, *args, queues, **options):
        processes.worker(queues)
