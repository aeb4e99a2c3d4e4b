"""Words inside Chinese text, a number by its end, a phone: found at any size by an index, and found exactly (P11)."""

import pytest
from django.db import connection

from complaints import selectors
from complaints.models import Ticket
from tests.story import NOON, browser, dispatched, user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("words", "index"), [("漏水", "ticket_by_words"), ("WY-20251114-123456", "ticket_by_number_end"), ("123456", "ticket_by_number_end"), ("13912345678", "ticket_by_phone")])
def test_each_arm_of_a_search_has_an_index_of_its_own(words, index):
    found = selectors.tickets(user("bureau"), selectors.Filters(q=words), at=NOON).order_by()
    sql, params = found.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # so few rows PostgreSQL would rightly read all of
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan and "BitmapOr" in plan and "Seq Scan on complaints_ticket" not in plan, plan


@pytest.mark.parametrize(
    ("words", "is_found"),
    [("漏水", True), ("暖气漏", True), ("气漏水", True), ("漏 水", False), ("水漏", False), ("AB12", True), ("b1", True), ("漏", True), ("%", False), ("气_水", False), ("演示和暖", True), ("%%", False)],
)  # fmt: skip
def test_words_are_found_wherever_they_stand_and_signs_of_patterns_are_only_signs(words, is_found):
    ticket = dispatched(content="家里暖气漏水了，阀门号 Ab12", community="demo-community-1")
    assert (ticket in selectors.tickets(user("bureau"), selectors.Filters(q=words), at=NOON)) == is_found


def test_a_number_is_found_by_its_end_and_never_by_its_middle():
    ticket = dispatched()
    for part, is_found in ((ticket.number, True), (ticket.number.lower(), True), (ticket.number[-6:], True), (ticket.number[-4:], True), (ticket.number[3:9], False)):
        assert (ticket in selectors.tickets(user("bureau"), selectors.Filters(q=part), at=NOON)) == is_found, part


@pytest.mark.parametrize(
    ("wanted", "index"),
    [({"category": "heat_theft"}, "ticket_of_category"), ({"source": "visit"}, "ticket_of_source"), ({"kind": "request"}, "ticket_of_rare_kind"), ({"kind": "complaint"}, "ticket_newest"),
     ({"state": "closed"}, "ticket_by_state"), ({"street": "street-weiyanggong"}, "ticket_of_street"), ({}, "ticket_newest")],
)  # fmt: skip
def test_each_filter_walks_an_index_in_the_order_of_the_list(wanted, index):
    found = selectors.tickets(user("bureau"), selectors.Filters(**wanted), at=NOON).order_by(*selectors.NEWEST)[:30]
    plan = _plan(found)
    assert index in plan and "Sort" not in plan, plan


@pytest.mark.parametrize("wanted", [{"stage": "visit"}, {"late": True}, {"soon": True}])
def test_what_runs_out_is_looked_for_among_what_runs(wanted):
    plan = _plan(selectors.tickets(user("bureau"), selectors.Filters(**wanted), at=NOON).order_by(*selectors.DUE_FIRST)[:30])
    assert "ticket_due_first" in plan and "Sort" not in plan, plan


def _plan(found) -> str:
    sql, params = found.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")  # so few rows are sorted sooner
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_a_single_sign_is_looked_for_where_a_clock_runs_and_the_list_says_so():
    running, done = dispatched(content="阀门漏水"), dispatched(content="楼道漏水")
    Ticket.objects.filter(pk=done.pk).update(due_at=None)
    found = selectors.tickets(user("bureau"), selectors.Filters(q="漏"), at=NOON)
    assert running in found and done not in found
    assert done in selectors.tickets(user("bureau"), selectors.Filters(q="漏水"), at=NOON)
    client = browser("bureau")
    assert "两个字起搜全部" in client.get("/tickets/?q=漏").content.decode()
    assert "两个字起搜全部" not in client.get("/tickets/?q=漏水").content.decode()
