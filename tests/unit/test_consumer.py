"""The one reading loop: what is poison goes to the dead letters, what is away is waited for, the rest goes on."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
import pytest
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError

from hub import consumer as consuming
from hub.alert import Mode
from hub.bus import RECEIPTS
from hub.bus.embedded import EmbeddedBus
from hub.codec import BatchRecord, RecordCodec
from hub.consumer import TRIES, Consumer
from hub.dead_letters import MOST_BYTES, Letter
from hub.delivery import IllegalTransition
from hub.errors import BadInput, Refused, TemporaryFailure
from hub.keys import Keys
from tests.integration.letters import letters

CODEC = RecordCodec(Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32)))
TOPIC = RECEIPTS
GROUP = "readers"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
Take = Callable[[Sequence[BatchRecord]], Awaitable[None]]


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[EmbeddedBus]:
    carrier = EmbeddedBus(tmp_path / "bus.db")
    await carrier.open()
    yield carrier
    await carrier.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "AGAIN_S", 0.01)
    monkeypatch.setattr(consuming, "BETWEEN_TRIES_S", 0.01)


class Reader:
    """Takes records; whatever `broken` says of one is raised."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.asked: list[list[str]] = []
        self.broken: dict[str, Exception] = {}
        self.changed = asyncio.Event()

    async def take(self, records: Sequence[BatchRecord]) -> None:
        names = [record.batch for record in records]
        self.asked.append(names)
        self.changed.set()
        for name in names:
            if name in self.broken:
                raise self.broken[name]
        self.taken += names

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not condition():
                self.changed.clear()
                await asyncio.wait([asyncio.ensure_future(self.changed.wait())], timeout=0.05)

    def tries(self, name: str) -> int:
        return sum(asked == [name] for asked in self.asked)


def a_consumer(bus: EmbeddedBus, **changes: object) -> Consumer[BatchRecord]:
    return Consumer(
        transport=bus, records=CODEC, topic=TOPIC, group=GROUP, kind=BatchRecord,
        **changes,  # type: ignore[arg-type]
    )  # fmt: skip


@asynccontextmanager
async def reading(bus: EmbeddedBus, reader: Reader, **changes: object) -> AsyncIterator[Reader]:
    task = asyncio.create_task(a_consumer(bus, **changes).run(reader.take))
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), task.exception()


async def publish(bus: EmbeddedBus, *names: str) -> None:
    """All under one key, so that they come in this order."""
    records = [BatchRecord(batch=name, version=1, mode=Mode.LIVE) for name in names]
    await bus.publish_many(TOPIC, [("key", CODEC.seal(TOPIC, "key", record)) for record in records])


async def committed(bus: EmbeddedBus, reader: Reader) -> None:
    """A later member of the group gets nothing of what was published so far."""
    await publish(bus, "the last")
    await reader.until(lambda: "the last" in reader.taken)
    async with bus.subscribe(TOPIC, group=GROUP) as subscription:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await subscription.get()


@pytest.mark.parametrize(
    "poison",
    [
        ValueError("a fault of ours"),
        IllegalTransition("a handover would forget"),
        DataError("insert", {}, sqlite3.DataError("too large")),
        IntegrityError("insert", {}, sqlite3.IntegrityError("foreign key")),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_cannot_be_taken_is_given_up_after_three_tries_and_holds_up_nobody(
    bus: EmbeddedBus, poison: Exception
) -> None:
    async with reading(bus, Reader()) as reader:
        reader.broken["bad"] = poison
        await publish(bus, "before", "bad", "behind")
        (letter,) = await letters(bus, CODEC, 1)
        assert (letter.topic, letter.key) == (TOPIC, "key")
        assert letter.reason == f"{type(poison).__name__}, {TRIES} tries"
        assert CODEC.unseal(BatchRecord, letter.topic, letter.key, letter.value).batch == "bad"
        assert (reader.taken, reader.tries("bad")) == (["before", "behind"], TRIES)
        second_try = [index for index, asked in enumerate(reader.asked) if asked == ["bad"]][1]
        assert reader.asked.index(["behind"]) < second_try, "those behind it do not wait for its tries"
        await committed(bus, reader)


async def test_what_carries_several_things_loses_only_the_bad_one_and_is_the_only_one_taken_apart(
    bus: EmbeddedBus,
) -> None:
    def apart(record: BatchRecord) -> list[BatchRecord]:
        return [msgspec.structs.replace(record, batch=name) for name in record.batch.split("+")]

    reader = Reader()
    reader.broken = {name: ValueError("a fault of ours") for name in ("a+bad+b", "bad")}
    await publish(bus, "before+1", "a+bad+b", "behind+1")
    async with reading(bus, reader, apart=apart):
        (letter,) = await letters(bus, CODEC, 1)
        assert CODEC.unseal(BatchRecord, letter.topic, letter.key, letter.value).batch == "bad"
        assert reader.taken == ["before+1", "behind+1", "a", "b"]
        assert reader.tries("bad") == TRIES
        await committed(bus, reader)


async def test_what_no_other_try_would_change_is_given_up_at_once(bus: EmbeddedBus) -> None:
    async with reading(bus, Reader()) as reader:
        reader.broken["bad"] = BadInput("$.batch", "there is none")
        await publish(bus, "bad", "behind")
        (letter,) = await letters(bus, CODEC, 1)
        assert letter.reason == "$.batch: there is none"
        assert (reader.taken, reader.tries("bad")) == (["behind"], 1)


async def test_the_forged_and_the_malformed_never_reach_the_reader(bus: EmbeddedBus) -> None:
    other_kind = CODEC.seal(TOPIC, "key", Letter(topic="", key="", reason="", value=b"", size=0, at=NOW))
    foreign = [b"", b"\xff" * 40, bytes(10 * MOST_BYTES), other_kind]
    async with reading(bus, Reader()) as reader:
        await bus.publish_many(TOPIC, [("key", value) for value in foreign])
        await publish(bus, "good")
        await reader.until(lambda: bool(reader.taken))
        dead = await letters(bus, CODEC, len(foreign))
    assert [(letter.value, letter.size) for letter in dead] == [
        (value[:MOST_BYTES], len(value)) for value in foreign
    ]
    assert reader.asked == [["good"]]


AWAY = [
    OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full")),
    InternalError("insert", {}, psycopg.errors.ReadOnlySqlTransaction("a standby")),
    TemporaryFailure("away", "the bus is away"),
    Refused("the bus is not open"),
    OSError(28, "No space left on device"),
]


@pytest.mark.parametrize("away", AWAY, ids=lambda error: type(error).__name__)
async def test_while_bus_or_database_are_away_nothing_is_given_up(bus: EmbeddedBus, away: Exception) -> None:
    async with reading(bus, Reader()) as reader:
        reader.broken["one"] = away
        await bus.publish(TOPIC, "key", b"forged")
        await publish(bus, "one", "two")
        await reader.until(lambda: len(reader.asked) > 3 * TRIES)
        assert reader.taken == []
        reader.broken.clear()
        await reader.until(lambda: reader.taken == ["one", "two"])
        await committed(bus, reader)
    (letter,) = await letters(bus, CODEC, 1)
    assert letter.value == b"forged", "one letter, however often the rest was tried"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await letters(bus, CODEC, 1)


async def test_what_cannot_be_given_up_now_is_kept(bus: EmbeddedBus) -> None:
    """The dead letters' own topic does not answer: the record is not committed away."""
    given_up: list[str] = []
    away = True

    async def give_up(record: object, reason: str) -> None:
        if away:
            tried.set()
            raise TemporaryFailure("away", "the bus is away")
        given_up.append(reason)

    tried = asyncio.Event()
    reader = Reader()
    task = asyncio.create_task(a_consumer(bus, give_up=give_up).run(reader.take))
    await bus.publish(TOPIC, "key", b"forged")
    async with asyncio.timeout(120):
        await tried.wait()
        away = False
        await publish(bus, "good")
        await reader.until(lambda: reader.taken == ["good"])
    task.cancel()
    await asyncio.wait({task})
    assert len(given_up) == 1
