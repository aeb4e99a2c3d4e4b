"""The season campaign at the screen: a company's clerk declares, the bureau's officer verifies, and the board shows it; the rehearsal plays."""

import re

import pytest


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


def test_the_ignition_draws_its_load_before_and_after(visit):
    officer = visit("bureau")
    page = officer.page
    page.goto("/milestones/ignition/")
    assert page.locator("[data-chart=ignition-data] svg").count() == 1
    officer.shot("ignition", full=True)
    assert officer.complaints == []
