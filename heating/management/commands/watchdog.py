"""The watchdog: `manage.py watchdog` sweeps and sends with PostgreSQL alone whenever Celery is silent."""

import logging
import signal
import time

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from core import clock
from deadlines import watch
from heating import almanac

log = logging.getLogger(__name__)

CALENDAR_SECONDS = 30


class Command(BaseCommand):
    help = "看门狗：Celery 停摆时代为巡检时限、发送消息；只依赖 PostgreSQL"

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="只看一次")

    def handle(self, *args, once, **options):
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        kept = signed = 0.0
        while not self.stopping:
            try:
                if not signed or time.monotonic() - signed > watch.SIGN_SECONDS:
                    watch.sign_of_life(clock.now())
                    signed = time.monotonic()
                is_needed = watch.run_once(clock.now())
                if is_needed and time.monotonic() - kept > CALENDAR_SECONDS:
                    almanac.keep(clock.now())
                    kept = time.monotonic()
            except (DatabaseError, InterfaceError) as fault:
                log.error("watchdog: the database is out of reach: %s", fault)
                connection.close()
            if once:
                return
            time.sleep(1)

    def _stop(self, signum, frame):
        self.stopping = True
