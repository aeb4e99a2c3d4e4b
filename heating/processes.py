"""The commands behind `manage.py web|worker|beat|watchdog`: one process each, settings from the environment."""

import os
import sys

from django.conf import settings

FILES_GIVE_WAY = 10  # of niceness


def run(program: str, *arguments: str) -> None:
    """Become another program of our environment: no shell and no parent between it and whoever supervises it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heating.settings")
    os.chdir(settings.BASE_DIR)
    os.execv(sys.executable, [sys.executable, "-m", program, *arguments])  # noqa: S606


def web(port: int, host: str = "127.0.0.1") -> None:
    """gunicorn: two processes of eight threads, WSGI (under ASGI synchronous Django is several times slower)."""
    run("gunicorn", "heating.wsgi:application", "--bind", f"{host}:{port}", "--config", str(settings.BASE_DIR / "heating" / "gunicorn.py"))


def worker(queues: str) -> None:
    """A Celery worker on some queues. Without gossip, mingle and heartbeat, which only talk to other workers.

    One of long files alone gives way to whoever waits for a page.
    """
    if queues == "files":
        os.nice(FILES_GIVE_WAY)
    name = queues.replace(",", "-")
    run(
        "celery", "--quiet", "-A", "heating", "worker", "--loglevel", "WARNING", "--queues", queues, "--hostname", f"{name}@%h",
        "--concurrency", os.environ.get("WORKER_CONCURRENCY", "2"), "--without-gossip", "--without-mingle", "--max-tasks-per-child", "2000",
    )  # fmt: skip


def beat() -> None:
    """Celery beat with the schedule in the settings; it keeps no state: everything runs by intervals, and what is due is in the database."""
    pidless = ["--pidfile", ""]
    run("celery", "--quiet", "-A", "heating", "beat", "--loglevel", "WARNING", *pidless)
