"""Demonstration: the companies report each morning; one forgets a day, one is late, a cold day has its gap."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from core import civil
from heating.rehearsal import Event
from supply import reports
from supply.reports import Figures
from units.models import Unit, User

# Company: boilers, MW, m³ of gas on an ordinary day.
ORDINARY = {"demo-heating-1": (3, 178, 392_000), "demo-heating-2": (3, 139, 334_000), "demo-heating-3": (3, 128, 66_000)}
# How cold it was, day by day, as a share of the ordinary demand; the last but one is the cold day.
SHARES = ["0.82", "0.86", "0.90", "0.94", "0.97", "1.02", "1.05", "1.01", "0.98", "1.04", "1.10", "1.16", "1.31", "1.20"]


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """A report each morning for the day before, from each company."""
    last = civil.day_of(until)
    for back in range((last - civil.day_of(since)).days):
        day = last - timedelta(days=back + 1)
        share = Decimal(SHARES[-1 - back % len(SHARES)])
        for number, (code, (boilers, capacity, gas)) in enumerate(ORDINARY.items(), 1):
            if code == "demo-heating-3" and back % 9 == 4:
                continue  # forgotten
            moment = civil.day_bounds(day)[1] + timedelta(hours=7, minutes=10 * number)
            if code == "demo-heating-2" and back % 7 == 3:
                moment += timedelta(hours=2)  # late
            demand = (gas * share).quantize(Decimal(1))
            supply = demand if share < Decimal("1.15") else (gas * Decimal("1.15")).quantize(Decimal(1))
            said = Figures(
                boilers_running=boilers, capacity_mw=Decimal(capacity), gas_used_m3=supply, gas_demand_m3=demand, gas_supply_m3=supply,
                gas_gap_m3=max(demand - supply, Decimal(0)), measures="优先保障居民，非居民降温运行" if demand > supply else "", is_zero=demand <= supply,
            )  # fmt: skip
            yield moment, partial(_report, code, f"heating{number}", day, said)


def _report(code: str, username: str, day, said: Figures, at: datetime) -> None:
    reports.submit(Unit.objects.get(code=code), day, said, actor=User.objects.get(username=username), at=at)
