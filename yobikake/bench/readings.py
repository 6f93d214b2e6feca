"""How long a reading takes to the residents' page while an alert goes out: sensor → MQTT → bus → estimate → Redis → page.

A hub runs whole in this process, with its listener, embedded bus and mail; broker, Redis, smarthost and everybody
else speak to it through sockets. Sensors (a process of their own) report at a steady pace. Now and then a group of
people comes in at one of the probed sites, which are otherwise quiet; a reader (another process) hears of every change by
the event stream, fetches the page, and looks for the group. A third of the way an alert goes out by mail.

It counts from the moment the sensor hands its message to the broker to the moment the reader has the page that
shows it. The reader fetches at once; a browser that is told of counts alone takes its time (docs/decisions/0017-pages-at-speed.md).
"""

import asyncio
import sys
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TypeVar

import msgspec
import tomli_w

from hub import settings, typed
from hub.errors import BadInput
from hub.hazard import Hazard
from shelters import intake
from shelters.device import Counts, new_key
from shelters.reading import DoorDeltas, Measure, Reading, StaffWord
from shelters.record import STAFF
from shelters.site import Site, SiteCode
from yobikake import roles
from yobikake.assembly import Assembly, assemble
from yobikake.bench.figures import Machine, Say, machine
from yobikake.bench.hub_apart import only_mail
from yobikake.bench.ingest import running_server
from yobikake.bench.page_watcher import READY, Seen
from yobikake.bench.readings_paced import Probe, Sent, Task
from yobikake.bench.town import ended, enrol, finished
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.evening import Clerk
from yobikake.rehearsal.servers.mosquitto import Mosquitto
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.program import advice, missing
from yobikake.rehearsal.servers.redis import Redis

GOAL_S = 2.0
"""From a reading to the page, of 95 in 100."""
PROBED = 8
"""Sites at which groups come in."""
GROUP = 20
EVERY_S = 8.0
"""Between two groups at one site: whatever comes later than that is not told from the next."""
INSIDE = 60
"""At each site in the beginning."""
PATIENCE_S = 15.0
"""After the last reading, for the page to show it."""
ALERT_PATIENCE_S = 120.0
INTERVAL_S = 3_600
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`latencies_s`: of each group that was seen, in order of time. `groups`: how many came in.

    `alert_s`: from the alert's approval to everybody's outcome, where that came. `absent`: servers that are not installed.
    """

    per_s: float
    readings: int
    groups: int
    latencies_s: Sequence[float]
    recipients: int
    alert_s: float | None
    absent: Sequence[str]
    machine: Machine

    def percentile(self, percent: int) -> float | None:
        """By nearest rank, of all groups: one that was never seen is later than any other. None: it is such a one."""
        ordered, rank = sorted(self.latencies_s), -(-self.groups * percent // 100)
        return ordered[rank - 1] if 0 < rank <= len(ordered) else None

    @property
    def met(self) -> bool:
        p95 = self.percentile(95)
        return p95 is not None and p95 <= GOAL_S


async def measure(per_s: float, *, seconds: float, recipients: int, say: Say) -> Measured:
    """Raises `BadInput` where no broker is installed."""
    if lacking := missing(Mosquitto.needs()):
        raise BadInput("mosquitto", advice(lacking))
    here = machine("aiohttp", "aiomqtt", "redis", "msgspec")
    async with _hub(recipients, say) as hub:
        task = Task(
            url=hub.broker,
            doors=hub.doors,
            probed=tuple(hub.probed),
            per_s=per_s,
            seconds=seconds,
            group=GROUP,
            every_s=EVERY_S,
        )
        async with _process("yobikake.bench.page_watcher", hub.url) as watcher:
            await _ready(watcher)
            async with _process("yobikake.bench.readings_paced") as sender:
                assert sender.stdin is not None  # noqa: S101 - a pipe was asked for
                sender.stdin.write(msgspec.json.encode(task) + b"\n")
                await _ready(sender)
                say(f"{per_s:g} readings a second for {seconds:g} s, and an alert to {recipients:,}")
                sender.stdin.write(b"go\n")
                alert_s = asyncio.create_task(_alert(hub, after_s=seconds / 3))
                out, _ = await sender.communicate()
            sent = _told(out, Sent)
            await asyncio.sleep(min(PATIENCE_S, EVERY_S))
            out, _ = await watcher.communicate(b"")  # the end of its input ends it
        return Measured(
            per_s=sent.readings / sent.seconds,
            readings=sent.readings,
            groups=len(sent.probes),
            latencies_s=latencies(sent.probes, _told(out, list[Seen]), hub.probed),
            recipients=recipients,
            alert_s=await alert_s,
            absent=hub.absent,
            machine=here,
        )


def latencies(probes: Sequence[Probe], seen: Sequence[Seen], places: Mapping[str, str]) -> list[float]:
    """Of each group that was seen: until the first page on which its site had half of it more than before it.

    `places`: of each probed door's site, as the page has it. A page that shows two groups at once shows each.
    """
    found = []
    level: dict[str, float] = {}
    for probe in probes:
        place = places[probe.door]
        before = level.setdefault(place, next(each.people[place] for each in seen if place in each.people))
        shown = (
            each for each in seen if each.at > probe.at and each.people.get(place, 0) >= before + GROUP / 2
        )
        if (page := next(shown, None)) is not None:
            found.append(page.at - probe.at)
            more = page.people[place] - before
            level[place] = before + more / max(1, round(more / GROUP))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hub:
    """`doors` report all the time, those in `probed` when a group comes in; with their sites' places on the page."""

    assembly: Assembly
    people: tuple[Clerk, Clerk]
    url: str
    broker: str
    doors: tuple[str, ...]
    probed: Mapping[str, str]
    absent: Sequence[str]


@asynccontextmanager
async def _hub(recipients: int, say: Say) -> AsyncIterator[_Hub]:
    """It runs, an alert is in force and over with, and how many people are at each open site is known."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        absent = [] if not missing(Redis.needs()) else ["redis: latest values in memory"]
        broker = await stack.enter_async_context(running_server(Mosquitto(folder)))
        redis = "" if absent else await stack.enter_async_context(running_server(Redis(folder)))
        port = free_port()
        town = await stack.enter_async_context(
            rehearsal_city(folder, residents_port=port, staff_port=free_port(), conditions=Conditions())
        )
        quiet = [site for site in town.sites.values() if site.designated_for(Hazard.FLOOD)][:PROBED]
        doors = _write_devices(folder / "city" / "devices.toml", town.sites, quiet)
        _settle(folder / "yobikake.toml", town.smtp.port, broker=broker, redis=redis)
        clerks = evening.clerks()
        await evening.set_up(town, clerks, number=0, seed=1, progress=lambda *_: None)
        found = settings.load(folder / "yobikake.toml")
        say(f"registering {recipients:,} recipients")
        await enrol(found, town.city, recipients, lambda n: {"mail": f"bench{n}@mail.example"})
        assembly = await stack.enter_async_context(assemble(found))
        await evening.open_shelters(assembly)
        ready = asyncio.Event()
        running = asyncio.create_task(roles.run(assembly, roles.names(assembly), ready=ready.set))
        stack.push_async_callback(ended, running)
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        if running.done():  # it could not begin
            waiting.cancel()
            await running
        say("a first alert, with which the page lists the sites")
        hub = _Hub(
            assembly=assembly,
            people=clerks,
            url=f"http://127.0.0.1:{port}",
            broker=broker,
            doors=tuple(
                door for site, each in doors.items() if town.sites[site] not in quiet for door in each
            ),
            probed={doors[site.code][0]: _place(site) for site in quiet},
            absent=absent,
        )
        await _begin(assembly, doors)
        await _alert(hub)
        yield hub


def _write_devices(
    path: Path, sites: Mapping[SiteCode, Site], quiet: Sequence[Site]
) -> dict[SiteCode, tuple[str, ...]]:
    """Two doors at each site, one at each of the `quiet` ones."""
    _, digest = new_key()
    lines = [f'[[keys]]\nname = "bench"\nsha256 = "{digest}"\n']
    doors = {}
    for code, site in sites.items():
        doors[code] = tuple(f"{code}-{number}" for number in range(1 if site in quiet else 2))
        lines += [
            f'[[devices]]\nid = "{door}"\nsite = "{code}"\ncounts = "{Counts.DOOR_DELTAS.value}"\n'
            f'key = "bench"\ninterval_s = {INTERVAL_S}\n'
            for door in doors[code]
        ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return doors


def _settle(path: Path, smtp_port: int, *, broker: str, redis: str) -> None:
    only_mail(path, smtp_port)
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    values |= {"shelters": {"mqtt": broker}, "live": {"redis": redis}}
    path.write_text(tomli_w.dumps(values), encoding="utf-8")


def _place(site: Site) -> str:
    return f"{site.position.latitude},{site.position.longitude}"


async def _begin(assembly: Assembly, doors: Mapping[SiteCode, Sequence[str]]) -> None:
    """Every door reports once, and staff say how many are inside: from then on the doors count."""
    now = assembly.clock()
    said: list[tuple[SiteCode, str, Measure]] = [(site, STAFF, StaffWord(people=INSIDE)) for site in doors]
    said += [(site, door, DoorDeltas(entered=0, left=0)) for site, each in doors.items() for door in each]
    readings = [
        Reading(site=site, device=device, id="begin", at=now, received_at=now, measure=measure)
        for site, device, measure in said
    ]
    await intake.publish(assembly.bus, assembly.records, readings)
    await evening.until_counted(assembly)


async def _alert(hub: _Hub, *, after_s: float = 0.0) -> float | None:
    """Seconds until it is over with; None: it was not within `ALERT_PATIENCE_S`."""
    await asyncio.sleep(after_s)
    begun_at = monotonic()
    accepted, _ = await evening.alert(hub.assembly, *hub.people, grounds="bench", whole_city=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(ALERT_PATIENCE_S):
            await finished(hub.assembly, accepted.alert.identifier)
            return monotonic() - begun_at
    return None


@asynccontextmanager
async def _process(module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _ended() -> BadInput:
    return BadInput("bench", "a process of the bench ended early / 計測のプロセスが途中で終わりました")


def _told(out: bytes, kind: type[T]) -> T:
    if not out:
        raise _ended()
    return typed.from_json(out, kind)


async def _ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    if (await process.stdout.readline()).decode().strip() != READY:
        raise _ended()
