"""An open page refreshes itself; while nothing was done the answer is empty (P10)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.story import NOON, browser, received

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    now = [NOON]
    monkeypatch.setattr("core.clock.now", lambda: now[0])
    return now


@pytest.mark.parametrize(("login", "path"), [("bureau", "/"), ("bureau", "/wall/"), ("heating1", "/"), ("street", "/")])
def test_a_refresh_is_empty_until_something_is_done_or_a_minute_is_over(noon, login, path):
    client = browser(login)
    page = client.get(path)
    version = page.headers["X-Version"]
    assert f'data-version="{version}"' in page.content.decode()

    def refresh(shown: str):
        return client.get(path, HTTP_HX_REQUEST="true", HTTP_X_REFRESH="1", HTTP_X_VERSION=shown)

    with CaptureQueriesContext(connection) as asked:
        assert refresh(version).status_code == 204
    assert len(asked) <= 5
    received()
    changed = refresh(version)
    assert changed.status_code == 200 and changed.headers["X-Version"] != version
    noon[0] = NOON + timedelta(minutes=1)
    assert refresh(changed.headers["X-Version"]).status_code == 200
    assert browser("deputy").get("/", HTTP_HX_REQUEST="true", HTTP_X_REFRESH="1", HTTP_X_VERSION=version).status_code == 200, "别人的版本不算"
