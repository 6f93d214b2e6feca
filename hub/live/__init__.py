"""The present: turns in limits that all workers share, flags that run out, and the latest value of things.

Redis when there are several processes, memory when there is one. Nothing here is the record:
losing it costs precision for a moment, never truth.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Turn(NamedTuple):
    """`taken`: it comes after `wait_s`, and is nobody else's. Else: ask again after `wait_s`."""

    taken: bool
    wait_s: float


class Live(Protocol):
    async def open(self) -> None: ...

    async def take(self, limit: str, requests: float, *, rate_per_s: float, ahead_s: float) -> Turn:
        """Take the next turn in a limit, for so many requests, unless it is further ahead than `ahead_s`.

        Turns are spread evenly, a little slower than `rate_per_s` (`hub.live.turns`), so that no second
        has more requests than the contract allows. Who may take them less far ahead comes later than
        others: of the time to come it cannot take what urgent work may need (I4).
        """
        ...

    async def delay(self, limit: str, by_s: float) -> None:
        """A turn was used so much too late: those not taken yet come as much later."""

    async def hold(self, flag: str, for_s: float) -> None:
        """Raise a flag that all workers see; it runs out by itself."""

    async def held(self, flag: str) -> bool:
        """Whether anybody holds it up."""
        ...

    async def put(self, values: Mapping[str, tuple[int, bytes]]) -> None:
        """Set latest values: key → (version, value). A lower version never replaces a higher one."""

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The latest values of those keys that have one."""
        ...

    async def close(self) -> None: ...
