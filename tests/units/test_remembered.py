"""Who may enter and what they may do is remembered, and forgotten at once with whatever takes it away, by whatever way."""

import pytest
from django.db import connection, transaction

from core import stamps
from tests.story import NOON, Caller, unit, user
from units import access, selectors
from units.models import ApiToken, Membership, Unit, User

pytestmark = pytest.mark.django_db


def by_hand(sql: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def owner_of(caller: Caller) -> User | None:
    token = selectors.token_of(caller.token)
    return token and token.user


@pytest.fixture
def desk() -> Caller:
    caller = Caller("social-work", "dispatcher")
    assert caller.get("tickets/").status_code == 200
    return caller


def test_a_known_caller_costs_one_small_statement(desk, django_assert_num_queries):
    access.home_unit(owner_of(desk))
    with stamps.held(), django_assert_num_queries(1):
        found = owner_of(desk)
        assert access.rights(found) and access.home_unit(found).code == "social-work"
    found.full_name = "别人"  # what one request does to its caller stays with it
    assert owner_of(desk).full_name != "别人"


@pytest.mark.parametrize(
    "end",
    [
        lambda one: access.revoke_token(ApiToken.objects.get(user=one), actor=None, at=NOON),
        lambda one: User.objects.filter(pk=one.pk).update(is_active=False),
        lambda one: by_hand("UPDATE units_apitoken SET revoked_at = now() WHERE user_id = %s", one.pk),
        lambda one: ApiToken.objects.filter(user=one).update(networks=["10.9.0.0/16"]),
        lambda one: by_hand("UPDATE units_user SET is_active = false WHERE id = %s", one.pk),
        lambda one: by_hand("DELETE FROM units_apitoken WHERE user_id = %s", one.pk),
    ],
)
def test_a_token_that_is_no_more_opens_nothing_from_the_next_request_on(desk, end):
    end(owner_of(desk))
    assert desk.get("tickets/").status_code == 401


@pytest.mark.parametrize(
    "end",
    [
        lambda one: access.leave(Membership.objects.get(user=one), actor=None, at=NOON),
        lambda one: by_hand("DELETE FROM units_user_groups WHERE user_id = %s", one.pk),
        lambda one: by_hand("DELETE FROM units_groupunitpermission"),
    ],
)
def test_a_right_that_is_taken_away_is_gone_at_once(desk, end):
    assert access.everywhere(owner_of(desk), access.DISPATCH_TICKETS)
    end(owner_of(desk))
    assert access.rights(owner_of(desk)) == {} and desk.get("tickets/").json()["results"] == []


def test_a_right_that_is_given_counts_at_once_and_what_was_rolled_back_never_did():
    one = user("heating1")
    assert not access.everywhere(user("heating1"), access.SEE_WORK)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        access.enrol(one, unit("urban-management"), "officer", actor=None, at=NOON)
        assert access.everywhere(user("heating1"), access.SEE_WORK)
        raise ZeroDivisionError
    assert not access.everywhere(user("heating1"), access.SEE_WORK)
    access.enrol(one, unit("urban-management"), "officer", actor=None, at=NOON)
    assert access.everywhere(user("heating1"), access.SEE_WORK)


def test_the_unit_of_a_caller_is_told_by_its_present_name(desk):
    assert access.home_unit(owner_of(desk)).short_name != "社工部"
    Unit.objects.filter(code="social-work").update(short_name="社工部")
    assert access.home_unit(owner_of(desk)).short_name == "社工部"


def test_a_wrong_token_is_not_remembered(desk):
    for guess in range(3):
        assert selectors.token_of(f"guess-{guess}") is None
    assert len(stamps.remembered(stamps.PEOPLE, "tokens", dict)) <= 1


def test_every_column_of_an_account_is_watched_but_when_it_last_signed_in():
    [watch] = [one for one in User._meta.triggers if one.name == "stamp_people"]
    assert {field.name for field in User._meta.concrete_fields} - {"id", "last_login"} == set(watch.operation.operations[1].columns)
    before = stamps.remembered(stamps.PEOPLE, "mark", object)
    User.objects.filter(username="heating1").update(last_login=NOON)
    assert stamps.remembered(stamps.PEOPLE, "mark", object) is before
