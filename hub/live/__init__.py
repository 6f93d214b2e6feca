"""The present: rate tokens that all workers share, and the latest value of things.

Redis when there are several processes, memory when there is one. Nothing here is the record:
losing it costs precision for a moment, never truth.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hub.alert import Lane


class Live(Protocol):
    async def open(self) -> None: ...

    async def take(self, bucket: str, tokens: float, *, rate_per_s: float, burst: float, lane: Lane) -> float:
        """Take `tokens` from a token bucket that refills at `rate_per_s` up to `burst`.

        Returns 0.0 when they were taken, else the seconds after which it is worth asking again
        (nothing was taken). The routine lane may not use the last fifth of `burst`: the urgent
        reserve (I4).
        """
        ...

    async def put(self, values: Mapping[str, tuple[int, bytes]]) -> None:
        """Set latest values: key → (version, value). A lower version never replaces a higher one."""

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The latest values of those keys that have one."""
        ...

    async def close(self) -> None: ...
