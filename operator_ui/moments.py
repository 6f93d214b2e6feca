"""Times and numbers as a screen shows them: Japanese time, the reader's words."""

from datetime import date, datetime, timedelta
from functools import cache

from babel import Locale
from babel.dates import format_skeleton

from hub.clock import JST


def clock(moment: datetime | None, *, seconds: bool = False) -> str:
    """「21:47」, or with seconds; 「—」 for a moment that has not come."""
    if moment is None:
        return "—"
    return moment.astimezone(JST).strftime("%H:%M:%S" if seconds else "%H:%M")


def day(moment: datetime | date, language: str) -> str:
    """「9月12日(土)」."""
    local = moment.astimezone(JST).date() if isinstance(moment, datetime) else moment
    return str(format_skeleton("MMMEd", local, locale=_locale(language)))


def stamp(moment: datetime) -> str:
    """For `<time datetime>`: ISO 8601 in Japanese time."""
    return moment.astimezone(JST).isoformat(timespec="seconds")


def minutes(span: timedelta) -> int:
    """Whole minutes, never below 0."""
    return max(0, int(span.total_seconds() // 60))


def number(value: int) -> str:
    """「28,431」."""
    return f"{value:,}"


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language.removesuffix("-x-easy"), sep="-")
