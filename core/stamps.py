"""What is read at every request and changes seldom is remembered in each process, under the stamp of what it was read from.

Triggers of the database give a topic a new stamp with any change of its tables, in the same transaction: whoever reads the
stamp knows whether what is remembered is still so, whichever process changed it, by whatever way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

import pgtrigger
from django.db import connection

REGISTER = "register"  # units, their names, communities, how they are managed
PLAN = "plan"  # seasons, limits and their ladders
PEOPLE = "people"  # who may enter, by which token, and what they may do for which unit
VIEWS = "views"  # what people keep of lists under names of their own
GAS = "gas"  # which communities were on restricted supply, and when
_remembered: dict[tuple[str, str], tuple[str, object]] = {}
_READ = "SELECT clock_timestamp(), coalesce(json_object_agg(topic, version), '{}') FROM core_stamp"
_CHANGE = "INSERT INTO core_stamp (topic, version) VALUES ('{topic}', gen_random_uuid()) ON CONFLICT (topic) DO UPDATE SET version = EXCLUDED.version; RETURN NULL;"


def trigger(topic: str, *, of: tuple[str, ...] = ()) -> pgtrigger.Trigger:
    """For the Meta of a model that a topic is read from: any change gives the topic a new stamp. `of`: only these columns matter."""
    update = pgtrigger.UpdateOf(*of) if of else pgtrigger.Update
    return pgtrigger.Trigger(
        name=f"stamp_{topic}", level=pgtrigger.Statement, when=pgtrigger.After, operation=pgtrigger.Insert | update | pgtrigger.Delete,
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


def one_remembered(topic: str, name: str, key, build: Callable[[], object]):
    """The same for one of many, read when it is first asked for. What was not found (None) is not kept, so that nobody can fill our memory with guesses."""
    known = remembered(topic, name, dict)
    if key not in known:
        found = build()
        if found is None:
            return None
        known[key] = found
    return known[key]


@dataclass
class _Held:
    """The stamps of a piece of work, all read at once when the first of them is asked for; and the moment of that."""

    read_at: datetime | None = None
    versions: dict[str, str] = field(default_factory=dict)


_held: ContextVar[_Held | None] = ContextVar("stamps held", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Within, the stamps are read once: for a piece of work that reads the plan and the register many times and writes neither."""
    outer = _held.get()
    token = _held.set(_Held() if outer is None else outer)
    try:
        yield
    finally:
        _held.reset(token)


def learn(versions: dict[str, str], *, at: datetime) -> None:
    """These are the stamps as a statement has just read them, with something else, at a moment of the database's clock: within `held`, none is asked for again."""
    known = _held.get()
    if known is not None and known.read_at is None:
        known.read_at, known.versions = at, versions


def read_at() -> datetime | None:
    """The moment, by the database's clock, at which the stamps that are held were read; None where none are held."""
    known = _held.get()
    return None if known is None else _read(known).read_at


def _version(topic: str) -> str | None:
    return _read(_held.get() or _Held()).versions.get(topic)


def _read(known: _Held) -> _Held:
    if known.read_at is None:
        with connection.cursor() as cursor:
            cursor.execute(_READ)
            known.read_at, known.versions = cursor.fetchone()
    return known
