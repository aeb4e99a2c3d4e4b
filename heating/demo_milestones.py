"""Demonstration: the companies declare their milestones as the season comes, a few late, one not at all; the bureau verifies."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from core import civil
from deadlines import proof
from deadlines import season as seasons
from deadlines.models import Milestone, Standing
from heating.rehearsal import Event
from plants import milestones
from plants.milestones import Progress
from plants.models import MilestoneItem
from supply import ignition
from units.models import User

# Company → by how many hours before (+) or after (−) the due moment it is done, by milestone.
PACE = {
    "demo-heating-1": {"H1": 60, "H2": 30, "H3": 20, "H5": 6},
    "demo-heating-2": {"H1": 36, "H2": 8, "H3": 5, "H5": 2},
    "demo-heating-3": {"H1": -52, "H2": -14, "H3": 3, "H5": -20},
}
NEVER = {("H5", "demo-community-6")}  # the new project whose pipes are not finished
STEP = timedelta(minutes=7)


def events(since: datetime, until: datetime) -> Iterator[Event]:
    """What companies declare and the bureau verifies between `since` and `until`."""
    season = seasons.active(until)
    if season is None:
        return
    bureau = User.objects.get(username="bureau")
    for milestone in Milestone.objects.filter(season=season, is_current=True):
        if milestone.kind == "start":
            yield from _ignite(milestone, since, until, bureau)
            continue
        for number in (1, 2, 3):
            hours = PACE[f"demo-heating-{number}"].get(milestone.code, 12)
            moment = milestone.due_at - timedelta(hours=hours)
            if since <= moment <= until:
                yield moment, partial(_declare, milestone, f"demo-heating-{number}", User.objects.get(username=f"heating{number}"))
            elif moment < since <= milestone.due_at + timedelta(days=30):
                # Done before the story begins: told at its beginning, with a photo, and approved (补录).
                yield since + timedelta(hours=number), partial(_declare, milestone, f"demo-heating-{number}", User.objects.get(username=f"heating{number}"), achieved=moment)
            told = max(moment, since + timedelta(hours=number))
            if told + timedelta(hours=20) <= until:
                yield told + timedelta(hours=20), partial(_approve, milestone, f"demo-heating-{number}", bureau)


def _items(milestone: Milestone, company: str, standing: str):
    found = MilestoneItem.objects.filter(milestone=milestone, unit__code=company, standing=standing, is_demo=True)
    return found.select_related("milestone", "unit", "verifier", "season", "community", "plant", "boiler", "network").order_by("pk")


def _declare(milestone: Milestone, company: str, user: User, at: datetime, achieved: datetime | None = None) -> None:
    for number, item in enumerate(_items(milestone, company, Standing.OPEN)):
        if (milestone.code, item.facility.code) in NEVER:
            continue
        done = min((achieved or at) - number * STEP, at)
        conditions = {name: done - index * timedelta(minutes=25) for index, name in enumerate(milestone.conditions)}
        more = {"supply_celsius": "56.4", "room_celsius": "20.6"} if milestone.code == "H5" and item.kind == "community" else {}
        files = (_photo(item.name, done),) if milestone.due_at < at else ()
        milestones.declare(item, Progress(achieved_at=done, conditions=conditions, note="现场核对完成", files=files, **more), actor=user, at=at)


def _approve(milestone: Milestone, company: str, bureau: User, at: datetime) -> None:
    for item in _items(milestone, company, Standing.REPORTED):
        proof.approve(item, note="抽查属实", actor=bureau, at=at)


def _ignite(milestone: Milestone, since: datetime, until: datetime, bureau: User) -> Iterator[Event]:
    planned = milestone.due_at - timedelta(days=2)
    start = max(planned, since + timedelta(hours=4))
    if start > until:
        return
    yield start, partial(_plan, milestone, bureau)
    for number in (1, 2, 3):
        user = User.objects.get(username=f"heating{number}")
        for hour in range(0, 48):
            moment = max(milestone.due_at, start) + timedelta(hours=hour, minutes=20)
            if moment <= until:
                yield moment, partial(_start, milestone, f"demo-heating-{number}", user)
        seen = max(milestone.due_at, start) + timedelta(hours=57)
        if seen <= until:
            yield seen, partial(_approve, milestone, f"demo-heating-{number}", bureau)


def _plan(milestone: Milestone, bureau: User, at: datetime) -> None:
    items = [item for item in ignition.items_of(bureau, milestone) if item.achieved_at is None]
    step, ramp, cap = ignition.rules(milestone.season)
    starts = ignition.spread([item.boiler for item in items], since=max(milestone.due_at, at), cap=cap, step=step, ramp=ramp)
    moments = {start.boiler.pk: start.at for start in starts}
    ignition.keep(milestone, {item.pk: moments[item.boiler_id] for item in items}, cap=None, reason="按用气高峰错开", actor=bureau, at=at)


def _start(milestone: Milestone, company: str, user: User, at: datetime) -> None:
    for item in _items(milestone, company, Standing.OPEN).filter(slot__planned_at__lte=at):
        milestones.declare(item, Progress(achieved_at=at, note="点火成功"), actor=user, at=at)


def _photo(name: str, moment: datetime) -> SimpleUploadedFile:
    """A picture that says what it is: a photograph of the demonstration."""
    image = Image.new("RGB", (320, 200), "#8ea0b7")
    ImageDraw.Draw(image).text((20, 90), f"DEMO {civil.localize(moment):%Y-%m-%d %H:%M}", fill="white")
    out = io.BytesIO()
    image.save(out, "JPEG")
    return SimpleUploadedFile(f"{name[:20]}.jpg", out.getvalue(), "image/jpeg")
