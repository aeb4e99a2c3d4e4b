"""The whole portal with one command: `manage.py up [--port 8000]`. What is missing (database, broker, plan, data) it brings itself."""

import hashlib
import http.client
import os
import signal
import socket
import sys
import time
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from deadlines.models import Season
from heating import demo, embedded
from heating.supervisor import GIVE_UP_AFTER, WITHIN, Child, Deaths, Supervisor

NAMED_BY = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
READY_WITHIN = 60.0
PATIENCE = 20.0


class Command(BaseCommand):
    help = "启动整个平台：数据库、消息代理、网页、工作进程、定时、看门狗"
    requires_system_checks: list = []

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--without-demo", action="store_true", help="不载入演示数据")

    def handle(self, *args, port, host, without_demo, **options):
        for signum in (signal.SIGTERM, signal.SIGHUP):  # until the supervisor takes over: whatever is said to end us, the servers end too
            signal.signal(signum, signal.default_int_handler)
        # Links in messages lead to where the portal really is, unless its operator knows a better address.
        os.environ.setdefault("PUBLIC_URL", f"http://{_reachable(host)}:{port}")
        try:
            with embedded.claimed(settings.VAR_DIR) as last_was_killed:
                _require_free(host, port, patience=PATIENCE if last_was_killed else 0)
                status = self._run_all(host, port, without_demo)
        except embedded.ServerFault as fault:
            raise CommandError(str(fault)) from fault
        except KeyboardInterrupt:
            self.stderr.write("启动被中断，已停止")
            status = 130
        if status:
            sys.exit(status)

    def _run_all(self, host: str, port: int, without_demo: bool) -> int:
        servers = embedded.Servers(settings.VAR_DIR)
        try:
            servers.start(tuple(name for name, variable in NAMED_BY.items() if not os.environ.get(variable)))
            try:
                self._prepare(without_demo)
            except OperationalError as fault:
                raise CommandError(f"数据库无法使用：{fault}") from fault
            connection.close()
            return self._run(servers, host, port, without_demo)
        finally:
            servers.stop()

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
            Child("backup", [*manage, "backup", "--nightly"]),
        ]
        since, told, deaths = time.monotonic(), False, {name: Deaths() for name in servers.children}

        def watch():
            nonlocal told
            self._keep_servers(servers, deaths)
            if not told and _answers(host, port):
                told = True
                self._tell(f"http://{_reachable(host)}:{port}", without_demo)
            elif not told and time.monotonic() - since > READY_WITHIN:
                raise CommandError(f"网页进程在 {READY_WITHIN:.0f} 秒内没有就绪")

        return Supervisor(children).run(on_tick=watch)

    def _keep_servers(self, servers: embedded.Servers, deaths: dict[str, Deaths]) -> None:
        for name, child in list(servers.children.items()):
            if child.poll() is None:
                continue
            deaths[name].note(time.monotonic())
            if deaths[name].too_many:
                raise CommandError(f"{name} 在 {WITHIN:.0f} 秒内退出 {GIVE_UP_AFTER} 次，停止全部进程")
            self.stderr.write(f"{name} 退出（{child.returncode}），重新启动")
            servers.start((name,))

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


def _require_free(host: str, port: int, patience: float) -> None:
    """CommandError while somebody else listens; `patience` seconds for the web process of a start that was killed to let go."""
    until = time.monotonic() + patience
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return
            except OSError as fault:
                if time.monotonic() > until:
                    raise CommandError(f"端口 {port} 已被占用或不可用，请换一个：make up PORT={port + 1}") from fault
        time.sleep(0.3)


def _reachable(host: str) -> str:
    """The address under which this machine itself reaches what listens on `host`."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - a comparison, nothing is bound  # nosec B104


def _answers(host: str, port: int) -> bool:
    """Whether the web process answers at all: where it redirects to HTTPS or does not know this name, it lives all the same."""
    line = http.client.HTTPConnection(_reachable(host), port, timeout=1)
    try:
        line.request("GET", "/livez")
        return line.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
