"""What the portal is for, done as its people do it: a file comes in, is dispatched, one ticket is closed, one is left alone."""

import json
import re
from pathlib import Path

import openpyxl
import pytest

from tests.browser.conftest import wait_for

SAMPLE = Path(__file__).parents[1] / "complaints" / "data" / "sample.jsonl"
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


def workbook(path: Path) -> Path:
    """A 12345 file made of the real complaints of the sample, under a title row, with a community for each and one row that is wrong."""
    sample = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["12345 热线供热类工单导出表"])
    sheet.append(["工单编号", "主要内容", "来电时间", "来电人", "联系电话", "小区名称", "经办科室"])
    for number, one in enumerate(sample, 1):
        community = "演示和暖苑" if number % 2 else "演示煦园"
        sheet.append([f"SJ{number:04d}", one["text"], "2026年1月5日 8时30分", "李某", f"139{number:08d}", community, "三科"])
    sheet.append(["SJ9999", "", "昨天", "李某", "不详", "", ""])
    book.save(path)
    return path


def submit(visitor, act: str) -> None:
    """Press the button of the act's own form, and be back at the ticket."""
    visitor.page.locator("form[method=post]").get_by_role("button", name=re.compile(act)).last.click()
    visitor.page.wait_for_url(re.compile(r"/tickets/WY-\d{8}-\d{6}/$"))


@pytest.mark.clause("D18.1", "D18.2", "G25", "G15", "I14")
def test_a_file_of_real_complaints_is_imported_dispatched_and_one_is_closed(portal, visit, tmp_path):
    desk = visit("dispatcher")
    desk.page.goto("/imports/")
    desk.page.set_input_files("#id_file", workbook(tmp_path / "12345.xlsx"))
    desk.shot("import-upload")
    desk.page.get_by_role("button", name="上传并识别列").click()
    desk.page.get_by_role("button", name=re.compile("列已核对")).wait_for()
    desk.shot("import-columns")
    desk.page.get_by_role("button", name=re.compile("列已核对")).click()
    desk.page.get_by_role("button", name=re.compile("^导入.*行")).wait_for(timeout=60_000)
    assert "无法识别" in desk.page.content(), "错误行须写明原因"
    desk.shot("import-preview")
    desk.page.get_by_role("button", name=re.compile("^导入.*行")).click()
    desk.page.get_by_text("新增工单").wait_for(timeout=60_000)
    desk.shot("import-done")
    token = portal.token("social-work", "dispatcher")
    rows = portal.call("GET", "tickets/?q=SJ0001", token)[1]["results"]
    assert len(rows) == 1 and rows[0]["state"] == "received"

    desk.page.goto("/dispatch/")
    ticks = desk.page.locator("input[name=number]:not([disabled])")
    for number in range(min(ticks.count(), 8)):
        ticks.nth(number).check()
    desk.shot("desk")
    desk.page.get_by_role("button", name="按建议交办所选").click()
    desk.page.get_by_text("已交办").first.wait_for()
    desk.shot("desk-dispatched")

    number = portal.call("GET", "tickets/?q=SJ0007", token)[1]["results"][0]["number"]
    if portal.call("GET", f"tickets/{number}/", token)[1]["state"] == "received":
        desk.page.goto(f"/tickets/{number}/dispatch/")
        desk.page.select_option("#id_category", "heating_service")
        desk.page.select_option("#id_doer", "demo-heating-1")
        desk.shot("dispatch-form")
        submit(desk, "交办")
    ticket = portal.call("GET", f"tickets/{number}/", token)[1]
    assert (ticket["state"], ticket["doer"]) == ("dispatched", "demo-heating-1")

    company = visit("heating1", size="phone")
    company.page.goto(f"/tickets/{number}/respond/")
    company.page.get_by_label("电话", exact=True).check()
    company.shot("respond-form")
    submit(company, "响应")
    company.page.goto(f"/tickets/{number}/arrive/")
    company.page.get_by_label("见证人", exact=True).check()
    company.page.locator("#id_note").fill("物业王师傅在场")
    submit(company, "到场")
    company.page.goto(f"/tickets/{number}/finish/")
    company.page.fill("#id_cause", "支管气堵")
    company.page.fill("#id_measure", "排气并清洗过滤器")
    company.page.fill("#id_celsius_1", "20.6")
    submit(company, "办结")
    company.page.goto(f"/tickets/{number}/callback/")
    for label in ("结果回访", "已接通", "已解决", "满意"):
        company.page.get_by_label(label, exact=True).check()
    submit(company, "回访")
    company.shot("closed", full=True)
    ticket = portal.call("GET", f"tickets/{number}/", token)[1]
    assert ticket["state"] == "closed"
    assert [one["outcome"] for one in ticket["deadlines"] if one["stage"] in ("response", "visit", "callback")] == ["met"] * 3
    assert desk.complaints == [] and company.complaints == []


@pytest.mark.clause("D1.7", "D1.8", "G25")
def test_what_nobody_answers_is_on_the_bureaus_screen_within_seconds_of_being_late(portal, visit, short_limits):
    token = portal.token("social-work", "dispatcher")
    bureau = visit("bureau")
    bureau.page.goto("/")
    status, ticket = portal.call("POST", "tickets/", token, {
        "source": "12345", "external_no": "LL-0002", "kind": "complaint", "content": "暖气冰凉，家里有老人，没有人来看。", "called_at": "2026-01-05T08:00:00+08:00",
        "community": "demo-community-2", "building": "9号楼", "doer": "demo-heating-2", "category": "heating_service",
    })  # fmt: skip
    assert status == 201 and ticket["state"] == "dispatched"
    number = ticket["number"]
    officer = portal.token("urban-management", "officer")

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
