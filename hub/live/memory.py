"""The present of a hub that is one process."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from hub.live import Turn
from hub.live.turns import gap_s


class MemoryLive:
    """`now` counts seconds and never goes back."""

    def __init__(self, *, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._free_at: dict[str, float] = {}
        self._held_until: dict[str, float] = {}
        self._values: dict[str, tuple[int, bytes]] = {}

    async def open(self) -> None:
        pass

    async def take(self, limit: str, requests: float, *, rate_per_s: float, ahead_s: float) -> Turn:
        now = self._now()
        at = max(now, self._free_at.get(limit, now))
        too_early_s = at - now - ahead_s
        if too_early_s > 0:
            return Turn(False, too_early_s)
        self._free_at[limit] = at + gap_s(requests, rate_per_s)
        return Turn(True, at - now)

    async def delay(self, limit: str, by_s: float) -> None:
        if limit in self._free_at:
            self._free_at[limit] += by_s

    async def hold(self, flag: str, for_s: float) -> None:
        self._held_until[flag] = max(self._now() + for_s, self._held_until.get(flag, 0.0))

    async def held(self, flag: str) -> bool:
        return self._now() < self._held_until.get(flag, 0.0)

    async def put(self, values: Mapping[str, tuple[int, bytes]]) -> None:
        for key, (version, value) in values.items():
            if key not in self._values or version >= self._values[key][0]:
                self._values[key] = version, value

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self._values[key][1] for key in keys if key in self._values}

    async def close(self) -> None:
        pass
