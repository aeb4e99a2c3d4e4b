"""What Prometheus scrapes at /metrics: read from the database at that moment, so that any web process tells the same."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db.models import Count, Q
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from complaints.models import OPEN_STATES, Ticket
from deadlines import watch
from deadlines.engine import late
from deadlines.models import Deadline, Heartbeat, Outcome
from notices.models import Message, Notice

DAY = timedelta(days=1)
FIGURES = {
    "sweep_age_seconds": "距上一次巡检",
    "sweep_lag_seconds": "最早一条到期而未处理的时限已过多久",
    "outbox_oldest_seconds": "最早一条未发出的消息等了多久",
    "clock_skew_seconds": "本机与数据库时钟之差",
    "set_aside": "无法自动处理的时限",
}


class _Portal:
    """A collector: everything anew at each scrape."""

    def __init__(self, at: datetime):
        self.at = at

    def collect(self) -> Iterable[GaugeMetricFamily]:
        health = watch.health()
        yield _one("heating_healthy", "与 /healthz 一致：1 正常，0 有问题", int(not health["bad"]))
        for name, said in FIGURES.items():
            if health[name] is not None:
                yield _one(f"heating_{name}", said, health[name])
        if health["database"] != "ok":
            return
        yield _many("heating_heartbeat_age_seconds", "各进程距上一次心跳", "source", {beat.source: (self.at - beat.at).total_seconds() for beat in Heartbeat.objects.all()})
        yield _many("heating_tickets_open", "在办工单", "state", _counts(Ticket.objects.filter(state__in=OPEN_STATES), "state"))
        running = Deadline.objects.filter(settled_at=None)
        yield _many("heating_deadlines_running", "在计时的时限", "stage", _counts(running.filter(next_check_at__isnull=False), "stage"))
        yield _many("heating_deadlines_overdue", "已超时而未办的时限", "stage", _counts(running.filter(due_at__lt=self.at), "stage"))
        yield _many("heating_on_time_ratio", "近 24 小时起算的时限按时率", "stage", self._on_time())
        waiting = Message.objects.filter(sent_at=None, endpoint__isnull=False)
        yield _many("heating_outbox", "待分发的通知、待发出与已放弃的消息", "state", {
            "to_route": Notice.objects.filter(routed_at=None).count(), "pending": waiting.filter(given_up_at=None).count(), "given_up": waiting.filter(given_up_at__isnull=False).count(),
        })  # fmt: skip
        yield _many("heating_queue_length", "Celery 队列里的消息", "queue", _queues())

    def _on_time(self) -> dict[str, float]:
        rows = Deadline.objects.filter(opened_at__gte=self.at - DAY).order_by().values("stage").annotate(met=Count("pk", filter=Q(outcome=Outcome.MET)), late=Count("pk", filter=late(self.at)))
        return {row["stage"]: row["met"] / (row["met"] + row["late"]) for row in rows if row["met"] + row["late"]}


def text(*, at: datetime) -> bytes:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Portal(at))
    return generate_latest(registry)


def _one(name: str, said: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, value=value)


def _many(name: str, said: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counts(rows, name: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(name).annotate(count=Count("pk")))


def _queues() -> dict[str, int]:
    """The broker may be gone: then there is nothing to tell of it, and `heating_healthy` says so."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as server:
            return {queue: server.llen(queue) for queue in ("clock", "files")}
    except (redis.RedisError, OSError, ValueError):
        return {}
