"""Nobody sees what is not theirs, by any door: API, page, search, count, export, file, message."""

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core import attachments
from core.models import Entry
from tests.story import MINUTE, NOON, Caller, browser, dispatched, fresh, received, respond, tick, unit, user
from units.models import ApiToken, User

pytestmark = pytest.mark.django_db
CANARY = "金丝雀七号楼暖气冰凉"
ROLES = [
    ("urban-management", "officer"), ("urban-management", "viewer"), ("urban-management", "admin"), ("social-work", "dispatcher"),
    ("demo-heating-1", "handler"), ("demo-heating-2", "handler"), ("demo-property-1", "handler"), ("street-weiyanggong", "officer"),
    ("street-weiyanggong", "inspector"), ("street-tanjia", "officer"), ("housing-construction", "officer"), ("qinhua-gas", "viewer"),
]  # fmt: skip
SEES = {("urban-management", "officer"), ("urban-management", "viewer"), ("social-work", "dispatcher"), ("demo-heating-1", "handler"),
        ("street-weiyanggong", "officer"), ("street-weiyanggong", "inspector")}  # fmt: skip
ACTS = {
    "dispatch": {"category": "heating_service"}, "respond": {"channel": "phone"}, "arrive": {"evidence": {"kind": "witness"}},
    "finish": {"cause": "a", "measure": "b"}, "callback": {"kind": "progress", "reached": True}, "appointment": {"visit_at": "2025-11-14T15:00:00", "confirmed_by_resident": True},
    "return": {"reason": "r", "proposed_unit": "demo-property-1"}, "rule": {"accepted": True, "reason": "r"}, "transfer": {"unit": "demo-heating-3", "reason": "r"},
    "link": {"to": "WY-1", "reason": "r"}, "unlink": {"reason": "r"}, "void": {"reason": "r"}, "nudge": {}, "assist": {"note": "n"},
    "waive": {"unit": "development-reform", "reason": "r"}, "reveal": {"field": "complainant_phone", "reason": "r"},
}  # fmt: skip


@pytest.mark.parametrize("who", ROLES)
def test_every_role_against_every_call_on_a_foreign_ticket(who):
    ticket = dispatched(content=CANARY)
    tick(NOON + 16 * MINUTE)
    caller = Caller(*who)
    sees = who in SEES
    absent = caller.get("tickets/WY-20251114-000000/")
    detail = caller.get(f"tickets/{ticket.number}/")
    assert detail.status_code == (200 if sees else 404)
    if not sees:
        assert detail.content == absent.content
        assert caller.get(f"tickets/{ticket.number}/timeline/").status_code == 404
        for act, body in ACTS.items():
            assert caller.post(f"tickets/{ticket.number}/{act}/", body).status_code == 404, act
    for path in ("tickets/", "tickets/?q=金丝雀", f"tickets/?q={ticket.number}", "tickets/?q=13812345678", "tickets/?unit=demo-heating-1", "tickets/?state=dispatched",
                 "tickets/?late=true", "deadlines/", "deadlines/?late=true", "escalations/", "escalations/?unit=demo-heating-1"):  # fmt: skip
        text = caller.get(path).content.decode()
        if not sees:
            assert ticket.number not in text and "金丝雀" not in text, (who, path)
    assert fresh(ticket).version == ticket.version, "没有人改动过它"


@pytest.mark.parametrize(("who", "status"), [("heating1", 200), ("heating2", 404), ("street", 200), ("housing", 404), ("admin", 404), ("bureau", 200)])
def test_pages_follow_the_same_rule(who, status):
    ticket = dispatched(content=CANARY)
    client = browser(who)
    assert client.get(f"/tickets/{ticket.number}/").status_code == status
    for path in ("/", "/tickets/", "/tickets/?q=金丝雀", "/escalations/?signed=all", "/oversight/", "/inbox/", "/units/demo-heating-1/"):
        text = client.get(path).content.decode()
        if status == 404:
            assert ticket.number not in text and ("金丝雀" not in text or "q=" in path), path
            assert "金丝雀七号" not in text, path
    export = client.get("/tickets/export/")
    cells = [str(cell) for row in openpyxl.load_workbook(io.BytesIO(export.content)).active.iter_rows(values_only=True) for cell in row]
    assert any(ticket.number in cell for cell in cells) == (status == 200)
    assert not any("13812345678" in cell or "王小明" in cell for cell in cells)


def test_who_may_act_and_who_may_only_look():
    ticket = dispatched()
    for who, status in [(("street-weiyanggong", "inspector"), 403), (("urban-management", "viewer"), 403), (("social-work", "dispatcher"), 403),
                        (("urban-management", "officer"), 403), (("demo-heating-1", "handler"), 200)]:  # fmt: skip
        assert Caller(*who).post(f"tickets/{ticket.number}/respond/", {"channel": "phone"}).status_code == status, who
    assert Caller("demo-heating-1", "handler").post(f"tickets/{received().number}/dispatch/", {"category": "other"}).status_code == 404


@pytest.mark.clause("D18.5", "D6.1")
@pytest.mark.parametrize(("confidential", "category"), [(True, "heating_service"), (False, "heat_theft")])
def test_the_accused_side_never_learns_who_complained(confidential, category):
    ticket = dispatched(
        category=category, doer="demo-heating-1", content="我是6号楼302室王小明，电话13812345678，楼上私自放水。", is_confidential=confidential, address="6号楼302室"
    )
    firm = Caller("demo-heating-1", "handler")
    texts = [firm.get(f"tickets/{ticket.number}/").content.decode(), firm.get("tickets/").content.decode(), firm.get(f"tickets/{ticket.number}/timeline/").content.decode()]
    page = browser("heating1")
    texts += [page.get(path).content.decode() for path in ("/", "/tickets/", f"/tickets/{ticket.number}/", "/inbox/")]
    for text in texts:
        assert "王小明" not in text and "13812345678" not in text and "302室" not in text
    for query in ("王小明", "13812345678", "私自放水"):
        assert ticket.number not in firm.get(f"tickets/?q={query}").content.decode(), query
    assert firm.post(f"tickets/{ticket.number}/reveal/", {"field": "complainant_phone", "reason": "联系"}).status_code == 403
    assert Caller("urban-management", "officer").post(f"tickets/{ticket.number}/reveal/", {"field": "complainant_phone", "reason": "核实"}).status_code == 200


def test_looking_at_a_phone_number_is_an_entry_each_time():
    ticket = dispatched()
    firm = Caller("demo-heating-1", "handler")
    assert firm.get(f"tickets/{ticket.number}/").json()["complainant"] == {"name": "王**", "phone": "138****5678"}
    for _ in range(2):
        answer = firm.post(f"tickets/{ticket.number}/reveal/", {"field": "complainant_phone", "reason": "约定上门"})
        assert answer.json()["value"] == "13812345678"
    assert Entry.objects.filter(act="reveal", subject_key=ticket.number).count() == 2
    assert firm.post(f"tickets/{ticket.number}/reveal/", {"field": "complainant_phone", "reason": ""}).status_code == 400


def test_a_unit_relieved_of_a_ticket_knows_of_it_no_more():
    ticket = dispatched()
    Caller("social-work", "dispatcher").post(f"tickets/{ticket.number}/transfer/", {"unit": "demo-heating-2", "reason": "供热范围调整"})
    assert Caller("demo-heating-1", "handler").get(f"tickets/{ticket.number}/").status_code == 404
    assert Caller("demo-heating-2", "handler").get(f"tickets/{ticket.number}/").status_code == 200


def test_files_are_for_who_may_see_the_ticket_and_carry_no_place():
    ticket = dispatched()
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG", exif=Image.Exif().tobytes())
    kept = attachments.store(SimpleUploadedFile("门口.jpg", picture.getvalue()), ticket, actor=user("heating1"), at=NOON)
    path = f"/tickets/{ticket.number}/files/{kept.pk}/"
    assert browser("heating1").get(path).status_code == 200 and browser("heating2").get(path).status_code == 404
    other = dispatched(community="demo-community-2")
    assert browser("heating2").get(f"/tickets/{other.number}/files/{kept.pk}/").status_code == 404
    assert "sandbox" in browser("bureau").get(path).headers["Content-Security-Policy"]


def test_a_company_brings_in_what_reached_itself_and_nothing_else():
    body = {"source": "visit", "kind": "complaint", "content": "上门时住户反映不热", "called_at": "2025-11-14T09:00:00", "community": "demo-community-1"}
    firm = Caller("demo-heating-1", "handler")
    assert firm.post("tickets/", body).json()["doer"] == "demo-heating-1"
    assert firm.post("tickets/", {**body, "doer": "demo-heating-2"}).status_code == 403
    assert firm.post("tickets/", {**body, "source": "12345", "external_no": "X"}).status_code == 403
    assert Caller("street-weiyanggong", "inspector").post("tickets/", body).status_code == 403


def test_tokens_end_when_revoked_or_their_account_does():
    caller = Caller("demo-heating-1", "handler")
    assert caller.get("tickets/").status_code == 200
    owner = User.objects.get(tokens__digest__isnull=False, is_service=True)
    ApiToken.objects.update(revoked_at=NOON)
    assert caller.get("tickets/").status_code == 401
    ApiToken.objects.update(revoked_at=None)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert caller.get("tickets/").status_code == 401


def test_nobody_sets_what_is_not_theirs_to_set():
    desk = Caller("social-work", "dispatcher")
    answer = desk.post("tickets/", {
        "source": "12345", "external_no": "MASS", "kind": "complaint", "content": "不热", "called_at": "2025-11-14T09:00:00", "state": "closed", "number": "WY-1", "round": 9,
        "is_history": True, "ingested_at": "2020-01-01T00:00:00", "late_on_arrival": False, "lead": "urban-management", "due_at": "2099-01-01T00:00:00",
    })  # fmt: skip
    told = answer.json()
    assert (told["state"], told["round"], told["lead"]) == ("received", 1, None) and told["number"] != "WY-1" and told["late_on_arrival"]


def test_role_groups_hold_no_right_on_the_model_itself():
    respond(dispatched(), NOON + MINUTE)
    for username in ("bureau", "heating1", "street", "admin"):
        assert not user(username).user_permissions.exists()
        assert not any(group.permissions.exists() for group in user(username).groups.all())
    assert unit("demo-heating-1").code in {one.unit.code for one in user("heating1").memberships.select_related("unit")}
