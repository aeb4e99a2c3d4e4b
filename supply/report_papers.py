"""Reports on paper: docx in the layout of GB/T 9704-2012, the fonts named and not embedded.

A4, type area 156 × 225 mm, 22 lines of 28 characters; title 2号小标宋, headings 黑体 and 楷体, body 3号仿宋. An internal report,
not an official document 公文: it takes the layout, and no document number.
"""

import io
from datetime import date, datetime
from decimal import Decimal

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from core import anchors, civil
from core.privacy import scrub
from supply.compiled import STATES, SUMMED, coverage_of
from supply.models import CompiledReport, Correction, MajorReport
from supply.reports import NAMES

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TITLE, HEADING, SECOND, BODY, DIGITS = "方正小标宋简体", "黑体", "楷体_GB2312", "仿宋_GB2312", "宋体"
NO_2, NO_3, NO_4, NO_5 = Pt(22), Pt(16), Pt(14), Pt(10.5)
LINE = Pt(29)  # 225 mm / 22 lines
LEFT = WD_ALIGN_PARAGRAPH.LEFT
MEASURES = "采取的应急措施"


def compiled_paper(report: CompiledReport) -> bytes:
    """The compiled report of a period, from its figures as kept."""
    paper = _Paper(report.unit.name, is_demo=report.is_demo)
    paper.title("未央区集中供热信息报送", f"（{report.period}）")
    paper.salute(f"{report.recipient.name}：")
    paper.text(f"现将{report.period}未央区各集中供热企业供热信息报送如下。数据截至{_moment(report.cutoff_at)}，{coverage_of(report.figures)}；合计只含已报企业，未报的不按零计。")
    for index, day in enumerate(report.figures["days"]):
        paper.heading(f"{_number(index + 1)}、{_day(date.fromisoformat(day['day']))}运行情况")
        paper.text(_spoken_totals(day))
        if day["missing"]:
            paper.text(f"未报：{'、'.join(day['missing'])}。")
        paper.table(["企业", "报送", *(f"{NAMES[name][0]}（{NAMES[name][1]}）" for name in SUMMED)], [_row(line) for line in day["companies"]] + [_sum_row(day)])
        measures = [(line["name"], line["measures"]) for line in day["companies"] if line["measures"]]
        if measures:
            paper.second("应急措施")
            for name, said in measures:
                paper.text(f"{name}：{scrub(said)}")
    position = len(report.figures["days"]) + 1
    paper.heading(f"{_number(position)}、其他")
    for one in report.figures.get("weather", []):
        paper.text(f"{_day(date.fromisoformat(one['day']))}室外气温 {one['lowest']}～{one['highest']} ℃，日平均 {one['mean']} ℃。")
    cut = report.figures.get("curtailments", [])
    paper.text("压非保民限供：" + ("；".join(f"{one['company']}减 {_figure(one['covered_m3'])} m³/日" for one in cut) + "。" if cut else "无。"))
    if report.note:
        paper.text(scrub(report.note))
    paper.sign(report.unit.name, report.approved_at or report.compiled_at)
    anchor = anchors.of_day(civil.day_of(report.compiled_at)) if report.compiled_at else None
    if anchor is not None:  # on paper and elsewhere, it proves later that nothing before was rewritten
        paper.text(f"台账锚点 {anchor.day} {anchor}")
    return paper.bytes()


def correction_paper(one: Correction) -> bytes:
    """A correction notice: what was sent, what it should read, and why."""
    report = one.report
    paper = _Paper(report.unit.name, is_demo=one.is_demo)
    paper.title("更正通知", f"（{report.number} 更正第 {one.number} 号）")
    paper.salute(f"{report.recipient.name}：")
    paper.text(f"我局报送的{report.period}未央区集中供热信息中，{one.company.name}{_day(one.day)}数据有变动，现予更正。原因：{scrub(one.reason)}。原报送件保持不变，以本通知为准。")
    rows = [[_name(row["field"]), _figure_or_text(row["field"], row["old"]), _figure_or_text(row["field"], row["new"])] for row in one.changes]
    paper.table(["项目", "原报", "更正为"], rows)
    paper.sign(report.unit.name, one.made_at)
    return paper.bytes()


def major_paper(one: MajorReport) -> bytes:
    """A major problem, as reported upward."""
    paper = _Paper(one.unit.name, is_demo=one.is_demo)
    paper.title("集中供热重大问题报告", one.title)
    paper.salute(f"{one.recipients}：")
    for index, (heading, said) in enumerate((("基本情况", one.facts), ("已采取措施", one.measures), ("下一步安排", one.next_steps)), 1):
        paper.heading(f"{_number(index)}、{heading}")
        for line in (said or "无。").splitlines():
            paper.text(scrub(line))
    paper.text(f"类型：{one.kind_name}。发现时间{_moment(one.discovered_at)}，报告时间{_moment(one.reported_at)}，间隔{civil.spell(one.interval)}。")
    paper.sign(one.unit.name, one.reported_at)
    return paper.bytes()


def _name(field: str) -> str:
    return MEASURES if field == "measures" else f"{NAMES[field][0]}（{NAMES[field][1]}）"


def _figure_or_text(field: str, value: str | None) -> str:
    if field == "measures":
        return scrub(value) if value else "未报" if value is None else "无"
    return _figure(value)


def _figure(value: str | None) -> str:
    """A figure with thousands; 未报 where there is none."""
    if value is None:
        return "未报"
    number = Decimal(value)
    return f"{number:,.0f}" if number == number.to_integral_value() else f"{number:,.2f}"


def _spoken_totals(day: dict) -> str:
    parts = [f"{NAMES[name][0]} {_figure(total['sum'])} {NAMES[name][1]}（{total['covered']}/{day['owed']} 家）" for name, total in day["totals"].items() if total["covered"]]
    return f"应报 {day['owed']} 家，已报 {day['reported']} 家。" + ("合计" + "，".join(parts) + "。" if parts else "")


def _row(line: dict) -> list[str]:
    return [line["name"], STATES.get(line["state"], line["state"]), *(_figure(line[name]) for name in SUMMED)]


def _sum_row(day: dict) -> list[str]:
    return ["合计", f"{day['reported']}/{day['owed']} 家", *(_figure(day["totals"][name]["sum"]) if day["totals"][name]["covered"] else "—" for name in SUMMED)]


def _number(value: int) -> str:
    digits = "一二三四五六七八九"
    if value < 10:
        return digits[value - 1]
    return f"{digits[value // 10 - 1] if value >= 20 else ''}十{digits[value % 10 - 1] if value % 10 else ''}"


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _moment(moment: datetime) -> str:
    local = moment.astimezone(civil.SHANGHAI)
    return f"{_day(local.date())}{local:%H:%M}"


class _Paper:
    """A document in the layout, written from the top."""

    def __init__(self, author: str, *, is_demo: bool):
        self.document = Document()
        self.document.core_properties.author = author
        section = self.document.sections[0]
        section.start_type = WD_SECTION.NEW_PAGE
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = Mm(37), Mm(35), Mm(28), Mm(26)
        section.footer_distance = Mm(28)
        grid = section._sectPr.find(qn("w:docGrid"))
        if grid is None:
            grid = OxmlElement("w:docGrid")
            section._sectPr.append(grid)
        grid.set(qn("w:type"), "linesAndChars")
        grid.set(qn("w:linePitch"), "579")
        # 156 mm / 28 characters, against the 16 pt of 3号: a fraction narrower.
        grid.set(qn("w:charSpace"), "-849")
        self.document.settings.odd_and_even_pages_header_footer = True
        _page_number(section.footer.paragraphs[0], WD_ALIGN_PARAGRAPH.RIGHT)
        _page_number(section.even_page_footer.paragraphs[0], LEFT)
        style = self.document.styles["Normal"]
        style.font.size = NO_3
        _face(style.element.get_or_add_rPr(), BODY)
        if is_demo:
            self._line("演示数据，不作依据", HEADING, NO_3, indent=0)

    def title(self, text: str, below: str = "") -> None:
        """The title, 2号小标宋, centred; below it the period in 楷体."""
        self._line(text, TITLE, NO_2, align=WD_ALIGN_PARAGRAPH.CENTER, indent=0, line=Pt(35))
        if below:
            self._line(below, SECOND, NO_3, align=WD_ALIGN_PARAGRAPH.CENTER, indent=0)
        self._line("", BODY, NO_3, indent=0)

    def salute(self, text: str) -> None:
        """To whom it goes: flush left."""
        self._line(text, BODY, NO_3, indent=0)

    def heading(self, text: str) -> None:
        """First level, 黑体."""
        self._line(text, HEADING, NO_3)

    def second(self, text: str) -> None:
        """Second level, 楷体."""
        self._line(text, SECOND, NO_3)

    def text(self, text: str) -> None:
        """A paragraph, two characters in."""
        self._line(text, BODY, NO_3)

    def table(self, heads: list[str], rows: list[list[str]]) -> None:
        """A table as wide as the text; its head is repeated on each page."""
        table = self.document.add_table(rows=1, cols=len(heads))
        table.style, table.alignment = "Table Grid", WD_TABLE_ALIGNMENT.CENTER
        for cell, said in zip(table.rows[0].cells, heads, strict=True):
            _cell(cell, said, HEADING)
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        table.rows[0]._tr.get_or_add_trPr().append(mark)
        for row in rows:
            for cell, said in zip(table.add_row().cells, row, strict=True):
                _cell(cell, said, BODY)

    def sign(self, unit: str, moment: datetime | None) -> None:
        """The unit and the date, the date four characters from the right."""
        self._line("", BODY, NO_3, indent=0)
        self._line(unit, BODY, NO_3, align=WD_ALIGN_PARAGRAPH.RIGHT, indent=0, right=2)
        self._line(_day(moment.astimezone(civil.SHANGHAI).date()) if moment else "", BODY, NO_3, align=WD_ALIGN_PARAGRAPH.RIGHT, indent=0, right=4)

    def bytes(self) -> bytes:
        """The document as a file."""
        out = io.BytesIO()
        self.document.save(out)
        return out.getvalue()

    def _line(self, text: str, face: str, size: Pt, *, align=WD_ALIGN_PARAGRAPH.JUSTIFY, indent: int = 2, right: int = 0, line: Pt = LINE) -> None:
        paragraph = self.document.add_paragraph()
        layout = paragraph.paragraph_format
        layout.alignment, layout.line_spacing_rule, layout.line_spacing = align, WD_LINE_SPACING.EXACTLY, line
        layout.space_before = layout.space_after = Pt(0)
        if indent:
            layout.first_line_indent = Pt(size.pt * indent)
        if right:
            layout.right_indent = Pt(size.pt * right)
        _run(paragraph, text, face, size)


def _cell(cell, text: str, face: str) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(0)
    _run(paragraph, text, face, NO_5)


def _run(paragraph, text: str, face: str, size: Pt) -> None:
    run = paragraph.add_run(text)
    run.font.size = size
    _face(run._r.get_or_add_rPr(), face)


def _face(properties, face: str) -> None:
    fonts = properties.find(qn("w:rFonts"))
    if fonts is None:
        fonts = OxmlElement("w:rFonts")
        properties.insert(0, fonts)
    fonts.set(qn("w:ascii"), "Times New Roman")
    fonts.set(qn("w:hAnsi"), "Times New Roman")
    fonts.set(qn("w:eastAsia"), face)


def _page_number(paragraph, align) -> None:
    """— 1 —, 4号宋体; odd pages right, even pages left, one character from the edge."""
    paragraph.alignment = align
    if align == LEFT:
        paragraph.paragraph_format.left_indent = NO_4
    else:
        paragraph.paragraph_format.right_indent = NO_4
    _run(paragraph, "— ", DIGITS, NO_4)
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        run = paragraph.add_run()
        run.font.size = NO_4
        _face(run._r.get_or_add_rPr(), DIGITS)
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = text
        run._r.append(mark)
    _run(paragraph, " —", DIGITS, NO_4)
