"""Kept elsewhere, and brought back: what was sealed is whole, secret, and the same."""

import io
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg2 import sql

from core import civil, clock, crypto, vault
from core.models import Attachment, Backup
from heating import backups, nightly, restoring
from tests.story import NOON, dispatched
from units.models import User

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path, settings):
    """A portal whose backups and files lie in folders of this test's own; one file that a row names."""
    settings.BACKUP_DIR, settings.MEDIA_ROOT, settings.BACKUP_KEY = tmp_path / "backup", tmp_path / "media", "a key for a test"
    photo = settings.MEDIA_ROOT / "attachments" / "ab" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"as it was" * 1000)
    return tmp_path


def _attach(path="attachments/ab/photo.jpg"):
    return Attachment.objects.create(
        subject_kind="ticket", subject_key="1", name="照片.jpg", content_type="image/jpeg", size=9000, sha256="0" * 64, path=path, uploaded_at=clock.now()
    )


# ---------------------------------------------------------------- sealed files


@pytest.mark.guard("S28")
@pytest.mark.parametrize("size", [0, 1, vault.CHUNK - 1, vault.CHUNK, vault.CHUNK + 1, 2 * vault.CHUNK])
def test_a_sealed_file_of_any_size_reads_back_as_it_was(size):
    plain, sealed = os.urandom(size), io.BytesIO()
    with vault.Sealing(sealed, "key", os.urandom(16)) as sealing:
        sealing.write(plain)
    assert vault.Unsealing(io.BytesIO(sealed.getvalue()), "key").readall() == plain


@pytest.mark.guard("S28")
@pytest.mark.parametrize("harm", ["flip", "cut a chunk", "cut a byte", "swap chunks", "other key", "not ours"])
def test_a_sealed_file_that_was_touched_is_refused(harm):
    sealed = io.BytesIO()
    with vault.Sealing(sealed, "key", os.urandom(16)) as sealing:
        sealing.write(os.urandom(3 * vault.CHUNK))
    data, head, step = bytearray(sealed.getvalue()), len(vault.MARK) + vault.SALT, vault.CHUNK + vault.TAG
    if harm == "flip":
        data[head + 5] ^= 1
    elif harm == "cut a chunk":
        del data[head + 2 * step :]
    elif harm == "cut a byte":
        del data[-1]
    elif harm == "swap chunks":
        data[head : head + 2 * step] = data[head + step : head + 2 * step] + data[head : head + step]
    elif harm == "not ours":
        data[:4] = b"PGDM"
    with pytest.raises(vault.Unreadable):
        vault.Unsealing(io.BytesIO(bytes(data)), "other" if harm == "other key" else "key").readall()


# ---------------------------------------------------------------- the drill


@pytest.mark.guard("F15", "S28", "G13")
@pytest.mark.django_db(transaction=True)
def test_a_backup_is_restored_into_an_empty_portal_and_nothing_differs(place):
    """Everything for real, once: pg_dump, a new database, pg_restore, every table's digest, the chain, the files."""
    _attach()
    user = User.objects.first()
    made = backups.write(at=clock.now())
    path = backups.folder() / made.name
    assert [one.name for one in backups.folder().iterdir()] == [path.name] and path.stat().st_mode & 0o077 == 0
    assert not any(said in path.read_bytes() for said in (b"PGDMP", b"manifest", user.username.encode()))

    said = connection.get_connection_params()
    name = f"{said['dbname']}_restored"
    own = connection.get_new_connection({**connection.get_connection_params(), "dbname": "postgres"})
    own.autocommit = True
    with own.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            environment = {
                **os.environ, "DATABASE_URL": f"postgres://{said['user']}@/{name}?host={said['host']}", "BACKUP_DIR": str(settings.BACKUP_DIR),
                "MEDIA_ROOT": str(place / "restored"), "BACKUP_KEY": settings.BACKUP_KEY, "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
            }  # fmt: skip
            command = [sys.executable, str(ROOT / "manage.py"), "restore"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert "全部相符" in done.stdout
            again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert again.returncode and "不是空的" in again.stderr
            with psycopg2.connect(dbname=name, host=said["host"], user=said["user"]) as restored, restored.cursor() as rows:
                rows.execute("SELECT count(*) FROM units_user WHERE username = %s", [user.username])
                assert rows.fetchone() == (1,)
                with pytest.raises(psycopg2.Error):  # the locks came with it
                    rows.execute("DELETE FROM core_entry")
            restored.close()
        finally:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    own.close()
    assert (place / "restored/attachments/ab/photo.jpg").read_bytes() == b"as it was" * 1000


@pytest.mark.guard("F15", "G13")
@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_compares_every_table_and_leaves_nothing_behind(place, capsys):
    _attach()
    made = backups.write(at=clock.now())
    call_command("rehearse_restore")
    said = capsys.readouterr().out
    assert "全部相符" in said and "core_entry" in said and "台账链" in said
    made.refresh_from_db()
    assert made.rehearsed_at and not made.rehearsal_fault
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE '%rehearsal%'")
        assert cursor.fetchone() == (0,)


@pytest.mark.guard("F15", "G13")
@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_fails_loudly_when_a_row_differs_or_a_file_was_missing(place, monkeypatch):
    _attach("attachments/ab/gone.jpg")
    true = backups.describe

    def otherwise(cursor):
        known = true(cursor)
        known["tables"]["units_unit"][1] = "1/1"
        return known

    monkeypatch.setattr(backups, "describe", otherwise)
    made = backups.write(at=clock.now())
    monkeypatch.undo()
    settings.BACKUP_DIR, settings.MEDIA_ROOT, settings.BACKUP_KEY = place / "backup", place / "media", "a key for a test"
    done = restoring.rehearse(backups.folder() / made.name, at=clock.now())
    assert [one.what for one in done.amiss] == ["units_unit", "附件登记"]
    with pytest.raises(CommandError, match="不能放心恢复"):
        call_command("rehearse_restore")
    assert any("演练不符" in said for said in nightly.standing(at=clock.now())["bad"])


@pytest.mark.guard("F15")
@pytest.mark.django_db(transaction=True)
def test_a_backup_under_other_keys_or_with_a_changed_part_is_refused_in_words(place, settings, monkeypatch):
    made = backups.write(at=clock.now())
    path = backups.folder() / made.name
    settings.BACKUP_KEY = "another"
    with pytest.raises(backups.BackupFault, match="密钥"):
        backups.read(path)
    settings.BACKUP_KEY = "a key for a test"
    monkeypatch.setattr(crypto, "unseal", lambda token: "〔无法解密〕")
    with pytest.raises(backups.BackupFault, match="FIELD_KEYS"):
        backups.read(path)
    monkeypatch.undo()
    settings.BACKUP_KEY = "a key for a test"
    with path.open("r+b") as file:
        file.seek(-40, os.SEEK_END)
        file.write(b"!")
    with pytest.raises(backups.BackupFault, match="改动"):
        restoring.rehearse(path, at=clock.now())
    made.refresh_from_db()
    assert "改动" in made.rehearsal_fault
    path.write_bytes(b"PK" + path.read_bytes())
    with pytest.raises(backups.BackupFault, match="不是本平台"):
        backups.read(path)


# ---------------------------------------------------------------- off this machine, every night


@pytest.mark.guard("S28")
@pytest.mark.django_db(transaction=True)
def test_a_copy_leaves_the_machine_and_one_that_cannot_is_told(place, settings):
    far = place / "far"
    far.mkdir()
    settings.BACKUP_COPY_TO = str(far)
    made = backups.write(at=clock.now())
    assert backups.read(far / made.name)[0]["name"] == made.name
    settings.BACKUP_COPY_TO = "false {file}"
    with pytest.raises(backups.BackupFault, match="送往异地"):
        backups.write(at=clock.now())
    assert Backup.objects.order_by("-pk").first().fault


@pytest.mark.guard("S28")
@pytest.mark.django_db
def test_a_backup_is_owed_once_a_night_and_again_after_a_failure():
    night = datetime(2026, 1, 5, 2, 30, tzinfo=civil.SHANGHAI)
    Backup.objects.create(name="a", began_at=night - timedelta(days=1), ended_at=night - timedelta(hours=23))
    assert not nightly.is_owed(night - timedelta(minutes=1))
    assert nightly.is_owed(night)
    failed = Backup.objects.create(name="b", began_at=night, fault="磁盘已满")
    assert not nightly.is_owed(night + timedelta(minutes=10))
    assert nightly.is_owed(night + timedelta(minutes=16))
    assert nightly.standing(at=night + timedelta(hours=1))["bad"] == []
    assert nightly.standing(at=night + timedelta(hours=3))["bad"] == ["备份已超过 26 小时没有成功，原因见备份进程的日志"]
    failed.delete()
    Backup.objects.create(name="c", began_at=night, ended_at=night + timedelta(minutes=1))
    assert not nightly.is_owed(night + timedelta(hours=23))


@pytest.mark.django_db(transaction=True)
def test_only_so_many_are_kept_here_and_a_draft_of_one_that_was_killed_goes(place, settings):
    settings.BACKUP_KEEP = 2
    backups.folder().mkdir()
    for name in ("portal-20200101-023000-aaaa", "portal-20200102-023000-aaaa", ".portal-20200103-023000-aaaa"):
        (backups.folder() / f"{name}{backups.SUFFIX}").touch()
    made = backups.write(at=clock.now())
    assert sorted(one.name for one in backups.folder().iterdir()) == ["portal-20200102-023000-aaaa.wybackup", made.name]
    assert backups.newest().name == made.name


@pytest.mark.guard("S28")
@pytest.mark.django_db(transaction=True)
def test_whoever_has_the_file_and_its_key_still_has_no_number_in_the_open(place):
    """Phones and names are sealed in their columns, under keys that are not the backup's."""
    dispatched(complainant_phone="13812345678", complainant_name="王小明")
    plain = b""
    with backups.opened(backups.folder() / backups.write(at=NOON).name) as archive:
        for member in archive:
            plain += archive.extractfile(member).read()
    dump = plain[plain.index(b"PGDMP") :]
    assert b"13812345678" not in dump and "王小明".encode() not in dump


@pytest.mark.guard("S28", "G6")
@pytest.mark.django_db
def test_a_monitor_hears_of_a_night_without_a_backup(client):
    Backup.objects.create(name="a", began_at=clock.now() - timedelta(days=3), fault="磁盘已满")
    said = client.get("/healthz").json()
    assert said["backup_age_hours"] is None and any("备份已超过 26 小时没有成功" in one for one in said["bad"]) and "磁盘已满" not in str(said)
