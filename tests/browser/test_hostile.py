"""Words that want to be a script, in a real browser, as everybody who reads them: none runs, and the policy of no page is broken (S17, S22)."""

import pytest

PAYLOADS = [
    "<script>window.__xss=1</script>", '"><img src=x onerror="window.__xss=1">', "'><svg onload=window.__xss=1>", "javascript:window.__xss=1", "{{7*7}}{% debug %}",
    "<iframe srcdoc='<script>parent.__xss=1</script>'></iframe>", "</textarea><script>window.__xss=1</script>", "<a href='javascript:window.__xss=1'>点这里</a>",
    "<math><mtext></p><img src onerror=window.__xss=1>", "\u202e</script><script>window.__xss=1</script>", "<details open ontoggle=window.__xss=1>", "&lt;script&gt;window.__xss=1&lt;/script&gt;",
]  # fmt: skip


@pytest.fixture(scope="module")
def number(portal) -> str:
    """A complaint with all of it in every field that a pushing system fills in, dispatched and answered in the same spirit."""
    pushed = portal.token("social-work", "dispatcher")
    company = portal.token("demo-heating-1", "handler")
    words = "家里不热 " + " ".join(PAYLOADS)
    body = {
        "source": "12345", "external_no": "<b>xss</b>", "content": words, "title": PAYLOADS[1], "community": "demo-community-1", "complainant_name": PAYLOADS[0],
        "complainant_phone": "13812349999", "address": PAYLOADS[2], "building": PAYLOADS[4][:40], "called_at": portal.manage("shell", "-v", "0", "-c", "from core import clock; print(clock.now().isoformat())").strip(),
    }  # fmt: skip
    status, ticket = portal.call("POST", "tickets/", pushed, body)
    assert status == 201, ticket
    for name, token, said in (
        ("dispatch", pushed, {"category": "heating_service", "note": PAYLOADS[1]}), ("respond", company, {"channel": "phone", "note": PAYLOADS[5]}),
        ("arrive", company, {"evidence": {"kind": "witness", "note": PAYLOADS[8]}}), ("finish", company, {"cause": PAYLOADS[9], "measure": PAYLOADS[10]}),
    ):  # fmt: skip
        status, answer = portal.call("POST", f"tickets/{ticket['number']}/{name}/", token, said)
        assert status == 200, (name, answer)
    return ticket["number"]


@pytest.mark.guard("S17", "S22")
@pytest.mark.parametrize(
    ("who", "paths"),
    [
        ("bureau", ["/", "/tickets/", "/tickets/{number}/", "/tickets/?q=<script>window.__xss=1</script>", "/wall/", "/inbox/", "/ledger/?q=\"><img src=x onerror=window.__xss=1>"]),
        ("dispatcher", ["/dispatch/", "/tickets/{number}/"]), ("heating1", ["/", "/tickets/{number}/", "/callbacks/", "/inbox/"]), ("street", ["/", "/tickets/{number}/"]),
        ("auditor", ["/system/journal/?subject={number}", "/system/journal/?actor=<script>window.__xss=1</script>"]),
        ("", ["/track/?number=<script>window.__xss=1</script>", "/login/?next=javascript:window.__xss=1", "/no/<script>window.__xss=1</script>"]),
    ],
)  # fmt: skip
def test_nothing_that_somebody_wrote_runs_in_anybodys_browser(visit, number, who, paths):
    reader = visit(who)
    for path in paths:
        answer = reader.page.goto(path.format(number=number))
        assert answer.status < 500, path
        reader.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        reader.page.wait_for_timeout(150)
        assert reader.page.evaluate("window.__xss") is None, path
    assert reader.complaints == []
