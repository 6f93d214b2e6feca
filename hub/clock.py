"""Time. A clock is passed in, so that a test can hold it still; leases use the database's instead."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Returns the present as an aware datetime in UTC."""

APART = timedelta(minutes=1)
"""By how much the clocks of a hub's machines may differ."""

JST = ZoneInfo("Asia/Tokyo")
"""The time zone of every screen and text."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def happened(moment: datetime | None, *, by: datetime) -> datetime | None:
    """None also for what lies after `by`: it was written down by a clock that was wrong, so nobody knows when it was."""
    return None if moment is None or moment > by + APART else moment


def cap_time(moment: datetime) -> str:
    """CAP 1.2 XSD dateTime: whole seconds and an offset, never `Z`. In Japanese time."""
    return moment.astimezone(JST).isoformat(timespec="seconds")


def fiscal_year(day: date) -> int:
    """年度: from 1 April, named after the year in which it begins."""
    return day.year if day.month >= 4 else day.year - 1
