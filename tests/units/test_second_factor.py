"""Two steps in: the password, and a code from one's own phone (S6)."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from core import clock, journal
from core.errors import Conflict
from tests.story import MINUTE, NOON, PASSWORD, Caller, browser, unit, user  # noqa: I001
from units import access, second_factor
from units.models import SecondFactor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    """The server's clock stands at noon, and moves by hand."""
    now = [NOON]
    monkeypatch.setattr("core.clock.now", lambda: now[0])
    return now


def enrolled(username: str) -> tuple[str, list[str]]:
    """Somebody's phone: its secret, and the recovery codes."""
    secret = second_factor.begin(user(username))
    return secret, second_factor.enrol(user(username), second_factor.code_at(secret, clock.now()), at=clock.now())


def signed_in(username: str) -> Client:
    client = Client()
    client.post("/login/", {"username": username, "password": PASSWORD})
    return client


def test_a_person_scans_proves_the_phone_and_is_asked_from_then_on(noon):
    client = signed_in("bureau")
    page = client.get("/second-factor/enrol/").content.decode()
    secret = SecondFactor.objects.get(user=user("bureau")).pending
    assert "<svg" in page and second_factor.readable(secret) in page
    assert client.post("/second-factor/enrol/", {"code": "000000"}).status_code == 422
    done = client.post("/second-factor/enrol/", {"code": second_factor.code_at(secret, NOON)}).content.decode()
    assert len(re.findall(r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}", done)) == 10
    assert client.get("/tickets/").status_code == 200, "手机刚刚证明过"
    again = signed_in("bureau")
    assert again.get("/tickets/?state=all").url == "/second-factor/"
    assert again.get("/second-factor/enrol/").url == "/second-factor/", "没有验证过的不能换手机"
    api = again.get("/api/v1/tickets/")
    assert api.status_code == 403 and api.json()["code"] == "second_factor"
    noon[0] = NOON + 2 * MINUTE
    answer = again.post("/second-factor/", {"code": second_factor.code_at(secret, noon[0])})
    assert answer.url == "/tickets/?state=all" and again.get("/tickets/").status_code == 200
    assert journal.of(user("bureau")).filter(act="second_factor").count() == 1


def test_a_code_is_good_once_near_its_time_only_and_a_recovery_code_once(noon):
    secret, codes = enrolled("bureau")
    noon[0] = NOON + 10 * MINUTE
    client = signed_in("bureau")
    for code in (second_factor.code_at(secret, NOON), second_factor.code_at(secret, noon[0] + timedelta(minutes=2)), "", "12345", "１２３４５６", codes[0][:-1]):
        assert client.post("/second-factor/", {"code": code}).status_code == 422, code
    right = second_factor.code_at(secret, noon[0] - timedelta(seconds=30))
    assert client.post("/second-factor/", {"code": right}).status_code == 302
    assert signed_in("bureau").post("/second-factor/", {"code": right}).status_code == 422, "用过的验证码"
    assert signed_in("bureau").post("/second-factor/", {"code": codes[0].upper()}).status_code == 302
    assert signed_in("bureau").post("/second-factor/", {"code": codes[0]}).status_code == 422
    assert SecondFactor.objects.get().recovery_left == 9


def test_ten_wrong_codes_close_it_for_the_hour_even_to_the_right_one(noon):
    secret, _ = enrolled("bureau")
    noon[0] = NOON + 10 * MINUTE
    client = signed_in("bureau")
    for _ in range(10):
        client.post("/second-factor/", {"code": "000000"})
    refused = client.post("/second-factor/", {"code": second_factor.code_at(secret, noon[0])})
    assert refused.status_code == 429 and "一小时后再试" in refused.content.decode()


def test_where_it_is_required_nobody_with_weighty_rights_goes_on_without_one(settings):
    settings.SECOND_FACTOR = "required"
    for who in ("bureau", "dispatcher", "heating1", "admin", "security", "auditor"):
        client = signed_in(who)
        assert client.get("/").url == "/second-factor/enrol/", who
        assert client.post("/tickets/WY-1/reveal/", {}).url == "/second-factor/enrol/"
        page = client.get("/second-factor/enrol/").content.decode()
        assert "须启用两步验证" in page and "取消" not in page
    assert signed_in("viewer").get("/").status_code == 200 and signed_in("inspector").get("/inspections/").status_code == 200
    assert Caller("demo-heating-1", "handler").get("tickets/").status_code == 200, "系统的令牌不受影响"
    assert not second_factor.is_owed(user("viewer")) and access.unit_ids(user("heating1"), access.HANDLE_TICKETS)


def test_a_lost_phone_is_reset_by_an_administrator_with_a_reason_and_never_by_oneself():
    enrolled("bureau")
    client = signed_in("bureau")
    admin = browser("security")
    assert browser("admin").post("/system/people/bureau/second-factor/", {"reason": "x"}).status_code == 403
    assert "未启用" not in admin.get("/system/people/bureau/").content.decode()
    assert browser("heating1").post("/system/people/bureau/second-factor/", {"reason": "x"}).status_code == 403
    assert admin.post("/system/people/bureau/second-factor/", {"reason": ""}).status_code == 400
    assert admin.post("/system/people/bureau/second-factor/", {"reason": "手机丢失，已当面核实"}).status_code == 302
    assert client.get("/second-factor/").status_code == 302 and not SecondFactor.objects.exists()
    assert journal.of(user("bureau")).filter(act="reset_second_factor").get().reason == "手机丢失，已当面核实"
    enrolled("admin")
    with pytest.raises(Conflict):
        second_factor.reset(user("admin"), actor=user("admin"), at=NOON, reason="自己")


def test_the_secret_is_sealed_in_the_database():
    secret, codes = enrolled("bureau")
    row = SecondFactor.objects.extra(select={"raw": "secret"}).values("raw", "recovery").get()
    assert secret not in str(row) and codes[0] not in str(row) and unit("urban-management")


def test_the_picture_scales_whole():
    page = signed_in("viewer").get("/second-factor/enrol/").content.decode()
    assert 'viewBox="0 0 ' in page.split('class="qr-box"')[1].split("</svg>")[0]
