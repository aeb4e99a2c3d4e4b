"""The drills of the residents' side: many guesses at once, many complaints at once."""

import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.drills.result import Result
from tests.drills.world import Posts, World

# Two pools on two cores: the staff's page shares the processors with the rush, and waits behind none of it.
STAFF_WAITS = 10
CARRIERS, TRIES = 40, 4  # addresses that all residents share; how often one of them goes on


def guesses(size: int) -> Result:
    """50,000 guesses at tracking keys and at numbers with four digits find nothing, and are throttled."""
    result = Result(f"猜测查询凭证和受理号 {size} 次")
    with World() as world:
        posts = Posts(world)
        posts.many(5)
        numbers = [row[0] for row in world.sql("SELECT number FROM complaints_ticket ORDER BY id DESC LIMIT 5")]
        answers: dict[str, int] = {}
        lock = threading.Lock()

        def note(answer: requests.Response, kind: str) -> None:
            with lock:
                name = f"{kind} {answer.status_code}"
                answers[name] = answers.get(name, 0) + 1

        def guess(index: int, session=requests.Session()):  # noqa: B008 (one pool of connections)
            headers = {"X-Forwarded-For": f"10.{index % 200}.{index // 200 % 250}.7"}
            if index % 5:
                note(session.get(f"{world.address}/track/{uuid.uuid4().hex[:24]}/", headers=headers, timeout=30), "key")
            else:
                line = requests.Session()
                page = line.get(f"{world.address}/track/", headers=headers, timeout=30)
                said = {"csrfmiddlewaretoken": line.cookies.get("csrftoken", ""), "number": numbers[index // 5 % len(numbers)], "tail": f"{index % 10000:04d}"}
                note(line.post(f"{world.address}/track/", data=said, headers={**headers, "Referer": page.url}, timeout=30, allow_redirects=False), "number")

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(guess, range(size)))
        found = sum(n for name, n in answers.items() if name.split()[1] in ("200", "302"))
        faults = sum(n for name, n in answers.items() if name.split()[1].startswith("5"))
        result.figures["answers"] = dict(sorted(answers.items()))
        result.hold("猜中", found, "0", found == 0)
        result.hold("5xx", faults, "0", faults == 0)
        limited = answers.get("number 429", 0)
        result.hold("按受理号被限流", limited, "> 0", limited > 0 or size < 200)
    return result


def submissions(size: int, clients: int = 200) -> Result:
    """So many residents at once through 码上暖, a fifth of them sending twice, all behind the few addresses of their carriers.

    Each goes on as a person would, solving the sum where one is asked, until there is a receipt: everybody ends as one
    ticket, nobody is refused, and the staff's pages stay usable.
    """
    result = Result(f"码上暖 {size} 件、{clients} 人同时")
    with World(limits=1800) as world:
        residents = world.beside("public")
        token = world.sql("SELECT token FROM complaints_code WHERE scope = 'community' AND revoked_at IS NULL LIMIT 1")[0][0]
        tokens = [row[0] for row in world.sql("SELECT token FROM complaints_code WHERE scope <> 'building' AND revoked_at IS NULL")]
        line = requests.Session()
        page = line.get(f"{residents}/m/{token}/leak/", timeout=30)
        stamp = page.text.split('name="opened" value="')[1].split('"')[0]
        csrf = line.cookies["csrftoken"]
        time.sleep(3.2)
        answers: dict[int, int] = {}
        sent, asked, lock = [], set(), threading.Lock()

        def submit(index: int) -> None:
            key = uuid.uuid4().hex
            said = {
                "csrfmiddlewaretoken": csrf, "client_id": key, "opened": stamp, "room_no": "1201", "building": f"{index % 90 + 1}号楼", "unit_no": "1", "words": "卧室暖气片接头滴水",
                "phone": f"138{index:08d}", "when": "any", "agreed": "on", "c": "demo-community-1",
            }  # fmt: skip
            headers = {"X-Forwarded-For": f"100.64.0.{index % CARRIERS + 1}", "Referer": page.url}
            for _ in range(2 if index % 5 == 0 else 1):
                for _try in range(TRIES):
                    answer = requests.post(
                        f"{residents}/m/{tokens[index % len(tokens)]}/leak/", data=said, headers=headers, cookies={"csrftoken": csrf}, timeout=120, allow_redirects=False
                    )
                    with lock:
                        answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
                        if answer.status_code == 302:
                            sent.append(key)
                    if answer.status_code not in (422, 429):
                        break
                    picture = re.search(r"/captcha/image/(\w+)/", answer.text)
                    with lock:
                        asked.add(key)
                        if picture:
                            sum_ = world.sql(f"SELECT response FROM captcha_captchastore WHERE hashkey = '{picture.group(1)}'")  # noqa: S608 (letters only)
                            said |= {"challenge": picture.group(1), "answer": sum_[0][0]}

        before = _page_seconds(world)
        meanwhile: list[float] = []
        started = time.monotonic()
        with ThreadPoolExecutor(clients) as pool:
            done = [pool.submit(submit, index) for index in range(size)]
            while not all(one.done() for one in done):
                meanwhile.append(_page_seconds(world, rounds=1))
            for one in done:
                one.result()
        took = time.monotonic() - started
        kept = {row[0] for row in world.sql("SELECT external_no FROM complaints_ticket WHERE source = 'qr'")}
        rows = world.sql("SELECT count(*) FROM complaints_ticket WHERE source = 'qr'")[0][0]
        faults = sum(n for status, n in answers.items() if status >= 500)
        during = sorted(meanwhile)[len(meanwhile) * 95 // 100] if meanwhile else before
        lost = len({f"M{key}" for key in sent} - kept)
        result.figures |= {"answers": {str(key): n for key, n in sorted(answers.items())}, "seconds": round(took, 1), "accepted": len(set(sent)), "asked_for_a_sum": len(asked), "staff_page_ratio_p95": round(during / before, 1)}
        result.hold("丢失", lost, "0", lost == 0)
        result.hold("重复", rows - len(kept), "0", rows == len(kept))
        result.hold("5xx", faults, "0", faults == 0)
        result.hold("各成一件", len(set(sent)), str(size), len(set(sent)) == size == rows)
        result.hold("期间工作人员列表 95 分位是平时的几倍", round(during / before, 1), f"≤ {STAFF_WAITS}", during <= STAFF_WAITS * before)
    return result


def _page_seconds(world: World, rounds: int = 5) -> float:
    """How long the staff's list takes, the middle of some rounds."""
    headers = {"Authorization": f"Token {world.token}"}
    took = []
    for _ in range(rounds):
        started = time.monotonic()
        requests.get(f"{world.address}/api/v1/tickets/", headers=headers, timeout=120)
        took.append(time.monotonic() - started)
    return sorted(took)[len(took) // 2]
