"""The way in and out: a wrong password does not say what was wrong, five of them lock, and whoever is sent away is out at once."""

import time

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from core import journal
from core.errors import Conflict, Invalid
from tests.story import DAY, NOON, PASSWORD, Caller, browser, unit, user
from units import access, people
from units.models import ApiToken, Membership, User

pytestmark = pytest.mark.django_db


def sign_in(client: Client, username: str, password: str = PASSWORD, **more):
    return client.post("/login/", {"username": username, "password": password}, **more)


def test_the_right_password_opens_the_home_page_and_is_written_down():
    client = Client()
    answer = sign_in(client, "heating1")
    assert answer.status_code == 302 and answer.url == "/"
    assert client.get("/").status_code == 200
    assert journal.of(user("heating1")).filter(act="sign_in").count() == 1
    client.post("/logout/")
    assert client.get("/").status_code == 302
    assert journal.of(user("heating1")).filter(act="sign_out").count() == 1


def test_the_key_of_the_session_changes_with_the_sign_in():
    client = Client()
    session = client.session
    session["before"] = 1
    session.save()
    old = session.session_key
    sign_in(client, "heating1")
    assert client.session.session_key != old and not Session.objects.filter(session_key=old).exists()
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


def test_a_wrong_name_and_a_wrong_password_are_told_the_same():
    texts = []
    for username, password in (("heating1", "wrong-Pass-1"), ("no-such-person", "wrong-Pass-1")):
        answer = sign_in(Client(REMOTE_ADDR=f"10.0.0.{len(texts)}"), username, password)
        assert answer.status_code == 200
        texts.append(answer.content.decode().replace(username, "…"))
    strip = [text.split("<form")[1].split("csrfmiddlewaretoken")[0] for text in texts]
    assert strip[0] == strip[1] and "用户名或密码不正确" in texts[0] and "用户名或密码不正确" in texts[1]


def test_five_wrong_passwords_lock_the_account_for_this_address_and_no_forwarding_header_helps():
    client = Client(REMOTE_ADDR="10.1.1.1")
    for _ in range(4):
        assert sign_in(client, "heating2", "wrong-Pass-1").status_code == 200
    answer = sign_in(client, "heating2", "wrong-Pass-1")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) == 900 and "Access-Control-Allow-Origin" not in answer.headers
    assert sign_in(client, "heating2").status_code == 429
    assert sign_in(client, "heating2", HTTP_X_FORWARDED_FOR="1.2.3.4").status_code == 429
    assert sign_in(Client(REMOTE_ADDR="10.1.1.2"), "heating2").status_code == 302
    assert sign_in(Client(REMOTE_ADDR="10.1.1.1"), "heating3").status_code == 302


def test_a_session_ends_when_it_is_idle_or_old_and_the_pages_own_refresh_does_not_keep_it():
    client = browser("heating1")
    assert client.get("/").status_code == 200
    session = client.session
    session["seen_at"] = time.time() - settings.SESSION_IDLE.total_seconds() + 60
    session.save()
    assert client.get("/", headers={"X-Refresh": "1"}).status_code == 200
    session = client.session
    session["seen_at"] = time.time() - settings.SESSION_IDLE.total_seconds() - 1
    session.save()
    part = client.get("/tickets/", headers={"HX-Request": "true"})
    assert part.status_code == 401 and part.headers["HX-Redirect"].startswith("/login/")
    assert client.get("/").status_code == 302
    client = browser("heating1")
    client.get("/")
    session = client.session
    session["signed_in_at"] = time.time() - settings.SESSION_ABSOLUTE.total_seconds() - 1
    session.save()
    assert client.get("/").status_code == 302


def test_an_initial_password_opens_nothing_but_the_page_where_it_is_changed():
    person, initial = people.register(
        "new.hand", "新手", unit("demo-heating-1"), "handler", actor=user("admin"), at=NOON
    )
    client = Client()
    sign_in(client, "new.hand", initial)
    for path in ("/", "/tickets/", "/inbox/", "/api/v1/tickets/"):
        answer = client.get(path)
        assert answer.status_code in (302, 403), path
        assert answer.status_code == 403 or answer.url.startswith("/password/"), answer.url
    for weak in ("short1A", "alllowercaseletters", "1234567890", "new.hand-1A", "password1234"):
        said = {"old_password": initial, "new_password1": weak, "new_password2": weak}
        assert client.post("/password/", said).status_code == 400, weak
    said = {"old_password": initial, "new_password1": "Kangfu-2025-nuan", "new_password2": "Kangfu-2025-nuan"}
    assert client.post("/password/", said).status_code == 302 and client.get("/").status_code == 200
    assert not User.objects.get(pk=person.pk).must_change_password
    assert sign_in(Client(), "new.hand", initial).status_code == 200


def test_who_is_switched_off_is_out_at_once_by_every_door():
    client = Client()
    sign_in(client, "heating1")
    caller = Caller("demo-heating-1", "handler")
    assert client.get("/tickets/").status_code == 200 and caller.get("tickets/").status_code == 200
    people.switch_off(user("heating1"), actor=user("admin"), at=NOON, reason="离职")
    assert client.get("/tickets/").status_code == 302
    assert sign_in(Client(), "heating1").status_code == 200, "密码正确也不能登录"
    assert not Membership.objects.filter(user=user("heating1"), until=None).exists()
    assert caller.get("tickets/").status_code == 200, "单位的接口令牌不随个人停用"
    with pytest.raises(Conflict):
        people.switch_off(user("admin"), actor=user("admin"), at=NOON)


def test_a_reset_password_ends_every_session():
    client = Client()
    sign_in(client, "street")
    people.reset_password(user("street"), actor=user("admin"), at=NOON)
    assert client.get("/").status_code == 302


def test_who_leaves_a_unit_loses_its_rights_and_keeps_their_others():
    person = user("heating1")
    access.enrol(person, unit("demo-heating-2"), "handler", actor=user("admin"), at=NOON)
    assert {unit("demo-heating-1").pk, unit("demo-heating-2").pk} == set(
        access.unit_ids(user("heating1"), access.SEE_WORK)
    )
    first = Membership.objects.get(user=person, unit__code="demo-heating-1", until=None)
    access.leave(first, actor=user("admin"), at=NOON + DAY, reason="调岗")
    assert set(access.unit_ids(user("heating1"), access.SEE_WORK)) == {unit("demo-heating-2").pk}
    assert [entry.act for entry in journal.of(person).order_by("position")][-2:] == ["enrol", "leave"]


@pytest.mark.parametrize("role", ["dispatcher", "officer", "handler", "inspector", "viewer"])
def test_only_administrators_reach_the_administrators_desk(role):
    caller = {
        "dispatcher": "dispatcher",
        "officer": "bureau",
        "handler": "heating1",
        "inspector": "inspector",
        "viewer": "viewer",
    }[role]
    client = browser(caller)
    for path in ("/system/", "/system/people/heating2/"):
        assert client.get(path).status_code in (403, 404), path
    before = User.objects.count()
    said = {"username": "sneaked.in", "full_name": "不速", "unit": "urban-management", "role": "admin", "name": "x"}
    for path in (
        "/system/people/",
        "/system/tokens/",
        "/system/people/heating2/",
        "/system/people/heating2/off/",
        "/system/people/heating2/password/",
    ):
        assert client.post(path, said).status_code in (403, 404, 405), path
    assert User.objects.count() == before and user("heating2").is_active


def test_an_administrator_keeps_the_keys_and_reads_no_letters():
    client = browser("admin")
    assert client.get("/system/").status_code == 200
    for path in ("/tickets/", "/escalations/", "/oversight/"):
        answer = client.get(path)
        assert answer.status_code in (200, 403)
        assert "WY-20" not in answer.content.decode()


def test_no_token_is_kept_in_clear_and_a_wrong_role_is_refused():
    secret = access.issue_token(unit("demo-heating-1"), "handler", at=NOON)
    assert not ApiToken.objects.filter(digest=secret).exists() and len(secret) >= 32
    with pytest.raises(Invalid, match="没有“king”这种角色"):
        access.issue_token(unit("demo-heating-1"), "king", at=NOON)


def test_twenty_wrong_passwords_for_one_name_close_it_for_an_hour_from_wherever_they_come(settings):
    settings.PROXY_COUNT = 1
    for number in range(20):
        sign_in(Client(), "heating1", "falsch", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"203.0.113.{number}"})
    answer = sign_in(Client(), "heating1", headers={"X-Forwarded-For": "203.0.113.200"})
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert sign_in(Client(), "heating2", headers={"X-Forwarded-For": "203.0.113.200"}).status_code == 302


@pytest.mark.guard("S5")
def test_behind_our_proxies_five_wrong_passwords_lock_their_sender_and_not_whoever_the_name_belongs_to(settings):
    settings.PROXY_COUNT = 2
    for made_up in range(5):
        answer = sign_in(Client(), "heating2", "wrong-Pass-1", headers={"X-Forwarded-For": f"198.51.100.{made_up}, 203.0.113.9, 10.0.0.1"})
    assert answer.status_code == 429
    assert sign_in(Client(), "heating2", headers={"X-Forwarded-For": "198.51.100.77, 203.0.113.9, 10.0.0.1"}).status_code == 429
    assert sign_in(Client(), "heating2", headers={"X-Forwarded-For": "203.0.113.10, 10.0.0.1"}).status_code == 302


def test_a_password_of_ninety_days_is_to_be_changed_before_anything_else():
    User.objects.filter(username="heating1").update(is_demo=False, password_changed_at=NOON)
    client = Client()
    sign_in(client, "heating1")
    assert client.get("/tickets/").url == "/password/" and "90 天" in client.get("/password/").content.decode()
    User.objects.filter(username="heating1").update(is_demo=True)
    assert client.get("/tickets/").status_code == 200


@pytest.mark.guard("S4")
def test_none_of_the_last_five_passwords_comes_back_and_keepers_need_longer_ones():
    person = user("heating1")
    used = [f"Kangfu-{number}-nuan" for number in range(7)]
    for password in used:
        people.change_password(person, password, at=NOON)
    for old in used[1:]:
        with pytest.raises(Invalid, match="最近 5 次"):
            people.change_password(person, old, at=NOON)
    people.change_password(person, used[0], at=NOON)
    assert len(User.objects.get(pk=person.pk).former_passwords) == 5 and used[1] not in str(person.former_passwords)
    with pytest.raises(Invalid, match="不少于 15 位"):
        people.change_password(user("security"), "Kangfu-2025-na", at=NOON)
    people.change_password(user("security"), "Kangfu-2025-nuan", at=NOON)
