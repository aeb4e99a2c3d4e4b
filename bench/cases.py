"""The cases. Each takes a Bench and gives lines of the table."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import jinja2
import requests
from django.db import connection, transaction
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from bench.judging import Measured, by_turns, judged, p95, ratio, seconds
from complaints import selectors
from complaints.models import Ticket
from complaints.presenting_rows import rows_of
from core import clock
from core.paging import Page
from deadlines import sweep
from units import access
from units.models import Export, Unit, User

PAGES = {
    "待办列表": "/tickets/", "列表：全部，新的在前": "/tickets/?order=newest", "列表：已销号": "/tickets/?state=closed", "列表：超时": "/tickets/?late=1",
    "列表：某企业": "/tickets/?unit=demo-heating-1&order=newest", "列表：某街道": "/tickets/?street=street-weiyanggong&order=newest",
    "列表：某小区": "/tickets/?community=demo-community-1&order=newest", "列表：价格收费": "/tickets/?category=price_fee&order=newest",
    "列表：码上暖": "/tickets/?source=qr&order=newest", "列表：即将超时": "/tickets/?soon=1", "列表：某街道已销号": "/tickets/?state=closed&street=street-weiyanggong",
    "列表：某街道未办结": "/tickets/?state=open&street=street-weiyanggong", "列表：某企业已销号": "/tickets/?state=closed&unit=demo-heating-1",
    "列表：某月价格收费": "/tickets/?category=price_fee&since={month}&until={next_month}&order=newest", "列表：没有的分类": "/tickets/?category=heat_theft&order=newest",
    "列表：搜两个字": "/tickets/?q=不热&order=newest", "列表：搜没有的两个字": "/tickets/?q=爆管&order=newest", "接口列表": "/api/v1/tickets/", "接口列表：已销号": "/api/v1/tickets/?state=closed",
}
# The same list as those see it who see their own: (person, address).
OWN = {
    "企业自己的待办": ("heating1", "/tickets/"), "企业自己的全部，新的在前": ("heating1", "/tickets/?order=newest"), "企业自己的已销号": ("heating1", "/tickets/?state=closed"),
    "企业自己承办的": ("heating1", "/tickets/?mine=doer&order=newest"), "街道自己的待办": ("street", "/tickets/"), "街道自己的全部，新的在前": ("street", "/tickets/?order=newest"),
}  # fmt: skip
DASHBOARDS = {"首页": "/", "指挥大屏": "/wall/", "统计（本采暖季）": "/oversight/?days=150"}
SEARCHES = {"搜索：工单号": "{number}", "搜索：后八位": "{tail}", "搜索：电话": "13800001234", "搜索：小区": "演示和暖苑", "搜索：内容词": "编号{rare}"}


def browser(username: str = "bureau") -> Client:
    """Somebody, signed in; the bureau's officer, if nobody is named."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username=username))
    client.get("/")
    return client


def statements(asked) -> int:
    """How many statements were asked; the brackets of a transaction are none."""
    brackets = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
    return sum(not query["sql"].startswith(brackets) for query in asked.captured_queries)


def pages(wanted: dict[str, str | tuple[str, str]], *, rounds: int) -> dict[str, dict]:
    """Seconds and statements of each page at the present size, one after another in random order. An address alone is the bureau's."""
    month = clock.now() - timedelta(days=200)
    said = {"month": f"{month:%Y-%m-01}", "next_month": f"{month + timedelta(days=31):%Y-%m-01}"}
    doors = {name: what if isinstance(what, tuple) else ("bureau", what.format(**said)) for name, what in wanted.items()}
    clients = {who: browser(who) for who in {who for who, _ in doors.values()}}
    found = {name: {"seconds": [], "queries": 0} for name in doors}
    for name, (who, path) in doors.items():
        clients[who].get(path)  # what is remembered for the whole process is asked once
        with CaptureQueriesContext(connection) as asked:
            answer = clients[who].get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.content[:300])
        found[name]["queries"] = statements(asked)
    dice = random.Random(3)
    for _ in range(rounds):
        for name in dice.sample(list(doors), len(doors)):
            who, path = doors[name]
            found[name]["seconds"].append(seconds(lambda who=who, path=path: clients[who].get(path).content))
    return found


def rendering(rounds: int) -> list[Measured]:
    """Fifty rows of the queue by the page's own template, beside the very same markup rendered by Jinja (P8)."""
    officer, at = User.objects.get(username="bureau"), clock.now()
    rows = rows_of(officer, selectors.listing(officer, selectors.Filters(state="open"), at=at, order=selectors.DUE_FIRST, size=50).rows, at=at)
    assert len(rows) == 50, len(rows)
    request = RequestFactory().get("/tickets/")
    request.htmx = None
    own = get_template("complaints/_rows.html")
    context = {"rows": rows, "page": Page(rows, None, None), "query": "", "at": at, "current": ""}
    markup = re.search(r"{% for row in rows %}.*?(?={% empty %})", Path(own.origin.name).read_text(encoding="utf-8"), re.DOTALL)[0] + "{% endfor %}"
    twin = jinja2.Environment(autoescape=True).from_string(markup)
    assert "".join(twin.render(context).split()) in "".join(own.render(context, request).split()), "两边写出的不一样"
    first, second = by_turns(lambda: own.render(context, request), lambda: twin.render(context), rounds=rounds * 6)
    return [judged("P8", "待办列表 50 行的版面", first, second, twin_name="同样的行用 Jinja", most=2)]


def compare_sizes(small: dict, large: dict, goal: str, most: float, most_queries: int | None, small_name: str) -> list[Measured]:
    """Pages at both sizes: how far the 95th percentile has grown."""
    return [
        judged(goal, name, large[name]["seconds"], small[name]["seconds"], twin_name=f"同页，{small_name}", most=most, of=p95, queries=large[name]["queries"], most_queries=most_queries)
        for name in large
    ]


def searches(rounds: int) -> list[Measured]:
    """Each search beside its own slowest statement, run raw (P11)."""
    client, found = browser(), []
    ticket = Ticket.objects.order_by("-id")[50]
    for name, words in SEARCHES.items():
        path = "/tickets/?order=newest&q=" + words.format(number=ticket.number, tail=ticket.number[-8:], rare=ticket.pk)
        client.get(path)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(path).status_code == 200, path
        number = statements(asked)
        slowest = max(asked.captured_queries, key=lambda query: float(query["time"]))["sql"]
        ours, twin = by_turns(lambda path=path: client.get(path).content, lambda sql=slowest: _raw(sql), rounds=rounds)
        found.append(judged("P11", name, ours, twin, twin_name="其中最慢的一条 SQL", most=10, of=p95, queries=number))
    return found


def _raw(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()


def make_due(number: int, *, at=None) -> None:
    """So many of the running clocks, far apart from each other, fall due a second before `at` (now)."""
    at = at or clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM deadlines_deadline WHERE next_check_at IS NOT NULL")
        every = max(1, cursor.fetchone()[0] // (number * 3 // 2))
        cursor.execute(
            """UPDATE deadlines_deadline SET opened_at = %(at)s - interval '2 hours', due_at = %(at)s - interval '1 second', next_check_at = %(at)s - interval '1 second'
               WHERE id IN (SELECT id FROM deadlines_deadline WHERE next_check_at > %(at)s AND reached = 0 AND id %% %(every)s = %(turn)s LIMIT %(number)s)""",
            {"at": at, "every": every, "turn": random.randrange(every), "number": number},
        )


def sweeping(rounds: int) -> list[Measured]:
    """1,000 due among all that run, against the same statements by a bare cursor (P1)."""
    at = clock.now() + timedelta(hours=1)
    places = sweep._places()

    def fall_due():
        make_due(1000, at=at)

    def raw():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM deadlines_deadline WHERE next_check_at <= %s ORDER BY next_check_at LIMIT %s FOR UPDATE SKIP LOCKED", [at, sweep.BATCH])
            cursor.execute(sweep.CLIMB, {"ids": [row[0] for row in cursor.fetchall()], "at": at, **places})

    def ours():
        sweep.sweep(at=at)

    first, second = by_turns(ours, raw, rounds=rounds, before_ours=fall_due, before_twin=fall_due)
    fall_due()
    with CaptureQueriesContext(connection) as asked:
        ours()
    return [judged("P1", "扫描：1000 条到期", first, second, twin_name="同样的语句，裸游标", most=1.5, queries=statements(asked))]


def idle_sweep(rounds: int) -> dict:
    """A sweep that finds nothing: seconds, statements, and blocks touched (P2)."""
    at = clock.now() - timedelta(days=400)
    with CaptureQueriesContext(connection) as asked:
        sweep.sweep(at=at)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT id FROM deadlines_deadline WHERE next_check_at <= %s ORDER BY next_check_at LIMIT 1000 FOR UPDATE SKIP LOCKED", [at])
        plan = cursor.fetchone()[0]
        plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return {"seconds": [seconds(lambda: sweep.sweep(at=at)) for _ in range(rounds * 4)], "queries": statements(asked), "blocks": plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]}


def refresh(rounds: int) -> list[Measured]:
    """What an open dashboard costs while nothing changes: processor seconds of one refresh, times 200, over the 15 seconds between two (P10)."""
    client = browser()
    headers = {"HTTP_HX_REQUEST": "true", "HTTP_X_REFRESH": "1"}
    first = client.get("/", **headers)
    version = first.headers.get("X-Version")
    if version:
        headers["HTTP_X_VERSION"] = version
    started = time.process_time()
    took = [seconds(lambda: client.get("/", **headers).content) for _ in range(rounds * 3)]
    share = (time.process_time() - started) / len(took) * 200 / 15
    line = judged("P10", "首页自动刷新，无变化", took, took, twin_name="—")
    line.extra, line.remark, line.ratio, line.most = {"share": share}, f"200 个打开的首页占一个核的 {100 * share:.0f}%（目标 ≤ 25%）", share, 0.25
    line.low = line.high = share
    return [line]


def intake(world, rounds: int) -> list[Measured]:
    """POST tickets/ over HTTP beside an empty view of the same server, and beside its own statements by a bare cursor (P4)."""
    with serving(world) as ours:

        def empty():
            assert ours.line.post(f"{ours.address}/empty/", json=ours.complaint, timeout=30).status_code == 201

        for _ in range(20):
            ours.take_another()
            ours()
            empty()
        first, second = by_turns(ours, empty, rounds=rounds * 6, before_ours=ours.take_another, before_twin=ours.take_another)
        kept, nothing = by_turns(_keep_one_row, empty, rounds=rounds * 4)
    client = Client(SERVER_NAME="127.0.0.1")
    said = {"content_type": "application/json", "HTTP_AUTHORIZATION": ours.line.headers["Authorization"]}
    client.post("/api/v1/tickets/", json.dumps(_complaint()), **said)
    said["data"] = json.dumps(_complaint())
    with CaptureQueriesContext(connection) as asked:
        client.post("/api/v1/tickets/", **said)
    line = judged("P4", "受理一件（HTTP）", first, second, twin_name="同一服务器上的空 DRF 视图", most=1.8, queries=statements(asked), most_queries=5)
    line.remark = f"空视图不落盘；裸游标写一行并提交即占它的 {ratio(kept, nothing)[0]:.2f} 倍"
    return [line]


def _keep_one_row() -> None:
    """What no intake can do without: one row, durable on disk."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO core_tally (key, count, until) VALUES (%s, 1, now())", [uuid.uuid4().hex])


class Posting:
    """Posts a complaint, another each time, over a connection that stays open."""

    def __init__(self, address: str, token: str):
        self.address, self.line = address, requests.Session()
        self.line.headers["Authorization"] = f"Token {token}"
        self.take_another()

    def take_another(self):
        """The complaint to be posted next; what it takes to write it is not measured."""
        self.complaint = _complaint()

    def __call__(self):
        answer = self.line.post(f"{self.address}/api/v1/tickets/", json=self.complaint, timeout=30)
        assert answer.status_code == 201, answer.text


@contextlib.contextmanager
def serving(world):
    """The portal's web server, and what posts to it as the dispatchers' system does."""
    token = access.issue_token(Unit.objects.get(code="social-work"), "dispatcher", at=clock.now())
    with web(world) as address:
        yield Posting(address, token)


def _complaint() -> dict:
    number = uuid.uuid4().hex
    return {  # no two alike, as in life: what was read once for one caller helps no other
        "source": "12345", "external_no": number, "content": f"家里暖气不热，{int(number[:3], 16)} 室客厅只有 {int(number[3], 16)} 度，请尽快派人来看", "community": "demo-community-1",
        "called_at": clock.now().isoformat(),
    }  # fmt: skip


@contextlib.contextmanager
def web(world):
    """The portal's own server, as in production; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = world.start("-m", "gunicorn", "heating.wsgi:application", "--bind", f"127.0.0.1:{port}", "--config", "heating/gunicorn.py")
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{port}/livez", timeout=2).status_code == 200:
                    break
            assert time.monotonic() < until, "gunicorn 没有起来"
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


TAKING = """
import resource, django
django.setup()
from core import clock
from notices import inbox
from units import exports
exports.make({pk}, now=clock.now, tell=inbox.tell)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def exporting() -> list[Measured]:
    """The whole list as xlsx, as a worker of its own makes it: how long, how large, and how much memory in all (P12)."""
    answer = browser().get("/tickets/export/")
    assert answer.status_code == 302, (answer.status_code, "不到 5,000 行，不进后台")
    export = Export.objects.get(pk=int(answer.url.rstrip("/").rsplit("/", 1)[1]))
    memory = 0.0

    def ours():
        nonlocal memory
        made = subprocess.run([sys.executable, "-c", TAKING.format(pk=export.pk)], capture_output=True, text=True, check=True)
        memory = float(made.stdout.strip().splitlines()[-1])

    took = seconds(ours)
    export.refresh_from_db()
    assert export.state == Export.State.READY, (export.state, export.error)
    line = judged("P12", f"后台导出 {export.rows:,} 行 xlsx", [took], [took], twin_name="—")
    line.remark = f"每秒 {export.rows / took:,.0f} 行，{export.size / 1024 / 1024:.1f} MB，整个进程内存最多 {memory:.0f} MB（目标 ≤ 200）"
    line.ratio = line.low = line.high = memory
    line.most = 200
    return [line]


def lag(world, number: int, *, a_second: int = 50, during: int = 30) -> list[Measured]:
    """Worker and beat running: so many fall due each second; how late each is noticed (P3)."""
    beat = world.start("manage.py", "beat")
    worker = world.start("manage.py", "worker", "--queues", "clock")
    try:
        time.sleep(12)
        start = clock.now() + timedelta(seconds=3)
        with connection.cursor() as cursor:
            cursor.execute(
                """WITH chosen AS (SELECT id, row_number() OVER () AS n FROM (SELECT id FROM deadlines_deadline WHERE next_check_at IS NOT NULL AND reached = 0 AND round = 9
                                                                             AND next_check_at > now() ORDER BY random() LIMIT %(count)s) AS picked)
                   UPDATE deadlines_deadline d SET due_at = %(start)s::timestamptz + make_interval(secs => n::float8 / %(rate)s), opened_at = %(start)s::timestamptz - interval '59 minutes',
                          next_check_at = %(start)s::timestamptz + make_interval(secs => n::float8 / %(rate)s)
                   FROM chosen WHERE d.id = chosen.id RETURNING d.id""",
                {"count": a_second * during, "rate": a_second, "start": start},
            )
            ids = [row[0] for row in cursor.fetchall()]
        time.sleep(during + 8)
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM e.detected_at - d.due_at) FROM deadlines_escalation e JOIN deadlines_deadline d ON d.id = e.deadline_id WHERE d.id = ANY(%s)", [ids])
            lags = [float(row[0]) for row in cursor.fetchall()]
    finally:
        for process in (beat, worker):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
    lags.sort()
    line = judged("P3", f"发现延迟，{number} 条在计时，每秒 {a_second} 条到期", lags, lags, twin_name="—", of=lambda values: sorted(values)[int(0.99 * (len(values) - 1))])
    line.remark = f"{len(lags)}/{len(ids)} 条已督办；p50 {statistics.median(lags):.2f} 秒，p99 {lags[int(0.99 * (len(lags) - 1))]:.2f} 秒（目标 ≤ 1.2），最大 {lags[-1]:.2f} 秒（目标 ≤ 2）"
    line.ratio = line.low = line.high = lags[int(0.99 * (len(lags) - 1))]
    line.most = 1.2
    return [line]


HERE = Path(__file__).parent
