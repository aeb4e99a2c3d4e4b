"""The calls on the duty matrix: the same rights and the same refusals as the pages."""

import json

import pytest

from core import clock
from deadlines.models import Standing
from tests.deadlines.test_obligation_pages import NOW, owed
from tests.story import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning(monkeypatch):
    """It is the morning of 5 November 2025."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def test_a_company_lists_and_reports_its_own_and_the_bureau_verifies():
    item = owed("G23", "demo-heating-1")
    company, bureau = Caller("demo-heating-1", "handler"), Caller("urban-management", "officer")
    rows = company.get("obligations/", clause="G23").json()["results"]
    assert [(row["id"], row["standing"], row["due_at"]) for row in rows] == [(item.pk, "open", "2025-11-08T00:00:00+08:00")]
    assert company.get(f"obligations/{item.pk}/").json()["quote"] == "生成统一服务二维码"
    refused = company.post(f"obligations/{item.pk}/report/", {})
    assert refused.status_code == 400 and "note" in refused.json()["fields"]
    told = company.post(f"obligations/{item.pk}/report/", {"note": "二维码已张贴", "achieved_at": "2025-11-05T08:00:00"}).json()
    assert (told["standing"], told["achieved_at"], told["late"]) == ("reported", "2025-11-05T08:00:00+08:00", False)
    assert company.post(f"obligations/{item.pk}/verify/", {"approved": True}).status_code == 403
    assert bureau.post(f"obligations/{item.pk}/verify/", {"approved": False}).json()["fields"]["reason"]
    assert bureau.post(f"obligations/{item.pk}/verify/", {"approved": True, "note": "属实"}).json()["standing"] == "verified"
    assert bureau.post(f"obligations/{item.pk}/verify/", {"approved": True}).status_code == 409


def test_another_company_and_an_administrator_learn_nothing():
    item = owed("G23", "demo-heating-1")
    other, street, admin = Caller("demo-heating-2", "handler"), Caller("street-tanjia", "officer"), Caller("urban-management", "admin")
    for caller in (other, street, admin):
        assert caller.get(f"obligations/{item.pk}/").status_code == 404
        assert caller.post(f"obligations/{item.pk}/report/", {"note": "x"}).status_code == 404
    assert other.get("obligations/", unit="demo-heating-1").json()["results"] == []
    assert admin.get("obligations/").status_code == 403
    item.refresh_from_db()
    assert item.standing == Standing.OPEN


@pytest.mark.parametrize(
    "body",
    [
        b"{", "[]", {"note": 1}, {"note": "\x00"}, {"achieved_at": "1899-01-01T00:00:00"}, {"achieved_at": "9" * 400}, {"rows": {"a": 1}}, {"rows": [{"name": "x"}]},
        {"items": "六"}, {"expires_on": "0001-01-01", "note": "x"}, {"zero_report": "maybe"}, {"note": "x" * 3000}, {"note": "\ud800"},
    ],
)  # fmt: skip
def test_nothing_sent_makes_a_fault_of_ours(body):
    item = owed("G23", "demo-heating-1")
    sent = body if isinstance(body, (bytes, str)) else json.dumps(body)
    assert 400 <= Caller("demo-heating-1", "handler").post(f"obligations/{item.pk}/report/", sent).status_code < 500 or body == {"note": 1}


def test_odd_addresses_are_not_found():
    caller = Caller("demo-heating-1", "handler")
    for path in ("obligations/0/", "obligations/99999999999999999999999/", "obligations/x/"):
        assert caller.get(path).status_code == 404
    for params in ({"cursor": "?"}, {"late": "x"}, {"kind": "\x00"}, {"standing": "zzz"}):
        assert caller.get("obligations/", **params).status_code in (200, 400)
