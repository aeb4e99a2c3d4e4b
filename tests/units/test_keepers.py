"""Three who keep the portal and none of its work: accounts, rights and the journal apart; and accounts that nobody uses rest (S8)."""

from datetime import timedelta

import pytest

from core import journal
from core.errors import Forbidden, Invalid
from tests.story import DAY, NOON, Caller, browser, dispatched, unit, user
from units import access, housekeeping, people
from units.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.guard("S8")]
KEEPERS = ("admin", "security", "auditor")
# act → who of the three may do it, by address and what is said
ACTS = {
    "admin": [
        ("/system/people/", {"username": "new.one", "full_name": "新人"}), ("/system/people/heating2/off/", {"reason": "离职"}), ("/system/people/heating2/password/", {}),
        ("/system/people/heating2/wake/", {}), ("/system/posts/demo-heating-1-principal/", {"name": "张三"}),
    ],
    "security": [
        ("/system/people/heating2/", {"unit": "demo-heating-1", "role": "viewer"}), ("/system/tokens/", {"unit": "demo-heating-1", "role": "handler", "name": "接口"}),
        ("/system/people/heating2/second-factor/", {"reason": "手机丢失"}),
    ],
    "auditor": [],
}  # fmt: skip


@pytest.mark.parametrize("who", KEEPERS)
def test_each_keeper_does_their_own_and_is_refused_the_others(who):
    client = browser(who)
    for owner, acts in ACTS.items():
        for path, said in acts:
            answer = client.post(path, said)
            assert (answer.status_code == 403) == (owner != who), (who, path, answer.status_code)


@pytest.mark.parametrize("who", KEEPERS)
def test_no_keeper_reads_a_ticket_or_finds_one_by_its_number(who):
    ticket = dispatched()
    client = browser(who)
    for path in ("/tickets/", f"/tickets/{ticket.number}/", "/escalations/", "/oversight/", "/ledger/", "/plants/", "/wall/"):
        answer = client.get(path)
        assert answer.status_code in (403, 404) or ticket.number not in answer.content.decode(), path
    assert client.post(f"/tickets/{ticket.number}/reveal/", {"reason": "x"}).status_code in (403, 404)


def test_a_new_account_opens_nothing_until_somebody_else_gives_it_rights():
    page = browser("admin").post("/system/people/", {"username": "new.one", "full_name": "新人", "unit": "urban-management", "role": "officer"})
    assert page.status_code == 200 and "待授权" in page.content.decode()
    new = User.objects.get(username="new.one")
    assert not access.rights(new)
    assert browser("security").post("/system/people/new.one/", {"unit": "urban-management", "role": "officer"}).status_code == 302
    assert access.everywhere(User.objects.get(pk=new.pk), access.SUPERVISE)
    assert {(entry.act, entry.actor_name) for entry in journal.of(new)} == {("register", "系统管理员"), ("enrol", "安全管理员")}


def test_nobody_gives_themselves_rights_and_no_account_keeps_two_things():
    with pytest.raises(Forbidden):
        access.enrol(user("security"), unit("urban-management"), "officer", actor=user("security"), at=NOON)
    for who, role in (("security", "admin"), ("admin", "auditor"), ("auditor", "officer"), ("bureau", "security")):
        with pytest.raises(Invalid, match="不兼任"):
            access.enrol(user(who), unit("urban-management"), role, actor=None, at=NOON)
    refused = browser("security").post("/system/people/bureau/", {"unit": "urban-management", "role": "auditor"})
    assert refused.status_code == 400 and "不兼任其他角色" in refused.content.decode()


@pytest.mark.guard("S9")
def test_the_auditor_reads_everything_that_was_done_and_changes_nothing():
    ticket = dispatched()
    browser("bureau").post(f"/tickets/{ticket.number}/reveal/", {"field": "complainant_phone", "reason": "联系住户 13812345678"})
    client = browser("auditor")
    assert client.get("/").status_code == 200
    page = client.get("/system/journal/", {"kind": "seen"}).content.decode()
    assert "查看号码" in page and ticket.number in page and "138****5678" in page and "13812345678" not in page
    assert ticket.number in client.get("/system/journal/", {"subject": ticket.number, "act": "交办"}).content.decode()
    assert "没有符合条件的流水" in client.get("/system/journal/", {"actor": "没有这个人", "since": "2025-11-01", "until": "2025-11-30"}).content.decode()
    for wrong in ({"kind": "x"}, {"since": "昨天"}, {"cursor": "x"}):
        assert client.get("/system/journal/", wrong).status_code == 400
    assert client.get("/system/journal/?export=1").headers["Content-Type"].endswith("sheet")
    assert journal.of(user("auditor")).get(act="export").data["what"] == "journal"
    for path in ("/system/", "/system/people/bureau/", "/inbox/endpoints/"):
        assert client.get(path).status_code == 403, path
    for who in ("bureau", "admin", "security", "heating1"):
        assert browser(who).get("/system/journal/").status_code == 403, who
    assert client.post("/system/journal/").status_code == 405
    assert Caller("urban-management", "auditor").get("tickets/").json()["results"] == []


def test_who_looks_at_more_numbers_than_a_day_explains_is_named_to_the_auditor(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: NOON + timedelta(hours=1))
    bureau = user("bureau")
    journal.record_many([journal.entry(bureau, "reveal", actor=bureau, at=NOON) for _ in range(50)])
    assert "查看号码 50 次" in browser("auditor").get("/system/journal/").content.decode()
    monkeypatch.setattr("core.clock.now", lambda: NOON + timedelta(hours=30))
    assert "查看号码 50 次" not in browser("auditor").get("/system/journal/").content.decode()


def test_an_account_that_nobody_used_for_a_quarter_rests_until_it_is_woken():
    person, _ = people.register("old.hand", "老手", unit("demo-heating-1"), "handler", actor=None, at=NOON)
    User.objects.filter(pk=person.pk).update(last_login=NOON, date_joined=NOON, password_changed_at=NOON)
    housekeeping.generate(at=NOON + 89 * DAY)
    assert User.objects.get(pk=person.pk).is_active
    housekeeping.generate(at=NOON + 91 * DAY)
    housekeeping.generate(at=NOON + 92 * DAY)
    person.refresh_from_db()
    assert not person.is_active and person.memberships.filter(until=None).exists()
    assert journal.of(person).filter(act="dormant").count() == 1
    admin = browser("admin")
    assert "休眠" in admin.get("/system/people/old.hand/").content.decode()
    assert "初始密码" in admin.post("/system/people/old.hand/wake/").content.decode()
    person.refresh_from_db()
    assert person.is_active and person.must_change_password and access.unit_ids(person, access.HANDLE_TICKETS)
    assert admin.post("/system/people/old.hand/wake/").status_code == 409
