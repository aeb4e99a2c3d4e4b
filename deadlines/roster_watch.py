"""Watches the rosters: a gap that comes soon, or is open now, is told once to the unit's principal and to the bureau's desk (D1.10, F6, G14).

Who has not even set up a post has no gap to be found: during the season that is told once a week, to each principal, and to the
desk in one message for all (I12).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.dateparse import parse_duration

from core import civil
from core.errors import Invalid
from deadlines import season as seasons
from notices import outbox
from notices.models import Notice
from units import access, duty_selectors, shifts
from units.models import DutyPost, Unit


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
    if in_season(at):
        manned = DutyPost.objects.filter(shifts.running(at)).values("unit")
        without = Unit.objects.filter(kind__in=duty_selectors.OBLIGED, is_active=True).exclude(pk__in=manned).order_by("position", "code")
        tell_unset("post", [(unit, "") for unit in without], what="值班岗", why="各部门、街道、供热企业须安排供热期间的值班（I12）", at=at)


def in_season(at: datetime) -> bool:
    """Whether people are to be on duty: during the heating season."""
    season = seasons.active(at)
    return season is not None and season.starts_on <= civil.day_of(at) <= season.ends_on


def tell_unset(name: str, unset: Iterable[tuple[Unit, str]], *, what: str, why: str, at: datetime) -> None:
    """Posts that nobody has set up, `(unit, place)`: to each unit's principal once a week, and to the bureau in one message for all."""
    unset = list(unset)
    if not unset:
        return
    monday = civil.day_of(at) - timedelta(days=civil.localize(at).weekday())
    places: dict[Unit, list[str]] = {}
    for unit, place in unset:
        places.setdefault(unit, []).append(place)
    said = {"kind": "roster_unset", "level": 1, "created_at": at}
    notices = [
        Notice(
            key=f"roster-unset:{name}:{monday}:{unit.pk}", unit_id=unit.pk, audience="principal", subject=f"尚未设{what}：{unit}"[:160],
            body=f"{'、'.join(part for part in parts if part)}{'：' if any(parts) else ''}{why}。请设岗并排班。", link=f"/duty/units/{unit.code}/", **said,
        )
        for unit, parts in places.items()
    ]  # fmt: skip
    bureau = Unit.objects.filter(code=access.BUREAU).values_list("pk", flat=True).first()
    if bureau is not None:
        names = "、".join(f"{unit}{place}" for unit, place in unset)
        notices.append(
            Notice(
                key=f"roster-unset:{name}:{monday}", unit_id=bureau, audience="bureau", subject=f"{len(unset)} 处尚未设{what}"[:160], body=f"{names}。{why}。",
                link="/duty/?only=gaps", **said,
            )
        )  # fmt: skip
    outbox.post_many(notices)


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
