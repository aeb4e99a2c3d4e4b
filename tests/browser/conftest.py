"""A real browser against the real portal: `manage.py up` in a folder of its own, with all its processes."""

import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from heating import embedded
from tests.chromium import find_chromium
from tests.servers import scratch_folder

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "var" / "screenshots"
SIZES = {"desk": (1440, 900), "phone": (390, 844), "old": (320, 568)}
FLAGS = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


def pytest_collection_modifyitems(items):
    """Everything in this folder drives a browser or whole processes."""
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Portal:
    """A running portal: its address, its folder, and its supervisor's process, for who started it."""

    address: str
    var: Path
    process: subprocess.Popen | None
    log: Path
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def environment(self) -> dict:
        """The environment of its processes."""
        return portal_environment(self.var)

    def manage(self, *arguments: str) -> str:
        """Run a management command inside it, and return what it printed."""
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments], env=self.environment, capture_output=True, text=True, timeout=120, cwd=ROOT
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def token(self, unit: str, role: str) -> str:
        """A token of somebody in this role at this unit, issued when first asked for."""
        if (unit, role) not in self.tokens:
            self.tokens[unit, role] = self.manage("issue_token", "--unit", unit, "--role", role).strip()
        return self.tokens[unit, role]

    @property
    def password(self) -> str:
        """The password of its demonstration accounts."""
        return json.loads((self.var / "demo-logins.json").read_text())["password"]

    def get(self, path: str) -> tuple[int, dict]:
        """GET a JSON page: status and body."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as fault:
            return fault.code, json.load(fault)

    def call(self, method: str, path: str, token: str, body: dict | None = None) -> tuple[int, dict]:
        """A call on the API with a token: status and body."""
        request = urllib.request.Request(
            f"{self.address}/api/v1/{path}", method=method, data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Token {token}", "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as fault:
            return fault.code, json.load(fault)


def portal_environment(var: Path) -> dict:
    """As a newcomer's shell: no server named, everything under a folder of its own."""
    named = ("DATABASE_URL", "REDIS_URL", "PORTAL_TEST_SERVERS", "EMAIL_URL", "DJANGO_ALLOW_ASYNC_UNSAFE", "STATIC_STORAGE", "STATIC_ROOT")
    plain = {name: value for name, value in os.environ.items() if name not in named and not name.startswith("PYTEST")}
    return {**plain, "PORTAL_VAR": str(var), "PYTHONUNBUFFERED": "1", "SECRET_KEY": "", "EMAIL_URL": "memorymail://"}


def free_port() -> int:
    """A port nobody listens on; from below those that the system gives to calls, since a start takes a while until it listens."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("没有空闲的端口")


def wait_for(condition, seconds: float, said: str, every: float = 0.3):
    """Wait until `condition` gives something true, and return it; fail with `said` when it does not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError, AssertionError):
            found = condition()
            if found:
                return found
        time.sleep(every)
    raise AssertionError(said)


@contextlib.contextmanager
def portal_folder():
    """A scratch folder for a portal, removed with the servers' data."""
    var = scratch_folder("heating-browser-")
    try:
        yield var
    finally:
        embedded.Servers(var).remove()
        shutil.rmtree(var, ignore_errors=True)


@contextlib.contextmanager
def running_portal(var: Path, *arguments: str):
    """`manage.py up` in a folder, until healthy; ended as Ctrl-C would."""
    log = var / "up.log"
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "up", "--port", str(port), *arguments], env=portal_environment(var), stdout=out,
            stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    portal = Portal(f"http://127.0.0.1:{port}", var, process, log)
    try:
        def healthy():
            assert process.poll() is None, f"up 退出：{log.read_text()[-3000:]}"
            return portal.get("/healthz")[0] == 200

        until = time.monotonic() + 150
        while True:
            if process.poll() is not None:
                raise AssertionError(f"up 退出：{log.read_text()[-3000:]}")
            with contextlib.suppress(OSError):
                if healthy():
                    break
            if time.monotonic() > until:
                raise AssertionError(f"150 秒内没有就绪：{log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield portal
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    """One running portal for all journeys, of all workers: the first to need it starts it, and ends it once the others have let go."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with (shared / "portal.lock").open("a+") as lock, contextlib.ExitStack() as ours:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        running = lock.read()
        if running:
            address, var = running.split("\n")
            found = Portal(address, Path(var), None, Path(var) / "up.log")
        else:
            found = ours.enter_context(running_portal(ours.enter_context(portal_folder())))
            lock.write(f"{found.address}\n{found.var}")
            lock.flush()
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield found
        if not running:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all journeys; without any, the tests fail and say so."""
    program = find_chromium()
    if program is None:
        pytest.fail("没有找到 Chromium：请安装 chromium（Debian：apt-get install chromium fonts-noto-cjk），或运行 playwright install chromium", pytrace=False)
    flags = [*FLAGS, *(["--no-sandbox"] if os.getuid() == 0 else [])]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=flags)
        yield started
        started.close()


class Visitor:
    """Somebody at a screen: a browser context of their own, signed in, with what the console complained about."""

    def __init__(self, browser, portal: Portal, username: str, size: str = "desk", **options):
        width, height = SIZES[size]
        self.portal, self.username, self.size = portal, username, size
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", timezone_id="Asia/Shanghai", base_url=portal.address,
            reduced_motion="reduce", **options,
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._heard(message))
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        if username:
            self.sign_in(username)

    def sign_in(self, username: str) -> None:
        """Through the form, as everybody."""
        self.page.goto("/login/")
        self.page.fill("#id_username", username)
        self.page.fill("#id_password", self.portal.password)
        self.page.press("#id_password", "Enter")
        self.page.wait_for_url(lambda url: "/login/" not in url)

    def shot(self, name: str, full: bool = False) -> None:
        """Keep a picture of the page for whoever looks at the run."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}-{self.size}.png", full_page=full)

    def _heard(self, message) -> None:
        # A refused form answers 4xx, which the console calls an error: that is no fault of the page.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)


@pytest.fixture
def visit(browser, portal):
    """`visit("bureau")`, `visit("street", size="phone")`: somebody signed in, closed at the end of the test."""
    visitors = []

    def come(username: str, size: str = "desk", **options) -> Visitor:
        visitors.append(Visitor(browser, portal, username, size, **options))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.context.close()
