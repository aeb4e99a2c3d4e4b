"""The first account of a deployment, or any other: `manage.py add_person USERNAME --name 姓名 --unit CODE --role ROLE`.

Prints the initial password, once; it must be changed at the first sign-in. All further people are added on the system page.
"""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.errors import PortalError
from units import forms, people
from units.models import Role
from units.selectors import unit_by_code


class Command(BaseCommand):
    help = "新增账号：只打印初始密码，且只此一次"

    def add_arguments(self, parser):
        parser.add_argument("username", help="用户名")
        parser.add_argument("--name", required=True, help="姓名")
        parser.add_argument("--unit", required=True, help="单位代码，如 urban-management")
        parser.add_argument("--role", required=True, choices=Role.values, help="、".join(Role.values))

    def handle(self, *args, username, name, unit, role, **options):
        try:
            username = forms.NewPerson.base_fields["username"].clean(username)
            _, password = people.register(username, name, unit_by_code(unit), role, actor=None, at=clock.now())
        except ValidationError as fault:
            raise CommandError(f"用户名须为{fault.messages[0]}") from fault
        except PortalError as fault:
            raise CommandError(fault.message) from fault
        self.stdout.write(password)
