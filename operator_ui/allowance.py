"""So many requests for each address in a while: what one reader asks too often, the others need not wait for."""

import math
from collections import OrderedDict
from datetime import datetime, timedelta

from hub.clock import Clock

_MOST_ADDRESSES = 10_000
"""Remembered; whoever is pushed out begins anew."""


class Allowance:
    """`at_once` requests without a pause, and after them `per_s` a second (GCRA, as in ATM's traffic contracts)."""

    def __init__(self, *, clock: Clock, per_s: float, at_once: int) -> None:
        self._clock = clock
        self._each = timedelta(seconds=1 / per_s)
        self._ahead = self._each * (at_once - 1)
        self._next: OrderedDict[str, datetime] = OrderedDict()

    def wait_s(self, address: str | None) -> int:
        """Take one request; 0, or the whole seconds after which to come again. A refused one costs nothing.

        `address` None: it stands for many, and is not counted.
        """
        if address is None:
            return 0
        now = self._clock()
        due = max(self._next.pop(address, now), now)
        early = due - now - self._ahead
        self._next[address] = due if early > timedelta(0) else due + self._each
        while len(self._next) > _MOST_ADDRESSES:
            self._next.popitem(last=False)
        return max(0, math.ceil(early.total_seconds()))
