"""The gate before the residents' form: who is asked for a sum, who is refused, and that neither falls on an honest person (S19)."""

import re

import pytest
from captcha.models import CaptchaStore
from django.test import Client

from complaints.models import Code, Ticket
from complaints.residents import codes, following, gate, views
from core import clock
from core.errors import Invalid, TooMany
from plants.models import Community
from tests.complaints.test_residents import PHONE, case_of, filled, first_closed, submitted
from tests.story import MINUTE, NOON, browser, fresh

pytestmark = [pytest.mark.django_db, pytest.mark.guard("S19")]
CARRIER = "100.64.0.1"


@pytest.fixture
def code() -> Code:
    """The code of a community."""
    return codes.issue("community", community=Community.objects.get(code="demo-community-1"), actor=None, at=NOON)


def comes(code, number: int, *, address: str = CARRIER, at=NOON, **more) -> None:
    """One of many residents, each with a telephone of their own."""
    said = {"phone": f"139{number:08d}", "trap": "", "opened": gate.stamp(at - MINUTE), "key": "", "answer": ""}
    gate.pass_through(address, code, at=at, **{**said, **more})


def solved() -> dict:
    """A sum, and its answer."""
    key = gate.challenge().key
    return {"key": key, "answer": CaptchaStore.objects.get(hashkey=key).response}


def test_a_whole_quarter_behind_one_address_is_asked_for_nothing(code):
    for number in range(gate.PER_ADDRESS):
        comes(code, number)


def test_an_address_that_sends_alone_is_asked_and_in_a_cold_night_it_is_not(code, monkeypatch):
    monkeypatch.setattr(gate, "PER_ADDRESS", 5)
    for number in range(5):
        comes(code, number)
    with pytest.raises(Invalid, match="算式"):
        comes(code, 6)
    for number in range(10, 30):
        comes(code, number, address=f"100.64.1.{number}")
    comes(code, 7)


def test_a_crowd_has_an_end_and_whoever_solves_the_sum_is_heard_beyond_it(code, monkeypatch):
    monkeypatch.setattr(gate, "MOST_OF_A_CROWD", 5)
    monkeypatch.setattr(gate, "PER_ADDRESS", 2)
    monkeypatch.setattr(gate, "CROWD_SHARE", 0)
    for number in range(5):
        comes(code, number)
    for number in range(5, 5 + gate.UNSOLVED):
        with pytest.raises(Invalid):
            comes(code, number)
    with pytest.raises(TooMany):
        comes(code, 90)
    comes(code, 90, **solved())


def test_when_everybody_together_sends_too_much_everybody_solves_a_sum_and_nobody_is_refused(code, monkeypatch):
    monkeypatch.setattr(gate, "MOST_OF_ALL", 3)
    for number in range(3):
        comes(code, number, address=f"100.64.2.{number}")
    assert gate.is_frequent("100.64.2.9", at=NOON)
    with pytest.raises(Invalid, match="算式"):
        comes(code, 9, address="100.64.2.9")
    comes(code, 9, address="100.64.2.9", **solved())
    comes(code, 10, address="100.64.2.10", at=NOON + gate.WINDOW + MINUTE)


def test_a_code_that_is_flooded_asks_for_the_sum_by_how_many_live_behind_it(code, monkeypatch):
    monkeypatch.setitem(gate.PER_CODE, "community", 2)
    for number in range(2):
        comes(code, number, address=f"10.0.0.{number}")
    with pytest.raises(Invalid):
        comes(code, 3, address="10.0.0.3")
    comes(codes.issue("district", actor=None, at=NOON), 3, address="10.0.0.3")


def test_a_field_that_the_browser_filled_in_by_itself_costs_a_sum_and_no_refusal(code):
    with pytest.raises(Invalid) as fault:
        comes(code, 1, trap="http://home.example")
    assert list(fault.value.fields) == ["answer"]
    comes(code, 1, trap="http://home.example", **solved())


def test_a_page_that_lay_open_for_two_days_is_a_persons(code):
    comes(code, 1, opened=gate.stamp(NOON - 2 * gate.DAY))
    with pytest.raises(Invalid):
        comes(code, 2, opened="forged")


def test_mistakes_put_right_are_no_tries(code):
    for _ in range(gate.PER_PHONE + 2):
        assert submitted(code, building="6", rooms=[])[0].status_code == 422
    answer, _ = submitted(code, building="6")
    assert answer.status_code == 302


def test_a_form_sent_again_is_asked_for_nothing_however_much_the_address_sent(code, monkeypatch):
    client, path = Client(), f"/m/{code.token}/cold/"
    form = {**filled(client.get(path)), "building": "6"}
    assert client.post(path, form).status_code == 302
    monkeypatch.setattr(gate, "PER_ADDRESS", 0)
    monkeypatch.setattr(gate, "MOST_OF_A_CROWD", 0)
    assert [Client().post(path, form).status_code for _ in range(4)] == [302] * 4
    assert Ticket.objects.filter(external_no=f"M{form['client_id']}").count() == 1


def test_a_telephone_that_reached_its_day_keeps_what_it_typed_and_learns_when(code, monkeypatch):
    monkeypatch.setattr(gate, "PER_PHONE", 0)
    answer, _ = submitted(code, building="6")
    page = answer.content.decode()
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert "老人在家，麻烦快一点" in page and "请用受理号跟进原诉求" in page


def test_the_sum_comes_with_a_way_for_those_who_cannot_read_it(code, monkeypatch):
    monkeypatch.setattr(gate, "FREE_TRIES", 0)
    answer, client = submitted(code, building="6")
    page = answer.content.decode()
    assert answer.status_code == 422 and "看不清" in page and 'href="tel:12345"' in page
    key = re.search(r"/captcha/image/(\w+)/", page).group(1)
    again = {**filled(answer), "building": "6", "challenge": key, "answer": CaptchaStore.objects.get(hashkey=key).response}
    assert client.post(f"/m/{code.token}/cold/", again).status_code == 302


def test_a_code_replaced_while_somebody_wrote_takes_what_they_wrote_and_nothing_opened_later(code):
    client, path = Client(), f"/m/{code.token}/cold/"
    form = {**filled(client.get(path)), "building": "6"}
    codes.revoke(code, reason="海报被撕", actor=None, at=clock.now())
    assert client.post(path, form).status_code == 302
    late = client.post(path, {**form, "client_id": "a" * 32, "opened": gate.stamp(clock.now())})
    told = client.get(path)
    assert late.status_code == told.status_code == 410
    assert all(text in told.content.decode() for text in ("请扫描小区里新贴的码", "tel:12345", "/track/"))


def test_the_empty_form_may_be_come_back_to_and_what_answers_a_sending_is_kept_nowhere(code):
    client, path = Client(), f"/m/{code.token}/cold/"
    empty = client.get(path)
    assert "no-store" not in empty["Cache-Control"] and "private" in empty["Cache-Control"]
    assert "no-store" in client.post(path, {})["Cache-Control"]


def test_the_same_words_from_a_page_loaded_anew_are_the_same_ticket_and_other_words_are_not(code):
    """A telephone without scripts whose line failed before the answer: it goes back, and the page has another client id."""
    sent = [submitted(code, topic="complain", words=words, opened="" if again else gate.stamp(clock.now() - MINUTE))[0].status_code
            for words, again in (("约好没有来", False), ("约好没有来", True), ("没有电话", False))]  # fmt: skip
    assert sent == [302] * 3
    assert sorted(one.content.split("。")[1] for one in Ticket.objects.filter(source="qr")) == sorted(["约好没有来", "没有电话"])


# ---------------------------------------------------------------- following, from an address that many share


def test_neighbours_follow_their_cases_as_often_as_they_like_and_misses_alone_are_counted(code, monkeypatch):
    monkeypatch.setattr(views, "MISSES", 2)
    answer, client = submitted(code, building="6")
    key, number = answer.url.split("/")[2], Ticket.objects.get(source="qr").number
    for _ in range(12):
        assert client.get(answer.url).status_code == 200
    for _ in range(following.MISSES + 2):
        assert Client().post("/track/", {"number": number, "tail": PHONE[-4:]}).status_code == 302
    assert [client.get("/track/nobodys-key/").status_code for _ in range(3)] == [404, 404, 429]
    assert client.get(f"/track/{key}/").status_code == 200
    miss = client.post("/track/", {"number": number, "tail": "0000"})
    assert miss.status_code == 429 and miss.headers["Retry-After"] and "操作过于频繁" in miss.content.decode()


def test_pressed_twice_the_case_is_shown_with_what_came_of_it(code):
    ticket, key = case_of(code)
    client = Client()
    assert client.post(f"/track/{key}/nudge/").status_code == 302
    twice = client.post(f"/track/{key}/nudge/")
    assert twice.status_code == 429 and "已经催过了" in twice.content.decode() and ticket.number in twice.content.decode()
    first_closed(fresh(ticket))
    first, second = (client.post(f"/track/{key}/again/", {"words": "还是15度"}) for _ in range(2))
    assert first.status_code == second.status_code == 302 and first.url != second.url
    again = Ticket.objects.get(external_no__startswith=f"A{ticket.pk}-")
    assert again.repeat_of_id == ticket.pk and again.number in client.get(second.url).content.decode()
    body = {"solved": "no", "satisfaction": "dissatisfied"}
    assert client.post(f"/track/{key}/rate/", body).status_code == 302
    rated = client.post(f"/track/{key}/rate/", body)
    assert rated.status_code == 409 and "已经评价过" in rated.content.decode() and ticket.number in rated.content.decode()


@pytest.mark.clause("D18.5")
def test_who_asks_for_confidence_is_hidden_from_the_company_complained_of(code):
    answer, client = submitted(code, topic="complain", words="约好上门没有来", confidential="on")
    ticket = Ticket.objects.get(source="qr")
    assert answer.status_code == 302 and ticket.is_confidential and ticket.hides_complainant
    assert "请替我保密" in client.get(f"/m/{code.token}/complain/").content.decode()
    assert "请替我保密" not in client.get(f"/m/{code.token}/cold/").content.decode()
    for path in (f"/tickets/{ticket.number}/", "/tickets/"):
        page = browser("heating1").get(path).content.decode()
        assert PHONE not in page and "刘大爷" not in page and "302室" not in page
