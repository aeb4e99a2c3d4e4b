"""How often is too often: counted in the database, so that it holds in every process and without the broker."""

import hashlib
from datetime import datetime, timedelta

from django.db import connection

from core.civil import SHANGHAI
from core.errors import TooMany
from core.models import Tally

_COUNT = """
    INSERT INTO core_tally (key, count, until) VALUES (%s, 1, %s)
    ON CONFLICT (key) DO UPDATE SET count = core_tally.count + 1
    RETURNING count
"""


def count(scope: str, whose: str, *, window: timedelta, at: datetime) -> int:
    """Count one more of `scope` for `whose` (an address, a phone, a code) in the present window; how many that makes.

    Nothing personal is kept: the key is a digest. Call it outside the transaction that it guards, or a refusal undoes it.
    """
    key, until = _key(scope, whose, window, at)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key, until])
        return cursor.fetchone()[0]


def is_first(scope: str, *, window: timedelta, at: datetime) -> bool:
    """Whether this is the first call of `scope` in the present window: of a queue of the same task, one does the work."""
    return count(scope, "", window=window, at=at) == 1


def counted(scope: str, whose: str, *, window: timedelta, at: datetime) -> int:
    """How many there were in the present window, without counting one."""
    key, _ = _key(scope, whose, window, at)
    return Tally.objects.filter(key=key).values_list("count", flat=True).first() or 0


def require(scope: str, whose: str, *, most: int, window: timedelta, at: datetime, message: str = "操作过于频繁，请稍后再试") -> None:
    """Count one more; TooMany, with the seconds to wait, beyond `most` in a window."""
    if count(scope, whose, window=window, at=at) > most:
        _, until = _key(scope, whose, window, at)
        raise TooMany(message, retry_after=max(int((until - at).total_seconds()), 1))


def allow(scope: str, whose: str, *, most: int, window: timedelta, at: datetime, message: str) -> None:
    """TooMany where there were `most` or more in the present window; counts none itself."""
    if counted(scope, whose, window=window, at=at) >= most:
        _, until = _key(scope, whose, window, at)
        raise TooMany(message, retry_after=max(int((until - at).total_seconds()), 1))


def forget(*, at: datetime) -> int:
    """Windows that are over are forgotten; how many."""
    return Tally.objects.filter(until__lt=at).delete()[0]


def _key(scope: str, whose: str, window: timedelta, at: datetime) -> tuple[str, datetime]:
    seconds = int(window.total_seconds())
    number = int(at.timestamp()) // seconds
    digest = hashlib.sha256(f"{scope}|{whose}|{seconds}|{number}".encode()).hexdigest()
    return digest, datetime.fromtimestamp((number + 1) * seconds, tz=SHANGHAI)
