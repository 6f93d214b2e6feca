"""One client that writes, until it fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from hub.bus.ending import cut
from hub.bus.kafka.calls import FAILURES, REQUEST_S, within
from hub.bus.transport import Unavailable
from hub.errors import TemporaryFailure

CLOSE_S = 5.0

REFUSALS = (
    TopicAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
"""The broker's answers that another producer would get as well."""


class Producer:
    """Idempotent, acknowledged by every in-sync replica."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._kafka = AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=int(REQUEST_S * 1000),
            max_batch_size=131_072,
            **options,
        )

    async def connect(self) -> "Producer":
        try:
            await within(REQUEST_S, self._kafka.start())
        except BaseException:
            await self.abandon()
            raise
        return self

    async def send(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        try:
            await self._know(topic)
            sent = [await self._kafka.send(topic, value, key.encode()) for key, value in records]
            await asyncio.gather(*sent)
        except REFUSALS as e:
            raise TemporaryFailure(
                type(e).__name__,
                f"{topic}: Kafka refuses the records ({type(e).__name__}). / Kafka が拒否しました。",
            ) from e
        except FAILURES as e:
            raise Unavailable(type(e).__name__) from e

    async def _know(self, topic: str) -> None:
        """An unknown topic is nothing that another producer would find."""
        try:
            await self._kafka.partitions_for(topic)
        except UnknownTopicOrPartitionError as e:
            if await self._kafka.client.force_metadata_update():
                raise TemporaryFailure(
                    "unknown_topic",
                    f"{topic}: there is no such topic. Create it: `yobikake topics`. / トピックがありません。",
                ) from e
            raise

    async def close(self) -> None:
        try:
            await within(CLOSE_S, self._kafka.stop())
        except Unavailable:
            await self.abandon()

    async def abandon(self) -> None:
        """Left alone, its sender would go on for ever, and write what was given up once the broker is back."""
        await asyncio.shield(asyncio.create_task(self._abandon()))

    async def _abandon(self) -> None:
        self._kafka._closed = True
        await cut(self._kafka.client, self._kafka, self._kafka._sender)
        self._kafka._message_accumulator.fail_all(KafkaError("abandoned"))
