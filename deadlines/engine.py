"""The deadline engine: opens, settles and moves deadlines, and climbs their ladders. Reads no clock: `at` is handed down.

The verdict is written with the event that settles a deadline and depends on nothing but timestamps. The sweep only
tells people earlier: whether and when it ran changes no verdict.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest

from core import stamps
from core.errors import Conflict, Invalid
from deadlines.models import Deadline, Outcome, Policy
from units.models import Unit


@dataclass(frozen=True)
class Limit:
    """A current policy with its ladder, ready for use: what `limit` gives."""

    policy: Policy
    rungs: tuple

    def next_check(self, opened_at: datetime, due_at: datetime, *, reached: int = 0) -> datetime | None:
        """When the first rung above `reached` is to be climbed; None at the top of the ladder."""
        moments = [moment_of(rung, opened_at, due_at) for rung in self.rungs if rung.position > reached]
        return min(moments, default=None)


def moment_of(rung, opened_at: datetime, due_at: datetime) -> datetime:
    """The moment at which a rung is reached by a deadline open from `opened_at` and due at `due_at`."""
    if rung.after is not None:
        return due_at + rung.after
    return opened_at + (due_at - opened_at) * float(rung.fraction)


def limits(codes: Iterable[str] | None = None) -> dict[str, Limit]:
    """The current policies with their ladders by code; remembered until the plan changes."""
    found = stamps.remembered(stamps.PLAN, "limits", _limits)
    return dict(found) if codes is None else {code: found[code] for code in codes if code in found}


def _limits() -> dict[str, Limit]:
    found = Policy.objects.filter(is_current=True).prefetch_related("rungs")
    return {policy.code: Limit(policy, tuple(policy.rungs.all())) for policy in found}


def limit(code: str) -> Limit:
    """One current policy; Invalid when the plan has none of this code."""
    found = limits([code]).get(code)
    if found is None:
        raise Invalid(f"工作方案中没有“{code}”这项时限")
    return found


def draft(
    limit: Limit,
    subject,
    unit: Unit,
    *,
    at: datetime,
    due_at: datetime | None = None,
    street: Unit | None = None,
    round: int = 1,
    segment: int = 1,
    sequence: int = 1,
) -> Deadline:
    """A deadline not yet written. `due_at` is given where the policy has no allowance of its own.

    One that is given already past keeps its due time: it opens late, an instant after it was due.
    """
    due = due_at if due_at is not None else at + limit.policy.allowance
    opened = at if due > at else due - timedelta(microseconds=1)
    return Deadline(
        policy=limit.policy,
        unit=unit,
        street=street,
        subject_type=subject_type(type(subject)),
        subject_id=subject.pk,
        label=subject.deadline_label,
        link=subject.get_absolute_url() if hasattr(subject, "get_absolute_url") else "",
        stage=limit.policy.stage,
        round=round,
        segment=segment,
        sequence=sequence,
        opened_at=opened,
        due_at=due,
        next_check_at=limit.next_check(opened, due),
    )


def open_all(drafts: list[Deadline]) -> list[Deadline]:
    """Write drafted deadlines with one statement. The database refuses a second of the same (subject, stage, round …)."""
    return Deadline.objects.bulk_create(drafts)


def open_deadline(code: str, subject, unit: Unit, **when) -> Deadline:
    """Open one deadline of the current policy `code`; see `draft` for the arguments."""
    return open_all([draft(limit(code), subject, unit, **when)])[0]


def settle(subject, stage: str, *, at: datetime, **which) -> int:
    """What was owed has been done at `at`: the open deadlines of this stage get their verdict. The number settled.

    `which` narrows by field (unit=, round=, sequence=). Exactly at the due moment is on time.
    """
    return open_of(subject).filter(stage=stage, **which).update(
        settled_at=at,
        next_check_at=None,
        outcome=Case(When(due_at__gte=at, then=Value(Outcome.MET)), default=Value(Outcome.LATE)),
    )


def release(subject, *, at: datetime, **which) -> int:
    """The unit need do it no more from `at` on: what is not yet due ends neutral, what was already late stays late.

    What opened after `at` (a ruling looks back) ends the moment it opened.
    """
    return open_of(subject).filter(**which).update(
        settled_at=Greatest(F("opened_at"), Value(at)),
        next_check_at=None,
        outcome=Case(When(due_at__lt=at, then=Value(Outcome.LATE)), default=Value(Outcome.NEUTRAL)),
    )


def void(subject, *, at: datetime, **which) -> int:
    """It was never owed (作废): open deadlines end neutral, late or not."""
    return open_of(subject).filter(**which).update(
        settled_at=Case(When(opened_at__gt=at, then=F("opened_at")), default=Value(at)),
        next_check_at=None,
        outcome=Outcome.NEUTRAL,
    )


def move(deadline: Deadline, *, due_at: datetime, at: datetime) -> None:
    """The due moment of an open deadline becomes `due_at`, agreed at `at` before the breach. Conflict once it is late."""
    ladder = Limit(deadline.policy, tuple(deadline.policy.rungs.all()))
    moved = Deadline.objects.filter(pk=deadline.pk, settled_at=None, due_at=deadline.due_at, due_at__gte=at).update(
        due_at=due_at, reached=0, next_check_at=ladder.next_check(deadline.opened_at, due_at)
    )
    if not moved:
        raise Conflict("时限已过或已办结，不能再变更")
    deadline.due_at = due_at


def open_of(subject) -> models.QuerySet[Deadline]:
    """The open deadlines of a subject."""
    return of(subject).filter(settled_at=None)


def of(subject) -> models.QuerySet[Deadline]:
    """Every deadline of a subject, in the order in which they opened."""
    return Deadline.objects.filter(subject_type=subject_type(type(subject)), subject_id=subject.pk).order_by("opened_at", "id")


def late(at: datetime) -> Q:
    """The condition of being late as of `at`, as a query: the same sentence as Deadline.is_late."""
    return Q(settled_at=None, due_at__lt=at) | Q(outcome=Outcome.LATE)


def subject_type(model) -> ContentType:
    """The content type of a model; Django keeps it in memory."""
    return ContentType.objects.get_for_model(model)
