"""The whole portal with one command: `manage.py up [--port 8000]`. What is missing (database, broker, plan, data) it brings itself."""

import fcntl
import hashlib
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from deadlines.models import Season
from heating import demo, embedded
from heating.supervisor import Child, Supervisor

NAMED_BY = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
READY_WITHIN = 60.0


class Command(BaseCommand):
    help = "启动整个平台：数据库、消息代理、网页、工作进程、定时、看门狗"
    requires_system_checks: list = []

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--without-demo", action="store_true", help="不载入演示数据")

    def handle(self, *args, port, host, without_demo, **options):
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        lock = (settings.VAR_DIR / "up.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"数据目录 {settings.VAR_DIR} 正在被另一个 make up 使用，请先停止它") from None
        _require_free(host, port)
        servers = embedded.Servers(settings.VAR_DIR)
        try:
            try:
                servers.start(tuple(name for name, variable in NAMED_BY.items() if not os.environ.get(variable)))
            except embedded.ServerFault as fault:
                raise CommandError(str(fault)) from fault
            self._prepare(without_demo)
            connection.close()
            status = self._run(servers, host, port, without_demo)
        finally:
            servers.stop()
        if status:
            sys.exit(status)

    def _prepare(self, without_demo: bool) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        _collect_static()
        if not Season.objects.exists():
            call_command("load_plan", str(settings.BASE_DIR / "heating" / "plan" / "weiyang-2025-2026.yaml"), verbosity=0)
        if not without_demo:
            call_command("demo", quiet=True)

    def _run(self, servers: embedded.Servers, host: str, port: int, without_demo: bool) -> int:
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        children = [
            Child("web", [*manage, "web", "--port", str(port), "--host", host]),
            Child("worker", [*manage, "worker", "--queues", "clock"]),
            Child("worker-files", [*manage, "worker", "--queues", "files"], {"WORKER_CONCURRENCY": "1"}),
            Child("beat", [*manage, "beat"]),
            Child("watchdog", [*manage, "watchdog"]),
        ]
        address = f"http://{host}:{port}"
        since, told = time.monotonic(), False

        def watch():
            nonlocal told
            self._keep_servers(servers)
            if not told and _answers(f"{address}/livez"):
                told = True
                self._tell(address, without_demo)
            elif not told and time.monotonic() - since > READY_WITHIN:
                raise CommandError(f"网页进程在 {READY_WITHIN:.0f} 秒内没有就绪")

        return Supervisor(children).run(on_tick=watch)

    def _keep_servers(self, servers: embedded.Servers) -> None:
        for name, child in list(servers.children.items()):
            if child.poll() is not None:
                self.stderr.write(f"{name} 退出（{child.returncode}），重新启动")
                try:
                    servers.start((name,))
                except embedded.ServerFault as fault:
                    raise CommandError(str(fault)) from fault

    def _tell(self, address: str, without_demo: bool) -> None:
        self.stdout.write(f"\n未央区集中供热保障指挥平台已启动：{address}\n")
        if not without_demo:
            self.stdout.write(f"演示账号（密码均为 {demo.password_of(settings.VAR_DIR)}）：")
            for login in demo.LOGINS:
                self.stdout.write(f"  {login.username:<12}{login.said}")
        self.stdout.write("按 Ctrl-C 停止。\n")
        self.stdout.flush()


def _collect_static() -> None:
    """Gather and compress what browsers fetch, unless nothing of it has changed since: compressing takes its time."""
    seen = sorted(
        (name, storage.path(name), Path(storage.path(name)).stat().st_mtime_ns) for finder in get_finders() for name, storage in finder.list([])
    )
    digest = hashlib.sha256(repr(seen).encode()).hexdigest()
    stamp = settings.STATIC_ROOT / ".collected"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(digest)


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            raise CommandError(f"端口 {port} 已被占用，请换一个：make up PORT={port + 1}") from fault


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own address
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
