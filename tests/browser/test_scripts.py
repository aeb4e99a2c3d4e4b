"""The scripts of the pages in a real browser, on a page of their own: countdowns by the server's time, keys, ticks, refresh, drafts."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import django_htmx
import pytest
from django.conf import settings

from core.civil import SHANGHAI
from core.countdown import text_of

pytestmark = pytest.mark.browser
PORTAL = Path(settings.BASE_DIR) / "static" / "portal"
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'"
SERVER_NOW = datetime(2026, 11, 14, 12, 0, tzinfo=SHANGHAI)
CONFIG = json.dumps({"allowEval": False, "includeIndicatorStyles": False, "selfRequestsOnly": True, "historyCacheSize": 0})


def chip(number: int, seconds: float) -> str:
    """A countdown so many seconds from the server's now."""
    due = (SERVER_NOW + timedelta(seconds=seconds)).isoformat()
    inner = '<span class="i ico-clock"></span><span class="cd-t">?</span>'
    return f'<time id="c{number}" class="chip cd blue" data-due="{due}" data-soon="1200">{inner}</time>'


def row(number: int) -> str:
    """A row of a list."""
    return (
        f'<li class="row-t" id="r{number}" data-key-row>'
        f'<input type="checkbox" name="number" value="{number}" form="bulk" data-row-tick aria-label="选择">'
        f'<a data-open href="/tickets/{number}/" id="a{number}">第 {number} 件</a></li>'
    )


def page_of(body: str, scripts: tuple[str, ...]) -> str:
    """A page with these scripts, as base.html loads them."""
    tags = "".join(f'<script src="/{name}" defer></script>' for name in scripts)
    return (
        f"<!doctype html><html lang=zh-CN><head><meta charset=utf-8><title>t</title><meta name=htmx-config content='{CONFIG}'>{tags}</head>"
        f'<body data-now="{SERVER_NOW.isoformat()}">{body}<div id="toast" role="alert"></div></body></html>'
    )


@pytest.fixture(scope="module")
def chromium(browser):
    """The one browser of all these tests: a second Playwright in one process refuses to start."""
    return browser


class Site:
    """A page served from nowhere: what was asked of it, and what it answers."""

    def __init__(self, page):
        self.page, self.asked, self.answers, self.said = page, [], {}, []
        page.on("pageerror", lambda fault: self.said.append(str(fault)))
        page.on("console", lambda line: self.said.append(line.text) if "Content Security Policy" in line.text else None)
        page.route("**/*", self._answer)

    def open(self, body: str, *scripts: str, path: str = "/"):
        """Show a page with these scripts."""
        self.answers[path] = (200, page_of(body, scripts))
        self.page.goto(f"http://portal.test{path}")

    def _answer(self, route):
        request = route.request
        path = request.url.split("portal.test", 1)[1]
        name = path.lstrip("/").split("?")[0]
        if name.endswith(".js"):
            return route.fulfill(body=(HTMX if name == "htmx-2.js" else PORTAL / name).read_bytes(), content_type="text/javascript")
        self.asked.append((request.method, path, request.headers))
        status, text = self.answers.get(path, (404, ""))
        if status == 0:
            return route.abort()
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return route.fulfill(status=status, body=text, content_type="text/html; charset=utf-8", headers=headers)

    def tick(self):
        """What the timer does every 15 seconds."""
        self.page.evaluate("document.body.dispatchEvent(new CustomEvent('wy:tick'))")
        self.page.wait_for_timeout(120)


@pytest.fixture
def site(chromium):
    """A fresh page."""
    page = chromium.new_page()
    found = Site(page)
    yield found
    assert found.said == []
    page.close()


@pytest.mark.parametrize("hours", [0, 1, -1], ids=["a right clock", "an hour fast", "an hour slow"])
def test_a_wrong_clock_of_the_computer_changes_no_countdown(chromium, hours):
    context = chromium.new_context()
    page = context.new_page()
    page.clock.set_system_time(SERVER_NOW + timedelta(hours=hours))
    site = Site(page)
    site.open(chip(1, 18 * 60 + 42), "clock.js")
    page.wait_for_timeout(200)
    assert page.inner_text("#c1 .cd-t") in ("18:42", "18:41", "18:40", "18:39")
    assert "amber" in page.get_attribute("#c1", "class")
    context.close()


def test_the_page_says_time_in_the_servers_words(site):
    site.open("", "clock.js")
    for seconds in (0, 1, 59, 61, 1122, 3599, 3600, 18760, 86399, 86400, 183059, -1, -61, -2527, -3600, -90061):
        assert site.page.evaluate(f"wyClock.words({seconds * 1000})") == text_of(timedelta(seconds=seconds))


def test_a_countdown_that_runs_out_turns_red_with_another_icon_and_word(site):
    site.open(chip(1, 1.2), "clock.js")
    assert "amber" in site.page.get_attribute("#c1", "class")
    site.page.wait_for_selector("#c1.solid-red", timeout=4000)
    assert site.page.inner_text("#c1").strip().startswith("超")
    assert "ico-alarm" in site.page.get_attribute("#c1 .i", "class")


def test_keys_move_tick_and_open(site):
    site.answers["/tickets/2/"] = (200, page_of("<p>第二件</p>", ()))
    site.open(f'<ul data-keys>{row(1)}{row(2)}{row(3)}</ul><form id="bulk" data-bulk hidden><b data-count>0</b></form>', "keys.js", "bulk.js")
    site.page.keyboard.press("j")
    site.page.keyboard.press("j")
    assert site.page.get_attribute(".row-t.sel", "id") == "r2"
    site.page.keyboard.press("x")
    assert site.page.inner_text("[data-count]") == "1"
    assert site.page.is_visible("#bulk")
    site.page.keyboard.press("Escape")
    assert not site.page.is_visible("#bulk")
    site.page.keyboard.press("Enter")
    site.page.wait_for_selector("text=第二件")


def test_keys_do_nothing_while_somebody_types(site):
    site.open(f'<input id="field"><ul data-keys>{row(1)}</ul>', "keys.js", "bulk.js")
    site.page.focus("#field")
    site.page.keyboard.type("jx?/")
    assert site.page.input_value("#field") == "jx?/"
    assert site.page.query_selector(".row-t.sel") is None


LIST = '<div id="list" hx-get="/rows" hx-trigger="wy:tick from:body" hx-swap="innerHTML" data-version="7">{}</div>'


def test_a_refresh_says_that_it_is_one_and_which_version_it_has(site):
    site.answers["/rows"] = (200, "<p>新</p>")
    site.open(LIST.format("<p>旧</p>"), "htmx-2.js", "refresh.js", "clock.js")
    site.tick()
    method, path, headers = site.asked[-1]
    assert (method, path, headers.get("x-refresh"), headers.get("x-version")) == ("GET", "/rows", "1", "7")
    assert site.page.inner_text("#list") == "新"


def test_a_refresh_never_interrupts_typing_nor_a_choice_of_rows(site):
    site.answers["/rows"] = (200, "<p>新</p>")
    site.open(LIST.format(f'<input id="field"><ul>{row(1)}</ul>'), "htmx-2.js", "refresh.js", "bulk.js")
    site.page.focus("#field")
    site.page.keyboard.type("还没写完")
    site.tick()
    site.page.evaluate("document.activeElement.blur()")
    site.tick()
    assert site.page.input_value("#field") == "还没写完"
    site.page.fill("#field", "")
    site.page.evaluate("document.getElementById('field').removeAttribute('data-edited'); document.activeElement.blur()")
    site.page.check("[data-row-tick]")
    site.tick()
    assert site.page.is_checked("[data-row-tick]")
    site.page.uncheck("[data-row-tick]")
    site.tick()
    assert site.page.inner_text("#list") == "新"


def test_a_hidden_page_asks_nothing_and_asks_at_once_when_it_is_seen_again(chromium):
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script("window.__hidden = false; Object.defineProperty(document, 'hidden', {get: () => window.__hidden});")
    page.clock.install()
    site = Site(page)
    site.answers["/rows"] = (200, "<p>新</p>")
    site.open(LIST.format("旧"), "htmx-2.js", "refresh.js")
    page.evaluate("window.__hidden = true; document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(120_000)
    assert [path for _, path, _ in site.asked] == ["/"]
    page.evaluate("window.__hidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(200)
    page.wait_for_selector("text=新")
    before = len(site.asked)
    for _ in range(4):
        page.clock.run_for(15_000)
        page.wait_for_timeout(100)
    assert 3 <= len(site.asked) - before <= 5
    context.close()


FORM = (
    '<div id="act"><form method="post" action="/act" hx-post="/act" hx-target="#act" data-draft="act-1">'
    '<textarea name="note" id="note"></textarea><button>提交</button></form></div>'
)


def test_what_was_typed_survives_a_broken_connection_and_a_reload(site):
    site.answers["/act"] = (0, "")
    site.open(FORM, "htmx-2.js", "forms.js")
    site.page.fill("#note", "已到现场，排气后回温")
    site.page.click("button")
    site.page.wait_for_selector("#toast >> text=没有连上服务器")
    assert site.page.input_value("#note") == "已到现场，排气后回温"
    site.page.reload()
    assert site.page.input_value("#note") == "已到现场，排气后回温"
    site.answers["/act"] = (200, "<p>已提交</p>")
    site.page.click("button")
    site.page.wait_for_selector("text=已提交")
    site.page.reload()
    assert site.page.input_value("#note") == ""


def test_a_refused_form_comes_back_in_its_place_and_a_fault_is_said_aloud(site):
    site.answers["/act"] = (422, '<form data-form-part><p>请填写原因</p></form>')
    site.open(FORM, "htmx-2.js", "forms.js")
    site.page.click("button")
    site.page.wait_for_selector("#act >> text=请填写原因")
    site.open(FORM, "htmx-2.js", "forms.js")
    site.answers["/act"] = (409, '<div><span data-error>该工单刚被他人更新</span></div>')
    site.page.click("button")
    site.page.wait_for_selector("#toast >> text=该工单刚被他人更新")


def test_a_double_click_sends_once(site):
    site.answers["/act"] = (200, "<p>已提交</p>")
    site.open(FORM, "htmx-2.js", "forms.js")
    site.page.evaluate("const f = document.querySelector('form'); f.requestSubmit(); f.requestSubmit();")
    site.page.wait_for_selector("text=已提交")
    assert sum(method == "POST" for method, _, _ in site.asked) == 1


def test_going_back_restores_the_pane_and_leaves_the_list_where_it_was(site):
    rows = "".join(
        f'<li id="t-{number}" data-key-row><a data-open href="/tickets/{number}/" hx-get="/tickets/{number}/" '
        f'hx-target="#pane" hx-push-url="true">第 {number} 件</a></li>'
        for number in range(1, 60)
    )
    pane = '<section class="det" id="pane" hx-history-elt>{}</section>'
    body = f'<div class="split" data-list="/tickets/"><ul id="rows" data-keys>{rows}</ul>{pane}</div>'
    site.answers["/tickets/40/"] = (200, '<div data-ticket="40"><h2 class="t">四十</h2></div>')
    site.open(body.format("<p>没有选中</p>"), "htmx-2.js", "split.js", path="/tickets/")
    site.page.evaluate("document.getElementById('rows').setAttribute('data-mine', 'kept')")
    site.page.click("text=第 40 件")
    site.page.wait_for_selector("#pane >> text=四十")
    assert site.page.url.endswith("/tickets/40/")
    assert site.page.get_attribute("#t-40", "class") == "cur"
    site.page.go_back()
    site.page.wait_for_selector("#pane >> text=没有选中")
    assert site.page.get_attribute("#rows", "data-mine") == "kept"
    assert site.page.query_selector("#pane #rows") is None
