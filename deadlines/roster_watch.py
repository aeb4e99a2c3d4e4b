"""Watches the rosters: a gap that comes soon, or is open now, is told once to the unit's principal and to the bureau's desk (D1.10, F6, G14)."""

from datetime import datetime, timedelta

from django.utils.dateparse import parse_duration

from core import civil
from core.errors import Invalid
from deadlines import season as seasons
from notices import outbox
from notices.models import Notice
from units import access, shifts
from units.models import Unit


def rules(at: datetime) -> dict:
    """What the plan says of rosters, training and spot calls. Invalid when the loaded plan has no such section."""
    found = seasons.plan_of(seasons.required(at)).get("rosters")
    if found is None:
        raise Invalid("已载入的方案缺少 rosters 一节，请重新载入方案文件")
    return found


def generate(*, at: datetime) -> None:
    """Tell of every gap between now and the plan's `warn_ahead`. Each is told once; one that lasts for days, once a day."""
    ahead = parse_duration(rules(at)["warn_ahead"])
    # A day back, so that a gap that is open now is known by its beginning.
    since, until = at - timedelta(days=1), at + ahead
    posts = list(shifts.posts_between(since, until).filter(unit__is_active=True).select_related("unit"))
    found = [gap for gap in shifts.gaps_of(posts, since, until) if gap.until > at]
    if found:
        bureau = Unit.objects.filter(code=access.BUREAU).values_list("pk", flat=True).first()
        outbox.post_many([notice for gap in found for notice in _notices(gap, bureau, since, at)])


def _notices(gap: shifts.Gap, bureau: int | None, since: datetime, at: datetime) -> list[Notice]:
    # A gap without a beginning within the day looked back on has lasted longer: it is told anew each day.
    name = f"{civil.day_of(at):%Y%m%d}" if gap.since <= since else f"{gap.since:%Y%m%d%H%M}"
    is_open = gap.since <= at
    said = {
        "kind": "roster", "level": 1 if is_open else 0, "created_at": at, "link": f"/duty/units/{gap.post.unit.code}/",
        "subject": f"{'值班空档' if is_open else '值班将有空档'}：{gap.post.unit} {gap.post.name}"[:160],
        "body": f"{_from(gap, since)}至 {civil.spoken(gap.until)} 缺 {gap.missing} 人。{_CALL[is_open]}",
    }  # fmt: skip
    to = [(gap.post.unit_id, "principal")]
    if bureau is not None:
        to.append((bureau, "bureau"))
    return [Notice(key=f"roster-gap:{gap.post.pk}:{name}:{audience}", unit_id=unit_id, audience=audience, **said) for unit_id, audience in to]


_CALL = {True: "请立即安排人员到岗。", False: "请及时补齐值班表。"}


def _from(gap: shifts.Gap, since: datetime) -> str:
    return "已持续一天以上，" if gap.since <= since else f"{civil.spoken(gap.since)} "
