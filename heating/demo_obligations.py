"""Demonstration of the duty matrix: units report what they owe, most in time, some late, some not at all; others verify it.

When a unit gets to something is drawn from the thing itself, so that every playing of a season tells the same story.
"""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache, partial
from zlib import crc32

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from core import civil
from core.errors import PortalError
from deadlines import obligation_selectors, obligations, particulars, proof
from deadlines import season as seasons
from deadlines.models import Obligation, ObligationKind, Standing
from deadlines.obligations import STATES, WITH_PAPER, Report
from heating import demo_lines
from heating.rehearsal import Event
from units.models import Membership, Unit, User

OPENS_AT, CLOSES_AT = timedelta(hours=9), timedelta(hours=17)
VERIFIED_AFTER = timedelta(hours=20)
NEVER, LATE = 5, 12  # of a hundred
NOTES = {
    "meeting": "已召开会议部署，会议记录附后", "survey": "已逐处排查，清单附后", "course": "按培训计划组织，有签到与考核", "drill": "按预案组织，已作评估",
    "readiness": "六项到位，已自查",
}  # fmt: skip


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """On each day every unit gets to what it has ready, and in the late afternoon those who verify look at what came in."""
    codes = list(Unit.objects.filter(is_active=True).order_by("position", "code").values_list("code", flat=True))
    day = civil.day_of(since)
    while day <= civil.day_of(until):
        start = civil.day_bounds(day)[0]
        for position, code in enumerate(codes):
            moment = start + OPENS_AT + timedelta(minutes=7 * position + _drawn(f"{code}{day}") % 7)
            if since <= moment < until:
                yield moment, partial(_report, code)
        if since <= start + CLOSES_AT < until:
            yield start + CLOSES_AT, _verify
        day += timedelta(days=1)


def _report(code: str, at: datetime) -> None:
    """A unit reports what it has ready by now."""
    season = seasons.active(at)
    waiting = Obligation.objects.filter(unit__code=code, season=season, standing=Standing.OPEN).select_related("unit", "verifier", "season")
    for item in waiting:
        ready = _ready_at(item)
        if ready is None or ready > at:
            continue
        Obligation.objects.filter(pk=item.pk).update(is_demo=True)
        try:
            obligations.report(item, _said(item, at), actor=_worker(code), at=at)
        except PortalError:  # two courses on one day, or somebody was quicker
            continue


def _verify(at: datetime) -> None:
    """Those who verify have looked at what came in until yesterday; one in twenty is sent back, once."""
    came = Obligation.objects.filter(season=seasons.active(at), standing=Standing.REPORTED, reported_at__lt=at - VERIFIED_AFTER)
    for item in came.select_related("unit", "verifier"):
        worker = _worker(item.verifier.code)
        if _drawn(f"verdict {_name(item)}") % 20 == 0 and item.attempt == 1:
            proof.refuse(item, reason="佐证材料不完整，请补充后重报", actor=worker, at=at)
        else:
            proof.approve(item, note="属实", actor=worker, at=at)


def _ready_at(item: Obligation) -> datetime | None:
    """When the unit has it ready: somewhere between its beginning and its due moment, or some days late, or never."""
    drawn = _drawn(_name(item))
    length = item.due_at - item.opened_at
    if drawn % 100 < NEVER:
        return None
    if drawn % 100 < LATE:
        return item.due_at + timedelta(hours=10 + drawn % 70)
    return item.opened_at + length * (0.25 + drawn // 100 % 70 / 100)


def _said(item: Obligation, at: datetime) -> Report:
    details = {}
    if item.kind in STATES:
        good, bad = STATES[item.kind]
        names = obligation_selectors.concerned(item)
        details["rows"] = [{"name": name, "state": bad if _drawn(f"{_name(item)}{name}") % 5 == 0 else good} for name in names]
    if item.kind == ObligationKind.READINESS:
        details["items"] = dict.fromkeys(obligations.readiness_items(item), True)
    if item.kind in WITH_PAPER:
        details["approved_by"] = "演示负责人"
    asked = particulars.of(item)
    if asked is not None:
        details["sheet"] = demo_lines.of(asked, day=civil.day_of(at), drawn=_drawn(_name(item)))
    if item.kind in (ObligationKind.COURSE, ObligationKind.DRILL):
        details |= {"topic": "燃气泄漏与锅炉缺水处置", "people": 24 + _drawn(item.title) % 30}
    is_zero = obligations.may_be_nothing(item) and item.kind == ObligationKind.DUTY and _drawn(f"zero {_name(item)}") % 3 == 0
    files = (_paper(),) if item.kind in WITH_PAPER else ()
    return Report(achieved_at=at, note="" if is_zero else NOTES.get(item.kind, "已落实，记录在案"), files=files, is_zero=is_zero, details=details)


def _name(item: Obligation) -> str:
    return f"{item.clause} {item.title} {item.unit.code} {item.counterpart_id} {item.period} {item.number}"


def _drawn(text: str) -> int:
    return crc32(text.encode())


def _worker(code: str) -> User | None:
    """Who works for a unit in the demonstration; where nobody does, the portal itself."""
    found = Membership.objects.filter(unit__code=code, until=None, user__is_demo=True, role__in=("officer", "handler", "dispatcher")).order_by("pk")
    membership = found.select_related("user").first()
    return membership.user if membership else None


def _paper() -> SimpleUploadedFile:
    return SimpleUploadedFile("演示文件.pdf", _pdf(), "application/pdf")


@cache
def _pdf() -> bytes:
    page = Image.new("RGB", (298, 421), "white")
    ImageDraw.Draw(page).text((100, 200), "DEMONSTRATION", fill="black")
    out = io.BytesIO()
    page.save(out, "PDF")
    return out.getvalue()
