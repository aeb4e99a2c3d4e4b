"""Paging by a real keyset: flat at any size, and blind to rows that come in meanwhile."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import DateTimeField, Field, Q, QuerySet

from core.errors import Invalid

PAGE_SIZE = 50


@dataclass(frozen=True)
class Page:
    """Some rows in order, and the cursors of the pages before and after (None at the ends)."""

    rows: list
    next: str | None
    previous: str | None


def page(queryset: QuerySet, *, order: tuple[str, ...], cursor: str | None = None, size: int = PAGE_SIZE) -> Page:
    """One page of `queryset` by the keyset `order`, e.g. ("-created_at", "-id"): all ascending or all descending.

    Fields of the table, or numbers and moments that it is annotated with, never null; the last must be unique. Invalid for a cursor that is not ours.
    """
    descending = order[0].startswith("-")
    names = [name.lstrip("-") for name in order]
    are_moments = [isinstance(_field(queryset, name), DateTimeField) for name in names]
    backwards, values = _decode(cursor, are_moments) if cursor else (False, None)
    direction = descending != backwards
    rows = queryset.order_by(*[f"{'-' if direction else ''}{name}" for name in names])
    if values is not None:
        rows = rows.filter(beyond(names, values, "lt" if direction else "gt"))
    try:
        found = list(rows[: size + 1])
    except (ValueError, OverflowError) as fault:
        raise Invalid("翻页标记无效，请回到第一页", field="cursor") from fault
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    has_next = more if not backwards else values is not None
    has_previous = more if backwards else values is not None
    return Page(
        rows=found,
        next=_encode(False, found[-1], names) if found and has_next else None,
        previous=_encode(True, found[0], names) if found and has_previous else None,
    )


def _field(queryset: QuerySet, name: str) -> Field:
    """What a field of the order holds, be it the table's or an annotation's."""
    said = queryset.query.annotations.get(name)
    return said.output_field if said is not None else queryset.model._meta.get_field(name)


def beyond(names: list[str], values: list, comparison: str) -> Q:
    """What comes after a row of these `values` in the order of `names`: `comparison` is "gt" ascending, "lt" descending."""
    condition = Q()
    for index, name in enumerate(names):
        same = Q(**dict(zip(names[:index], values[:index], strict=True)))
        condition |= same & Q(**{f"{name}__{comparison}": values[index]})
    # The leading field alone, said once more, lets the index bound the scan.
    return Q(**{f"{names[0]}__{comparison}e": values[0]}) & condition


def _encode(backwards: bool, row, names: list[str]) -> str:
    values = [getattr(row, name) for name in names]
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps([backwards, *plain]).encode()).decode().rstrip("=")


def _decode(cursor: str, are_moments: list[bool]) -> tuple[bool, list]:
    try:
        backwards, *plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value for value in plain]
        if not isinstance(backwards, bool) or len(values) != len(are_moments) or not all(map(_fits, values, are_moments)):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError, RecursionError) as fault:
        raise Invalid("翻页标记无效，请回到第一页", field="cursor") from fault
    return backwards, values


def _fits(value, is_moment: bool) -> bool:
    if is_moment:
        return isinstance(value, datetime) and value.tzinfo is not None and 2000 <= value.year <= 2100
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62
