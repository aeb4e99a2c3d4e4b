"""What the monitor scrapes, and what the log says: figures for who may have them, and nobody's number."""

import json
import logging
import sys
import time

import pytest
import structlog
from django.conf import settings
from django.test import Client

from core import logs
from tests.story import MINUTE, NOON, browser, dispatched, respond, tick

pytestmark = pytest.mark.django_db


def figures(text: str) -> dict[str, float]:
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and not line.startswith("#")}


def test_prometheus_reads_what_the_database_says(monkeypatch):
    monkeypatch.setattr("core.clock.now", lambda: NOON + 30 * MINUTE)
    late, kept = dispatched(), dispatched()
    respond(kept, NOON + MINUTE)
    tick(NOON + 30 * MINUTE)
    found = figures(Client().get("/metrics").content.decode())
    assert found['heating_tickets_open{state="dispatched"}'] >= 1 and found['heating_deadlines_overdue{stage="response"}'] == 1
    assert found['heating_on_time_ratio{stage="response"}'] == 0.5 and late.number
    assert {"heating_sweep_lag_seconds", "heating_outbox_oldest_seconds", "heating_healthy", 'heating_outbox{state="pending"}', 'heating_queue_length{queue="clock"}'} <= set(found)


def test_without_the_broker_it_still_answers(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = figures(Client().get("/metrics").content.decode())
    assert found["heating_healthy"] == 0 and not any(name.startswith("heating_queue_length") for name in found)


def test_nobody_else_reads_it(settings):
    assert Client().get("/metrics", HTTP_X_FORWARDED_FOR="203.0.113.7").status_code == 404
    assert browser("bureau").get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 404
    settings.METRICS_TOKEN = "scrape-me-2025"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer wrong", REMOTE_ADDR="203.0.113.7").status_code == 404
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer scrape-me-2025", REMOTE_ADDR="203.0.113.7").status_code == 200


def test_a_line_of_the_log_is_json_with_the_requests_number_and_no_phone():
    formatter = structlog.stdlib.ProcessorFormatter(**{name: value for name, value in logs.JSON.items() if name != "()"})
    structlog.contextvars.bind_contextvars(request="abc")
    try:
        raise ValueError("来电 13812345678")
    except ValueError:
        record = logging.getLogger("complaints").makeRecord("complaints", logging.ERROR, __file__, 1, "无法发送给 %s", ("13812345678",), sys.exc_info())
    said = json.loads(formatter.format(record))
    assert (said["request"], said["level"], said["logger"]) == ("abc", "error", "complaints") and "T" in said["timestamp"]
    assert "13812345678" not in json.dumps(said, ensure_ascii=False) and "ValueError" in said["exception"]
    answer = Client().get("/login/")
    assert structlog.contextvars.get_contextvars()["request"] == answer.headers["X-Request-Number"]


def test_a_line_for_reading_by_eye_names_nobody_either():
    formatter = logs.Line(**{name: value for name, value in settings.LOGGING["formatters"]["line"].items() if name != "()"})
    try:
        raise ValueError("来电 13812345678")
    except ValueError:
        record = logging.getLogger("complaints").makeRecord("complaints", logging.ERROR, __file__, 1, "无法发送给 %s", ("13912345678",), sys.exc_info())
    said = formatter.format(record)
    assert "139****5678" in said and "138****5678" in said and "ValueError" in said and str(time.localtime(record.created).tm_year) in said


def test_a_task_every_second_leaves_no_line_every_second_and_its_fault_leaves_one(caplog):
    speaker = structlog.get_logger("django_structlog.celery.receivers")
    speaker.info("task_started", task="deadlines.tasks.sweep")
    assert not caplog.records
    speaker.error("task_failed", task="deadlines.tasks.sweep")
    assert len(caplog.records) == 1 and "task_failed" in str(caplog.records[0].msg)
