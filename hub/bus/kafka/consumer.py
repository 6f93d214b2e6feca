"""One client that reads, until it fails."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from hub.bus import Record
from hub.bus.ending import bounded, cut
from hub.bus.kafka.calls import FAILURES, REQUEST_S, within
from hub.bus.transport import Unavailable

POLL_MS = 500
STOP_S = 2.0
METADATA_MS = 5_000
"""A member that joined before a broker knew the topic is assigned nothing until it asks again: aiokafka would after
five minutes."""


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """A static member of its group; commits only what it is told to."""

    def __init__(
        self,
        options: dict[str, Any],
        topic: str,
        revoked: Callable[[], None],
        *,
        prefix: str,
        patience_s: float,
    ) -> None:
        self._name = topic
        self._topic = prefix + topic
        self._revoked = revoked
        self._patience_s = patience_s
        self._kafka = AIOKafkaConsumer(**options)
        self._kafka.subscribe([self._topic], listener=self)

    async def join(self) -> "Consumer":
        try:
            await within(self._patience_s, self._kafka.start())
        except BaseException:
            await self.abandon()
            raise
        return self

    async def poll(self, *, room: int) -> Sequence[Record]:
        """Without an assignment aiokafka waits for one; hence the deadline."""
        partitions = self._kafka.assignment()
        (self._kafka.resume if room > 0 else self._kafka.pause)(*partitions)
        wait_ms = POLL_MS if room > 0 else 0
        got = await within(
            self._patience_s, self._kafka.getmany(timeout_ms=wait_ms, max_records=max(room, 1))
        )
        return [_record(each, self._name) for records in got.values() for each in records]

    async def commit(self, following: dict[int, int]) -> dict[int, int]:
        held = {partition.partition for partition in self._kafka.assignment()}
        ours = {partition: offset for partition, offset in following.items() if partition in held}
        offsets = {TopicPartition(self._topic, partition): offset for partition, offset in ours.items()}
        try:
            if offsets:
                await bounded(REQUEST_S, self._kafka.commit(offsets))
        except (CommitFailedError, IllegalStateError):  # rebalanced meanwhile
            return {}
        except FAILURES as e:
            raise Unavailable(type(e).__name__) from e
        return ours

    async def behind(self) -> bool:
        partitions = self._kafka.assignment()
        if not partitions:
            return False
        ends = await within(REQUEST_S, self._kafka.end_offsets(partitions))
        positions = [await within(REQUEST_S, self._kafka.position(partition)) for partition in ends]
        return any(end > position for end, position in zip(ends.values(), positions, strict=True))

    async def abandon(self) -> None:
        """To the end, also when the caller is cancelled: a part that lives on would take its place back."""
        await asyncio.shield(asyncio.create_task(self._abandon()))

    async def _abandon(self) -> None:
        with suppress(Unavailable):
            await within(STOP_S, self._kafka.stop())
        parts = (self._kafka, self._kafka._coordinator, self._kafka._fetcher, self._kafka._subscription)
        await cut(self._kafka._client, *parts)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Also before every rebalance: each member then starts again from what is committed."""
        self._revoked()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        pass


def consumer_options(group: str, instance: str, session_timeout: timedelta) -> dict[str, Any]:
    session_ms = session_timeout // timedelta(milliseconds=1)
    return {
        "group_id": group,
        "group_instance_id": instance,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "metadata_max_age_ms": METADATA_MS,
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": min(3_000, session_ms // 3),
        "request_timeout_ms": session_ms + 5_000,  # joining waits for the others, as long as a session
    }


def _record(record: Any, topic: str) -> Record:
    return Record(
        topic=topic,
        key=(record.key or b"").decode(errors="replace"),
        value=record.value or b"",
        partition=record.partition,
        offset=record.offset,
    )
