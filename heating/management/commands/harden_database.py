"""Makes the account as which the portal runs: `manage.py harden_database [--role portal_app] [--check]`, as the tables' owner, after each migration."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from heating import hardening


class Command(BaseCommand):
    help = "建立（或更新）平台运行时所用的数据库角色：不是所有者，流水与历史只能追加"

    def add_arguments(self, parser):
        parser.add_argument("--role", default="portal_app", help="应用的角色名；密码取自 APP_DB_PASSWORD，已有角色不给密码即不改密码")
        parser.add_argument("--check", action="store_true", help="只核对该角色能否改动流水，能则以非零状态退出")

    def handle(self, *args, role, check, **options):
        if check:
            faults = hardening.faults_of(role)
            if faults:
                raise CommandError("没有分权：" + "；".join(faults))
            self.stdout.write(f"{role} 只能追加流水与历史，不能改、删、清空，也不是所有者")
            return
        try:
            with transaction.atomic():
                hardening.harden(role, settings.APP_DB_PASSWORD)
        except hardening.Unfit as fault:
            raise CommandError(str(fault)) from fault
        except DatabaseError as fault:
            raise CommandError(f"数据库拒绝（请以所有者、且有 CREATEROLE 的账号运行）：{fault}") from fault
        self.stdout.write(f"已就绪：平台以 {role} 连接，流水与历史只能追加；迁移、恢复仍用所有者 {hardening.current_role()}")
