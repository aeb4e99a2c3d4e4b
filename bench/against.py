"""Ours beside django-helpdesk in one run (P5): taking in one complaint over HTTP, and 1,000 overdue among as many as there are.

It is installed from the registry into a virtual environment of its own; where that cannot be done the line says so, and counts as not met.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests
from django.db import connection

from bench import cases
from bench.judging import Measured, by_turns, judged, seconds
from core import clock
from deadlines import sweep
from heating import embedded

PROJECT = Path(__file__).parent / "peer"
DATABASE = "peer"
OPEN, DUE = 10_000, 1_000


class NotInstalled(Exception):
    """The registry cannot be reached, or does not have it."""


class Peer:
    """`with Peer(world) as peer:` — django-helpdesk with 10,000 open tickets, served like ours: the same gunicorn, as many processes and threads."""

    def __init__(self, world):
        self.world, self.home = world, world.var / "peer"

    def __enter__(self) -> "Peer":
        self.python = self.home / "bin" / "python"
        try:
            subprocess.run([sys.executable, "-m", "venv", self.home], check=True, capture_output=True, timeout=120)
            subprocess.run([self.python, "-m", "pip", "install", "-q", "-r", PROJECT / "requirements.txt"], check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as fault:
            raise NotInstalled from fault
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{DATABASE}"')
        self.environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "peer_settings", "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1",
                            "PEER_DATABASE": DATABASE, "PEER_USER": "heating", "PEER_HOST": str(embedded.sockets_of(self.world.var))}  # fmt: skip
        self.run("-m", "django", "migrate", "-v0")
        self.token, self.queue = self.run("peer_fill.py", str(OPEN), str(DUE)).split()
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        log = (self.world.var / "peer.log").open("ab")
        self.server = subprocess.Popen(
            [self.python, "-m", "gunicorn", "peer_wsgi:application", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", os.environ.get("WEB_PROCESSES", "2"),
             "--threads", os.environ.get("WEB_THREADS", "8"), "--preload"],
            cwd=PROJECT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.address}/livez", timeout=2).status_code == 200:
                    return self
            assert time.monotonic() < until and self.server.poll() is None, "django-helpdesk 没有起来"
            time.sleep(0.3)

    def __exit__(self, *_):
        os.killpg(self.server.pid, signal.SIGTERM)
        self.server.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, *arguments: str) -> str:
        """A Python program of the peer's; what it printed."""
        done = subprocess.run([self.python, *arguments], cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-500:]}{done.stderr[-1500:]}"
        return done.stdout

    def line(self) -> requests.Session:
        """A connection that stays open, as ours does."""
        line = requests.Session()
        line.headers["Authorization"] = f"Token {self.token}"
        return line


def helpdesk(world, rounds: int) -> list[Measured]:
    """One complaint over HTTP (P5), and 1,000 that fell due (P1), ours and theirs by turns."""
    try:
        with Peer(world) as peer, cases.serving(world) as ours:
            line = peer.line()

            def theirs():
                answer = line.post(
                    f"{peer.address}/api/tickets/", timeout=30,
                    json={"queue": int(peer.queue), "title": "家里暖气不热", "description": "客厅只有 14 度，请尽快派人来看", "submitter_email": "a@example.com", "priority": 3},
                )  # fmt: skip
                assert answer.status_code == 201, answer.text[:500]

            for _ in range(10):
                theirs()
            first, second = by_turns(ours, theirs, rounds=rounds * 4, before_ours=ours.take_another)
            cases.make_due(DUE)
            swept = seconds(lambda: sweep.sweep(at=clock.now()))
            # Their command is a process: what only starting it costs is measured beside it, and taken off.
            start = seconds(lambda: peer.run("-m", "django", "check", "-v0"))
            escalated = seconds(lambda: peer.run("-m", "django", "escalate_tickets")) - start
    except NotInstalled:
        return [Measured("P5", "受理一件（HTTP）", 0, 0, "django-helpdesk 装不上，没有测", float("nan"), float("inf"), float("inf"), 0.25)]
    taken = judged("P5", "受理一件（HTTP）", first, second, twin_name="django-helpdesk 2.6.1", most=0.25)
    taken.remark = f"快 {1 / taken.ratio:.1f} 倍（目标 ≥ 4 倍）"
    climbed = judged("P1", f"发现 {DUE:,} 件超时并督办", [swept], [escalated], twin_name=f"django-helpdesk escalate_tickets，{OPEN:,} 件在办")
    climbed.remark = f"快 {escalated / swept:.0f} 倍"
    return [taken, climbed]
