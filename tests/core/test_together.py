"""Selectors that wait for each other: one statement, and the very rows that each would have asked for alone."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db.models import Avg, Count, DateTimeField, DurationField, ExpressionWrapper, F, Func, Q

from complaints.models import Assignment, Ticket
from core.together import Waiting, aggregated, fill, may_wait, only_row, side_by_side, together
from deadlines import engine
from deadlines.models import Deadline, Season
from tests.story import HOUR, MINUTE, NOON, arrive, dispatched, received, respond, tick
from units.models import Unit

pytestmark = pytest.mark.django_db
LENGTH = ExpressionWrapper(F("due_at") - F("opened_at"), DurationField())
SHAPES = {
    "models and theirs": lambda: Ticket.objects.select_related("community", "doer").only("number", "community__name", "doer__short_name").order_by("-pk"),
    "dicts": lambda: Ticket.objects.order_by("number").values("number", "suggestion", "ingested_at"),
    "a flat slice": lambda: Ticket.objects.order_by("number").values_list("number", flat=True)[1:3],
    "named tuples": lambda: Ticket.objects.order_by("number").values_list("number", "round", named=True),
    "annotated": lambda: Deadline.objects.annotate(length=LENGTH).order_by("pk"),
    "grouped": lambda: Deadline.objects.order_by("stage").values("stage").annotate(all=Count("pk"), mean=Avg(LENGTH), late=Count("pk", filter=engine.late(NOON))),
    "figures": lambda: aggregated(Deadline.objects.all(), all=Count("pk"), mean=Avg(LENGTH), ratio=Avg("pk")),
    "without": lambda: Season.objects.defer("source", "settings"),
    "distinct": lambda: Ticket.objects.order_by("street__code", "ingested_at").values_list("street__code", flat=True).distinct(),
    "none": lambda: Unit.objects.none(),
    "nothing": lambda: Unit.objects.filter(code="nobody"),
    "figures of none": lambda: aggregated(Unit.objects.none(), all=Count("pk")),
}  # fmt: skip


@pytest.fixture(autouse=True)
def morning():
    """Tickets that are late, one that somebody went to see, one that waits; with what is awkward in a text."""
    ticket = dispatched()
    respond(ticket, NOON + MINUTE)
    arrive(ticket, NOON + 30 * MINUTE)
    dispatched(content='家里暖气不热，“引号”\t100%s {"键": [1, null]}', at=NOON + timedelta(microseconds=1))
    received(content="小区门口的树倒了。", community="")
    tick(NOON + 3 * HOUR)


def seen(row):
    """What a row holds, and the types of it, its related rows included."""
    if not hasattr(row, "_state"):
        return type(row), row
    held = {name: (type(value), value) for name, value in row.__dict__.items() if name != "_state"}
    return held | {name: seen(value) for name, value in row._state.fields_cache.items()}


def test_each_table_of_the_house_comes_back_as_it_would_alone(django_assert_num_queries):
    models = [model for model in apps.get_models() if model._meta.managed]
    rows = lambda: [model._default_manager.order_by("pk")[:50] for model in models]  # noqa: E731 (two uses, one line)
    alone, asked = rows(), rows()
    with django_assert_num_queries(1):
        fill(asked)
    for model, one, other in zip(models, alone, asked, strict=True):
        assert [seen(row) for row in other] == [seen(row) for row in one], model
    assert sum(map(bool, asked)) > 20


@pytest.mark.parametrize("name", SHAPES)
def test_a_queryset_of_any_shape_keeps_it(name, django_assert_num_queries):
    alone, asked = SHAPES[name](), SHAPES[name]()
    fill([asked, Unit.objects.filter(code="finance"), Unit.objects.filter(code="nobody")])
    with django_assert_num_queries(0):
        found = list(asked)
    assert [seen(row) for row in found] == [seen(row) for row in alone]


def test_a_filled_queryset_is_a_queryset_still(django_assert_num_queries):
    asked, parts = Ticket.objects.prefetch_related("assignments").order_by("number"), Assignment.objects.all()
    with django_assert_num_queries(2):
        fill([asked, parts])
        assert sum(len(ticket.assignments.all()) for ticket in asked) == len(parts) > 0
    received(content="门口又积水了。", community="")
    assert asked.filter(number=asked[0].number).get() == asked[0] and asked.all().count() == len(asked) + 1


def test_what_has_no_way_through_json_is_said_at_once():
    moments = Func(F("ingested_at"), function="array_agg", output_field=ArrayField(DateTimeField()))
    with pytest.raises(TypeError, match="ArrayField"):
        fill([Ticket.objects.order_by().values("round").annotate(moments=moments), Unit.objects.all()])


# ---------------------------------------------------------------- selectors


@may_wait
def doers(state: str) -> Waiting[set[str]]:
    """Who does the tickets of a state: a question, and another about what came of it."""
    found = Ticket.objects.filter(state=state)
    yield found
    parts = Assignment.objects.filter(part="doer", until=None, ticket__in=[ticket.pk for ticket in found]).select_related("unit")
    yield parts
    return {part.unit.code for part in parts}


@may_wait
def counted(condition: Q) -> Waiting[dict]:
    """Two figures."""
    found = aggregated(Ticket.objects.filter(condition), all=Count("pk"), round=Avg("round"))
    yield found
    return only_row(found)


@may_wait
def both() -> Waiting[dict]:
    """One that asks others side by side, and needs nothing itself."""
    return (yield from side_by_side(all=counted.later(Q()), none=counted.later(Q(pk__in=[]))))


def test_each_round_is_one_statement(django_assert_num_queries):
    with django_assert_num_queries(2):
        found = together(
            dispatched=doers.later("dispatched"), arrived=doers.later("arrived"), both=both.later(), newest=Ticket.objects.order_by("-pk")[:1]
        )
    assert list(found) == ["dispatched", "arrived", "both", "newest"]
    assert found["dispatched"] == found["arrived"] == {"demo-heating-1"} and [ticket.state for ticket in found["newest"]] == ["received"]
    assert found["both"] == {"all": {"all": 3, "round": 1}, "none": {"all": 0, "round": None}}


def test_alone_a_selector_asks_by_itself(django_assert_num_queries):
    with django_assert_num_queries(2):
        assert doers("dispatched") == {"demo-heating-1"}
    with django_assert_num_queries(1):
        assert both() == {"all": {"all": 3, "round": 1}, "none": {"all": 0, "round": None}}
    assert doers.__doc__.startswith("Who does")
    with django_assert_num_queries(0):
        assert together() == {} and together(none=Ticket.objects.none()) == {"none": []}
