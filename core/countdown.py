"""Time that is left or overdue, as every list, card and phone shows it: one wording, one set of colours."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# Within these last minutes a running clock is shown as urgent; the page's script takes the same figure.
SOON = timedelta(minutes=20)


@dataclass(frozen=True)
class Countdown:
    """A clock as shown at one moment: `18:42`, `超 42:07`, `5:12:40`, `2 天 03:10`, `12 天`; its tone and icon say the same without colour."""

    due: str
    soon: int
    text: str
    tone: str
    icon: str

    @property
    def is_late(self) -> bool:
        """Whether the time had run out at the moment of showing."""
        return self.tone == "solid-red"


def countdown(due_at: datetime, *, at: datetime, soon: timedelta = SOON) -> Countdown:
    """How a clock due at `due_at` is shown at `at`. Exactly at the due moment it is not late."""
    left = due_at - at
    if left < timedelta(0):
        tone, icon = "solid-red", "alarm"
    elif left <= soon:
        tone, icon = "amber", "clock"
    else:
        tone, icon = "blue", "clock"
    return Countdown(due_at.isoformat(), int(soon.total_seconds()), text_of(left), tone, icon)


def text_of(left: timedelta) -> str:
    """A remaining time in figures; a negative one reads 超. What is overdue is counted down to the whole second, never up."""
    late = left < timedelta(0)
    seconds = int(abs(left).total_seconds())
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if days >= 10:
        figures = f"{days} 天"
    elif days:
        figures = f"{days} 天 {hours:02d}:{minutes:02d}"
    elif hours:
        figures = f"{hours}:{minutes:02d}:{rest:02d}"
    else:
        figures = f"{minutes:02d}:{rest:02d}"
    return f"超 {figures}" if late else figures
