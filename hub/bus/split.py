"""The embedded bus of a whole hub: readings lie in a file of their own.

What shelters report, some hundred records a second, is written, trimmed and checkpointed apart from
what alerts travel on: trimming an hour of it held up an alert's record by up to 1.7 s when both shared
a file (docs/decisions/0015-never-lost-never-late.md).
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from hub.bus import OCCUPANCY, READINGS, Bus, Subscription
from hub.bus.embedded import EmbeddedBus

APART = frozenset({READINGS, OCCUPANCY})


class SplitBus:
    """A `Bus` over `bus.db` and `readings.db` in `folder`; one process at a time may open it."""

    def __init__(self, folder: Path) -> None:
        self._bus = EmbeddedBus(folder / "bus.db")
        self._readings = EmbeddedBus(folder / "readings.db")

    async def open(self) -> None:
        """Raises `Refused` as `EmbeddedBus.open` does, naming the file."""
        await self._bus.open()
        try:
            await self._readings.open()
        except BaseException:
            await self._bus.close()
            raise

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        await self._of(topic).publish(topic, key, value)

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        await self._of(topic).publish_many(topic, records)

    def subscribe(self, topic: str, *, group: str) -> AbstractAsyncContextManager[Subscription]:
        return self._of(topic).subscribe(topic, group=group)

    async def close(self) -> None:
        await self._bus.close()
        await self._readings.close()

    def _of(self, topic: str) -> Bus:
        return self._readings if topic in APART else self._bus
