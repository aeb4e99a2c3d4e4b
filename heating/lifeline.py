"""Children that end when their parent does, even when nobody could tell them: `kill -9`, a crash, a closed terminal."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec as little as possible may happen.
_LIBRARY = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def tied_to_us(signum: int) -> Callable[[], None] | None:
    """What a child does before it becomes another program (`preexec_fn`), to get `signum` when this process dies.

    Only Linux knows such a thing; elsewhere None: a parent that is killed leaves its children behind.
    """
    if _LIBRARY is None:
        return None
    parent = os.getpid()

    def tie() -> None:
        _LIBRARY.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os.kill(os.getpid(), signal.SIGKILL)

    return tie
