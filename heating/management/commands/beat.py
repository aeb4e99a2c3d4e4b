"""Celery beat: `manage.py beat`. Two of them do no harm."""

from django.core.management.base import BaseCommand

from heating import processes


class Command(BaseCommand):
    help = "启动 Celery 定时进程"

    def handle(self, *args, **options):
        processes.beat()
