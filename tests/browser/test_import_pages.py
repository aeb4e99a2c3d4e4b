"""The import wizard step by step, on a desk and on a phone, light and dark: clean at every step, with nobody's number on the screen."""

import re

import pytest

from tests.browser.test_pages import violations
from tests.complaints import hotline_files as files


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_step_of_the_wizard_is_clean(visit, tmp_path, size):
    dispatcher = visit("dispatcher", size=size)
    page = dispatcher.page
    rows = [
        *[files.line(f"{size}-{number}", f"第{number}户反映暖气不热，电话13912340000。", "2025-11-14 10:00") for number in range(4)],
        files.line(f"{size}-wrong", called_at="昨天下午"),
        files.line(f"{size}-day", called_at="2025-11-13"),
    ]
    file = tmp_path / "工单.xlsx"
    file.write_bytes(files.xlsx([files.TITLE, files.HEADER, *rows]))
    faults = []

    def look(step: str) -> None:
        for theme in ("light", "dark"):
            page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
            faults.extend(f"{step} {theme} {said}" for said in violations(page))
        page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'light')")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append(f"{step} 横向溢出")
        body = page.locator("body").inner_text()
        faults.extend(f"{step} 未打码 {phone}" for phone in re.findall(r"1[3-9]\d{9}", body))
        dispatcher.shot(f"import-{size}-{step}", full=True)

    page.goto("/imports/")
    page.set_input_files("input[type=file]", str(file))
    page.get_by_role("button", name=re.compile("上传")).click()
    page.get_by_role("button", name=re.compile("校验各行")).wait_for()
    look("columns")
    page.get_by_role("button", name=re.compile("校验各行")).click()
    page.get_by_role("button", name="导入正确的 5 行").wait_for(timeout=60_000)
    look("preview")
    page.get_by_role("button", name="导入正确的 5 行").click()
    page.get_by_text("新增工单").wait_for(timeout=60_000)
    look("result")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("下载错误行")).click()
    assert download.value.suggested_filename.endswith(".xlsx")
    assert faults == [] and dispatcher.complaints == []
