"""Every page, as every role, on a desk and on a phone, light and dark: no violation of WCAG 2 AA, nothing in the console, nothing cut off."""

from pathlib import Path

import pytest

AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa"]}, "resultTypes": ["violations"]}
# The dark page is the light one in other colours: only those can be wrong.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}, "resultTypes": ["violations"]}
PAGES = {
    "bureau": ["/", "/tickets/", "/dispatch/", "/escalations/", "/escalations/?signed=all", "/inbox/", "/units/", "/units/urban-management/", "/plan/", "/oversight/", "/help/",
               "/duty/", "/duty/units/urban-management/", "/duty/calls/", "/duty/training/", "/duty/phones/",
               "/obligations/", "/obligations/units/?kind=street", "/obligations/matrix/", "/obligations/documents/",
               "/gas/", "/gas/curtailments/", "/gas/log/", "/gas/plans/demo-heating-1/", "/outages/", "/outages/damage/",
               "/milestones/", "/milestones/?by=street", "/milestones/H5/", "/milestones/ignition/", "/clusters/", "/clusters/buildings/", "/sampling/", "/sampling/contradictions/",
               "/codes/", "/inspections/", "/reports/", "/reports/compiled/", "/plants/", "/plants/communities/", "/plants/defects/", "/ledger/?state=all", "/ledger/new/",
               "/wall/", "/visits/", "/temperatures/", "/codes/accounts/"],
    "dispatcher": ["/", "/dispatch/", "/imports/", "/tickets/new/", "/tickets/?state=received"],
    "heating1": ["/", "/tickets/", "/escalations/?signed=all", "/units/demo-heating-1/",
                 "/duty/", "/duty/units/demo-heating-1/", "/duty/calls/", "/duty/training/", "/duty/phones/", "/obligations/",
                 "/gas/", "/gas/plans/demo-heating-1/propose/", "/outages/", "/outages/new/", "/milestones/H5/", "/callbacks/", "/codes/", "/visits/new/", "/temperatures/new/"],
    "street": ["/", "/tickets/", "/obligations/"],
    "admin": ["/", "/system/", "/system/people/bureau/", "/inbox/endpoints/", "/duty/"],
    "security": ["/", "/system/", "/system/people/bureau/"],
    "auditor": ["/", "/system/journal/"],
}  # fmt: skip


def violations(page, rules: dict = RULES) -> list[str]:
    """What axe finds on the page that is open; looked at again, since a refresh may change a part while it looks."""
    found = _violations(page, rules)
    for _ in range(4):
        if found:
            page.wait_for_timeout(800)
            found = _violations(page, rules)
    return found


def _violations(page, rules: dict) -> list[str]:
    if not page.evaluate("typeof axe === \"object\""):
        page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
    return [f"{one['id']}: {', '.join(' '.join(map(str, node['target'])) for node in one['nodes'][:3])}" for one in found]


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("username", list(PAGES))
def test_every_page_is_clean_in_light_and_dark(visit, username, size):
    somebody = visit(username, size=size)
    faults = []
    for path in PAGES[username]:
        answer = somebody.page.goto(path)
        assert answer.status == 200, path
        # A phone has the desk's colours: what is dark is looked at once.
        for theme in ("light", "dark") if size == "desk" else ("light",):
            somebody.page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
            faults += [f"{path} {theme} {said}" for said in violations(somebody.page, COLOURS if theme == "dark" else RULES)]
        if somebody.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append(f"{path} 横向溢出")
        faults += [f"{path} {said}" for said in somebody.complaints]
        somebody.complaints.clear()
        somebody.page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'light')")
        somebody.shot(f"{username}-{path.strip('/').replace('/', '_').replace('?', '_') or 'home'}")
    assert not faults, "\n".join(faults)


def test_the_log_in_page_and_the_page_that_does_not_exist_are_clean(visit):
    stranger = visit("")
    for path in ("/login/", "/no-such-page/", "/phones/"):
        stranger.page.goto(path)
        assert violations(stranger.page) == []
    stranger.shot("not-found")


def test_the_keyboard_alone_finds_and_opens_a_ticket(visit):
    bureau = visit("bureau")
    bureau.page.goto("/tickets/")
    first = bureau.page.locator("#ticket-detail").inner_text()
    bureau.page.keyboard.press("j")
    bureau.page.keyboard.press("j")
    bureau.page.keyboard.press("Enter")
    bureau.page.wait_for_function("text => document.querySelector('#ticket-detail').innerText !== text", arg=first)
    bureau.page.keyboard.press("/")
    assert bureau.page.evaluate("document.activeElement.id") == "search"
    bureau.page.keyboard.press("Escape")
    bureau.page.keyboard.press("?")
    assert bureau.page.locator("#help").is_visible()
    assert bureau.complaints == []
