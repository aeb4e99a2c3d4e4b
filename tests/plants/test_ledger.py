"""The problem ledger: found by one, rectified by another, closed out by a third hand, and never lost under its number."""

import io
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine, proof
from deadlines.models import Escalation, Season
from plants import inspection_selectors, ledger, ledger_selectors
from plants.ledger import Found
from plants.models import Finding, Plant
from tests.story import DAY, HOUR, MINUTE, NOON, browser, dispatched, tick, unit, user

pytestmark = pytest.mark.django_db


def photo() -> SimpleUploadedFile:
    """A photograph."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return SimpleUploadedFile("整改.png", out.getvalue(), "image/png")


def find(owner: str = "demo-heating-1", *, finder: str = "street-weiyanggong", at=NOON, **more) -> Finding:
    """A street finds something at a plant."""
    found = Found(title="压力表检定过期", unit=unit(owner), due_at=at + 3 * DAY, plant=Plant.objects.get(code="demo-plant-1"), street=unit("street-weiyanggong"))
    return ledger.open_finding(found, source=more.pop("source", "inspection"), unit=unit(finder), actor=None, at=at, **more)


@pytest.mark.clause("G11", "D7.4", "E6")
def test_rectified_by_its_owner_and_closed_out_by_who_found_it():
    item = find()
    assert (item.number, item.verifier.code, proof.deadlines_of(item).get().due_at) == ("WT-2025-00001", "street-weiyanggong", NOON + 3 * DAY)
    with pytest.raises(Forbidden):
        proof.report(item, note="已换", actor=user("heating2"), at=NOON + HOUR)
    proof.report(item, note="已更换并送检", files=(photo(),), actor=user("heating1"), at=NOON + DAY)
    with pytest.raises(Forbidden):
        proof.approve(item, actor=user("heating1"), at=NOON + DAY)
    proof.approve(item, note="现场核对", actor=user("street"), at=NOON + 2 * DAY)
    assert (item.standing, proof.deadlines_of(item).get().outcome) == ("verified", "met")
    rows = ledger_selectors.by_unit(user("bureau"), at=NOON + 3 * DAY)
    assert [(row["unit__code"], row["found"], row["closed"], row["share"]) for row in rows] == [("demo-heating-1", 1, 1, 100.0)]


@pytest.mark.clause("G11")
def test_opened_again_it_keeps_its_number_and_crosses_the_season_with_it():
    item = find()
    proof.report(item, note="已换", actor=user("heating1"), at=NOON + DAY)
    proof.approve(item, actor=user("street"), at=NOON + 2 * DAY)
    proof.reopen(item, reason="又渗漏", due_at=NOON + 200 * DAY, actor=user("street"), at=NOON + 150 * DAY)
    assert (item.number, item.attempt, item.standing, item.season.code) == ("WT-2025-00001", 2, "open", "2025-2026")
    assert find(at=NOON + 5 * DAY).number == "WT-2025-00002"


@pytest.mark.clause("G11", "D7.2")
def test_overdue_it_climbs_to_the_bureau():
    item = find()
    tick(NOON + 3 * DAY + MINUTE)
    assert Escalation.objects.get(deadline__in=engine.of(item)).level == 1 and item.is_late(NOON + 4 * DAY)


@pytest.mark.clause("G11")
def test_what_a_company_finds_itself_the_bureau_closes_out():
    client = browser("heating1")
    form = {"title": "循环泵异响", "unit": "demo-heating-1", "severity": "general", "due_on": "2099-01-01"}
    assert client.post("/ledger/new/", form).status_code == 302
    item = Finding.objects.get()
    assert (item.source, item.verifier.code) == ("patrol", "urban-management")
    assert client.post("/ledger/new/", {**form, "unit": "demo-heating-2"}).status_code == 422
    wrong = client.post("/ledger/new/", {**form, "due_on": "2020-01-01", "title": "地沟积水"})
    assert wrong.status_code == 422 and "地沟积水" in wrong.content.decode() and "整改期限" in wrong.content.decode()


@pytest.mark.clause("E6")
def test_a_street_holds_a_property_manager_to_it():
    client = browser("street")
    form = {"title": "换热站未设专人", "unit": "demo-property-1", "severity": "serious", "due_on": "2099-01-01"}
    assert client.post("/ledger/new/", form).status_code == 302
    item = Finding.objects.get()
    assert item.verifier.code == "street-weiyanggong"
    assert browser("property1").get(item.get_absolute_url()).status_code == 200
    assert browser("property2").get(item.get_absolute_url()).status_code == 404


def test_the_page_takes_the_report_with_a_photo_and_the_close_out():
    item = find()
    Finding.objects.filter(pk=item.pk).update(due_at=NOON + 3000 * DAY)
    client = browser("heating1")
    wrong = client.post(item.get_absolute_url(), {"achieved_at": "昨天", "note": "换表"})
    assert wrong.status_code == 422 and "换表" in wrong.content.decode()
    assert client.post(item.get_absolute_url(), {"achieved_at": "2026-06-01T10:00", "note": "换表", "files": [photo()]}).status_code == 302
    page = browser("street").get(item.get_absolute_url()).content.decode()
    key = page.split(f"/ledger/{item.number}/files/")[1].split("/")[0]
    assert browser("street").get(f"/ledger/{item.number}/files/{key}/").status_code == 200
    assert browser("heating2").get(f"/ledger/{item.number}/files/{key}/").status_code == 404
    assert browser("street").post(f"/ledger/{item.number}/refuse/", {"note": ""}).status_code == 422
    assert browser("street").post(f"/ledger/{item.number}/approve/", {"note": "属实"}).status_code == 302
    item.refresh_from_db()
    assert item.standing == "verified"


def test_each_sees_its_own_and_what_is_hidden_is_not_its_owners_yet():
    shown, hidden = find(), find(hidden=True, finder="urban-management", source="unannounced")
    for login, numbers in (("heating1", {shown.number}), ("heating2", set()), ("bureau", {shown.number, hidden.number}), ("admin", set())):
        page = browser(login).get("/ledger/?state=all").content.decode()
        assert {number for number in (shown.number, hidden.number) if number in page} == numbers, login
    assert browser("heating1").get(hidden.get_absolute_url()).status_code == 404
    assert browser("heating2").get("/ledger/?state=all&format=xlsx").content[:2] == b"PK"
    for params in ("state=x", "unit=%00", "q=" + "a" * 500, "cursor=x", "severity=z"):
        assert browser("bureau").get(f"/ledger/?{params}").status_code < 500


def test_a_finding_without_a_word_or_due_in_the_past_is_refused():
    with pytest.raises(Invalid):
        ledger.open_finding(Found(title=" ", unit=unit("demo-heating-1"), due_at=NOON + DAY), source="other", unit=unit("street-weiyanggong"), actor=None, at=NOON)
    with pytest.raises(Invalid):
        ledger.open_finding(Found(title="x", unit=unit("demo-heating-1"), due_at=NOON - timedelta(seconds=1)), source="other", unit=unit("street-weiyanggong"), actor=None, at=NOON)


@pytest.mark.clause("G11")
def test_the_verifier_may_give_more_time_before_the_limit_is_past_and_says_why():
    item = find()
    with pytest.raises(Forbidden):
        ledger.extend(item, due_at=NOON + 6 * DAY, reason="备件未到", actor=user("heating1"), at=NOON + DAY)
    with pytest.raises(Invalid):
        ledger.extend(item, due_at=NOON + 6 * DAY, reason=" ", actor=user("street"), at=NOON + DAY)
    ledger.extend(item, due_at=NOON + 6 * DAY, reason="备件未到", actor=user("street"), at=NOON + DAY)
    assert (item.due_at, proof.deadlines_of(item).get().due_at) == (NOON + 6 * DAY, NOON + 6 * DAY)
    tick(NOON + 4 * DAY)
    assert not Escalation.objects.filter(deadline__label=item.number, level__gte=1).exists()
    with pytest.raises(Conflict):
        ledger.extend(item, due_at=NOON + 9 * DAY, reason="仍未到", actor=user("street"), at=NOON + 7 * DAY)


@pytest.mark.clause("G11")
def test_more_time_is_given_on_the_page_and_a_wrong_day_keeps_what_was_typed(monkeypatch):
    item = find()
    monkeypatch.setattr("core.clock.now", lambda: NOON + DAY)
    page = browser("street").post(f"/ledger/{item.number}/extend/", {"due_on": "2025-11-15", "reason": "备件未到货"})
    assert page.status_code == 422 and "备件未到货" in page.content.decode() and "延期须晚于原期限" in page.content.decode()
    assert browser("street").post(f"/ledger/{item.number}/extend/", {"due_on": "2025-11-25", "reason": "备件未到货"}).status_code == 302
    assert browser("heating1").post(f"/ledger/{item.number}/extend/", {"due_on": "2025-11-28", "reason": "还要"}).status_code == 403
    assert "延期" in browser("heating1").get(f"/ledger/{item.number}/").content.decode()


@pytest.mark.clause("I9")
def test_whoever_verifies_owes_an_answer_within_the_plans_time():
    item = find()
    proof.report(item, note="已换", actor=user("heating1"), at=NOON + DAY)
    waits = engine.open_of(item).get()
    assert (waits.stage, waits.unit.code, waits.due_at) == ("verification", "street-weiyanggong", NOON + 4 * DAY)
    tick(NOON + 4 * DAY + HOUR)
    assert Escalation.objects.filter(deadline=waits, level=1).exists()
    proof.refuse(item, reason="未换", actor=user("street"), at=NOON + 5 * DAY)
    assert [(one.stage, one.outcome) for one in engine.of(item)] == [("ledger_item", "met"), ("verification", "late"), ("ledger_item", "")]
    proof.report(item, note="已换", actor=user("heating1"), at=NOON + 6 * DAY)
    proof.approve(item, actor=user("street"), at=NOON + 7 * DAY)
    assert not engine.open_of(item).exists()


@pytest.mark.clause("G11")
def test_a_problem_behind_a_complaint_enters_the_ledger_and_the_ticket_goes_on():
    ticket = dispatched()
    said = {"title": "小区二次网失水", "unit": "demo-heating-2", "severity": "serious", "due_on": "2099-01-01", "measure": "查漏"}
    assert browser("heating1").get(f"/tickets/{ticket.number}/ledger/").status_code in (403, 404)
    assert browser("bureau").post(f"/tickets/{ticket.number}/ledger/", {**said, "title": ""}).status_code == 422
    assert browser("bureau").post(f"/tickets/{ticket.number}/ledger/", said).status_code == 302
    item = Finding.objects.get()
    assert (item.source, item.source_key, item.unit.code, item.community, item.found_unit.code) == ("ticket", ticket.number, "demo-heating-2", ticket.community, "urban-management")
    assert item.number in browser("bureau").get(f"/tickets/{ticket.number}/").content.decode()
    assert item.number not in browser("heating1").get(f"/tickets/{ticket.number}/").content.decode()


@pytest.mark.clause("E6", "G11")
def test_a_problem_entered_by_hand_has_its_place_and_photographs_and_the_inspector_there_is_reminded_of_it():
    client = browser("street")
    typed = {"title": "值班室堆放杂物", "unit": "demo-heating-1", "severity": "general", "due_on": "2099-01-01", "place": "没有这个厂"}
    wrong = client.post("/ledger/new/", typed)
    assert wrong.status_code == 422 and "没有名为“没有这个厂”的厂站或小区" in wrong.content.decode() and "值班室堆放杂物" in wrong.content.decode()
    plant = Plant.objects.get(code="demo-plant-1")
    answer = client.post("/ledger/new/", {**typed, "place": plant.name, "files": [photo()]})
    item = Finding.objects.get(title="值班室堆放杂物")
    assert answer["Location"] == item.get_absolute_url() and (item.plant, item.street.code) == (plant, "street-weiyanggong")
    assert f"{item.get_absolute_url()}files/" in client.get(item.get_absolute_url()).content.decode()
    assert item.number in [one.number for one in inspection_selectors.hazards(plant)]
    assert client.post("/ledger/new/", {**typed, "place": "demo-plant-4"}).status_code == 422  # another street's: one may not know of it


@pytest.mark.clause("G11")
def test_the_list_narrows_by_street_and_season_keeps_its_filters_and_marks_what_came_over_from_a_season_before():
    find()
    Season.objects.create(code="2099-2100", name="2099—2100 年采暖期", starts_on=date(2020, 1, 1), ends_on=date(2021, 1, 1), source="", settings={}, loaded_at=NOON)
    Finding.objects.update(season=Season.objects.get(code="2099-2100"))
    client = browser("bureau")
    page = client.get("/ledger/?street=street-weiyanggong&severity=general").content.decode()
    assert "WT-2025-00001" in page and "往季转入" in page and "severity=general&amp;state=closed" in page
    assert "WT-2025-00001" not in client.get("/ledger/?street=street-tanjia").content.decode()
    assert "WT-2025-00001" not in client.get("/ledger/?season=2025-2026").content.decode()


def test_a_finding_leads_to_what_it_was_found_by_for_those_who_may_read_it():
    item = find()
    Finding.objects.filter(pk=item.pk).update(source_kind="ticket", source_key="WY-20251114-000001")
    seen = {name: "/tickets/WY-20251114-000001/" in browser(name).get(item.get_absolute_url()).content.decode() for name in ("bureau", "street", "heating1")}
    assert seen == {"bureau": True, "street": True, "heating1": False}


def test_sending_back_without_a_reason_is_asked_back_at_its_field():
    item = find()
    proof.report(item, note="已换", actor=user("heating1"), at=NOON + DAY)
    asked = browser("street").post(f"/ledger/{item.number}/refuse/", {"note": ""})
    assert asked.status_code == 422 and "请写明原因" in asked.content.decode() and "退回整改" in asked.content.decode()
    item.refresh_from_db()
    assert item.standing == "reported"
