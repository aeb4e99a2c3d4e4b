"""What every test stands on. The servers are started by tests/servers.py, before Django reads its settings."""

import contextlib

import pytest
from django.core.management.commands import flush
from django.db import connection

from tests import story
from units.models import Unit


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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Every test starts in the seeded world: made once for a run, undone by each test's own transaction."""
    with django_db_blocker.unblock():
        story.seed()


@pytest.fixture(autouse=True)
def _world_after_flush(request):
    """A test that commits empties the tables when it ends: it finds the world seeded, and leaves it so for the next."""
    marker = request.node.get_closest_marker("django_db")
    commits = bool(marker and marker.kwargs.get("transaction"))
    if commits:
        request.getfixturevalue("transactional_db")
        if not Unit.objects.filter(code="task-force").exists():
            story.seed()
    yield
