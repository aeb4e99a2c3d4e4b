"""A key for a system: `manage.py issue_token --unit CODE --role ROLE [--name NAME]` prints it, once, and nothing else."""

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.errors import PortalError
from units import access
from units.models import Role
from units.selectors import unit_by_code


class Command(BaseCommand):
    help = "发放一个接口令牌：只打印令牌本身，且只此一次"

    def add_arguments(self, parser):
        parser.add_argument("--unit", required=True, help="单位代码，如 social-work")
        parser.add_argument("--role", required=True, help="、".join(Role.values))
        parser.add_argument("--name", default="", help="用途")

    def handle(self, *args, unit, role, name, **options):
        try:
            token = access.issue_token(unit_by_code(unit), role, name=name, at=clock.now())
        except PortalError as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(token)
