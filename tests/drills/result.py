"""What a drill measured, and what it was held to."""

from dataclasses import dataclass, field

from tests.drills.world import Posts


@dataclass
class Result:
    """A drill's figures, and what it was held to: (what, measured, promised, kept)."""

    name: str
    figures: dict = field(default_factory=dict)
    held: list[tuple] = field(default_factory=list)
    skipped: str = ""

    def hold(self, what: str, measured, promised: str, kept: bool) -> None:
        """One promise."""
        self.held.append((what, measured, promised, kept))

    @property
    def is_kept(self) -> bool:
        return all(row[3] for row in self.held)


def truth(result: Result, posts: Posts, found: dict, *, lag: float) -> Result:
    """What every drill holds: nothing lost, doubled or missed, no 500, noticed in time."""
    double = found["numbered_tickets"] - found["distinct_external_numbers"]
    result.figures |= {"acknowledged": len(posts.acknowledged), "answers": {str(key): n for key, n in sorted(posts.answers.items(), key=str)}, "slowest_post_seconds": round(posts.slowest, 2), **found}
    result.hold("已确认而丢失", posts.lost(), "0", posts.lost() == 0)
    result.hold("重复工单", double, "0", double == 0)
    result.hold("漏督办", found["overdue_unmarked"], "0", found["overdue_unmarked"] == 0)
    result.hold("重复督办", found["escalations"] - found["distinct_escalations"], "0", found["escalations"] == found["distinct_escalations"])
    result.hold("HTTP 500", posts.faults, "0", posts.faults == 0)
    # Of the drill's own complaints: what the calendar wrote before the portal was up waited for its start.
    late = float(posts.world.sql("SELECT coalesce(max(extract(epoch FROM e.detected_at - e.breach_at)), 0) FROM deadlines_escalation e JOIN deadlines_deadline d ON d.id = e.deadline_id WHERE d.stage = 'dispatch'")[0][0])
    result.hold("发现最大延迟（秒）", round(late, 2), f"≤ {lag:g}", late <= lag)
    return result
