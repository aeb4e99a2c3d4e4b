"""`manage.py up` as a newcomer meets it: it comes up, mends what dies, ends cleanly, and says what is in its way."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, portal_environment, portal_folder, running_portal, wait_for


@pytest.fixture(scope="module")
def folder():
    """Where the portals of these tests are, one after the other: the second finds a database that is made, as on every day but the first."""
    with portal_folder() as var:
        yield var


def children_of(pid: int) -> dict[int, str]:
    """The processes under a process, by id, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (OSError, IndexError, ValueError):
                continue
            if parent == pid:
                found[int(entry.name)] = command
    return found


def all_under(pid: int) -> set[int]:
    """Every process under a process, at any depth."""
    found = set(children_of(pid))
    for child in list(found):
        found |= all_under(child)
    return found


def is_running(pid: int) -> bool:
    """Whether a process lives: one that waits for somebody to notice its end does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill_and_wait_for_another(portal, word: str) -> None:
    """Kill the child with this word in its command line, and wait until there is another."""
    killed = next(pid for pid, command in children_of(portal.process.pid).items() if word in command)
    os.kill(killed, signal.SIGKILL)
    wait_for(
        lambda: any(word in command and pid != killed for pid, command in children_of(portal.process.pid).items()), 30, f"{word} 没有重启"
    )


def up(port: int, var: Path) -> subprocess.CompletedProcess:
    """A start that is expected to be refused."""
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "up", "--port", str(port)], env=portal_environment(var), capture_output=True, text=True, timeout=60
    )


def test_what_dies_is_started_again_a_second_start_is_refused_and_the_end_leaves_nothing_behind(folder):
    with running_portal(folder, "--without-demo") as portal:
        assert len(children_of(portal.process.pid)) >= 7
        for word in (" beat", "redis-server", "bin/postgres "):
            kill_and_wait_for_another(portal, word)
        wait_for(lambda: portal.get("/healthz")[0] == 200, 60, "没有恢复")
        second = up(0, portal.var)
        assert second.returncode != 0 and "正在被另一个" in second.stderr
        # By now hundreds of tasks ran as they should: no line of theirs has pushed the log-ins out of sight.
        told = portal.log.read_text()
        assert "task_started" not in told and "task_succeeded" not in told
        everybody = all_under(portal.process.pid)
        portal.process.send_signal(signal.SIGTERM)
        portal.process.wait(40)
        assert portal.process.returncode == 0
        wait_for(lambda: not any(map(is_running, everybody)), 10, "有进程留下")


def test_a_start_that_is_killed_takes_everything_with_it_and_the_next_one_finds_its_data(folder):
    with running_portal(folder, "--without-demo") as portal:
        token = portal.manage("issue_token", "--unit", "social-work", "--role", "dispatcher").strip()
        everybody = all_under(portal.process.pid)
        portal.process.kill()
        portal.process.wait(10)
        port = portal.address.rsplit(":", 1)[1]
        # At once, while the others are still ending.
        with portal.log.open("ab") as log:
            portal.process = subprocess.Popen(
                [sys.executable, ROOT / "manage.py", "up", "--port", port, "--without-demo"], env=portal.environment, stdout=log,
                stderr=log, cwd=ROOT, start_new_session=True,
            )  # fmt: skip
        try:
            wait_for(lambda: not any(map(is_running, everybody)), 30, "有进程留下")
            wait_for(lambda: portal.get("/healthz")[0] == 200, 90, f"没有再次启动：{portal.log.read_text()[-2000:]}")
            assert portal.call("GET", "tickets/", token)[0] == 200
        finally:
            portal.process.send_signal(signal.SIGINT)
            portal.process.wait(40)


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for _ in range(2):  # the second time no slower: who failed has let go
            done = up(port, tmp_path)
            assert done.returncode != 0 and f"端口 {port} 已被占用" in done.stderr
