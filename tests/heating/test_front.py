"""The front keeps its promises: old browsers, a strict content policy, icons that exist, and one wording of time."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.template.loader import get_template

from complaints import doing, timeline
from core.countdown import countdown, text_of
from heating import shell
from heating.templatetags import portal

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "portal").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "portal").glob("*.js"))
NOON = datetime(2025, 11, 14, 4, tzinfo=UTC)

# What Chromium 86 does not know.
TOO_NEW_STYLE = re.compile(
    r":has\(|:is\(|:where\(|color-mix\(|oklch\(|oklab\(|light-dark\(|@container|@layer|[;{\s]inset\s*:|aspect-ratio\s*:|\d(?:d|s|l)v[hw]\b|:not\([^)]*,"
)
TOO_NEW_SCRIPT = re.compile(
    r"\?\.[a-zA-Z_(\[]|\?\?|\.at\(|replaceAll\(|structuredClone|\|\|=|&&=|Object\.hasOwn|crypto\.randomUUID|replaceChildren"
)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_every_template_can_be_read_and_holds_no_inline_script_or_style(path):
    text = path.read_text()
    get_template(str(path.relative_to(ROOT / "templates")))
    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|hx-on", text, re.I)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_use_nothing_that_the_oldest_browser_does_not_know(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    assert TOO_NEW_STYLE.findall(text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_use_nothing_that_the_oldest_browser_does_not_know(path):
    text = re.sub(r"//.*", "", re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S))
    text = re.sub(r"'(?:\\.|[^'\\\n])*'", "''", text)
    assert TOO_NEW_SCRIPT.findall(text) == []
    assert "eval(" not in text
    assert ".innerHTML" not in text


def test_every_icon_that_is_named_anywhere_is_drawn():
    drawn = set(re.findall(r"\.ico-([a-z0-9-]+)\{", next((ROOT / "static" / "vendor").glob("tabler-icons-*/icons.css")).read_text()))
    named = set(timeline.ICONS.values()) | {act.icon for act in doing.ACTS.values()} | {"point"}
    for path in TEMPLATES:
        text = path.read_text()
        for pattern in (r'{% icon "([a-z0-9-]+)"', r'icon_name="([a-z0-9-]+)"', r"\bico-([a-z0-9-]+)"):
            named |= set(re.findall(pattern, text))
        named |= set(re.findall(r'{% chip \S+ "[^"]*" "([a-z0-9-]+)" %}', text))
    for path in (*SCRIPTS, ROOT / "heating" / "shell.py", ROOT / "heating" / "templatetags" / "portal.py"):
        named |= set(re.findall(r"\bico-([a-z][a-z0-9-]*[a-z0-9])", path.read_text()))
    assert named - drawn == set()
    assert set((ROOT / "scripts" / "icons.txt").read_text().split()) == drawn


def test_a_minified_file_names_no_source_map_that_is_not_there():
    for path in (ROOT / "static").rglob("*.*"):
        if path.suffix in (".js", ".css"):
            assert "sourceMappingURL" not in path.read_text(), path


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (18 * 60 + 42, "18:42"), (5 * 3600 + 12 * 60 + 40, "5:12:40"), (2 * 86400 + 3 * 3600 + 10 * 60 + 59, "2 天 03:10"),
        (0, "00:00"), (0.4, "00:00"),
        (-1, "超 00:01"), (-(42 * 60 + 7), "超 42:07"), (-3600, "超 1:00:00"), (-86400, "超 1 天 00:00"), (-368 * 86400 - 60, "超 368 天"),
    ],
)  # fmt: skip
def test_time_left_and_overdue_are_said_in_one_way(seconds, words):
    assert text_of(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "tone"), [(20 * 60 + 1, "blue"), (20 * 60, "amber"), (0, "amber"), (-0.000001, "solid-red"), (-60, "solid-red")]
)
def test_exactly_at_the_due_moment_it_is_not_yet_overdue(seconds, tone):
    assert countdown(NOON + timedelta(seconds=seconds), at=NOON).tone == tone


def test_a_chip_escapes_what_it_is_given():
    assert "<b>" not in portal.chip("<b>x</b>", "blue")
    assert "&lt;b&gt;" in portal.chip("<b>x</b>", "blue")


def test_the_frame_asks_nothing_until_a_template_shows_it():
    class Request:
        path = "/"

        @property
        def user(self):
            raise AssertionError("asked")

    values = shell.context(Request())
    part = engines["django"].from_string("<p>{{ words }}</p>").render({**values, "words": "一"})
    assert part == "<p>一</p>"
