"""What is read at every request and changes seldom is remembered in each process, under the stamp of what it was read from.

Triggers of the database give a topic a new stamp with any change of its tables, in the same transaction: whoever reads the
stamp knows whether what is remembered is still so, whichever process changed it, by whatever way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import pgtrigger
from django.db import connection

REGISTER = "register"  # units, their names, communities, how they are managed
PLAN = "plan"  # seasons, limits and their ladders
_remembered: dict[tuple[str, str], tuple[str, object]] = {}
_held: ContextVar[dict[str, str | None] | None] = ContextVar("stamps held", default=None)
_READ = "SELECT version::text FROM core_stamp WHERE topic = %s"
_CHANGE = "INSERT INTO core_stamp (topic, version) VALUES ('{topic}', gen_random_uuid()) ON CONFLICT (topic) DO UPDATE SET version = EXCLUDED.version; RETURN NULL;"


def trigger(topic: str) -> pgtrigger.Trigger:
    """For the Meta of a model that a topic is read from: any change gives the topic a new stamp."""
    return pgtrigger.Trigger(
        name=f"stamp_{topic}", level=pgtrigger.Statement, when=pgtrigger.After, operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=_CHANGE.format(topic=topic),
    )  # fmt: skip


def remembered(topic: str, name: str, build: Callable[[], object]):
    """What `build` reads of a topic, from memory while its stamp is the same. What comes back is shared: read it, never change it."""
    version = _version(topic)
    if version is None:  # nothing was ever written through the triggers: nothing vouches for a memory
        return build()
    kept = _remembered.get((topic, name))
    if kept is None or kept[0] != version:
        kept = _remembered[(topic, name)] = (version, build())
    return kept[1]


@contextmanager
def held() -> Iterator[None]:
    """Within, each stamp is read once: for a piece of work that reads the plan and the register many times and writes neither."""
    outer = _held.get()
    token = _held.set({} if outer is None else outer)
    try:
        yield
    finally:
        _held.reset(token)


def _version(topic: str) -> str | None:
    known = _held.get()
    if known is not None and topic in known:
        return known[topic]
    with connection.cursor() as cursor:
        cursor.execute(_READ, [topic])
        row = cursor.fetchone()
    version = row[0] if row else None
    if known is not None:
        known[topic] = version
    return version
