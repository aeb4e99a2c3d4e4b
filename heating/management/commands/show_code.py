"""Prints the address of a place's 码上暖 code, issuing one where there is none: `manage.py show_code --community CODE [--building NAME]`."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from complaints.models import Code, CodeScope
from complaints.residents import codes
from core import clock
from core.errors import PortalError
from plants.models import Community


class Command(BaseCommand):
    help = "显示小区或楼栋的服务码网址；没有就发一个"

    def add_arguments(self, parser):
        parser.add_argument("--community", required=True, help="小区代码")
        parser.add_argument("--building", default="", help="楼栋")

    def handle(self, *args, community, building, **options):
        place = Community.objects.filter(code=community).select_related("company").first()
        if place is None:
            raise CommandError(f"没有代码为“{community}”的小区")
        scope = CodeScope.BUILDING if building else CodeScope.COMMUNITY
        code = Code.objects.filter(scope=scope, community=place, building=building, revoked_at=None).first()
        if code is None:
            try:
                code = codes.issue(scope, community=place, building=building, actor=None, at=clock.now(), is_demo=place.is_demo)
            except PortalError as fault:
                raise CommandError(fault.message) from fault
        self.stdout.write(f"{settings.PUBLIC_URL.rstrip('/')}/m/{code.token}/")
