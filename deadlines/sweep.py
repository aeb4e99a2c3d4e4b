"""The sweep: takes what is due by its next check and climbs its ladder, whole batches with one statement.

Any number may run at once, by Celery or by the watchdog: rows are locked and skipped, keys are unique, so that each
deadline reaches each level once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, OperationalError, connection, transaction

from core import journal
from deadlines.models import Deadline, Heartbeat
from notices import outbox
from units import access

log = logging.getLogger(__name__)

BATCH = 1000
MOST_BATCHES = 60
SET_ASIDE_FOR = timedelta(hours=1)

# One statement for a batch. `due` locks what is to be looked at; `climbed` finds the highest rung reached by now;
# the rest writes what follows from it. An escalation raised in one go over several levels names those it skipped.
CLIMB = """
WITH due AS (
    SELECT d.id, d.policy_id, d.unit_id, d.street_id, d.opened_at, d.due_at, d.reached, d.level, d.label, d.link, d.stage
    FROM deadlines_deadline d
    WHERE d.id = ANY(%(ids)s)
), moments AS (
    SELECT due.id, r.position, r.level, r.proposal,
           CASE WHEN due.unit_id = %(bureau)s THEN r.audiences_if_bureau ELSE r.audiences END AS audiences,
           CASE WHEN r.after IS NOT NULL THEN due.due_at + r.after
                ELSE due.opened_at + (due.due_at - due.opened_at) * r.fraction::float8 END AS moment
    FROM due JOIN deadlines_rung r ON r.policy_id = due.policy_id AND r.position > due.reached
), climbed AS (
    SELECT DISTINCT ON (m.id) m.id, m.position, m.level, m.proposal, m.audiences, m.moment
    FROM moments m WHERE m.moment <= %(at)s ORDER BY m.id, m.position DESC
), ahead AS (
    SELECT m.id, min(m.moment) AS moment
    FROM moments m LEFT JOIN climbed c ON c.id = m.id
    WHERE m.position > coalesce(c.position, 0) AND m.moment > %(at)s GROUP BY m.id
), advanced AS (
    UPDATE deadlines_deadline d
    SET reached = coalesce(c.position, d.reached),
        level = greatest(d.level, coalesce(c.level, 0)),
        next_check_at = a.moment
    FROM due LEFT JOIN climbed c ON c.id = due.id LEFT JOIN ahead a ON a.id = due.id
    WHERE d.id = due.id
), escalated AS (
    INSERT INTO deadlines_escalation
        (deadline_id, level, unit_id, street_id, audiences, proposal, breach_at, detected_at, collapsed, note)
    SELECT due.id, c.level, due.unit_id, due.street_id, c.audiences, c.proposal, c.moment, %(at)s,
           ARRAY(SELECT m.level FROM moments m
                 WHERE m.id = due.id AND m.level > 0 AND m.level < c.level AND m.level > due.level ORDER BY m.level), ''
    FROM climbed c JOIN due ON due.id = c.id
    WHERE c.level > 0
    ON CONFLICT (deadline_id, level) DO NOTHING
    RETURNING id, deadline_id, level, collapsed
), told AS (
    INSERT INTO notices_notice (key, unit_id, audience, kind, level, subject, body, link, data, created_at)
    SELECT 'climb:' || due.id || ':' || c.position || ':' || extract(epoch FROM due.due_at)::bigint || ':' || spoken.audience,
           CASE WHEN spoken.audience IN ('doer', 'principal') THEN due.unit_id
                WHEN spoken.audience = 'street' THEN due.street_id
                WHEN spoken.audience IN ('bureau', 'bureau_principal') THEN %(bureau)s
                WHEN spoken.audience = 'office_director' THEN %(office)s
                ELSE %(task_force)s END,
           spoken.audience, CASE WHEN c.level > 0 THEN 'escalation' ELSE 'warning' END, c.level,
           due.label, '', '',
           jsonb_build_object('deadline', due.id, 'label', due.label, 'stage', p.name, 'unit', u.short_name, 'due_at', due.due_at,
                              'level', c.level, 'proposal', c.proposal, 'link', due.link),
           %(at)s
    FROM climbed c
    JOIN due ON due.id = c.id
    JOIN deadlines_policy p ON p.id = due.policy_id
    JOIN units_unit u ON u.id = due.unit_id
    CROSS JOIN LATERAL unnest(
        -- Whatever level is told first, the bureau's desk hears of it: an overdue case is the bureau's at once.
        CASE WHEN c.level > 0 AND NOT 'bureau' = ANY(c.audiences) AND due.level = 0 AND due.unit_id <> %(bureau)s
             THEN c.audiences || 'bureau'::varchar ELSE c.audiences END) AS spoken(audience)
    WHERE NOT (spoken.audience = 'street' AND due.street_id IS NULL)
      -- A warning whose moment has long passed is no warning any more.
      AND (c.level > 0 OR due.due_at >= %(at)s)
    ON CONFLICT (key) DO NOTHING
)
INSERT INTO core_entry (at, subject_kind, subject_key, act, actor_name, unit_code, reason, data, position, prev_hash, hash)
SELECT %(at)s, CASE WHEN t.model = 'ticket' THEN 'ticket' ELSE 'deadline' END,
       CASE WHEN t.model = 'ticket' THEN due.label ELSE due.id::text END,
       'escalate', '', u.code, '',
       jsonb_build_object('deadline', due.id, 'stage', due.stage, 'level', e.level, 'collapsed', e.collapsed, 'due_at', due.due_at),
       0, '', ''
FROM escalated e
JOIN due ON due.id = e.deadline_id
JOIN units_unit u ON u.id = due.unit_id
JOIN deadlines_deadline d ON d.id = due.id
JOIN django_content_type t ON t.id = d.subject_type_id
ORDER BY due.due_at
RETURNING 1
"""


@dataclass
class Swept:
    """What a sweep did: deadlines looked at, escalations raised, deadlines set aside because they could not be handled."""

    checked: int = 0
    escalated: int = 0
    set_aside: int = 0


def sweep(*, at: datetime, source: str = "celery", skew: float = 0.0) -> Swept:
    """Climb every ladder that is due by `at`, and leave a heartbeat. Safe to run twice, at once, or late.

    `skew` is told in the heartbeat: how many seconds the sweeping machine's own clock is off (core.clock.skew_seconds).
    """
    done = Swept()
    places = _places()
    for _ in range(MOST_BATCHES):
        checked = _sweep_batch(at, places, done)
        if checked < BATCH:
            break
    beat(source, at=at, escalated=done.escalated, skew=skew)
    return done


def beat(source: str, *, at: datetime, escalated: int = 0, skew: float = 0.0) -> None:
    """`source` is alive and swept at `at`."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(source=source, at=at, escalated=escalated, skew_seconds=skew)],
        update_conflicts=True,
        unique_fields=["source"],
        update_fields=["at", "escalated", "skew_seconds"],
    )


def _sweep_batch(at: datetime, places: dict, done: Swept) -> int:
    poisoned: list[int] = []
    with transaction.atomic():
        ids = _lock(at)
        if not ids:
            return 0
        try:
            with transaction.atomic():
                done.escalated += _climb(ids, at, places)
        except OperationalError:
            raise
        except DatabaseError as fault:
            log.error("a batch of %d deadlines failed, looking for the one at fault: %s", len(ids), fault)
            done.escalated += _climb_by_halves(ids, at, places, poisoned)
    done.checked += len(ids)
    done.set_aside += len(poisoned)
    return len(ids)


def _lock(at: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM deadlines_deadline WHERE next_check_at <= %s ORDER BY next_check_at LIMIT %s FOR UPDATE SKIP LOCKED",
            [at, BATCH],
        )
        return [row[0] for row in cursor.fetchall()]


def _climb(ids: list[int], at: datetime, places: dict) -> int:
    with connection.cursor() as cursor:
        cursor.execute(CLIMB, {"ids": ids, "at": at, **places})
        return cursor.rowcount


def _climb_by_halves(ids: list[int], at: datetime, places: dict, poisoned: list[int]) -> int:
    """The same work in ever smaller parts, so that one row that cannot be handled does not stop its neighbours."""
    try:
        with transaction.atomic():
            return _climb(ids, at, places)
    except OperationalError:
        raise
    except DatabaseError as fault:
        if len(ids) == 1:
            poisoned.append(ids[0])
            _set_aside(ids[0], at, str(fault), places)
            return 0
        middle = len(ids) // 2
        return _climb_by_halves(ids[:middle], at, places, poisoned) + _climb_by_halves(ids[middle:], at, places, poisoned)


def _set_aside(pk: int, at: datetime, reason: str, places: dict) -> None:
    log.error("deadline %s set aside for an hour: %s", pk, reason)
    try:
        with transaction.atomic():
            Deadline.objects.filter(pk=pk).update(next_check_at=at + SET_ASIDE_FOR, set_aside_reason=reason[:300])
            deadline = Deadline.objects.get(pk=pk)
            outbox.post(
                places["bureau"],
                f"时限无法处理：{deadline.label}",
                key=f"aside:{pk}:{at:%Y%m%d%H}",
                audience="bureau",
                kind="alarm",
                body=f"该时限暂停自动督办，请人工跟进。原因：{reason[:200]}",
                at=at,
            )
            journal.record(deadline, "set_aside", actor=None, at=at, reason=reason[:300])
    except DatabaseError:
        log.exception("deadline %s could not even be set aside", pk)


def _places() -> dict[str, int]:
    ids = access.place_ids()
    return {"bureau": ids[access.BUREAU], "office": ids[access.OFFICE], "task_force": ids[access.TASK_FORCE]}
