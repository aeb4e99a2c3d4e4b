"""Silence is an alarm: what the watchdog does with PostgreSQL alone, and what `/healthz` says."""

import logging
from datetime import datetime

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from core import clock
from deadlines.models import Deadline, Heartbeat
from deadlines.sweep import sweep
from notices import outbox

log = logging.getLogger(__name__)

STALE_SECONDS = 5.0
MOST_SWEEP_AGE = 15.0
MOST_SWEEP_LAG = 15.0
MOST_OUTBOX_AGE = 60.0
MOST_SKEW = 2.0
# The watchdog sweeps only when it must; that it would is told by a sign of life of its own.
ALIVE, SIGN_SECONDS, MOST_SILENCE = "watchdog alive", 5.0, 30.0


def run_once(at: datetime) -> bool:
    """Sweep and send in Celery's place when its heartbeat is stale as of `at`. Whether that was necessary; it is not while another time is played."""
    beat = Heartbeat.objects.filter(source="celery").first()
    if beat is not None and (at - beat.at).total_seconds() < STALE_SECONDS:
        return False
    if clock.stands_still():
        return False
    log.warning("no sweep by Celery since %s: the watchdog sweeps", beat.at if beat else "ever")
    sweep(at=at, source="watchdog", skew=clock.skew_seconds())
    outbox.route(at=at)
    outbox.deliver(at=at)
    return True


def sign_of_life(at: datetime) -> None:
    """The watchdog is there, as of `at`: written every few seconds, so that a dead one is noticed before it is needed."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(source=ALIVE, at=at, skew_seconds=clock.skew_seconds())], update_conflicts=True, unique_fields=["source"], update_fields=["at", "skew_seconds"]
    )


def health() -> dict:
    """How the portal is: figures, and in `bad` what is wrong in words. Never raises."""
    report = {
        "database": "ok", "broker": "ok", "sweep_age_seconds": None, "celery_age_seconds": None, "watchdog_age_seconds": None, "sweep_lag_seconds": None,
        "outbox_oldest_seconds": None, "clock_skew_seconds": None, "set_aside": None, "bad": [],
    }  # fmt: skip
    bad = report["bad"]
    try:
        _look_at_database(report, bad)
    except (DatabaseError, InterfaceError) as fault:
        log.error("health: the database is out of reach: %s", fault)
        connection.close()
        report["database"] = "down"
        bad.append("数据库无法连接")
    if not _broker_answers():
        report["broker"] = "down"
        bad.append("消息代理（Redis）无法连接，由看门狗代为巡检")
    return report


def _look_at_database(report: dict, bad: list[str]) -> None:
    at = clock.now()
    sweepers = list(Heartbeat.objects.all())
    beats = {beat.source: (at - beat.at).total_seconds() for beat in sweepers}
    celery, watchdog = beats.get("celery"), beats.get(ALIVE)
    age = min((age for source, age in beats.items() if source != ALIVE), default=None)
    oldest = Deadline.objects.filter(next_check_at__lt=at).order_by("next_check_at").values_list("next_check_at", flat=True).first()
    lag = (at - oldest).total_seconds() if oldest else 0.0
    waiting = outbox.oldest_waiting(at)
    # Of this machine and of those that sweep now, the one whose clock is farthest off.
    skew = max([clock.skew_seconds(), *(beat.skew_seconds for beat in sweepers if beats[beat.source] <= MOST_SWEEP_AGE)], key=abs)
    aside = Deadline.objects.filter(settled_at=None, next_check_at__isnull=False).exclude(set_aside_reason="").count()
    report.update(
        sweep_age_seconds=_rounded(age), celery_age_seconds=_rounded(celery), watchdog_age_seconds=_rounded(watchdog), sweep_lag_seconds=_rounded(lag),
        outbox_oldest_seconds=_rounded(waiting), clock_skew_seconds=_rounded(skew), set_aside=aside,
    )  # fmt: skip
    if age is None or age > MOST_SWEEP_AGE:
        bad.append("时限巡检已停止")
    elif celery is None or celery > MOST_SWEEP_AGE:
        bad.append("Celery 巡检已停止，看门狗代行（degraded: celery）")
    if watchdog is not None and watchdog > MOST_SILENCE:  # where none was ever started, none is missed
        bad.append("看门狗已停止，Celery 或 Redis 停摆时将无人代行（degraded: watchdog）")
    if lag > MOST_SWEEP_LAG:
        bad.append("有到期时限超过 15 秒未处理")
    if waiting > MOST_OUTBOX_AGE:
        bad.append("有消息超过 60 秒未发出")
    if abs(skew) > MOST_SKEW:
        bad.append("本机或巡检所在机器的时钟与数据库相差超过 2 秒")
    if aside:
        bad.append(f"有 {aside} 个时限无法自动处理")


def _broker_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as server:
            return bool(server.ping())
    except (redis.RedisError, OSError, ValueError):
        return False


def _rounded(seconds: float | None) -> float | None:
    return round(seconds, 3) if seconds is not None else None
