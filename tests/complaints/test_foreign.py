"""The side doors to somebody else's ticket: its number used again, links, relations, suggestions, files, acts in bulk."""

import io
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from complaints import links
from core import attachments, journal
from deadlines.models import Escalation
from tests.story import MINUTE, NOON, Caller, browser, dispatched, fresh, respond, tick, user

pytestmark = pytest.mark.django_db
CANARY = "金丝雀的暖气一点也不热"
NUMBER = re.compile(r"WY-\d{8}-\d{6}")


def numbers_in(answer) -> set[str]:
    """The ticket numbers that an answer mentions."""
    return set(NUMBER.findall(answer.content.decode()))


def body(**more) -> dict:
    return {
        "source": "visit",
        "external_no": "OWN-1",
        "kind": "complaint",
        "content": CANARY,
        "called_at": "2025-11-14T09:00:00",
        **more,
    }


def test_using_anothers_number_neither_changes_nor_shows_anothers_ticket():
    theirs = Caller("demo-heating-2", "handler").post("tickets/", body(community="demo-community-2")).json()
    again = {**body(content="别家塞进来的话"), "complainant": {"name": "某人", "phone": "13900000000"}}
    answer = Caller("demo-heating-1", "handler").post("tickets/", again)
    assert answer.status_code == 409 and theirs["number"] not in answer.content.decode()
    form = {
        "source": "visit",
        "external_no": "OWN-1",
        "kind": "complaint",
        "content": "别家塞进来的话",
        "called_at": "2025-11-14T09:00",
    }
    page = browser("heating1").post("/tickets/new/", form)
    assert page.status_code in (409, 422) and theirs["number"] not in page.content.decode()
    kept = Caller("demo-heating-2", "handler").get(f"tickets/{theirs['number']}/").json()
    assert kept["content"] == CANARY and kept["version"] == theirs["version"]


def test_who_brought_it_in_may_send_it_again_though_others_have_it_now():
    desk = Caller("street-tanjia", "officer")
    first = desk.post("tickets/", body(content="你好。"))
    assert first.status_code == 201 and desk.get(f"tickets/{first.json()['number']}/").status_code == 404
    assert desk.post("tickets/", body(content="你好。")).status_code == 200


def test_a_link_to_another_companys_ticket_does_not_tell_its_number():
    mine, theirs = dispatched(), dispatched(community="demo-community-2", content=CANARY)
    links.link(
        fresh(mine), fresh(theirs), reason=f"与 {theirs.number} 同一诉求", actor=user("dispatcher"), at=NOON + MINUTE
    )
    for who, login, own in [
        (Caller("demo-heating-1", "handler"), "heating1", mine),
        (Caller("demo-heating-2", "handler"), "heating2", theirs),
    ]:
        client = browser(login)
        for answer in (
            who.get(f"tickets/{own.number}/"),
            who.get(f"tickets/{own.number}/timeline/"),
            client.get(f"/tickets/{own.number}/"),
        ):
            assert answer.status_code == 200 and numbers_in(answer) <= {own.number}
    both = {mine.number, theirs.number}
    assert numbers_in(Caller("social-work", "dispatcher").get(f"tickets/{mine.number}/")) == both


def test_a_street_or_bureau_is_shown_no_relation_beyond_its_own_tickets():
    shared = {"complainant_phone": "13700000001", "building": "9号楼"}
    theft = dispatched(category="heat_theft", **shared)
    other = dispatched(content=CANARY, community="demo-community-2", **shared)
    assert other.number not in browser("street").get(f"/tickets/{theft.number}/").content.decode()
    text = browser("bureau").get(f"/tickets/{theft.number}/").content.decode()
    assert other.number in text or other.number[7:] in text


@pytest.mark.clause("D18.5")
def test_what_routing_read_in_a_confidential_complaint_is_not_told_to_the_accused():
    ticket = dispatched(content="我是302室的，物业经理私自偷热放水。", is_confidential=True, doer="demo-heating-1")
    told = Caller("demo-heating-1", "handler").get(f"tickets/{ticket.number}/").json()
    assert told["why"] == [] and told["suggestion"] == {}
    assert Caller("urban-management", "officer").get(f"tickets/{ticket.number}/").json()["why"]


def test_acts_in_bulk_touch_nothing_foreign_and_say_nothing_of_it():
    ticket = dispatched()
    absent = "WY-20251114-000000"
    for login in ("heating1", "heating2", "street", "housing", "viewer", "admin"):
        client = browser(login)
        for act in ("nudge", "transfer", "link", "dispatch"):
            answer = client.post(
                "/tickets/bulk/",
                {"act": act, "number": [ticket.number, absent], "unit": "demo-heating-3", "reason": "r", "to": absent},
            )
            assert answer.status_code in (200, 400, 403), (login, act)
        export = client.post("/tickets/bulk/", {"act": "export", "number": [ticket.number]})
        assert export.status_code == 200
    assert fresh(ticket).version == ticket.version and fresh(ticket).doer_id == ticket.doer_id
    assert not journal.of(ticket).filter(act__in=["nudge", "transfer", "link"]).exists()


@pytest.mark.parametrize("login", ["heating2", "housing", "admin", "property1"])
def test_every_act_of_a_foreign_tickets_page_is_not_found(login):
    ticket = dispatched()
    client = browser(login)
    codes = [
        "dispatch",
        "respond",
        "arrive",
        "finish",
        "callback",
        "rule",
        "appointment",
        "return",
        "nudge",
        "transfer",
        "link",
        "void",
        "reveal",
        "assist",
        "waive/finance",
    ]
    for code in codes:
        for method in ("get", "post"):
            if method == "get" and code in ("reveal", "assist", "waive/finance"):
                continue
            there = getattr(client, method)(f"/tickets/{ticket.number}/{code}/")
            nowhere = getattr(client, method)(f"/tickets/WY-20251114-000000/{code}/")
            assert there.status_code == nowhere.status_code == 404, (method, code, there.status_code)
            unnumbered = re.compile(rb"[a-z]{12}")
            assert unnumbered.sub(b"", there.content).replace(ticket.number.encode(), b"") == unnumbered.sub(
                b"", nowhere.content
            ).replace(b"WY-20251114-000000", b"")
    assert fresh(ticket).version == ticket.version


def test_a_photo_of_another_ticket_is_no_evidence_for_this_one():
    mine, theirs = dispatched(), dispatched(community="demo-community-2")
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    foreign = attachments.store(
        SimpleUploadedFile("p.png", picture.getvalue()), theirs, actor=user("heating2"), at=NOON
    )
    respond(mine, NOON + MINUTE)
    firm = Caller("demo-heating-1", "handler")
    answer = firm.post(f"tickets/{mine.number}/arrive/", {"evidence": {"kind": "photo", "attachment": str(foreign.pk)}})
    assert answer.status_code == 404 and fresh(mine).state == "responded"
    upload = firm.client.post(
        f"/api/v1/tickets/{theirs.number}/attachments/",
        {"file": SimpleUploadedFile("p.png", picture.getvalue())},
        headers={"Authorization": f"Token {firm.token}"},
    )
    assert upload.status_code == 404


def test_an_escalation_is_signed_by_the_task_force_and_known_to_who_is_concerned_only():
    ticket = dispatched()
    tick(NOON + 16 * MINUTE)
    pk = Escalation.objects.get(deadline__label=ticket.number).pk
    for who, status in [(("demo-heating-2", "handler"), 404), (("housing-construction", "officer"), 404), (("urban-management", "admin"), 404), (("demo-heating-1", "handler"), 403),
                        (("street-weiyanggong", "officer"), 403), (("social-work", "dispatcher"), 403), (("urban-management", "viewer"), 403)]:  # fmt: skip
        assert Caller(*who).post(f"escalations/{pk}/sign/", {"note": "n"}).status_code == status, who
    bureau = Caller("urban-management", "officer")
    assert bureau.post(f"escalations/{pk}/sign/", {"note": "已电话督促"}).json()["signed_by"]
    assert bureau.post(f"escalations/{pk}/sign/", {"note": "再签"}).status_code == 409


def test_forms_with_what_no_database_keeps_are_refused():
    ticket = dispatched()
    client = browser("bureau")
    for path, said in [
        ("/tickets/bulk/", {"act": "nudge", "number": "\x00"}), ("/tickets/bulk/", {"act": "\x00", "number": ticket.number}), (f"/tickets/{ticket.number}/reveal/", {"field": "address", "reason": "\x00"}),
        ("/tickets/views/", {"name": "\x00", "q": "x"}), (f"/tickets/{ticket.number}/void/", {"reason": "a\x00"}), ("/tickets/new/", {"content": "\x00", "source": "\x00"}), (f"/tickets/{ticket.number}/waive/finance/", {"reason": "\x00"}),
    ]:  # fmt: skip
        assert client.post(path, said).status_code in (400, 404, 422), path
    assert (
        json.loads(Caller("urban-management", "officer").get(f"tickets/{ticket.number}/").content)["state"]
        == "dispatched"
    )
