"""Three nodes, each record on all of them: any one may be lost, and the bus goes on.

They have a cluster of their own, since they end its nodes; each test leaves all of them running.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
import pytest_asyncio

from hub.bus import Subscription
from hub.bus.kafka import KafkaBus, administration
from hub.bus.topics import ensure
from hub.bus.transport import Topic
from tests.servers.absence import absent
from yobikake.rehearsal.servers.kafka import Kafka
from yobikake.rehearsal.servers.kafka_node import Node
from yobikake.rehearsal.servers.program import missing

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

T = TypeVar("T")
PATIENCE_S = 120.0
TOPICS = Path(__file__).parents[2] / "config" / "topics.toml"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kafka]:
    if lacking := missing(Kafka.needs()):
        absent(f"not installed: {', '.join(program.name for program in lacking)}")
    kafka = Kafka(tmp_path_factory.mktemp("kafka"), nodes=3)
    await kafka.start()
    yield kafka
    await kafka.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def topic(cluster: Kafka) -> str:
    topic = Topic(
        name=f"test-{uuid4()}",
        partitions=6,
        replication_factor=3,
        min_insync_replicas=2,
        retention=timedelta(days=1),
    )
    async with administration(cluster.address) as kafka:
        await kafka.create([topic])
    return topic.name


@pytest_asyncio.fixture(loop_scope="module")
async def bus(cluster: Kafka) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(
        cluster.address,
        client_id=f"test-{uuid4()}",
        publish_within=timedelta(seconds=90),
        session_timeout=timedelta(seconds=6),
        stuck_after=timedelta(seconds=6),
    )
    await bus.open()
    yield bus
    await _soon(bus.close())


def a_broker(cluster: Kafka) -> Node:
    """One that does not lead the cluster's own log."""
    return next(node for node in cluster.nodes if node is not cluster.controller())


def the_controller(cluster: Kafka) -> Node:
    return cluster.controller()


Choice = Callable[[Kafka], Node]


@pytest.mark.parametrize("choose", [a_broker, the_controller])
async def test_with_one_node_dead_publishing_and_reading_go_on_and_nothing_acknowledged_is_lost(
    cluster: Kafka, bus: KafkaBus, topic: str, choose: Choice
) -> None:
    async with _traffic(bus, topic) as traffic:
        await traffic.go_on()
        victim = choose(cluster)
        await victim.kill()
        await traffic.go_on()
        assert not victim.running
        assert cluster.controller() is not victim
        await _soon(victim.start())
        await traffic.go_on()
    await _holds(bus, topic, traffic.acknowledged)


async def test_a_frozen_node_is_replaced_like_a_dead_one(cluster: Kafka, bus: KafkaBus, topic: str) -> None:
    async with _traffic(bus, topic) as traffic:
        await traffic.go_on()
        victim = the_controller(cluster)
        victim.freeze()
        try:
            await traffic.go_on()
            assert cluster.controller() is not victim
        finally:
            victim.thaw()
        await traffic.go_on()
    await _holds(bus, topic, traffic.acknowledged)


async def test_one_after_the_other_may_die(cluster: Kafka, bus: KafkaBus, topic: str) -> None:
    """What was published without the first is only on the other two until it caught up."""
    async with _traffic(bus, topic) as traffic:
        for victim in cluster.nodes[:2]:
            await victim.kill()
            await traffic.go_on()
            await _soon(victim.start())
    await _holds(bus, topic, traffic.acknowledged)


async def test_all_may_die_at_once_and_what_was_acknowledged_is_there_afterwards(
    cluster: Kafka, bus: KafkaBus, topic: str
) -> None:
    async with _traffic(bus, topic) as traffic:
        await traffic.go_on()
        await cluster.kill()
        await _soon(cluster.start())
        await traffic.go_on()
    await _holds(bus, topic, traffic.acknowledged)


async def test_topics_can_be_made_while_one_node_knows_of_them_and_another_does_not_yet(
    cluster: Kafka,
) -> None:
    for number in range(5):
        prefix = f"made-{number}."  # the last test: their partitions are copied for as long as the nodes run
        report = await ensure(cluster.address, ["mail"], path=TOPICS, prefix=prefix)
        assert f"{prefix}alerts" in report.created


@dataclass(slots=True, kw_only=True)
class Traffic:
    """Records that are published and read all the time."""

    acknowledged: set[bytes] = field(default_factory=set)
    received: set[bytes] = field(default_factory=set)

    async def go_on(self) -> None:
        """Wait until a hundred more were acknowledged, and until every one of them was read."""
        enough = len(self.acknowledged) + 100
        await _until(lambda: len(self.acknowledged) >= enough)
        there = frozenset(self.acknowledged)
        await _until(lambda: self.received >= there)


@asynccontextmanager
async def _traffic(bus: KafkaBus, topic: str) -> AsyncIterator[Traffic]:
    traffic = Traffic()
    numbers = count()

    async def publish() -> None:
        for number in numbers:
            await bus.publish(topic, f"key {number % 50}", value := f"{number}".encode())
            traffic.acknowledged.add(value)

    async def read(member: Subscription) -> None:
        while True:
            records = await member.get()
            traffic.received.update(record.value for record in records)
            await member.commit(records)

    async with bus.subscribe(topic, group="fanout") as member:
        tasks = [asyncio.create_task(publish()) for _ in range(4)] + [asyncio.create_task(read(member))]
        try:
            yield traffic
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


async def _holds(bus: KafkaBus, topic: str, acknowledged: set[bytes]) -> None:
    """Read the topic from its beginning until all of it was found."""
    missing = set(acknowledged)
    async with bus.subscribe(topic, group="auditor") as auditor:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while missing:
                    missing -= {record.value for record in await auditor.get()}
        except TimeoutError:
            pytest.fail(f"{len(missing)} of {len(acknowledged)} acknowledged records are lost")


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.05)


async def _soon(awaitable: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaitable, PATIENCE_S)
