"""The drills of what must stay: messages past an endpoint that hangs, the journal against its owner, everything back after a wipe."""

import contextlib
import json
import secrets
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

from tests.drills.result import Result
from tests.drills.world import Posts, World

HANGS = 30  # seconds
ENDPOINTS = 20  # one of which hangs: a twentieth of the messages


class _Receiver(ThreadingHTTPServer):
    """A company's server: notes the keys it was given; the hanging one answers after half a minute."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hangs: bool):
        self.keys: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 (the library's name)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.keys.append(self.headers.get("Idempotency-Key", ""))
                if hangs:
                    time.sleep(HANGS)
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


SENT = """
from core import clock
from notices import endpoints
from notices.models import Endpoint, Message
from units.models import Unit
at, unit = clock.now(), Unit.objects.get(code="demo-heating-1")
hosts = {hosts}
places = [endpoints.add(unit, channel="webhook", name=f"drill {{n}}", address=f"http://{{host}}/", secret="s", actor=None, at=at) for n, host in enumerate(hosts)]
Message.objects.bulk_create([
    Message(key=f"drill:{{n}}", endpoint=places[n % len(places)], subject="演练", body="演练", lines=[{{"key": "drill", "text": "演练", "link": "/", "level": 0}}], created_at=at, next_attempt_at=at)
    for n in range({size})
])
"""


def endpoint_hangs(size: int) -> Result:
    """F9: one address of twenty hangs for half a minute; what goes to the others is not delayed by it."""
    result = Result(f"{size} 条消息，二十分之一发往一个挂起的接口")
    receivers = [_Receiver(hangs=number == 0) for number in range(ENDPOINTS)]
    hosts = [f"127.0.0.1:{one.server_port}" for one in receivers]
    try:
        with World(limits=1800, environment={"WEBHOOK_ALLOW_PRIVATE": "1", "WEBHOOK_ALLOWED_HOSTS": ",".join(hosts)}) as world:
            world.manage("shell", "-v", "0", "-c", SENT.format(hosts=hosts, size=size))
            healthy = "key LIKE 'drill:%' AND endpoint_id <> (SELECT id FROM notices_endpoint WHERE name = 'drill 0')"
            World.wait(lambda: receivers[0].keys, 30, "挂起的接口没有被请求")
            World.wait(lambda: world.sql(f"SELECT count(*) FROM notices_message WHERE {healthy} AND sent_at IS NULL")[0][0] == 0, 120, "健康接口没有全部送达")  # noqa: S608 (no input)
            p50, p95 = world.sql(
                f"""SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY late), percentile_cont(0.95) WITHIN GROUP (ORDER BY late)
                    FROM (SELECT extract(epoch FROM sent_at - created_at) AS late FROM notices_message WHERE {healthy}) x"""  # noqa: S608 (no input)
            )[0]
            result.figures |= {"healthy": size - size // ENDPOINTS, "hanging_tried": len(receivers[0].keys), "healthy_p50_seconds": round(float(p50), 1)}
            result.hold("确实挂起的请求", len(receivers[0].keys), "> 0", len(receivers[0].keys) > 0)
            result.hold("发往健康接口，95 分位（秒）", round(float(p95), 1), "≤ 5", float(p95) <= 5)
            keys = [key for one in receivers[1:] for key in one.keys]
            result.hold("健康接口收到重复的键", len(keys) - len(set(keys)), "0", len(keys) == len(set(keys)))
    finally:
        for one in receivers:
            one.shutdown()
            one.server_close()
    return result


# As whoever owns the tables and the server could: triggers off, then the harm, then the chain made anew as well as they can.
CHAINED_ANEW = """
import os
from django.db import connection
from core.models import entry_digest
with connection.cursor() as cursor:
    cursor.execute("SET session_replication_role = replica")
    cursor.execute("SELECT position FROM core_entry WHERE position >= %s ORDER BY position", [int(os.environ["FROM_POSITION"])])
    for (position,) in cursor.fetchall():
        cursor.execute("UPDATE core_entry SET prev_hash = coalesce((SELECT hash FROM core_entry b WHERE b.position = %s), '') WHERE position = %s", [position - 1, position])
        cursor.execute(f"UPDATE core_entry e SET hash = {entry_digest('e')} WHERE position = %s", [position])
    cursor.execute("SET session_replication_role = DEFAULT")
"""


def journal_tampered(size: int) -> Result:
    """F13, F14: eight writers at once make one chain; whoever owns the table cannot change it unnoticed, given an anchor published before."""
    result = Result("八路并发写流水，随后由库主篡改")
    with World(limits=1800) as world:
        posts = Posts(world)
        posts.many(size, clients=8)
        said = world.manage("verify_journal")
        head = said.rsplit("锚点 ", 1)[1].strip()
        entries = int(head.split(":")[0])
        result.figures["entries"] = entries
        result.hold("并发写入后断开的链环", 0 if "完好" in said else 1, "0", "完好" in said)
        posts.many(5)  # what is written after the anchor
        for name in ("worker", "beat", "watchdog", "web"):
            world.kept[name].is_wanted = False
            world.kill(name)
        world.sql("CREATE TABLE kept_entry AS SELECT * FROM core_entry")
        middle = entries // 2
        refused = _as_owner(world, f"UPDATE core_entry SET reason = 'x' WHERE position = {middle}", owner=False)
        result.hold("触发器拒绝应用改写", refused, "True", refused)
        harms = {
            "改一行": [f"UPDATE core_entry SET reason = 'x' WHERE position = {middle}"],
            "截去尾部": [f"DELETE FROM core_entry WHERE position > {middle}"],
            "清空": ["DELETE FROM core_entry"],
            "改一行并重算其后全部散列": [f"UPDATE core_entry SET reason = 'x' WHERE position = {middle}"],
        }
        for name, statements in harms.items():
            _as_owner(world, *statements)
            if "重算" in name:
                world.environment["FROM_POSITION"] = str(middle)
                world.manage("shell", "-v", "0", "-c", CHAINED_ANEW)
                alone = world.manage("verify_journal", ok=False)
                result.hold("重算后链自身看不出（所以要锚点）", "完好" in alone, "True", "完好" in alone)
            found = world.manage("verify_journal", "--anchor", head, ok=False)
            is_found = "断开" in found and not found.startswith("0\n")
            result.hold(f"{name}：被锚点或链发现", is_found, "True", is_found)
            _as_owner(world, "DELETE FROM core_entry", "INSERT INTO core_entry SELECT * FROM kept_entry")
        whole = world.manage("verify_journal", "--anchor", head)
        result.hold("复原后校验", "完好" in whole, "True", "完好" in whole)
    return result


def _as_owner(world: World, *statements: str, owner: bool = True) -> bool:
    """Run them with the triggers off, or on; whether they were refused."""
    try:
        world.sql(";".join(["SET session_replication_role = replica"] * owner + list(statements)))
    except psycopg2.Error:
        return True
    return False


ATTACHED = """
import hashlib, os, uuid
from pathlib import Path
from django.conf import settings
from core import clock
from core.models import Attachment
rows = []
for n in range({files}):
    data, name = os.urandom(20_000), uuid.uuid4().hex
    place = Path(settings.MEDIA_ROOT) / "attachments" / name[:2] / f"{{name}}.jpg"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    rows.append(Attachment(subject_kind="ticket", subject_key=str(n), name="照片.jpg", content_type="image/jpeg", size=len(data), sha256=hashlib.sha256(data).hexdigest(), path=f"attachments/{{name[:2]}}/{{name}}.jpg", uploaded_at=clock.now()))
Attachment.objects.bulk_create(rows)
"""


def wiped_and_restored(size: int) -> Result:
    """F15: a backup of so many tickets, a database that is gone, and everything back and the same."""
    files = max(size // 250, 20)
    result = Result(f"{size} 件工单与 {files} 个附件：备份、清空、恢复")
    with World(limits=1800) as world:
        world.environment |= {"BACKUP_DIR": str(world.var / "backup"), "BACKUP_KEY": secrets.token_urlsafe(24)}
        Posts(world).many(min(size, 200))
        world.manage("shell", "-v", "0", "-c", f"from bench.filling import fill\nfrom core import clock\nfill({size}, at=clock.now())")
        world.manage("shell", "-v", "0", "-c", ATTACHED.format(files=files))
        for one in world.kept.values():
            one.is_wanted = False
        for name in world.kept:
            world.kill(name)
        before = json.loads(world.manage("reliability_counts", "--json"))
        started = time.monotonic()
        world.manage("backup")
        result.figures |= {"tickets": before["tickets"], "backup_seconds": round(time.monotonic() - started, 1)}
        media = world.manage("shell", "-v", "0", "-c", "from django.conf import settings; print(settings.MEDIA_ROOT)").strip()
        shutil.rmtree(media)
        _recreate(world)
        gone = world.sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")[0][0]
        result.hold("清空后剩下的表", gone, "0", gone == 0)
        started = time.monotonic()
        said = world.manage("restore")
        took = time.monotonic() - started
        anchor = said.split("锚点 ")[1].split("。")[0]
        result.figures["said"] = said.strip()[:120]
        result.hold("恢复（秒）", round(took, 1), "≤ 300", took <= 300)
        after = json.loads(world.manage("reliability_counts", "--json"))
        same = all(before[name] == after[name] for name in ("tickets", "distinct_external_numbers", "escalations", "outbox_pending"))
        result.hold("逐表与附件散列比对", "全部相符" in said and same, "True", "全部相符" in said and same)
        whole = world.manage("verify_journal", "--anchor", anchor)
        result.hold("流水与锚点", "完好" in whole, "True", "完好" in whole)
    return result


def _recreate(world: World) -> None:
    """The portal's database dropped and made anew, empty."""
    line = psycopg2.connect(dbname="postgres", user="heating", host=str(world.servers.run))
    line.autocommit = True
    with line.cursor() as cursor:
        cursor.execute("DROP DATABASE heating WITH (FORCE)")
        cursor.execute("CREATE DATABASE heating TEMPLATE template0 ENCODING 'UTF8'")
    line.close()
