"""The wall of the command room: the same truth as the bureau's home, for those whose truth it is."""

import pytest

from tests.story import HOUR, NOON, browser, dispatched, tick

pytestmark = pytest.mark.django_db


def test_the_wall_is_for_the_task_force_and_shows_the_same_figures_as_its_home():
    dispatched(at=NOON)
    tick(NOON + HOUR)
    page = browser("bureau").get("/wall/")
    assert page.status_code == 200 and "指挥大屏" in page.content.decode() and page.context["counts"] == browser("bureau").get("/").context["counts"]
    part = browser("bureau").get("/wall/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "即将超时" in part
    assert [browser(who).get("/wall/").status_code for who in ("heating1", "street", "admin")] == [403] * 3
