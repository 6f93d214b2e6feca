"""The window: how much routine work may be on its way at once, by how fast the gateway takes it (I4).

Where a gateway answers only once it has passed on what it was given, what is unanswered stands in its
queue, before the next urgent request. So no more than two seconds of it may be unanswered.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic

from hub.delivery import BatchId

OUTSTANDING_S = 2.0
"""Seconds of the gateway's work that may be unanswered."""

SPAN_S = 6.0
"""Its speed is what it has taken in this time: an idle gateway's is learned anew, from one batch on."""


class Window:
    """Recipients are counted, not requests. `now` counts seconds and never goes back."""

    def __init__(self, *, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._outstanding: dict[BatchId, int] = {}
        self._taken: deque[tuple[float, int]] = deque()

    @property
    def size(self) -> int:
        """Recipients that two seconds are good for, going by the last seconds."""
        while self._taken and self._taken[0][0] <= self._now() - SPAN_S:
            self._taken.popleft()
        return int(sum(number for _, number in self._taken) * OUTSTANDING_S / SPAN_S)

    def has_room(self, recipients: int) -> bool:
        """One batch always has."""
        outstanding = sum(self._outstanding.values())
        return outstanding == 0 or outstanding + recipients <= self.size

    def begin(self, batch: BatchId, recipients: int) -> None:
        self._outstanding[batch] = recipients

    def end(self, batch: BatchId, taken: int) -> None:
        """The gateway has answered for the batch, and taken so many of it."""
        self._outstanding.pop(batch, None)
        if taken:
            self._taken.append((self._now(), taken))
