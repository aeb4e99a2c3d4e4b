"""A season's tickets by the daily curve of the city's heating calls, written set by set; triggers off, so without row history.

Within a set in the order of their calls: on the disk a day's rows lie beside each other, as rows do that are written when they come.
"""

import csv
from datetime import timedelta
from pathlib import Path

from django.db import connection

CURVE = Path(__file__).with_name("heat_complaints_per_day.csv")
OPEN = 500  # open at any moment: it grows with the calls of a day, not with the season
CHUNK = 100_000

TICKETS = """
WITH place AS (
    SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, street_id, company_id FROM plants_community WHERE company_id IS NOT NULL
), many AS (SELECT count(*) AS n FROM place), fresh AS (
    SELECT s, place.id AS community, place.street_id AS street, place.company_id AS doer,
           %(at)s::timestamptz - make_interval(days => (%(days)s::int[])[1 + (s::bigint * 7919) %% 1000]) - make_interval(secs => 3600 + (s::bigint * 104729) %% 80000) AS called
    FROM generate_series(%(first)s, %(last)s) AS s JOIN many ON true JOIN place ON place.n = s %% many.n
)
INSERT INTO complaints_ticket (
    number, source, external_no, district_no, kind, category, suggested_category, suggestion, title, content, content_original, is_urgent, is_confidential,
    complainant_name, complainant_phone, complainant_email, other_contacts, phone_index, address, building, state, round, segment, version, stage, called_at,
    dispatched_at, delivered_at, ingested_at, late_on_arrival, arrival_hop, closed_at, call_count, returns, is_history, is_demo, extra, community_id, doer_id,
    lead_id, street_id)
SELECT 'WY-' || to_char(called, 'YYYYMMDD') || '-' || lpad(s::text, 8, '0'), CASE WHEN s %% 4 = 0 THEN 'qr' ELSE '12345' END, 'B' || s, '', 'complaint',
       CASE WHEN s %% 11 = 0 THEN 'price_fee' ELSE 'heating_service' END, 'heating_service', '{}', '主卧不热', '暖气片上热下凉，室温 ' || 10 + s %% 9 || ' 度，编号' || s, '',
       false, false, '', '', '', '', md5((s %% 200000)::text), '', s %% 40 + 1 || '号楼', 'closed', 1, 1, 5, '', called, called + interval '5 min',
       called + interval '5 min', called + interval '4 min', false, '', called + interval '20 hours', 1, 0, false, true, '{}', community, doer, doer, street
FROM fresh ORDER BY called
"""
PARTS = """
INSERT INTO complaints_assignment (part, segment, since, ended_by, task, waived_reason, unit_id, ticket_id, until)
SELECT part, 1, t.delivered_at, '', '', '', t.doer_id, t.id, NULL
FROM complaints_ticket t CROSS JOIN (VALUES ('lead'), ('doer')) AS parts(part) WHERE t.id > %(after)s AND t.doer_id IS NOT NULL ORDER BY t.called_at
"""
CLOCKS = """
INSERT INTO deadlines_deadline (subject_id, subject_type_id, label, stage, round, segment, sequence, opened_at, due_at, settled_at, outcome, reached, level,
                                next_check_at, set_aside_reason, street_id, unit_id, policy_id, link, written_at)
SELECT t.id, %(ticket)s, t.number, p.stage, 1, 1, 1, t.delivered_at, t.delivered_at + p.allowance,
       t.delivered_at + p.allowance * (CASE WHEN t.id %% 12 = 0 THEN 1.4 ELSE 0.6 END), CASE WHEN t.id %% 12 = 0 THEN 'late' ELSE 'met' END, 0, 0, NULL, '',
       t.street_id, t.doer_id, p.id, '', t.delivered_at
FROM complaints_ticket t JOIN deadlines_policy p ON p.code IN ('response', 'visit', 'callback') AND p.is_current WHERE t.id > %(after)s AND t.doer_id IS NOT NULL
ORDER BY t.called_at
"""
RUNNING = """
INSERT INTO deadlines_deadline (subject_id, subject_type_id, label, stage, round, segment, sequence, opened_at, due_at, settled_at, outcome, reached, level,
                                next_check_at, set_aside_reason, street_id, unit_id, policy_id, link, written_at)
SELECT t.id, %(ticket)s, t.number, 'visit', 9, 1, 1, %(at)s, %(at)s::timestamptz + make_interval(days => 2, secs => t.id %% 2000000), NULL, '', 0, 0,
       %(at)s::timestamptz + make_interval(days => 1, secs => t.id %% 2000000), '', t.street_id, t.doer_id, p.id, '', %(at)s
FROM complaints_ticket t JOIN deadlines_policy p ON p.code = 'visit' AND p.is_current WHERE t.doer_id IS NOT NULL
ON CONFLICT DO NOTHING
"""


def fill(up_to: int, *, at) -> None:
    """Bring the tickets up to a number, with their parts and settled clocks; 500 of them are open."""
    days = _curve()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET session_replication_role = replica")
        cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM complaints_ticket")
        there, after = cursor.fetchone()
        for first in range(there + 1, up_to + 1, CHUNK):
            values = {"days": days, "at": at, "first": first, "last": min(up_to, first + CHUNK - 1)}
            cursor.execute(TICKETS, values)
        values = {"after": after, "ticket": _type_of_tickets(cursor)}
        cursor.execute(PARTS, values)
        cursor.execute(CLOCKS, values)
        cursor.execute(
            """UPDATE complaints_ticket SET state = 'dispatched', closed_at = NULL, stage = 'visit', due_at = %s + make_interval(mins => (id %% 240)::int - 60)
               WHERE id IN (SELECT id FROM complaints_ticket WHERE doer_id IS NOT NULL ORDER BY ingested_at DESC LIMIT %s)""",
            [at, OPEN],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # what is measured next pays for its own writing only


def run_clocks(*, at) -> int:
    """One running clock for every ticket; how many run now."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET session_replication_role = replica")
        cursor.execute(RUNNING, {"ticket": _type_of_tickets(cursor), "at": at + timedelta(minutes=0)})
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE deadlines_deadline")
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT count(*) FROM deadlines_deadline WHERE next_check_at IS NOT NULL")
        return cursor.fetchone()[0]


def _type_of_tickets(cursor) -> int:
    cursor.execute("SELECT id FROM django_content_type WHERE app_label = 'complaints' AND model = 'ticket'")
    return cursor.fetchone()[0]


def _curve() -> list[int]:
    """A thousand days before today, each as often as the city called on it."""
    with CURVE.open(encoding="utf-8") as file:
        rows = [int(row["n_requests"]) for row in csv.DictReader(file) if int(row["n_requests"]) > 0][:120]
    total, found, before = sum(rows), [], 0
    for day, calls in enumerate(rows, 1):
        found += [day] * (round(1000 * (before + calls) / total) - len(found))
        before += calls
    return found
