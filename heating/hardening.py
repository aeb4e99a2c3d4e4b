"""The portal runs as an account that owns nothing: whoever breaks into it cannot rewrite the journal or switch its locks off (S9, R10).

The owner of the tables migrates and restores; the application's account reads and writes rows. Of the history it may only add to it.
"""

import re

from django.apps import apps
from django.db import connection
from pghistory.models import Event
from psycopg2 import sql

from core.models import Anchor, Entry

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LEAST_PASSWORD = 16
# What of the history is forgotten after its term all the same (complaints/retention.py).
MAY_FORGET = {"complaints_ticketevent": ("title",)}
# As the settings say it for each connection; here also for those that come through a pool (docs/operations.md).
PATIENCE = {"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s", "jit": "off"}
# pgtrigger lets any session leave triggers out by a setting of its own. Nothing here does; so nobody may.
NEVER_IGNORED = """
CREATE OR REPLACE FUNCTION "public"._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN AS $$ SELECT FALSE $$ LANGUAGE sql IMMUTABLE
"""


class Unfit(Exception):
    """It cannot be done, or does not hold; the message says why, in Chinese."""


def history() -> list[str]:
    """The tables to which is only added: the journal, its anchors, and the versions of rows."""
    events = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, Event))
    return [Entry._meta.db_table, Anchor._meta.db_table, *events]


def harden(role: str, password: str) -> None:
    """Make `role`, or bring it up to date, as the application's account. Run as the owner, after each migration. Unfit."""
    if not NAME.fullmatch(role):
        raise Unfit(f"角色名“{role[:63]}”应为小写字母、数字和下划线")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database(), EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        owner, database, exists = cursor.fetchone()
        if owner == role:
            raise Unfit(f"请以表的所有者运行，而不是以 {role} 自己")
        if not exists and len(password) < LEAST_PASSWORD:
            raise Unfit(f"请设置 APP_DB_PASSWORD，至少 {LEAST_PASSWORD} 位")
        names = {"role": sql.Identifier(role), "owner": sql.Identifier(owner), "database": sql.Identifier(database)}

        def run(statement: str, **more) -> None:
            cursor.execute(sql.SQL(statement).format(**names, **more))

        if not exists:
            run("CREATE ROLE {role}")
        run("ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT")
        if password:
            run("ALTER ROLE {role} PASSWORD {password}", password=sql.Literal(password))
        for name, value in PATIENCE.items():
            run("ALTER ROLE {role} SET {name} = {value}", name=sql.Identifier(name), value=sql.Literal(value))
        run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        run("GRANT CONNECT ON DATABASE {database} TO {role}")
        run("GRANT USAGE ON SCHEMA public TO {role}")
        run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
        run("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        run("REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}")
        for table in history():
            run("REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM PUBLIC, {role}", table=sql.Identifier(table))
            for column in MAY_FORGET.get(table, ()):
                run("GRANT UPDATE ({column}) ON {table} TO {role}", table=sql.Identifier(table), column=sql.Identifier(column))
        cursor.execute(NEVER_IGNORED)
    faults = faults_of(role)
    if faults:
        raise Unfit("；".join(faults))


def faults_of(role: str) -> list[str]:
    """What `role` could do to the history although it must not; empty when all is well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = %s", [role])
        found = cursor.fetchone()
        if found is None:
            return [f"没有角色 {role}"]
        oid, *powers = found
        faults = [f"{role} 有超级用户、建角色或绕过行级权限的权力"] if any(powers) else []
        cursor.execute("SELECT r.rolname FROM pg_roles r WHERE r.oid <> %s AND pg_has_role(%s, r.oid, 'MEMBER')", [oid, role])
        faults += [f"{role} 是 {row[0]} 的成员" for row in cursor.fetchall()] if not any(powers) else []
        cursor.execute("SELECT relname FROM pg_class WHERE relowner = %s AND relkind IN ('r', 'p', 'S', 'v') ORDER BY 1 LIMIT 5", [oid])
        faults += [f"{role} 是 {row[0]} 的所有者" for row in cursor.fetchall()]
        for table in history():
            cursor.execute("SELECT array_agg(p) FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) p WHERE has_table_privilege(%s, %s, p)", [role, table])
            held = cursor.fetchone()[0]
            faults += [f"{role} 可以对 {table} 执行 {'、'.join(held)}"] if held else []
        cursor.execute("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [role])
        faults += [f"{role} 可以在 public 里建表"] if cursor.fetchone()[0] else []
    return faults


def current_role() -> str:
    """The account as which this process itself is connected."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]

