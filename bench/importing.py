"""A long file comes in (P6): as a person uploads it, by a worker of its own; how long beside COPY, how much memory, and what the pages feel of it."""

import io
import os
import random
import signal
import time
import uuid
from datetime import timedelta
from pathlib import Path

import requests
import xlsxwriter
from django.db import connection, transaction

from bench.cases import PAGES, browser, web
from bench.judging import Measured, judged, p95, seconds
from complaints import import_queue, imports
from complaints.models import ImportJob
from core import clock
from units.models import Unit, User

MOST_MEMORY = 300  # MB
PATIENCE = 900  # seconds
TURNS = 3  # how often the same rows are copied

# What an import writes: table → how its rows become others (turn %(turn)s), and what the database numbers and chains by itself.
WRITTEN = {
    "complaints_ticket": (
        {"id": "id + %(turn)s * 10000000", "number": "number || %(turn)s", "external_no": "external_no || '-' || %(turn)s"}, set(),
    ),
    "complaints_assignment": ({"ticket_id": "ticket_id + %(turn)s * 10000000"}, {"id"}),
    "deadlines_deadline": ({"subject_id": "subject_id + %(turn)s * 10000000", "label": "label || %(turn)s"}, {"id", "written_at"}),
    "notices_notice": ({"key": "key || ':' || %(turn)s"}, {"id"}),
    "core_entry": ({"subject_key": "subject_key || %(turn)s"}, {"id", "position", "prev_hash", "hash", "recorded_at"}),
}  # fmt: skip


def importing(world, rows: int) -> list[Measured]:
    """A file of so many rows beside COPY of all the rows that it became; then another, while somebody turns pages."""
    worker = world.start("manage.py", "worker", "--queues", "files")
    try:
        time.sleep(8)
        before = _newest()
        ours, _ = _imported(_file(rows), worker)
        after = _newest()
        twins = [_copied(before, after, turn) for turn in range(1, TURNS + 1)]
        with web(world) as address:
            turn_page = _pages(address)
            for _ in range(20):
                turn_page()
            calm = [seconds(turn_page) for _ in range(120)]
            busy: list[float] = []
            _, memory = _imported(_file(rows // 2), worker, meanwhile=lambda: busy.append(seconds(turn_page)))
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(30)
    whole = judged("P6", f"导入 {rows} 行 xlsx", [ours], twins, twin_name="同样各行（工单、时限、分工、消息、留痕）COPY 进同样的表", most=6)
    whole.remark = f"自上传到最后一行；每秒 {rows / ours:.0f} 行，工作进程最多用内存 {memory:.0f} MB（目标 ≤ {MOST_MEMORY}）"
    others = judged("P6", f"导入 {rows // 2} 行期间的其他页面", busy, calm, twin_name="没有导入时", most=1.5, of=p95)
    others.remark = f"列表、接口、首页轮流，期间翻了 {len(busy)} 页"
    return [whole, others]


def _file(rows: int) -> bytes:
    now, out = clock.now(), io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["工单编号", "来电时间", "诉求内容", "联系电话", "小区"])
    for number in range(rows):
        called = f"{now - timedelta(minutes=number % 600 + 1):%Y-%m-%d %H:%M:%S}"
        sheet.write_row(number + 1, 0, [f"X{uuid.uuid4().hex[:14]}", called, f"暖气不热，{number} 室只有 15 度", f"138{number:08d}", "演示和暖苑"])
    book.close()
    return out.getvalue()


def _imported(raw: bytes, worker, *, meanwhile=None) -> tuple[float, float]:
    """Seconds from the upload to the last ticket, and the most memory that any process of the worker has taken, in MB."""
    at, memory = clock.now(), 0.0
    job = imports.upload(
        raw, "工单.xlsx", source="12345", unit=Unit.objects.get(code="social-work"), actor=User.objects.get(username="dispatcher"), at=at, automatic=True
    )
    import_queue.nudge(job)
    until = time.monotonic() + PATIENCE
    while job.state not in ("done", "failed"):
        assert time.monotonic() < until, job.state
        if meanwhile:
            meanwhile()
        else:
            time.sleep(0.2)
        memory = max(memory, _memory_of(worker.pid))
        job = ImportJob.objects.get(pk=job.pk)
    assert job.state == "done" and job.created == job.rows, (job.state, job.error, job.created)
    return (job.finished_at - at).total_seconds(), memory


def _memory_of(session: int) -> float:
    """The most that one process of a session has ever taken, in MB."""
    most = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) == session:
                most = max(most, *(int(line.split()[1]) for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM")))
        except (OSError, TypeError):
            continue  # it is gone
    return most / 1024


def _pages(address: str):
    """An act that turns one page of the bureau's officer, any of the lists and home, by HTTP."""
    cookies = "; ".join(f"{name}={one.value}" for name, one in browser().cookies.items())
    line, dice = requests.Session(), random.Random(5)
    wanted = ["/", *(path for path in PAGES.values() if "{" not in path)]

    def turn() -> None:
        answer = line.get(address + dice.choice(wanted), headers={"Cookie": cookies}, timeout=60, allow_redirects=False)
        assert answer.status_code == 200, (answer.status_code, answer.headers.get("Location"))

    return turn


def _newest() -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for table in WRITTEN:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found


def _copied(before: dict[str, int], after: dict[str, int], turn: int) -> float:
    """Seconds to COPY all that was written in between once more, under keys of its own: the same tables, indexes and triggers, one commit."""
    texts = {}
    with connection.cursor() as cursor:
        for table, (changed, left_out) in WRITTEN.items():
            cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", [table])
            columns = [name for (name,) in cursor.fetchall() if name not in left_out]
            shown = ", ".join(changed.get(name, name) % {"turn": turn} for name in columns)
            texts[table] = columns, io.StringIO()
            cursor.copy_expert(
                f"COPY (SELECT {shown} FROM {table} WHERE id > {before[table]} AND id <= {after[table]} ORDER BY id) TO STDOUT", texts[table][1]
            )
            texts[table][1].seek(0)
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for table, (columns, text) in texts.items():
            cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text)
    return time.perf_counter() - started
