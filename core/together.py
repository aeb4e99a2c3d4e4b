"""What a page asks together: selectors that wait for each other, so that one statement answers all of them (P9).

A selector that may wait is a generator: it yields the querysets that it needs and goes on when they hold their rows.

    @may_wait
    def late(user, *, at) -> Waiting[int]:
        found = visible_to(user).filter(due_at__lt=at)
        yield found
        return len(found)

Called as any function, `late(user, at=at)`, it asks by itself. A page lets it wait: `together(late=late.later(user, at=at),
newest=visible_to(user)[:8])` has both answers from one statement, and so from one moment. What is asked, and of whom it is
visible, stays in the selectors; a queryset is filled with the very rows, models and values that it would have asked for alone.
"""

from collections.abc import Callable, Generator, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from django.utils.dateparse import parse_duration

from core.one_trip import Question, ask

Given, Answer = ParamSpec("Given"), TypeVar("Answer")
Waiting = Generator[QuerySet | Iterable[QuerySet], None, Answer]

# How a column comes back from JSON as the driver would have handed it over, by the kind of its field; None: as it is.
READ = {
    models.BooleanField: None, models.CharField: None, models.FileField: None, models.GenericIPAddressField: None, models.IntegerField: None,
    models.TextField: None, ArrayField: None, models.DateField: date.fromisoformat, models.DateTimeField: datetime.fromisoformat, models.TimeField: time.fromisoformat, models.UUIDField: UUID,
    models.DecimalField: Decimal, models.DurationField: parse_duration, models.FloatField: float, models.JSONField: str,
}  # fmt: skip
AS_TEXT = {models.DecimalField, models.DurationField, models.FloatField, models.JSONField}  # what would lose something as JSON


class may_wait(Generic[Given, Answer]):  # noqa: N801 (a decorator)
    """A selector that asks by itself when it is called, or with others when it is called by `later`."""

    def __init__(self, selector: Callable[Given, Waiting[Answer]]):
        self.later = selector
        update_wrapper(self, selector)

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        waiting = self.later(*args, **kwargs)
        while True:
            try:
                next(waiting)  # each queryset is asked when the selector looks at it, as ever
            except StopIteration as end:
                return end.value


def together(**asked: Waiting | QuerySet) -> dict[str, object]:
    """The answers under their names, a queryset's as a list. One statement a round: whoever needs another's rows first waits for the next."""
    waiting = side_by_side(**asked)
    while True:
        try:
            fill(next(waiting))
        except StopIteration as end:
            return end.value


def side_by_side(**asked: Waiting | QuerySet) -> Waiting[dict[str, object]]:
    """The same within a selector that may wait itself: `found = yield from side_by_side(…)`."""
    answers = dict.fromkeys(asked)
    waiting = {name: _rows(one) if isinstance(one, QuerySet) else one for name, one in asked.items()}
    while waiting:
        wanted: list[QuerySet] = []
        for name, one in list(waiting.items()):
            try:
                said = next(one)
                wanted += [said] if isinstance(said, QuerySet) else said
            except StopIteration as end:
                answers[name] = end.value
                del waiting[name]
        if wanted:
            yield wanted
    return answers


def _rows(queryset: QuerySet) -> Waiting[list]:
    yield queryset
    return list(queryset)


def aggregated(queryset: QuerySet, **figures) -> QuerySet:
    """What `aggregate` would ask at once, as a queryset of one row that may wait; `only_row` reads it."""
    return queryset.order_by().values(of_all=Value(1)).annotate(**figures).values(*figures)


def only_row(asked: QuerySet) -> dict:
    """The figures of `aggregated`; of nothing where its condition lets nothing through."""
    for row in asked:
        return row
    return {name: figure.empty_result_set_value for name, figure in asked.query.annotation_select.items()}


# ---------------------------------------------------------------- many querysets in one statement


def fill(querysets: Iterable[QuerySet]) -> None:
    """Ask all of these with one statement: afterwards each holds its rows. One alone is left to ask for itself."""
    compiled = [(queryset, one) for queryset in querysets if queryset._result_cache is None and (one := _Compiled.of(queryset))]
    if len(compiled) > 1:
        for (queryset, one), rows in zip(compiled, ask(*(one.question for _, one in compiled)), strict=True):
            one.hand_over(queryset, rows or ())


class _Compiled:
    """A queryset as its compiler writes it, and the way back from JSON to the rows that the compiler expects."""

    def __init__(self, compiler: SQLCompiler, sql: str, values: tuple):
        self.compiler = compiler
        kinds = {f"c{place}": _kind(expression.output_field) for place, (expression, _, _) in enumerate(compiler.select)}
        columns = ", ".join(f"{name}::text AS {name}" if kind in AS_TEXT else name for name, kind in kinds.items())
        self.question = Question(f"SELECT json_agg(r) FROM (SELECT {columns} FROM ({sql}) AS q ({', '.join(kinds)})) AS r", tuple(values))
        self.readers = [(name, READ[kind]) for name, kind in kinds.items() if READ[kind]]

    @classmethod
    def of(cls, queryset: QuerySet) -> "_Compiled | None":
        """None for one that finds nothing whatever the tables hold: it asks nothing."""
        compiler = queryset.query.get_compiler(using=queryset.db)
        try:
            return cls(compiler, *compiler.as_sql())
        except EmptyResultSet:
            return None

    def hand_over(self, queryset: QuerySet, rows: Iterable[dict]) -> None:
        """The queryset makes of its rows what it always does, only that they are there already."""
        for row in rows:
            for name, read in self.readers:
                if row[name] is not None:
                    row[name] = read(row[name])
        self.compiler.execute_sql = lambda *_, **__: [[tuple(row.values()) for row in rows]]
        queryset.query.get_compiler = lambda *_, **__: self.compiler
        try:
            len(queryset)
        finally:
            del queryset.query.get_compiler


def _kind(field: models.Field) -> type[models.Field]:
    """The nearest of its kinds whose way through JSON is known; TypeError for one that has none."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    known = next((kind for kind in type(field).__mro__ if kind in READ), None)
    if known is None or (known is ArrayField and READ[_kind(field.base_field)]):
        raise TypeError(f"{type(field).__name__} has no way through JSON")
    return known
