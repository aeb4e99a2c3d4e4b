"""Plays a stretch of a season with the portal's own acts, moment by moment, as if it were happening.

Each topic has a module `demo_<topic>` with `events(since, until)`, which yields (moment, act) pairs: `act(at)` does at that
moment what somebody would do then. Here they are sorted, and between them happens what beat would do: the calendar opens
what comes to be owed, the sweep climbs the ladders, notices are routed. So misses and escalations are real, not written.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from core import civil
from core.errors import PortalError
from deadlines import sweep
from deadlines.models import Deadline
from heating import almanac
from notices import outbox

Event = tuple[datetime, Callable[[datetime], object]]
Actors = Iterable[Callable[[datetime, datetime], Iterable[Event]]]


def play(actors: Actors, *, since: datetime, until: datetime, say: Callable[[str], object] = lambda line: None) -> int:
    """Play what the actors do from `since` to `until`, the portal's clock ticking between. The number of acts done.

    An act that is refused (something else came first) is told through `say` and passed over.
    """
    told = itertools.chain.from_iterable(actor(since, until) for actor in actors)
    events = sorted((event for event in told if since <= event[0] <= until), key=lambda event: event[0])
    done = 0
    for moment, act in _with_midnights(events, since, until):
        tick(moment)
        if act is None:
            almanac.keep(moment)
            continue
        try:
            act(moment)
            done += 1
        except PortalError as refusal:
            say(f"{civil.spoken(moment)} {refusal.message}")
    tick(until)
    outbox.route(at=until)
    return done


def tick(moment: datetime) -> None:
    """Sweep at each moment up to `moment` at which something is due, as the portal would have done."""
    while True:
        coming = Deadline.objects.filter(next_check_at__lte=moment).order_by("next_check_at").values_list("next_check_at", flat=True).first()
        if coming is None:
            return
        sweep.sweep(at=coming, source="demo")
        outbox.route(at=coming)


def lay_down(after: int, until: datetime) -> None:
    """What a story that ended at `until` left open climbs no further; late or not stays what the timestamps say.

    `after`: the last deadline that was there before the story. Else the present would escalate everything at once.
    """
    Deadline.objects.filter(pk__gt=after, opened_at__lte=until, settled_at=None).update(next_check_at=None)


def _with_midnights(events: list[Event], since: datetime, until: datetime) -> Iterator[tuple[datetime, Callable | None]]:
    """The events, and before the first of each day its midnight, when the calendar turns a leaf."""
    midnights = []
    day = civil.day_of(since)
    while (start := civil.day_bounds(day)[0]) <= until:
        midnights.append((max(start, since), None))
        day += timedelta(days=1)
    yield from sorted([*midnights, *events], key=lambda event: (event[0], event[1] is not None))
