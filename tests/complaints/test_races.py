"""Two at once: whoever comes second is told so, and what happens once happens once. Real threads, a real database."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from complaints import lifecycle, links, returns
from complaints.models import Assignment, Callback, Link, Return, Ticket
from core import journal
from core.errors import Conflict, PortalError
from deadlines import engine
from deadlines.models import Escalation
from tests.story import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    Caller,
    arrive,
    dispatched,
    finish,
    fresh,
    received,
    respond,
    tick,
    unit,
    user,
)

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts) -> list:
    """Do each act in a thread of its own, all from the same moment on; what each gave or raised, in their order."""
    start, results = Barrier(len(acts)), [None] * len(acts)

    def run(index, act):
        try:
            connection.ensure_connection()
            start.wait(timeout=20)
            results[index] = act()
        except Exception as fault:  # noqa: BLE001 what a thread raises is its result
            results[index] = fault
        finally:
            connection.close()

    threads = [Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def refusals(results: list) -> list:
    """Those that were refused; a fault of any other kind fails the test."""
    for one in results:
        if isinstance(one, Exception) and not isinstance(one, PortalError):
            raise one
    return [one for one in results if isinstance(one, PortalError)]


def finished() -> Ticket:
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 2 * MINUTE)
    finish(ticket, NOON + 3 * MINUTE)
    return fresh(ticket)


@pytest.mark.clause("G25")
def test_two_operators_who_reopen_at_once_make_one_round():
    ticket = finished()
    seen = [fresh(ticket) for _ in range(4)]

    def not_solved(one, who):
        return lambda: lifecycle.call_back(
            one, kind="result", reached=True, solved=False, note="还是不热", actor=user(who), at=NOON + HOUR
        )

    results = at_once(*[
        not_solved(one, who) for one, who in zip(seen, ["heating1", "heating1", "bureau", "bureau"], strict=True)
    ])
    assert len(refusals(results)) == 3 and all(isinstance(one, Conflict) for one in refusals(results))
    assert fresh(ticket).round == 2 and Callback.objects.filter(ticket=ticket).count() == 1
    assert engine.of(ticket).filter(stage="response", round=2).count() == 1
    assert journal.of(ticket).filter(act="reopen").count() == 1


@pytest.mark.clause("G25")
def test_closing_and_reopening_at_once_is_one_of_the_two():
    ticket = finished()
    one, two = fresh(ticket), fresh(ticket)
    results = at_once(
        lambda: lifecycle.call_back(
            one, kind="result", reached=True, solved=True, actor=user("heating1"), at=NOON + HOUR
        ),
        lambda: lifecycle.call_back(
            two, kind="result", reached=True, solved=False, actor=user("bureau"), at=NOON + HOUR
        ),
    )
    assert len(refusals(results)) == 1
    now = fresh(ticket)
    assert (now.state, now.round) in {("closed", 1), ("dispatched", 2)}
    assert engine.open_of(ticket).exists() == (now.state == "dispatched")


@pytest.mark.clause("D18.1")
def test_two_dispatchers_at_once_give_it_to_one_company():
    ticket = received()
    callers = [Caller("social-work", "dispatcher"), Caller("urban-management", "officer")]
    for caller in callers:
        assert caller.token
    path, said = f"tickets/{ticket.number}/dispatch/", [{"doer": "demo-heating-1"}, {"doer": "demo-heating-2"}] * 6
    answers = at_once(*[
        (lambda caller=callers[index % 2], more=more: caller_copy(caller).post(path, {"category": "heating_service", **more}))
        for index, more in enumerate(said)
    ])  # fmt: skip
    assert sorted(one.status_code for one in answers) == [200] + [409] * 11
    assert Assignment.objects.filter(ticket=ticket, part="doer").count() == 1
    assert engine.open_of(ticket).filter(stage="response").count() == 1


def caller_copy(caller: Caller) -> Caller:
    """The same token with a client of its own: a client is not made for threads."""
    other = Caller(caller.code, caller.role)
    other.__dict__["token"] = caller.token
    return other


@pytest.mark.clause("D18.1")
def test_a_ruling_and_a_transfer_at_once_leave_one_doer():
    for _ in range(4):
        ticket = dispatched()
        returns.request(fresh(ticket), reason="物业代管", proposed_unit=unit("demo-property-1"), actor=user("heating1"), at=NOON + MINUTE)  # fmt: skip
        one, two = fresh(ticket), fresh(ticket)
        results = at_once(
            lambda one=one: returns.rule(one, accepted=True, unit=None, reason="属实", actor=user("dispatcher"), at=NOON + HOUR),
            lambda two=two: returns.transfer(two, unit=unit("demo-heating-2"), reason="转派", actor=user("bureau"), at=NOON + HOUR),
        )  # fmt: skip
        assert len(refusals(results)) == 1
        assert Assignment.objects.filter(ticket=ticket, part="doer", until=None).count() == 1
        assert fresh(ticket).segment == 2 and not Return.objects.filter(ticket=ticket, ruled_at=None).exists()


def test_a_circle_of_links_cannot_be_closed_by_two_at_once():
    for _ in range(4):
        first, second = received(), received()
        pairs = [(fresh(first), fresh(second)), (fresh(second), fresh(first))]
        results = at_once(*[
            lambda child=child, parent=parent: links.link(child, parent, reason="同一住户", actor=user("dispatcher"), at=NOON + MINUTE)
            for child, parent in pairs
        ])  # fmt: skip
        assert len(refusals(results)) == 1
        assert Link.objects.filter(child__in=[first, second], undone_at=None).count() == 1


@pytest.mark.clause("D1.8")
def test_a_response_and_the_sweep_at_once_give_one_verdict_and_no_half_escalation():
    tickets = [dispatched() for _ in range(8)]
    at = NOON + 16 * MINUTE

    def answer(ticket):
        return lambda: respond(ticket, at)

    results = at_once(*[answer(ticket) for ticket in tickets], *[lambda: tick(at) for _ in range(4)])
    assert not refusals(results)
    for ticket in tickets:
        clock = engine.of(ticket).get(stage="response")
        assert clock.outcome == "late" and clock.next_check_at is None
        raised = Escalation.objects.filter(deadline=clock)
        assert raised.count() == (1 if clock.level else 0)
    assert journal.verify() is None


@pytest.mark.clause("D1.8")
def test_an_escalation_is_signed_by_one_hand():
    ticket = dispatched()
    tick(NOON + 16 * MINUTE)
    pk = Escalation.objects.get(deadline__label=ticket.number).pk
    bureau = Caller("urban-management", "officer")
    assert bureau.token
    answers = at_once(*[lambda: caller_copy(bureau).post(f"escalations/{pk}/sign/", {"note": "收到"}) for _ in range(8)])
    assert sorted(one.status_code for one in answers) == [200] + [409] * 7
    assert journal.of(ticket).filter(act="sign").count() == 1


def test_the_chain_of_the_journal_does_not_fork_under_many_hands():
    tickets = [dispatched() for _ in range(12)]
    results = at_once(*[
        lambda ticket=ticket, second=second: respond(ticket, NOON + second * MINUTE) for second, ticket in enumerate(tickets)
    ], lambda: tick(NOON + DAY))  # fmt: skip
    assert not refusals(results) and journal.verify() is None
