"""The house guards itself: imports run downhill, doors hold no queries, nobody but the clock reads a clock."""

import ast
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import get_resolver

from heating.addresses import addresses

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ["core", "units", "notices", "deadlines", "plants", "supply", "complaints", "oversight", "heating"]  # from the ground up
DOORS = ("views.py", "api.py", "tasks.py")
# The machine's own clock: the one place that measures it, and what is about this machine and not about truth.
CLOCK_READERS = {
    "core/clock.py", "units/middleware.py", "heating/supervisor.py", "heating/embedded.py", "heating/management/commands/up.py",
    "heating/management/commands/watchdog.py", "notices/wire.py", "notices/outbox.py", "notices/channels.py",
}  # fmt: skip
PUBLIC_ROOTS = ("/static/", "/m/", "/e/", "/track/", "/captcha/")  # residents have no account
PUBLIC = {"/metrics", "/login/", "/logout/", "/healthz", "/livez", "/api/schema/", "/api/docs/", "/api/redoc/", "/phones/"}


def sources(room: str):
    return [path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts]


def imported(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("height", range(len(FLOORS)))
def test_imports_run_downhill(height):
    for path in sources(FLOORS[height]):
        roots = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
        assert not roots & set(FLOORS[height + 1 :]), path


def test_imports_stand_at_the_top():
    for room in FLOORS:
        for path in sources(room):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    inner = [one for one in ast.walk(node) if isinstance(one, (ast.Import, ast.ImportFrom))]
                    assert not inner, f"{path}: {node.name}"


def test_doors_hold_no_queries():
    for room in FLOORS:
        for path in sources(room):
            if path.name.endswith(DOORS):
                assert ".objects" not in path.read_text(), path


def test_nobody_but_the_clock_reads_a_clock():
    pattern = re.compile(r"timezone\.now\(|datetime\.now\(|datetime\.today\(|date\.today\(|time\.time\(|utcnow\(")
    for room in FLOORS:
        for path in sources(room):
            if str(path.relative_to(ROOT)) not in CLOCK_READERS:
                assert not pattern.search(path.read_text()), path


def test_only_doors_and_commands_ask_the_clock():
    for room in FLOORS:
        for path in sources(room):
            if "clock.now()" in path.read_text():
                place = str(path.relative_to(ROOT))
                assert path.name.endswith(DOORS) or "commands" in path.parts or place in ("deadlines/watch.py", "heating/shell.py", "units/authentication.py"), path


def test_no_signals_and_no_time_limit_in_the_broker():
    for room in FLOORS:
        for path in sources(room):
            text = path.read_text()
            assert "django.dispatch" not in text and "signals import" not in text, path
            assert not re.search(r"\beta=|\bcountdown=\d|self\.retry\(|apply_async", text), path


@pytest.mark.django_db
def test_a_visitor_reaches_no_page():
    client = Client()
    for address in addresses(get_resolver()):
        path = re.sub(r"<(\w+:)?\w+>|\(\?P<\w+>[^)]*\)", "1", address.path).replace("^", "").replace("$", "")
        if path in PUBLIC or path.startswith(PUBLIC_ROOTS):
            continue
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            if path.startswith("/api/"):
                assert answer.status_code in (401, 404), (method, path, answer.status_code)
            else:
                assert answer.status_code in (302, 403, 404, 405), (method, path, answer.status_code)
                assert answer.status_code != 302 or answer.url.startswith("/login/"), (path, answer.url)
