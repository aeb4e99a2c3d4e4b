"""The four figures by which the season is judged (B1): accidents, heat that is off, time kept, rooms that are warm."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

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


def of(user, *, since: datetime, until: datetime, at: datetime) -> Headline:
    """The four of a time, as far as `user` may know: outages as of `at`, the rest within [since, until)."""
    rates = statistics.rates(user, since=since, until=until, at=at)
    stages = [rates[stage] for stage in ("response", "visit", "callback") if stage in rates]
    off = outage_selectors.totals(user, at=at)
    least = temperatures.standards(at).commitment
    return Headline(
        report_selectors.accidents(user, SAFETY, since=since, until=until), off["open"], off["households"],
        Rate(sum(rate.kept for rate in stages), sum(rate.of for rate in stages)),
        Rate(*temperature_selectors.headline(user, since=since, until=until, least=least)), least,
    )  # fmt: skip
