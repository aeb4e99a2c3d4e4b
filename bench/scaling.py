"""More sweepers and more senders on one database: how much faster together, and nothing twice (P13)."""

import os
import socket
import subprocess
import sys
import time

from django.db import connection

from bench.judging import Measured, judged
from bench.world import ROOT
from core import clock
from notices.models import Endpoint, Message
from units.models import Unit

DUE = 20_000
NUMBERS = (1, 2, 4, 8)
ADDRESSES, EACH, ANSWERS_AFTER = 64, 60, 0.05
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
# A sender by itself, likewise.
SENDER = """
import sys, time
import django
django.setup()
from core import clock
from notices import outbox
from notices.models import Message
print("ready", flush=True)
sys.stdin.readline()
while Message.objects.filter(endpoint__isnull=False, sent_at=None).exists():
    if not outbox.deliver(at=clock.now(), patience=None).sent:
        time.sleep(0.05)  # what is left is in other hands
"""
# Somebody's server that takes its time.
RECEIVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(float(sys.argv[2]))
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
ThreadingHTTPServer.request_queue_size = 256
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def workers(world) -> list[Measured]:
    """20,000 overdue clocks, swept by one, two, four and eight processes at once."""
    found, alone = [], 0.0
    for number in NUMBERS:
        took = _together(number)
        alone = alone or took
        line = judged("P13", f"{DUE:,} 条超时，{number} 个扫描进程", [took], [alone], twin_name="一个进程")
        line.extra = {"sweepers": number, "rate": DUE / took}
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
    took = _race(SWEEPER, number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM deadlines_deadline WHERE next_check_at <= %s", [clock.now()])
        left = cursor.fetchone()[0]
    assert left == 0, f"还有 {left} 条没有扫到"
    return took


def _race(program: str, number: int) -> float:
    """Seconds from the shot until the last of so many processes has finished."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)
    ]
    for one in started:
        one.stdout.readline()
    began = time.monotonic()
    for one in started:
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in started:
        assert one.wait(300) == 0
    return time.monotonic() - began


def senders(world) -> list[Measured]:
    """3,840 messages for 64 addresses whose servers answer after 50 ms, sent by one, two, four and eight processes at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ["WEBHOOK_ALLOW_PRIVATE"] = "1"
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER, str(port), str(ANSWERS_AFTER)])
    try:
        time.sleep(1)
        return _sending(f"http://127.0.0.1:{port}/")
    finally:
        receiver.kill()
        receiver.wait(10)


def _sending(address: str) -> list[Measured]:
    Endpoint.objects.all().delete()
    unit = Unit.objects.get(code="urban-management")
    Endpoint.objects.bulk_create([Endpoint(unit=unit, channel="webhook", name=f"接口 {one}", address=address, host=f"host-{one}") for one in range(ADDRESSES)])
    found, alone, total = [], 0.0, ADDRESSES * EACH
    for number in NUMBERS:
        Message.objects.filter(endpoint__isnull=False).delete()
        at = clock.now()
        Message.objects.bulk_create([
            Message(key=f"bench:{number}:{one.pk}:{turn}", endpoint=one, subject="超时督办", body="请签收", created_at=at, next_attempt_at=at)
            for one in Endpoint.objects.all() for turn in range(EACH)
        ])  # fmt: skip
        took = _race(SENDER, number)
        alone = alone or took
        again = sum(Message.objects.filter(endpoint__isnull=False).values_list("attempts", flat=True)) - total
        line = judged("P13", f"{total:,} 条消息，{number} 个发送进程", [took], [alone], twin_name="一个进程")
        line.extra = {"senders": number, "rate": total / took}
        line.remark = f"每秒 {total / took:,.0f} 条，是一个进程的 {alone / took:.2f} 倍；重复发送 {again}"
        found.append(line)
    return found


def _doubles() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) - count(DISTINCT (deadline_id, level)) FROM deadlines_escalation")
        return cursor.fetchone()[0]


# ---------------------------------------------------------------- docs/scale.md

DOCUMENT = ROOT / "docs" / "scale.md"
MARKS = ("<!-- 以下由 make bench 写入 -->", "<!-- 以上由 make bench 写入 -->")
WIDTH = 40


def write(lines: list[Measured]) -> None:
    """Plot the throughput of the last run between the marks of docs/scale.md: a bar a number of processes."""
    drawn = []
    for kind, said in (("sweepers", f"扫描：{DUE:,} 条超时，每秒发现并督办"), ("senders", f"投递：{ADDRESSES} 个地址，各自 {1000 * ANSWERS_AFTER:.0f} 毫秒后应答，每秒送出")):
        rows = [(line.extra[kind], line.extra["rate"]) for line in lines if kind in line.extra]
        most = max((rate for _, rate in rows), default=0)
        drawn += [said, *(f"{number} 个进程 {'█' * max(1, round(WIDTH * rate / most))} {rate:,.0f} 条" for number, rate in rows), ""]
    head, rest = DOCUMENT.read_text(encoding="utf-8").split(MARKS[0])
    tail = rest.split(MARKS[1])[1]
    cores = f"{os.cpu_count()} 个核上，数据库与各进程争同样的核：核数以上再加进程，加的是余量，不是速度。"
    DOCUMENT.write_text("\n".join([head + MARKS[0], cores, "", "```text", *drawn[:-1], "```", MARKS[1] + tail]), encoding="utf-8")
