"""How a ratio is found: ours and its twin by turns in random order, medians, and a 95 % interval by resampling."""

import gc
import random
import statistics
import time
from dataclasses import dataclass, field


@dataclass
class Measured:
    """One line of the table. `ratio` is ours / twin, with its interval; a goal is missed only where the whole interval is above it."""

    goal: str
    what: str
    ours_ms: float
    twin_ms: float
    twin: str
    ratio: float
    low: float
    high: float
    most: float | None = None
    queries: int | None = None
    most_queries: int | None = None
    remark: str = ""
    extra: dict = field(default_factory=dict)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.most is None and self.most_queries is None:
            return None
        return (self.most is None or self.low <= self.most) and (self.most_queries is None or (self.queries or 0) <= self.most_queries)


def seconds(act) -> float:
    """How long an act takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def by_turns(ours, twin, *, rounds: int, before_ours=None, before_twin=None) -> tuple[list[float], list[float]]:
    """Both, `rounds` times each, in random order within a round; what goes before is not measured."""
    first, second = [], []
    dice = random.Random(7)
    gc.disable()
    try:
        for number in range(rounds + 1):
            turns = [(first, ours, before_ours), (second, twin, before_twin)]
            dice.shuffle(turns)
            for kept, act, before in turns:
                if before:
                    before()
                took = seconds(act)
                if number:  # the first round warms up
                    kept.append(took)
            gc.collect()
    finally:
        gc.enable()
    return first, second


def ratio(ours: list[float], twin: list[float], *, of=statistics.median) -> tuple[float, float, float]:
    """The ratio of `of` (median, p95 …) with its 95 % interval."""
    dice = random.Random(11)
    found = sorted(of(dice.choices(ours, k=len(ours))) / of(dice.choices(twin, k=len(twin))) for _ in range(1000))
    return of(ours) / of(twin), found[25], found[974]


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]


def judged(goal: str, what: str, ours: list[float], twin: list[float], *, twin_name: str, most: float | None = None, of=statistics.median, **more) -> Measured:
    """The line of the table for two lists of seconds."""
    middle, low, high = ratio(ours, twin, of=of)
    return Measured(goal, what, 1000 * of(ours), 1000 * of(twin), twin_name, middle, low, high, most, **more)
