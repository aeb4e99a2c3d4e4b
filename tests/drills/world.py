"""A portal that drills may break: its own servers and processes, a supervisor that restarts them, and what a caller sees of it."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg2
import requests

from core.civil import SHANGHAI
from heating import embedded
from tests.servers import scratch_folder

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "heating" / "plan" / "weiyang-2025-2026.yaml"
PROCESSES = {"web": ["web", "--port", "{port}"], "worker": ["worker", "--queues", "clock"], "beat": ["beat"], "watchdog": ["watchdog"]}
SHORT = 20  # seconds in which a drill's complaint must be dispatched
RESTART = 1.0  # seconds after which the supervisor starts again what died


@dataclass
class Kept:
    """A process that is started again whenever it ends."""

    name: str
    command: list[str]
    environment: dict
    log: Path
    process: subprocess.Popen | None = None
    is_wanted: bool = True

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=out, stderr=out, cwd=ROOT, start_new_session=True)

    def kill(self, how: int = signal.SIGKILL) -> None:
        """Signal it and all it started. The drill proves that it went."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)


@dataclass
class World:
    """The portal of a drill. `with World() as world:` starts it; leaving takes everything away."""

    limits: int = SHORT
    environment: dict = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)

    def __enter__(self) -> "World":
        self.var = scratch_folder("heating-drills-")
        self.servers = embedded.Servers(self.var)
        self.servers.start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST") and name != "PORTAL_TEST_SERVERS"}
        self.environment = {
            **plain, "PORTAL_VAR": str(self.var), "DATABASE_URL": embedded.database_url(self.var), "REDIS_URL": embedded.redis_url(self.var), "SECRET_KEY": "",
            "PUBLIC_URL": self.address, "STATIC_ROOT": str(self.var / "static"), "PROXY_COUNT": "1", "EMAIL_URL": "memorymail://", **self.environment,
        }  # fmt: skip
        self.manage("migrate", "-v0")
        plan = PLAN.read_text(encoding="utf-8")
        short = plan.replace("stage: dispatch, allowance: PT30M", f"stage: dispatch, allowance: PT{self.limits}S")
        assert short != plan, "方案里没有找到交办时限"
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(short)
            file.flush()
            shutil.copy(PLAN.with_name("words.yaml"), Path(file.name).with_name("words.yaml"))
            self.manage("load_plan", file.name)
        self.manage("demo", "--quiet", "--without-history")
        self.token = self.manage("issue_token", "--unit", "social-work", "--role", "dispatcher").strip()
        self.manage("collectstatic", "--noinput", "-v0")
        self._running = True
        for name, command in PROCESSES.items():
            self.keep(name, command)
        self._keeper = threading.Thread(target=self._watch, daemon=True)
        self._keeper.start()
        self.wait(lambda: self.health()[0] == 200, 90, "没有就绪")
        return self

    def __exit__(self, *_):
        self._running = False
        self._keeper.join(5)
        for one in self.kept.values():
            one.kill()
        self.servers.stop()
        self.servers.remove()
        shutil.rmtree(self.var, ignore_errors=True)

    def keep(self, name: str, command: list[str], **environment) -> Kept:
        """One more process to be kept running."""
        command = [sys.executable, str(ROOT / "manage.py"), *(part.format(port=self.port) for part in command)]
        one = self.kept[name] = Kept(name, command, {**self.environment, **environment}, self.var / f"{name}.log")
        one.start()
        return one

    def beside(self, name: str) -> str:
        """A second pool of web processes, as the residents' in production; its address once it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.keep(name, ["web", "--port", str(port)])
        address = f"http://127.0.0.1:{port}"
        self.wait(lambda: requests.get(f"{address}/livez", timeout=5).status_code == 200, 60, f"{name} 没有就绪")
        return address

    def _watch(self) -> None:
        died: dict[str, float] = {}
        while self._running:
            for one in list(self.kept.values()):
                if one.is_wanted and one.process.poll() is not None:
                    died.setdefault(one.name, time.monotonic())
                    if time.monotonic() - died[one.name] >= RESTART:
                        one.start()
                        died.pop(one.name)
            time.sleep(0.1)

    # ------------------------------------------------------------ breaking it

    def kill(self, name: str, how: int = signal.SIGKILL) -> int:
        """Kill a kept process; the pid that is gone, proved."""
        one = self.kept[name]
        pid = one.process.pid
        one.kill(how)
        self.wait(lambda: one.process.pid != pid or one.process.poll() is not None, 10, f"{name} 没有死")
        return pid

    def stop_server(self, name: str) -> None:
        """Kill PostgreSQL or Redis where it stands, and prove that nothing answers any more."""
        child = self.servers.children[name]
        os.kill(child.pid, signal.SIGKILL)
        child.wait(15)
        where = self.servers.run / ("redis.sock" if name == "redis" else ".s.PGSQL.5432")
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(str(where))
            except OSError:
                return
        raise AssertionError(f"{name} 仍在应答")

    def start_server(self, name: str, *, empty: bool = False) -> None:
        """Start it again; Redis empty, if so said."""
        if empty:
            shutil.rmtree(self.servers.home / "redis", ignore_errors=True)
            self.servers._prepare()  # noqa: SLF001
        {"postgres": self.servers.start_postgres, "redis": self.servers.start_redis}[name]()

    # ------------------------------------------------------------ looking at it

    def manage(self, *arguments: str, ok: bool = True) -> str:
        """A management command; what it printed."""
        done = subprocess.run([sys.executable, ROOT / "manage.py", *arguments], env=self.environment, capture_output=True, text=True, timeout=600, cwd=ROOT, check=False)
        assert not ok or done.returncode == 0, f"{arguments}: {done.stdout[-800:]}\n{done.stderr[-1500:]}"
        return done.stdout if ok else f"{done.returncode}\n{done.stdout}{done.stderr}"

    def counts(self) -> dict:
        """The figures of `manage.py reliability_counts`."""
        return json.loads(self.manage("reliability_counts", "--json"))

    def sql(self, statement: str) -> list[tuple]:
        """One statement in the portal's database."""
        line = psycopg2.connect(dbname="heating", user="heating", host=str(self.servers.run))
        try:
            line.autocommit = True
            with line.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            line.close()

    def health(self) -> tuple[int, dict]:
        """What the monitor sees; (0, {}) when nothing answers."""
        try:
            answer = requests.get(f"{self.address}/healthz", timeout=5)
            return answer.status_code, answer.json()
        except (requests.RequestException, ValueError):
            return 0, {}

    @staticmethod
    def wait(condition, seconds: float, said: str) -> float:
        """Wait for it; the seconds it took. AssertionError with `said`."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            with contextlib.suppress(requests.RequestException, OSError):
                if condition():
                    return time.monotonic() - started
            time.sleep(0.1)
        raise AssertionError(f"{said}（{seconds:.0f} 秒）")

    def settled(self, seconds: float = 90) -> dict:
        """Wait until nothing overdue is unmarked, and nothing waits to be told; the figures then."""
        time.sleep(self.limits + 1)
        until = time.monotonic() + seconds
        while True:
            found = self.counts()
            if found["overdue_unmarked"] == 0 or time.monotonic() > until:
                return found
            time.sleep(1)


@dataclass
class Posts:
    """Pushed complaints: what was acknowledged, with which answers, how long the slowest took."""

    world: World
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter = field(default_factory=Counter)
    slowest: float = 0.0

    def one(self, number: str | None = None, *, tries: int = 60, hang_up: bool = False, retry: bool = False) -> None:
        """Push one complaint as a careful sender does: again while the portal says 503 or does not answer."""
        number = number or uuid.uuid4().hex
        body = {"source": "12345", "external_no": number, "content": "家里暖气不热，客厅只有 14 度", "community": "demo-community-1", "called_at": _now()}
        headers = {"Authorization": f"Token {self.world.token}"}
        for _ in range(tries):
            started = time.monotonic()
            try:
                answer = requests.post(f"{self.world.address}/api/v1/tickets/", json=body, headers=headers, timeout=0.02 if hang_up else 20)
            except requests.RequestException:
                self.answers["none"] += 1
                hang_up = False
                time.sleep(0.3)
                continue
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.answers[answer.status_code] += 1
            if answer.status_code in (200, 201):
                self.acknowledged.add(number)
                if retry:
                    return self.one_again(body, headers)
                return None
            if answer.status_code != 503:
                return None
            time.sleep(0.5)
        return None

    def one_again(self, body: dict, headers: dict) -> None:
        """The same once more: the answer got lost on the way."""
        with contextlib.suppress(requests.RequestException):
            self.answers[requests.post(f"{self.world.address}/api/v1/tickets/", json=body, headers=headers, timeout=20).status_code] += 1

    def many(self, number: int, *, clients: int = 8, retries: float = 0.0) -> None:
        """`number` complaints by so many clients at once; a share of them is sent twice, half of those after hanging up."""
        dice = random.Random(1)
        with ThreadPoolExecutor(clients) as pool:
            for _ in range(number):
                again = dice.random() < retries
                pool.submit(self.one, hang_up=again and dice.random() < 0.5, retry=again)

    def steadily(self, seconds: float, *, every: float = 0.15) -> threading.Thread:
        """A trickle of complaints for some time, in the background."""

        def run():
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                self.one()
                time.sleep(every)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def lost(self) -> int:
        """How many acknowledged complaints the database does not have."""
        kept = {row[0] for row in self.world.sql("SELECT external_no FROM complaints_ticket WHERE source = '12345'")}
        return len(self.acknowledged - kept)

    @property
    def faults(self) -> int:
        """Answers of 500: what no fault may bring about."""
        return self.answers[500]


def _now() -> str:
    return datetime.now(SHANGHAI).isoformat(timespec="seconds")
