"""When something happened, by the clock of the device that tells of it: it may have waited offline."""

from datetime import UTC, datetime

from shelters.reading import CLOCK_TOLERANCE, OLDEST


def happened(told: str, now: datetime) -> datetime:
    """The device's time where it can be: with an offset, not ahead of our clock and not older than a day.

    Otherwise `now`: a wrong clock must not put a report above every later one, nor lose it.
    """
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return now
    if at.tzinfo is None or not now - OLDEST <= at <= now + CLOCK_TOLERANCE:
        return now
    return min(at.astimezone(UTC), now)


def told(at: str) -> dict[str, object]:
    """For the audit: what the device's clock said, also where it cannot be believed. Empty: no device said anything."""
    return {"device_at": at[:40]} if at else {}
