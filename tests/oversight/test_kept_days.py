"""What is remembered of days that are over says exactly what their rows say, whatever happens to the rows afterwards (P9)."""

import random
import threading

import pytest
from django.db import connections, transaction
from django.db.models import F

from complaints.models import Ticket
from core import civil
from deadlines.models import Deadline
from oversight import kept_days, statistics
from oversight.models import KeptDay
from tests.story import DAY, HOUR, MINUTE, NOON, arrive, dispatched, finish, respond, unit, user

pytestmark = pytest.mark.django_db
LATER = NOON + 20 * DAY
SPAN = {"since": NOON - 2 * DAY, "until": NOON + 20 * DAY}


def told(who="bureau", **span) -> list:
    person, span = user(who), span or SPAN
    return [
        statistics.rates(person, **span, at=LATER), statistics.by_unit(person, **span, at=LATER), statistics.received(person, **span),
        statistics.hops(person, **span), statistics.returned(person, **span), statistics.first_time_fixed(person, **span),
    ]  # fmt: skip


def told_at_once(who="bureau", **span) -> list:
    found = statistics.told(user(who), **(span or SPAN), at=LATER)
    return [found[name] for name in ("rates", "units", "received", "hops", "accuracy", "first_time")]


@pytest.fixture
def some():
    """Tickets over a week, quick and slow, one still open, and the days behind them counted."""
    tickets = []
    for number in range(6):
        at = NOON + number * DAY
        ticket = dispatched(at=at, external_no=f"K{number}", community=f"demo-community-{1 if number % 2 else 4}")
        by = {"by": "heating1" if number % 2 else "heating2"}
        if number < 5:
            respond(ticket, at + (MINUTE if number % 3 else HOUR), **by)
            arrive(ticket, at + (30 * MINUTE if number % 2 else 5 * HOUR), **by)
            finish(ticket, at + 6 * HOUR, **by)
        tickets.append(ticket)
    return tickets


def live(**span) -> list:
    KeptDay.objects.all().delete()
    return told(**span)


def test_what_is_remembered_is_what_the_rows_say_for_any_stretch_of_time(some):
    dice = random.Random(7)
    stretches = [SPAN] + [{"since": NOON + dice.uniform(-3, 5) * DAY, "until": NOON + dice.uniform(5, 20) * DAY} for _ in range(12)]
    plain = [live(**span) for span in stretches]
    kept_days.generate(at=LATER)
    assert KeptDay.objects.count() >= 10
    assert [told(**span) for span in stretches] == [told_at_once(**span) for span in stretches] == plain
    assert told_at_once("heating1") == told("heating1") != told()
    assert plain[0][0]["response"].of == 6 and plain[0][2] == {"12345": 6}


def test_a_unit_reads_its_own_days_from_memory_and_nobody_elses(some):
    def own(who: str, code: str):
        return statistics.rates(user(who), **SPAN, at=LATER, unit=unit(code))

    asked = [("heating1", "demo-heating-1"), ("heating2", "demo-heating-2"), ("heating1", "demo-heating-2"), ("street", "demo-heating-1"), ("bureau", "demo-heating-2")]
    plain = [own(*one) for one in asked]
    kept_days.generate(at=LATER)
    assert [own(*one) for one in asked] == plain
    assert plain[0]["response"].of == 3 and plain[0] != plain[1] == plain[4] and plain[2] == {}
    # They do come from memory, with the one that still runs, for those alone who see all that the unit owes.
    KeptDay.objects.update(figures={"verdicts": []})
    KeptDay.objects.filter(day=civil.day_of(NOON)).update(figures={"verdicts": [[unit("demo-heating-1").pk, "response", 7, 2], [unit("demo-heating-2").pk, "response", 5, 0]]})
    assert own(*asked[0])["response"] == statistics.Rate(7, 9 + 1) == own("bureau", "demo-heating-1")["response"]
    assert [own(*one) for one in asked[2:4]] == plain[2:4]


def test_a_company_is_counted_from_its_own_rows_only(some):
    before = told("heating1")
    kept_days.generate(at=LATER)
    assert told("heating1") == before != told("bureau")


@pytest.mark.parametrize("change", ["verdict", "round", "gone", "new", "street"])
def test_whatever_changes_a_day_of_the_past_makes_it_be_counted_anew(some, change):
    kept_days.generate(at=LATER)
    days = set(KeptDay.objects.values_list("day", flat=True))
    if change == "verdict":
        Deadline.objects.filter(stage="response", outcome="late").update(outcome="met", settled_at=F("opened_at") + MINUTE)
    elif change == "round":
        Ticket.objects.filter(pk=some[0].pk).update(returns=1, source="qr", called_at=NOON - HOUR)
    elif change == "gone":
        Deadline.objects.filter(subject_id=some[1].pk, stage="visit").update(settled_at=None, outcome="")
    elif change == "new":
        dispatched(at=NOON + 3 * DAY, external_no="K9")
    else:
        Ticket.objects.filter(pk=some[2].pk).update(building="9号楼")
    found, left = told(), set(KeptDay.objects.values_list("day", flat=True))
    assert (left == days) == (change == "street"), "只有会改变数字的改动才重算"
    assert found == live()


def test_today_and_yesterday_are_never_remembered(some):
    kept_days.generate(at=NOON + 5 * DAY)
    assert max(KeptDay.objects.values_list("day", flat=True)) == civil.day_of(NOON + 3 * DAY)
    before = told()
    respond(some[5], NOON + 5 * DAY + MINUTE, by="heating1")
    assert told() != before and told() == live()


@pytest.mark.django_db(transaction=True)
def test_whoever_changes_the_past_is_waited_for():
    ticket = dispatched(external_no="K1")
    began, free, done = threading.Event(), threading.Event(), []

    def keep():
        began.wait(5)
        kept_days.keep(civil.day_of(NOON))
        done.append(True)
        connections.close_all()

    other = threading.Thread(target=keep)
    other.start()
    with transaction.atomic():
        Ticket.objects.filter(pk=ticket.pk).update(returns=3)
        began.set()
        other.join(0.4)
        assert not done, "改动提交之前不得数完"
    free.set()
    other.join(5)
    assert KeptDay.objects.get(day=civil.day_of(NOON)).figures["returned"] == [0, 1]
