"""Prints the active season's plan as a file: `manage.py dump_plan [--season CODE]`. Loading it changes nothing."""

from django.core.management.base import BaseCommand, CommandError

from core import clock
from deadlines import season as seasons
from heating import planload


class Command(BaseCommand):
    help = "以方案文件的形式输出现行方案"

    def add_arguments(self, parser):
        parser.add_argument("--season", default="", help="采暖季代码，缺省为现行")

    def handle(self, *args, season, **options):
        found = seasons.by_code(season) if season else seasons.active(clock.now())
        if found is None:
            raise CommandError("没有载入过这个采暖季的方案")
        self.stdout.write(planload.dump(found))
