"""The web process: `manage.py web [--port 8000] [--host 127.0.0.1]`."""

import os

from django.core.management.base import BaseCommand

from heating import processes


class Command(BaseCommand):
    help = "启动网页与接口进程（gunicorn）"

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))

    def handle(self, *args, port, host, **options):
        processes.web(port, host)
