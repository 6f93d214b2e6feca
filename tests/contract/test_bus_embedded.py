"""The embedded bus keeps the contract, and what only it promises."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hub.bus import ALERTS, DEAD_LETTERS, OCCUPANCY, READINGS, Bus
from hub.bus.embedded import EmbeddedBus
from hub.bus.split import SplitBus
from hub.errors import Refused
from hub.testing.bus_suite import BusSuite

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class TestEmbeddedBus(BusSuite):
    @pytest.fixture
    def make_bus(self, tmp_path: Path) -> Callable[[], Bus]:
        return lambda: EmbeddedBus(tmp_path / "bus.db")

    @pytest.fixture
    def make_topic(self) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            return f"topic-{uuid4()}"

        return make


class TestSplitBus(BusSuite):
    @pytest.fixture
    def make_bus(self, tmp_path: Path) -> Callable[[], Bus]:
        return lambda: SplitBus(tmp_path)

    @pytest.fixture
    def make_topic(self) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            return f"topic-{uuid4()}"

        return make


async def test_readings_are_nowhere_in_the_file_that_alerts_travel_in(tmp_path: Path) -> None:
    bus = SplitBus(tmp_path)
    await bus.open()
    for topic in (ALERTS, READINGS, OCCUPANCY, DEAD_LETTERS):
        await bus.publish(topic, "k", topic.encode())
    await bus.close()
    await bus.open()
    for topic in (ALERTS, READINGS, OCCUPANCY, DEAD_LETTERS):
        async with bus.subscribe(topic, group="reader") as subscription:
            assert [record.value for record in await subscription.get()] == [topic.encode()]
    await bus.close()
    for name, topics in (("bus.db", {ALERTS, DEAD_LETTERS}), ("readings.db", {READINGS, OCCUPANCY})):
        with closing(sqlite3.connect(tmp_path / name)) as db:
            assert {topic for (topic,) in db.execute("SELECT DISTINCT topic FROM record")} == topics


@pytest.mark.parametrize("name", ["bus.db", "readings.db"])
async def test_neither_file_is_shared_nor_left_open_by_a_start_that_failed(tmp_path: Path, name: str) -> None:
    other = EmbeddedBus(tmp_path / name)
    await other.open()
    bus = SplitBus(tmp_path)
    with pytest.raises(Refused, match=rf"{name}: another process"):
        await bus.open()
    await other.close()
    await bus.open()
    await bus.close()


async def test_a_second_process_is_refused_with_the_file_s_name(tmp_path: Path) -> None:
    bus = EmbeddedBus(tmp_path / "bus.db")
    await bus.open()
    with pytest.raises(Refused, match=r"bus\.db: another process"):
        await EmbeddedBus(tmp_path / "bus.db").open()
    await bus.close()
    again = EmbeddedBus(tmp_path / "bus.db")
    await again.open()
    await again.close()


async def test_a_file_that_is_no_database_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "bus.db").write_bytes(b"not a database " * 1_000)
    with pytest.raises(Refused, match=r"bus\.db.*Move the file away"):
        await EmbeddedBus(tmp_path / "bus.db").open()


async def test_a_record_returned_as_published_is_in_the_file(tmp_path: Path) -> None:
    """Read past the bus, as after a crash of its process."""
    bus = EmbeddedBus(tmp_path / "bus.db")
    await bus.open()
    await bus.publish("readings", "door-1", b"12")
    with sqlite3.connect(tmp_path / "bus.db") as db:
        assert db.execute("SELECT topic, key, value FROM record").fetchall() == [
            ("readings", "door-1", b"12")
        ]
    db.close()
    await bus.close()


async def test_old_records_go_once_every_group_has_done_them(tmp_path: Path) -> None:
    now = NOON
    bus = EmbeddedBus(tmp_path / "bus.db", clock=lambda: now, keep=timedelta(hours=1))
    await bus.open()
    await bus.publish_many("readings", [(f"door-{n}", b"old") for n in range(20)])
    async with (
        bus.subscribe("readings", group="occupancy") as quick,
        bus.subscribe("readings", group="slow") as slow,
    ):
        await quick.commit(await quick.get())
        now = NOON + timedelta(hours=2)
        assert await bus.trim() == 0
        await slow.commit(await slow.get())
        await bus.publish("readings", "door-1", b"new")
        assert await bus.trim() == 20
        assert await bus.trim() == 0
        [new] = await quick.get()
        assert new.value == b"new"
    await bus.close()


async def test_young_records_stay_though_they_are_done(tmp_path: Path) -> None:
    bus = EmbeddedBus(tmp_path / "bus.db", clock=lambda: NOON)
    await bus.open()
    await bus.publish("readings", "door-1", b"1")
    async with bus.subscribe("readings", group="occupancy") as member:
        await member.commit(await member.get())
    assert await bus.trim() == 0
    async with bus.subscribe("readings", group="a later one") as member:
        assert [record.value for record in await member.get()] == [b"1"]
    await bus.close()


async def test_a_group_that_is_gone_for_good_does_not_fill_the_disk(tmp_path: Path) -> None:
    now = NOON
    bus = EmbeddedBus(tmp_path / "bus.db", clock=lambda: now, keep_uncommitted=timedelta(days=7))
    await bus.open()
    async with bus.subscribe("readings", group="abandoned"):
        await bus.publish("readings", "door-1", b"1")
    now = NOON + timedelta(days=6)
    assert await bus.trim() == 0
    now = NOON + timedelta(days=8)
    assert await bus.trim() == 1
    await bus.close()


async def test_records_published_after_everything_was_trimmed_are_read(tmp_path: Path) -> None:
    """Offsets go on where they were, so a group that is far ahead in an empty log misses nothing."""
    now = NOON
    bus = EmbeddedBus(tmp_path / "bus.db", clock=lambda: now, keep=timedelta(hours=1))
    await bus.open()
    await bus.publish_many("readings", [("door-1", b"old")] * 10)
    async with bus.subscribe("readings", group="occupancy") as member:
        await member.commit(await member.get())
    now = NOON + timedelta(hours=2)
    assert await bus.trim() == 10
    await bus.close()
    await bus.open()
    await bus.publish("readings", "door-1", b"new")
    async with bus.subscribe("readings", group="occupancy") as member:
        assert [record.value for record in await member.get()] == [b"new"]
    await bus.close()


async def test_a_publisher_that_gave_up_waiting_still_wakes_the_readers(tmp_path: Path) -> None:
    bus = EmbeddedBus(tmp_path / "bus.db")
    await bus.open()
    async with bus.subscribe("readings", group="occupancy") as member:
        getting = asyncio.ensure_future(member.get())
        publishing = asyncio.ensure_future(bus.publish("readings", "door-1", b"1"))
        await asyncio.sleep(0)
        publishing.cancel()
        records = await asyncio.wait_for(getting, 120)
        assert [record.value for record in records] == [b"1"]
        assert publishing.cancelled()
    await bus.close()


async def test_members_keep_their_partitions_when_another_joins(tmp_path: Path) -> None:
    """What a member has not committed does not come again to the same member."""
    bus = EmbeddedBus(tmp_path / "bus.db")
    await bus.open()
    await bus.publish_many("readings", [(f"door-{n}", b"") for n in range(50)])
    async with bus.subscribe("readings", group="occupancy") as first:
        held = await first.get()
        async with bus.subscribe("readings", group="occupancy") as second:
            moved = {record.partition for record in await second.get()}
            await bus.publish_many("readings", [(f"door-{n}", b"new") for n in range(50)])
            after = await first.get()
    assert len(moved) == 4
    assert {record.value for record in after} == {b"new"}
    assert {record.partition for record in after} == {record.partition for record in held} - moved
    await bus.close()
