"""How complaints come in: once, with five moments, and with the hop that lost time named (behaviour 1)."""

from datetime import datetime
from threading import Thread

import pytest
from django.db import connection

from complaints import intake
from complaints.intake import Intake
from complaints.models import Ticket
from core import journal
from core.civil import SHANGHAI
from core.errors import Conflict, Invalid
from deadlines import engine
from tests.story import DAY, HOUR, MINUTE, NOON, Caller, dispatched, fresh, lifecycle, received, unit, user

BODY = {
    "source": "12345", "external_no": "HL-1", "kind": "complaint", "content": "家里暖气不热，只有14度。", "called_at": "2025-11-14T08:00:00",
    "complainant": {"name": "王小明", "phone": "13812345678"}, "community": "demo-community-1", "building": "6号楼",
}  # fmt: skip


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 11, 14, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.django_db
@pytest.mark.clause("D18.1", "D1.7", "G25")
def test_a_ticket_that_lost_its_time_on_the_way_is_marked_and_not_held_against_the_doer():
    complaint = Intake(
        source="12345", external_no="HOP-1", content="暖气不热", called_at=at(8), dispatched_at=at(8, 40), community="demo-community-1", doer=unit("demo-heating-1")
    )
    ticket = intake.receive(complaint, actor=user("dispatcher"), at=at(9, 30)).ticket
    assert ticket.late_on_arrival and ticket.arrival_hop == "import"
    assert [(name, spent) for name, spent in intake.hops_of(ticket, at(9, 30))] == [("dispatch", 40 * MINUTE), ("import", 50 * MINUTE)]
    assert engine.open_of(ticket).get(stage="response").due_at == at(9, 45)
    assert ticket.delivered_at == at(9, 30) and ticket.dispatched_at == at(8, 40)


@pytest.mark.django_db
def test_the_same_number_again_is_the_same_ticket_and_moves_no_clock():
    ticket = dispatched(external_no="SAME-1")
    clocks = list(engine.of(ticket).values_list("stage", "due_at"))
    again = Intake(
        source="12345", external_no="SAME-1", content="家里暖气不热，客厅只有14度，请派人来看看。", called_at=NOON - 5 * MINUTE, community="demo-community-1",
        building="6号楼", complainant_name="王小明", complainant_phone="13812345678",
    )  # fmt: skip
    assert intake.receive(again, actor=None, at=NOON + MINUTE).outcome == "unchanged"
    again.content, again.complainant_phone = "补充：家里有八十岁老人。", "13999999999"
    result = intake.receive(again, actor=None, at=NOON + 2 * MINUTE)
    assert result.outcome == "updated" and intake.receive(again, actor=None, at=NOON + 3 * MINUTE).outcome == "unchanged"
    ticket = fresh(ticket)
    assert "八十岁" in ticket.content and ticket.complainant_phone == "13999999999" and "13812345678" in ticket.other_contacts
    assert list(engine.of(ticket).values_list("stage", "due_at")) == clocks
    entry = journal.of(ticket).get(act="supplement")
    assert "13999999999" not in str(entry.data)
    again.called_at = NOON - DAY
    with pytest.raises(Conflict, match="来电时间不同"):
        intake.receive(again, actor=None, at=NOON + 4 * MINUTE)


@pytest.mark.django_db
def test_what_cannot_be_true_is_refused_with_every_field():
    with pytest.raises(Invalid) as refused:
        intake.receive(
            Intake(source="12345", content=" ", called_at=NOON + HOUR, dispatched_at=NOON - HOUR, city_due_at=NOON - DAY, kind="shout"), actor=None, at=NOON
        )
    assert set(refused.value.fields) == {"external_no", "content", "called_at", "dispatched_at", "city_due_at", "kind"}


@pytest.mark.django_db
def test_phone_numbers_are_sealed_in_the_database_and_blotted_out_of_the_text():
    ticket = received(content="我电话13812345678，身份证610112195001011234，暖气不热。", complainant_phone="138-1234-5678")
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM complaints_ticket t WHERE id = %s", [ticket.pk])
        stored = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(e::text, '') FROM core_entry e")
        stored += cursor.fetchone()[0]
    assert "13812345678" not in stored and "610112195001011234" not in stored
    assert "13812345678" in fresh(ticket).content_original and fresh(ticket).complainant_phone == "13812345678"


@pytest.mark.django_db
@pytest.mark.clause("G22", "D18.6")
def test_a_scanned_complaint_goes_straight_to_its_company_and_an_unclear_one_waits_and_is_never_lost():
    direct = received(source="qr", external_no=None)
    assert direct.state == "dispatched" and direct.doer.code == "demo-heating-1"
    unclear = received(source="qr", external_no=None, content="你好。", community="")
    assert unclear.state == "received" and engine.open_of(unclear).filter(stage="dispatch").exists()


@pytest.mark.django_db
def test_the_same_household_after_close_out_is_a_new_ticket_tagged_as_such():
    first = dispatched()
    lifecycle.respond(fresh(first), channel="phone", actor=user("heating1"), at=NOON + MINUTE)
    lifecycle.arrive(fresh(first), lifecycle.Arrival(kind="witness", note="在"), actor=user("heating1"), at=NOON + 2 * MINUTE)
    lifecycle.finish(fresh(first), cause="气堵", measure="排气", actor=user("heating1"), at=NOON + 3 * MINUTE)
    lifecycle.call_back(fresh(first), kind="result", reached=True, solved=True, satisfaction="satisfied", actor=user("heating1"), at=NOON + HOUR)
    second = received(at=NOON + DAY)
    assert second.repeat_of_id == first.pk and second.pk != first.pk and second.round == 1


@pytest.mark.django_db
def test_history_starts_no_clock_and_tells_nobody():
    from notices.models import Notice

    before = Notice.objects.count()
    ticket = received(is_history=True, closed_at=NOON - DAY)
    assert ticket.state == "closed" and not engine.of(ticket).exists() and Notice.objects.count() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("D18.1")
def test_twenty_four_posts_of_one_number_at_once_are_one_ticket():
    desk = Caller("social-work", "dispatcher")
    token = desk.token
    statuses: list[int] = []

    def post():
        try:
            mine = Caller("social-work", "dispatcher")
            mine.__dict__["token"] = token
            statuses.append(mine.post("tickets/", BODY).status_code)
        finally:
            connection.close()

    threads = [Thread(target=post) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 23 + [201]
    assert Ticket.objects.filter(external_no="HL-1").count() == 1 and journal.verify() is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("G25")
def test_twenty_four_responds_at_once_are_one():
    ticket = dispatched(at=NOON)
    firm = Caller("demo-heating-1", "handler")
    token = firm.token
    statuses: list[int] = []

    def post():
        try:
            mine = Caller("demo-heating-1", "handler")
            mine.__dict__["token"] = token
            statuses.append(mine.post(f"tickets/{ticket.number}/respond/", {"channel": "phone"}).status_code)
        finally:
            connection.close()

    threads = [Thread(target=post) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 23
    assert journal.of(ticket).filter(act="respond").count() == 1
