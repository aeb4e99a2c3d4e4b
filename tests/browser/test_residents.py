"""A resident with an old phone: scans, complains, follows, agrees on a visit, is not helped, and is heard again. With and without scripts."""

import re
from datetime import datetime, timedelta

import pytest
from PIL import Image

from core.civil import SHANGHAI
from tests.browser.test_pages import violations


@pytest.fixture(scope="module")
def token(portal) -> str:
    """The token of the community's own code, as the demonstration has it."""
    return re.search(r"/m/(\w+)/", portal.manage("show_code", "--community", "demo-community-2")).group(1)


def clean(visitor, path: str) -> None:
    """The page opens, nothing overflows, and axe finds nothing."""
    assert visitor.page.goto(path).status in (200, 410)
    for size in ("", "200%"):
        visitor.page.evaluate("size => { document.documentElement.style.fontSize = size; }", size)
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, size)
        assert visitor.page.locator("a[href^='tel:']").first.is_visible(), (path, size)
    visitor.page.evaluate("document.documentElement.style.fontSize = ''")
    assert violations(visitor.page) == [], path


def solve_if_asked(visitor) -> None:
    """Past two submissions from one address a sum in a picture is asked for; everything else typed is still there."""
    page = visitor.page
    page.wait_for_load_state()
    page.locator("form[data-sending]").wait_for(state="detached")
    picture = page.locator("img[src^='/captcha/image/']")
    if not picture.count():
        return
    key = picture.get_attribute("src").split("/")[-2]
    page.get_by_label("图中算式的得数").fill(visitor.portal.manage("shell", "-v", "0", "-c", SUM.format(key=key)).strip())
    page.get_by_role("button", name="提交").click()


SUM = "from captcha.models import CaptchaStore; print(CaptchaStore.objects.get(hashkey='{key}').response)"


def fill_in(page, token: str, *, words: str, door: str, phone: str) -> None:
    """The three steps of the household behind that door, up to the last button."""
    page.goto(f"/m/{token}/")
    page.get_by_role("link", name="家里不热").click()
    page.get_by_text("主卧", exact=True).click()
    page.get_by_text("昨天起", exact=True).click()
    page.get_by_label("补充说明").fill(words)
    page.get_by_label("楼栋").fill("3号楼")
    page.get_by_label("单元", exact=True).fill("2")
    page.get_by_label("室（必填）").fill(door)
    page.get_by_label("联系电话").fill(phone)
    page.get_by_text("同意将以上信息").click(position={"x": 5, "y": 5})


def lose_the_answer(page) -> list[int]:
    """The line fails once what is sent has arrived: the portal has it, the telephone does not know. What the portal answered."""
    answered = []

    def fail(route) -> None:
        if route.request.method != "POST" or answered:
            route.continue_()
            return
        answered.append(route.fetch(max_redirects=0).status)
        route.abort("connectionreset")

    page.route("**/m/**", fail)
    return answered


def complain(visitor, token: str, *, words: str, door: str, phone: str) -> str:
    """Scan and complain while the line fails in the middle of sending; nothing typed is lost. The number on the receipt."""
    page = visitor.page
    fill_in(page, token, words=words, door=door, phone=phone)
    page.wait_for_timeout(3200)  # nobody fills it in within three seconds
    answered = lose_the_answer(page)
    page.get_by_role("button", name="提交").click()
    if visitor.scripts:
        page.get_by_text("网络断开，已为您保存").wait_for()
    else:
        page.wait_for_url(re.compile("chrome-error"))
        page.go_back()
    assert answered == [302]
    assert (page.get_by_label("补充说明").input_value(), page.get_by_label("室（必填）").input_value()) == (words, door)
    if not visitor.scripts:
        page.get_by_role("button", name="提交").click()
    page.wait_for_url(re.compile("/track/"), timeout=15000)
    return page.locator("[data-copy]").inner_text()


@pytest.mark.clause("G22", "G24", "G25")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("size", ["phone", "old"])
def test_from_the_scan_to_the_second_round_over_a_line_that_fails(portal, visit, token, size, scripts):
    resident = visit("", size=size, java_script_enabled=scripts)
    resident.scripts = scripts
    household = f"{3 + (size == 'old')}0{2 + scripts}"
    phone, words = f"13912340{household}", f"暖气片上热下凉（{household}）"
    number = complain(resident, token, words=words, door=household, phone=phone)
    resident.shot(f"resident-case-{household}", full=True)
    company = portal.token("demo-heating-2", "handler")
    found = [portal.call("GET", f"tickets/{one['number']}/", company)[1] for one in portal.call("GET", f"tickets/?q={household}", company)[1]["results"]]
    assert [one["number"] for one in found if words in one["content"]] == [number]

    def act(name: str, body: dict) -> None:
        status, answer = portal.call("POST", f"tickets/{number}/{name}/", company, body)
        assert status == 200, answer

    page, case = resident.page, resident.page.url
    act("respond", {"channel": "phone"})
    visit_at = datetime.now(SHANGHAI) + timedelta(hours=3)
    act("appointment", {"visit_at": visit_at.isoformat(), "confirmed_by_resident": False})
    page.goto(case)
    page.get_by_role("button", name="可以，就这个时间").click()
    page.get_by_text("已约定").wait_for()
    act("arrive", {"evidence": {"kind": "witness", "note": "住户在场"}})
    act("finish", {"cause": "气堵", "measure": "排气"})
    page.goto(case)
    page.get_by_role("link", name=re.compile("还是不热")).click()
    page.get_by_label("还有什么问题").fill("客厅还是15度")
    page.get_by_role("button", name="提交").click()
    page.wait_for_url(re.compile("/track/[^/]+/$"))
    assert "第 2 次办理" in page.content()
    ticket = portal.call("GET", f"tickets/{number}/", company)[1]
    assert (ticket["round"], ticket["state"]) == (2, "dispatched")
    page.goto("/track/")
    page.get_by_label("受理号").fill(number)
    page.get_by_label("预留电话后四位").fill(phone[-4:])
    page.get_by_role("button", name="查询").click()
    page.wait_for_url(re.compile("/track/[^/]+/$"))
    assert number in page.content() and phone not in page.content()
    assert resident.complaints == [] or scripts and all("ERR_" in text for text in resident.complaints)


def test_without_any_network_what_was_typed_waits_on_the_page_and_goes_by_itself(portal, visit, token):
    page = visit("", size="phone").page
    page.goto(f"/m/{token}/complain/")
    page.get_by_label("说说情况").fill("约好上门没有来，也没有电话")
    page.get_by_label("联系电话").fill("13912340008")
    page.get_by_text("同意将以上信息").click(position={"x": 5, "y": 5})
    page.wait_for_timeout(3200)
    page.context.set_offline(True)
    page.get_by_role("button", name="提交").click()
    page.get_by_text("网络断开，已为您保存").wait_for()
    assert page.get_by_label("说说情况").input_value() == "约好上门没有来，也没有电话"
    page.context.set_offline(False)
    page.wait_for_url(re.compile("/track/"), timeout=15000)
    assert "受理号" in page.content()


def test_a_page_that_is_opened_anew_still_knows_what_was_typed_and_that_it_was_sent(portal, visit, token):
    resident = visit("", size="old")
    page = resident.page
    fill_in(page, token, words="重开页面", door="901", phone="13912340901")
    page.wait_for_timeout(3200)
    lose_the_answer(page)
    page.get_by_role("button", name="提交").click()
    page.get_by_text("网络断开，已为您保存").wait_for()
    page.goto(f"/m/{token}/cold/")
    assert page.get_by_label("补充说明").input_value() == "重开页面" and page.get_by_text("主卧", exact=True).locator("xpath=preceding-sibling::input[1]").is_checked()
    page.get_by_role("button", name="提交").click()
    solve_if_asked(resident)
    page.wait_for_url(re.compile("/track/"), timeout=15000)
    assert "已并入" not in page.content()
    page.goto(f"/m/{token}/cold/")
    assert page.get_by_label("补充说明").input_value() == ""


def test_asked_for_the_sum_one_loses_neither_words_nor_photos(portal, visit, token, tmp_path):
    resident = visit("", size="old")
    page = resident.page
    fill_in(page, token, words="太快了", door="902", phone="13912340902")
    Image.new("RGB", (40, 30), "blue").save(tmp_path / "thermometer.png")
    page.get_by_label("照片").set_input_files(tmp_path / "thermometer.png")
    page.evaluate("document.querySelector('[name=opened]').value = 'never'")
    page.get_by_role("button", name="提交").click()
    page.get_by_text("看不清？").wait_for()
    resident.shot("resident-sum")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth") and violations(page) == []
    assert page.get_by_label("补充说明").input_value() == "太快了"
    assert page.evaluate("document.querySelector('[name=photos]').files[0].name") == "thermometer.png"
    solve_if_asked(resident)
    page.wait_for_url(re.compile("/track/"), timeout=15000)


@pytest.mark.parametrize("size", ["phone", "old"])
def test_every_public_page_is_clean_and_fits(visit, token, size):
    resident = visit("", size=size)
    for path in (f"/m/{token}/", f"/m/{token}/?big=1", f"/m/{token}/cold/", f"/m/{token}/ask/", f"/m/{token}/where/?q=演示", "/m/privacy/", "/track/"):
        clean(resident, path)
        resident.shot(f"resident-{path.strip('/').split('/')[-1].split('?')[0] if path.count('/') > 3 else 'home' if '/m/' in path else 'find'}", full=True)
    resident.page.goto(f"/m/{token}/ask/?big=0")
    resident.page.get_by_text("家里多少度算达标？").click()
    assert resident.page.get_by_text("20 ℃").first.is_visible()
    assert resident.complaints == []
