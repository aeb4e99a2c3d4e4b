"""The one clock of the portal: the database's. Doors read it once and hand it down as `at=`."""

from datetime import datetime

from django.db import connection

from core import stamps


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


def skew_seconds() -> float:
    """How far this machine's clock is from the database's, in seconds; positive when this machine is ahead."""
    with connection.cursor() as cursor:
        before = _machine_seconds()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        seconds = float(cursor.fetchone()[0])
        return (before + _machine_seconds()) / 2 - seconds


def _machine_seconds() -> float:
    return datetime.now().timestamp()  # noqa: DTZ005 - measured, never used as a moment
