"""The present of a hub that is one process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from hub.alert import Lane

RESERVE = 0.2
"""The part of a burst that only the urgent lane may use (I4)."""


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class MemoryLive:
    """`now` counts seconds and never goes back."""

    def __init__(self, *, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._buckets: dict[str, _Bucket] = {}
        self._values: dict[str, tuple[int, bytes]] = {}

    async def open(self) -> None:
        pass

    async def take(self, bucket: str, tokens: float, *, rate_per_s: float, burst: float, lane: Lane) -> float:
        """More tokens than the bucket may give at all are taken from a full one, which then owes the rest."""
        now = self._now()
        state = self._buckets.setdefault(bucket, _Bucket(burst, now))
        state.level = min(burst, state.level + (now - state.at) * rate_per_s)
        state.at = now
        missing = needed(tokens, burst=burst, lane=lane) - state.level
        if missing > 0:
            return missing / rate_per_s
        state.level -= tokens
        return 0.0

    async def put(self, values: Mapping[str, tuple[int, bytes]]) -> None:
        for key, (version, value) in values.items():
            if key not in self._values or version >= self._values[key][0]:
                self._values[key] = version, value

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self._values[key][1] for key in keys if key in self._values}

    async def close(self) -> None:
        pass


def needed(tokens: float, *, burst: float, lane: Lane) -> float:
    """The level from which on `tokens` may be taken."""
    reserve = burst * RESERVE if lane is Lane.ROUTINE else 0.0
    return min(tokens + reserve, burst)
