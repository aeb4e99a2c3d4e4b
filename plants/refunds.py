"""What a company may owe back for a cold home 退费: a proposal with its computation, never a payment (条例; standards of the plan)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core import civil
from deadlines import season as seasons
from plants.models import RoomTemperature


@dataclass(frozen=True)
class Proposal:
    """Days from the first measurement to the one that found it warm again (or to today), and the share of the metered fee for them."""

    share: Decimal
    band: str
    since: date
    until: date
    is_ended: bool
    days: int
    season_days: int
    notify_by: str
    doubts: tuple[str, ...]

    @property
    def percent(self) -> Decimal:
        """Of the season's fee, the basic fee taken off, in percent, to two places."""
        return (self.share * self.days * 100 / self.season_days).quantize(Decimal("0.01"))

    @property
    def formula(self) -> str:
        """The computation, to be checked by hand."""
        return f"{self.share * 100:g}% × {self.days} 天 ÷ {self.season_days} 天 ＝ {self.percent}%"


def propose(first: RoomTemperature, later: list[RoomTemperature], *, today: date) -> Proposal | None:
    """The proposal for a reading below the statutory least. None where it was not below, an excuse stands, or no season is known.

    `later`: the readings that measured it again, in order. Band edges are unrounded: 16 ≤ t < 18, 14 ≤ t < 16, below 14.
    """
    season = seasons.active(first.measured_at)
    if season is None or first.excuse:
        return None
    said = seasons.plan_of(season)["standards"]
    if first.celsius >= Decimal(str(said["statutory_celsius"])):
        return None
    for row in said["refund_bands"]:
        lowest = row.get("from")
        if (lowest is None or first.celsius >= Decimal(str(lowest))) and first.celsius < Decimal(str(row["below"])):
            break
    else:
        return None
    band = f"{'' if lowest is None else f'{lowest:g} ≤ '}t ＜ {row['below']:g} ℃"
    since = civil.day_of(first.measured_at)
    warm = next((one for one in later if one.celsius >= Decimal(str(said["statutory_celsius"]))), None)
    until = min(civil.day_of(warm.measured_at) if warm else today, season.ends_on)
    doubts = []
    if first.is_calibrated is not True:
        doubts.append("仪器检定未登记或已过期")
    if first.resident in ("", "absent"):
        doubts.append("住户不在场或未登记")
    if first.resident == "disputed":
        doubts.append("住户对结果有异议，宜第三方复测")
    if first.outdoor_celsius is None:
        doubts.append("未记室外温度")
    return Proposal(
        Decimal(str(row["share"])), band, since, until, warm is not None, max((until - since).days, 1), (season.ends_on - season.starts_on).days + 1,
        said.get("refund_until", ""), tuple(doubts),
    )  # fmt: skip
