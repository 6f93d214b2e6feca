"""`yobikake chaos --shape city`: processes by role over real servers, which are hit too."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from hub import bus
from hub.bus.kafka import KafkaBus
from hub.clock import utc_now
from hub.ledger import Ledger, tables
from tests.servers.absence import absent
from yobikake.chaos import city as cities
from yobikake.chaos import people
from yobikake.chaos.city import City
from yobikake.chaos.faults import servers
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.kafka import Kafka
from yobikake.rehearsal.servers.postgresql import PostgreSQL
from yobikake.rehearsal.servers.program import advice, missing
from yobikake.rehearsal.servers.redis import Redis


def with_servers(test: Callable[..., Any]) -> Callable[..., Any]:
    return pytest.mark.kafka(pytest.mark.postgresql(pytest.mark.redis(test)))


@pytest.fixture
def programs() -> None:
    if lacking := missing(program for server in (Kafka, PostgreSQL, Redis) for program in server.needs()):
        absent(advice(lacking))


def test_every_kind_that_can_hit_a_city_is_in_the_table() -> None:
    assert set(servers.FAULTS) == set(cities.KINDS)
    assert set(cities.KINDS) <= set(City.kinds)


def test_missing_programs_are_named_with_how_to_get_them() -> None:
    done = _chaos("--seeds", "1", path="/nowhere")
    assert done.returncode == 2
    assert "java" in done.stderr
    assert "apt-get install" in done.stderr
    assert "default-jre-headless" in done.stderr
    assert "--shape embedded" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
async def city(programs: None) -> AsyncIterator[City]:
    city = City()
    with temporary("test-city-") as folder:
        try:
            await city.open(folder)
            yield city
        finally:
            await city.close()


@with_servers
async def test_a_run_finds_nothing_of_an_earlier_one(city: City, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    stanzas = await city.fresh(first)
    await _publish(stanzas, text := uuid4().hex.encode())
    await _page(stanzas, "something happened")
    assert await _pages_and_people(stanzas) == (1, people.RESIDENTS + people.STAFF)
    assert _carried(city, first, text)
    stanzas = await city.fresh(second)
    assert await _pages_and_people(stanzas) == (0, people.RESIDENTS + people.STAFF)
    assert _carried(city, second, b"")
    assert not _carried(city, second, text)


@with_servers
async def test_whatever_was_done_to_its_servers_they_answer_once_healed(city: City, tmp_path: Path) -> None:
    stanzas = await city.fresh(tmp_path)
    await _page(stanzas, "before")
    await asyncio.gather(city.redis.kill(), city.postgresql.kill(), city.kafka.nodes[0].kill())
    city.kafka.freeze()
    await city.heal()
    await _publish(stanzas, b"after")
    assert await _pages_and_people(stanzas) == (1, people.RESIDENTS + people.STAFF)
    await city.redis.flush()


def _chaos(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "yobikake", "chaos", "--shape", "city", "--jobs", "1", "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ({"PATH": path} if path else {}),
    )


async def _publish(stanzas: dict[str, Any], value: bytes) -> None:
    kafka = KafkaBus(
        stanzas["bus"]["kafka"],
        client_id="test",
        prefix=stanzas["bus"]["prefix"],
        publish_within=timedelta(seconds=60),
    )
    await kafka.open()
    await kafka.publish(bus.ALERTS, "key", value)
    await kafka.close()


def _carried(city: City, folder: Path, value: bytes) -> bool:
    return any(value in path.read_bytes() for path in city.carried(folder))


async def _page(stanzas: dict[str, Any], said: str) -> None:
    row = {"at": utc_now(), "topic": "test", "text": said}
    async with _ledger(stanzas) as ledger:
        await ledger.write(lambda conn: conn.execute(tables.pages.insert().values(row)))


async def _pages_and_people(stanzas: dict[str, Any]) -> tuple[int, int]:
    counts = [select(func.count()).select_from(table) for table in (tables.pages, tables.recipients)]
    async with _ledger(stanzas) as ledger:
        return await ledger.read(
            lambda conn: (conn.execute(counts[0]).scalar_one(), conn.execute(counts[1]).scalar_one())
        )


@asynccontextmanager
async def _ledger(stanzas: dict[str, Any]) -> AsyncIterator[Ledger]:
    ledger = Ledger(stanzas["ledger"]["url"])
    await ledger.open()
    yield ledger
    await ledger.close()
