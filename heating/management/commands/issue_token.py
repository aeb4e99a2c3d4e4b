"""A key for a system: `manage.py issue_token --unit CODE --role ROLE [--name NAME]` prints it, once, and nothing else.

`--source`, `--network` narrow it; `--signed` prints the secret to sign with on a second line (S25)."""

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from complaints.models import Source
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
        parser.add_argument("--source", action="append", default=[], choices=Source.values, help="只许提交这些来源的工单，可重复；缺省按角色")
        parser.add_argument("--network", action="append", default=[], help="只许从这些网段来，如 10.1.0.0/16，可重复；缺省不限")
        parser.add_argument("--signed", action="store_true", help="每个请求都须签名；第二行打印签名密钥")

    @transaction.atomic
    def handle(self, *args, unit, role, name, source, network, signed, **options):
        at = clock.now()
        try:
            token = access.issue_token(unit_by_code(unit), role, name=name, sources=source, networks=network, at=at)
        except PortalError as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(token)
        if signed:
            self.stdout.write(access.demand_signature(token, at=at))
