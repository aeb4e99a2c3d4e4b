"""What holds the journal's chain to what it was: its head of each day, published where whoever owns the tables cannot reach (G12).

The chain itself finds a changed row. A tail cut off, or a whole table chained anew, is found only by what was published before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.db import connection

from core import civil, journal
from core.errors import Invalid
from core.models import Anchor


@dataclass(frozen=True)
class Published:
    """An anchor as it stands outside: the day, and the journal's position and hash then."""

    day: str
    position: int
    hash: str

    def __str__(self):
        return f"{self.day} {self.position}:{self.hash}".strip()


def take(*, at: datetime) -> Published | None:
    """The anchor of the day of `at`, if this call is the first to take it; None for every other, and for an empty journal."""
    day = civil.day_of(at)
    if Anchor.objects.filter(day=day).exists():
        return None
    position, digest = journal.head()
    if not position:
        return None
    with connection.cursor() as cursor:  # of two at once, one is told that it was the first
        cursor.execute(
            "INSERT INTO core_anchor (day, position, hash, taken_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1",
            [day, position, digest, at],
        )
        return Published(day.isoformat(), position, digest) if cursor.fetchone() else None


def of_day(day: date) -> Anchor | None:
    """The anchor taken on a day, for the papers of that day."""
    return Anchor.objects.filter(day=day).first()


def newest(count: int) -> list[Anchor]:
    """The latest anchors, newest first."""
    return list(Anchor.objects.order_by("-day")[:count])


def publish(anchor: Published, path: Path) -> None:
    """Add a line to a file that only ever grows. OSError when it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{anchor}\n")


def parse(text: str) -> Published:
    """`2025-11-14 1234:9f86…`, or without the day, as printed and as published. Invalid for anything else."""
    day, _, rest = text.strip().rpartition(" ")
    position, _, digest = rest.partition(":")
    if not (position.isascii() and position.isdigit() and 0 < len(position) < 19 and len(digest) == 64 and digest.isalnum()):
        raise Invalid(f"锚点应形如 2025-11-14 1234:9f86…（64 位散列），读到的是 {text.strip()[:90]}")
    return Published(day, int(position), digest)


def read(path: Path) -> list[Published]:
    """The anchors of a file, in its order. Invalid for a line that is none; OSError for a file that cannot be read."""
    return [parse(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def broken(anchors: Iterable[Published]) -> journal.Broken | None:
    """The first anchor that the journal no longer holds, and what that means; None when all hold."""
    anchors = sorted(anchors, key=lambda one: one.position)
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, hash FROM core_entry WHERE position = ANY(%s)", [[one.position for one in anchors]])
        here = dict(cursor.fetchall())
    for one in anchors:
        if one.position not in here:
            return journal.Broken(one.position, f"已公布的锚点（{one}）处的记录不在了：尾部被截去")
        if here[one.position] != one.hash:
            return journal.Broken(one.position, f"与已公布的锚点（{one}）不符：此前的记录被整体重写")
    return None
