"""What people are promised is what the plan in force says, on every page that says it."""

from datetime import timedelta

import pytest
from django.conf import settings

from complaints.residents import codes
from core import clock
from deadlines import promises
from deadlines.models import Policy
from heating import planfile, planload
from tests.story import browser, dispatched

pytestmark = pytest.mark.django_db


def _twenty_minutes():
    text = (settings.BASE_DIR / "heating" / "plan" / "weiyang-2025-2026.yaml").read_text(encoding="utf-8")
    planload.load(planfile.read(text.replace("allowance: PT15M, clause: G25", "allowance: PT20M, clause: G25")), at=clock.now())


@pytest.mark.clause("G25")
def test_the_three_promises_stand_in_the_words_of_the_plan():
    assert promises.spoken() == "15 分钟响应、1 小时上门、24 小时回访"
    assert [(one.within, one.what) for one in promises.made()] == [("15 分钟", "响应"), ("1 小时", "上门"), ("24 小时", "回访")]


@pytest.mark.clause("G25")
def test_who_changes_a_limit_has_changed_its_name_and_every_promise_of_it(client):
    before = dispatched()
    _twenty_minutes()
    assert Policy.objects.get(code="response", is_current=True).name == "20 分钟响应"
    code = codes.issue("district", actor=None, at=clock.now())
    assert "<b>20 分钟</b>响应" in client.get(f"/m/{code.token}/").content.decode()
    bureau = browser("bureau")
    for path in ("/", "/oversight/"):
        page = bureau.get(path).content.decode()
        assert "20 分钟响应率" in page and "15 分钟响应率" not in page, path
    # What was opened under the old limit stays under it.
    assert "15 分钟响应" in bureau.get(f"/tickets/{before.number}/").content.decode()
    assert "20 分钟响应" in bureau.get(f"/tickets/{dispatched().number}/").content.decode()


def test_a_name_without_a_time_or_a_limit_given_with_each_case_keeps_its_name():
    assert promises.respelled("退单裁定", timedelta(minutes=20)) == "退单裁定"
    assert promises.respelled("24 小时回访", None) == "24 小时回访"
    assert promises.respelled("15 分钟响应", timedelta(seconds=10)) == "10 秒响应"
