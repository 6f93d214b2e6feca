"""The present in this process's memory: for a hub that is one process."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hub.alert import Lane

RESERVE = 0.2
"""The part of a bucket that only the urgent lane may use (I4)."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class MemoryLive:
    """`monotonic` gives seconds that never go back."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}
        self._latest: dict[str, tuple[int, bytes]] = {}

    async def open(self) -> None:
        """Nothing to open."""

    async def take(self, bucket: str, tokens: float, *, rate_per_s: float, burst: float, lane: Lane) -> float:
        now = self._monotonic()
        held = self._buckets.setdefault(bucket, _Bucket(burst, now))
        held.tokens = min(burst, held.tokens + (now - held.filled_at) * rate_per_s)
        held.filled_at = now
        floor = RESERVE * burst if lane is Lane.ROUTINE else 0.0
        missing = min(tokens, burst - floor) - (held.tokens - floor)
        if missing > 1e-9:
            return missing / rate_per_s
        held.tokens -= tokens
        return 0.0

    async def put(self, values: Mapping[str, tuple[int, bytes]]) -> None:
        for key, (version, value) in values.items():
            if key not in self._latest or version >= self._latest[key][0]:
                self._latest[key] = (version, value)

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self._latest[key][1] for key in keys if key in self._latest}

    async def close(self) -> None:
        """Nothing to close."""
