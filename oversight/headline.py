"""The four figures by which the season is judged (B1): accidents, heat that is off, time kept, rooms that are warm."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.together import Waiting, may_wait, side_by_side
from oversight import statistics
from oversight.statistics import Rate
from plants import temperature_selectors, temperatures
from supply import outage_selectors, report_selectors

SAFETY = "safety"  # the plan's kind of major problem that is an accident


@dataclass(frozen=True)
class Headline:
    """Each with what it is of. `accidents` None: whoever asks may not know of them."""

    accidents: int | None
    outages: int
    households: int
    kept: Rate
    warm: Rate
    least: Decimal


@may_wait
def of(user, *, since: datetime, until: datetime, at: datetime) -> Waiting[Headline]:
    """The four of a time, as far as `user` may know: outages as of `at`, the rest within [since, until)."""
    span = {"since": since, "until": until}
    found = yield from side_by_side(rates=statistics.rates.later(user, **span, at=at), others=others.later(user, **span, at=at))
    return with_rates(found["others"], found["rates"])


@may_wait
def others(user, *, since: datetime, until: datetime, at: datetime) -> Waiting[dict[str, object]]:
    """The three of them that are told by no clock of a ticket."""
    least = temperatures.standards(at).commitment
    found = yield from side_by_side(
        accidents=report_selectors.accidents.later(user, SAFETY, since=since, until=until), off=outage_selectors.totals.later(user, at=at),
        warm=temperature_selectors.headline.later(user, since=since, until=until, least=least),
    )  # fmt: skip
    return {
        "accidents": found["accidents"], "outages": found["off"]["open"], "households": found["off"]["households"], "warm": Rate(*found["warm"]),
        "least": least,
    }  # fmt: skip


def with_rates(others: dict[str, object], rates: dict[str, Rate]) -> Headline:
    """The four, of three and of rates that were read already."""
    stages = [rates[stage] for stage in ("response", "visit", "callback") if stage in rates]
    return Headline(**others, kept=Rate(sum(rate.kept for rate in stages), sum(rate.of for rate in stages)))
