"""Every address of the portal: `manage.py show_urls` prints path, name and view, one a line."""

from django.core.management.base import BaseCommand
from django.urls import get_resolver

from heating.addresses import addresses


class Command(BaseCommand):
    help = "列出全部网址：路径、名称、视图"

    def handle(self, *args, **options):
        for one in addresses(get_resolver()):
            self.stdout.write(f"{one.path}\t{one.name}\t{one.view}")
