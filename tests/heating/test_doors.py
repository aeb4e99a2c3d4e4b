"""Every door with every role: no fault of ours, no page for strangers, the same headers, and nothing that must not be shown."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver

from deadlines.models import Escalation
from heating import demo
from heating.addresses import addresses
from notices import outbox
from tests.story import MINUTE, NOON, browser, dispatched, received, tick, user

pytestmark = pytest.mark.django_db
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
CANARY = "金丝雀十三号暖气冰凉"
# What a call to an address needs in its place; the rest is 1.
MANY = {"username": "heating2", "code": "respond", "pk": "1", "unit": "demo-heating-1"}
UNWRITTEN = ("/static/",)
# One of each kind: whoever has a twin at another unit of the same kind stays at home.
WALKERS = [one.username for one in demo.LOGINS if one.username not in ("heating3", "property2", "director", "deputy", "police")]


def paths(number: str) -> list[str]:
    """Every address of the portal with something in the place of its parameters."""
    found = []
    for address in addresses(get_resolver()):
        path = address.path.replace("^", "").replace("$", "")
        path = re.sub(r"<(?:\w+:)?number>", number, path)
        path = re.sub(r"<uuid:\w+>", "0" * 8 + "-0000-4000-8000-" + "0" * 12, path)
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda one: MANY.get(one.group(1), "1"), path)
        path = re.sub(r"\(\?P<\w+>[^)]*\)", "nothing-here", path)
        if not path.startswith(UNWRITTEN):
            found.append(path)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("login", WALKERS)
def test_no_role_finds_a_fault_or_a_bare_phone_number_behind_any_door(login):
    foreign = dispatched(content=f"{CANARY}，电话13812345678", community="demo-community-8", building="1号楼")
    received(content="请回电13912345678，暖气不热。")
    tick(NOON + 31 * MINUTE)
    outbox.route(at=NOON + 31 * MINUTE)
    client = browser(login)
    knows = client.get(f"/tickets/{foreign.number}/").status_code == 200
    for path in paths(foreign.number):
        # Forms of every door are tried by four; what they may not open, nobody of their kind may.
        for method in ("get", "post") if login in ("bureau", "heating2", "viewer", "admin") else ("get",):
            if path in ("/logout/", "/api/schema/", "/api/redoc/", "/api/docs/", "/healthz"):
                continue
            answer = getattr(client, method)(path)
            assert answer.status_code < 500, (method, path, answer.status_code)
            if (
                answer.streaming
                or "text" not in answer.headers.get("Content-Type", "")
                and "json" not in answer.headers.get("Content-Type", "")
            ):
                answer.getvalue()  # read to its end, or its file stays open
                continue
            text = answer.content.decode()
            assert not PHONE.search(text), (path, PHONE.search(text))
            # The public phone book is everybody's, and may be kept for a while.
            assert path == "/phones/" or "no-store" in answer.headers["Cache-Control"], path
            assert (
                "script-src 'self'" in answer.headers["Content-Security-Policy"]
                or "sandbox" in answer.headers["Content-Security-Policy"]
            ), path
            assert answer.headers["X-Frame-Options"] == "DENY" and answer.headers["X-Content-Type-Options"] == "nosniff", path
            if not knows and foreign.number not in path:
                # Who audits reads which request was opened by whom, and never what stands in it.
                assert foreign.number not in text or (login, path) == ("auditor", "/system/journal/"), path
                assert CANARY not in text, path


def test_the_walk_passes_every_address_that_show_urls_prints():
    walked = len(paths("WY-20251114-000000"))
    assert walked >= 60 and walked >= 0.9 * len([one for one in addresses(get_resolver()) if not one.path.startswith(UNWRITTEN)])


def test_an_act_without_its_forms_token_is_refused():
    ticket = dispatched()
    tick(NOON + 16 * MINUTE)
    pk = Escalation.objects.get().pk
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("bureau"))
    for path in (f"/tickets/{ticket.number}/void/", f"/tickets/{ticket.number}/reveal/", "/tickets/bulk/", "/tickets/new/", f"/escalations/{pk}/sign/", "/logout/", "/password/",
                 f"/api/v1/tickets/{ticket.number}/void/", f"/api/v1/escalations/{pk}/sign/"):  # fmt: skip
        answer = (
            client.post(path, {"reason": "r"}, content_type="application/json")
            if "/api/" in path
            else client.post(path, {"reason": "r"})
        )
        assert answer.status_code == 403, (path, answer.status_code)
    ticket.refresh_from_db()
    assert ticket.state == "dispatched"


def test_a_wrong_host_is_refused_and_errors_tell_no_secrets():
    assert Client(headers={"host": "evil.example"}).get("/").status_code == 400
    answer = Client().get("/no-such-page/")
    assert (
        answer.status_code in (302, 404) and "/work" not in answer.content.decode() and "Traceback" not in answer.content.decode()
    )
    answer = Client().get("/api/v1/no/such/")
    assert answer.json() == {"code": "not_found", "message": answer.json()["message"], "fields": {}}
