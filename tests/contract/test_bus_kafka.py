"""Kafka keeps the same contract as the embedded bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from aiokafka.admin import NewPartitions

from hub.bus import Bus
from hub.bus.kafka import KafkaBus, administration
from hub.bus.transport import Topic
from hub.testing.bus_suite import BusSuite

pytestmark = pytest.mark.kafka

PATIENCE_S = 120.0


class TestKafkaBus(BusSuite):
    @pytest.fixture
    def make_bus(self, kafka_bootstrap: str) -> Callable[[], Bus]:
        """One process that restarts: the same client id each time."""
        client_id = f"test-{uuid4()}"
        session_timeout = timedelta(seconds=6)  # the least a broker allows unless it is told otherwise
        return lambda: KafkaBus(kafka_bootstrap, client_id=client_id, session_timeout=session_timeout)

    @pytest.fixture
    def make_topic(self, kafka_bootstrap: str) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            await _create(kafka_bootstrap, topic := f"test-{uuid4()}")
            return topic

        return make


async def test_a_member_reads_a_topic_that_was_made_and_that_grew_after_it_subscribed(
    kafka_bootstrap: str,
) -> None:
    """By asking again, soon: it is not replaced, and aiokafka of itself would ask after five minutes."""
    topic = f"test-{uuid4()}"
    async with (
        _opened(kafka_bootstrap) as bus,
        bus.subscribe(topic, group="fanout") as member,
        asyncio.timeout(PATIENCE_S),
    ):
        await _create(kafka_bootstrap, topic, partitions=1)
        await bus.publish(topic, "key", b"key")
        (record,) = await member.get()
        assert record.value == b"key"
        reader = member._consumer  # type: ignore[attr-defined]
        await _grow(kafka_bootstrap, topic, partitions=6)
        async with _opened(kafka_bootstrap) as later:  # which knows all of them
            expected = {f"{number}".encode() for number in range(50)}
            await later.publish_many(topic, [(each.decode(), each) for each in expected])
        while expected:
            records = await member.get()
            assert member._consumer is reader  # type: ignore[attr-defined]
            expected -= {record.value for record in records}


@asynccontextmanager
async def _opened(bootstrap: str) -> AsyncIterator[KafkaBus]:
    """Nobody in it is ever taken for stuck."""
    bus = KafkaBus(bootstrap, client_id=f"test-{uuid4()}", stuck_after=timedelta(hours=1))
    await bus.open()
    yield bus
    await bus.close()


async def _create(bootstrap: str, name: str, *, partitions: int = 6) -> None:
    topic = Topic(
        name=name,
        partitions=partitions,
        replication_factor=1,
        min_insync_replicas=1,
        retention=timedelta(days=1),
    )
    async with administration(bootstrap) as cluster:
        await cluster.create([topic])


async def _grow(bootstrap: str, name: str, *, partitions: int) -> None:
    """As an administrator would, and until it shows."""
    async with administration(bootstrap) as cluster:
        await cluster._kafka.create_partitions({name: NewPartitions(total_count=partitions)})
        while (await cluster.topics([name]))[name].partitions < partitions:
            await asyncio.sleep(0.05)
