"""The transport: an ordered, durable log per topic that groups of consumers read.

Losing it costs speed, never truth: the ledger is the record. Delivery is at least once, so
consumers deduplicate (by claiming the row a record names).
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from hub.alert import Lane

ALERTS = "alerts"
RECEIPTS = "receipts"
READINGS = "readings"
OCCUPANCY = "occupancy"
SHELTER_STEPS = "shelter-steps"
DEAD_LETTERS = "dead-letters"


def deliveries(channel: str, lane: Lane) -> str:
    """The topic that carries a channel's batches of a lane."""
    return f"deliveries.{channel}.{lane}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a topic. `partition` and `offset` are the transport's own; only `commit` reads them."""

    topic: str
    key: str
    value: bytes
    partition: int
    offset: int


class Subscription(Protocol):
    """A member of a group. Records of one key come in the order they were published."""

    async def get(self, *, max_records: int = 500) -> Sequence[Record]:
        """At least one record; waits until there is one. At most `max_records`."""
        ...

    async def commit(self, records: Sequence[Record]) -> None:
        """Everything up to these records is done: a later member of the group starts behind them.

        Uncommitted records come again, to this group, after a restart or a takeover.
        """
        ...


class Bus(Protocol):
    async def open(self) -> None: ...

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        """Returns once durable. Raises `TemporaryFailure` when it could not be made so in time; the
        record may then still appear (consumers deduplicate)."""

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """As `publish`, for (key, value) pairs, in order."""

    def subscribe(self, topic: str, *, group: str) -> AbstractAsyncContextManager[Subscription]:
        """Join `group` on `topic`, from the earliest record the group has not committed."""
        ...

    async def close(self) -> None: ...
