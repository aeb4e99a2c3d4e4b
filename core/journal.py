"""History, written by hand by the one who knows why; in the same transaction, and last in it.

Last, because the chain is one for the whole portal: its lock is held from the first entry to the commit.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from core.models import Entry, entry_digest


@dataclass(frozen=True)
class Broken:
    """The first link of the chain that does not hold: its position, and what is wrong with it."""

    position: int
    why: str


def entry(subject, act: str, *, actor, at: datetime, unit: str = "", reason: str = "", **data) -> Entry:
    """A journal entry not yet written. `subject` names itself by `journal_kind` and `journal_key`; actor None is the portal."""
    return Entry(
        at=at,
        subject_kind=subject.journal_kind,
        subject_key=str(subject.journal_key),
        act=act,
        actor_id=actor.pk if actor is not None else None,
        actor_name=str(actor) if actor is not None else "",
        unit_code=unit,
        reason=reason,
        data=data,
    )


def record(subject, act: str, *, actor, at: datetime, unit: str = "", reason: str = "", **data) -> Entry:
    """Write one entry: who did what to which subject, for which unit, and why."""
    new = entry(subject, act, actor=actor, at=at, unit=unit, reason=reason, **data)
    new.save(force_insert=True)
    return new


def record_many(entries: list[Entry]) -> None:
    """Write many entries with one statement."""
    Entry.objects.bulk_create(entries, batch_size=1000)


def of(subject):
    """The entries of one subject, oldest first."""
    return Entry.objects.filter(subject_kind=subject.journal_kind, subject_key=str(subject.journal_key)).order_by("position")


def head() -> tuple[int, str]:
    """Position and hash of the newest entry; (0, "") for an empty journal. Published daily, it anchors the chain outside."""
    return Entry.objects.order_by("-position").values_list("position", "hash").first() or (0, "")


def verify(*, position: int | None = None, hash: str | None = None, cursor=None) -> Broken | None:
    """The first broken link of the chain, or None. With an anchor published earlier, also that it still holds.

    `cursor` names another database than the portal's own: one just restored.
    """
    with nullcontext(cursor) if cursor is not None else connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT position,
                   CASE WHEN position <> coalesce(before_position, 0) + 1 THEN '缺少第 ' || (coalesce(before_position, 0) + 1) || ' 条'
                        WHEN prev_hash <> coalesce(before_hash, '') THEN '与前一条衔接不上'
                        ELSE '内容被改动' END
            FROM (SELECT entry.*, lag(position) OVER w AS before_position, lag(hash) OVER w AS before_hash
                  FROM core_entry entry WINDOW w AS (ORDER BY position)) entry
            WHERE position <> coalesce(before_position, 0) + 1
               OR prev_hash <> coalesce(before_hash, '')
               OR hash <> {entry_digest("entry")}
            ORDER BY position LIMIT 1
            """
        )
        row = cursor.fetchone()
        if row:
            return Broken(*row)
        if position is None:
            return None
        cursor.execute("SELECT hash FROM core_entry WHERE position = %s", [position])
        found = cursor.fetchone()
    if found is None:
        return Broken(position, "已公布的锚点之后的记录被删除")
    return Broken(position, "与已公布的锚点不符") if found[0] != hash else None
