"""Figures by the party whose segment was late; numerator and denominator together, and the same at every door."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import returns, sampling
from complaints.residents import following
from notices import outbox
from oversight import statistics
from tests.story import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    Caller,
    arrive,
    browser,
    call_back,
    dispatched,
    finish,
    fresh,
    received,
    respond,
    tick,
    unit,
    user,
)

pytestmark = pytest.mark.django_db
SPAN = {"since": NOON - DAY, "until": NOON + DAY}


def rate(who: str, stage: str, **more) -> tuple[int, int]:
    found = statistics.rates(user(who), **SPAN, at=NOON + 2 * HOUR, **more).get(stage, statistics.Rate(0, 0))
    return found.kept, found.of


@pytest.mark.clause("G25", "D1.8")
def test_a_rate_counts_what_was_kept_and_what_is_late_and_leaves_out_what_still_runs():
    kept, late, silent, running = [dispatched() for _ in range(4)]
    respond(kept, NOON + 10 * MINUTE)
    respond(late, NOON + 20 * MINUTE)
    assert (fresh(silent).state, fresh(running).state) == ("dispatched", "dispatched")
    assert statistics.rates(user("bureau"), **SPAN, at=NOON + 14 * MINUTE)["response"] == statistics.Rate(1, 2)
    assert rate("bureau", "response") == (1, 4) and rate("bureau", "callback") == (0, 0)
    assert statistics.rates(user("bureau"), **SPAN, at=NOON)["callback"].spoken == "—"
    assert statistics.Rate(55, 57).spoken == "96.5%"


@pytest.mark.clause("D18.1")
def test_the_segment_that_was_late_is_its_own_partys_and_a_void_ticket_is_nobodys():
    ticket = dispatched()
    returns.request(
        fresh(ticket), reason="物业代管", proposed_unit=unit("demo-property-1"), actor=user("heating1"), at=NOON + 55 * MINUTE
    )
    returns.rule(fresh(ticket), accepted=True, unit=None, reason="属实", actor=user("dispatcher"), at=NOON + 56 * MINUTE)
    respond(ticket, NOON + 57 * MINUTE, by="property1")
    rows = {row.unit.code: row for row in statistics.by_unit(user("bureau"), **SPAN, at=NOON + HOUR)}
    assert rows["demo-heating-1"].response == statistics.Rate(0, 1) and rows["demo-heating-1"].visit == statistics.Rate(0, 0)
    assert rows["demo-property-1"].response == statistics.Rate(1, 1)
    assert statistics.returned(user("bureau"), **SPAN) == statistics.Rate(0, 1)


def test_unreachable_callers_are_shown_and_counted_in_no_rate():
    for said in (
        {},
        {"solved": True, "satisfaction": "dissatisfied", "note": "太慢"},
        {"reached": False, "solved": None, "satisfaction": ""},
    ):
        ticket = dispatched()
        respond(ticket, NOON + MINUTE)
        arrive(ticket, NOON + 2 * MINUTE)
        finish(ticket, NOON + 3 * MINUTE)
        call_back(ticket, NOON + 4 * MINUTE, **said)
    found = statistics.voices(user("bureau"), **SPAN)["company"]
    assert found.solved == statistics.Rate(2, 2) and found.satisfied == statistics.Rate(1, 2) and found.unreachable == 1


@pytest.mark.clause("I10")
def test_what_the_company_heard_what_residents_say_and_what_others_heard_are_never_added_up():
    ticket = dispatched(complainant_phone="13800000001")
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 2 * MINUTE)
    finish(ticket, NOON + 3 * MINUTE)
    call_back(ticket, NOON + 4 * MINUTE)
    following.rate(fresh(ticket), following.Said(solved=False, satisfaction="dissatisfied", was_visited=False, was_called=True), at=NOON + 5 * MINUTE)
    (sample,) = sampling.generate(at=NOON + 6 * MINUTE)
    heard = sampling.Heard(reached=True, solved=True, satisfaction="acceptable", was_visited=True)
    sampling.record(sample, heard, actor=user("bureau"), at=NOON + 7 * MINUTE)
    said = statistics.voices(user("bureau"), **SPAN)
    assert {name: (one.solved.kept, one.satisfied.kept, one.satisfied.of) for name, one in said.items()} == {"company": (1, 1, 1), "resident": (0, 0, 1), "sample": (1, 1, 1)}
    assert (said["resident"].came, said["resident"].called, said["resident"].measured) == (statistics.Rate(0, 1), statistics.Rate(1, 1), statistics.Rate(0, 0))
    assert said["resident"].against == statistics.Rate(1, 1) and said["sample"].against == statistics.Rate(0, 1)
    assert set(statistics.voices(user("heating1"), **SPAN)) == {"company", "resident"}
    page = browser("bureau").get("/oversight/").content.decode()
    assert ">抽样回访<" in page and ">抽样回访<" not in browser("heating1").get("/oversight/").content.decode()


def test_first_time_fixed_is_of_the_first_round_only():
    once, twice = dispatched(), dispatched()
    for ticket, rounds in ((once, 1), (twice, 2)):
        at = NOON
        for number in range(rounds):
            respond(ticket, at + MINUTE)
            arrive(ticket, at + 2 * MINUTE)
            finish(ticket, at + 3 * MINUTE)
            last = number == rounds - 1
            call_back(ticket, at + 4 * MINUTE, solved=last, satisfaction="satisfied" if last else "", note="不热")
            at += 10 * MINUTE
    assert statistics.first_time_fixed(user("bureau"), **SPAN) == statistics.Rate(1, 2)


def test_each_sees_the_figures_of_what_is_its_own():
    mine, theirs = dispatched(), dispatched(community="demo-community-2")
    respond(mine, NOON + MINUTE)
    tick(NOON + 20 * MINUTE)
    assert rate("heating1", "response") == (1, 1) and rate("heating2", "response") == (0, 1)
    assert rate("bureau", "response") == (1, 2) and rate("bureau", "response", unit=unit("demo-heating-2")) == (0, 1)
    assert rate("admin", "response") == (0, 0)
    for who in ("heating1", "heating2", "housing", "street"):
        codes = {row.unit.code for row in statistics.by_unit(user(who), **SPAN, at=NOON + HOUR)}
        companies = {code for code in codes if code.startswith("demo-")}
        own = {"heating1": {"demo-heating-1"}, "heating2": {"demo-heating-2"}, "housing": set(), "street": {"demo-heating-1"}}
        assert companies == own[who], who
    assert theirs.number not in browser("street").get("/oversight/").content.decode()


PAGES = (
    "/", "/tickets/", "/tickets/?state=open&order=due", "/tickets/?q=暖气", "/escalations/", "/inbox/", "/oversight/", "/units/",
    "/units/demo-heating-1/", "/dispatch/", "/plan/",
)  # fmt: skip
CALLS = ("tickets/", "tickets/?order=due", "tickets/?late=true", "deadlines/", "escalations/")
SIGNED_IN = ("bureau", "dispatcher", "heating1", "street")


def test_a_page_and_a_call_ask_as_many_questions_for_sixty_tickets_as_for_three():
    """Rows cost nothing: the count of queries stays, whatever the number of tickets, clocks, escalations and messages."""
    clients = {who: browser(who) for who in SIGNED_IN}
    caller = Caller("urban-management", "officer")
    counted: list[dict[tuple, int]] = []
    made = 0
    for many in (3, 60):
        while made < many:
            dispatched(at=NOON - timedelta(minutes=made))
            made += 1
        received(content="小区门口的树倒了。", community="")
        tick(NOON + 40 * MINUTE)
        outbox.route(at=NOON + 40 * MINUTE)
        counts = {}
        # Not a use of the page, so that no session is written on the way; and once before, so that nothing is asked for the first time.
        doors = [
            (who, path, lambda client=client, path=path: client.get(path, headers={"X-Refresh": "1"}))
            for who, client in clients.items()
            for path in PAGES
        ]
        doors += [("call", path, lambda path=path: caller.get(path)) for path in CALLS]
        for who, path, ask in doors:
            ask()
            with CaptureQueriesContext(connection) as queries:
                answer = ask()
            assert answer.status_code in (200, 403), (who, path)
            if answer.status_code == 200:
                counts[who, path] = len(queries)
        counted.append(counts)
    few, more = counted
    assert few == more, {door: (few[door], more[door]) for door in few if few[door] != more[door]}
    assert max(more.values()) <= 40 and max(count for (who, _), count in more.items() if who == "call") <= 8, more
    assert len(more) >= 40
