"""The account as which the portal runs: it does all that the portal does, and cannot touch what was written (S9, R10)."""

import secrets

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from complaints import retention
from core import anchors, journal
from core.models import Entry
from heating import almanac, hardening
from tests.story import DAY, HOUR, MINUTE, NOON, arrive, call_back, dispatched, finish, fresh, received, respond, tick

pytestmark = [pytest.mark.django_db, pytest.mark.guard("S9", "G12")]
ROLE, LONG = "portal_app_of_a_test", secrets.token_urlsafe(18)


@pytest.fixture
def as_application(db):
    """Whatever follows runs as the application's account."""
    hardening.harden(ROLE, LONG)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        yield
        cursor.execute("RESET ROLE")


def refused(*statements: str) -> bool:
    """Whether the database refuses the last of these statements for want of the right."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except ProgrammingError as fault:
        return "permission denied" in str(fault) or "must be owner" in str(fault)
    return False


def test_the_portal_does_its_work_as_an_account_that_owns_nothing(as_application):
    ticket = dispatched()
    respond(ticket, NOON + 5 * MINUTE)
    arrive(ticket, NOON + 20 * MINUTE)
    finish(ticket, NOON + HOUR)
    call_back(ticket, NOON + 2 * HOUR, kind="result", reached=True, solved=True, satisfaction="satisfied")
    late = received()
    tick(NOON + HOUR)
    almanac.keep(NOON + 2 * HOUR)
    assert fresh(ticket).state == "closed" and fresh(late).due_at and Entry.objects.filter(act="escalate").exists()
    assert anchors.take(at=NOON + DAY) is not None and journal.verify() is None
    assert retention.forget(at=NOON + 900 * DAY) == 1 and fresh(ticket).content == retention.FORGOTTEN


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE core_entry SET reason = 'x'"], ["DELETE FROM core_entry"], ["TRUNCATE core_entry"], ["DELETE FROM core_anchor"], ["UPDATE core_anchor SET position = 1"],
        ["ALTER TABLE core_entry DISABLE TRIGGER ALL"], ["DROP TRIGGER pgtrigger_never_emptied_d68d3 ON core_entry"], ["DROP TABLE core_entry"],
        ["SET LOCAL session_replication_role = replica"], ["DELETE FROM complaints_ticketevent"], ["UPDATE complaints_ticketevent SET state = 'closed'"],
        ["CREATE TABLE public.own (x int)"], ["CREATE TRIGGER t BEFORE INSERT ON core_entry FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"],
        ["CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN AS 'SELECT TRUE' LANGUAGE sql"],
        ["DELETE FROM django_migrations"], ["TRUNCATE complaints_ticket CASCADE"],
    ],
    ids=lambda said: said[-1][:50],
)  # fmt: skip
def test_what_was_written_and_its_locks_are_out_of_its_reach(as_application, statements):
    received()
    assert refused(*statements)


def test_no_setting_of_a_session_lets_a_forged_link_into_the_chain(as_application):
    received()
    name = "pgtrigger_chain"
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'core_entry'::regclass AND NOT tgisinternal")
        names = [row[0] for row in cursor.fetchall()]
        assert any(one.startswith(name) for one in names)
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + ",".join(names) + "}"])
        cursor.execute(
            "INSERT INTO core_entry (at, subject_kind, subject_key, act, actor_name, unit_code, reason, data, position, prev_hash, hash)"
            " VALUES (now(), 'ticket', 'x', 'forged', '', '', '', '{}', 999999, 'x', 'y')"
        )
    assert Entry.objects.get(act="forged").position < 999999 and journal.verify() is None
    assert refused("UPDATE core_entry SET reason = 'x'")


def test_it_is_made_once_brought_up_to_date_afterwards_and_checked(capsys, settings):
    settings.APP_DB_PASSWORD = LONG[:8]
    with pytest.raises(CommandError, match="至少 16 位"):
        call_command("harden_database", "--role", ROLE)
    with pytest.raises(CommandError, match=f"没有角色 {ROLE}"):
        call_command("harden_database", "--role", ROLE, "--check")
    settings.APP_DB_PASSWORD = LONG
    call_command("harden_database", "--role", ROLE)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT UPDATE ON core_entry TO {ROLE}")
    with pytest.raises(CommandError, match="core_entry 执行 UPDATE"):
        call_command("harden_database", "--role", ROLE, "--check")
    settings.APP_DB_PASSWORD = ""
    call_command("harden_database", "--role", ROLE)
    call_command("harden_database", "--role", ROLE, "--check")
    assert "只能追加" in capsys.readouterr().out


@pytest.mark.parametrize("role", ["", "Portal", 'x"; DROP TABLE core_entry; --', "a" * 64])
def test_a_name_that_is_none_and_the_owner_itself_are_refused(role):
    with pytest.raises(CommandError, match="角色名"):
        call_command("harden_database", "--role", role)
    with pytest.raises(CommandError, match="而不是以"):
        call_command("harden_database", "--role", hardening.current_role())
