"""Outages: what was promised and kept, who is told, the repair vehicle's way, damage to pipes, and complaints that keep their clocks."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import outage_tickets
from complaints.models import State
from core import clock, journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from notices.models import Notice
from plants.models import Community, Finding
from supply import damage, outages
from supply.models import Outage, OutageCase
from supply.outages import Area, Interruption
from tests.story import DAY, HOUR, MINUTE, NOON, Caller, browser, dispatched, fresh, received, respond, tick, unit, user, verdicts
from tests.supply.test_curtailment import officer

pytestmark = pytest.mark.django_db


def place(code: str) -> Community:
    return Community.objects.select_related("company", "street").get(code=code)


def interruption(*codes, hours=6, buildings=(), households=None, **more) -> Interruption:
    return Interruption(
        place="凤城三路一次网", cause="一次网泄漏", areas=tuple(Area(place(code), buildings) for code in codes or ("demo-community-1",)), started_at=NOON,
        expected_at=NOON + hours * HOUR, households=households, **more,
    )  # fmt: skip


def broken(*codes, at=NOON, by="heating1", company="demo-heating-1", **more) -> Outage:
    Community.objects.filter(households=None, use="homes").update(households=500)
    return outages.report(unit(company), interruption(*codes, **more), actor=user(by), at=at)


def outcomes(outage) -> list[str]:
    return [one.outcome for one in engine.of(outage)]


# ---------------------------------------------------------------- promises


@pytest.mark.clause("I14", "E9")
def test_the_streets_are_told_and_the_promise_is_a_deadline():
    outage = broken("demo-community-1", "demo-community-3", "demo-community-7")
    told = {notice.unit.code: notice for notice in Notice.objects.filter(key__startswith=f"outage:{outage.pk}:reported")}
    assert set(told) == {"street-weiyanggong", "street-zhangjiabu", "daxing-committee", "urban-management"}
    assert "演示和暖苑" in told["street-weiyanggong"].body and "演示融春里" not in told["street-weiyanggong"].body
    clock = engine.of(outage).get()
    assert clock.unit == outage.company and clock.due_at == outage.expected_at and clock.stage == "restoration"
    assert outage.households == sum(place(code).households for code in ("demo-community-1", "demo-community-3", "demo-community-7"))


@pytest.mark.clause("I14")
@pytest.mark.parametrize(("after", "outcome"), [(6 * HOUR, "met"), (6 * HOUR + MINUTE, "late")])
def test_heat_that_is_not_back_by_the_promise_is_late(after, outcome):
    outage = broken()
    outages.restore(outage, result="焊接完成", actor=user("heating1"), at=NOON + after)
    assert outcomes(outage) == [outcome] and outage.is_late(NOON + DAY) is (outcome == "late")


@pytest.mark.clause("I14")
def test_a_passed_promise_escalates_by_itself():
    outage = broken()
    tick(NOON + 6 * HOUR)
    assert engine.of(outage).get().level == 1


def test_a_promise_changed_in_time_moves_and_every_one_is_kept_and_told():
    outage = broken()
    outages.promise(outage, expected_at=NOON + 9 * HOUR, reason="需换管", actor=user("heating1"), at=NOON + 5 * HOUR)
    outages.restore(outage, result="已换", actor=user("heating1"), at=NOON + 9 * HOUR)
    assert outcomes(outage) == ["met"]
    assert [one.expected_at for one in outage.promises.all()] == [NOON + 6 * HOUR, NOON + 9 * HOUR]
    assert Notice.objects.filter(key__startswith=f"outage:{outage.pk}:promise").count() == 2


def test_a_promise_changed_after_the_breach_leaves_the_breach():
    outage = broken()
    outages.promise(outage, expected_at=NOON + 9 * HOUR, reason="需换管", actor=user("heating1"), at=NOON + 7 * HOUR)
    outages.restore(outage, result="已换", actor=user("heating1"), at=NOON + 8 * HOUR)
    assert outcomes(outage) == ["late", "met"] and outage.promises.last().came_late


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"place": " "}, "place"), ({"cause": ""}, "cause"), ({"areas": ()}, "communities"), ({"expected_at": NOON - MINUTE}, "expected_at"),
        ({"expected_at": NOON + 31 * DAY}, "expected_at"), ({"started_at": NOON + HOUR, "expected_at": NOON + 2 * HOUR}, "started_at"),
        ({"households": -1}, "households"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(change, field):
    with pytest.raises(Invalid) as fault:
        outages.report(unit("demo-heating-1"), replace(interruption(), **change), actor=user("heating1"), at=NOON)
    assert field in fault.value.fields


def test_some_buildings_have_no_known_number_of_households():
    with pytest.raises(Invalid, match="请填写影响户数"):
        broken(buildings=("6号楼",))
    assert broken(buildings=("6号楼",), households=48).households == 48


@pytest.mark.clause("E9", "I14")
def test_residents_read_what_is_being_done_and_until_when():
    outage = broken()
    community = place("demo-community-1")
    assert outages.public_notices(community, at=NOON) == ["您所在小区正在抢修（停热），预计 18:00 恢复。"]
    assert "现有延迟" in outages.public_notices(community, at=NOON + 7 * HOUR)[0]
    assert outages.public_notices(place("demo-community-2"), at=NOON) == []
    outages.restore(outage, result="完成", actor=user("heating1"), at=NOON + 7 * HOUR)
    assert outages.public_notices(community, at=NOON + 7 * HOUR) == []


def test_the_second_to_restore_is_told_so():
    outage = broken()
    again = Outage.objects.get(pk=outage.pk)
    outages.restore(outage, result="完成", actor=user("heating1"), at=NOON + HOUR)
    with pytest.raises(Conflict):
        outages.restore(again, result="完成", actor=user("heating1"), at=NOON + HOUR)


# ---------------------------------------------------------------- passage


@pytest.mark.clause("D15")
@pytest.mark.parametrize(("minutes", "outcome"), [(30, "met"), (31, "late")])
def test_the_traffic_police_acknowledge_a_repair_vehicle_within_half_an_hour(minutes, outcome):
    outage = broken()
    asked = outages.request_passage(
        outage, plate="陕a12345", route="凤城三路至未央路", window_from=NOON, window_until=NOON + 4 * HOUR, actor=user("heating1"), at=NOON
    )
    assert Notice.objects.get(key=f"passage:{asked.pk}").unit.code == "traffic-police" and asked.plate == "陕A12345"
    police = officer("traffic-police", "police")
    with pytest.raises(Forbidden):
        outages.answer_passage(asked, is_granted=True, actor=user("bureau"), at=NOON)
    with pytest.raises(Invalid):
        outages.answer_passage(asked, is_granted=False, actor=police, at=NOON)
    outages.answer_passage(asked, is_granted=True, answer="已通知沿线岗", actor=police, at=NOON + minutes * MINUTE)
    assert engine.of(asked).get().outcome == outcome and engine.of(asked).get().unit.code == "traffic-police"
    with pytest.raises(Conflict):
        outages.answer_passage(asked, is_granted=True, actor=police, at=NOON + HOUR)


@pytest.mark.clause("D15")
def test_a_waiting_repair_vehicle_is_the_first_thing_the_police_see_until_they_answer(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: NOON + MINUTE)
    asked = outages.request_passage(
        broken(), plate="陕A12345", route="凤城三路至未央路", window_from=NOON, window_until=NOON + 4 * HOUR, actor=user("heating1"), at=NOON
    )
    home = browser("police").get("/").content.decode()
    assert "抢修车辆等待通行：陕A12345" in home and f"/outages/{asked.outage.number}/passage/{asked.pk}/" in home
    assert "陕A12345" not in browser("heating2").get("/").content.decode()
    outages.answer_passage(asked, is_granted=True, actor=user("police"), at=NOON + MINUTE)
    assert "陕A12345" not in browser("police").get("/").content.decode()


# ---------------------------------------------------------------- complaints of the area


@pytest.mark.clause("G16", "D15")
def test_complaints_of_the_area_hang_on_the_outage_and_keep_their_own_clocks():
    outage = broken()
    ticket = dispatched(at=NOON + HOUR, community="demo-community-1")
    other = dispatched(at=NOON + HOUR, community="demo-community-2")
    assert outages.keys_of(outage, "ticket") == [ticket.number] and not OutageCase.objects.filter(subject_key=other.number).exists()
    assert journal.of(ticket).filter(act="join_outage").exists()
    respond(ticket, NOON + HOUR + 16 * MINUTE)
    assert verdicts(ticket)["response", 1, 1] == "late", "an outage excuses nobody"
    outages.restore(outage, result="完成", actor=user("heating1"), at=NOON + 2 * HOUR)
    assert fresh(ticket).state == State.RESPONDED, "heat that is back closes no ticket"
    later = received(at=NOON + 3 * HOUR, community="demo-community-1")
    assert later.number not in outages.keys_of(outage, "ticket")


def test_heat_theft_and_fees_are_no_outages_doing():
    outage = broken()
    theft = received(content="邻居私接管道偷热，放水洗澡。", community="demo-community-1", category="heat_theft")
    assert theft.number not in outages.keys_of(outage, "ticket")


def test_an_outage_of_some_buildings_takes_what_comes_from_them():
    outage = broken(buildings=("6号楼", "7号楼"), households=90)
    inside, outside, unknown = (received(community="demo-community-1", building=building) for building in ("６ 号楼", "9号楼", ""))
    assert outages.keys_of(outage, "ticket") == [inside.number]
    assert outage_tickets.attach(outage, [outside.number, unknown.number], actor=user("dispatcher"), at=NOON) == 2
    outage_tickets.detach(outage, outside, reason="另有原因", actor=user("dispatcher"), at=NOON)
    assert set(outages.keys_of(outage, "ticket")) == {inside.number, unknown.number}
    with pytest.raises(Conflict):
        outage_tickets.detach(outage, outside, reason="再次", actor=user("dispatcher"), at=NOON)


@pytest.mark.clause("G16")
def test_what_is_placed_at_dispatch_joins_then_and_what_came_before_is_joined_by_hand():
    before = received(at=NOON - HOUR, community="demo-community-1")
    outage = broken()
    client = browser("bureau")
    page = client.get(f"/outages/{outage.number}/tickets/").content.decode()
    assert before.number[7:].lstrip("-") in page
    client.post(f"/outages/{outage.number}/tickets/attach/", {"number": [before.number]})
    assert outages.keys_of(outage, "ticket") == [before.number]


@pytest.mark.clause("G16", "G8")
def test_the_list_tags_its_rows_without_a_query_each():
    broken()
    client = browser("bureau")
    client.get("/tickets/")  # what is remembered for the whole process is asked once
    counts = []
    for many in (2, 6):
        for _ in range(many):
            dispatched(community="demo-community-1")
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/tickets/").content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1] and page.count(">停热</span>") >= 8


# ---------------------------------------------------------------- damage


@pytest.mark.clause("E10")
def test_damage_goes_to_police_and_bureau_whose_receipts_are_owed_and_into_the_ledger():
    said = damage.Damage(
        place="未央路管沟", what="施工挖断回水管", found_at=NOON - HOUR, community=place("demo-community-1"), is_stopped=True, repair_by=NOON + 3 * DAY
    )
    report = damage.report(unit("street-weiyanggong"), said, actor=user("inspector"), at=NOON)
    assert {row.unit.code for row in report.receipts.all()} == {"public-security", "urban-management"}
    assert report.finding.unit.code == "demo-heating-1" and report.finding.source == Finding.Source.DAMAGE
    police = officer("public-security", "traffic.police")
    first, second = report.receipts.order_by("unit__code")
    assert first.unit.code == "public-security"
    with pytest.raises(Forbidden):
        damage.confirm(first, actor=user("bureau"), at=NOON)
    damage.confirm(first, note="已立案", actor=police, at=NOON + 2 * HOUR)
    damage.confirm(second, actor=user("bureau"), at=NOON + 2 * HOUR + MINUTE)
    assert [engine.of(row).get().outcome for row in (first, second)] == ["met", "late"]
    assert Notice.objects.filter(key__startswith="damage-receipt:", unit=report.street).count() == 2
    with pytest.raises(Forbidden):
        damage.report(unit("street-tanjia"), said, actor=user("inspector"), at=NOON)


@pytest.mark.clause("E10")
def test_an_inspector_reports_damage_from_the_phone():
    client = browser("inspector")
    assert client.get("/outages/damage/new/").status_code == 200
    wrong = client.post("/outages/damage/new/", {"found_at": "2025-11-14T11:00", "place": "", "what": "挖断"})
    assert wrong.status_code == 422 and "挖断" in wrong.content.decode()


# ---------------------------------------------------------------- doors


@pytest.mark.clause("I14", "E9", "D15")
def test_who_may_know_of_an_outage():
    outage = broken()
    doors = (f"/outages/{outage.number}/", f"/outages/{outage.number}/tickets/", f"/outages/{outage.number}/tickets/export/")
    for login, status in [("heating1", 200), ("street", 200), ("bureau", 200), ("heating2", 404), ("property1", 404), ("admin", 404), ("housing", 404)]:
        client = browser(login)
        assert [client.get(door).status_code for door in doors] == [status] * 3, login
        assert (outage.number in client.get("/outages/").content.decode()) is (status == 200), login
        assert client.post(f"/outages/{outage.number}/restore/", {"result": "代为恢复"}).status_code in ((302,) if login in ("heating1", "bureau") else (403, 404)), login
        Outage.objects.filter(pk=outage.pk).update(state="open", restored_at=None, told_at=None)
    # A street learns of its own territory only; and no company how many complain, since some are another's.
    far = broken("demo-community-3")
    street = browser("street")
    assert street.get(f"/outages/{far.number}/").status_code == 404
    assert "关联工单</th>" not in browser("heating1").get("/outages/").content.decode()
    police = officer("traffic-police", "police")
    outages.request_passage(far, plate="陕A1", route="某路", window_from=NOON, window_until=NOON + HOUR, actor=user("heating1"), at=NOON)
    street.force_login(police)
    assert street.get(f"/outages/{far.number}/").status_code == 200 and street.get(f"/outages/{outage.number}/").status_code == 404


def test_a_company_reports_its_own_outage_and_nobody_elses():
    client = browser("heating2")
    page = client.get("/outages/new/").content.decode()
    assert "demo-community-2" in page and "demo-community-1" not in page and "demo-heating-1" not in page
    form = {"company": "demo-heating-1", "nature": "emergency", "effect": "stopped", "communities": ["demo-community-1"], "place": "某处", "cause": "漏水",
            "started_at": "2025-11-14T11:00", "expected_at": "2025-11-14T18:00"}  # fmt: skip
    assert client.post("/outages/new/", form).status_code == 422
    assert browser("street").get("/outages/new/").status_code == 403
    assert browser("admin").get("/outages/new/").status_code == 403


def test_the_list_goes_out_as_a_spreadsheet_and_odd_filters_are_refused():
    broken()
    client = browser("bureau")
    assert client.get("/outages/export/").headers["Content-Type"].endswith("sheet")
    for odd in ("state=x", "late=x", "cursor=x", "q=%00"):
        assert client.get(f"/outages/?{odd}").status_code == 400, odd


@pytest.mark.clause("I14", "D15")
def test_a_companys_system_reports_over_the_wire_and_nobody_hears_of_anothers():
    own, other, street = Caller("demo-heating-1", "handler"), Caller("demo-heating-2", "handler"), Caller("street-weiyanggong", "officer")
    now = clock.now()
    wanted = {"company": "demo-heating-1", "place": "某处", "cause": "漏水", "areas": [{"community": "demo-community-1", "buildings": []}],
              "started_at": (now - HOUR).isoformat(), "expected_at": (now + HOUR).isoformat(), "households": 820}  # fmt: skip
    assert other.post("outages/", wanted).status_code == 400
    assert street.post("outages/", wanted).status_code == 400
    made = own.post("outages/", wanted)
    assert made.status_code == 201, made.content
    number = made.json()["number"]
    assert [caller.get(f"outages/{number}/").status_code for caller in (own, street, other)] == [200, 200, 404]
    assert [len(caller.get("outages/").json()["results"]) for caller in (own, street, other)] == [1, 1, 0]
    assert made.json()["tickets"] is None and street.get(f"outages/{number}/").json()["tickets"] == 0
    for odd in ({}, {**wanted, "areas": [{"community": "\u0000"}]}, {**wanted, "households": 10**30}, {**wanted, "started_at": "x"}, {**wanted, "areas": []}, [1]):
        assert own.post("outages/", odd).status_code == 400, odd
    assert street.post(f"outages/{number}/restore/", {"result": "完成"}).status_code == 403
    assert own.post(f"outages/{number}/promise/", {"expected_at": (now + 2 * HOUR).isoformat(), "reason": "换管"}).status_code == 200
    assert own.post(f"outages/{number}/restore/", {"result": "完成"}).json()["state"] == "restored"
    assert own.post(f"outages/{number}/restore/", {"result": "完成"}).status_code == 409
