"""What the wire answers to what should not have been sent: one shape, the right code, never a 5xx."""

import base64
import json

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints.models import Ticket
from core import clock
from plants.models import Community
from supply import outages
from supply.outages import Area, Interruption
from tests.story import HOUR, Caller, dispatched, received, unit, user

pytestmark = pytest.mark.django_db
BODY = {
    "source": "12345", "external_no": "API-1", "kind": "complaint", "content": "家里暖气不热，只有14度。", "called_at": "2025-11-14T08:00:00",
    "complainant": {"name": "王小明", "phone": "13812345678"}, "community": "demo-community-1",
}  # fmt: skip
LISTS = ("tickets/", "deadlines/", "escalations/", "imports/")
ODD_TEXTS = ["\x00", "a\x00b", "\ud800", "文" * 100_000, "\u202e'; DROP TABLE complaints_ticket; --{{7*7}}%00"]
ODD_VALUES = [None, True, -1, 10**30, 1e308, "", " ", [], {}, [[]], {"a": 1}, *ODD_TEXTS]
ODD_TIMES = [
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2025-13-40", "2025-11-14T25:00:00", "now", "1731556800", 1731556800, "2025-11-14T08:00:00+99:99",
    "2099-01-01T00:00:00", "1999-12-31T00:00:00", "２０２５-11-14T08:00:00",
]  # fmt: skip


@pytest.fixture
def desk():
    return Caller("social-work", "dispatcher")


def refused(answer, *codes: int) -> dict:
    """The answer is a refusal of the one shape, with one of `codes`."""
    assert answer.status_code in codes, (answer.status_code, answer.content[:300])
    told = answer.json()
    assert (
        set(told) == {"code", "message", "fields"}
        and told["code"]
        and told["message"]
        and isinstance(told["fields"], dict)
    ), told
    assert "Traceback" not in told["message"] and "/work" not in told["message"]
    return told


def bearable(answer) -> None:
    """Whatever was sent: an answer that is either good or refused in the one shape."""
    if answer.status_code >= 400:
        refused(answer, 400, 401, 403, 404, 405, 409, 413, 415, 429)


def undone(ask) -> None:
    """Ask, and take back what it did, so that the next odd value comes as far as this one."""
    with transaction.atomic():
        bearable(ask())
        transaction.set_rollback(True)


def as_json(value) -> str:
    return json.dumps(value, ensure_ascii=True)


def test_a_wrong_body_names_every_field_at_fault_in_chinese(desk):
    told = refused(
        desk.post(
            "tickets/",
            {
                "source": "fax",
                "external_no": "X",
                "kind": "shout",
                "called_at": "yesterday",
                "complainant": {"name": "长" * 61},
            },
        ),
        400,
    )
    assert told["code"] == "invalid" and set(told["fields"]) == {
        "source",
        "kind",
        "called_at",
        "content",
        "complainant.name",
    }
    for sentences in told["fields"].values():
        assert all(isinstance(one, str) and any("\u4e00" <= sign <= "\u9fff" for sign in one) for one in sentences), (
            told["fields"]
        )


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"5", b'"x"', b"[1,2]", b"\xff\xfe", b"{" * 5000, b"[" * 100_000, b'{"source": NaN}'],
)
def test_what_is_no_object_is_refused(desk, raw):
    assert refused(desk.post("tickets/", raw), 400)["code"] == "invalid"


@pytest.mark.parametrize(
    "name",
    [
        *BODY,
        "dispatched_at",
        "city_due_at",
        "confidential",
        "address",
        "building",
        "street",
        "doer",
        "category",
        "district_no",
        "title",
    ],
)
def test_no_value_of_any_field_makes_a_fault_of_ours(desk, name):
    for value in [*ODD_VALUES, *(ODD_TIMES if name.endswith("_at") else [])]:
        undone(lambda value=value: desk.post("tickets/", as_json({**BODY, name: value})))


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("dispatch", {"category": "heating_service", "doer": "demo-heating-1", "lead": "urban-management", "assists": ["finance"], "community": "demo-community-1", "street": "street-tanjia", "note": "n"}),
        ("respond", {"channel": "phone", "note": "n"}),
        ("arrive", {"evidence": {"kind": "photo", "note": "n", "attachment": None}, "nobody_home": False, "device_time": None}),
        ("finish", {"cause": "c", "measure": "m", "readings": [{"room": "客厅", "celsius": 20.5, "outdoor_celsius": 1}]}),
        ("callback", {"kind": "result", "reached": True, "solved": True, "satisfaction": "satisfied", "note": ""}),
        ("appointment", {"visit_at": "2026-01-01T00:00:00", "confirmed_by_resident": True}),
        ("return", {"reason": "r", "proposed_unit": "demo-property-1"}),
        ("rule", {"accepted": True, "unit": "demo-property-1", "reason": "r"}),
        ("transfer", {"unit": "demo-heating-2", "reason": "r"}),
        ("link", {"to": "WY-20251114-000001", "reason": "r"}),
        ("unlink", {"reason": "r"}), ("void", {"reason": "r"}), ("nudge", {"note": "n"}), ("assist", {"note": "n"}),
        ("waive", {"unit": "finance", "reason": "r"}), ("reveal", {"field": "complainant_phone", "reason": "r"}),
    ],
)  # fmt: skip
def test_no_value_in_any_act_makes_a_fault_of_ours(act, body):
    ticket = received() if act == "dispatch" else dispatched()
    caller = (
        Caller("urban-management", "officer")
        if act in ("dispatch", "rule", "transfer", "link", "unlink", "void", "nudge", "waive", "reveal")
        else Caller("demo-heating-1", "handler")
    )
    path = f"tickets/{ticket.number}/{act}/"
    for raw in (b"", b"[]", b"null", b"{"):
        refused(caller.post(path, raw), 400, 403, 409) if act not in ("nudge", "assist") else bearable(
            caller.post(path, raw)
        )
    for name, old in body.items():
        odd = (
            [*ODD_VALUES, *ODD_TIMES]
            if name.endswith(("_at", "_time"))
            else [value for value in ODD_VALUES if not (isinstance(value, str) and len(value) > 9999)]
        )
        if isinstance(old, dict):
            odd += [{**old, inner: value} for inner in old for value in ODD_VALUES[:12]]
        if isinstance(old, list) and old and isinstance(old[0], dict):
            odd += [
                [{**old[0], inner: value}]
                for inner in old[0]
                for value in (*ODD_VALUES[:12], "NaN", "Infinity", "1e400", "-300", "20.12345")
            ]
        for value in odd:
            undone(lambda name=name, value=value: caller.post(path, as_json({**body, name: value})))


@pytest.mark.parametrize("path", LISTS)
def test_no_parameter_of_a_list_makes_a_fault_of_ours(desk, path):
    names = "state late soon stage unit street community category source kind q since until mine order level signed open cursor"
    values = ["\x00", b"\xed\xa0\x80", "9999-12-31T23:59:59-14:00", "-1e999", "a" * 5000, "'\"\\%_[]"]
    for name in names.split():
        for value in values:
            bearable(desk.get(path, **{name: value}))


CURSORS = [
    "x", "====", "é", "bnVsbA", *(base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=") for value in (
        [], {}, 5, None, [False], [False, 5, 5], [False, "2025-11-14T08:00:00+08:00", "2025-11-14T08:00:00+08:00"], [True, 1], [False, True, 1], [0, 1, 1],
        [False, "2025-11-14T08:00:00", 1], [False, "9999-12-31T23:59:59-14:00", 1], [False, "0001-01-01T00:00:00+14:00", 1], [False, 10**30], [False, "T", 1], [False, "2025-11-14T08:00:00+08:00", 10**40],
        [False, "2025-11-14T08:00:00+08:00", 1.5], [True, "2025-11-14T08:00:00+08:00", -1], [False, "2025-11-14T08:00:00+08:00", 7],
    )),
]  # fmt: skip


@pytest.mark.parametrize("path", [*LISTS, "tickets/?order=due"])
def test_a_cursor_that_is_not_ours_is_refused_and_never_a_fault(desk, path):
    dispatched()
    for cursor in CURSORS:
        answer = desk.client.get(
            f"/api/v1/{path}", {"cursor": cursor}, headers={"Authorization": f"Token {desk.token}"}
        )
        bearable(answer)
    assert refused(desk.get("tickets/", cursor="x"), 400)["fields"].keys() == {"cursor"}


def test_each_refusal_has_its_own_code(desk):
    assert refused(Client().get("/api/v1/tickets/"), 401)["code"] == "not_authenticated"
    for header in ("Token", "Token x", "Token a b", "Token ü", "Bearer x", "Basic eDp5"):
        assert (
            refused(Client().get("/api/v1/tickets/", headers={"Authorization": header}), 401)["code"]
            == "not_authenticated"
        )
    assert (
        refused(desk.client.put("/api/v1/tickets/", headers={"Authorization": f"Token {desk.token}"}), 405)["code"]
        == "method_not_allowed"
    )
    assert (
        refused(desk.post("tickets/", "a=1", content_type="application/x-www-form-urlencoded"), 415)["code"]
        == "unsupported_media_type"
    )
    assert refused(desk.post("tickets/", "<a/>", content_type="text/xml"), 415)["code"] == "unsupported_media_type"
    assert refused(desk.post("imports/", {"a": 1}), 415)["code"] == "unsupported_media_type"
    assert refused(desk.get("no-such-thing/"), 404)["code"] == "not_found"
    assert refused(desk.get("tickets/WY-1/"), 404)["code"] == "not_found"
    assert refused(desk.post("escalations/999999999999999999999/sign/", {}), 404)["code"] == "not_found"
    assert refused(desk.get("imports/999999999999999999999/"), 404)["code"] == "not_found"
    assert refused(Caller("demo-heating-1", "handler").post("tickets/", BODY), 403)["code"] == "forbidden"
    desk.post("tickets/", BODY)
    assert refused(desk.post("tickets/", {**BODY, "called_at": "2025-11-13T08:00:00"}), 409)["code"] == "conflict"
    assert refused(desk.post("tickets/", {**BODY, "doer": "no-such-unit"}), 400)["fields"].keys() == {"doer"}


def test_a_body_too_large_is_refused_before_it_is_read(desk):
    assert refused(desk.post("tickets/", b'{"content": "' + b"a" * 3_000_000 + b'"}'), 413)["code"] == "too_large"
    assert Ticket.objects.filter(external_no=None).count() == 0


def test_an_answer_to_a_browser_that_wants_html_is_json_all_the_same(desk):
    answer = desk.client.get(
        "/api/v1/tickets/", headers={"Authorization": f"Token {desk.token}", "Accept": "text/html"}
    )
    assert answer.status_code in (200, 406) and answer.headers["Content-Type"] == "application/json"


def test_the_description_of_the_interface_is_complete_and_says_nothing_doubtful(tmp_path):
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yaml"))
    assert "/api/v1/tickets/{number}/respond/" in (tmp_path / "schema.yaml").read_text()


def _pushed_and_read(desk, **more) -> tuple[dict, dict]:
    answer = desk.post("tickets/", {**BODY, "called_at": clock.now().isoformat(), **more})
    assert answer.status_code == 201, answer.content
    said = answer.json()
    read = desk.get(f"tickets/{said['number']}/").json()
    for one in (said, read):
        one.pop("chain_seconds")  # runs on
    return said, read


@pytest.mark.clause("D18.1")
def test_what_a_push_is_answered_is_what_the_ticket_says_when_it_is_read(desk):
    outages.report(
        unit("demo-heating-1"), Interruption(place="一次网", cause="泄漏", areas=(Area(Community.objects.get(code="demo-community-3"), ""),), started_at=clock.now(), expected_at=clock.now() + HOUR, households=90),
        actor=user("heating1"), at=clock.now(),
    )  # fmt: skip
    for number, more in enumerate((
        {}, {"content": "物业说没钱供暖，电话13812345678", "community": "", "address": "凤城二路"}, {"doer": "demo-heating-1"}, {"community": "demo-community-3"},
        {"source": "qr", "external_no": None}, {"content": "邻居偷热，请保密", "confidential": True}, {"city_due_at": (clock.now() + HOUR).isoformat(), "doer": "demo-heating-1"},
    )):  # fmt: skip
        said, read = _pushed_and_read(desk, **{"external_no": f"PUSH-{number}", **more})
        assert said == read, more
        assert said["deadlines"] and (said["outage"] is not None) == (more.get("community") == "demo-community-3")


@pytest.mark.clause("D18.1")
@pytest.mark.parametrize("more", [{}, {"doer": "demo-heating-1"}, {"source": "qr"}])
def test_a_push_asks_who_it_is_looks_up_what_is_known_and_writes_all_of_it_at_once(desk, more):
    """Three round trips and the brackets of the transaction, however much is written; five are allowed."""
    _pushed_and_read(desk, external_no="WARM", **more)
    complaint = {**BODY, "external_no": "COUNTED", "called_at": clock.now().isoformat(), **more}
    with CaptureQueriesContext(connection) as asked:
        assert desk.post("tickets/", complaint).status_code == 201
    asked = [one["sql"] for one in asked if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(asked) <= 5, [one[:80] for one in asked]
    assert sum("INSERT INTO" in one for one in asked) == 1
