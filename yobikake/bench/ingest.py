"""How many readings of sensors the hub takes in a second: many together against one by one, in the same run.

The sender is a process of its own; the hub is this one, with its own listener, embedded bus and keeper of
the occupancy; the MQTT broker and Redis are real servers, where they are installed. Both ways send the same
kind of reading, in turn, over as many connections. Two moments count: when the last is answered (by HTTP, all
are durable then; by MQTT, the broker has them), and when the last is counted in the occupancy that people see.
At the end every reading must have arrived exactly once: in the record of the readings, and in the number of
people of each site.
"""

import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import msgspec
import tomli_w

from hub import codec, settings, typed
from hub.bus import READINGS
from hub.clock import utc_now
from hub.errors import BadInput
from hub.outbound import Deployment
from shelters import intake
from shelters.device import Counts, new_key
from shelters.keeper import live_key
from shelters.occupancy import Occupancy
from shelters.quota import BURST
from shelters.reading import DoorDeltas, Measure, Reading, Readings, StaffWord
from shelters.record import STAFF
from shelters.site import SiteCode, load_sites
from yobikake import initialise, roles
from yobikake.assembly import Assembly, assemble, city_folder
from yobikake.bench.figures import Machine, Say, Spread, machine, ratios, spread
from yobikake.bench.readings_apart import Sent, Source, Task
from yobikake.bench.town import ended
from yobikake.rehearsal.servers.mosquitto import Mosquitto
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.program import missing
from yobikake.rehearsal.servers.redis import Redis
from yobikake.rehearsal.servers.server import Server

DOORS = 2
"""Of each site."""
GOAL = 20.0
"""Times as many readings a second in requests of fifty, by HTTP."""
INTERVAL_S = 3_600
"""Of a door: none is silent while this runs."""
LOOK_S = 0.01
WITH: tuple[tuple[type[Server], str], ...] = ((Mosquitto, "MQTT"), (Redis, "latest values in Redis"))
"""What is measured only with a server."""
PATIENCE_S = 120.0


class Way(StrEnum):
    HTTP = "http"
    MQTT = "mqtt"


class Present(StrEnum):
    """Where the latest values lie."""

    MEMORY = "memory"
    REDIS = "redis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Readings a second, by round: until the last is answered, and until the last is counted."""

    answered: list[float] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One way in, with the present in one place."""

    together: Rates = field(default_factory=Rates)
    single: Rates = field(default_factory=Rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`arrived`: sent, and counted exactly once in the record and in the occupancy alike. `absent`: servers
    that are not installed, with what was therefore not measured."""

    rounds: int
    together: int
    arrived: int
    series: dict[tuple[Way, Present], Series]
    absent: tuple[str, ...]
    machine: Machine

    @property
    def ratios(self) -> dict[str, Spread]:
        """Until everything is counted; `…_answered`: until everything is answered."""
        found: dict[str, Spread] = {}
        for (way, present), each in self.series.items():
            name = {Way.HTTP: f"http_{self.together}_to_1", Way.MQTT: "mqtt_burst"}[way]
            name += "" if present is Present.MEMORY else f"_{present}"
            found[name] = ratios(each.together.counted, each.single.counted)
            found[f"{name}_answered"] = ratios(each.together.answered, each.single.answered)
        return found

    @property
    def rates(self) -> dict[str, dict[str, Spread]]:
        return {
            f"{way}_{present}": {
                f"{name}_{until}": spread(getattr(getattr(each, name), until))
                for name in ("together", "single")
                for until in ("answered", "counted")
            }
            for (way, present), each in self.series.items()
        }


async def measure(rounds: int, *, readings: int, together: int, connections: int, say: Say) -> Measured:
    """So many `readings` one by one, and ten times as many together, in each round of each series.

    Raises:
        BadInput: that is more than a hub takes of one door.
    """
    absent = [f"{server.name}: {what}" for server, what in WITH if missing(server.needs())]
    series: dict[tuple[Way, Present], Series] = {}
    arrived = 0
    for present in Present:
        if present is Present.REDIS and missing(Redis.needs()):
            continue
        async with _hub(present) as hub:
            most = most_readings(rounds, ways=len(hub.urls), sites=hub.sites)
            if readings > most:
                raise BadInput(
                    "--readings", f"at most {most} with {rounds} rounds / {rounds}回では{most}までです"
                )
            for way in hub.urls:
                say(f"{way}, latest values in {present}")
                each = series[way, present] = Series()
                for _ in range(rounds):
                    await hub.round(way, each.single, readings=readings, together=1, connections=connections)
                    await hub.round(
                        way, each.together, readings=10 * readings, together=together, connections=connections
                    )
            arrived += await hub.arrived()
    return Measured(
        rounds=rounds,
        together=together,
        arrived=arrived,
        series=series,
        absent=tuple(absent),
        machine=machine("aiohttp", "aiomqtt", "redis", "msgspec"),
    )


def most_readings(rounds: int, *, ways: int, sites: int) -> int:
    """How many one by one in a round, so that of no door more come than are taken of it at once."""
    return int(BURST * DOORS * sites / (11 * rounds * ways))


class NotOnce(AssertionError):
    """A reading was lost, or counted twice: what was measured is worth nothing."""


class _Hub:
    def __init__(self, assembly: Assembly, urls: dict[Way, str], sources: Mapping[SiteCode, Source]) -> None:
        self._assembly = assembly
        self.urls = urls
        self._sources = sources
        self._sent = 0

    @property
    def sites(self) -> int:
        return len(self._sources)

    async def open(self) -> None:
        """Every door reports once, and staff say that nobody is inside: from then on the doors count."""
        now = self._assembly.clock()
        said = [
            Reading(site=site, device=device, id="begin", at=now, received_at=now, measure=measure)
            for site, source in self._sources.items()
            for device, measure in _beginning(source)
        ]
        await intake.publish(self._assembly.bus, self._assembly.records, said)
        await self._until_counted()

    async def round(self, way: Way, into: Rates, *, readings: int, together: int, connections: int) -> None:
        task = Task(
            url=self.urls[way],
            sources=tuple(self._sources.values()),
            first=self._sent,
            readings=readings,
            together=together,
            connections=connections,
        )
        self._sent += readings
        async with _sender(task) as sent:
            counted_at = await self._until_counted()
            done = await sent
        if done.refused:
            raise NotOnce(f"{done.refused} messages were not taken whole")
        into.answered.append(readings / (done.ended_at - done.begun_at))
        into.counted.append(readings / (counted_at - done.begun_at))

    async def arrived(self) -> int:
        """How many were sent. Raises `NotOnce` unless the record has each of them once, and nothing else."""
        ids: Counter[str] = Counter()
        async with self._assembly.bus.subscribe(READINGS, group="bench") as subscription:
            while ids.total() < self._sent:
                for record in await subscription.get():
                    found = self._assembly.records.unseal(Readings, READINGS, record.key, record.value)
                    ids.update(reading.id for reading in found.readings if reading.id != "begin")
        if ids != Counter(f"bench-{number}" for number in range(self._sent)):
            raise NotOnce(f"the record has {len(ids)} of {self._sent} readings")
        return self._sent

    async def _until_counted(self) -> float:
        """When every site is known, and its people are all who came in. Raises `NotOnce` for one too many."""
        async with asyncio.timeout(PATIENCE_S):
            while (people := await self._people()) is None or people < self._sent:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(LOOK_S)
        if people > self._sent:
            raise NotOnce(f"{people} people after {self._sent} readings of one")
        return monotonic()

    async def _people(self) -> int | None:
        values = await self._assembly.live.get([live_key(site) for site in self._sources])
        said = [codec.decode(Occupancy, value, what="occupancy").people for value in values.values()]
        known = [people for people in said if people is not None]
        return sum(known) if len(known) == len(self._sources) else None


def _beginning(source: Source) -> Iterator[tuple[str, Measure]]:
    yield from ((door, DoorDeltas(entered=0, left=0)) for door in source.doors)
    yield STAFF, StaffWord(people=0)


@asynccontextmanager
async def _hub(present: Present) -> AsyncIterator[_Hub]:
    """It runs, with whatever servers are installed, and every site is open."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        addresses = {
            kind: await stack.enter_async_context(running_server(kind(folder)))
            for kind, _ in WITH
            if not missing(kind.needs()) and (kind is not Redis or present is Present.REDIS)
        }
        sources = _write_city(folder / "city")
        port = free_port()
        values = {
            "data": "data",
            "city": str(folder / "city"),
            "residents": {"port": port},
            "limits": {"free_disk": 0},
            "shelters": {"mqtt": addresses.get(Mosquitto, "")},
            "live": {"redis": addresses.get(Redis, "")},
        }
        (folder / "yobikake.toml").write_text(tomli_w.dumps(values), encoding="utf-8")
        await initialise.initialise(folder, None, Deployment.REHEARSAL, at=utc_now())
        assembly = await stack.enter_async_context(assemble(settings.load(folder / "yobikake.toml")))
        ready = asyncio.Event()
        running = asyncio.create_task(roles.run(assembly, [roles.API, "shelters"], ready=ready.set))
        stack.push_async_callback(ended, running)
        await ready.wait()
        urls = {Way.HTTP: f"http://127.0.0.1:{port}"}
        if Mosquitto in addresses:
            urls[Way.MQTT] = addresses[Mosquitto]
        hub = _Hub(assembly, urls, sources)
        await hub.open()
        yield hub


@asynccontextmanager
async def running_server(server: Server) -> AsyncIterator[str]:
    await server.start()
    try:
        yield server.address
    finally:
        await server.stop()


def _write_city(folder: Path) -> dict[SiteCode, Source]:
    """Akishima's sites, each with doors and a key of its own."""
    with resources.as_file(resources.files("config") / "akishima") as akishima:
        shutil.copytree(akishima, folder, ignore=shutil.ignore_patterns("__*"))
    sources, lines = {}, []
    for site in load_sites(city_folder(str(folder))):
        token, digest = new_key()
        doors = tuple(f"{site}-{number}" for number in range(DOORS))
        sources[site] = Source(token=token, doors=doors)
        lines.append(f'[[keys]]\nname = "{site}"\nsha256 = "{digest}"\n')
        lines += [
            f'[[devices]]\nid = "{door}"\nsite = "{site}"\ncounts = "{Counts.DOOR_DELTAS.value}"\n'
            f'key = "{site}"\ninterval_s = {INTERVAL_S}\nerror_percent = 0\n'
            for door in doors
        ]
    (folder / "devices.toml").write_text("\n".join(lines), encoding="utf-8")
    return sources


@asynccontextmanager
async def _sender(task: Task) -> AsyncIterator[Awaitable[Sent]]:
    """It has begun to send."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yobikake.bench.readings_apart",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101 - pipes were asked for
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(msgspec.json.encode(task) + b"\n")
        await process.stdout.readline()
        process.stdin.write(b"go\n")
        yield _told(process.stdout)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
        await process.wait()


async def _told(output: asyncio.StreamReader) -> Sent:
    return typed.from_json(await output.readline(), Sent)
