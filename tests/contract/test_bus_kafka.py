"""Kafka keeps the same contract as the embedded bus."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from hub.bus import Bus
from hub.bus.kafka import KafkaBus, administration
from hub.bus.transport import Topic
from hub.testing.bus_suite import BusSuite

pytestmark = pytest.mark.kafka


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
            topic = Topic(
                name=f"test-{uuid4()}",
                partitions=6,
                replication_factor=1,
                min_insync_replicas=1,
                retention=timedelta(days=1),
            )
            async with administration(kafka_bootstrap) as cluster:
                await cluster.create([topic])
            return topic.name

        return make
