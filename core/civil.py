"""Civil time: days, weeks and moments as people in Xi'an mean them (Asia/Shanghai)."""

import calendar
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_datetime

from core.errors import Invalid

SHANGHAI = ZoneInfo("Asia/Shanghai")


def localize(moment: datetime) -> datetime:
    """An aware datetime in Shanghai; a naive one is taken for Shanghai time."""
    return moment.replace(tzinfo=SHANGHAI) if moment.tzinfo is None else moment.astimezone(SHANGHAI)


def parse(text: str, *, field: str = "time") -> datetime:
    """An ISO 8601 moment; without an offset it is Shanghai time. Invalid names `field`."""
    try:
        moment = parse_datetime(text.strip()) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None and isinstance(text, str):
        try:
            moment = datetime.combine(date.fromisoformat(text.strip()), time.min)
        except ValueError:
            moment = None
    if moment is None or not 2000 <= moment.year <= 2100:
        raise Invalid("时间格式不正确，应如 2025-11-14 12:00", field=field)
    return localize(moment)


def day_given(text: str, *, field: str) -> date | None:
    """The day that somebody named in a filter; None where it was left empty. Invalid (field) for what is no day."""
    return day_of(parse(text, field=field)) if text else None


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Midnight to midnight of a civil day, the second bound excluded."""
    start = datetime.combine(day, time.min, tzinfo=SHANGHAI)
    return start, datetime.combine(day + timedelta(days=1), time.min, tzinfo=SHANGHAI)


def day_of(moment: datetime) -> date:
    """The civil day in which a moment falls."""
    return moment.astimezone(SHANGHAI).date()


def months_before(moment: datetime, months: int) -> datetime:
    """The same hour so many calendar months earlier; on the last day of a month that is shorter."""
    local = moment.astimezone(SHANGHAI)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    return local.replace(year=year, month=month + 1, day=min(local.day, calendar.monthrange(year, month + 1)[1]))


def half_day_of(moment: datetime) -> tuple[date, bool]:
    """The half-day in which a moment falls: the day, and whether it is after noon."""
    local = moment.astimezone(SHANGHAI)
    return local.date(), local.hour >= 12


def week_of(moment: datetime) -> tuple[int, int]:
    """The inspection week (Monday 00:00 to Sunday 24:00), as ISO year and week number."""
    year, week, _ = day_of(moment).isocalendar()
    return year, week


def spoken(moment: datetime | None, *, reference: datetime | None = None) -> str:
    """A moment for the screen: `10:45` on the day of `reference`, else `11-13 10:45`, with the year when it differs."""
    if moment is None:
        return "—"
    local = moment.astimezone(SHANGHAI)
    if reference is not None:
        today = reference.astimezone(SHANGHAI)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        if local.year == today.year:
            return f"{local:%m-%d %H:%M}"
    return f"{local:%Y-%m-%d %H:%M}"


def spell(duration: timedelta) -> str:
    """A duration in words: `42 分钟`, `3 小时 05 分`, `2 天 4 小时`. Below a minute: seconds."""
    seconds = int(abs(duration.total_seconds()))
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {minutes:02d} 分" if minutes else f"{hours} 小时"
    return f"{minutes} 分钟" if minutes else f"{rest} 秒"
