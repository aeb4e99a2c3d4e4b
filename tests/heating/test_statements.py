"""How much each page asks of the database: a number that is pinned, so that nobody lets it grow unseen (P7, P9)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import selectors
from heating import homes
from tests.story import MINUTE, NOON, browser, dispatched, received, tick, user

pytestmark = pytest.mark.django_db
LATER = NOON + 40 * MINUTE
BRACKETS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
FILTERS = (
    "", "state=dispatched", "state=open&street=street-weiyanggong", "late=1", "soon=1", "unit=demo-heating-1", "community=demo-community-1", "category=heating_service",
    "source=12345&order=newest", "q=暖气", "q=不热&order=newest", "q=13812345678", "mine=doer", "since=2025-11-01&until=2025-12-01&category=heating_service",
)  # fmt: skip


@pytest.fixture(autouse=True)
def world(monkeypatch):
    """Some calls of a morning, dispatched and late, and one that waits."""
    monkeypatch.setattr("core.clock.now", lambda: LATER)
    for ago in range(3):
        dispatched(at=NOON - timedelta(minutes=ago))
    received(content="小区门口的树倒了。", community="")
    tick(LATER)


def statements(client, path: str, **headers) -> int:
    """How many a page asks once it has been asked before; the brackets of a transaction are none."""
    client.get(path)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path, **headers).status_code in (200, 204), path
    return sum(not query["sql"].startswith(BRACKETS) for query in asked.captured_queries)


@pytest.mark.parametrize("login", ["bureau", "heating1", "street"])
def test_the_queue_asks_seven_statements_whatever_it_is_narrowed_by(login):
    client = browser(login)
    most = {filters: statements(client, f"/tickets/?{filters}") for filters in FILTERS}
    # A search of words asks once more, which communities have them in their names.
    assert {filters: count for filters, count in most.items() if count > 7 + ("q=" in filters)} == {}, most


@pytest.mark.parametrize(
    ("login", "path"),
    [("bureau", "/"), ("bureau", "/wall/"), ("bureau", "/oversight/?days=150"), ("dispatcher", "/"), ("heating1", "/"), ("heating1", "/oversight/"), ("street", "/")],
)
def test_a_home_and_the_statistics_ask_six_statements_at_most(login, path):
    # Who asks, what is known of them, for a home the journal's head; two rounds of questions; the frame.
    assert statements(browser(login), path) <= 6


@pytest.mark.parametrize("login", ["bureau", "dispatcher", "heating1", "heating2", "street", "property1", "reform", "viewer"])
def test_a_home_shows_what_each_of_its_questions_would_say_alone(login, monkeypatch):
    at_once = homes.home_of(user(login), at=LATER)
    monkeypatch.setattr("core.together.fill", lambda querysets: None)
    assert homes.home_of(user(login), at=LATER) == at_once


@pytest.mark.parametrize(("login", "path"), [("bureau", "/"), ("bureau", "/wall/"), ("heating1", "/")])
def test_a_refresh_of_what_did_not_change_asks_three(login, path):
    client = browser(login)
    version = client.get(path).headers["X-Version"]
    assert statements(client, path, HTTP_HX_REQUEST="true", HTTP_X_REFRESH="1", HTTP_X_VERSION=version) == 3


def test_the_first_ticket_follows_the_list_by_itself_and_is_the_same_as_at_its_address():
    client = browser("bureau")
    page = client.get("/tickets/").content.decode()
    first = selectors.listing(user("bureau"), selectors.Filters(state="open"), at=LATER, order=selectors.DUE_FIRST, size=1).rows[0]
    assert f'hx-get="/tickets/{first.number}/?" hx-trigger="intersect once" hx-target="#ticket-detail"' in page and f'data-ticket="{first.number}"' not in page
    assert f'data-ticket="{first.number}"' in client.get(f"/tickets/{first.number}/?", HTTP_HX_REQUEST="true").content.decode()
