"""The journal is chained by the database, and refuses to forget."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.db import DatabaseError, connection, transaction

from core import journal
from core.models import Entry

pytestmark = pytest.mark.usefixtures("unseeded")
NOON = datetime(2025, 11, 14, 4, 0, tzinfo=UTC)


class Thing:
    journal_kind, journal_key = "thing", "T1"


def write(count):
    for number in range(count):
        journal.record(Thing, "act", actor=None, at=NOON + timedelta(seconds=number), number=number)


@pytest.mark.django_db
def test_entries_are_numbered_and_chained_in_one_statement_too():
    write(3)
    journal.record_many([journal.entry(Thing, "bulk", actor=None, at=NOON, n=n) for n in range(50)])
    assert list(Entry.objects.order_by("position").values_list("position", flat=True)) == list(range(1, 54))
    assert journal.verify() is None


@pytest.mark.django_db
@pytest.mark.parametrize("act", ["UPDATE core_entry SET act = 'x'", "DELETE FROM core_entry", "TRUNCATE core_entry"])
def test_the_database_refuses_to_change_delete_or_empty_it(act):
    write(2)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(act)
    assert journal.verify() is None and Entry.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("tampering", "position"),
    [
        ("UPDATE core_entry SET data = '{\"number\": 99}' WHERE position = 3", 3),
        ("UPDATE core_entry SET at = at + interval '1 microsecond' WHERE position = 2", 2),
        ("DELETE FROM core_entry WHERE position = 4", 5),
        ("UPDATE core_entry SET prev_hash = '' WHERE position = 5", 5),
    ],
)
def test_verify_names_the_first_broken_link_after_an_owner_tampered(tampering, position):
    write(6)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(tampering)
        cursor.execute("SET session_replication_role = DEFAULT")
    assert journal.verify().position == position


@pytest.mark.django_db
def test_a_tail_cut_off_is_found_by_an_anchor_published_before():
    write(6)
    position, digest = journal.head()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM core_entry WHERE position > 4")
        cursor.execute("SET session_replication_role = DEFAULT")
    assert journal.verify() is None
    assert journal.verify(position=position, hash=digest).position == position


@pytest.mark.django_db(transaction=True)
def test_eight_writers_at_once_make_one_chain_without_a_break():
    def run():
        try:
            write(25)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Entry.objects.count() == 200
    assert journal.verify() is None
