"""Days, half-days and weeks as people in Xi'an mean them, whatever the server's zone (behaviour 12)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings

from core import civil
from core.civil import SHANGHAI
from core.errors import Invalid


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


def test_half_past_midnight_belongs_to_the_new_day_although_london_has_the_old_one():
    moment = at(2025, 11, 15, 0, 30)
    assert moment.astimezone(UTC).date() == date(2025, 11, 14) and civil.day_of(moment.astimezone(UTC)) == date(2025, 11, 15)
    start, end = civil.day_bounds(date(2025, 11, 15))
    assert start <= moment < end and end - start == timedelta(hours=24)
    assert not start <= at(2025, 11, 16) < end


def test_a_time_without_an_offset_is_shanghais_and_one_with_keeps_its_moment():
    assert civil.parse("2025-11-14 12:00") == at(2025, 11, 14, 12)
    assert civil.parse("2025-11-14T04:00:00Z") == at(2025, 11, 14, 12)
    assert civil.parse("2025-11-14T12:00:00+08:00") == at(2025, 11, 14, 12)
    assert civil.parse("2025-11-14") == at(2025, 11, 14)
    for wrong in ("", "14/11/2025", "2025-13-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "now", None, 5):
        with pytest.raises(Invalid):
            civil.parse(wrong)


def test_the_week_across_the_turn_of_the_year_is_one_week():
    weeks = {civil.week_of(at(2025, 12, 29) + timedelta(days=day)) for day in range(7)}
    assert (
        weeks == {(2026, 1)}
        and civil.week_of(at(2026, 1, 5)) == (2026, 2)
        and civil.week_of(at(2025, 12, 28, 23, 59)) == (2025, 52)
    )


def test_noon_begins_the_second_half_of_the_day():
    assert civil.half_day_of(at(2025, 11, 14, 11, 59)) != civil.half_day_of(at(2025, 11, 14, 12))
    assert civil.half_day_of(at(2025, 11, 14, 13).astimezone(UTC)) == civil.half_day_of(at(2025, 11, 14, 23, 59))


def test_the_clock_of_beat_and_of_the_pages_is_shanghais():
    assert settings.USE_TZ and settings.TIME_ZONE == settings.CELERY_TIMEZONE == "Asia/Shanghai"
    assert all(
        isinstance(entry["schedule"], float) and entry["schedule"] <= 5
        for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
        if "sweep" in name
    )


@pytest.mark.parametrize(
    ("minutes", "spelt"), [(0.5, "30 秒"), (1, "1 分钟"), (59, "59 分钟"), (60, "1 小时"), (65, "1 小时 05 分"), (1440, "1 天"), (1560, "1 天 2 小时"), (-3, "3 分钟")]
)  # fmt: skip
def test_a_duration_is_spelt_as_people_say_it(minutes, spelt):
    assert civil.spell(timedelta(minutes=minutes)) == spelt
