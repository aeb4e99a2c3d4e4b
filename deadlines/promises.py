"""What the plan promises whoever complains, in words: `15 分钟响应`, from the limits in force (G25)."""

import re
from datetime import timedelta
from typing import NamedTuple

from core import civil
from deadlines import engine
from deadlines.models import Policy

STAGES = ("response", "visit", "callback")
_LED_BY_TIME = re.compile(r"^(\d+)\s*(秒|分钟|小时|天)\s*")
_UNITS = {"秒": timedelta(seconds=1), "分钟": timedelta(minutes=1), "小时": timedelta(hours=1), "天": timedelta(days=1)}


class Promise(NamedTuple):
    """One limit in words. `within`: `15 分钟`; empty where each case brings its own due time. `what`: `响应`."""

    stage: str
    within: str
    what: str

    @property
    def name(self) -> str:
        """`15 分钟响应`."""
        return self.within + self.what


def made(stages: tuple[str, ...] = STAGES) -> list[Promise]:
    """The promises of these stages as the plan in force makes them, in this order."""
    limits = engine.limits(stages)
    return [of(limits[stage].policy) for stage in stages if stage in limits]


def spoken() -> str:
    """All three in a row, for texts: `15 分钟响应、1 小时上门、24 小时回访`."""
    return "、".join(one.name for one in made())


def respelled(name: str, allowance: timedelta | None) -> str:
    """A limit's name whose leading time follows its allowance: who shortens a limit need not rename it. Other names stay as they are."""
    led = _LED_BY_TIME.match(name)
    if allowance is None or led is None or int(led[1]) * _UNITS[led[2]] == allowance:
        return name
    return civil.spell(allowance) + name[led.end() :]


def of(policy: Policy) -> Promise:
    """What one limit promises."""
    led = _LED_BY_TIME.match(policy.name)  # 24 小时 stays the plan's 24 小时 and becomes no 1 天
    within = led[0].strip() if led else civil.spell(policy.allowance) if policy.allowance else ""
    return Promise(policy.stage, within, policy.name[led.end() :] if led else policy.name)
