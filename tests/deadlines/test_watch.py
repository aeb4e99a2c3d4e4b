"""Silence and a wrong clock are alarms; no clock but the database's decides anything (R9, R11, G6)."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import InterfaceError

from complaints import clusters
from complaints import tasks as ticket_tasks
from core import clock, limits
from deadlines import sweep, watch
from deadlines import tasks as deadline_tasks
from deadlines.models import Heartbeat
from tests.story import NOON

pytestmark = pytest.mark.django_db
SKEWED = "本机或巡检所在机器的时钟与数据库相差超过 2 秒"


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_sweeping_machine_whose_clock_is_off_reddens_the_monitor_although_the_web_s_own_is_right(monkeypatch, ahead):
    right = clock._machine_seconds
    monkeypatch.setattr(clock, "_machine_seconds", lambda: right() + ahead)
    deadline_tasks.sweep()
    monkeypatch.setattr(clock, "_machine_seconds", right)
    told = watch.health()
    assert SKEWED in told["bad"] and abs(told["clock_skew_seconds"] - ahead) < 1
    deadline_tasks.sweep()
    told = watch.health()
    assert SKEWED not in told["bad"] and abs(told["clock_skew_seconds"]) < 1


def test_a_sweeper_that_is_gone_says_nothing_of_the_clock_any_more():
    at = clock.now()
    sweep.beat("celery", at=at)
    sweep.beat("watchdog", at=at - timedelta(minutes=1), skew=3600)
    assert SKEWED not in watch.health()["bad"] and Heartbeat.objects.count() == 2


def test_a_watchdog_that_died_is_missed_before_it_is_needed_and_one_that_never_was_is_not():
    at, gone = clock.now(), "看门狗已停止"
    sweep.beat("celery", at=at)
    assert not [said for said in watch.health()["bad"] if gone in said]
    watch.sign_of_life(at - timedelta(seconds=20))
    told = watch.health()
    assert not [said for said in told["bad"] if gone in said] and told["watchdog_age_seconds"] >= 20
    watch.sign_of_life(at - timedelta(seconds=31))
    told = watch.health()
    assert [said for said in told["bad"] if gone in said], told
    assert told["celery_age_seconds"] < 15 and "时限巡检已停止" not in told["bad"]


def test_a_watchdog_that_is_alive_is_no_sweep():
    watch.sign_of_life(clock.now())
    assert "时限巡检已停止" in watch.health()["bad"]


def test_the_monitor_is_answered_in_its_own_shape_whichever_way_the_database_fails(monkeypatch, client):
    def gone():
        raise InterfaceError("connection already closed")

    monkeypatch.setattr("core.clock.now", gone)
    answer = client.get("/healthz")
    assert answer.status_code == 503 and answer.json()["database"] == "down" and "数据库无法连接" in answer.json()["bad"]


def test_no_message_expires_since_a_worker_whose_clock_is_ahead_would_drop_it():
    assert not [name for name, said in settings.CELERY_BEAT_SCHEDULE.items() if "expires" in said.get("options", {})]


def test_of_a_queue_of_the_same_task_one_does_the_work_in_a_window(monkeypatch):
    done, moment = [], [NOON]
    monkeypatch.setattr("core.clock.now", lambda: moment[0])
    monkeypatch.setattr(clusters, "detect", lambda at: done.append(at))
    for _ in range(30):
        ticket_tasks.detect_clusters()
    assert done == [NOON]
    moment[0] = NOON + timedelta(seconds=20)
    ticket_tasks.detect_clusters()
    assert len(done) == 2 and limits.is_first("another", window=timedelta(seconds=10), at=NOON)
