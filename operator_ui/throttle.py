"""Waiting after what was wrong, so that guessing is slow and nobody is locked out for long."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from hub.clock import Clock

FORGET = timedelta(minutes=15)
_MOST_KEYS = 10_000


class _Failures(NamedTuple):
    times: int
    last: datetime


class Throttle:
    """`free` failures cost nothing; each further one doubles the wait, up to `longest`."""

    def __init__(self, *, clock: Clock, free: int, longest: timedelta) -> None:
        self._clock = clock
        self._free = free
        self._longest = longest
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, key: str) -> timedelta:
        """How long this key still has to wait. Asking does not lengthen it."""
        failures = self._failures.get(key)
        if failures is None or failures.times < self._free:
            return timedelta(0)
        pause = min(timedelta(seconds=2 ** min(failures.times - self._free, 20)), self._longest)
        return max(timedelta(0), failures.last + pause - self._clock())

    def failed(self, key: str) -> None:
        now = self._clock()
        known = self._failures.pop(key, None)
        times = known.times if known and now - known.last < FORGET else 0
        self._failures[key] = _Failures(times + 1, now)
        while len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)

    def take_back(self, key: str) -> None:
        """One failure was none."""
        known = self._failures.get(key)
        if known is not None:
            self._failures[key] = known._replace(times=known.times - 1)

    def succeeded(self, key: str) -> None:
        self._failures.pop(key, None)
