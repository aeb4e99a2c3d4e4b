"""How the hotline's system proves that it is itself: a key, from where it comes, for what, and its signature (S25)."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from complaints.models import Ticket
from core import signatures
from tests.story import MINUTE, NOON, browser, unit
from units import access
from units.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.guard("S25")]
PATH = "/api/v1/tickets/"
SAID = {"source": "12345", "external_no": "P-1", "content": "家里不热", "called_at": "2025-11-14T11:58:00+08:00"}


@pytest.fixture(autouse=True)
def _noon(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: NOON)


@pytest.fixture
def signed() -> tuple[str, str]:
    """A token that has to sign, and with what."""
    token = access.issue_token(unit("social-work"), "dispatcher", name="市热线", at=NOON)
    return token, access.demand_signature(token, at=NOON)


def push(token: str, secret: str = "", said: dict | None = None, *, at=NOON, sent: bytes | None = None, method: str = "POST", path: str = PATH, **headers):
    """A push, signed where there is a secret; `sent` is another body than the one signed."""
    raw = json.dumps(said or SAID).encode() if method == "POST" else b""
    moment, nonce = str(int(at.timestamp())), "n-1"
    if secret:
        given = signatures.signature(secret, method=method, path=path, moment=moment, nonce=nonce, body=raw)
        headers = {"X-Timestamp": moment, "X-Nonce": nonce, "X-Signature": given, **headers}
    return Client().generic(method, path, raw if sent is None else sent, content_type="application/json", headers={"Authorization": f"Token {token}", **headers})


def test_a_signed_push_is_taken_and_sent_again_is_answered_alike(signed):
    first, again = push(*signed), push(*signed)
    assert (first.status_code, again.status_code) == (201, 200) and first.json()["number"] == again.json()["number"] == Ticket.objects.get().number
    assert push(*signed, method="GET", path=f"{PATH}?q=P-1").status_code == 200


def test_what_is_unsigned_changed_stale_or_signed_by_another_is_refused_and_changes_nothing(signed):
    token, secret = signed
    another = access.issue_token(unit("social-work"), "dispatcher", at=NOON)
    refused = [
        push(token), push(token, "wrong"), push(token, access.demand_signature(another, at=NOON)), push(another, secret),
        push(token, secret, sent=json.dumps({**SAID, "external_no": "P-2"}).encode()), push(token, secret, at=NOON - 6 * MINUTE), push(token, secret, at=NOON + 6 * MINUTE),
        push(token, secret, **{"X-Timestamp": ""}), push(token, secret, **{"X-Timestamp": "१२"}), push(token, secret, **{"X-Signature": "é"}), push(token, secret, **{"X-Nonce": "n-2"}),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(401, "not_authenticated")] * len(refused)
    assert not Ticket.objects.exists()
    assert push(token, secret, at=NOON - 4 * MINUTE).status_code == 201


def test_a_signed_body_longer_than_a_form_is_refused_before_it_is_read(signed):
    assert push(*signed, {**SAID, "content": "x" * 3_000_000}).status_code == 413


def test_a_token_of_one_source_brings_in_no_other_by_push_or_by_file():
    token = access.issue_token(unit("social-work"), "dispatcher", sources=["12345"], at=NOON)
    assert push(token).status_code == 201
    answer = push(token, said={**SAID, "source": "petition"})
    assert answer.status_code == 403 and "12345" in answer.json()["message"]
    upload = {"file": StringIO("x"), "source": "petition"}
    assert Client().post("/api/v1/imports/", upload, headers={"Authorization": f"Token {token}"}).status_code == 403
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(("address", "status"), [("10.1.2.3", 201), ("::ffff:10.1.2.3", 201), ("10.2.0.1", 401), ("fd00::1", 401), ("", 401), ("no address", 401)])
def test_a_token_opens_nothing_from_a_network_that_is_not_its_own(address, status):
    token = access.issue_token(unit("social-work"), "dispatcher", networks=["10.1.9.9/16", "192.168.3.4"], at=NOON)
    body = json.dumps(SAID)
    answer = Client(REMOTE_ADDR=address).post(PATH, body, content_type="application/json", headers={"Authorization": f"Token {token}", "X-Forwarded-For": "10.1.2.3"})
    assert answer.status_code == status
    if status == 401:
        wrong = Client().post(PATH, body, content_type="application/json", headers={"Authorization": "Token wrong"})
        assert answer.json() == wrong.json(), "a thief learns nothing of it"


def test_the_command_prints_the_token_and_the_secret_and_nothing_else():
    out = StringIO()
    call_command("issue_token", unit="social-work", role="dispatcher", source=["12345"], network=["10.1.0.0/16"], signed=True, stdout=out)
    token, secret = out.getvalue().split()
    kept = ApiToken.objects.get(digest=access.digest(token))
    assert kept.signing_secret == secret and kept.limits == "来源 12345；10.1.0.0/16；须签名"
    plain = StringIO()
    call_command("issue_token", unit="social-work", role="dispatcher", stdout=plain)
    assert len(plain.getvalue().split()) == 1
    with pytest.raises(CommandError, match="网段"):
        call_command("issue_token", unit="social-work", role="dispatcher", network=["10.1.0.0/99"])
    with pytest.raises(CommandError, match="petitions"):
        call_command("issue_token", "--unit", "social-work", "--role", "dispatcher", "--source", "petitions")


def test_the_security_administrator_narrows_a_token_on_the_page_and_sees_what_narrows_it():
    keeper = browser("security")
    said = {"unit": "social-work", "role": "dispatcher", "name": "市热线推送", "sources": "12345 petition", "networks": "10.1.0.0/16", "is_signed": "on"}
    page = keeper.post("/system/tokens/", said).content.decode()
    kept = ApiToken.objects.get(name="市热线推送")
    assert kept.signing_secret in page and (kept.sources, kept.networks) == (["12345", "petition"], ["10.1.0.0/16"])
    assert kept.limits in keeper.get("/system/").content.decode() and kept.signing_secret not in keeper.get("/system/").content.decode()
    wrong = keeper.post("/system/tokens/", {**said, "networks": "10.1"})
    assert wrong.status_code == 400 and "网段应形如" in wrong.content.decode() and "10.1" in wrong.content.decode()
