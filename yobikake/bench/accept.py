"""How long an operator waits for the answer to an approval, while the hub is as busy as it gets.

Under every accept: a fan-out to the whole register by mail, one after the other, and readings of the
shelters' sensors, taken as the gateway takes them. The peer is the least a durable answer can cost: one
row of an alert's size, committed by SQLite's own driver with `synchronous=FULL`, on the same disk, in
turn with the accepts.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from hub import codec, settings
from hub.alert import DecisionMethod, Mode
from hub.draft import Draft
from hub.intake import Approval
from hub.recipient import Targeting, Towns
from shelters import intake
from shelters.device import Counts, Devices
from yobikake import compose, roles
from yobikake.assembly import Assembly, assemble
from yobikake.bench.alert import sink_apart
from yobikake.bench.hub_apart import only_mail
from yobikake.bench.town import ended, enrol, finished
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.evening import Clerk

GOAL_MS = 150.0
"""Of the 99th percentile."""
A_POST = 50
"""Readings of one request."""
BETWEEN_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`readings_per_s`, `fan_outs`: what really went on meanwhile."""

    accepts: int
    recipients: int
    fan_outs: int
    readings_per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    peer_p50_ms: float
    peer_p99_ms: float

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return self.p50_ms / self.peer_p50_ms


async def measure(
    accepts: int, *, recipients: int, readings_per_s: float, say: Callable[[str], None]
) -> Measured:
    """`accepts` alerts are approved one after the other; each is for a town where nobody is registered."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        say(f"registering {recipients:,} recipients")
        assembly, people, devices = await stack.enter_async_context(_hub(folder, recipients))
        say(f"preparing {accepts} drafts")
        drafts = [await _submitted(assembly, people[0]) for _ in range(accepts)]
        load = _Load(assembly, people, devices)
        await stack.enter_async_context(load.running(readings_per_s))
        say("accepting, under load")
        ours, peers = await _in_turn(assembly, people[1], drafts, folder / "peer.db")
        return Measured(
            accepts=accepts,
            recipients=recipients,
            fan_outs=load.fan_outs,
            readings_per_s=load.readings_per_s,
            p50_ms=_percentile(ours, 50),
            p99_ms=_percentile(ours, 99),
            max_ms=max(ours),
            peer_p50_ms=_percentile(peers, 50),
            peer_p99_ms=_percentile(peers, 99),
        )


@asynccontextmanager
async def _hub(folder: Path, recipients: int) -> AsyncIterator[tuple[Assembly, tuple[Clerk, Clerk], Devices]]:
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(sink_apart())
        town = await stack.enter_async_context(
            rehearsal_city(folder, residents_port=0, staff_port=0, conditions=Conditions())
        )
        only_mail(folder / "yobikake.toml", sink.port)
        people = evening.clerks()
        await evening.set_up(town, people, number=0, seed=1, progress=lambda *_: None)
        found = settings.load(folder / "yobikake.toml")
        populated = replace(town.city, towns=dict(list(town.city.towns.items())[:-1]))
        await enrol(found, populated, recipients, lambda n: {"mail": f"bench{n}@mail.example"})
        assembly = await stack.enter_async_context(assemble(found))
        ready = asyncio.Event()
        wanted = ["fanout", "sweep", "receipts", "shelters", "mail"]
        running = asyncio.create_task(roles.run(assembly, wanted, ready=ready.set))
        stack.push_async_callback(ended, running)
        await ready.wait()
        yield assembly, people, town.sensors.devices


class _Load:
    """What the hub does besides."""

    def __init__(self, assembly: Assembly, people: tuple[Clerk, Clerk], devices: Devices) -> None:
        self._assembly, self._people, self._devices = assembly, people, devices
        self._begun_at = 0.0
        self._readings = 0
        self.fan_outs = 0

    @property
    def readings_per_s(self) -> float:
        return self._readings / (time.perf_counter() - self._begun_at)

    @asynccontextmanager
    async def running(self, readings_per_s: float) -> AsyncIterator[None]:
        """From when the first fan-out runs."""
        self._begun_at = time.perf_counter()
        fanning = asyncio.create_task(self._fan_out())
        reading = asyncio.create_task(self._read(readings_per_s))
        try:
            while not self.fan_outs:  # noqa: ASYNC110 - over in a moment
                await asyncio.sleep(0.01)
            yield
        finally:
            await ended(fanning)
            await ended(reading)

    async def _fan_out(self) -> None:
        while True:
            sent, _ = await evening.alert(self._assembly, *self._people, grounds="bench", whole_city=True)
            self.fan_outs += 1
            await finished(self._assembly, sent.alert.identifier)

    async def _read(self, per_s: float) -> None:
        doors = [door for door in self._all_devices() if door]
        numbers = count()
        while True:
            due = per_s * (time.perf_counter() - self._begun_at)
            while self._readings < due:
                block = [doors[next(numbers) % len(doors)] for _ in range(A_POST)]
                await self._take(block)
            await asyncio.sleep(A_POST / per_s / 2)

    async def _take(self, doors: Sequence[str]) -> None:
        now = self._assembly.clock()
        sent = [
            {
                "id": str(self._readings + i), "device": door, "at": now.isoformat(), "kind": "door_totals",
                "in": self._readings + i, "out": 0,
            }
            for i, door in enumerate(doors)
        ]  # fmt: skip
        found = intake.sort(codec.encode({"readings": sent}), self._devices, now=now, key="rehearsal")
        await intake.publish(self._assembly.bus, self._assembly.records, found.taken)
        self._readings += len(doors)

    def _all_devices(self) -> list[str]:
        return [
            device.id
            for site in self._assembly.sites
            for device in self._devices.at(site)
            if device.counts is Counts.DOOR_TOTALS
        ]


async def _submitted(assembly: Assembly, author: Clerk) -> Draft:
    message = compose.message(
        compose.template(evening.TEMPLATE),
        assembly.city,
        area=compose.preset(assembly.city, evening.PRESET),
        mode=Mode.LIVE,
        channels=tuple(assembly.channels),
        method=DecisionMethod.HEADQUARTERS,
        ordered_at=assembly.clock(),
        grounds="bench",
    )
    nobody = Targeting(audience=Towns(towns=(list(assembly.city.towns)[-1],)), channels=("mail",))
    draft = await assembly.intake.save(msgspec.structs.replace(message, targeting=nobody), author.actor)
    return await assembly.intake.submit(draft.id, author.actor, seen=draft.version)


async def _in_turn(
    assembly: Assembly, approver: Clerk, drafts: Sequence[Draft], peer: Path
) -> tuple[list[float], list[float]]:
    """Milliseconds of each accept, from the call to its answer, and of each of the peer's commits."""
    row = codec.encode(drafts[0].message)
    ours, peers = [], []
    with closing(_peer(peer)) as connection:
        for draft in drafts:
            approval = Approval(draft=draft.id, version=draft.version, typed=draft.message.level)
            began = time.perf_counter()
            await assembly.intake.accept(approval, approver.actor)
            ours.append(1000 * (time.perf_counter() - began))
            peers.append(await asyncio.to_thread(_commit, connection, row))
            await asyncio.sleep(BETWEEN_S)
    return ours, peers


def _peer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE alert (id INTEGER PRIMARY KEY, payload BLOB)")
    return connection


def _commit(connection: sqlite3.Connection, row: bytes) -> float:
    began = time.perf_counter()
    connection.execute("INSERT INTO alert (payload) VALUES (?)", (row,))
    return 1000 * (time.perf_counter() - began)


def _percentile(values: Sequence[float], percent: int) -> float:
    """Nearest rank."""
    return sorted(values)[-(-len(values) * percent // 100) - 1]
