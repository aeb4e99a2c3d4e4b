"""What the season's plan says about tickets: clocks, routes, sources and rules, read from its data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from django.utils.dateparse import parse_duration

from core.errors import Invalid
from deadlines import season as seasons
from deadlines.models import Season


@dataclass(frozen=True)
class Rulebook:
    """The ticket rules of one season's plan."""

    season: Season
    plan: dict

    def stages(self, kind: str, source: str, category: str) -> list[str]:
        """The policies whose clocks run for such a ticket, in their order; the first matching row of the plan's table."""
        for row in self.plan["clocks"]:
            if all(_matches(row.get(name), value) for name, value in (("kind", kind), ("source", source), ("category", category))):
                return list(row["stages"])
        return ["response", "visit", "callback"]

    def source(self, code: str) -> dict:
        """What the plan says of a source: name, auto_dispatch, receives."""
        return self._sources.get(code) or {"code": code, "auto_dispatch": False, "receives": "social-work"}

    def category(self, code: str) -> dict:
        """What the plan says of a category: clause, lead, assists, doer; Invalid for one it does not know."""
        try:
            return self._categories[code]
        except KeyError:
            raise Invalid(f"没有“{code}”这个分类", field="category") from None

    @cached_property
    def _sources(self) -> dict:
        return {row["code"]: row for row in self.plan["sources"]}

    @cached_property
    def _categories(self) -> dict:
        return {row["code"]: row for row in self.plan["categories"]}

    @cached_property
    def residual(self) -> list[dict]:
        """The rules of D18.6 in their order: each with code, clause, lead, assists."""
        return self.plan["residual"]

    def duration(self, name: str, default: str) -> timedelta:
        """A duration among the plan's rules."""
        return _duration(self.plan.get("rules", {}).get(name) or default)

    @property
    def cluster_within(self) -> timedelta:
        """In what stretch of time so many households make a cluster."""
        return parse_duration((self.plan.get("rules", {}).get("cluster") or {}).get("within") or "PT2H")

    def number(self, *path: str, default: int) -> int:
        """A number among the plan's rules, e.g. number("unreachable", "attempts", default=3)."""
        value = self.plan.get("rules", {})
        for name in path:
            value = value.get(name, {}) if isinstance(value, dict) else {}
        return value if isinstance(value, int) else default


@lru_cache(maxsize=200)
def _duration(text: str) -> timedelta:
    return parse_duration(text)


def current(at: datetime) -> Rulebook:
    """The rules in force at a moment."""
    season = seasons.required(at)
    return Rulebook(season, seasons.plan_of(season))


def _matches(wanted, value: str) -> bool:
    return not wanted or value in wanted
