"""Marked demonstration data: the plan carried to the present season, companies, communities, people and tickets."""

import os

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from core import civil, clock
from core.errors import PortalError
from deadlines import season as seasons
from deadlines.models import Season
from heating import almanac, demo, demo_city, embedded


class Command(BaseCommand):
    help = "载入带标记的演示数据，并打印登录账号；重复运行不改变什么"

    def add_arguments(self, parser):
        parser.add_argument("--quiet", action="store_true", help="不打印账号")
        parser.add_argument("--without-history", action="store_true", help="只载入单位、人员和台账，不演示此前发生的事")
        parser.add_argument("--season", action="store_true", help="演练 2025-10-20 至 2025-11-20：按方案自己的采暖季逐刻重演")

    def handle(self, *args, **options):
        try:
            connection.ensure_connection()
        except OperationalError as fault:
            if os.environ.get("DATABASE_URL"):
                raise CommandError(f"数据库无法使用：{fault}") from fault
        else:
            self._act(**options)
            return
        # Nobody runs the portal here: its servers are brought up for the while.
        try:
            with embedded.at_hand(settings.VAR_DIR):
                call_command("migrate", verbosity=0, interactive=False)
                if not Season.objects.exists():
                    call_command("load_plan", str(settings.BASE_DIR / "heating" / "plan" / "weiyang-2025-2026.yaml"), verbosity=0)
                self._act(**options)
                connection.close()
        except embedded.ServerFault as fault:
            raise CommandError(str(fault)) from fault

    def _act(self, *, quiet, without_history, season, **options):
        at = clock.now()
        if season:
            self._rehearse()
            return
        current = seasons.active(at)
        if current is None or not current.starts_on <= civil.day_of(at) <= current.ends_on:
            demo.carry_season(at=at)
        password = demo.password_of(settings.VAR_DIR)
        demo.world(at=at, password=password)
        demo_city.codes_of(at=at)
        demo_city.statutory(today=civil.day_of(at))
        almanac.keep(at)
        if not without_history:
            demo.live(at=at)
        if not quiet:
            self._tell(password)

    def _rehearse(self):
        since, until = demo.REHEARSAL
        password = demo.password_of(settings.VAR_DIR)
        demo.world(at=since, password=password)
        demo_city.statutory(today=civil.day_of(until))
        try:
            done = demo.rehearse(say=self.stdout.write)
        except PortalError as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(f"{since:%Y-%m-%d} 至 {until:%Y-%m-%d}：演练 {done} 件事" if done else "已演练过")
        self.stdout.write("启动平台（make up）后查看：/milestones/?season=2025-2026、/obligations/?season=2025-2026、/inspections/?week=2025-W47、/ledger/?state=all、/reports/?day=2025-11-19")
        self._tell(password)

    def _tell(self, password: str):
        self.stdout.write(f"演示账号（密码均为 {password}）：")
        for login in demo.LOGINS:
            self.stdout.write(f"  {login.username:<12}{login.said}")
