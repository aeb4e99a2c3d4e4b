"""A PostgreSQL and a Redis of our own under `var/`, for who has none: binaries from wheels, plain child processes."""

import os
import secrets
from pathlib import Path


def secret(var: Path, name: str) -> str:
    """A secret of this installation, made the first time it is asked for; readable by its owner only."""
    path = Path(var) / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text()
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()


def database_url(var: Path) -> str:
    """The address of the embedded PostgreSQL."""
    return f"postgres://heating@/heating?host={var}/run"


def redis_url(var: Path) -> str:
    """The address of the embedded Redis."""
    return f"unix://{var}/run/redis.sock"
