"""What every test stands on. The servers are started by tests/servers.py, before Django reads its settings."""

import contextlib
import io
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.management.commands import flush
from django.db import connection

from tests import story

# A password that takes long to guess takes long to set and to ask, hundreds of times; the browser's portals keep the real cost.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 64, 1
BY_MIGRATIONS = ["django_migrations", "django_content_type", "auth_permission"]
# A file is one worker's: the longest are begun first, that all workers end together.
LONGEST = [
    "browser/test_start.py", "browser/test_pages.py", "browser/test_scripts.py", "browser/test_residents.py", "browser/test_journeys.py", "browser/test_inspections.py",
    "heating/test_isolation.py", "heating/test_doors.py", "complaints/test_residents.py", "deadlines/test_obligations.py", "heating/test_load_plan.py",
    "heating/test_attacks.py", "heating/test_confidence.py", "complaints/test_api.py", "complaints/test_import_life.py", "heating/test_planfile.py",
    "heating/test_upgrade.py", "heating/test_backups.py", "notices/test_outbox.py", "heating/test_deployment.py", "notices/test_delivery.py",
    "heating/test_demo_inspections.py", "supply/test_curtailment.py", "supply/test_reports.py", "oversight/test_statistics.py", "complaints/test_property.py",
    "heating/test_embedded.py", "heating/test_rehearsal.py", "heating/test_demo_duty.py", "units/test_login.py", "notices/test_endpoints.py",
]  # fmt: skip


def pytest_collection_modifyitems(items):
    """The longest files first; the others as they stand."""
    here = Path(__file__).parent
    place = {here / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


class Snapshot:
    """The seeded world as rows: put back in a fiftieth of the time that making it takes."""

    def __init__(self):
        self.tables: dict[str, bytes] = {}
        self.sequences: list[tuple[str, int]] = []

    def take(self) -> None:
        """Keep every row of every table."""
        with connection.cursor() as cursor:
            self.tables = {table: rows for table in _tables(cursor) if (rows := _rows_of(cursor, table))}
            cursor.execute("SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL")
            self.sequences = cursor.fetchall()

    def put_back(self) -> None:
        """Write the kept rows anew in the tables that hold others, past triggers and keys: they held when it was taken.

        To empty all tables takes twenty times as long. What is deleted is vacuumed away, so that the rows lie in the order
        in which they were first written.
        """
        with connection.cursor() as cursor:
            touched = [table for table in _tables(cursor) if _rows_of(cursor, table) != self.tables.get(table, b"")]
            if touched:
                empty(cursor, touched)
                cursor.execute("VACUUM " + ", ".join(f'"{table}"' for table in touched))
            with _unguarded(cursor):
                for table in set(touched) & set(self.tables):
                    cursor.copy_expert(f'COPY "{table}" FROM STDIN', io.BytesIO(self.tables[table]))
            for name, value in self.sequences:
                cursor.execute("SELECT setval(%s, %s)", [name, value])


def _tables(cursor) -> list[str]:
    """Every table but those that only the migrations fill."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s) ORDER BY tablename", [BY_MIGRATIONS])
    return [row[0] for row in cursor.fetchall()]


def _rows_of(cursor, table: str) -> bytes:
    rows = io.BytesIO()
    cursor.copy_expert(f'COPY "{table}" TO STDOUT', rows)
    return rows.getvalue()


@contextlib.contextmanager
def _unguarded(cursor):
    """Past triggers and keys."""
    cursor.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        cursor.execute("SET session_replication_role = DEFAULT")


def empty(cursor, tables: list[str]) -> None:
    """Delete every row of these tables; nobody else can, the journal refuses it."""
    with _unguarded(cursor):
        cursor.execute("; ".join(f'DELETE FROM "{table}"' for table in tables))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Every test starts in the seeded world: made once for a run, undone by each test's transaction, put back after one that commits."""
    snapshot = Snapshot()
    with django_db_blocker.unblock():
        story.seed()
        snapshot.take()
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
        empty(cursor, _tables(cursor))
