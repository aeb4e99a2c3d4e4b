"""What every test stands on. The servers are started by tests/servers.py, before Django reads its settings."""

import io

import pytest
from django.core.management.commands import flush
from django.db import connection

from tests import story


class Snapshot:
    """The seeded world as rows: put back in a tenth of the time that making it takes."""

    def __init__(self):
        self.tables: dict[str, bytes] = {}
        self.sequences: list[tuple[str, int]] = []

    def take(self) -> None:
        """Keep every row of every table."""
        with connection.cursor() as cursor:
            for table in _tables(cursor):
                rows = io.BytesIO()
                cursor.copy_expert(f'COPY "{table}" TO STDOUT', rows)
                if rows.tell():
                    self.tables[table] = rows.getvalue()
            cursor.execute("SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL")
            self.sequences = cursor.fetchall()

    def put_back(self) -> None:
        """Empty every table and write the kept rows, past triggers and keys: they held when it was taken."""
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            try:
                empty(cursor)
                for table, rows in self.tables.items():
                    cursor.copy_expert(f'COPY "{table}" FROM STDIN', io.BytesIO(rows))
                for name, value in self.sequences:
                    cursor.execute("SELECT setval(%s, %s)", [name, value])
            finally:
                cursor.execute("SET session_replication_role = DEFAULT")


def _tables(cursor) -> list[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations' ORDER BY tablename")
    return [row[0] for row in cursor.fetchall()]


def empty(cursor) -> None:
    """Empty every table but the one that knows the migrations; nobody else can, the journal refuses it."""
    kept = {"django_content_type", "auth_permission"}
    names = ", ".join(f'"{table}"' for table in _tables(cursor) if table not in kept)
    cursor.execute(f"TRUNCATE {names}")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Every test starts in the seeded world: made once for a run, undone by each test's transaction, put back after one that commits."""
    snapshot = Snapshot()
    with django_db_blocker.unblock():
        story.seed()
        snapshot.take()
    snapshot.tables.pop("django_content_type", None)
    snapshot.tables.pop("auth_permission", None)
    plain = flush.Command.handle
    flush.Command.handle = lambda self, **options: snapshot.put_back()
    yield
    flush.Command.handle = plain


@pytest.fixture
def unseeded(request):
    """For the rooms below the plan, whose stories make their own world: no unit, no person, no plan."""
    marker = request.node.get_closest_marker("django_db")
    wanted = set(request.fixturenames) & {"db", "transactional_db", "live_server"}
    if marker is None and not wanted:
        return
    commits = bool(marker and marker.kwargs.get("transaction")) or bool(wanted - {"db"})
    request.getfixturevalue("transactional_db" if commits else "db")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        empty(cursor)
        cursor.execute("SET session_replication_role = DEFAULT")
