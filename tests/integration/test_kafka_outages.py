"""What the Kafka adapter is for: a broker that goes away, hangs or forgets costs time, never a record.

They have a broker of their own, since they end it; each test leaves it running.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
import pytest_asyncio

from hub.bus import Subscription
from hub.bus.kafka import KafkaBus, administration
from hub.bus.transport import Topic
from hub.errors import TemporaryFailure
from tests.servers.absence import absent
from yobikake.rehearsal.servers.kafka import Kafka
from yobikake.rehearsal.servers.program import missing

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]

T = TypeVar("T")
PATIENCE_S = 120.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kafka]:
    if lacking := missing(Kafka.needs()):
        absent(f"not installed: {', '.join(program.name for program in lacking)}")
    kafka = Kafka(tmp_path_factory.mktemp("kafka"))
    await kafka.start()
    yield kafka
    await kafka.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def topic(broker: Kafka) -> str:
    topic = Topic(
        name=f"test-{uuid4()}",
        partitions=3,
        replication_factor=1,
        min_insync_replicas=1,
        retention=timedelta(days=1),
    )
    async with administration(broker.address) as cluster:
        await cluster.create([topic])
    return topic.name


@pytest_asyncio.fixture(loop_scope="module")
async def bus(broker: Kafka) -> AsyncIterator[KafkaBus]:
    bus = _bus(broker, publish_within=timedelta(seconds=90))
    await bus.open()
    yield bus
    await _soon(bus.close())


def _bus(broker: Kafka, *, publish_within: timedelta = timedelta(seconds=3), buffer: int = 2_000) -> KafkaBus:
    return KafkaBus(
        broker.address,
        client_id=f"test-{uuid4()}",
        publish_within=publish_within,
        session_timeout=timedelta(seconds=3),
        stuck_after=timedelta(seconds=3),
        buffer=buffer,
    )


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_everything_published_before_during_and_after_an_outage_arrives(
    broker: Kafka, bus: KafkaBus, topic: str, end: str
) -> None:
    async with bus.subscribe(topic, group="fanout") as member:
        await _publish(bus, topic, "before", 100)
        assert await _receive(member, before=100)
        await getattr(broker, end)()
        during = asyncio.create_task(_publish(bus, topic, "during", 100))
        await asyncio.wait({during}, timeout=2)
        assert not during.done()
        await broker.start()
        await _soon(during)
        await _publish(bus, topic, "after", 100)
        assert await _receive(member, during=100, after=100)


async def test_a_broker_that_hangs_is_a_temporary_failure_and_nothing_waits_for_it(
    broker: Kafka, topic: str
) -> None:
    bus = _bus(broker)
    await bus.open()
    async with bus.subscribe(topic, group="fanout") as member:
        await _publish(bus, topic, "before", 1)
        assert await _receive(member, before=1)
        broker.freeze()
        try:
            with pytest.raises(TemporaryFailure):
                await _soon(bus.publish(topic, "key", b"given up"))
            await _soon(bus.close())
        finally:
            broker.thaw()


async def test_reading_and_writing_go_on_when_the_broker_answers_again(
    broker: Kafka, bus: KafkaBus, topic: str
) -> None:
    async with bus.subscribe(topic, group="fanout") as member:
        await _publish(bus, topic, "before", 10)
        assert await _receive(member, before=10)
        broker.freeze()
        during = asyncio.create_task(_publish(bus, topic, "during", 10))
        await asyncio.wait({during}, timeout=8)  # longer than a request, a session and the watchdog
        broker.thaw()
        await _soon(during)
        assert await _receive(member, during=10)


async def test_a_broker_that_comes_later_is_no_error(broker: Kafka, topic: str) -> None:
    await broker.stop()
    bus = _bus(broker, publish_within=timedelta(seconds=90))
    await _soon(bus.open())
    async with bus.subscribe(topic, group="fanout") as member:
        publishing = asyncio.create_task(_publish(bus, topic, "early", 10))
        receiving = asyncio.create_task(_receive(member, early=10))
        await asyncio.wait({publishing, receiving}, timeout=2)
        assert not publishing.done()
        await broker.start()
        await _soon(publishing)
        assert await receiving
    await _soon(bus.close())


async def test_a_broker_that_lost_the_end_of_its_log_does_not_wedge_the_producer(
    broker: Kafka, bus: KafkaBus, topic: str, tmp_path: Path
) -> None:
    """The producer's sequence numbers are ahead of what the broker remembers (aiokafka #1017)."""
    await _publish(bus, topic, "kept", 50)
    await broker.stop()
    await asyncio.to_thread(shutil.copytree, broker.nodes[0].log, tmp_path / "backup")
    await broker.start()
    await _publish(bus, topic, "lost", 50)
    await broker.kill()
    await asyncio.to_thread(shutil.rmtree, broker.nodes[0].log)
    await asyncio.to_thread(shutil.copytree, tmp_path / "backup", broker.nodes[0].log)
    await broker.start()
    await _soon(_publish(bus, topic, "after", 200))
    async with bus.subscribe(topic, group="fanout") as member:
        assert await _receive(member, after=200)


async def test_a_consumer_that_returns_nothing_is_replaced(bus: KafkaBus, topic: str) -> None:
    """It answers and holds its partitions, yet fetches no more (aiokafka #1154)."""
    async with bus.subscribe(topic, group="fanout") as member:
        await _publish(bus, topic, "before", 10)
        assert await _receive(member, before=10)
        stuck = member._consumer  # type: ignore[attr-defined]
        stuck._kafka._fetcher._fetch_task.cancel()
        await _publish(
            bus, topic, "under_way", 10
        )  # a fetch that was already asked for may still bring these
        assert await _receive(member, under_way=10)
        await _publish(bus, topic, "after", 10)
        assert await _receive(member, after=10)
        assert member._consumer is not stuck  # type: ignore[attr-defined]


async def test_a_producer_whose_sender_died_is_replaced(bus: KafkaBus, topic: str) -> None:
    await _publish(bus, topic, "before", 1)
    producer = await bus._publishers[0]._current()
    producer._kafka._sender.sender_task.cancel()  # type: ignore[attr-defined]
    await _soon(_publish(bus, topic, "after", 10))
    async with bus.subscribe(topic, group="fanout") as member:
        assert await _receive(member, after=10)


async def test_a_slow_reader_keeps_its_place_and_misses_nothing(broker: Kafka, topic: str) -> None:
    """It works for longer than a session lasts, while more waits than is held ahead."""
    bus = _bus(broker, publish_within=timedelta(seconds=30), buffer=50)
    await bus.open()
    await _publish(bus, topic, "slow", 1_000)
    received: list[bytes] = []
    async with bus.subscribe(topic, group="fanout") as member:
        while len(received) < 1_000:
            records = await _soon(member.get(max_records=40))
            if not received:
                await asyncio.sleep(5)
            received += [record.value for record in records]
            await member.commit(records)
    await _soon(bus.close())
    assert len(set(received)) == len(received) == 1_000


async def test_a_topic_that_does_not_exist_is_named(bus: KafkaBus, topic: str) -> None:
    await _publish(bus, topic, "known", 1)
    with pytest.raises(TemporaryFailure, match="no-such-topic: there is no such topic"):
        await _soon(bus.publish("no-such-topic", "key", b""))
    await _soon(_publish(bus, topic, "known", 1))


async def _publish(bus: KafkaBus, topic: str, word: str, count: int) -> None:
    await asyncio.gather(*(bus.publish(topic, f"{word}-{n}", f"{word}-{n}".encode()) for n in range(count)))


async def _receive(member: Subscription, **expected: int) -> bool:
    """True once all of them came, by word and count; commits what it reads. Ends by the clock at the latest."""
    return await _soon(
        _read(member, {f"{word}-{n}".encode() for word, count in expected.items() for n in range(count)})
    )


async def _read(member: Subscription, expected: set[bytes]) -> bool:
    while expected:
        records = await member.get()
        expected -= {record.value for record in records}
        await member.commit(records)
    return True


async def _soon(awaitable: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaitable, PATIENCE_S)
