"""What goes to the city: compiled as of a cut-off, approved by another person, sent, and corrected aloud; and what is reported upward."""

import io
import zipfile
from datetime import datetime

import pytest
from docx import Document
from python_calamine import CalamineWorkbook

from core.civil import SHANGHAI
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from notices.models import Notice
from supply import compiled, major, report_papers, reports
from supply.models import CompiledReport, Correction
from tests.story import DAY, HOUR, MINUTE, browser, tick, user
from tests.supply.test_reports import CUTOFF, ME, MIDNIGHT, REPORTED, said, submit

COMPILE = MIDNIGHT + 9 * HOUR + 30 * MINUTE
DUE = MIDNIGHT + 11 * HOUR


@pytest.fixture
def morning(db):
    """Two of three companies have reported on the day; what is to be sent is open."""
    reports.generate(at=MIDNIGHT)
    compiled.generate(at=MIDNIGHT)
    submit()
    submit(said(gas_used_m3=200_000, gas_demand_m3=210_000, gas_supply_m3=210_000, gas_gap_m3=0, measures=""), company="demo-heating-2", by="heating2", questions=())
    return CompiledReport.objects.select_related("season", "unit", "recipient").get()


def compile_it(report, at=COMPILE, by="bureau"):
    compiled.compile_figures(report, actor=user(by), at=at)


def approved(report, at=COMPILE + 10 * MINUTE):
    compile_it(report)
    compiled.approve(report, actor=user("director"), at=at)
    return report


def sent(report, at=COMPILE + 20 * MINUTE):
    approved(report)
    compiled.send(report, recipient="市燃气供热服务中心", way="network", receipt="收文 118", actor=user("bureau"), at=at)
    return report


@pytest.mark.clause("I8")
def test_one_is_owed_for_each_day_and_the_bureau_that_sends_it_late_is_reported(morning):
    compiled.generate(at=MIDNIGHT + HOUR)
    assert (morning.first_day, morning.last_day, morning.recipient.code, morning.due_at) == (REPORTED, REPORTED, "city-heating-centre", DUE)
    deadline = engine.of(morning).get()
    assert (deadline.unit.code, deadline.policy.code) == ("urban-management", "compiled-report")
    tick(DUE + MINUTE)
    assert list(deadline.escalations.values_list("level", flat=True)) == [1]
    compiled.generate(at=MIDNIGHT + 3 * DAY)
    assert CompiledReport.objects.count() == 4


@pytest.mark.clause("I8")
def test_the_figures_are_those_of_the_cut_off_and_come_out_the_same_ever_after(morning):
    with pytest.raises(Invalid, match="还有企业未报"):
        compile_it(morning, at=COMPILE - MINUTE)
    compile_it(morning)
    [day] = morning.figures["days"]
    assert (day["reported"], day["owed"], day["missing"]) == (2, 3, ["演示三热力"])
    assert day["totals"]["gas_used_m3"] == {"sum": "480000", "covered": 2}
    missing = next(line for line in day["companies"] if line["code"] == "demo-heating-3")
    assert missing["gas_used_m3"] is None and missing["state"] == "missing"
    # What comes afterwards is not in it, and taking it again as of the same moment gives the same.
    submit(said(gas_used_m3=300_000), reason="抄表", at=COMPILE + HOUR)
    submit(company="demo-heating-3", by="heating3", questions=(), at=COMPILE + HOUR)
    morning.refresh_from_db()
    assert compiled.reproduces(morning) and not Correction.objects.exists()
    compile_it(morning, at=COMPILE + 2 * HOUR)
    assert morning.figures["days"][0]["reported"] == 3


@pytest.mark.clause("I8")
def test_it_is_compiled_early_when_everybody_has_reported(morning):
    submit(company="demo-heating-3", by="heating3", questions=())
    compile_it(morning, at=CUTOFF)
    assert morning.state == "draft"


@pytest.mark.clause("I8")
def test_who_compiles_does_not_approve_and_only_the_director_does(morning):
    with pytest.raises(Forbidden):
        compile_it(morning, by="reform")
    compile_it(morning)
    for username in ("bureau", "deputy", "heating1"):
        with pytest.raises(Forbidden):
            compiled.approve(morning, actor=user(username), at=COMPILE)
    with pytest.raises(Conflict, match="审批后才能送出"):
        compiled.send(morning, recipient="中心", way="paper", actor=user("bureau"), at=COMPILE)
    compiled.refuse(morning, reason="三热力未报，请再催", actor=user("director"), at=COMPILE)
    assert morning.state == "due"
    approved(morning)
    with pytest.raises(Conflict):
        compiled.approve(CompiledReport.objects.get(), actor=user("director"), at=COMPILE)


@pytest.mark.clause("I8")
@pytest.mark.parametrize(("at", "outcome"), [(DUE, "met"), (DUE + MINUTE, "late")])
def test_sending_settles_what_the_bureau_owed_and_is_on_record(morning, at, outcome):
    sent(morning, at=at)
    [one] = morning.sendings.all()
    assert (one.recipient, one.way, one.receipt, one.sent_by.username, one.sent_at) == ("市燃气供热服务中心", "network", "收文 118", "bureau", at)
    assert engine.of(morning).get().outcome == outcome


@pytest.mark.clause("I8", "I7")
def test_a_report_revised_after_it_was_sent_makes_a_correction_and_never_a_silent_change(morning):
    sent(morning)
    before = CompiledReport.objects.get().figures
    submit(said(gas_used_m3=300_000), reason="抄表有误", at=COMPILE + 3 * HOUR)
    submit(company="demo-heating-3", by="heating3", questions=(), at=COMPILE + 4 * HOUR)
    first, second = Correction.objects.order_by("number")
    assert (first.company.code, first.reason) == (ME, "抄表有误") and first.changes == [{"field": "gas_used_m3", "old": "280000", "new": "300000"}]
    assert second.reason == "报告送出后补报" and {"field": "gas_used_m3", "old": None, "new": "280000"} in second.changes
    assert CompiledReport.objects.get().figures == before and compiled.reproduces(CompiledReport.objects.get())
    assert Notice.objects.filter(key=f"correction:{first.pk}", unit__code="urban-management").exists()
    compiled.send(CompiledReport.objects.get(), recipient="中心", way="network", correction=first, actor=user("bureau"), at=COMPILE + 5 * HOUR)
    first.refresh_from_db()
    assert first.sent_at and morning.sendings.count() == 2
    text = "\n".join(cell.text for row in Document(io.BytesIO(report_papers.correction_paper(first))).tables[0].rows for cell in row.cells)
    assert "280,000" in text and "300,000" in text


@pytest.mark.clause("I8")
def test_on_paper_it_has_the_layout_of_the_standard_and_the_fonts_by_name(morning):
    approved(morning)
    paper = Document(io.BytesIO(report_papers.compiled_paper(morning)))
    section = paper.sections[0]
    assert [round(one.mm) for one in (section.page_width, section.page_height, section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)] == [210, 297, 37, 35, 28, 26]
    text = "\n".join(paragraph.text for paragraph in paper.paragraphs)
    assert "未央区集中供热信息报送" in text and "西安市燃气供热服务中心：" in text and "2/3 家" in text and "未报：演示三热力" in text and "演示数据" in text
    xml = zipfile.ZipFile(io.BytesIO(report_papers.compiled_paper(morning))).read("word/document.xml").decode()
    for face in ("方正小标宋简体", "仿宋_GB2312", "楷体_GB2312", "黑体"):
        assert f'w:eastAsia="{face}"' in xml, face
    assert 'w:type="linesAndChars"' in xml and not [name for name in zipfile.ZipFile(io.BytesIO(report_papers.compiled_paper(morning))).namelist() if "fonts/" in name]
    rows = [[cell.text for cell in row.cells] for row in paper.tables[0].rows]
    assert rows[-1][:2] == ["合计", "2/3 家"] and ["演示三热力", "漏报", *["未报"] * 6] in rows


@pytest.mark.clause("I8")
def test_the_pages_lead_from_compiling_to_sending_and_no_company_sees_them(morning):
    bureau, director = browser("bureau"), browser("director")
    number = morning.number
    assert "待汇总" in bureau.get("/reports/compiled/").content.decode()
    assert bureau.post(f"/reports/compiled/{number}/compile/", {"note": "寒潮，全区加强巡检"}).status_code == 302
    assert bureau.post(f"/reports/compiled/{number}/approve/", {}).status_code == 403
    assert director.post(f"/reports/compiled/{number}/approve/", {"note": "同意"}).status_code == 302
    assert bureau.post(f"/reports/compiled/{number}/send/", {"recipient": "", "way": "network"}).status_code == 422
    assert bureau.post(f"/reports/compiled/{number}/send/", {"recipient": "市燃气供热服务中心", "way": "mail"}).status_code == 302
    page = bureau.get(f"/reports/compiled/{number}/").content.decode()
    assert "已送出" in page and "电子邮件" in page and "结果一致" in page and "寒潮，全区加强巡检" in page
    book = CalamineWorkbook.from_filelike(io.BytesIO(bureau.get(f"/reports/compiled/{number}/xlsx/").content)).get_sheet_by_index(0).to_python()
    assert ["合计", "2/3 家"] in [row[:2] for row in book]
    assert bureau.get(f"/reports/compiled/{number}/docx/").headers["Content-Type"] == report_papers.DOCX
    for username in ("heating1", "street", "admin", "reform"):
        stranger = browser(username)
        for path in (f"/reports/compiled/{number}/", f"/reports/compiled/{number}/docx/", f"/reports/compiled/{number}/xlsx/", "/reports/major/none/"):
            assert stranger.get(path).status_code == 404, (username, path)
        for path in ("/reports/compiled/", "/reports/compiled/?format=xlsx", "/reports/major/"):
            assert stranger.get(path).status_code == 403, (username, path)


# ---------------------------------------------------------------- reported upward


FOUND = datetime(2025, 11, 18, 6, 0, tzinfo=SHANGHAI)


def problem(**more):
    values = {"kind": "outage", "title": "演示一热力北辰片区停热", "facts": "一次网爆管，影响 1,230 户", "recipients": "区委、区政府", "discovered_at": FOUND, "reported_at": FOUND + 2 * HOUR}
    return major.Problem(**{**values, **more})


@pytest.mark.clause("D1.1")
@pytest.mark.parametrize(("after", "is_prompt"), [(2 * HOUR, True), (2 * HOUR + MINUTE, False)])
def test_from_discovery_to_report_is_measured(db, after, is_prompt):
    one = major.report(problem(reported_at=FOUND + after), actor=user("bureau"), at=FOUND + DAY)
    assert one.interval == after and one.is_prompt is is_prompt
    text = "\n".join(paragraph.text for paragraph in Document(io.BytesIO(report_papers.major_paper(one))).paragraphs)
    assert "一次网爆管" in text and "区委、区政府：" in text
    page = browser("bureau").get("/reports/major/").content.decode()
    assert one.number in page and (">时限内</span>" in page) is is_prompt


@pytest.mark.clause("D1.1")
@pytest.mark.parametrize(("more", "field"), [
    ({"reported_at": FOUND - MINUTE}, "reported_at"), ({"discovered_at": FOUND + 2 * DAY}, "discovered_at"), ({"kind": "weather"}, "kind"), ({"facts": " "}, "facts"),
])  # fmt: skip
def test_the_moments_follow_each_other_and_the_kind_is_one_of_the_plan(db, more, field):
    with pytest.raises(Invalid) as refused:
        major.report(problem(**more), actor=user("bureau"), at=FOUND + DAY)
    assert field in refused.value.fields


@pytest.mark.clause("D1.1")
def test_only_the_bureau_reports_upward(db):
    for username in ("heating1", "reform", "street", "director"):
        with pytest.raises(Forbidden):
            major.report(problem(), actor=user(username), at=FOUND + DAY)
    assert browser("heating1").get("/reports/major/new/").status_code == 403
    answer = browser("bureau").post("/reports/major/new/", {
        "kind": "gas", "title": "气源中断", "facts": "上游减供", "recipients": "区委、区政府", "discovered_at": "2025-11-18T06:00", "reported_at": "2025-11-18T06:40",
    })  # fmt: skip
    assert answer.status_code == 302 and browser("bureau").get(answer.url).status_code == 200
