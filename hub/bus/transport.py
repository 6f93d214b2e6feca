"""What the supervision asks of one client of a broker: to answer in time, or to say that it cannot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from hub.bus import Record

FIRST_WAIT_S = 0.1
"""After the first failure; doubled after each further one."""


class Unavailable(Exception):
    """The broker did not answer in time, or said no. `reason` is short and holds nothing of a record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it is declared, or as a cluster has it."""

    name: str
    partitions: int
    replication_factor: int
    min_insync_replicas: int
    retention: timedelta


class Producer(Protocol):
    async def send(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """Returns once every in-sync replica has them. Raises `Unavailable`; may wait for ever."""

    async def close(self) -> None:
        """Send what waits, then end. Bounded."""

    async def abandon(self) -> None:
        """End at once; nothing that was not sent is sent later. Bounded."""


class Consumer(Protocol):
    async def poll(self, *, room: int) -> Sequence[Record]:
        """What has come, after a moment's wait. `room` 0 takes nothing, and stays a member of the group.

        Raises:
            Unavailable: this consumer is broken, or has no assignment.
        """
        ...

    async def commit(self, following: dict[int, int]) -> dict[int, int]:
        """Commit the next offset of partitions; returns those that were committed.

        A partition that is no longer ours is left out: its records come again, to whoever has it.

        Raises:
            Unavailable: it could not be committed in time.
        """
        ...

    async def behind(self) -> bool:
        """Whether the broker holds records that this consumer has not returned. Raises `Unavailable`."""
        ...

    async def abandon(self) -> None:
        """End, and keep the place in the group for a successor. Bounded."""
