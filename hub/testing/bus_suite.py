"""What every bus must do. A bus that passes may carry the hub.

Delivery is at least once: the suite asks for every record, in order by key, and forbids a repeat only
of what was committed.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar
from uuid import uuid4

import pytest

from hub.bus import Bus, Record, Subscription
from hub.errors import Refused

T = TypeVar("T")

PATIENCE_S = 120.0
"""How long a test waits for what must come. A bus that is merely slow does not fail."""


class BusSuite:
    """Subclass it, and give the two fixtures that say how this bus is made."""

    @pytest.fixture
    def make_bus(self) -> Callable[[], Bus]:
        """Makes a bus, not yet open, on the same log as every other one this fixture made.

        The suite opens the next one only after it closed the one before.
        """
        raise NotImplementedError

    @pytest.fixture
    def make_topic(self) -> Callable[[], Awaitable[str]]:
        """Makes a new topic of several partitions, with no record in it."""
        raise NotImplementedError

    @pytest.fixture
    async def topic(self, make_topic: Callable[[], Awaitable[str]]) -> str:
        return await make_topic()

    @pytest.fixture
    async def bus(self, make_bus: Callable[[], Bus]) -> AsyncIterator[Bus]:
        bus = make_bus()
        await bus.open()
        yield bus
        await bus.close()

    async def test_records_of_a_key_come_in_the_order_they_were_published(self, bus: Bus, topic: str) -> None:
        for number in range(20):
            await bus.publish(topic, f"shelter-{number % 3}", b"%d" % number)
        async with bus.subscribe(topic, group="board") as member:
            by_key = _values_by_key(await _receive(member, 20))
        assert by_key == {
            f"shelter-{shelter}": [b"%d" % number for number in range(20) if number % 3 == shelter]
            for shelter in range(3)
        }

    async def test_a_record_carries_what_was_published(self, bus: Bus, topic: str) -> None:
        await bus.publish(topic, "鍵", b"\x00\xff" * 1_000)
        async with bus.subscribe(topic, group="board") as member:
            [record] = await _receive(member, 1)
        assert (record.topic, record.key, record.value) == (topic, "鍵", b"\x00\xff" * 1_000)

    async def test_get_waits_until_there_is_a_record(self, bus: Bus, topic: str) -> None:
        async with bus.subscribe(topic, group="board") as member:
            getting = asyncio.ensure_future(member.get())
            done, _ = await asyncio.wait({getting}, timeout=0.3)
            assert not done
            await bus.publish(topic, "a", b"1")
            assert [record.value for record in await _soon(getting)] == [b"1"]

    async def test_get_gives_no_more_than_it_was_asked_for(self, bus: Bus, topic: str) -> None:
        await bus.publish_many(topic, [(f"key-{number}", b"") for number in range(30)])
        async with bus.subscribe(topic, group="board") as member:
            received: list[Record] = []
            while len(received) < 30:
                records = await _soon(member.get(max_records=7))
                assert 1 <= len(records) <= 7
                received += records
        assert {record.key for record in received} == {f"key-{number}" for number in range(30)}

    async def test_many_records_at_once(self, bus: Bus, topic: str) -> None:
        published = [(f"key-{number % 100}", b"%d" % number) for number in range(5_000)]
        await bus.publish_many(topic, published)
        async with bus.subscribe(topic, group="board") as member:
            received = await _receive(member, 5_000)
        assert len(received) == 5_000
        assert _values_by_key(received) == _by_key(published)

    async def test_many_publishers_at_once(self, bus: Bus, topic: str) -> None:
        await asyncio.gather(*(bus.publish(topic, f"key-{number}", b"%d" % number) for number in range(500)))
        async with bus.subscribe(topic, group="board") as member:
            received = await _receive(member, 500)
        assert sorted(int(record.value) for record in received) == list(range(500))

    async def test_publishing_nothing_publishes_nothing(self, bus: Bus, topic: str) -> None:
        await bus.publish_many(topic, [])
        await bus.publish(topic, "a", b"only")
        async with bus.subscribe(topic, group="board") as member:
            assert [record.value for record in await _receive(member, 1)] == [b"only"]

    async def test_topics_are_separate(self, bus: Bus, make_topic: Callable[[], Awaitable[str]]) -> None:
        one, other = await make_topic(), await make_topic()
        for topic in (other, one, other):
            await bus.publish(topic, "a", topic.encode())
        async with bus.subscribe(one, group="board") as member, bus.subscribe(other, group="board") as second:
            assert [record.value for record in await _receive(member, 1)] == [one.encode()]
            assert [record.value for record in await _receive(second, 2)] == [other.encode()] * 2

    async def test_each_group_gets_every_record(self, bus: Bus, topic: str) -> None:
        await bus.publish_many(topic, [(f"key-{number}", b"") for number in range(40)])
        async with (
            bus.subscribe(topic, group="board") as board,
            bus.subscribe(topic, group="forecast") as forecast,
        ):
            await board.commit(await _receive(board, 40))
            assert len(await _receive(forecast, 40)) == 40

    async def test_what_was_not_committed_comes_again_after_a_restart(
        self, make_bus: Callable[[], Bus], topic: str
    ) -> None:
        first = make_bus()
        await first.open()
        async with first.subscribe(topic, group="board") as member:
            await first.publish_many(topic, [("a", b"%d" % number) for number in range(6)])
            received = await _receive(member, 6)
            await member.commit(received[:2])
        await first.close()
        second = make_bus()
        await second.open()
        async with second.subscribe(topic, group="board") as member:
            again = await _receive(member, 4)
        await second.close()
        assert [record.value for record in again] == [b"2", b"3", b"4", b"5"]

    async def test_what_was_committed_does_not_come_again(
        self, make_bus: Callable[[], Bus], topic: str
    ) -> None:
        first = make_bus()
        await first.open()
        await first.publish_many(topic, [(f"key-{number}", b"done") for number in range(30)])
        async with first.subscribe(topic, group="board") as member:
            await member.commit(await _receive(member, 30))
            await member.commit([])
        await first.close()
        second = make_bus()
        await second.open()
        async with second.subscribe(topic, group="board") as member:
            await second.publish_many(topic, [(f"key-{number}", b"new") for number in range(30)])
            again = await _receive(member, 30)
        await second.close()
        assert {record.value for record in again} == {b"new"}

    async def test_a_commit_never_moves_a_group_back(self, make_bus: Callable[[], Bus], topic: str) -> None:
        first = make_bus()
        await first.open()
        await first.publish_many(topic, [("a", b"%d" % number) for number in range(5)])
        async with first.subscribe(topic, group="board") as member:
            received = await _receive(member, 5)
            await member.commit(received)
            await member.commit(received[:1])
        await first.publish(topic, "a", b"new")
        await first.close()
        second = make_bus()
        await second.open()
        async with second.subscribe(topic, group="board") as member:
            again = await _receive(member, 1)
        await second.close()
        assert again[0].value == b"new"

    async def test_records_outlast_a_restart(self, make_bus: Callable[[], Bus], topic: str) -> None:
        first = make_bus()
        await first.open()
        await first.publish(topic, "a", b"before")
        await first.close()
        second = make_bus()
        await second.open()
        await second.publish(topic, "a", b"after")
        async with second.subscribe(topic, group="board") as member:
            received = await _receive(member, 2)
        await second.close()
        assert [record.value for record in received] == [b"before", b"after"]

    async def test_two_members_share_a_topic(self, bus: Bus, topic: str) -> None:
        """Rounds are published until both have had some of them; then nothing is missing."""
        inbox = _Inbox()
        async with (
            bus.subscribe(topic, group="mail") as one,
            bus.subscribe(topic, group="mail") as two,
            inbox.of("one", one),
            inbox.of("two", two),
        ):
            published: set[str] = set()
            while not (inbox.of_member["one"] and inbox.of_member["two"]):
                keys = [f"key-{uuid4()}" for _ in range(50)]
                await bus.publish_many(topic, [(key, b"") for key in keys])
                published.update(keys)
                await _soon(inbox.until(published))
        assert inbox.keys == published

    async def test_a_member_takes_over_from_one_that_left(self, bus: Bus, topic: str) -> None:
        published = {f"key-{number}" for number in range(50)}
        async with AsyncExitStack() as stays:
            leaving = await stays.enter_async_context(AsyncExitStack())
            left = await leaving.enter_async_context(bus.subscribe(topic, group="mail"))
            await bus.publish_many(topic, [(key, b"") for key in published])
            assert {record.key for record in await _receive(left, 50)} == published
            heir = await stays.enter_async_context(bus.subscribe(topic, group="mail"))
            await leaving.aclose()
            inbox = _Inbox()
            async with inbox.of("heir", heir):
                await _soon(inbox.until(published))

    async def test_a_member_that_lost_its_partitions_may_still_commit(self, bus: Bus, topic: str) -> None:
        await bus.publish_many(topic, [(f"key-{number}", b"") for number in range(50)])
        async with bus.subscribe(topic, group="mail") as first:
            received = await _receive(first, 50)
            async with bus.subscribe(topic, group="mail") as second:
                inbox = _Inbox()
                async with inbox.of("first", first), inbox.of("second", second):
                    while not inbox.of_member["second"]:
                        key = f"key-{uuid4()}"
                        await bus.publish(topic, key, b"")
                        await _soon(inbox.until({key}))
                await first.commit(received)

    async def test_a_closed_bus_publishes_nothing(self, make_bus: Callable[[], Bus], topic: str) -> None:
        bus = make_bus()
        await bus.open()
        await bus.close()
        with pytest.raises(Refused):
            await bus.publish(topic, "a", b"1")
        with pytest.raises(Refused):
            await bus.publish_many(topic, [("a", b"1")])

    async def test_closing_ends_a_waiting_get(self, make_bus: Callable[[], Bus], topic: str) -> None:
        bus = make_bus()
        await bus.open()
        async with bus.subscribe(topic, group="board") as member:
            getting = asyncio.ensure_future(member.get())
            await asyncio.sleep(0)
            await _soon(bus.close())
            with pytest.raises(Refused):
                await _soon(getting)

    async def test_closing_twice_is_harmless(self, make_bus: Callable[[], Bus]) -> None:
        bus = make_bus()
        await bus.open()
        await bus.close()
        await bus.close()


class _Inbox:
    """Reads members side by side, and wakes whoever waits for keys."""

    def __init__(self) -> None:
        self.of_member: defaultdict[str, set[str]] = defaultdict(set)
        self._more = asyncio.Condition()

    @property
    def keys(self) -> set[str]:
        return {key for keys in self.of_member.values() for key in keys}

    async def until(self, keys: Iterable[str]) -> None:
        wanted = set(keys)
        async with self._more:
            await self._more.wait_for(lambda: wanted <= self.keys)

    @asynccontextmanager
    async def of(self, name: str, member: Subscription) -> AsyncIterator[None]:
        reading = asyncio.create_task(self._read(name, member))
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self, name: str, member: Subscription) -> None:
        while True:
            records = await member.get()
            async with self._more:
                self.of_member[name].update(record.key for record in records)
                self._more.notify_all()


async def _receive(member: Subscription, count: int) -> list[Record]:
    """At least `count` records, each of them once."""
    received: dict[tuple[int, int], Record] = {}
    while len(received) < count:
        for record in await _soon(member.get()):
            received.setdefault((record.partition, record.offset), record)
    return list(received.values())


async def _soon(awaitable: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaitable, PATIENCE_S)


def _values_by_key(records: Sequence[Record]) -> dict[str, list[bytes]]:
    return _by_key([(record.key, record.value) for record in records])


def _by_key(pairs: Iterable[tuple[str, bytes]]) -> dict[str, list[bytes]]:
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)
