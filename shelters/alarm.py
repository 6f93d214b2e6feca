"""Alarms of counters that last: said once as they begin and once as they end, perhaps to different processes of a hub.

What is known of one is the latest that was said, by the network's time; so it may be told twice, late, and in any order.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from shelters.sensors.counting import MISTRUSTED

LASTING = timedelta(days=1)
"""How long an alarm is shown whose end was not heard: the message may be lost. One with which counts are not believed
is, until its end is heard or staff say that the counter is right again."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Of one device, by its own name for it. `ended_at` None: it lasts."""

    name: str
    at: datetime
    ended_at: datetime | None = None

    @property
    def told_at(self) -> datetime:
        """What was said of it last. An end and a beginning of one moment are of one frame, which tells them in order."""
        return self.at if self.ended_at is None else max(self.at, self.ended_at)

    def lasts(self, now: datetime) -> bool:
        return self.ended_at is None and (self.name in MISTRUSTED or self.at > now - LASTING)

    def forgotten(self, now: datetime) -> bool:
        """Whether nothing follows from it any more."""
        return not self.lasts(now) and self.told_at <= now - LASTING


def later(known: Alarm | None, told: Alarm) -> Alarm:
    """What holds of two that tell of the same alarm."""
    return told if known is None or known.told_at <= told.told_at else known


def mistrusted(alarms: Iterable[Alarm], *, since: datetime | None) -> str | None:
    """The alarm with which its counts are not believed, if there is one. `since`: staff said that it was right then."""
    for alarm in alarms:
        if alarm.name in MISTRUSTED and alarm.ended_at is None and (since is None or alarm.at > since):
            return alarm.name
    return None


def right_again_at(alarms: Iterable[Alarm]) -> datetime | None:
    """When the last of those ended with which its counts were not believed."""
    ended = [alarm.ended_at for alarm in alarms if alarm.name in MISTRUSTED and alarm.ended_at is not None]
    return max(ended, default=None)
