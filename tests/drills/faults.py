"""The drills: each breaks something for real, proves that it broke, and returns its figures with what it holds them to."""

import signal
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.drills.result import Result, truth
from tests.drills.world import Posts, World

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long shift(void) { const char *said = getenv("CLOCK_SHIFT"); return said ? atol(said) : 0; }
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(id, at);
  if (id == CLOCK_REALTIME) at->tv_sec += shift();
  return done;
}
int gettimeofday(struct timeval *at, void *zone) {
  struct timespec now; clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec; at->tv_usec = now.tv_nsec / 1000; return 0;
}
time_t time(time_t *at) { struct timespec now; clock_gettime(CLOCK_REALTIME, &now); if (at) *at = now.tv_sec; return now.tv_sec; }
"""


def worker_killed(size: int) -> Result:
    """F1: workers are killed again and again around the moment at which everything falls due."""
    result = Result("工作进程被杀")
    with World() as world:
        posts = Posts(world)
        posts.many(size)
        time.sleep(max(world.limits - 6, 0))
        pids = []
        for _ in range(5):
            pids.append(world.kill("worker"))
            time.sleep(2.5)
        result.figures["killed"] = len(set(pids))
        result.hold("确实杀掉", len(set(pids)), "5", len(set(pids)) == 5)
        return truth(result, posts, world.settled(), lag=15)


def redis_lost(size: int, seconds: float = 60) -> Result:
    """F2: Redis is killed with tasks in flight and comes back empty."""
    result = Result(f"Redis 失去 {seconds:g} 秒后空着回来")
    with World() as world:
        posts = Posts(world)
        posts.many(size)
        trickle = posts.steadily(seconds + 4)
        time.sleep(2)
        world.stop_server("redis")
        went_red = World.wait(lambda: world.health()[0] == 503, 30, "/healthz 没有变红")
        time.sleep(max(seconds - went_red, 0))
        world.start_server("redis", empty=True)
        trickle.join()
        back = World.wait(lambda: world.health()[0] == 200, 60, "/healthz 没有恢复")
        result.figures |= {"red_after_seconds": round(went_red, 1), "green_after_seconds": round(back, 1)}
        others = sum(n for answer, n in posts.answers.items() if answer not in (200, 201))
        result.hold("停机期间不是 201 的回答", others, "0", others == 0)
        result.hold("最慢的提交（秒）", round(posts.slowest, 2), "< 2", posts.slowest < 2)
        return truth(result, posts, world.settled(), lag=15)


def postgres_lost(size: int, seconds: float = 30) -> Result:
    """F3: PostgreSQL is killed under traffic."""
    result = Result(f"PostgreSQL 被杀 {seconds:g} 秒")
    with World() as world:
        posts = Posts(world)
        posts.many(size)
        trickle = posts.steadily(seconds + 8)
        time.sleep(2)
        world.stop_server("postgres")
        went_red = World.wait(lambda: world.health()[0] == 503, 30, "/healthz 没有变红")
        time.sleep(max(seconds - went_red, 0))
        world.start_server("postgres")
        up = time.monotonic()
        trickle.join()
        found = world.settled()
        result.figures |= {"red_after_seconds": round(went_red, 1), "checked_after_seconds": round(time.monotonic() - up, 1)}
        result.hold("/healthz 变红（秒）", round(went_red, 1), "≤ 5", went_red <= 5)
        return truth(result, posts, found, lag=seconds + 10)


def two_beats(size: int) -> Result:
    """F4: two beats and two workers at once."""
    result = Result("两个定时进程、两个工作进程")
    with World() as world:
        world.keep("beat-2", ["beat"])
        world.keep("worker-2", ["worker", "--queues", "clock"])
        posts = Posts(world)
        posts.many(size)
        return truth(result, posts, world.settled(), lag=6)


def clocks_wrong(size: int, shift: int = 3600) -> Result:
    """F5: a worker's clock is an hour ahead, the beat's an hour behind; nothing is early, nothing is missed."""
    result = Result("工作进程快一小时、定时进程慢一小时")
    with World() as world:
        library = world.var / "clock.so"
        made = subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"], input=SHIM, text=True, capture_output=True, check=False)
        if made.returncode:
            result.skipped = "没有 gcc，无法拨动时钟"
            return result
        for name, said in (("worker", shift), ("beat", -shift)):
            world.kept[name].environment |= {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(said)}
            world.kill(name)
        time.sleep(3)
        proof = subprocess.run(["date", "+%s"], env={"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(shift)}, capture_output=True, text=True, check=False)
        moved = int(proof.stdout) - time.time()
        result.hold("时钟确实拨动（秒）", round(moved), f"{shift}", abs(moved - shift) < 5)
        red = World.wait(lambda: abs(world.health()[1].get("clock_skew_seconds") or 0) > 2, 30, "/healthz 没有发现时钟")
        result.hold("/healthz 发现时钟（秒）", round(red, 1), "≤ 30", red <= 30)
        posts = Posts(world)
        posts.many(size)
        found = world.settled()
        early = world.sql("SELECT count(*) FROM deadlines_escalation WHERE detected_at < breach_at")[0][0]
        result.hold("提前督办", early, "0", early == 0)
        return truth(result, posts, found, lag=15)


def backlog(size: int) -> Result:
    """F6: everything that notices was down for an hour, and so many are overdue."""
    result = Result(f"停摆一小时后 {size} 件已超时")
    with World(limits=3600) as world:
        for name in ("worker", "beat", "watchdog"):
            world.kept[name].is_wanted = False
            world.kill(name)
        posts = Posts(world)
        posts.many(20)
        _multiply(world, size)
        due = world.sql("SELECT count(*) FROM deadlines_deadline WHERE settled_at IS NULL AND due_at < now() AND stage = 'dispatch'")[0][0]
        result.figures["overdue"] = due
        started = time.monotonic()
        for name in ("worker", "beat", "watchdog"):
            world.kept[name].is_wanted = True
        marked = World.wait(lambda: world.sql("SELECT count(*) FROM deadlines_deadline WHERE settled_at IS NULL AND due_at < now() AND stage = 'dispatch' AND level = 0")[0][0] == 0, 180, "没有全部发现")
        result.figures["marked_seconds"] = round(time.monotonic() - started, 1)
        rss = _rss(world.kept["worker"].process.pid)
        told = world.sql("SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM notices_notice WHERE recipient_id IS NOT NULL AND kind NOT IN ('warning') GROUP BY recipient_id) x")[0][0] if _has(world, "recipient_id") else None
        if told is not None:
            result.figures["most_notices_to_one_person"] = told
        result.figures["worker_rss_mb"] = rss
        result.hold("全部发现（秒）", round(marked, 1), "≤ 30", marked <= 30)
        result.hold("工作进程内存（MB）", rss, "≤ 300", rss <= 300)
        double = world.sql("SELECT count(*) - count(DISTINCT (deadline_id, level)) FROM deadlines_escalation")[0][0]
        result.hold("重复督办", double, "0", double == 0)
    return result


def _has(world: World, column: str) -> bool:
    return bool(world.sql(f"SELECT 1 FROM information_schema.columns WHERE table_name = 'notices_notice' AND column_name = '{column}'"))


def _multiply(world: World, size: int) -> None:
    """So many overdue deadlines, copied from those of the complaints that came in."""
    columns = [row[0] for row in world.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'deadlines_deadline' AND column_name NOT IN ('id')")]
    changed = {"opened_at": "now() - interval '2 hours'", "due_at": "now() - interval '1 hour' - g * interval '1 millisecond'", "next_check_at": "now() - interval '1 hour' - g * interval '1 millisecond'", "sequence": "(g % 30000) + 2", "segment": "g / 30000 + 2"}
    picked = ", ".join(changed.get(name, f"d.{name}") for name in columns)
    world.sql(
        f"INSERT INTO deadlines_deadline ({', '.join(columns)}) SELECT {picked} FROM (SELECT * FROM deadlines_deadline WHERE stage = 'dispatch' ORDER BY id DESC LIMIT 1) d, generate_series(1, {size}) g"
    )  # noqa: S608 (names of our own columns)


def _rss(pid: int) -> int:
    """Resident memory in MB of a process and what it started."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            text = path.read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if int(fields["Pid"]) == pid or int(fields["PPid"]) == pid:
            total = max(total, int(fields.get("VmRSS", "0 kB").split()[0]) // 1024)
    return total


def same_number(size: int) -> Result:
    """F7: eight connections push the same number at the same moment."""
    result = Result("同一编号八路同时提交")
    with World() as world:
        posts = Posts(world)
        for _ in range(size):
            number, gate = uuid.uuid4().hex, threading.Barrier(8)

            def push(number=number, gate=gate):
                gate.wait()
                posts.one(number)

            with ThreadPoolExecutor(8) as pool:
                for _ in range(8):
                    pool.submit(push)
        created = posts.answers[201]
        result.hold("建单回答", created, f"{size}", created == size)
        return truth(result, posts, world.settled(), lag=15)


def two_officers(size: int) -> Result:
    """F8: two officers dispatch the same ticket at the same moment; one wins, the other is told so."""
    result = Result("两人同时办理同一工单")
    with World(limits=1800) as world:
        posts = Posts(world)
        posts.many(size)
        numbers = [row[0] for row in world.sql("SELECT number FROM complaints_ticket WHERE source = '12345' AND state = 'received' ORDER BY id DESC") ][:size]
        tokens = [world.token, world.manage("issue_token", "--unit", "social-work", "--role", "dispatcher", "--name", "second").strip()]
        wrong = 0
        for number in numbers:
            gate = threading.Barrier(2)

            def dispatch(token, number=number, gate=gate):
                gate.wait()
                body = {"category": "heating_service"}
                return requests.post(f"{world.address}/api/v1/tickets/{number}/dispatch/", json=body, headers={"Authorization": f"Token {token}"}, timeout=20).status_code

            with ThreadPoolExecutor(2) as pool:
                answers = sorted(pool.map(dispatch, tokens))
            wrong += answers != [200, 409]
        result.figures["races"] = len(numbers)
        result.hold("不是一胜一负的", wrong, "0", wrong == 0)
        rows = world.sql("SELECT count(*) FROM core_entry WHERE act = 'dispatch' AND subject_kind = 'ticket'") if world.sql("SELECT to_regclass('core_entry')")[0][0] else [(None,)]
        result.figures["journal_dispatches"] = rows[0][0]
    return result


def worker_frozen(_size: int) -> Result:
    """F10: the worker lives and does nothing."""
    result = Result("工作进程冻结")
    with World() as world:
        world.kept["worker"].kill(signal.SIGSTOP)
        stat = Path(f"/proc/{world.kept['worker'].process.pid}/stat")
        World.wait(lambda: stat.read_text().split(")")[1].split()[0] == "T", 5, "工作进程没有冻结")
        result.hold("确实冻结", "T", "T", True)
        red = World.wait(lambda: world.health()[0] == 503 or world.health()[1].get("bad"), 45, "/healthz 没有变红")
        alive = requests.get(f"{world.address}/livez", timeout=5).status_code
        posts = Posts(world)
        posts.many(20)
        found = world.settled()
        world.kept["worker"].kill(signal.SIGCONT)
        green = World.wait(lambda: world.health()[0] == 200, 30, "/healthz 没有恢复")
        result.figures |= {"red_after_seconds": round(red, 1), "green_after_seconds": round(green, 1)}
        result.hold("/healthz 变红（秒）", round(red, 1), "≤ 30", red <= 30)
        result.hold("/livez", alive, "200", alive == 200)
        return truth(result, posts, found, lag=15)


def chaos(size: int, kills: int = 12) -> Result:
    """F12: everything is killed in turn while complaints come in, a fifth of them twice."""
    result = Result(f"混合故障：{size} 件提交、{kills} 次击杀")
    with World() as world:
        posts, killed = Posts(world), []
        sender = threading.Thread(target=posts.many, args=(size,), kwargs={"clients": 12, "retries": 0.2}, daemon=True)
        sender.start()
        turn = ["worker", "web", "redis", "beat", "postgres", "watchdog"]
        number = 0
        while number < kills:
            name = turn[number % len(turn)]
            if name in world.kept:
                killed.append((name, world.kill(name)))
            else:
                world.stop_server(name)
                killed.append((name, 0))
                time.sleep(3)
                world.start_server(name, empty=name == "redis")
            number += 1
            time.sleep(3.5)
        sender.join()
        result.figures["killed"] = [name for name, _ in killed]
        result.hold("击杀次数", len(killed), f"{kills}", len(killed) == kills)
        return truth(result, posts, world.settled(150), lag=25)
