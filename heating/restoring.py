"""A backup brought back: for good into an empty portal, or for trial into a scratch database, and compared with what it says of itself."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg2
from django.conf import settings
from django.db import DatabaseError
from psycopg2 import sql

from core import journal
from core.models import Backup
from heating import backups, embedded
from heating.backups import BackupFault


@dataclass(frozen=True)
class Finding:
    """What was compared, what the backup says, what came back."""

    what: str
    expected: str
    found: str

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return self.expected == self.found


@dataclass
class Restored:
    """A backup brought back: which, what it held, and what was compared."""

    path: Path
    known: dict
    findings: list[Finding] = field(default_factory=list)

    @property
    def amiss(self) -> list[Finding]:
        """What differs."""
        return [finding for finding in self.findings if not finding.holds]

    @property
    def said(self) -> str:
        """What differs, in words; empty when nothing does."""
        return "；".join(f"{one.what}：应为 {one.expected}，实为 {one.found}" for one in self.amiss)

    @property
    def anchor(self) -> str:
        """The journal's head at that moment, as `verify_journal --anchor` takes it."""
        return ":".join(map(str, self.known["head"]))


def restore(path: Path) -> Restored:
    """Bring a backup back into this portal: its database must be empty, and MEDIA_ROOT too. BackupFault when anything differs."""
    media = Path(settings.MEDIA_ROOT)
    if media.exists() and any(one.is_file() for one in media.rglob("*")):
        raise BackupFault(f"附件目录 {media} 不是空的：请先移走其中的文件，再恢复")
    done = _bring_back(path, backups.here(), media)
    if done.amiss:
        raise BackupFault(f"恢复后与备份不符：{done.said}")
    return done


def rehearse(path: Path, *, at: datetime) -> Restored:
    """Bring a backup back into a scratch database, compare everything, and drop it. The outcome is noted with the backup.

    The account needs CREATEDB. BackupFault when the backup cannot be read or loaded at all; what merely differs is in the answer.
    """
    row = Backup.objects.filter(name=path.name)
    try:
        with _scratch_database() as place:
            done = _bring_back(path, place, None)
    except BackupFault as fault:
        row.update(rehearsed_at=at, rehearsal_fault=str(fault)[:2000])
        raise
    row.update(rehearsed_at=at, rehearsal_fault=done.said[:2000])
    return done


def _bring_back(path: Path, place: dict, media: Path | None) -> Restored:
    known, wrong = backups.read(path)
    try:
        _load(path, place, media)
        return Restored(path, known, [*_compare(known, place), *_compare_files(known, wrong)])
    except (OSError, ValueError, DatabaseError, psycopg2.Error, embedded.ServerFault) as fault:
        raise BackupFault(f"无法恢复：{fault}") from fault


def _load(path: Path, place: dict, media: Path | None) -> None:
    """The database into that of `place`, all or nothing, and the files below `media`. BackupFault unless the database is empty."""
    with backups.session(place) as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        if cursor.fetchone()[0]:
            raise BackupFault("目标数据库不是空的：请建一个空库再恢复，以免覆盖现有数据")
    command = [embedded.program("pg_restore"), "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, "--dbname", place["dbname"]], stdin=subprocess.PIPE, stderr=said, env=backups.environment(place)
        )
        try:
            with backups.opened(path) as archive:
                for member in archive:
                    source = archive.extractfile(member)
                    if member.name.startswith(backups.DUMP):
                        with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
                            shutil.copyfileobj(source, process.stdin, backups.BLOCK)
                    elif media is not None and member.name.startswith(backups.MEDIA):
                        with _place(media, member.name.removeprefix(backups.MEDIA)).open("xb") as target:
                            shutil.copyfileobj(source, target, backups.BLOCK)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if process.returncode:
            said.seek(0)
            raise BackupFault(f"pg_restore 失败：{said.read().decode(errors='replace').strip()[-500:]}")
    with backups.session(place) as cursor:
        cursor.execute("ANALYZE")


def _place(root: Path, name: str) -> Path:
    target = (root / name).resolve()
    if not target.is_relative_to(root.resolve()):
        raise BackupFault(f"备份中的文件名不合规：{name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _compare(known: dict, place: dict) -> list[Finding]:
    position, digest = known["head"]
    with backups.session(place) as cursor:
        found = backups.describe(cursor)
        broken = journal.verify(position=position or None, hash=digest, cursor=cursor)
    findings = [_alike(what, known[key], found[key]) for what, key in (("迁移", "migrations"), ("触发器", "triggers"))]
    findings.append(_alike("序列", sorted(known["sequences"].items()), sorted(found["sequences"].items())))
    for table in sorted({*known["tables"], *found["tables"]}):
        sides = [side["tables"].get(table) for side in (known, found)]
        findings.append(Finding(table, *(f"{side[0]} 行 {side[1]}" if side else "没有这张表" for side in sides)))
    whole = f"完好，共 {position} 条"
    findings.append(Finding("台账链", whole, f"第 {broken.position} 条断开：{broken.why}" if broken else whole))
    return findings


def _compare_files(known: dict, wrong: list[str]) -> list[Finding]:
    whole, missing = f"{len(known['files'])} 个相符", known["missing"]
    return [
        Finding("附件文件", whole, f"{len(wrong)} 个不符，第一个是 {wrong[0]}" if wrong else whole),
        Finding("附件登记", "文件都在", f"备份时已缺 {len(missing)} 个，第一个是 {missing[0]}" if missing else "文件都在"),
    ]


def _alike(what: str, expected: list, found: list) -> Finding:
    """Two lists compared, and only what differs said."""
    said, here = ({str(tuple(one)) if isinstance(one, list) else str(one) for one in side} for side in (expected, found))
    return Finding(what, f"{len(expected)} 项", f"{len(found)} 项" + (f"（不同：{'、'.join(sorted(said ^ here))[:200]}）" if said != here else ""))


@contextlib.contextmanager
def _scratch_database() -> Iterator[dict]:
    """A database of our own beside the portal's, in libpq's words; dropped when the block is left, however it is left."""
    home = backups.here()
    name = f"{home['dbname']}_rehearsal_{os.getpid()}"
    with backups.session({**home, "dbname": "postgres"}) as cursor:
        try:
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        except psycopg2.Error as fault:
            raise BackupFault(f"不能建立演练用的临时库（账号需要 CREATEDB）：{fault}") from fault
        try:
            yield {**home, "dbname": name}
        finally:
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
