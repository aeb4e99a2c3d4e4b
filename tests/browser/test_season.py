"""The season campaign at the screen: a company's clerk declares, the bureau's officer verifies, and the board shows it; the rehearsal plays."""

import re
from datetime import datetime, timedelta

import pytest

from core.civil import SHANGHAI


@pytest.mark.clause("H5", "C6")
def test_a_clerk_declares_several_at_once_the_bureau_verifies_and_the_board_shows_it(portal, visit):
    clerk = visit("heating2")
    page = clerk.page
    page.goto("/milestones/H5/")
    boxes = page.locator("input[name=item]")
    mine = boxes.count()
    assert mine >= 3
    for number in range(mine):
        boxes.nth(number).check()
    page.get_by_label("说明").first.fill("现场核对完成，供水温度正常")
    page.get_by_role("button", name="报告").click()
    page.get_by_role("heading", name="结果").wait_for()
    assert page.locator(".ok-t", has_text="完成").count() == mine
    clerk.shot("milestone-declared", full=True)
    officer = visit("bureau")
    page = officer.page
    page.goto("/milestones/H5/?unit=demo-heating-2")
    for number in range(page.locator("input[name=item]").count()):
        page.locator("input[name=item]").nth(number).check()
    page.get_by_label("核验意见").fill("抽查属实")
    page.get_by_role("button", name="核验通过").click()
    page.get_by_role("heading", name="结果").wait_for()
    assert page.locator(".ok-t", has_text="完成").count() == mine
    page.goto("/milestones/")
    row = page.locator("tr", has_text="演示二热力")
    assert re.fullmatch(r"\d+\.\d+", row.locator("td").last.inner_text().strip())
    officer.shot("milestones", full=True)
    phone = visit("bureau", size="phone")
    phone.page.goto("/milestones/")
    phone.shot("milestones", full=True)
    assert clerk.complaints == [] and officer.complaints == []


@pytest.mark.clause("I7", "I8")
def test_a_clerk_corrects_a_daily_report_is_asked_back_and_the_bureau_sees_both_versions(visit):
    clerk = visit("heating1", size="phone")
    page = clerk.page
    page.goto("/reports/")
    day = (datetime.now(SHANGHAI) - timedelta(days=4)).date()
    page.goto(f"/reports/demo-heating-1/{day}/?revise=1")
    used = page.get_by_label("天然气消耗")
    used.fill("20")
    page.get_by_label("更正原因").fill("抄表单位有误")
    clerk.shot("report-form", full=True)
    page.get_by_role("button", name="保存更正").click()
    page.get_by_text("请核对上面标出的数据").wait_for()
    assert page.get_by_label("天然气消耗").input_value() == "20" and page.get_by_label("更正原因").input_value() == "抄表单位有误"
    page.get_by_label("核对说明").fill("停炉检修，只余值守")
    page.get_by_role("button", name="保存更正").click()
    page.get_by_role("heading", name="第 2 版").wait_for()
    officer = visit("bureau")
    page = officer.page
    page.goto(f"/reports/?day={day}")
    page.locator("tr", has_text="演示一热力").first.get_by_text("更正").wait_for()
    officer.shot("reports", full=True)
    page.get_by_role("link", name="演示一热力").first.click()
    assert page.get_by_text("抄表单位有误").count() == 1 and page.get_by_role("heading", name="第 1 版").count() == 1
    assert clerk.complaints == [] and officer.complaints == []


def test_the_ignition_draws_its_load_before_and_after(visit):
    officer = visit("bureau")
    page = officer.page
    page.goto("/milestones/ignition/")
    assert page.locator("[data-chart=ignition-data] svg").count() == 1
    officer.shot("ignition", full=True)
    assert officer.complaints == []
