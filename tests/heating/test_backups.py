"""A backup is whole, sealed, and comes back the same; what is damaged, cut or of another key is refused (F15, S28)."""

import json
import subprocess
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from core.errors import Invalid
from heating import backups, embedded
from tests.story import HOUR, NOON, dispatched


@pytest.fixture
def kept(tmp_path, settings, transactional_db):
    """A portal with a ticket and an attachment, and its backup."""
    settings.BACKUP_DIR, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "media"
    (tmp_path / "media" / "ab").mkdir(parents=True)
    (tmp_path / "media" / "ab" / "photo.jpg").write_bytes(b"\xff\xd8 a photograph")
    dispatched(complainant_phone="13812345678", complainant_name="王小明")
    return backups.write(at=NOON)


def test_what_comes_back_is_the_same_and_the_file_tells_nobody_anything(kept, tmp_path, settings):
    raw = kept.path.read_bytes()
    assert b"13812345678" not in raw and b"complaints_ticket" not in raw and "王小明".encode() not in raw
    manifest, wrong = backups.rehearse(kept.path)
    assert wrong == [] and manifest["tables"]["complaints_ticket"][0] == 1 and list(manifest["files"]) == ["ab/photo.jpg"]
    assert manifest["journal"][0] == kept.manifest["journal"][0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'rehearsal_%'")
        assert cursor.fetchone() == (0,)
    # A dump holds no number in the open either: the columns are sealed.
    with backups._opened(kept.path) as inside:  # noqa: SLF001
        text = subprocess.run([embedded.program("pg_restore"), "-f", "-", str(inside / backups.DUMP)], capture_output=True, check=True).stdout
    assert b"13812345678" not in text and "王小明".encode() not in text
    _damage(kept, tmp_path, settings)


def _damage(kept, tmp_path: Path, settings) -> None:
    """Changed, cut at a piece's end, with another key, of something else: each is refused in words."""
    raw = kept.path.read_bytes()
    for name, bad in {"changed": raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:], "cut": raw[: len(raw) // 2], "empty": b"WYB1" + b"0" * 12, "other": b"PK" + raw}.items():
        path = tmp_path / f"{name}{backups.SUFFIX}"
        path.write_bytes(bad)
        with pytest.raises(Invalid):
            backups.rehearse(path)
    settings.BACKUP_KEY = "another"
    with pytest.raises(Invalid, match="密钥"):
        backups.rehearse(kept.path)


def test_it_is_never_restored_over_what_is_there(kept):
    with pytest.raises(Invalid, match="不是空的"):
        backups.restore(kept.path)


def test_a_row_or_a_file_that_is_missing_is_named(kept, tmp_path):
    manifest = json.loads(json.dumps(kept.manifest))
    manifest["tables"]["complaints_ticket"][0] = 2
    manifest["files"]["ab/gone.jpg"] = "0" * 64
    wrong = backups.compare(manifest, dsn=backups._dsn(), media=tmp_path / "media")  # noqa: SLF001
    assert len(wrong) == 2 and "complaints_ticket" in wrong[0] and "gone.jpg" in wrong[1]


def test_only_so_many_are_kept_and_a_failed_dispatch_is_said(kept, settings):
    settings.BACKUP_KEEP = 2
    for hour in range(1, 4):
        backups.write(at=NOON + hour * HOUR)
    assert len(list(settings.BACKUP_DIR.glob(f"*{backups.SUFFIX}"))) == 2 and backups.newest().name.endswith(f"150000{backups.SUFFIX}")
    settings.BACKUP_COMMAND = "false {file}"
    with pytest.raises(Invalid, match="异地"):
        backups.write(at=NOON + 9 * HOUR)
    with psycopg2.connect(backups._dsn()) as line, line.cursor() as cursor:  # noqa: SLF001
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
