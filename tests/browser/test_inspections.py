"""A street inspector on a telephone: in a boiler house without network, the browser closed in between, and it arrives once (E7)."""

import pytest

from tests.browser.conftest import FLAGS, SIZES, wait_for
from tests.browser.test_pages import violations
from tests.chromium import find_chromium

FORM = "/inspections/new/?plant=demo-plant-1"


class Telephone:
    """A browser with a memory of its own, that may be closed and opened again."""

    def __init__(self, browser, portal, folder):
        self.portal, self.folder, self.kind = portal, folder, browser.browser_type
        self.complaints: list[str] = []
        self.context = None
        self.open()

    def open(self):
        width, height = SIZES["phone"]
        self.context = self.kind.launch_persistent_context(
            str(self.folder), executable_path=find_chromium(), args=[*FLAGS, "--no-sandbox"], viewport={"width": width, "height": height}, base_url=self.portal.address,
            locale="zh-CN", timezone_id="Asia/Shanghai", reduced_motion="reduce",
        )  # fmt: skip
        self.page = self.context.pages[0]
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.page.on("console", lambda message: self.complaints.append(message.text) if "Content Security" in message.text else None)

    def close(self):
        self.context.close()

    def sign_in(self, username):
        self.page.goto("/login/?next=/inspections/")
        self.page.fill("#id_username", username)
        self.page.fill("#id_password", self.portal.password)
        self.page.press("#id_password", "Enter")
        self.page.wait_for_url(lambda url: "/login/" not in url)

    def to_form(self):
        self.page.goto(FORM)
        self.page.wait_for_selector("#insp[data-ready]")


@pytest.fixture
def telephone(browser, portal, tmp_path):
    one = Telephone(browser, portal, tmp_path / "telephone")
    yield one
    one.close()


def fill(page):
    """Everything in order but the pressure gauge, which is photographed; the companion signs."""
    for code in ("running", "records", "ledger", "gas-leak", "gas-on-site"):
        page.click(f'label[for="o-{code}"]')
    page.click('label[for="b-gauges"]')
    page.click('label[for="s-gauges-general"]')
    page.fill("#t-gauges", "离线发现：压力表检定标签已过期")
    page.evaluate("document.querySelector('#d-gauges').value = new Date(Date.now() + 3 * 864e5).toISOString().slice(0, 10)")
    page.set_input_files("#p-gauges", {"name": "a.png", "mimeType": "image/png", "buffer": page.screenshot()})
    for code, value in (("supply-celsius", "58.2"), ("return-celsius", "43.0"), ("supply-pressure", "0.42"), ("gas-pressure", "12")):
        page.fill(f"#v-{code}", value)


def finish(page):
    for number in range(1, 7):
        page.click(f'label[for="six-{number}"]')
    page.click('label[for="c-answered"]')
    page.fill("#companion", "演示陪同人")
    page.locator("#sign").scroll_into_view_if_needed()
    box = page.locator("#sign canvas").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 70, steps=4)
    page.mouse.up()


@pytest.mark.clause("E7", "E8", "G4")
def test_what_is_written_without_network_survives_closing_and_arrives_once(telephone, visit):
    telephone.sign_in("inspector")
    telephone.to_form()
    telephone.page.wait_for_selector("html[data-kept]", state="attached")
    telephone.context.set_offline(True)
    telephone.page.reload()
    telephone.page.wait_for_selector("#insp[data-ready]")
    wait_for(lambda: "当前离线" in telephone.page.inner_text("#insp-queue"), 10, "没有说当前离线")
    fill(telephone.page)
    telephone.page.click("#insp-draft")
    telephone.page.wait_for_timeout(400)
    telephone.close()

    telephone.open()
    telephone.context.set_offline(True)
    telephone.to_form()
    page = telephone.page
    assert page.input_value("#t-gauges") == "离线发现：压力表检定标签已过期"
    assert page.locator(".insp .im").count() == 1
    assert page.inner_text("#insp-done") == "10"
    finish(page)
    assert page.inner_text("#insp-send-text") == "提交"
    page.click("#insp-send")
    wait_for(lambda: "待传 1 份" in page.inner_text("#insp-queue"), 10, "没有说待传")
    telephone.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    # Closing the browser ended the session: what waits is kept, and goes once its writer has signed in again.
    wait_for(lambda: "登录已过期" in page.inner_text("#insp-queue"), 15, "没有请他登录")
    telephone.sign_in("inspector")
    wait_for(lambda: "已上传 1 份" in page.inner_text("#insp-queue"), 15, "登录后没有上传")
    page.reload()
    assert "待传" not in page.inner_text("body")

    bureau = visit("bureau")
    bureau.page.goto("/inspections/records/?q=北辰锅炉房")
    bureau.page.click("tbody th a")
    assert bureau.page.locator("text=离线发现").count() >= 1
    telephone.to_form()
    assert telephone.page.locator(".insp-last .old", has_text="离线发现").count() == 1, "上次隐患在现场可见，且只有一项"
    assert telephone.complaints == []


@pytest.mark.clause("E7")
def test_a_draft_waits_for_its_writer_and_nobody_else_on_the_telephone_sees_it(telephone):
    telephone.sign_in("inspector")
    telephone.to_form()
    page = telephone.page
    page.fill("#companion", "只有我知道")
    page.click("#insp-draft")
    page.wait_for_timeout(400)
    telephone.context.clear_cookies()
    telephone.sign_in("street")
    telephone.to_form()
    assert page.input_value("#companion") == ""
    telephone.context.clear_cookies()
    telephone.sign_in("inspector")
    telephone.to_form()
    assert page.input_value("#companion") == "只有我知道"


@pytest.mark.clause("E7")
def test_a_session_that_ended_keeps_the_record_until_one_signs_in_again(telephone):
    telephone.sign_in("inspector")
    telephone.page.goto("/inspections/new/?plant=demo-gas-1")
    page = telephone.page
    page.wait_for_selector("#insp[data-ready]")
    telephone.context.clear_cookies()
    for code in ("gas-leak", "gas-on-site"):
        page.click(f'label[for="o-{code}"]')
    page.fill("#v-gas-pressure", "12")
    page.click('label[for="c-answered"]')
    page.fill("#companion", "演示陪同人")
    page.fill("#refusal", "企业未签")
    page.click("#insp-send")
    wait_for(lambda: "登录已过期" in page.inner_text("#insp-queue"), 10, "没有说登录已过期")
    telephone.sign_in("inspector")
    wait_for(lambda: "已上传 1 份" in page.inner_text("#insp-queue"), 15, "登录后没有上传")


PAGES = {
    "bureau": ["/inspections/", "/inspections/records/", "/inspections/assessment/", "/inspections/new/", FORM + "&mode=joint", FORM + "&mode=emission"],
    "street": ["/inspections/", FORM],
}


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("username", list(PAGES))
def test_the_pages_of_inspections_are_clean_in_light_and_dark_with_everything_unfolded(visit, username, size):
    somebody, faults = visit(username, size=size), []
    somebody.complaints.clear()
    for path in PAGES[username]:
        assert somebody.page.goto(path).status == 200, path
        somebody.page.evaluate("document.querySelectorAll('.r-bad').forEach(one => one.click())")
        for theme in ("light", "dark"):
            somebody.page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
            faults += [f"{path} {theme} {said}" for said in violations(somebody.page)]
        if somebody.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append(f"{path} 横向溢出")
        faults += [f"{path} {said}" for said in somebody.complaints]
        somebody.complaints.clear()
    assert not faults, "\n".join(faults)
