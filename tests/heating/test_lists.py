"""Every list of the season's rooms can be narrowed, printed and taken along as a spreadsheet, and says what to do where it is empty."""

import io
import re

import openpyxl
import pytest

from tests.story import browser

pytestmark = pytest.mark.django_db
NEVER = "since=2001-01-01&until=2001-01-02"
# List → how it is narrowed to nothing (None: it always has its rows), and where its spreadsheet is.
LISTS = {
    "/reports/": (None, "/reports/export/"),
    "/reports/history/": (NEVER, "/reports/history/?format=xlsx"),
    "/reports/compiled/": ("state=sent", "/reports/compiled/?format=xlsx"),
    "/reports/forecast/": (None, "/reports/forecast/?format=xlsx"),
    "/reports/weather/": (NEVER, "/reports/weather/?format=xlsx"),
    "/reports/major/": ("kind=burst", "/reports/major/?format=xlsx"),
    "/gas/": (None, "/gas/export/"),
    "/gas/curtailments/": ("state=withdrawn", "/gas/curtailments/export/"),
    "/gas/log/": (NEVER, "/gas/log/export/"),
    "/outages/": ("q=没有这个地方", "/outages/export/"),
    "/outages/damage/": (NEVER, "/outages/damage/export/"),
    "/duty/": (None, "/duty/export/"),
    "/duty/calls/": (NEVER, "/duty/calls/export/"),
    "/duty/training/": ("q=没有这个人", "/duty/training/export/"),
    "/duty/phones/": ("unit=nobody", "/duty/phones/export/"),
    "/temperatures/": (NEVER, "/temperatures/?format=xlsx"),
    "/temperatures/instruments/": ("unit=nobody", "/temperatures/instruments/?format=xlsx"),
    "/visits/": ("state=open", "/visits/?format=xlsx"),
}


@pytest.mark.parametrize("path", LISTS)
def test_each_is_narrowed_printed_taken_along_and_explained(path):
    nothing, sheet = LISTS[path]
    bureau = browser("bureau")
    page = bureau.get(path).content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    assert re.search(r'<form[^>]*method="get"', main), "it can be narrowed"
    assert "data-print" in page and sheet.split("?")[0] in page + path, "it prints, and its spreadsheet is on the page"
    assert re.search(r"[（(、][A-I]\d+(?:\.\d+)?[）)、]|依据 |[A-I]\d+ (?:·|向)", page), "its help names the clause"
    book = openpyxl.load_workbook(io.BytesIO(bureau.get(sheet).content))
    assert all(row[0] is not None for sheet in book for row in list(sheet.values)[:1])
    if nothing:
        empty = bureau.get(f"{path}?{nothing}")
        assert empty.status_code == 200 and 'class="empty' in empty.content.decode(), "where nothing is left it says what to do"
        narrowed = bureau.get(f"{sheet}{'&' if '?' in sheet else '?'}{nothing}")
        assert narrowed.status_code == 200 and narrowed.headers["Content-Type"].startswith("application/vnd.openxml")


@pytest.mark.parametrize("address", [
    "/reports/weather/?kind=x", "/reports/weather/?since=x", "/gas/log/?state=x", "/gas/log/?until=2025-13-01", "/gas/log/export/?state=x", "/outages/damage/?state=x",
    "/outages/damage/export/?since=x", "/temperatures/instruments/?state=x",
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_words(address):
    answer = browser("bureau").get(address)
    assert answer.status_code == 400 and re.search("只能是|时间|日期", answer.content.decode())


def test_a_companys_roster_is_taken_along_with_its_gaps_by_who_may_see_it():
    for login, status in (("heating1", 200), ("bureau", 200), ("heating2", 404)):
        assert browser(login).get("/duty/units/demo-heating-1/export/?week=2025-11-17").status_code == status, login
    book = openpyxl.load_workbook(io.BytesIO(browser("heating1").get("/duty/units/demo-heating-1/export/").content))
    assert book.sheetnames == ["班次", "空档"]
