"""`manage.py up` as a newcomer meets it: it comes up, mends what dies, ends cleanly, and says what is in its way."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.browser.conftest import ROOT, portal_environment, running_portal, wait_for


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


def test_what_dies_is_started_again_a_second_start_is_refused_and_the_end_leaves_nothing_behind():
    with running_portal("--without-demo") as portal:
        family = children_of(portal.process.pid)
        assert len(family) >= 7, family
        beat = next(pid for pid, command in family.items() if " beat" in command)
        os.kill(beat, signal.SIGKILL)
        wait_for(
            lambda: any(" beat" in command and pid != beat for pid, command in children_of(portal.process.pid).items()), 20, "beat 没有重启"
        )
        redis = next(pid for pid, command in family.items() if "redis-server" in command)
        os.kill(redis, signal.SIGKILL)
        wait_for(
            lambda: any("redis-server" in command and pid != redis for pid, command in children_of(portal.process.pid).items()), 20, "Redis 没有重启"
        )
        second = subprocess.run(
            [sys.executable, ROOT / "manage.py", "up", "--port", "0"], env=portal_environment(portal.var), capture_output=True, text=True, timeout=60
        )
        assert second.returncode != 0 and "正在被另一个" in second.stderr
        everybody = set(children_of(portal.process.pid))
        portal.process.send_signal(signal.SIGTERM)
        portal.process.wait(40)
        assert portal.process.returncode == 0
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody), 10, "有进程留下")


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", "up", "--port", str(port)], env=portal_environment(tmp_path), capture_output=True, text=True, timeout=60
        )
    assert done.returncode != 0 and f"端口 {port} 已被占用" in done.stderr
