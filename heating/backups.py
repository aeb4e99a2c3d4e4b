"""Everything kept elsewhere: the database as of one moment, the files, and by what both are known again, in one sealed file (S28, F15).

The file is written as it is read: nothing is on the disk in the open, and no size needs room twice. The manifest comes from the very
snapshot that pg_dump reads, so that a restored table is compared with what was there, not with what came after.
"""

import contextlib
import hashlib
import io
import json
import os
import secrets
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import psycopg2
import requests
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from core import civil, crypto
from core.models import Backup
from core.vault import SALT, Sealing, Unreadable, Unsealing
from heating import embedded

SUFFIX = ".wybackup"
# The parts of a file: the dump in pieces, since its length is not known beforehand; the files; what proves both.
DUMP, MEDIA, MANIFEST = "database/", "media/", "manifest.json"
PIECE = 1 << 24
BLOCK = 1 << 20
COPY_SECONDS = 3600
# A connection's words, and those of the environment of PostgreSQL's programs.
WORDS = {"dbname": "database", "host": "host", "port": "port", "user": "user", "password": "password"}
# Written alike whatever the session's own settings are, so that two servers give the same text for the same row.
PLAIN = "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1"


class BackupFault(RuntimeError):
    """No backup, or none that can be restored; the message says why, in Chinese."""


# ---------------------------------------------------------------- written


def write(*, at: datetime) -> Backup:
    """Keep the database and the files as of now under BACKUP_KEY in BACKUP_DIR, and send the file where BACKUP_COPY_TO says.

    The attempt is a row, whatever comes of it; BackupFault when nothing was kept or no copy could be made.
    """
    name = f"portal-{civil.localize(at):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}{SUFFIX}"
    row = Backup.objects.create(name=name, began_at=at)
    try:
        path = _write(name, at)
        row.size = path.stat().st_size
        row.copied_to = _copy(path)
    except (BackupFault, embedded.ServerFault, OSError, psycopg2.Error, requests.RequestException, subprocess.SubprocessError) as fault:
        row.fault = str(fault)[:2000] or type(fault).__name__
        row.save(update_fields=["size", "fault"])
        raise BackupFault(f"备份失败：{row.fault}") from fault
    row.ended_at = Now()
    row.save(update_fields=["size", "copied_to", "ended_at"])
    row.refresh_from_db()
    for old in sorted(folder().glob(f"*{SUFFIX}"))[: -max(settings.BACKUP_KEEP, 1)]:
        old.unlink()
    return row


def folder() -> Path:
    """Where backups are kept."""
    return Path(settings.BACKUP_DIR)


def _write(name: str, at: datetime) -> Path:
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder().glob(f".*{SUFFIX}"):  # of attempts that were killed
        left.unlink(missing_ok=True)
    draft = folder() / f".{name}"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            sealing = Sealing(target, settings.BACKUP_KEY, secrets.token_bytes(SALT))
            try:
                with tarfile.open(fileobj=sealing, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                    _fill(archive, name, at)
            except BaseException:
                sealing.abandon()
                raise
            sealing.close()
            target.flush()
            os.fsync(target.fileno())
        return draft.rename(folder() / name)
    finally:
        draft.unlink(missing_ok=True)


def _fill(archive: tarfile.TarFile, name: str, at: datetime) -> None:
    with _snapshot() as (cursor, snapshot):
        known = {"name": name, "at": at.isoformat(), "canary": crypto.seal(name), **describe(cursor)}
        _dump(snapshot, archive)
    known["files"] = _pack(archive)
    known["missing"] = sorted(set(known.pop("named")) - set(known["files"]))
    _add(archive, MANIFEST, json.dumps(known, ensure_ascii=False).encode())


@contextlib.contextmanager
def _snapshot() -> Iterator[tuple]:
    """A cursor of a session of our own, standing still at one moment, and that moment's name for pg_dump."""
    own = connection.get_new_connection(here())
    try:
        own.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        with own.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; {PLAIN}")
            cursor.execute("SELECT pg_export_snapshot()")
            yield cursor, cursor.fetchone()[0]
    finally:
        own.close()


def describe(cursor) -> dict:
    """What a database holds, to be compared: migrations, rows and digest of each table, sequences, triggers, journal's head, files named.

    A table's digest is a sum over its rows, so that their order does not matter, and no sort is needed.
    """
    cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
    migrations = [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    tables = {}
    for (table,) in cursor.fetchall():
        cursor.execute(
            f"""SELECT count(*), coalesce(sum(('x' || left(digest, 16))::bit(64)::bigint::numeric), 0)::text || '/'
                || coalesce(sum(('x' || right(digest, 16))::bit(64)::bigint::numeric), 0)::text
                FROM (SELECT md5(held::text) AS digest FROM "{table}" held) held"""  # noqa: S608 - names of our own tables
        )
        tables[table] = list(cursor.fetchone())
    cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1")
    sequences = dict(cursor.fetchall())
    cursor.execute("SELECT tgrelid::regclass::text || '.' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
    triggers = [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT position, hash FROM core_entry ORDER BY position DESC LIMIT 1")
    head = list(cursor.fetchone() or (0, ""))
    cursor.execute("SELECT path FROM core_attachment ORDER BY path")
    named = [row[0] for row in cursor.fetchall()]
    return {"migrations": migrations, "tables": tables, "sequences": sequences, "triggers": triggers, "head": head, "named": named}


def _dump(snapshot: str, archive: tarfile.TarFile) -> None:
    command = [embedded.program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", "--snapshot", snapshot]
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment(here())) as process:
        try:
            number = 0
            while piece := process.stdout.read(PIECE):
                _add(archive, f"{DUMP}{number:08d}", piece)
                number += 1
        except BaseException:
            process.kill()
            raise
        if process.wait():
            said.seek(0)
            raise BackupFault(f"pg_dump 失败：{said.read().decode(errors='replace').strip()[-500:]}")


def _pack(archive: tarfile.TarFile) -> dict[str, list]:
    """All files of MEDIA_ROOT; their digests and sizes by name. One that goes meanwhile is left out, and what was made to be taken along: it has a term, and can be made again."""
    root, known = Path(settings.MEDIA_ROOT), {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.is_relative_to(root / "exports"):
            continue
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            name = str(path.relative_to(root))
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            about = archive.gettarinfo(arcname=f"{MEDIA}{name}", fileobj=file)
            file.seek(0)
            archive.addfile(about, file)
            known[name] = [digest, about.size]
    return known


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size = len(data)
    archive.addfile(about, io.BytesIO(data))


def _copy(path: Path) -> str:
    """Send a backup off this machine as BACKUP_COPY_TO says: a folder, an address that takes PUT, or a command. Where it went."""
    where = settings.BACKUP_COPY_TO
    if not where:
        return ""
    if where.startswith(("https://", "http://")):
        with path.open("rb") as file:
            requests.put(f"{where.rstrip('/')}/{path.name}", data=file, timeout=(5, COPY_SECONDS)).raise_for_status()
        return where.split("@")[-1][:300]
    if "{file}" not in where:
        draft = Path(where) / f".{path.name}"
        shutil.copyfile(path, draft)
        draft.rename(Path(where) / path.name)
        return where[:300]
    words = [word.replace("{file}", str(path)) for word in shlex.split(where)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=COPY_SECONDS, check=False)
    if done.returncode:
        raise BackupFault(f"备份已写入 {path}，但送往异地失败（{done.returncode}）：{(done.stderr or done.stdout).strip()[-500:]}")
    return words[0][:300]


# ---------------------------------------------------------------- read


def newest() -> Path:
    """The newest backup of BACKUP_DIR. BackupFault when there is none."""
    found = sorted(folder().glob(f"*{SUFFIX}"))
    if not found:
        raise BackupFault(f"{folder()} 中还没有备份，请先运行 manage.py backup")
    return found[-1]


def read(path: Path) -> tuple[dict, list[str]]:
    """What a backup says of itself, and which of its files are not as it says; every byte of it is read and proved on the way.

    BackupFault when it was changed or cut, or is of other keys.
    """
    known, seen = None, {}
    with opened(path) as archive:
        for member in archive:
            source = archive.extractfile(member)
            if member.name == MANIFEST:
                known = json.load(source)
            elif member.name.startswith(MEDIA):
                seen[member.name.removeprefix(MEDIA)] = [_digest_of(source), member.size]
            else:
                _digest_of(source)
    if known is None:
        raise BackupFault(f"{path.name} 不完整：没有清单")
    if crypto.unseal(known["canary"]) != known["name"]:
        raise BackupFault("FIELD_KEYS 不是这份备份所用的密钥：恢复后手机号、姓名将无法解密")
    return known, sorted(name for name, about in known["files"].items() if seen.get(name) != about)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """The parts of a backup, one after the other. BackupFault when it is not one, was changed or cut, or is of another key."""
    try:
        with path.open("rb") as file:
            sealed = Unsealing(file, settings.BACKUP_KEY)
            with tarfile.open(fileobj=sealed, mode="r|") as archive:
                yield archive
            while sealed.read(BLOCK):  # to the end: one that is cut behind its last part is not whole either
                pass
    except (OSError, tarfile.TarError, Unreadable) as fault:
        raise BackupFault(f"无法读取备份 {path.name}：{fault}") from fault


def _digest_of(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


# ---------------------------------------------------------------- databases, in libpq's words


def here() -> dict:
    """Where the portal's own database is."""
    return connection.get_connection_params()


@contextlib.contextmanager
def session(place: dict) -> Iterator:
    """A cursor on some database: each statement for itself, as long as it takes, written plainly."""
    own = connection.get_new_connection(place)
    try:
        own.autocommit = True
        with own.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = 0; {PLAIN}")
            yield cursor
    finally:
        own.close()


def environment(place: dict) -> dict[str, str]:
    """The environment by which PostgreSQL's programs find a database: no password on a command line."""
    known = (*WORDS, "sslmode", "sslrootcert", "sslcert", "sslkey")
    own = {f"PG{WORDS.get(key, key).upper()}": str(place[key]) for key in known if place.get(key)}
    return {**os.environ, **own, "PGCONNECT_TIMEOUT": "5"}
