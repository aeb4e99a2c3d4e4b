"""A company's own account hosts 码上暖: signed, once, its own communities only; and its sites may frame the page."""

import json
import secrets
import uuid
from datetime import timedelta

import pytest
from captcha.models import CaptchaStore
from django.db import connection
from django.test import Client

from complaints.models import CodeScope, HostedAccount, Ticket
from complaints.residents import codes, hosting
from core import signatures
from core.errors import Conflict, Forbidden, Invalid
from plants.models import Community
from tests.story import DAY, HOUR, MINUTE, NOON, browser, unit, user

pytestmark = pytest.mark.django_db
PLACES, SUBMIT = "/api/v1/open/places/", "/api/v1/open/submissions/"


@pytest.fixture
def account(monkeypatch):
    """演示企业一's WeChat account, and its secret."""
    monkeypatch.setattr("core.clock.now", lambda: NOON)
    found, secret = hosting.issue(unit("demo-heating-1"), name="一热力公众号", origins=["https://www.example.cn"], actor=user("bureau"), at=NOON - DAY)
    found.told = secret
    return found


def call(account, method: str, path: str, body=None, *, at=NOON, nonce: str = "", secret: str = "", sent=None, **headers):
    """A signed request; `sent` is another body than the one signed."""
    raw = json.dumps(body).encode() if body is not None else b""
    moment, nonce = str(int(at.timestamp())), nonce or secrets.token_hex(16)
    signed = signatures.signature(secret or account.told, method=method, path=path, moment=moment, nonce=nonce, body=raw)
    said = {"X-App-Key": account.key, "X-Timestamp": moment, "X-Nonce": nonce, "X-Signature": signed, **headers}
    return Client().generic(method, path, sent if sent is not None else raw, content_type="application/json", headers=said)


def words(**more) -> dict:
    return {"client_id": uuid.uuid4().hex, "topic": "cold", "community": "demo-community-1", "phone": "13812345678", "building": "6号楼", "room_no": "1201",
            "rooms": ["客厅"], "since": "yesterday", "celsius": "15.5", **more}  # fmt: skip


@pytest.mark.clause("G22")
def test_a_company_sees_its_own_communities_and_a_submission_is_one_ticket_with_its_way_in(account):
    places = call(account, "GET", PLACES).json()
    assert {one["code"] for one in places["communities"]} >= {"demo-community-1"} and "demo-community-2" not in json.dumps(places)
    said = words()
    first, again = call(account, "POST", SUBMIT, said), call(account, "POST", SUBMIT, said)
    assert (first.status_code, again.status_code) == (201, 200) and first.json()["number"] == again.json()["number"]
    ticket = Ticket.objects.get()
    assert (ticket.source, ticket.extra["入口"], ticket.doer.code, ticket.called_at) == ("qr", "一热力公众号", "demo-heating-1", NOON)
    case = call(account, "GET", f"/api/v1/open/cases/{first.json()['key']}/").json()
    assert case["number"] == ticket.number and [step["name"] for step in case["steps"]][0] == "已受理" and "13812345678" not in json.dumps(case)
    assert Client().get(first.json()["follow"]).status_code == 200


@pytest.mark.clause("G22")
def test_nobody_submits_for_another_companys_community_or_reads_its_cases(account):
    assert call(account, "POST", SUBMIT, words(community="demo-community-2")).status_code == 404
    other, secret = hosting.issue(unit("demo-heating-2"), name="二热力小程序", origins=[], actor=user("heating2"), at=NOON - DAY)
    other.told = secret
    key = call(account, "POST", SUBMIT, words()).json()["key"]
    assert call(other, "GET", f"/api/v1/open/cases/{key}/").status_code == 404
    with pytest.raises(Forbidden):
        hosting.issue(unit("demo-heating-1"), name="x", origins=[], actor=user("heating2"), at=NOON)
    assert "一热力公众号" not in browser("heating2").get("/codes/accounts/").content.decode()


@pytest.mark.clause("G22")
def test_a_signature_proves_method_path_moment_nonce_and_body_and_is_good_once(account):
    nonce = "n" * 20
    assert call(account, "GET", PLACES, nonce=nonce).status_code == 200
    refused = [
        call(account, "GET", PLACES, nonce=nonce), call(account, "GET", PLACES, at=NOON - 6 * MINUTE), call(account, "GET", PLACES, at=NOON + 6 * MINUTE),
        call(account, "GET", PLACES, secret="wrong"), call(account, "POST", SUBMIT, words(), sent=json.dumps(words()).encode()), call(account, "GET", PLACES, nonce="short"),
        call(account, "GET", PLACES, **{"X-App-Key": "0" * 16}), call(account, "GET", PLACES, **{"X-Signature": "é"}), Client().get(PLACES), Client().post(SUBMIT, {}),
        browser("bureau").get(PLACES),
    ]  # fmt: skip
    assert {one.status_code for one in refused} == {401} and not Ticket.objects.exists()
    assert all(one.json()["message"] for one in refused)


@pytest.mark.clause("G22")
def test_a_nonce_is_remembered_across_its_window(account, monkeypatch):
    edge = NOON + timedelta(minutes=20) - timedelta(seconds=NOON.timestamp() % 1200) - timedelta(seconds=1)
    monkeypatch.setattr("core.clock.now", lambda: edge)
    assert call(account, "GET", PLACES, at=edge, nonce="a" * 20).status_code == 200
    monkeypatch.setattr("core.clock.now", lambda: edge + MINUTE)
    assert call(account, "GET", PLACES, at=edge, nonce="a" * 20).status_code == 401


@pytest.mark.clause("G22")
def test_a_renewed_secret_ends_the_old_one_and_a_revoked_account_proves_nothing(account):
    fresh = hosting.renew(account, actor=user("heating1"), at=NOON)
    assert call(account, "GET", PLACES).status_code == 401 and call(account, "GET", PLACES, secret=fresh).status_code == 200
    hosting.revoke(account, reason="更换服务商", actor=user("bureau"), at=NOON)
    assert call(account, "GET", PLACES, secret=fresh).status_code == 401
    with pytest.raises(Conflict):
        hosting.renew(account, actor=user("bureau"), at=NOON)


@pytest.mark.parametrize("body", [{}, [], "x", {"client_id": "z" * 32}, {**{"topic": "cold"}, "client_id": "a" * 32, "community": "demo-community-1", "phone": "1"},
                                  {"client_id": "a" * 32, "topic": "cold", "community": "\x00", "phone": "13812345678"}])  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_breaks(account, body):
    answer = call(account, "POST", SUBMIT, body)
    assert answer.status_code in (400, 404) and answer.json()["message"] and not Ticket.objects.exists()


@pytest.mark.parametrize("origin", ["http://a.cn", "https://a.cn/x", "https://*", "'self'", "https://a.cn; script-src *", "https://a.cn:99999", "javascript:1"])
def test_no_stray_word_widens_the_policy(origin):
    with pytest.raises(Invalid):
        hosting.issue(unit("demo-heating-1"), name="x", origins=[origin], actor=user("bureau"), at=NOON)


@pytest.mark.clause("G22")
def test_the_page_may_be_framed_by_the_companys_sites_only_and_needs_no_cookie(account):
    code = codes.issue(CodeScope.COMMUNITY, community=Community.objects.get(code="demo-community-1"), actor=None, at=NOON)
    phone = Client(enforce_csrf_checks=True)
    page = phone.get(f"/e/m/{code.token}/cold/")
    assert "frame-ancestors https://www.example.cn" in page.headers["Content-Security-Policy"] and "X-Frame-Options" not in page.headers
    assert "'none'" not in page.headers["Content-Security-Policy"].split("frame-ancestors")[1].split(";")[0]
    assert phone.get(f"/m/{code.token}/cold/").headers["X-Frame-Options"] == "DENY"
    form = page.context["form"]
    said = {"client_id": form["client_id"].value(), "opened": form["opened"].value(), "rooms": ["客厅"], "since": "now", "room_no": "1201", "building": "6号楼", "phone": "13812345678",
            "when": "any", "agreed": "on"}  # fmt: skip
    sent = Client(enforce_csrf_checks=True).post(f"/e/m/{code.token}/cold/", said)
    if sent.status_code == 422:  # filled in faster than people do: the sum is asked for
        sum_ = CaptchaStore.objects.latest("id")
        sent = Client(enforce_csrf_checks=True).post(f"/e/m/{code.token}/cold/", {**said, "challenge": sum_.hashkey, "answer": sum_.response})
    assert sent.status_code == 302 and sent.headers["Location"].startswith("/e/track/"), sent.content.decode()[:500]
    assert Client().get(sent.headers["Location"]).status_code == 200
    hosting.revoke(account, reason="停用", actor=user("bureau"), at=NOON + HOUR)
    assert Client().get(f"/e/m/{code.token}/").status_code == 404


@pytest.mark.clause("G22")
def test_the_secret_is_shown_once_and_not_kept_in_the_open(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: NOON)
    officer = browser("bureau")
    assert officer.post("/codes/accounts/", {"company": "demo-heating-1", "name": "", "origins": ""}).status_code == 422
    page = officer.post("/codes/accounts/", {"company": "demo-heating-1", "name": "一热力公众号", "origins": "https://www.example.cn"})
    account = HostedAccount.objects.get()
    assert page.status_code == 201 and account.secret in page.content.decode() and account.secret not in officer.get("/codes/accounts/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM complaints_hostedaccount")
        assert account.secret not in cursor.fetchone()[0]
    assert browser("street").get("/codes/accounts/").status_code == 403 and officer.get("/codes/accounts/guide/").status_code == 200
