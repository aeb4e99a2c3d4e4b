"""Marked demonstration data: the plan carried to the present season, companies, communities, people and tickets."""

from django.conf import settings
from django.core.management.base import BaseCommand

from core import civil, clock
from deadlines import season as seasons
from heating import almanac, demo


class Command(BaseCommand):
    help = "载入带标记的演示数据，并打印登录账号；重复运行不改变什么"

    def add_arguments(self, parser):
        parser.add_argument("--quiet", action="store_true", help="不打印账号")
        parser.add_argument("--without-tickets", action="store_true", help="不造演示工单")

    def handle(self, *args, quiet, without_tickets, **options):
        at = clock.now()
        season = seasons.active(at)
        if season is None or not season.starts_on <= civil.day_of(at) <= season.ends_on:
            demo.carry_season(at=at)
        password = demo.password_of(settings.VAR_DIR)
        demo.world(at=at, password=password)
        almanac.keep(at)
        if not without_tickets:
            demo.tickets(at=at)
        if not quiet:
            self.stdout.write(f"演示账号（密码均为 {password}）：")
            for login in demo.LOGINS:
                self.stdout.write(f"  {login.username:<12}{login.said}")
