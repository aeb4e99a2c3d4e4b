"""Counts over the whole portal by which its promises are checked."""

from datetime import datetime

from django.db import connection

from notices import outbox

COUNTS = """
SELECT
    (SELECT count(*) FROM complaints_ticket),
    (SELECT count(DISTINCT (source, external_no)) FROM complaints_ticket WHERE external_no IS NOT NULL),
    (SELECT count(*) FROM complaints_ticket WHERE external_no IS NOT NULL),
    (SELECT count(*) FROM deadlines_escalation),
    (SELECT count(DISTINCT (deadline_id, level)) FROM deadlines_escalation),
    (SELECT count(*) FROM deadlines_deadline d
     WHERE d.settled_at IS NULL AND d.due_at < %(at)s AND d.level = 0
       AND EXISTS (SELECT 1 FROM deadlines_rung r WHERE r.policy_id = d.policy_id AND r.level > 0 AND r.after <= %(at)s - d.due_at)),
    (SELECT coalesce(max(extract(epoch FROM e.detected_at - greatest(e.breach_at, d.written_at))), 0)
     FROM deadlines_escalation e JOIN deadlines_deadline d ON d.id = e.deadline_id)
"""


def counts(*, at: datetime) -> dict[str, float | int]:
    """Tickets, distinct numbers among those that have one, escalations, overdue deadlines nobody was told of, what is to be sent,
    and the longest lag (detected − breach, or − the moment at which the deadline was written where that was later; seconds)."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"at": at})
        tickets, distinct, numbered, escalations, distinct_escalations, unmarked, lag = cursor.fetchone()
    return {
        "tickets": tickets,
        "distinct_external_numbers": distinct,
        "numbered_tickets": numbered,
        "escalations": escalations,
        "distinct_escalations": distinct_escalations,
        "overdue_unmarked": unmarked,
        "outbox_pending": outbox.pending(),
        "max_lag_seconds": round(max(float(lag), 0.0), 3),
    }
