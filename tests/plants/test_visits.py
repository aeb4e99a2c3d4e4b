"""访民问暖: how many homes by when, each visit once, what is left becomes a ticket or a row of the ledger."""

import uuid
from decimal import Decimal

import pytest

from complaints import from_visits
from complaints.models import Ticket
from core import civil
from core.errors import Conflict, Forbidden, Invalid, NotFound
from deadlines import engine
from deadlines.models import Escalation
from notices.models import Notice
from plants import visit_selectors, visits
from plants.models import Community, Finding, HomeVisit, RoomTemperature, VisitTarget
from plants.temperatures import Reading
from plants.visits import Visited
from tests.story import DAY, HOUR, NOON, browser, tick, user

pytestmark = pytest.mark.django_db
BEGUN = NOON + 3 * DAY  # 17 November


def place(code: str = "demo-community-1") -> Community:
    return Community.objects.get(code=code)


def go(at=BEGUN, by="heating1", **more) -> HomeVisit:
    """A visit of 演示企业一."""
    return visits.record(Visited(**{"community": place(), "visitor": "李师傅", "visited_at": at, **more}), actor=user(by), at=more.pop("at", at))


def target(households: int = 2, at=BEGUN) -> VisitTarget:
    visits.generate(at=at)
    found = VisitTarget.objects.get(company__code="demo-heating-1")
    visits.set_target(found, households=households, reason="演示", actor=user("bureau"), at=at)
    return VisitTarget.objects.get(pk=found.pk)


@pytest.mark.clause("D1.6", "G17")
def test_each_company_owes_as_many_homes_as_the_plan_says_once():
    Community.objects.filter(company__code="demo-heating-1").update(households=None)
    Community.objects.filter(code="demo-community-1").update(households=3210)
    visits.generate(at=BEGUN)
    visits.generate(at=BEGUN + DAY)
    rows = {one.company.code: one.households for one in VisitTarget.objects.select_related("company")}
    assert rows["demo-heating-1"] == 65 and all(number >= 30 for number in rows.values())  # two in a hundred, rounded up; thirty at least
    found = VisitTarget.objects.get(company__code="demo-heating-1")
    assert civil.localize(found.due_at).isoformat() == "2026-01-01T00:00:00+08:00" and engine.of(found).get().unit.code == "demo-heating-1"


@pytest.mark.clause("D1.6")
def test_the_bureau_may_ask_for_more_and_the_company_is_told():
    found = target(50)
    assert engine.of(found).get().label == "访民问暖 50 户" and Notice.objects.filter(unit__code="demo-heating-1", kind="visit").exists()
    with pytest.raises(Forbidden):
        visits.set_target(found, households=5, reason="太多", actor=user("heating1"), at=BEGUN)
    with pytest.raises(Invalid):
        visits.set_target(found, households=60, reason=" ", actor=user("bureau"), at=BEGUN)
    with pytest.raises(Conflict):
        visits.set_target(found, households=5, reason="太多", actor=user("bureau"), at=found.due_at + HOUR)


@pytest.mark.clause("G17", "D1.6")
def test_the_visit_that_reaches_the_target_settles_it_as_of_when_it_counts():
    found = target(2)
    go()
    assert engine.of(found).get().outcome == ""
    go(at=BEGUN + DAY)
    clock = engine.of(found).get()
    assert (clock.outcome, clock.settled_at) == ("met", BEGUN + DAY)


@pytest.mark.clause("G17")
def test_told_a_day_late_a_visit_counts_when_it_was_told_and_a_target_missed_climbs():
    found = target(1)
    tick(found.due_at + HOUR)
    assert Escalation.objects.filter(deadline=engine.of(found).get(), level=1).exists()
    visit = visits.record(Visited(place(), "李师傅", visited_at=found.due_at - HOUR), actor=user("heating1"), at=found.due_at + 2 * DAY)
    assert visit.counted_at == found.due_at + 2 * DAY and engine.of(found).get().outcome == "late"
    told_soon = visits.record(Visited(place(), "李师傅", visited_at=found.due_at - HOUR), actor=user("heating1"), at=found.due_at + HOUR)
    assert told_soon.counted_at == found.due_at - HOUR


@pytest.mark.clause("G17")
def test_the_same_record_sent_twice_is_one():
    key = uuid.uuid4()
    assert go(client_id=key).pk == go(client_id=key).pk and HomeVisit.objects.count() == 1


@pytest.mark.clause("G17", "I14")
def test_a_cold_room_on_a_visit_enters_the_ledger_by_itself():
    visit = go(readings=(Reading("客厅", Decimal("19.95")), Reading("主卧", Decimal("20.0"))))
    assert RoomTemperature.objects.filter(subject_kind="visit", subject_key=visit.number).count() == 2
    finding = Finding.objects.get()
    assert "19.95" in finding.title and (finding.unit.code, finding.verifier.code, finding.source) == ("demo-heating-1", "urban-management", "visit")


@pytest.mark.clause("G17")
def test_what_is_left_becomes_a_ticket_or_a_finding_and_only_one_of_them():
    visit = go(problem="北卧不热，室温只有15度", door="1201", contact="13812345678", building="6号楼")
    ticket = from_visits.raise_ticket(visit, actor=user("heating1"), at=BEGUN + HOUR)
    assert (ticket.source, ticket.called_at, ticket.complainant_phone) == ("visit", BEGUN, "13812345678") and "1201" in ticket.address
    assert HomeVisit.objects.get().ticket == ticket.number
    with pytest.raises(Conflict):
        visits.into_ledger(HomeVisit.objects.get(), due_on=(BEGUN + 9 * DAY).date(), actor=user("heating1"), at=BEGUN + HOUR)
    with pytest.raises(Invalid):
        visits.into_ledger(go(at=BEGUN + HOUR), due_on=(BEGUN + 9 * DAY).date(), actor=user("heating1"), at=BEGUN + HOUR)
    other = go(at=BEGUN + 2 * HOUR, problem="保温层脱落")
    assert visits.into_ledger(other, due_on=(BEGUN + 9 * DAY).date(), actor=user("bureau"), at=BEGUN + DAY).unit.code == "demo-heating-1"


@pytest.mark.clause("G17")
def test_a_company_visits_and_sees_its_own_communities_only():
    visit = go()
    with pytest.raises(Forbidden):
        go(community=place("demo-community-2"))
    with pytest.raises(Forbidden):
        go(by="street")
    with pytest.raises(NotFound):
        visit_selectors.to_see(user("heating2"), visit.number)
    assert visit_selectors.to_see(user("street"), visit.number) == visit and visit_selectors.to_see(user("bureau"), visit.number) == visit
    for who, status in (("heating2", 404), ("admin", 404), ("heating1", 200), ("bureau", 200)):
        assert browser(who).get(f"/visits/{visit.number}/").status_code == status
    assert browser("admin").get("/visits/").status_code == 403
    target()
    assert [one.target.company.code for one in visit_selectors.progress(user("heating2"), visit.season, at=BEGUN)] == ["demo-heating-2"]


@pytest.mark.clause("G17", "G20")
def test_the_form_takes_three_rooms_keeps_what_was_typed_and_shows_no_door(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: BEGUN)
    clerk = browser("heating1")
    said = {"community": "demo-community-1", "building": "6号楼", "door": "1201", "contact": "13812345678", "visitor": "李师傅", "visited_at": "2025-11-17 11:30",
            "is_explained": "on", "opinion": "希望晚上再热些，电话13987654321", "room_1": "客厅", "celsius_1": "85", "room_2": "", "celsius_2": ""}  # fmt: skip
    page = clerk.post("/visits/new/", said)
    assert page.status_code == 422 and "不合理" in page.content.decode() and "希望晚上再热些" in page.content.decode() and not HomeVisit.objects.exists()
    assert clerk.post("/visits/new/", {**said, "celsius_1": "20.5"}).status_code == 302
    visit = HomeVisit.objects.get()
    page = clerk.get(visit.get_absolute_url()).content.decode()
    assert "1201" not in page and "13812345678" not in page and "138****5678" in page and "13987654321" not in page
    sheet = clerk.get("/visits/?format=xlsx")
    assert sheet.status_code == 200 and b"13987654321" not in sheet.content
    gaps = browser("bureau").get("/visits/").content.decode()
    assert "供热管理员" in gaps and "调整目标" not in browser("heating1").get("/visits/").content.decode()


@pytest.mark.clause("D1.6")
def test_the_bureau_changes_a_target_on_the_page(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: BEGUN)
    visits.generate(at=BEGUN)
    assert browser("heating1").get("/visits/targets/demo-heating-1/").status_code == 403
    officer = browser("bureau")
    assert officer.post("/visits/targets/demo-heating-1/", {"households": "0", "reason": "x"}).status_code == 422
    assert officer.post("/visits/targets/demo-heating-1/", {"households": "120", "reason": "极寒天气加密走访"}).status_code == 302
    assert VisitTarget.objects.get(company__code="demo-heating-1").households == 120 and "120" in officer.get("/visits/").content.decode()


@pytest.mark.clause("G17")
def test_the_page_makes_a_ticket_once(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: BEGUN + HOUR)
    visit = go(problem="北卧不热")
    assert browser("heating2").post(f"/tickets/from-visit/{visit.number}/").status_code == 404
    assert browser("heating1").post(f"/tickets/from-visit/{visit.number}/").status_code == 302
    assert browser("heating1").post(f"/tickets/from-visit/{visit.number}/").status_code == 409
    assert Ticket.objects.filter(source="visit").count() == 1


