"""The bus of a hub of several processes: Apache Kafka, through aiokafka.

aiokafka 0.14 has unsafe defaults, waits without end and can stay stuck. So every await in this package
has a deadline, and a client that failed is abandoned for a new one: docs/decisions/0003-kafka-adapter.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from hub.alert import Lane
from hub.bus import OCCUPANCY, READINGS, RECEIPTS, Subscription
from hub.bus.access import Access
from hub.bus.kafka.calls import REQUEST_S
from hub.bus.kafka.cluster import Administration, administration
from hub.bus.kafka.consumer import Consumer, consumer_options
from hub.bus.kafka.producer import Producer
from hub.bus.publisher import Publisher
from hub.bus.subscriber import Subscriber
from hub.errors import Refused

__all__ = ["Administration", "KafkaBus", "administration"]

LINGER_MS = 5
"""A true wait in aiokafka, so none where a record is urgent: 149 single sends a second against 1,001."""

IN_BULK = frozenset({READINGS, RECEIPTS, OCCUPANCY})


class KafkaBus:
    """`client_id` names this process: unique among all, and the same after a restart.

    A group is a Kafka group for each topic (`<group>.<topic>`), so that topics do not rebalance
    together. A member that ends keeps its partitions for `session_timeout`: a restart within it moves
    nothing. Kafka need not be there when the bus opens, nor later.

    Args:
        publish_within: after this a record is given up with `TemporaryFailure`.
        buffer: records held ahead of a slow reader, for each subscription.
        prefix: stands before every topic's and group's name, so that several hubs can share a Kafka.
        stuck_after: a consumer without an assignment, or with a lag and no progress, is then replaced.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str,
        prefix: str = "",
        access: Access | None = None,
        publish_within: timedelta = timedelta(seconds=15),
        session_timeout: timedelta = timedelta(seconds=10),
        stuck_after: timedelta = timedelta(seconds=30),
        buffer: int = 2_000,
    ) -> None:
        self._client_id = client_id
        self._prefix = prefix
        self._common = {
            "bootstrap_servers": bootstrap,
            "client_id": client_id,
            **(access or Access()).options(),
        }
        self._within = publish_within
        self._session_timeout = session_timeout
        self._stuck_after = stuck_after
        self._buffer = buffer
        self._publishers: dict[int, Publisher] = {}
        self._seats: set[tuple[str, str, int]] = set()
        self._subscribers: set[Subscriber] = set()

    async def open(self) -> None:
        """Connects in the background: an unreachable Kafka is not an error here."""
        self._publishers = {linger_ms: self._publisher(linger_ms) for linger_ms in (0, LINGER_MS)}
        for publisher in self._publishers.values():
            publisher.warm_up()

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        await self.publish_many(topic, [(key, value)])

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """Returns once every in-sync replica has them.

        Raises:
            TemporaryFailure: not in time, or the broker refuses them; some may still appear.
            Refused: the bus is not open.
        """
        self._require_open()
        await self._publishers[_linger_ms(topic)].publish(self._prefix + topic, records)

    @asynccontextmanager
    async def subscribe(self, topic: str, *, group: str) -> AsyncIterator[Subscription]:
        """Returns at once, and joins in the background: `get` waits for it."""
        self._require_open()
        seat = self._free_seat(topic, group)
        subscriber = self._subscriber(topic, group, f"{self._client_id}-{seat[2]}")
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            await subscriber.close()
            self._subscribers.discard(subscriber)
            self._seats.discard(seat)

    async def close(self) -> None:
        """Ends within some seconds, whatever the broker does. Every waiting `get` raises `Refused`."""
        publishers, self._publishers = self._publishers.values(), {}
        ending: list[Publisher | Subscriber] = [*publishers, *self._subscribers]
        await asyncio.gather(*(each.close() for each in ending))

    def _require_open(self) -> None:
        if not self._publishers:
            raise Refused("The bus is not open. / バスは開いていません。")

    def _publisher(self, linger_ms: int) -> Publisher:
        async def make() -> Producer:
            return await Producer(self._common | {"linger_ms": linger_ms}).connect()

        return Publisher(make, within=self._within, attempt=timedelta(seconds=REQUEST_S + 1))

    def _subscriber(self, topic: str, group: str, instance: str) -> Subscriber:
        options = self._common | consumer_options(
            f"{self._prefix}{group}.{topic}", instance, self._session_timeout
        )
        patience_s = (self._stuck_after + self._session_timeout).total_seconds()

        async def make(revoked: Callable[[], None]) -> Consumer:
            return await Consumer(options, topic, revoked, prefix=self._prefix, patience_s=patience_s).join()

        return Subscriber(make, topic=topic, group=group, buffer=self._buffer, stuck_after=self._stuck_after)

    def _free_seat(self, topic: str, group: str) -> tuple[str, str, int]:
        """Members of one process are numbered, so that each finds its own place again after a restart."""
        number = 0
        while (topic, group, number) in self._seats:
            number += 1
        self._seats.add((topic, group, number))
        return topic, group, number


def _linger_ms(topic: str) -> int:
    return LINGER_MS if topic in IN_BULK or topic.endswith(f".{Lane.ROUTINE}") else 0
