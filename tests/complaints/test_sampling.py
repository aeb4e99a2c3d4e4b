"""Calling back, and being asked again by somebody who is not the company."""

import io
from datetime import datetime

import pytest
from openpyxl import load_workbook

from complaints import callbacks, sampling
from complaints.models import Sample, Ticket
from complaints.residents import following
from core import journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from deadlines import season as seasons
from plants.models import Finding
from tests.story import DAY, HOUR, MINUTE, NOON, arrive, browser, call_back, dispatched, finish, fresh, respond, unit, user

pytestmark = pytest.mark.django_db
MONDAY = NOON + 3 * DAY - 11 * HOUR  # 2025-11-17 01:00; NOON is a Friday


def closed(number: int, *, at=NOON, **more):
    """A ticket that the company closed with a satisfied caller."""
    ticket = dispatched(at=at, complainant_phone=f"138{number:08d}", **more)
    respond(ticket, at + MINUTE)
    arrive(ticket, at + 20 * MINUTE)
    finish(ticket, at + HOUR)
    call_back(ticket, at + 2 * HOUR)
    return fresh(ticket)


@pytest.mark.clause("G25")
def test_the_desk_lists_what_one_owes_and_says_how_to_go_on_when_nobody_answers():
    waiting = dispatched(at=NOON)
    done = dispatched(at=NOON + HOUR)
    respond(done, NOON + HOUR + MINUTE)
    arrive(done, NOON + HOUR + 5 * MINUTE)
    finish(done, NOON + 2 * HOUR)
    for minute in range(2):
        call_back(done, NOON + 3 * HOUR + minute * MINUTE, reached=False, solved=None, satisfaction="")
    found = callbacks.owed(user("heating1"), at=NOON + 4 * HOUR)
    assert [(due.ticket.pk, due.kind, due.attempts) for due in found] == [(waiting.pk, "progress", 0), (done.pk, "result", 2)]
    assert found[1].advice == "已 2 次未接通，须换半天再打"
    assert callbacks.owed(user("heating2"), at=NOON + 4 * HOUR) == []
    client = browser("heating1")
    page = client.get(f"/callbacks/?ticket={done.number}").content.decode()
    assert done.number in page and "已 2 次未接通" in page
    wrong = client.post(f"/callbacks/{done.number}/", {"kind": "result", "reached": "yes", "note": "住户说好了"})
    assert wrong.status_code == 422 and "住户说好了" in wrong.content.decode()
    answer = client.post(f"/callbacks/{done.number}/", {"kind": "result", "reached": "yes", "solved": "yes", "satisfaction": "satisfied"})
    assert answer.status_code == 302 and fresh(done).state == "closed"
    assert browser("heating2").post(f"/callbacks/{waiting.number}/", {"kind": "progress"}).status_code == 404


@pytest.mark.clause("I10")
def test_the_lot_is_drawn_once_a_week_the_same_for_everybody_and_written_down():
    tickets = [closed(number, at=NOON + number * MINUTE) for number in range(6)]
    assert sampling.generate(at=NOON + DAY) == []
    drawn = sampling.generate(at=MONDAY)
    assert len(drawn) == 2 and {one.reason for one in drawn} == {"random"} and {one.unit.code for one in drawn} == {"street-weiyanggong"}
    assert sampling.generate(at=MONDAY + HOUR) == []
    chosen = sampling._lottery("2025-2026", "2025-W46", "demo-heating-1").sample(sorted(tickets, key=lambda ticket: ticket.pk), 2)
    assert {one.ticket_id for one in drawn} == {ticket.pk for ticket in chosen}
    entry = journal.of(seasons.active(NOON)).filter(act="draw", data__week="2025-W46").get()
    assert sorted(entry.data["tickets"]) == sorted(one.ticket.number for one in drawn)
    assert engine.of(drawn[0]).get().due_at == MONDAY + 7 * DAY


def test_what_asks_for_it_is_asked_again_always():
    unhappy = closed(1)
    following.rate(unhappy, following.Said(solved=False, satisfaction="dissatisfied", was_visited=False), at=NOON + 3 * HOUR)
    taken_back = dispatched(at=NOON, complainant_phone="13800000099")
    following.withdraw(taken_back, reason="被劝撤回", at=NOON + HOUR)
    found = {one.ticket_id: one for one in sampling.generate(at=NOON + 4 * HOUR)}
    assert found[unhappy.pk].reason == "contradicted" and found[taken_back.pk].reason == "withdrawn"
    assert {one.unit.code for one in found.values()} == {"urban-management"}


def drawn_one() -> Sample:
    """One sample of the lot, the street's to call."""
    closed(1)
    return sampling.generate(at=MONDAY)[0]


def test_the_answers_are_held_against_the_record_and_the_bureau_rules():
    one = drawn_one()
    with pytest.raises(Invalid):
        sampling.record(one, sampling.Heard(reached=True), actor=user("street"), at=MONDAY + HOUR)
    heard = sampling.Heard(reached=True, solved=False, satisfaction="dissatisfied", was_measured=None, was_called=True, was_visited=False, wrong_details="门牌号错")
    sampling.record(one, heard, actor=user("street"), at=MONDAY + HOUR)
    assert one.contradicts == ["企业登记已上门，住户称没有人来", "企业登记已解决，住户称没有解决", "企业登记为满意，住户不满意"]
    assert engine.of(one).get().outcome == "met"
    with pytest.raises(Conflict):
        sampling.record(one, heard, actor=user("street"), at=MONDAY + HOUR)
    with pytest.raises(Forbidden):
        sampling.rule(one, upheld=True, reason="属实", actor=user("street"), at=MONDAY + 2 * HOUR)
    client = browser("bureau")
    assert "企业登记已上门" in client.get("/sampling/contradictions/").content.decode()
    assert client.post(f"/sampling/contradictions/sample/{one.pk}/", {"upheld": "yes", "reason": "监控未见人员上门"}).status_code == 302
    assert Sample.objects.get().is_upheld is True


@pytest.mark.clause("G11")
def test_a_record_found_to_be_untrue_is_a_problem_in_the_companys_ledger_that_the_bureau_verifies():
    for upheld in (False, True):
        one = closed(1 + upheld)
        rating = following.rate(one, following.Said(solved=False, satisfaction="dissatisfied", was_visited=False), at=NOON + 3 * HOUR)
        sampling.rule(rating, upheld=upheld, reason="查门禁录像", actor=user("bureau"), at=NOON + 5 * HOUR)
        assert Finding.objects.filter(source_key=one.number).exists() is upheld
    finding = Finding.objects.get()
    assert (finding.unit, finding.verifier.code, finding.source) == (one.doer, "urban-management", "ticket")
    assert finding.title.startswith("登记不实：企业登记已上门，住户称没有人来")
    assert engine.of(finding).get().due_at == datetime.fromisoformat("2025-11-18T00:00+08:00")
    assert journal.of(one).filter(act="contradiction").get().data["finding"] == finding.number


def test_three_attempts_in_two_half_days_are_unreachable_and_never_satisfied():
    one = drawn_one()
    morning = MONDAY + 8 * HOUR
    for minute in range(3):
        sampling.record(Sample.objects.get(), sampling.Heard(reached=False), actor=user("street"), at=morning + minute * MINUTE)
    assert Sample.objects.get().called_at is None
    sampling.record(Sample.objects.get(), sampling.Heard(reached=False), actor=user("street"), at=morning + 6 * HOUR)
    one = Sample.objects.get()
    assert (one.reached, one.solved, one.satisfaction, len(one.attempts)) == (False, None, "", 4)


def test_no_company_learns_what_was_drawn_and_nobody_samples_himself():
    one = drawn_one()
    for login in ("heating1", "heating2", "property1", "dispatcher", "admin", "viewer"):
        client = browser(login)
        assert client.get("/sampling/").status_code == 403 and client.get(f"/sampling/{one.pk}/").status_code == 403
        assert client.get("/sampling/?format=xlsx").status_code == 403 and client.post(f"/sampling/{one.pk}/phone/").status_code == 403
        assert client.get("/sampling/contradictions/").status_code == 403
    assert browser("heating1").get(f"/tickets/{one.ticket.number}/").content.decode().count("抽样") == 0
    assert f"抽样回访 {one.pk}" not in browser("heating1").get("/escalations/?signed=all").content.decode()
    with pytest.raises(Forbidden):
        sampling.record(one, sampling.Heard(reached=False), actor=user("heating1"), at=MONDAY)
    street = browser("street")
    assert street.get("/sampling/").status_code == 200 and street.get(f"/sampling/{one.pk}/").status_code == 200
    assert street.post(f"/sampling/{one.pk}/phone/").content.decode() == "13800000001"
    assert journal.of(one.ticket).filter(act="reveal").exists()
    assert street.post(f"/sampling/{one.pk}/", {"reached": "no"}).status_code == 302
    assert browser("bureau").get("/sampling/?format=xlsx").content[:2] == b"PK"
    assert unit("street-weiyanggong") == one.unit


@pytest.mark.clause("I10")
def test_what_the_resident_says_is_held_against_the_round_that_was_drawn_and_no_later_one():
    ticket = dispatched(at=NOON, complainant_phone="13800000096")
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 20 * MINUTE)
    following.report_no_show(fresh(ticket), at=NOON + 30 * MINUTE)
    [one] = sampling.generate(at=NOON + 40 * MINUTE)
    finish(ticket, NOON + HOUR)
    following.still_cold(fresh(ticket), at=NOON + 2 * HOUR)
    heard = sampling.Heard(reached=True, solved=False, satisfaction="dissatisfied", was_visited=False)
    assert sampling.record(Sample.objects.get(), heard, actor=user("bureau"), at=NOON + 3 * HOUR) is None
    assert (Sample.objects.get().contradicts, one.round, fresh(ticket).round) == (["企业登记已上门，住户称没有人来"], 1, 2)


@pytest.mark.clause("G25")
def test_who_tells_the_sampler_that_it_is_not_solved_is_served_again_and_once_only():
    one = drawn_one()
    heard = sampling.Heard(reached=True, solved=False, satisfaction="dissatisfied", note="客厅还是15度")
    street = browser("street")
    again = sampling.record(one, heard, actor=user("street"), at=MONDAY + HOUR)
    assert (again.repeat_of_id, again.state, again.community_id) == (one.ticket_id, "dispatched", one.ticket.community_id)
    assert "客厅还是15度" in again.content and fresh(one.ticket).state == "closed"
    assert {clock.stage for clock in engine.open_of(again)} == {"response", "visit", "callback"}
    assert again.number in street.get(f"/sampling/{one.pk}/").content.decode()
    assert following.still_cold(fresh(one.ticket), at=MONDAY + 2 * HOUR).pk == again.pk
    assert Ticket.objects.filter(repeat_of=one.ticket).count() == 1


def test_who_says_so_before_the_company_called_back_begins_the_next_round():
    ticket = dispatched(at=NOON, complainant_phone="13800000099")
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 20 * MINUTE)
    following.report_no_show(fresh(ticket), at=NOON + 30 * MINUTE)
    finish(ticket, NOON + HOUR)
    [one] = sampling.generate(at=NOON + 2 * HOUR)
    again = sampling.record(one, sampling.Heard(reached=True, solved=False, satisfaction="dissatisfied", was_visited=False), actor=user("bureau"), at=NOON + 3 * HOUR)
    assert (again.pk, again.round, again.state) == (ticket.pk, 2, "dispatched")
    assert Sample.objects.get().contradicts == ["企业登记已上门，住户称没有人来"]


def test_solved_or_already_in_hand_begins_nothing():
    one = drawn_one()
    assert sampling.record(one, sampling.Heard(reached=True, solved=True, satisfaction="satisfied"), actor=user("street"), at=MONDAY + HOUR) is None
    taken = dispatched(at=NOON, complainant_phone="13800000098")
    respond(taken, NOON + MINUTE)
    arrive(taken, NOON + 20 * MINUTE)
    following.report_no_show(fresh(taken), at=NOON + 30 * MINUTE)
    [doubtful] = sampling.generate(at=NOON + HOUR)
    assert sampling.record(doubtful, sampling.Heard(reached=True, solved=False, satisfaction="dissatisfied"), actor=user("bureau"), at=NOON + 2 * HOUR) is None
    assert fresh(taken).round == 1


@pytest.mark.clause("G25")
def test_a_rating_that_says_not_solved_is_heard_at_once_and_leads_to_the_new_case():
    ticket = closed(1)
    at = NOON + 3 * HOUR
    said = following.Said(solved=False, satisfaction="dissatisfied", note="水还是凉的")
    again = following.rate_and_go_on(fresh(ticket), said, at=at)
    assert again.repeat_of_id == ticket.pk and "水还是凉的" in again.content and ticket.ratings.count() == 1
    other = closed(2)
    assert following.rate_and_go_on(fresh(other), following.Said(solved=True, satisfaction="satisfied"), at=at) is None


@pytest.mark.clause("G25")
def test_the_clerk_calls_from_the_desk_and_a_long_list_says_that_it_is_one(monkeypatch):
    tickets = [dispatched(at=NOON + number * MINUTE, complainant_phone=f"138{number:08d}") for number in range(3)]
    monkeypatch.setattr(callbacks, "MOST", 2)
    client = browser("heating1")
    page = client.get("/callbacks/").content.decode()
    assert "最先到期的 2 件" in page and f'action="/tickets/{tickets[0].number}/reveal/"' in page and "13800000000" not in page
    shown = client.post(f"/tickets/{tickets[0].number}/reveal/", {"field": "complainant_phone", "reason": "回访"})
    assert "13800000000" in shown.content.decode()
    rows = load_workbook(io.BytesIO(client.get("/callbacks/?format=xlsx").content)).active.iter_rows(values_only=True)
    assert {ticket.number for ticket in tickets} <= {row[0] for row in rows}


@pytest.mark.clause("D18.5")
def test_the_desk_of_the_accused_offers_no_way_to_who_complained_in_confidence():
    ticket = dispatched(at=NOON, complainant_phone="13800000097", is_confidential=True, title="6号楼302室老刘反映不热")
    client = browser("heating1")
    page = client.get(f"/callbacks/?ticket={ticket.number}").content.decode()
    assert ticket.number in page and "保密" in page and "/reveal/" not in page and "0097" not in page and "老刘" not in page
    sheet = load_workbook(io.BytesIO(client.get("/callbacks/?format=xlsx").content)).active
    [row] = [row for row in sheet.iter_rows(values_only=True) if row[0] == ticket.number]
    assert "老刘" not in str(row) and "302" not in str(row)
