"""The one clock of the portal: the database's. Doors read it once and hand it down as `at=`."""

import contextlib
from collections.abc import Iterator
from datetime import datetime

from django.db import DatabaseError, connection

from core import stamps
from core.errors import Conflict

STILL = 0x57_59_53_54


def now() -> datetime:
    """The database's wall clock, aware, to the microsecond.

    A machine whose own clock is wrong by an hour escalates nothing early, because nobody asks it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def of_request() -> datetime:
    """The moment at which this request's stamps were read, by the same clock, so that it need not be asked for; now() where none are held."""
    return stamps.read_at() or now()


@contextlib.contextmanager
def standing_still() -> Iterator[None]:
    """While this lasts beat and watchdog do nothing: somebody plays another time, and the present would break into it.

    Held by a connection of its own, so that it ends with its process however that ends. Conflict where somebody plays already.
    """
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [STILL])
            if not cursor.fetchone()[0]:
                raise Conflict("正在演练另一段时间，请等它结束")
        try:
            yield
        finally:
            with contextlib.suppress(DatabaseError), holder.cursor() as cursor:  # its end frees it too, but in its own time
                cursor.execute("SELECT pg_advisory_unlock(%s)", [STILL])
    finally:
        holder.close()


def stands_still() -> bool:
    """Whether somebody plays another time just now: the doors of beat and watchdog ask it before they act."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = %s AND granted)", [STILL])
        return cursor.fetchone()[0]


def skew_seconds() -> float:
    """How far this machine's clock is from the database's, in seconds; positive when this machine is ahead."""
    with connection.cursor() as cursor:
        before = _machine_seconds()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        seconds = float(cursor.fetchone()[0])
        return (before + _machine_seconds()) / 2 - seconds


def _machine_seconds() -> float:
    return datetime.now().timestamp()  # noqa: DTZ005 - measured, never used as a moment
