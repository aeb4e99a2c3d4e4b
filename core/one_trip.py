"""What goes to the database together: many questions in one statement, rows of many tables in one round trip.

Most of what a short piece of work costs is the way there and back. Who has several things to ask puts each as a `Question`
and asks them at once; who has rows for several tables hands them over in the order in which they are to be written.
Several INSERTs in one text need a driver that fills in the values itself, as psycopg2 does (docs/decisions/0015).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from django.db import connection, connections, models
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

MOST_ROWS = 1000  # of one table in one INSERT
FEW = 20  # rows that are written out one by one
# Fields whose value goes to the database as it stands; the others are asked what they make of it.
PLAIN = {
    models.BigAutoField, models.BigIntegerField, models.BooleanField, models.CharField, models.DateTimeField, models.ForeignKey, models.PositiveIntegerField,
    models.PositiveSmallIntegerField, models.TextField,
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A subquery of one row and one column, with its parameters. Several rows are answered as one array or one `json_agg`."""

    sql: str
    values: tuple = ()


def ask(*questions: Question) -> tuple:
    """The answers, in the order of the questions, from one statement: they hold at one and the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(f'({question.sql})' for question in questions)}", [value for question in questions for value in question.values]
        )
        return cursor.fetchone()


def new_keys(model: type[Model], count: int) -> Question:
    """The keys of `count` rows to come, taken from the sequence of their table: what is known beforehand need not be read back."""
    table, column = model._meta.db_table, model._meta.pk.column
    return Question(f"SELECT array_agg(nextval(pg_get_serial_sequence('{table}', '{column}'))) FROM generate_series(1, %s)", (count,))


@dataclass(frozen=True)
class Rows:
    """Rows of one table to be written, alike in what is left to the database. `once`: those whose key is known already are left as they are."""

    rows: Sequence[Model]
    once: bool = False


def write(*tables: Rows) -> None:
    """Write the rows of each table, in the given order, in one round trip: in the caller's transaction, or, where there is none, in one
    of their own, as PostgreSQL takes what reaches it as one text.

    IntegrityError, with nothing written, where the database refuses one of them.
    """
    statements, values = [], []
    for table in tables:
        for first in range(0, len(table.rows), MOST_ROWS):
            sql, given = _insert(table.rows[first : first + MOST_ROWS], once=table.once)
            statements.append(sql)
            values += given
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(";\n".join(statements), values)
    for table in tables:
        for row in table.rows:
            row._state.adding, row._state.db = False, connection.alias


@dataclass(frozen=True)
class _Plan:
    """How rows of a model are inserted: the INSERT up to its rows, its fields, whether each is PLAIN, and the types of the columns as arrays
    (None where one of them is an array itself).
    """

    head: str
    fields: tuple[tuple[models.Field, bool], ...]
    arrays: str | None


@cache
def _plan(model: type[Model], left_out: frozenset[str]) -> _Plan:
    fields = [field for field in model._meta.concrete_fields if field.attname not in left_out]
    names = ", ".join(f'"{field.column}"' for field in fields)
    types = [field.db_type(connection) for field in fields]
    arrays = None if any("[" in one for one in types) else ", ".join(f"%s::{one.split('(')[0]}[]" for one in types)
    plain = tuple((field, type(field) in PLAIN and not getattr(field, "auto_now", False)) for field in fields)
    return _Plan(f'INSERT INTO "{model._meta.db_table}" ({names})', plain, arrays)


def _insert(rows: Sequence[Model], *, once: bool) -> tuple[str, list]:
    """One INSERT. What the database fills in by itself, keys included, is left to it."""
    first = rows[0].__dict__
    pk = rows[0]._meta.pk.attname
    left_out = {name for name, value in first.items() if isinstance(value, DatabaseDefault)}
    plan = _plan(type(rows[0]), frozenset(left_out | {pk} if first[pk] is None else left_out))
    database = connections[connection.alias]
    columns = [
        [row.__dict__[field.attname] for row in rows] if is_plain else [field.get_db_prep_save(field.pre_save(row, True), database) for row in rows]
        for field, is_plain in plan.fields
    ]
    end = " ON CONFLICT DO NOTHING" if once else ""
    if len(rows) <= FEW or plan.arrays is None:
        row = f"({', '.join(['%s'] * len(columns))})"
        return f"{plan.head} VALUES {', '.join([row] * len(rows))}{end}", list(chain.from_iterable(zip(*columns, strict=True)))
    # Many rows are handed over as one array a column: planned in no time, however many.
    return f"{plan.head} SELECT * FROM unnest({plan.arrays}){end}", columns
