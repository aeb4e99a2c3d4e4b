"""A portal of the release before, with its data, becomes this one by `migrate`: nothing is lost, and everything can be read."""

import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from heating import backups, embedded

ROOT = Path(__file__).resolve().parents[2]
BEFORE = Path(__file__).parent / "data" / "release-2026-11-23.dump.xz"
NAME = "release_before"
LOOK = """
import json
from django.test import Client
from complaints.models import Ticket
from core import journal
from deadlines.models import Deadline, Escalation
from units import access
from units.models import User
late = Ticket.objects.get(external_no="U1")
pages = {}
for who in ("bureau", "dispatcher", "heating1", "street", "admin"):
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username=who))
    for path in ("/", f"/tickets/{late.number}/", "/oversight/", "/system/", "/obligations/", "/tickets/?q=漏水"):
        pages[f"{who} {path}"] = client.get(path).status_code
print(json.dumps({"tickets": dict(Ticket.objects.values_list("external_no", "state")), "name": late.complainant_name, "phone": late.complainant_phone,
    "broken": journal.verify() and journal.verify().why, "entries": journal.head()[0], "clocks": Deadline.objects.count(), "escalations": Escalation.objects.count(),
    "pages": pages, "found": "U2" in {t.external_no for t in Ticket.objects.filter(content__contains="漏水")}, "administers": access.everywhere(User.objects.get(username="admin"), access.ADMINISTER)}))
"""


@pytest.fixture
def place(transactional_db, tmp_path):
    """The release before, in a database of its own; its environment."""
    said = backups.here()
    _as_owner(said, f"DROP DATABASE IF EXISTS {NAME}", f"CREATE DATABASE {NAME} TEMPLATE template0 ENCODING 'UTF8'")
    dump = tmp_path / "before.dump"
    dump.write_bytes(lzma.decompress(BEFORE.read_bytes()))
    environment = backups.environment({**said, "dbname": NAME})
    subprocess.run([embedded.program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", "-d", NAME, dump], env=environment, check=True)
    own = {**os.environ, "DATABASE_URL": _url(said), "PORTAL_VAR": str(tmp_path), "FIELD_KEYS": "the-key-of-the-release-before", "PYTHONPATH": str(ROOT)}
    yield {name: value for name, value in own.items() if not name.startswith("PYTEST")}
    _as_owner(said, f"DROP DATABASE {NAME} WITH (FORCE)")


def _url(said: dict) -> str:
    host = said.get("host", "")
    return f"postgres://{said.get('user', '')}:{said.get('password', '') or ''}@{'' if host.startswith('/') else host}:{said.get('port') or ''}/{NAME}{f'?host={host}' if host.startswith('/') else ''}".replace(":@", "@").replace("@:/", "@/")


def _as_owner(said: dict, *statements: str) -> None:
    line = psycopg2.connect(**{name: value for name, value in said.items() if name in ("host", "port", "user", "password")}, dbname=said["dbname"])
    line.autocommit = True
    with line.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    line.close()


def manage(environment: dict, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{arguments}: {done.stdout[-500:]}{done.stderr[-1500:]}"
    return done.stdout


def test_the_release_before_is_migrated_with_everything_it_held(place):
    connection.close()
    manage(place, "migrate", "-v0")
    assert "No migrations to apply" in manage(place, "migrate")
    seen = json.loads(manage(place, "shell", "-v", "0", "-c", LOOK).splitlines()[-1])
    assert seen["tickets"] == {"U1": "finished", "U2": "dispatched", "U3": "received"}
    assert (seen["name"], seen["phone"]) == ("张大伟", "13912345678"), "以前的密文仍读得出"
    assert seen["broken"] is None and seen["entries"] > 400 and seen["clocks"] > 400 and seen["escalations"] > 0
    assert seen["found"] and seen["administers"]
    assert {path: status for path, status in seen["pages"].items() if status >= 500} == {}
    assert {seen["pages"][f"{who} /"] for who in ("bureau", "dispatcher", "heating1", "street", "admin")} == {200}
    counts = json.loads(manage(place, "reliability_counts", "--json"))
    assert counts["tickets"] == 3 and counts["escalations"] == counts["distinct_escalations"]
