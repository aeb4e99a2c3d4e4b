"""Any acts in any order, at any pace, with the sweep in between: what a ticket promises holds after each of them."""

import os
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from complaints import dispatching, lifecycle, links, returns
from complaints.lifecycle import Arrival
from complaints.models import OPEN_STATES, Assignment, Link, Return, State, Ticket
from core import journal
from core.errors import PortalError
from core.models import Entry
from deadlines import engine
from deadlines.models import Deadline, Escalation
from tests.story import HOUR, MINUTE, NOON, fresh, received, tick, unit, user

pytestmark = pytest.mark.django_db
UNITS = ["demo-heating-1", "demo-heating-2", "demo-property-1", "urban-management"]
WHO = ["dispatcher", "bureau", "heating1", "heating2"]
# The same few paths in every run; LIFECYCLE_EXAMPLES=500 looks for new ones.
FEW = 25
EXAMPLES = int(os.environ.get("LIFECYCLE_EXAMPLES", FEW))

minutes = st.sampled_from([0, 1, 7, 14, 15, 16, 45, 60, 61, 300, 720, 1439, 1441])
acts = st.one_of(
    st.tuples(
        st.just("dispatch"),
        st.sampled_from(["heating_service", "price_fee", "heat_theft", "property_service", "other"]),
    ),
    st.tuples(st.just("respond"), st.none()),
    st.tuples(st.just("arrive"), st.booleans()),
    st.tuples(st.just("finish"), st.none()),
    st.tuples(st.just("progress"), st.booleans()),
    st.tuples(st.just("result"), st.sampled_from([None, True, False])),
    st.tuples(st.just("appointment"), st.integers(1, 2880)),
    st.tuples(st.just("return"), st.sampled_from(UNITS)),
    st.tuples(st.just("return"), st.just("demo-property-1")),
    st.tuples(st.just("return"), st.just("demo-heating-2")),
    st.tuples(st.just("rule"), st.booleans()),
    st.tuples(st.just("rule"), st.just(True)),
    st.tuples(st.just("progress"), st.just(True)),
    st.tuples(st.just("transfer"), st.sampled_from(UNITS)),
    st.tuples(st.just("nudge"), st.none()),
    st.tuples(st.just("void"), st.none()),
    st.tuples(st.just("link"), st.none()),
    st.tuples(st.just("unlink"), st.none()),
    st.tuples(st.just("assist"), st.integers(0, 3)),
    st.tuples(st.just("waive"), st.integers(0, 3)),
    st.tuples(st.just("tick"), st.none()),
)
# Half of the steps are the next one of the ordinary way, so that tickets come far; the other half is anything.
ORDINARY = {
    State.RECEIVED: ("dispatch", "heating_service"), State.DISPATCHED: ("respond", None), State.RESPONDED: ("arrive", False),
    State.ARRIVED: ("finish", None), State.FINISHED: ("result", True),
}  # fmt: skip
steps = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0, 0, 0, 1]), acts, minutes, st.sampled_from(WHO)),
    min_size=6,
    max_size=24,
)
# What each act writes about the ticket it is done to: exactly one of the first, any of the second beside it.
ENTRIES = {
    "dispatch": ({"dispatch"}, set()), "respond": ({"respond"}, set()), "arrive": ({"arrive", "nobody_home"}, set()), "finish": ({"finish"}, {"return_dropped"}),
    "progress": ({"callback_progress"}, set()), "result": ({"callback_result"}, {"close", "reopen", "waits_for_assists"}), "appointment": ({"appointment"}, set()),
    "return": ({"return"}, set()), "rule": ({"rule"}, set()), "transfer": ({"transfer"}, set()), "nudge": ({"nudge"}, set()), "void": ({"void"}, {"unlink"}),
    "link": ({"link"}, {"repeat_call"}), "unlink": ({"unlink"}, {"repeat_undone"}), "assist": ({"assist_done"}, {"close"}), "waive": ({"assist_waived"}, {"close"}),
}  # fmt: skip


def do(act: str, value, ticket: Ticket, other: Ticket, who, at) -> None:
    """One act, as a door would call it."""
    said = {"actor": who, "at": at}
    if act == "dispatch":
        lifecycle.dispatch(ticket, dispatching.decide(ticket, at=at, category=value), **said)
    elif act == "respond":
        lifecycle.respond(ticket, channel="phone", **said)
    elif act == "arrive":
        lifecycle.arrive(ticket, Arrival(kind="photo", nobody_home=value), **said)
    elif act == "finish":
        lifecycle.finish(ticket, cause="气堵", measure="排气", **said)
    elif act == "progress":
        lifecycle.call_back(ticket, kind="progress", reached=value, **said)
    elif act == "result":
        lifecycle.call_back(ticket, kind="result", reached=value is not None, solved=value, **said)
    elif act == "appointment":
        lifecycle.make_appointment(ticket, visit_at=at + value * MINUTE, confirmed_by_resident=bool(value % 3), **said)
    elif act == "return":
        returns.request(ticket, reason="不属本单位", proposed_unit=unit(value), **said)
    elif act == "rule":
        returns.rule(ticket, accepted=value, unit=None, reason="依据台账", **said)
    elif act == "transfer":
        returns.transfer(ticket, unit=unit(value), reason="转派", **said)
    elif act == "nudge":
        lifecycle.nudge(ticket, **said)
    elif act == "void":
        lifecycle.make_void(ticket, reason="误录", **said)
    elif act == "link":
        links.link(ticket, other, reason="同一住户", **said)
    elif act == "unlink":
        links.unlink(ticket, reason="两回事", **said)
    else:
        tasks = list(Assignment.objects.filter(ticket=ticket, part="assist").select_related("unit").order_by("pk"))
        if not tasks:
            raise PortalError("没有协办")
        task = tasks[value % len(tasks)]
        if act == "assist":
            lifecycle.complete_assist(ticket, task, note="已核实", **said)
        else:
            lifecycle.waive_assist(ticket, task, reason="不需要", **said)


def check(ticket: Ticket, given: dict[int, tuple]) -> None:
    """Everything that holds of a ticket at any time. `given` remembers the verdicts that were given, for good."""
    parts = list(Assignment.objects.filter(ticket=ticket))
    doers = [part for part in parts if part.part == "doer" and part.until is None]
    if ticket.state in (State.RECEIVED, State.VOID):
        assert len(doers) <= 1
    else:
        assert len(doers) == 1 and doers[0].unit_id == ticket.doer_id and doers[0].segment == ticket.segment
        assert sum(part.part == "lead" and part.until is None for part in parts) == 1
    running = []
    for clock in engine.of(ticket):
        verdict = (clock.outcome, clock.settled_at, clock.due_at)
        if clock.outcome:
            assert given.setdefault(clock.pk, verdict) == verdict, f"a verdict was changed: {clock}"
            assert clock.settled_at >= clock.opened_at, f"settled before it was opened: {clock}"
            assert clock.next_check_at is None
        else:
            running.append(clock)
        assert clock.outcome != "met" or clock.settled_at <= clock.due_at
        assert clock.outcome != "late" or clock.settled_at > clock.due_at
    for clock in running:
        if clock.stage in ("response", "visit", "callback"):
            assert (clock.unit_id, clock.round, clock.segment) == (ticket.doer_id, ticket.round, ticket.segment), (
                f"a stray clock: {clock}"
            )
    first = min(running, key=lambda one: (one.due_at, one.pk), default=None)
    assert (ticket.due_at, ticket.stage) == ((first.due_at, first.stage) if first else (None, "")), (
        "the queue shows another clock than runs out first"
    )
    follows = Link.objects.filter(child=ticket, undone_at=None, follows=True).exists()
    if ticket.state in OPEN_STATES:
        assert running or (follows and ticket.state == State.RECEIVED), "an open ticket without a clock is forgotten"
    else:
        assert not running and not Return.objects.filter(ticket=ticket, ruled_at=None).exists(), (
            "nothing is owed on a ticket that has ended"
        )
    assert (ticket.closed_at is not None) == (ticket.state == State.CLOSED)
    assert len({part.segment for part in parts if part.part == "doer"}) == sum(part.part == "doer" for part in parts)


@pytest.mark.clause("G25", "D18.1")
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == FEW, database=None,
    phases=[Phase.generate],  # a path is short enough to be read as it is; shortening it takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps)
def test_any_acts_in_any_order_keep_every_promise(path):
    with transaction.atomic():
        walk(path)
        transaction.set_rollback(True)


def walk(path) -> None:
    """Go a path of acts with two tickets of one household, checking after every step."""
    people = {name: user(name) for name in WHO}
    pair = [received(at=NOON), received(at=NOON)]
    at, given = NOON, {}
    for ordinary, which, (act, value), pause, name in path:
        at += timedelta(minutes=pause)
        if ordinary:
            act, value = ORDINARY.get(fresh(pair[which]).state, (act, value))
        if act == "tick":
            raised = Escalation.objects.count()
            tick(at)
            assert Escalation.objects.count() >= raised and tick(at).escalated == 0
        else:
            _step(act, value, pair, which, people[name], at)
        for ticket in pair:
            check(fresh(ticket), given)
    assert not Deadline.objects.exclude(set_aside_reason="").exists()


def _step(act, value, pair, which, who, at) -> None:
    ticket, other = fresh(pair[which]), fresh(pair[1 - which])
    before = (ticket.state, ticket.version, ticket.round, ticket.segment)
    position = journal.head()[0]
    try:
        with transaction.atomic():
            do(act, value, ticket, other, who, at)
    except PortalError:
        now = fresh(ticket)
        assert (now.state, now.version, now.round, now.segment) == before and journal.head()[0] == position, (
            "what was refused left a trace"
        )
        return
    now = fresh(ticket)
    written = list(Entry.objects.filter(position__gt=position, subject_key=ticket.number).values_list("act", flat=True))
    main, beside = ENTRIES[act]
    assert sum(one in main for one in written) == 1 and set(written) <= main | beside, (act, written)
    assert now.version > before[1] or act == "nudge"
    assert now.round >= before[2] and now.segment >= before[3]
    moves = {"assist": {State.FINISHED: {State.CLOSED}}, "waive": {State.FINISHED: {State.CLOSED}}}.get(act, {})
    legal = {before[0], *moves.get(before[0], set())}
    if act in lifecycle.MOVES and before[0] in lifecycle.MOVES[act]:
        legal.add(lifecycle.MOVES[act][before[0]])
    if act == "result":
        legal.add(State.DISPATCHED)
    if act == "rule" and value:
        legal.add(State.DISPATCHED)
    assert now.state in legal, f"{act}: {before[0]} → {now.state}"


@pytest.mark.clause("D18.1")
def test_work_that_is_done_withdraws_the_return_that_was_asked_for():
    ticket = received()
    path = [
        ("dispatch", "heating_service"),
        ("return", "demo-property-1"),
        ("respond", None),
        ("arrive", False),
        ("finish", None),
        ("result", True),
    ]
    for step, (act, value) in enumerate(path):
        do(
            act,
            value,
            fresh(ticket),
            ticket,
            user("dispatcher" if act == "dispatch" else "heating1"),
            NOON + step * MINUTE,
        )
    assert fresh(ticket).state == "closed"
    asked = Return.objects.get(ticket=ticket)
    assert asked.ruled_at == NOON + 4 * MINUTE and asked.accepted is False and not engine.open_of(ticket).exists()
    assert fresh(ticket).closed_at < NOON + HOUR


@pytest.mark.clause("D18.1")
def test_a_ruling_that_looks_back_ends_no_clock_before_it_began():
    ticket = received()
    path = [
        ("dispatch", "heating_service"),
        ("respond", None),
        ("return", "demo-property-1"),
        ("progress", True),
        ("rule", True),
    ]
    for step, (act, value) in enumerate(path):
        do(
            act,
            value,
            fresh(ticket),
            ticket,
            user("dispatcher" if act in ("dispatch", "rule") else "heating1"),
            NOON + step * MINUTE,
        )
    check(fresh(ticket), {})
    assert engine.of(ticket).get(stage="callback", sequence=2).outcome == "neutral"
