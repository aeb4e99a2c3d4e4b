"""Posters and cards as PDF: the same sheets as the print pages, for the printer's shop (G22, G23).

Chinese is set in a font every reader of PDF brings along (STSong), so that a file of two hundred posters stays small.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from deadlines import promises

FONT = "STSong-Light"
INK, BRAND, GREY = HexColor("#1f2329"), HexColor("#c2410c"), HexColor("#5c6470")
CARD = (90 * mm, 54 * mm)  # ten an A4 page, two beside each other
pdfmetrics.registerFont(UnicodeCIDFont(FONT))


@dataclass(frozen=True)
class Leaf:
    """What stands on one poster or card."""

    address: str
    place: str
    company: str
    phone: str
    manager: str = ""
    is_demo: bool = False


def posters(leaves: Iterable[Leaf]) -> bytes:
    """One A4 page for each."""
    out, canvas = _canvas("码上暖海报")
    width, height = A4
    promised = " · ".join(one.name for one in promises.made())
    for leaf in leaves:
        middle = width / 2
        _line(canvas, middle, height - 45 * mm, "码上暖", 64, BRAND)
        _line(canvas, middle, height - 64 * mm, leaf.place, 24, INK, most=width - 30 * mm)
        _code(canvas, leaf.address, middle - 55 * mm, height - 184 * mm, 110 * mm)
        _line(canvas, middle, height - 200 * mm, "暖气不热、漏水、咨询，扫码即办", 24, INK)
        _line(canvas, middle, height - 211 * mm, "不用注册，不用下载", 18, GREY)
        _line(canvas, middle, height - 228 * mm, promised, 20, BRAND)
        said = [f"{leaf.company}　24 小时电话 {leaf.phone}".lstrip("　"), "政务热线 12345", leaf.manager and f"小区供热管理员 {leaf.manager}"]
        for line, text in enumerate(text for text in said if text):
            _line(canvas, middle, height - (245 + 9 * line) * mm, text, 15, INK, most=width - 24 * mm)
        if leaf.is_demo:
            _line(canvas, middle, 12 * mm, "演示数据", 14, BRAND)
        canvas.showPage()
    return _bytes(out, canvas)


def cards(leaves: Iterable[Leaf]) -> bytes:
    """Ten an A4 page, with lines to cut along."""
    out, canvas = _canvas("码上暖卡片")
    width, height = A4
    wide, high = CARD
    left, top = (width - 2 * wide) / 2, (height - 5 * high) / 2
    for number, leaf in enumerate(leaves):
        if number and number % 10 == 0:
            canvas.showPage()
        column, row = number % 2, number % 10 // 2
        x, y = left + column * wide, height - top - (row + 1) * high
        canvas.setStrokeColor(HexColor("#c8cdd4"))
        canvas.setDash(2, 2)
        canvas.rect(x, y, wide, high)
        canvas.setDash()
        _code(canvas, leaf.address, x + 3 * mm, y + 6 * mm, 42 * mm)
        middle, room = x + 67 * mm, 42 * mm
        _line(canvas, middle, y + 42 * mm, "码上暖", 20, BRAND)
        _line(canvas, middle, y + 34 * mm, leaf.place, 11, INK, most=room)
        _line(canvas, middle, y + 27 * mm, "扫码报修、咨询、查进度", 9, GREY)
        for line, text in enumerate(text for text in (leaf.company, f"24 小时 {leaf.phone}", "政务热线 12345", "演示数据" if leaf.is_demo else "") if text):
            _line(canvas, middle, y + (20 - 5.5 * line) * mm, text, 9, INK, most=room)
    canvas.showPage()
    return _bytes(out, canvas)


def _canvas(title: str) -> tuple[io.BytesIO, Canvas]:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(title)
    canvas.setAuthor("未央区集中供热保障指挥平台")
    return out, canvas


def _bytes(out: io.BytesIO, canvas: Canvas) -> bytes:
    canvas.save()
    return out.getvalue()


def _line(canvas: Canvas, middle: float, y: float, text: str, size: float, colour, most: float | None = None) -> None:
    """A centred line; set smaller where it would not fit into `most`."""
    if most:
        size = min(size, size * most / max(pdfmetrics.stringWidth(text, FONT, size), 1))
    canvas.setFillColor(colour)
    canvas.setFont(FONT, size)
    canvas.drawCentredString(middle, y, text)


def _code(canvas: Canvas, address: str, x: float, y: float, side: float) -> None:
    """The code as vectors, with its quiet zone, in a square of `side` from its lower left corner."""
    rows = [bytes(row) for row in segno.make(address, error="q", boost_error=False).matrix_iter(border=4)]
    module = side / len(rows)
    drawn = canvas.beginPath()
    for line, row in enumerate(rows):
        for column, dark in enumerate(row):
            if dark:
                drawn.rect(x + column * module, y + side - (line + 1) * module, module, module)
    canvas.setFillColor(HexColor("#000000"))
    canvas.drawPath(drawn, stroke=0, fill=1)
