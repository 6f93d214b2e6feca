"""The servers to rehearse with: what each still knows after it was ended in which way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis as Client
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from hub.bus.kafka import KafkaBus, administration
from hub.bus.transport import Topic
from tests.servers.absence import absent
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.kafka import Kafka
from yobikake.rehearsal.servers.postgresql import PostgreSQL
from yobikake.rehearsal.servers.program import Program, advice, missing
from yobikake.rehearsal.servers.redis import Redis

TOPIC = Topic(
    name="alerts", partitions=1, replication_factor=1, min_insync_replicas=1, retention=timedelta(days=1)
)


def _require(programs: tuple[Program, ...]) -> None:
    if lacking := missing(programs):
        absent(advice(lacking))


@pytest.fixture
async def postgresql() -> AsyncIterator[PostgreSQL]:
    _require(PostgreSQL.needs())
    with temporary("test-postgresql-") as folder:
        server = PostgreSQL(folder)
        await server.start()
        yield server
        await server.stop()


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    _require(Redis.needs())
    server = Redis(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[Kafka]:
    _require(Kafka.needs())
    server = Kafka(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.mark.postgresql
async def test_postgresql_keeps_what_was_committed_over_a_restart_and_a_kill(postgresql: PostgreSQL) -> None:
    engine = create_engine(await asyncio.to_thread(postgresql.create, "hub"))
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE kept (number int)"))
    for number, end in enumerate((postgresql.restart, postgresql.kill)):
        with engine.begin() as conn:
            conn.execute(text(f"INSERT INTO kept VALUES ({number})"))
        open_transaction = engine.connect()
        open_transaction.execute(text("INSERT INTO kept VALUES (99)"))
        await end()
        open_transaction.invalidate()
        open_transaction.close()
    with pytest.raises(OperationalError):
        engine.connect()
    await postgresql.start()
    with engine.connect() as conn:
        assert conn.execute(text("SELECT number FROM kept ORDER BY 1")).scalars().all() == [0, 1]
    engine.dispose()
    await asyncio.to_thread(postgresql.drop, "hub")
    await asyncio.to_thread(postgresql.create, "hub")


@pytest.mark.redis
@pytest.mark.parametrize("forget", ["flush", "restart", "kill"])
async def test_redis_forgets_and_goes_on(redis: Redis, forget: str) -> None:
    async with Client.from_url(redis.address) as client:
        await client.set("key", "value")
    await getattr(redis, forget)()
    if forget == "kill":
        await redis.start()
    async with Client.from_url(redis.address) as client:
        assert await client.get("key") is None


@pytest.mark.kafka
async def test_kafka_remembers_over_a_restart_and_nothing_after_it_was_wiped(kafka: Kafka) -> None:
    async with administration(kafka.address) as cluster:
        await cluster.create([TOPIC])
    bus = KafkaBus(kafka.address, client_id=f"test-{uuid4()}", publish_within=timedelta(seconds=60))
    await bus.open()
    await bus.publish(TOPIC.name, "key", b"a record that can be found in the files")
    await kafka.restart()
    assert await _topics(kafka) == {TOPIC.name}
    assert _written(kafka, b"a record that can be found in the files")
    await bus.close()
    await kafka.wipe()
    assert await _topics(kafka) == set()
    assert not _written(kafka, b"a record that can be found in the files")


async def _topics(kafka: Kafka) -> set[str]:
    async with administration(kafka.address) as cluster:
        return set(await cluster.topics([TOPIC.name]))


def _written(kafka: Kafka, value: bytes) -> bool:
    """In the folders it names to those who want to read them."""
    folder = Path(kafka.environment()[Kafka.logs_variable])
    return any(value in path.read_bytes() for path in folder.rglob("*.log"))
