"""Kafka keeps the same contract as the embedded bus."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

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


async def test_a_member_that_joined_before_its_topic_existed_reads_it_once_it_does(
    kafka_bootstrap: str,
) -> None:
    """By asking again, soon: it is not replaced, and aiokafka of itself would ask after five minutes."""
    bus = KafkaBus(kafka_bootstrap, client_id=f"test-{uuid4()}", stuck_after=timedelta(hours=1))
    await bus.open()
    topic = f"test-{uuid4()}"
    async with bus.subscribe(topic, group="fanout") as member:
        async with asyncio.timeout(PATIENCE_S):
            while (first := member._consumer) is None:  # type: ignore[attr-defined]
                await asyncio.sleep(0.05)
        await _create(kafka_bootstrap, topic)
        await bus.publish(topic, "key", b"value")
        (record,) = await asyncio.wait_for(member.get(), PATIENCE_S)
        assert record.value == b"value"
        assert member._consumer is first  # type: ignore[attr-defined]
    await bus.close()


async def _create(bootstrap: str, name: str) -> None:
    topic = Topic(
        name=name, partitions=6, replication_factor=1, min_insync_replicas=1, retention=timedelta(days=1)
    )
    async with administration(bootstrap) as cluster:
        await cluster.create([topic])
