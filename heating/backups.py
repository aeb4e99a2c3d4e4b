"""Backups: the database, the attachments and what proves them, in one encrypted file; restored into an empty database (S28, F15).

A backup that was never restored is none: `rehearse` restores the newest into a scratch database and compares every table,
every attachment and the journal's chain with what the backup says of itself.
"""

import hashlib
import json
import os
import shlex
import shutil
import struct
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection
from psycopg2.extensions import make_dsn

from core import civil, journal
from core.errors import Invalid
from heating import embedded

MAGIC, CHUNK = b"WYB1", 1 << 20
DUMP, MANIFEST = "portal.dump", "manifest.json"
SUFFIX = ".wybackup"


@dataclass(frozen=True)
class Backup:
    """A file that was written: where, how large, and what it says of itself."""

    path: Path
    size: int
    manifest: dict


def folder() -> Path:
    """Where backups are kept."""
    return Path(settings.BACKUP_DIR)


def newest() -> Path | None:
    """The newest backup there is."""
    found = sorted(folder().glob(f"*{SUFFIX}"))
    return found[-1] if found else None


# ---------------------------------------------------------------- written


def write(*, at: datetime) -> Backup:
    """Dump everything into one encrypted file, send it off the host where a command is set, and forget the oldest.

    The tables are counted and hashed in the same snapshot as the dump: what the manifest says is what was dumped.
    """
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder() / f"portal-{civil.localize(at):%Y%m%d-%H%M%S}{SUFFIX}"
    with tempfile.TemporaryDirectory(dir=folder()) as scratch:
        dump = Path(scratch) / DUMP
        line = _connect(_dsn())
        try:
            line.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with line.cursor() as cursor:
                cursor.execute("SELECT pg_export_snapshot()")
                snapshot = cursor.fetchone()[0]
                _run(["pg_dump", "-Fc", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", "-f", str(dump), _dsn()])
                manifest = {"at": at.isoformat(), "tables": tables(cursor), "files": files(), "journal": list(journal.head())}
        finally:
            line.close()
        inner = Path(scratch) / "all.tar"
        with tarfile.open(inner, "w") as tar:
            said = Path(scratch) / MANIFEST
            said.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
            tar.add(said, MANIFEST)
            tar.add(dump, DUMP)
            media = Path(settings.MEDIA_ROOT)
            for name in manifest["files"]:
                tar.add(media / name, f"media/{name}")
        draft = path.with_suffix(".part")
        _encrypt(inner, draft)
        draft.replace(path)
    path.chmod(0o600)
    if settings.BACKUP_COMMAND:
        done = subprocess.run([*(part.replace("{file}", str(path)) for part in shlex.split(settings.BACKUP_COMMAND))], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Invalid(f"备份已写入 {path}，但送往异地失败：{done.stderr.strip()[-300:]}")
    for old in sorted(folder().glob(f"*{SUFFIX}"))[: -settings.BACKUP_KEEP]:
        old.unlink()
    return Backup(path, path.stat().st_size, manifest)


def tables(cursor) -> dict[str, list]:
    """Every table of ours: how many rows, and a hash over all of them in any order."""
    cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1")
    found = {}
    for (name,) in cursor.fetchall():
        # Sums of the halves of each row's hash: the same whatever the order, and no sort over a million rows.
        cursor.execute(
            f"SELECT count(*), coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)::text FROM \"{name}\" t"  # noqa: S608 (names of our own tables)
        )
        found[name] = list(cursor.fetchone())
    return found


def files(root: Path | None = None) -> dict[str, str]:
    """Every attachment, by its path, with its SHA-256."""
    root = Path(root or settings.MEDIA_ROOT)
    found = {}
    for path in sorted(root.rglob("*")) if root.exists() else ():
        if path.is_file():
            with path.open("rb") as file:
                found[str(path.relative_to(root))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


# ---------------------------------------------------------------- restored


def restore(path: Path, *, media: Path | None = None, dsn: str = "") -> dict:
    """Bring a backup back into an empty database and an attachments' folder; its manifest. Invalid where either is not empty or it is damaged."""
    dsn, media = dsn or _dsn(), Path(media or settings.MEDIA_ROOT)
    with _connect(dsn) as line, line.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        if cursor.fetchone()[0]:
            raise Invalid("目标数据库不是空的；请建一个空库再恢复，以免覆盖现有数据")
    with _opened(path) as inside:
        manifest = json.loads((inside / MANIFEST).read_text(encoding="utf-8"))
        _run(["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "-d", dsn, str(inside / DUMP)])
        media.mkdir(parents=True, exist_ok=True)
        for name in manifest["files"]:
            target = media / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(inside / "media" / name, target)
    return manifest


def compare(manifest: dict, *, dsn: str, media: Path) -> list[str]:
    """What differs between a manifest and what is there: nothing, where the restore is whole."""
    with _connect(dsn) as line, line.cursor() as cursor:
        here = tables(cursor)
    wrong = [f"表 {name}：备份 {said}，恢复 {here.get(name)}" for name, said in manifest["tables"].items() if here.get(name) != said]
    kept = files(media)
    return wrong + [f"附件 {name} 缺失或不一致" for name, digest in manifest["files"].items() if kept.get(name) != digest]


def rehearse(path: Path) -> tuple[dict, list[str]]:
    """Restore into a scratch database beside ours and compare; what differed. The scratch is gone afterwards."""
    name = f"rehearsal_{os.getpid()}"
    admin = _connect(_dsn())
    admin.autocommit = True
    try:
        with admin.cursor() as cursor, tempfile.TemporaryDirectory() as media:
            cursor.execute(f'CREATE DATABASE "{name}"')
            try:
                dsn = _dsn(name)
                manifest = restore(path, dsn=dsn, media=Path(media))
                return manifest, compare(manifest, dsn=dsn, media=Path(media))
            finally:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        admin.close()


# ---------------------------------------------------------------- how


PARAMETERS = ("host", "port", "user", "dbname", "sslmode", "sslrootcert")


def _dsn(name: str = "") -> str:
    """Our database as PostgreSQL's programs want it; another one of the same server by its name. Without the password: others see a command line."""
    said = connection.get_connection_params()
    kept = {key: said[key] for key in PARAMETERS if said.get(key)}
    return make_dsn(**{**kept, **({"dbname": name} if name else {})})


def _connect(dsn: str):
    return psycopg2.connect(dsn, password=connection.settings_dict["PASSWORD"] or None)


def _run(command: list[str]) -> None:
    program = embedded.program(command[0])
    secret = connection.settings_dict["PASSWORD"]
    done = subprocess.run(
        [program, *command[1:]], env={**os.environ, **({"PGPASSWORD": secret} if secret else {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Invalid(f"{command[0]} 失败：{done.stderr.strip()[-500:]}")


def _key() -> AESGCM:
    return AESGCM(hashlib.sha256(settings.BACKUP_KEY.encode()).digest())


def _encrypt(source: Path, target: Path) -> None:
    """In pieces, each bound to its place and to being the last: none can be left out, moved or cut off unnoticed."""
    cipher, start = _key(), os.urandom(12)
    with source.open("rb") as plain, target.open("wb") as out:
        out.write(MAGIC + start)
        number, piece = 0, plain.read(CHUNK)
        while True:
            following = plain.read(CHUNK)
            sealed = cipher.encrypt(_nonce(start, number), piece, _place(number, is_last=not following))
            out.write(struct.pack(">I", len(sealed)) + sealed)
            if not following:
                return
            number, piece = number + 1, following


def _decrypt(source: Path, target: Path) -> None:
    cipher = _key()
    with source.open("rb") as sealed, target.open("wb") as out:
        if sealed.read(len(MAGIC)) != MAGIC:
            raise Invalid(f"{source.name} 不是本平台的备份")
        start, number = sealed.read(12), 0
        head = sealed.read(4)
        while head:
            piece = sealed.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""
            head = sealed.read(4)
            try:
                out.write(cipher.decrypt(_nonce(start, number), piece, _place(number, is_last=not head)))
            except (InvalidTag, ValueError):
                raise Invalid(f"{source.name} 已损坏，或密钥（BACKUP_KEY）不对") from None
            number += 1
        if number == 0:
            raise Invalid(f"{source.name} 已损坏")


def _nonce(start: bytes, number: int) -> bytes:
    return (int.from_bytes(start, "big") ^ number).to_bytes(12, "big")


def _place(number: int, *, is_last: bool) -> bytes:
    return struct.pack(">Q?", number, is_last)


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as scratch:
        inner = Path(scratch) / "all.tar"
        _decrypt(path, inner)
        with tarfile.open(inner) as tar:
            tar.extractall(scratch, filter="data")
        inner.unlink()
        yield Path(scratch)
