"""What the portal is for, done as its people do it: a file comes in, is dispatched, one ticket is closed, one is left alone."""

import re

import pytest

from tests.browser.conftest import wait_for

SHORT = {"response": "PT6S", "visit": "PT12S"}


@pytest.fixture
def short_limits(portal, tmp_path):
    """The same plan with a response limit of seconds; put back afterwards."""
    plan = portal.manage("dump_plan")
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    short = plan
    for code, limit in SHORT.items():
        short = re.sub(rf"(- code: {code}\n  name: [^\n]+\n  stage: {code}\n  allowance: )\S+", rf"\g<1>{limit}", short)
    assert short != plan
    (tmp_path / "short.yaml").write_text(short, encoding="utf-8")
    portal.manage("load_plan", str(tmp_path / "short.yaml"))
    yield
    portal.manage("load_plan", str(tmp_path / "plan.yaml"))


@pytest.mark.clause("D18.1", "D18.2", "G25", "G15")
def test_a_company_answers_visits_finishes_and_calls_back_through_plain_forms(portal, visit):
    token = portal.manage("issue_token", "--unit", "social-work", "--role", "dispatcher").strip()
    status, ticket = portal.call("POST", "tickets/", token, {
        "source": "12345", "external_no": "LL-0001", "kind": "complaint", "content": "家里暖气不热，客厅只有14度，麻烦尽快来看看。",
        "called_at": "2026-01-05T08:00:00+08:00", "complainant": {"name": "李四", "phone": "13900000001"}, "community": "demo-community-1", "building": "3号楼",
    })  # fmt: skip
    assert status == 201 and ticket["state"] == "received"
    number = ticket["number"]

    desk = visit("dispatcher")
    desk.page.goto(f"/tickets/{number}/dispatch/")
    assert desk.page.locator("#id_category").input_value() == "heating_service"
    assert desk.page.locator("#id_doer").input_value() == "demo-heating-1"
    desk.shot("dispatch-form")
    desk.page.locator("form").get_by_role("button", name="交办").last.click()
    desk.page.wait_for_url(re.compile(rf"/tickets/{number}/$"))
    assert "待响应" in desk.page.content()

    company = visit("heating1", size="phone")
    company.page.goto(f"/tickets/{number}/respond/")
    company.page.get_by_label("电话", exact=True).check()
    company.shot("respond-form")
    company.page.locator("form[method=post]").get_by_role("button", name=re.compile("响应")).last.click()
    company.page.wait_for_url(re.compile(rf"/tickets/{number}/$"))
    company.page.goto(f"/tickets/{number}/arrive/")
    company.page.get_by_label("见证人", exact=True).check()
    company.page.locator("#id_note").fill("物业王师傅在场")
    company.page.locator("form[method=post]").get_by_role("button", name=re.compile("到场")).last.click()
    company.page.wait_for_url(re.compile(rf"/tickets/{number}/$"))
    company.page.goto(f"/tickets/{number}/finish/")
    company.page.fill("#id_cause", "支管气堵")
    company.page.fill("#id_measure", "排气并清洗过滤器")
    company.page.fill("#id_celsius_1", "20.6")
    company.page.locator("form[method=post]").get_by_role("button", name=re.compile("办结")).last.click()
    company.page.wait_for_url(re.compile(rf"/tickets/{number}/$"))
    company.page.goto(f"/tickets/{number}/callback/")
    company.page.get_by_label("结果回访", exact=True).check()
    company.page.get_by_label("已接通", exact=True).check()
    company.page.get_by_label("已解决", exact=True).check()
    company.page.get_by_label("满意", exact=True).check()
    company.page.locator("form[method=post]").get_by_role("button", name=re.compile("回访")).last.click()
    company.page.wait_for_url(re.compile(rf"/tickets/{number}/$"))
    company.shot("closed", full=True)
    status, ticket = portal.call("GET", f"tickets/{number}/", token)
    assert ticket["state"] == "closed"
    assert [one["outcome"] for one in ticket["deadlines"] if one["stage"] in ("response", "visit", "callback")] == ["met"] * 3
    assert desk.complaints == [] and company.complaints == []


@pytest.mark.clause("D1.7", "D1.8", "G25")
def test_what_nobody_answers_is_on_the_bureaus_screen_within_seconds_of_being_late(portal, visit, short_limits):
    token = portal.manage("issue_token", "--unit", "social-work", "--role", "dispatcher").strip()
    bureau = visit("bureau")
    bureau.page.goto("/")
    status, ticket = portal.call("POST", "tickets/", token, {
        "source": "12345", "external_no": "LL-0002", "kind": "complaint", "content": "暖气冰凉，家里有老人，没有人来看。", "called_at": "2026-01-05T08:00:00+08:00",
        "community": "demo-community-2", "building": "9号楼", "doer": "demo-heating-2", "category": "heating_service",
    })  # fmt: skip
    assert status == 201 and ticket["state"] == "dispatched"
    number = ticket["number"]
    officer = portal.manage("issue_token", "--unit", "urban-management", "--role", "officer").strip()

    def escalated():
        rows = portal.call("GET", "escalations/?unit=demo-heating-2&kind=response", officer)[1]["results"]
        return next((row for row in rows if row["ticket"] == number), None)

    order = wait_for(escalated, 25, "超时后没有督办单")
    assert order["level"] == 1 and order["unit"] == "demo-heating-2"
    bureau.page.goto("/escalations/")
    bureau.page.get_by_text(number).first.wait_for()
    bureau.shot("escalations")
    bureau.page.goto("/")
    bureau.page.get_by_text(number[7:]).first.wait_for()
    bureau.shot("bureau-home")
    wait_for(lambda: number in (bureau.page.goto("/inbox/"), bureau.page.content())[1], 15, "收件箱没有这条督办")
    bureau.shot("inbox")
    bureau.page.goto("/escalations/")
    row = bureau.page.locator("tr", has_text=number).first
    row.get_by_placeholder("处置意见").fill("已电话督促")
    row.get_by_role("button", name="签收").click()
    bureau.page.get_by_text("已电话督促").first.wait_for()
    phone = visit("bureau", size="phone")
    phone.page.goto("/")
    phone.shot("bureau-home", full=True)
    assert bureau.complaints == []


def test_a_wrong_password_locks_after_five_tries_and_says_so_in_chinese(portal, browser, visit):
    stranger = visit("")
    for _ in range(5):
        stranger.page.goto("/login/")
        stranger.page.fill("#id_username", "viewer")
        stranger.page.fill("#id_password", "wrong-Password-1")
        stranger.page.press("#id_password", "Enter")
        stranger.page.wait_for_load_state()
    assert "锁定" in stranger.page.content()
    stranger.shot("locked")
