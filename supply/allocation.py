"""Which measures of a curtailment plan a gap calls for, and why. Pure: no database, no clock; the same question has one answer.

Homes are protected before anything else (压非保民): non-residential loads go first, then gas boilers that have a coal boiler
standing by (F5), and boilers that have none (F4) last, and only where a named person has decided so. A measure that would
touch a school, a home for the elderly or a hospital is never taken, whatever the gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby


@dataclass(frozen=True)
class Option:
    """A measure that may be taken: `rank` 0 non-residential, 1 with coal backup (tier 2), 2 without (tier 1). `m3` a day."""

    key: int
    stage: int
    order: int
    rank: int
    name: str
    m3: Decimal
    households: int = 0
    # Names of the special users within its area; any makes it untouchable.
    protected: tuple[str, ...] = ()
    # Communities of which the register does not know how many households they have: they are not taken for none.
    unknown: int = 0


@dataclass(frozen=True)
class Line:
    """What becomes of one option, in words that can be checked by hand. `total` and `missing` as they stand after it."""

    option: Option
    is_taken: bool
    why: str
    total: Decimal
    missing: Decimal

    def as_data(self) -> dict:
        """The line as it is kept."""
        one = self.option
        return {
            "step": one.key, "stage": one.stage, "rank": one.rank, "name": one.name, "m3": int(one.m3), "households": one.households,
            "unknown": one.unknown, "protected": list(one.protected), "taken": self.is_taken, "why": self.why, "total": int(self.total), "missing": int(self.missing),
        }  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """The answer to a gap: every option with its reason, what they bring together, and what nobody can cover."""

    gap: Decimal
    lines: list[Line]
    covered: Decimal
    remaining: Decimal

    @property
    def taken(self) -> list[Option]:
        """The measures that are to be taken, in the order in which they are."""
        return [line.option for line in self.lines if line.is_taken]

    @property
    def households(self) -> int:
        """How many households they concern."""
        return sum(option.households for option in self.taken)

    @property
    def needs_override(self) -> bool:
        """Whether a gap remains that only boilers without coal backup could cover."""
        return self.remaining > 0 and any(line.option.rank == 2 and not line.is_taken and not line.option.protected for line in self.lines)


RANKS = {0: "先停非居民负荷", 1: "再限有备用燃煤锅炉的（保供二级）", 2: "经具名决定，限无备用燃煤锅炉的（保供一级）"}


def propose(gap: Decimal, options: Iterable[Option], *, allows_last: bool = False) -> Proposal:
    """What to cut for a gap of `gap` m³ a day. `allows_last`: boilers without coal backup may be cut, as somebody has decided.

    Rank goes before stage, stage before households (an area of unknown size after all others), households before the plan's own order. Measures are whole; within the
    last stage that is needed, what the others make unnecessary is left on, the one with most households first.
    """
    todo = sorted(options, key=lambda one: (one.rank, one.stage, one.unknown > 0, one.households, one.order, one.key))
    chosen = _choose(gap, [one for one in todo if not one.protected and (one.rank < 2 or allows_last)])
    lines, total = [], Decimal(0)
    for one in todo:
        is_taken = one.key in chosen
        total += one.m3 if is_taken else 0
        missing = max(gap - total, Decimal(0))
        lines.append(Line(one, is_taken, _why(one, is_taken, gap, total, missing, allows_last), total, missing))
    return Proposal(gap, lines, total, max(gap - total, Decimal(0)))


def _choose(gap: Decimal, allowed: list[Option]) -> set[int]:
    chosen: set[int] = set()
    total = Decimal(0)
    for _, group in groupby(allowed, key=lambda one: (one.rank, one.stage)):
        last: list[Option] = []
        for one in group:
            if total >= gap:
                break
            chosen.add(one.key)
            last.append(one)
            total += one.m3
        if total >= gap:
            for one in reversed(last):
                if total - one.m3 >= gap:
                    chosen.discard(one.key)
                    total -= one.m3
            break
    return chosen


def _why(one: Option, is_taken: bool, gap: Decimal, total: Decimal, missing: Decimal, allows_last: bool) -> str:
    name = f"第 {one.stage} 阶段 {one.name}"
    if is_taken:
        homes = f"，涉及 {one.households:,} 户" if one.households else ""
        homes += f"（另有 {one.unknown} 个小区户数不详）" if one.unknown else ""
        rest = f"尚缺 {missing:,.0f} m³" if missing else "缺口已补足"
        return f"{RANKS[one.rank]}：{name} 减 {one.m3:,.0f} m³{homes}，累计 {total:,.0f} m³，{rest}"
    if one.protected:
        return f"不得限供：{name} 含{'、'.join(one.protected)}（学校、养老、医疗等重点用户任何一级都不限）"
    if one.rank == 2 and not allows_last:
        return f"未列入：{name} 无备用燃煤锅炉，只有负责人具名决定并说明理由才可限（可减 {one.m3:,.0f} m³，涉及 {one.households:,} 户）"
    if gap <= 0:
        return f"不需要：{name}，供应不低于需求"
    return f"不需要：{name}，其他措施已够"


def level_of(gap: Decimal, demand: Decimal, levels: Iterable[dict]) -> int | None:
    """The plan's level for a gap, by its share of the demand; None without a gap, and where the plan names none. 1 is the gravest."""
    if gap <= 0 or demand <= 0:
        return None
    share = gap / demand
    for row in levels:
        least, below = row.get("from"), row.get("below")
        if (least is None or share >= Decimal(str(least))) and (below is None or share < Decimal(str(below))):
            return row["level"]
    return None
