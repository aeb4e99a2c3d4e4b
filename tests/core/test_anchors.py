"""What the chain cannot find by itself, an anchor published before finds; each harm is done as the tables' owner could (F14, G12)."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core import anchors, journal
from core.errors import Invalid
from core.models import Entry, entry_digest
from heating import almanac, anchoring
from notices.models import Notice
from tests.core.test_journal import NOON, write
from tests.story import unit

DAY = timedelta(days=1)


def _as_owner(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = DEFAULT")


def _chain_anew() -> None:
    """Every link made new after a row was changed, so that the chain itself holds again."""
    for entry in Entry.objects.order_by("position"):
        _as_owner(
            f"UPDATE core_entry e SET prev_hash = coalesce((SELECT hash FROM core_entry WHERE position = {entry.position - 1}), '') WHERE position = {entry.position}",
            f"UPDATE core_entry e SET hash = {entry_digest('e')} WHERE position = {entry.position}",
        )


@pytest.fixture
def published(db, unseeded, tmp_path, settings):
    """Three days of history, each day's head in a file."""
    settings.ANCHOR_FILE, settings.ANCHOR_UNITS = tmp_path / "elsewhere" / "anchors.txt", []
    for day in range(3):
        write(4)
        anchoring.generate(at=NOON + day * DAY)
        anchoring.generate(at=NOON + day * DAY + timedelta(hours=5))
    write(2)
    return settings.ANCHOR_FILE


@pytest.mark.guard("F14", "G12")
def test_each_day_gives_one_line_and_all_hold_while_nothing_is_rewritten(published, capsys):
    assert [line.split()[0] for line in published.read_text().splitlines()] == ["2025-11-14", "2025-11-15", "2025-11-16"]
    assert [one.position for one in anchors.newest(5)] == [12, 8, 4]
    call_command("verify_journal", "--anchors", str(published))
    assert "共 14 条，3 个锚点相符" in capsys.readouterr().out


@pytest.mark.guard("F14", "G12")
@pytest.mark.parametrize(
    ("harm", "position", "says"),
    [
        (["UPDATE core_entry SET reason = 'x' WHERE position = 6"], 6, "内容被改动"),
        (["UPDATE core_entry SET act = 'x' WHERE position = 6", f"UPDATE core_entry e SET hash = {entry_digest('e')} WHERE position = 6"], 7, "衔接不上"),
        (["DELETE FROM core_entry WHERE position = 6"], 7, "缺少第 6 条"),
        (["DELETE FROM core_entry WHERE position > 10"], 12, "尾部被截去"),
        (["DELETE FROM core_entry"], 4, "尾部被截去"),
    ],
)
def test_a_change_a_hole_and_a_cut_tail_are_found_and_named(published, harm, position, says):
    _as_owner(*harm)
    with pytest.raises(CommandError, match=f"第 {position} 条断开.*{says}"):
        call_command("verify_journal", "--anchors", str(published))


@pytest.mark.guard("F14", "G12")
def test_a_table_chained_anew_convinces_the_chain_but_not_the_anchors(published):
    _as_owner("UPDATE core_entry SET reason = 'never happened' WHERE position = 6")
    _chain_anew()
    call_command("verify_journal")
    with pytest.raises(CommandError, match="第 8 条断开.*整体重写"):
        call_command("verify_journal", "--anchors", str(published))
    with pytest.raises(CommandError, match="第 12 条断开"):
        call_command("verify_journal", "--anchor", published.read_text().splitlines()[-1].split()[1])


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["", "12", "12:abc", "x:" + "a" * 64, "1" * 30 + ":" + "a" * 64, "12:" + "；" * 64])
def test_what_is_no_anchor_is_said_to_be_none(said):
    with pytest.raises(Invalid):
        anchors.parse(said)
    with pytest.raises(CommandError, match="锚点"):
        call_command("verify_journal", "--anchor", said)


@pytest.mark.guard("F14")
@pytest.mark.django_db
def test_the_calendar_takes_it_and_the_units_named_are_told_once(settings, tmp_path):
    settings.ANCHOR_FILE, settings.ANCHOR_UNITS = tmp_path / "anchors.txt", ["urban-management", "nobody"]
    assert anchoring.generate in almanac.KEEPERS
    journal.record(type("Thing", (), {"journal_kind": "thing", "journal_key": "1"}), "act", actor=None, at=NOON)
    anchoring.generate(at=NOON)
    anchoring.generate(at=NOON)
    assert Notice.objects.filter(unit=unit("urban-management"), subject="台账锚点 2025-11-14").count() == 1


@pytest.mark.django_db
def test_an_anchor_that_cannot_be_published_is_not_taken(settings, tmp_path):
    settings.ANCHOR_FILE, settings.ANCHOR_UNITS = tmp_path, []
    journal.record(type("Thing", (), {"journal_kind": "thing", "journal_key": "1"}), "act", actor=None, at=NOON)
    almanac.keep(NOON)
    assert anchors.newest(1) == []
