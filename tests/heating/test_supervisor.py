"""What keeps the processes running: it restarts what dies, gives up on what keeps dying, and leaves nobody behind."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from heating import supervisor
from heating.supervisor import Child, Deaths, Supervisor

ROOT = Path(__file__).resolve().parents[2]


def is_running(pid: int) -> bool:
    """Whether a process lives: one that waits for its parent to notice its end does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def run_apart(program: str) -> subprocess.Popen:
    """A program of its own, since a supervisor takes over the signals of the process it runs in."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_child_that_keeps_dying_ends_everything_with_a_word_and_a_status():
    started = time.monotonic()
    run = run_apart("""
        import sys
        from heating import supervisor
        supervisor.LONGEST_PAUSE = 0.1
        bad = supervisor.Child("bad", [sys.executable, "-c", "raise SystemExit(3)"])
        good = supervisor.Child("good", [sys.executable, "-c", "import time; time.sleep(600)"])
        status = supervisor.Supervisor([good, bad]).run()
        print(good.process.poll() is not None)
        sys.exit(status)
    """)
    said, complained = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "bad 退出（3）" in complained and f"bad 在 60 秒内退出 {supervisor.GIVE_UP_AFTER} 次" in complained
    assert said.strip() == "True"
    assert time.monotonic() - started < 40


def test_deaths_far_apart_are_mended_for_ever_and_a_pause_grows_only_while_they_are_close():
    deaths = Deaths()
    for moment in range(0, 1000, 20):
        deaths.note(float(moment))
        assert not deaths.too_many
    assert deaths.pause == 2.0  # three within the last minute
    deaths.note(5000.0)
    assert deaths.pause == 0.5
    for moment in (5001.0, 5002.0, 5003.0):
        deaths.note(moment)
        assert not deaths.too_many
    deaths.note(5004.0)
    assert deaths.too_many


def test_a_child_that_does_not_listen_is_made_to_end(monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE", 0.5)
    deaf = Child("deaf", [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"])
    deaf.process = subprocess.Popen(deaf.command, stdout=subprocess.PIPE, start_new_session=True)
    with deaf.process.stdout as said:
        said.readline()
        Supervisor([deaf]).stop()
    assert deaf.process.returncode == -signal.SIGKILL


def test_what_a_killed_supervisor_ran_ends_with_it():
    run = run_apart("""
        import sys, time
        from heating import supervisor
        child = supervisor.Child("child", [sys.executable, "-c", "import time; time.sleep(600)"])
        child.start()
        print(child.process.pid, flush=True)
        time.sleep(600)
    """)
    child = int(run.stdout.readline())
    assert is_running(child)
    run.kill()
    run.communicate()
    until = time.monotonic() + 10
    while is_running(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(child)


def test_a_child_that_comes_too_late_to_tie_itself_does_not_start_at_all():
    run = run_apart("""
        import os, time
        from heating import lifeline
        parent, tie = os.getpid(), lifeline.tied_to_us(15)
        if os.fork() == 0:
            while os.getppid() == parent:
                time.sleep(0.01)
            print("tied", flush=True)
            tie()
            print("alive", flush=True)
        os._exit(0)
    """)
    said, _ = run.communicate(timeout=30)
    assert said.split() == ["tied"]


def test_what_has_ended_by_itself_is_left_alone():
    child = Child("short", [sys.executable, "-c", "pass"])
    child.start()
    child.process.wait()
    Supervisor([child]).stop()
    assert child.process.returncode == 0
