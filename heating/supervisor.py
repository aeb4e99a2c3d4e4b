"""Keeps a set of processes running: restarts what dies, ends all in good order, and gives up loudly when one keeps dying.

Our own sixty lines rather than honcho, which ends everything when one child dies: a Redis that crashes takes a Celery
worker with it (docs/decisions/0002), and the portal must outlive that.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from heating.lifeline import tied_to_us

GIVE_UP_AFTER = 5
WITHIN = 60.0
GRACE = 15.0
LONGEST_PAUSE = 8.0


class Deaths:
    """When something died, and whether so often in so short a time that starting it again is no use."""

    def __init__(self):
        self.moments: deque[float] = deque(maxlen=GIVE_UP_AFTER)

    def note(self, moment: float) -> None:
        """It died, `moment` on the monotonic clock."""
        self.moments.append(moment)

    @property
    def too_many(self) -> bool:
        """GIVE_UP_AFTER deaths WITHIN seconds."""
        return len(self.moments) == GIVE_UP_AFTER and self.moments[-1] - self.moments[0] < WITHIN

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start: longer with each death of the last minute, since a cause takes time to pass."""
        recent = sum(1 for moment in self.moments if self.moments[-1] - moment < WITHIN)
        return min(0.5 * 2 ** (recent - 1), LONGEST_PAUSE)


@dataclass
class Child:
    """A process to be kept running: its command, and when it died."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen | None = None
    deaths: Deaths = field(default_factory=Deaths)
    next_start: float = 0.0

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches it through us, once; and tied to us, should we be killed."""
        self.process = subprocess.Popen(
            self.command, env={**os.environ, **self.environment}, start_new_session=True, preexec_fn=tied_to_us(signal.SIGTERM)
        )


class Supervisor:
    """Runs children until told to stop. `run` returns the exit status: 0 when told, 1 when a child kept dying."""

    def __init__(self, children: list[Child]):
        self.children = children
        self.stopping = False

    def run(self, *, on_tick: Callable[[], None] | None = None) -> int:
        """Start all, watch them, and end them. `on_tick` is called twice a second; what it raises ends everything."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._told_to_stop)
        status = 0
        try:
            for child in self.children:
                child.start()
            while not self.stopping:
                status = self._watch()
                if status:
                    break
                if on_tick is not None:
                    on_tick()
                time.sleep(0.5)
        finally:
            self.stop()
        return status

    def stop(self) -> None:
        """End every child: asked first, then made to. In reverse order, so that what serves ends after what asks."""
        alive = [child.process for child in reversed(self.children) if child.process is not None and child.process.poll() is None]
        for process in alive:
            _signal(process, signal.SIGTERM)
        until = time.monotonic() + GRACE
        for process in alive:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(until - time.monotonic(), 0.1))
        for process in alive:
            _signal(process, signal.SIGKILL)  # whatever of its session is left
            process.wait()

    def _watch(self) -> int:
        moment = time.monotonic()
        for child in self.children:
            if child.process is None:
                if moment >= child.next_start:
                    child.start()
            elif child.process.poll() is not None:
                child.deaths.note(moment)
                if child.deaths.too_many:
                    print(f"{child.name} 在 {WITHIN:.0f} 秒内退出 {GIVE_UP_AFTER} 次，停止全部进程", file=sys.stderr, flush=True)
                    return 1
                pause = child.deaths.pause
                print(f"{child.name} 退出（{child.process.returncode}），{pause:g} 秒后重启", file=sys.stderr, flush=True)
                child.process, child.next_start = None, moment + pause
        return 0

    def _told_to_stop(self, signum, frame) -> None:
        self.stopping = True


def _signal(process: subprocess.Popen, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signum) if signum == signal.SIGKILL else process.send_signal(signum)
