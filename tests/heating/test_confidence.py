"""Who complained in confidence, or of a theft, is found by the accused at no address, in no export, no notice and no message (S10, behaviour 16.4)."""

import re

import pytest

from complaints import links, returns, sampling
from complaints.into_ledger import Problem, enter
from complaints.residents import following
from core import civil
from notices import outbox
from notices.models import Message, Notice
from tests.heating.test_isolation import CANARY as HALF
from tests.heating.test_isolation import LATER, walk, words
from tests.story import DAY, HOUR, MINUTE, NOON, arrive, browser, call_back, dispatched, finish, fresh, received, respond, tick, unit, user

pytestmark = pytest.mark.django_db
PHONE = "13977738264"


@pytest.fixture(params=["confidential", "theft"])
def told_in_confidence(request, monkeypatch):
    """A case whose whole life was lived by the company it accuses: late, returned, linked, closed, contradicted, in the ledger."""
    monkeypatch.setattr("core.clock.now", lambda: LATER)
    secret = {
        "complainant_name": f"{HALF}name", "complainant_phone": PHONE, "address": f"{HALF}door", "building": f"{HALF}building",
        "content": f"我是{HALF}name，家住8264室，举报收费员私接管道偷热放水", "is_confidential": request.param == "confidential",
    }  # fmt: skip
    ticket = dispatched(category="heating_service" if request.param == "confidential" else "heat_theft", doer="demo-heating-1", assists=[], **secret)
    links.link(received(at=NOON + MINUTE, **secret), ticket, reason="同一人", actor=user("dispatcher"), at=NOON + 2 * MINUTE)
    tick(NOON + 30 * MINUTE)
    respond(ticket, NOON + 31 * MINUTE)
    returns.request(fresh(ticket), reason="不属于我方", proposed_unit=unit("demo-property-1"), actor=user("heating1"), at=NOON + 40 * MINUTE)
    returns.rule(fresh(ticket), accepted=False, unit=None, reason="台账为直管", actor=user("dispatcher"), at=NOON + 50 * MINUTE)
    arrive(ticket, NOON + 3 * HOUR)
    finish(ticket, NOON + 4 * HOUR)
    tick(NOON + 5 * HOUR)
    call_back(ticket, NOON + 6 * HOUR)
    following.rate(fresh(ticket), following.Said(solved=False, satisfaction="dissatisfied", was_visited=False), at=NOON + 7 * HOUR)
    sampling.generate(at=NOON + 8 * HOUR)
    enter(fresh(ticket), Problem("收费员管理不严", unit("demo-heating-1"), "serious", civil.day_of(NOON + 9 * DAY)), actor=user("bureau"), at=NOON + 9 * HOUR)
    tick(NOON + DAY)
    outbox.route(at=NOON + DAY)
    return fresh(ticket)


def secrets_in(text: str) -> set[str]:
    """What gives somebody away: name, door, the number, its end, which is the number of the flat as well (and not a piece of some random key)."""
    found = {one for one in (f"{HALF}name", f"{HALF}door", f"{HALF}building", PHONE) if one in text}
    return found | set(re.findall(rf"(?<![0-9A-Za-z]){PHONE[-4:]}(?![0-9A-Za-z])", text))


def test_the_accused_company_finds_nothing_at_any_address(told_in_confidence):
    ticket = told_in_confidence
    client, found = browser("heating1"), {}
    for path in walk({"number": [ticket.number], "pk": [ticket.pk], "ticket": [ticket.number]}):
        answer = client.get(path)
        raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
        told = words(_Kept(answer, raw)) | secrets_in(raw.decode(errors="replace"))
        if told:
            found[path] = told
    assert found == {}
    assert ticket.number in client.get(f"/tickets/{ticket.number}/").content.decode()


def test_no_notice_and_no_message_to_anybody_gives_the_complainant_away(told_in_confidence):
    said = [f"{one.subject} {one.body}" for one in Notice.objects.all()] + [f"{one.subject} {one.body} {one.lines}" for one in Message.objects.all()]
    assert len(said) > 10
    assert set().union(*map(secrets_in, said)) == set()


def test_the_bureau_sees_it_all_so_that_the_oracle_is_alive(told_in_confidence):
    ticket = told_in_confidence
    assert {f"{HALF}name", f"{HALF}door", PHONE[-4:]} <= secrets_in(browser("bureau").get(f"/tickets/{ticket.number}/").content.decode())


class _Kept:
    """An answer whose stream was read already."""

    def __init__(self, answer, raw: bytes):
        self.streaming, self.content, self.headers = False, raw, answer.headers
