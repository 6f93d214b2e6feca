"""Creating the declared topics in a real cluster, and telling where it differs."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hub.bus.kafka import administration
from hub.bus.topics import declared, ensure
from hub.bus.transport import Topic
from hub.errors import TemporaryFailure

pytestmark = pytest.mark.kafka

TOPICS = Path(__file__).parents[2] / "config" / "topics.toml"


async def test_what_is_missing_is_created_and_created_once(kafka_bootstrap: str) -> None:
    channel = f"test-{uuid4()}"
    first = await ensure(kafka_bootstrap, [channel], path=TOPICS)
    assert {f"deliveries.{channel}.urgent", f"deliveries.{channel}.routine"} <= set(first.created)
    async with administration(kafka_bootstrap) as cluster:
        names = [topic.name for topic in declared(TOPICS, [channel])]
        assert set(await cluster.topics(names)) == set(names)
    second = await ensure(kafka_bootstrap, [channel], path=TOPICS)
    assert second.created == ()
    assert second.drift == first.drift


async def test_a_topic_that_differs_is_told_and_left_as_it_is(kafka_bootstrap: str) -> None:
    channel = f"test-{uuid4()}"
    made_by_hand = Topic(
        name=f"deliveries.{channel}.urgent",
        partitions=1,
        replication_factor=1,
        min_insync_replicas=1,
        retention=timedelta(hours=1),
    )
    async with administration(kafka_bootstrap) as cluster:
        await cluster.create([made_by_hand])
        report = await ensure(kafka_bootstrap, [channel], path=TOPICS)
        assert await cluster.topics([made_by_hand.name]) == {made_by_hand.name: made_by_hand}
    assert f"{made_by_hand.name}: partitions is 1, declared 12" in str(report)
    assert f"{made_by_hand.name}: retention is 1:00:00, declared 14 days, 0:00:00" in str(report)


async def test_a_cluster_that_is_away_is_a_temporary_failure() -> None:
    with pytest.raises(TemporaryFailure, match="Kafka did not create the topics"):
        await ensure("127.0.0.1:1", ["mail"], path=TOPICS)
