"""What every test stands on. The servers are started by tests/servers.py, before Django reads its settings."""

import contextlib

import pytest
from django.core.management.commands import flush
from django.db import connection


@pytest.fixture(scope="session", autouse=True)
def _flush_spares_no_table():
    """The journal refuses TRUNCATE; a test that commits may empty it all the same, as nobody else can."""
    plain = flush.Command.handle

    def handle(self, **options):
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                return plain(self, **options)
            finally:
                with contextlib.suppress(Exception):
                    cursor.execute("SET session_replication_role = DEFAULT")

    flush.Command.handle = handle
    yield
    flush.Command.handle = plain
