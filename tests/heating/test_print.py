"""Paper: whoever exports a list can print it too, and what is printed has the list on it."""

import re

import pytest

from heating.settings import BASE_DIR

TEMPLATES = BASE_DIR / "templates"
ROOMS = ("plants/milestones", "plants/ledger", "plants/inspections", "plants/register", "supply/ignition", "deadlines/obligations")
PAGES = [page for room in ROOMS for page in sorted((TEMPLATES / room).glob("*.html"))]
FORM = re.compile(r"<form([^>]*)>(.*?)</form>", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_what_exports_prints_and_a_list_inside_a_form_is_not_left_off_the_paper(page):
    text = page.read_text()
    if "导出</a>" in text:
        assert "data-print" in text
    if "data-print" in text:
        hidden = [attributes for attributes, inside in FORM.findall(text) if '<table class="tb' in inside and "prints" not in attributes]
        assert hidden == []


def test_the_paper_hides_forms_but_those_that_hold_a_list():
    assert "form:not(.prints)" in (BASE_DIR / "static/portal/print.css").read_text()
