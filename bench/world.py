"""Servers of the bench's own, with the plan, the demonstration's units, and Django upon them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from heating import embedded

ROOT = Path(__file__).resolve().parents[1]


class World:
    """`with World() as world:` — PostgreSQL and Redis in a scratch folder, durable as in production; gone afterwards."""

    def __enter__(self) -> "World":
        self.var = Path(tempfile.mkdtemp(prefix="heating-bench-"))
        self.var.chmod(0o755)
        self.servers = embedded.Servers(self.var)
        self.servers.start()
        os.environ.update(
            PORTAL_VAR=str(self.var), DATABASE_URL=embedded.database_url(self.var), REDIS_URL=embedded.redis_url(self.var), EMAIL_URL="memorymail://",
            STATIC_ROOT=str(self.var / "static"), STATIC_STORAGE="django.contrib.staticfiles.storage.StaticFilesStorage", DJANGO_SETTINGS_MODULE="bench.settings",
        )  # fmt: skip
        self.manage("migrate", "-v0")
        self.manage("load_plan", str(ROOT / "heating" / "plan" / "weiyang-2025-2026.yaml"))
        self.manage("demo", "--quiet", "--without-history")
        import django

        django.setup()
        return self

    def __exit__(self, *_):
        from django.db import connections

        connections.close_all()
        self.servers.stop()
        self.servers.remove()
        shutil.rmtree(self.var, ignore_errors=True)

    def manage(self, *arguments: str) -> str:
        """A management command of the portal; what it printed."""
        done = subprocess.run([sys.executable, ROOT / "manage.py", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-800:]}{done.stderr[-1500:]}"
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen:
        """A process of the portal in the background."""
        log = (self.var / f"{Path(command[0]).name}.log").open("ab")
        return subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
