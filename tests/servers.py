"""A plugin (`-p tests.servers`) that starts one PostgreSQL and one Redis for a whole test run, shared by all its workers.

Embedded, under a scratch folder of its own, unless DATABASE_URL and REDIS_URL name others. It must come before Django
reads its settings, hence a plugin and not a fixture.
"""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

from heating import embedded

NAMED_BY = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}


def start() -> None:
    """Start what the environment does not name, and end it when this process ends, however it ends."""
    scratch = scratch_folder("heating-tests-")
    (scratch / "static").mkdir()  # whitenoise warns of a folder that is not there
    os.environ["PORTAL_VAR"] = str(scratch)
    os.environ["PORTAL_TEST_SERVERS"] = str(os.getpid())
    missing = tuple(name for name, variable in NAMED_BY.items() if not os.environ.get(variable))
    servers = embedded.Servers(scratch, fast=True)
    owner = os.getpid()

    def end():
        if os.getpid() == owner:
            servers.stop()
            servers.remove()
            shutil.rmtree(scratch, ignore_errors=True)

    atexit.register(end)
    # Told to end, a run ends as after Ctrl-C, with what it started; killed, its servers end with it (heating/lifeline.py).
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if missing:
        servers.start(missing)
    if "postgres" in missing:
        os.environ["DATABASE_URL"] = embedded.database_url(scratch)
    if "redis" in missing:
        os.environ["REDIS_URL"] = embedded.redis_url(scratch)


def scratch_folder(prefix: str) -> Path:
    """A new folder of this process, into which a service user may walk without seeing what is there.

    Folders of runs that were killed, which could not clean up, are removed.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*-*"):
        pid = left.name.removeprefix(prefix).split("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-"))
    folder.chmod(0o711)
    return folder


os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
os.environ.setdefault("STATIC_STORAGE", "django.contrib.staticfiles.storage.StaticFilesStorage")
os.environ.setdefault("EMAIL_URL", "memorymail://")
if not os.environ.get("PORTAL_TEST_SERVERS"):
    start()
