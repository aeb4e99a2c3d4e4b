"""Many questions in one statement, rows of many tables in one round trip; what is refused leaves nothing behind."""

import pytest
from django.db import IntegrityError

from core import clock, journal, one_trip
from core.models import Attachment, Entry
from core.one_trip import Question, Rows
from deadlines.models import Rung
from notices.models import Notice
from tests.story import NOON, unit
from units.models import Unit


def notice(key: str, **more) -> Notice:
    return Notice(key=key, unit=unit("finance"), audience="workers", kind="note", subject="话", created_at=NOON, **more)


def entry(act: str):
    return journal.entry(unit("finance"), act, actor=None, at=NOON, note="记")


@pytest.mark.django_db
def test_several_questions_are_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        keys, code, nothing = one_trip.ask(
            one_trip.new_keys(Notice, 3), Question("SELECT code FROM units_unit WHERE code = %s", ("finance",)), Question("SELECT NULL")
        )
    assert len(set(keys)) == 3 and code == "finance" and nothing is None
    one_trip.write(Rows([notice("by its key", pk=keys[0])]))
    assert Notice.objects.get(key="by its key").pk == keys[0]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3, one_trip.FEW + 1, one_trip.MOST_ROWS + 2])
def test_rows_of_several_tables_are_one_round_trip_and_arrive_as_they_were(django_assert_num_queries, count):
    before = Entry.objects.count()
    notices = [notice(f"n{number}", data={"达": [number, None]}, body="“引号”\t%s", routed_at=NOON if number % 2 else None) for number in range(count)]
    entries = [entry("tried") for _ in range(count)]
    with django_assert_num_queries(1):
        one_trip.write(Rows(notices), Rows([]), Rows(entries))
    found = {one.key: one for one in Notice.objects.filter(key__startswith="n")}
    for one in notices:
        kept = found[one.key]
        assert (kept.data, kept.body, kept.routed_at, kept.created_at, kept.link) == (one.data, one.body, one.routed_at, NOON, "")
    assert Entry.objects.count() == before + count and journal.verify() is None


@pytest.mark.django_db
def test_sealed_texts_and_arrays_go_the_way_of_their_fields():
    kept = [Attachment(subject_kind="x", subject_key=str(number), name="a.jpg", content_type="image/jpeg", size=1, sha256="", path="a", origin=f"地{number}", uploaded_at=NOON) for number in range(30)]
    one_trip.write(Rows(kept))
    assert {one.origin for one in Attachment.objects.filter(subject_kind="x")} == {f"地{number}" for number in range(30)}
    rung = Rung.objects.order_by("-position").first()
    more = [Rung(policy=rung.policy, position=rung.position + number, after=NOON - NOON, level=0, audiences=["doer", "bureau"], audiences_if_bureau=[]) for number in range(1, 30)]
    one_trip.write(Rows(more))
    assert Rung.objects.get(policy=rung.policy, position=rung.position + 29).audiences == ["doer", "bureau"]


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_leaves_nothing_and_what_is_known_is_passed_over():
    one_trip.write(Rows([notice("known")]))
    one_trip.write(Rows([notice("known"), notice("new")], once=True), Rows([entry("second")]))
    assert Notice.objects.filter(key__in=["known", "new"]).count() == 2
    with pytest.raises(IntegrityError):  # outside any transaction: they are one all the same
        one_trip.write(Rows([notice("lost")]), Rows([entry("lost")]), Rows([notice("known")]))
    with pytest.raises(IntegrityError):  # a key that is checked at the end only
        one_trip.write(Rows([notice("lost")]), Rows([Notice(key="nobody", unit_id=0, audience="workers", kind="note", subject="话", created_at=NOON)]))
    assert not Notice.objects.filter(key__in=["lost", "nobody"]).exists() and not Entry.objects.filter(act="lost").exists()
    assert Unit.objects.exists() and abs(clock.now() - clock.of_request()).total_seconds() < 60
