"""More sweepers and more senders on one database: how much faster together, and nothing twice (P13)."""

import os
import subprocess
import sys
import time

from django.db import connection

from bench.judging import Measured, judged
from bench.world import ROOT
from core import clock

DUE = 20_000
NUMBERS = (1, 2, 4, 8)
# A sweeper by itself: what worker and watchdog run, without the second between two runs.
SWEEPER = """
import os, sys, time
import django
django.setup()
from core import clock
from deadlines import sweep
print("ready", flush=True)
sys.stdin.readline()
while sweep.sweep(at=clock.now()).checked:
    pass
"""


def workers(world) -> list[Measured]:
    """20,000 overdue clocks, swept by one, two, four and eight processes at once."""
    found, alone = [], 0.0
    for number in NUMBERS:
        took = _together(number)
        alone = alone or took
        line = judged("P13", f"{DUE:,} 条超时，{number} 个扫描进程", [took * 1000], [alone * 1000], twin_name="一个进程")
        line.remark = f"每秒 {DUE / took:,.0f} 条，是一个进程的 {alone / took:.2f} 倍；重复督办 {_doubles()}"
        found.append(line)
    return found


def _together(number: int) -> float:
    """Seconds in which so many sweepers, started at the same moment, leave nothing due."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE deadlines_deadline SET opened_at = now() - interval '3 hours', due_at = now() - interval '1 minute', next_check_at = now() - interval '1 minute', reached = 0, level = 0
               WHERE id IN (SELECT d.id FROM deadlines_deadline d WHERE d.round = 9 AND d.settled_at IS NULL AND NOT EXISTS (SELECT 1 FROM deadlines_escalation e WHERE e.deadline_id = d.id) LIMIT %s)""",
            [DUE],
        )
        assert cursor.rowcount == DUE, f"只有 {cursor.rowcount} 条在计时：请用 --size 100k 以上"
        cursor.execute("VACUUM ANALYZE deadlines_deadline")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen([sys.executable, "-c", SWEEPER], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)
    ]
    for one in started:
        one.stdout.readline()
    began = time.monotonic()
    for one in started:
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in started:
        one.wait(300)
    took = time.monotonic() - began
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM deadlines_deadline WHERE next_check_at <= %s", [clock.now()])
        left = cursor.fetchone()[0]
    assert left == 0, f"还有 {left} 条没有扫到"
    return took


def _doubles() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) - count(DISTINCT (deadline_id, level)) FROM deadlines_escalation")
        return cursor.fetchone()[0]
