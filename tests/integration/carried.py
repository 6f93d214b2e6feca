"""What the bus carried in one whole run of the program, over Kafka or embedded: its records and its files."""

import asyncio
import os
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import tomli_w
from sqlalchemy import create_engine, make_url, select, text

from hub import bus, settings
from hub.alert import DecisionMethod, Lane, Mode
from hub.bus.kafka import KafkaBus
from hub.clock import utc_now
from hub.draft import Message
from hub.ledger import tables
from hub.progress import Tally
from tests.integration.city_hub import CityHub
from tests.servers.absence import address
from yobikake import compose, initialise
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, RehearsalCity, rehearsal_city
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.residents import Persona
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_phones import Fates

CHANNELS = ("mail", "line", "voice")
RESIDENTS = 300
SPLIT = (("api", "fanout", "sweep"), ("receipts",), ("mail", "line"), ("voice",))
TOPICS = (
    bus.ALERTS, bus.RECEIPTS, bus.READINGS, bus.OCCUPANCY, bus.SHELTER_STEPS, bus.DEAD_LETTERS,
    *(bus.deliveries(channel, lane) for channel in CHANNELS for lane in Lane),
)  # fmt: skip
DEADLINE_S = 120.0
QUIET_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """`names`: ids that must have travelled; whoever looks in the right places finds all of them."""

    personas: Sequence[Persona]
    tallies: Mapping[str, Tally]
    names: frozenset[bytes]
    records: Sequence[bytes]
    """Each record's key and value, as a consumer reads them."""
    files: Mapping[str, bytes]
    """As they lay on the disk while the hub ran. Empty where the files of Kafka are out of reach."""


async def over_kafka(folder: Path) -> Carried:
    """Four processes over Kafka, PostgreSQL and Redis."""
    prefix = f"carried-{uuid4().hex[:8]}."
    servers = {
        "bus": {"kafka": address("KAFKA_BOOTSTRAP"), "prefix": prefix},
        "live": {"redis": address("REDIS_URL"), "share": 0.5},
    }
    with _database() as url:
        async with _evening(folder, servers | {"ledger": {"url": url}}, SPLIT) as (hub, town, personas):
            tallies, names = await _one_alert(hub, town)
            records = await _consumed(prefix, names)
            return Carried(personas=personas, tallies=tallies, names=names, records=records, files=segments())


async def embedded(folder: Path) -> Carried:
    """One process, and the bus in a file."""
    async with _evening(folder, {}, ((),)) as (hub, town, personas):
        tallies, names = await _one_alert(hub, town)
        files = bus_files(hub.found.data)
        records = _rows(hub.found.data / "bus.db")
        return Carried(personas=personas, tallies=tallies, names=names, records=records, files=files)


def segments() -> dict[str, bytes]:
    """Every segment of every topic in Kafka's log directories, by its place; none for another's Kafka."""
    folders = [Path(folder) for folder in os.environ.get("KAFKA_LOG_DIRS", "").split(os.pathsep) if folder]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*.log")
    }


def bus_files(data: Path) -> dict[str, bytes]:
    """The embedded bus's database, with its write-ahead log."""
    return {path.name: path.read_bytes() for name in ("bus.db*", "readings.db*") for path in data.glob(name)}


@asynccontextmanager
async def _evening(
    folder: Path, servers: dict[str, Any], split: Sequence[Sequence[str]]
) -> AsyncIterator[tuple[CityHub, RehearsalCity, list[Persona]]]:
    """A rehearsal city whose hub runs in its processes: people by mail, LINE and telephone."""
    folder.mkdir()
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(
            rehearsal_city(
                folder, residents_port=free_port(), staff_port=free_port(), conditions=_some_of_everything()
            )
        )
        _settle(folder / "yobikake.toml", servers)
        personas = await evening.set_up(town, (), number=RESIDENTS, seed=1, progress=lambda *_: None)
        found = settings.load(folder / "yobikake.toml")
        ledger = await stack.enter_async_context(initialise.opened(found))
        hub = CityHub(folder=folder, found=found, ledger=ledger)
        for roles in split:
            await stack.enter_async_context(hub.serving(*roles))
        yield hub, town, personas


def _some_of_everything() -> Conditions:
    """Refusals and bounces speak of people, and numbers that are busy report it."""
    return Conditions(
        mail=Faults(permanent=0.05, temporary=0.05),
        line=Faults(),
        voice=Faults(permanent=0.3),
        phones=Fates(busy=0.3, no_answer=0.2),
    )


def _settle(path: Path, servers: dict[str, Any]) -> None:
    written = tomllib.loads(path.read_text())
    written["channels"] = {kind: written["channels"][kind] for kind in CHANNELS}
    path.write_text(tomli_w.dumps(written | servers))


async def _one_alert(hub: CityHub, town: RehearsalCity) -> tuple[dict[str, Tally], frozenset[bytes]]:
    """To the whole city, until everybody has an outcome. Gives the counts, and every id that travelled."""
    alert = await hub.send(_message(town))
    tallies: dict[str, Tally] = {}
    async with asyncio.timeout(DEADLINE_S):
        while not tallies or not all(tally.done for tally in tallies.values()):
            await asyncio.sleep(0.1)
            tallies = await hub.tallies(alert)
    first = select(tables.batches.c.id).where(tables.batches.c.parent.is_(None))
    planned = await hub.ledger.read(lambda conn: conn.execute(first).scalars().all())
    (twilio,) = (gateway for gateway in town.http if isinstance(gateway, TwilioGateway))
    return tallies, frozenset(
        name.encode() for name in (alert, *planned, *(call.sid for call in twilio.calls))
    )


def _message(town: RehearsalCity) -> Message:
    now = utc_now()
    return compose.message(
        compose.template(evening.TEMPLATE), town.city, area=None, mode=Mode.LIVE, channels=CHANNELS,
        method=DecisionMethod.HEADQUARTERS, ordered_at=now, grounds="石原水位観測所で氾濫危険水位に到達",
    )  # fmt: skip


async def _consumed(prefix: str, names: frozenset[bytes]) -> list[bytes]:
    """All that is on this hub's topics: until every id was seen, and no more comes."""
    reader = KafkaBus(address("KAFKA_BOOTSTRAP"), client_id=f"reader-{uuid4()}", prefix=prefix)
    await reader.open()
    found: list[bytes] = []
    reading = [asyncio.create_task(_collect(reader, topic, found)) for topic in TOPICS]
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not holds(found, names):
                await asyncio.sleep(QUIET_S)
            before = -1
            while len(found) > before:
                before = len(found)
                await asyncio.sleep(QUIET_S)
    except TimeoutError:
        pass  # whoever asks for the names says which are missing
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await reader.close()
    return found


async def _collect(reader: KafkaBus, topic: str, found: list[bytes]) -> None:
    async with reader.subscribe(topic, group="reader") as subscription:
        while True:
            found += [record.key.encode() + b" " + record.value for record in await subscription.get()]


def holds(found: Iterable[bytes], names: Iterable[bytes]) -> bool:
    return not missing(found, names)


def missing(found: Iterable[bytes], names: Iterable[bytes]) -> list[bytes]:
    everything = b"\n".join(found)
    return [name for name in names if name not in everything]


def _rows(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as db:
        return [f"{key} ".encode() + value for key, value in db.execute("SELECT key, value FROM record")]


@contextmanager
def _database() -> Iterator[str]:
    """One of this run's own on the shared server."""
    url, name = make_url(address("POSTGRESQL_URL")), f"carried_{uuid4().hex[:12]}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}"'))
    yield url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()
