"""How many readers a second have the residents' page, and how soon everybody who has it open hears of a change.

One level-4 flood alert to the whole city, and its shelters with counts, is what stands on the page. In each round,
one after the other: the listener as it runs; the same listener with its shelf off, so that every request renders and
packs the page; and nginx with the configuration that is shipped and the files that `export-site` writes. The readers
are a process of their own (`yobikake.bench.readers`), so that rates are the servers'; where the readers were the
limit (`busy` near 1), processor time for each answer tells the servers apart.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from hub import codec, settings, typed
from hub.errors import BadInput
from hub.shelter_list import Crowding
from operator_ui.residents.app import create_app
from operator_ui.residents.document import Built, Edition, pack
from operator_ui.residents.portal import Residents
from operator_ui.residents.shelf import Shelf, Write
from operator_ui.residents.static_site import StaticSite
from shelters.keeper import live_key
from shelters.occupancy import Occupancy, Source
from yobikake import api, open_files
from yobikake.assembly import Assembly, assemble
from yobikake.bench.figures import Machine, Say, Spread, cpu, machine, ratios, spread
from yobikake.bench.readers import READY, Heard, Read
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.evening import Clerk
from yobikake.rehearsal.servers.nginx import Nginx
from yobikake.rehearsal.servers.program import missing
from yobikake.site_folder import SiteFolder

PATH = "/ja/"
CONNECTIONS = 64
WARM_S = 1.0
GOAL_BYTES = 10_000
"""Of memory for each open stream."""
GOAL_S = 0.3
"""From the first reader who hears of a change to the last."""

T = TypeVar("T", Read, Heard)


class Way(StrEnum):
    """How a page comes to its readers."""

    KEPT = "kept"  # as the listener runs
    RENDERED_EACH_TIME = "rendered_each_time"  # the same listener, every request writes the page anew
    NGINX = "nginx"  # the exported files


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`cpu_us`: processor time of the server for one answer. `readers_busy`: near 1, the readers were the limit."""

    per_s: Spread
    cpu_us: Spread
    readers_busy: float
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """`heard`: of those connected, who heard of the change. `to_all_s`: from the first of them to the last.
    `after_commit_s`: from the alert's commit to the last, the wait for the next look included."""

    connected: int
    heard: int
    to_all_s: float
    after_commit_s: float
    bytes_each: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`ratios`: of rates within a round, the listener's over each other's. `nginx`: empty, or why it is not there."""

    page_bytes: int
    rounds: int
    connections: int
    rates: Mapping[Way, Rate]
    ratios: Mapping[str, Spread]
    sse: Streams
    nginx: str
    machine: Machine


class _Once(NamedTuple):
    read: Read
    cpu_s: float


async def measure(*, rounds: int, seconds: float, streams: int, say: Say) -> Measured:
    """Raises `BadInput` where the system does not allow so many open files."""
    limit = open_files.raise_limit(streams)
    if limit < streams + open_files.OTHERS:
        raise BadInput("--streams", open_files.warning(limit, streams))
    here = machine("aiohttp")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        assembly, people = await stack.enter_async_context(flooded_hub(folder))
        portal = replace(api.residents(assembly), streams=streams)
        ways = await _ways(portal, folder, stack)
        found: dict[Way, list[_Once]] = {way: [] for way in ways}
        for server in ways.values():
            await _once(server, WARM_S)  # templates are compiled, the map is drawn for the first time
        for number in range(1, rounds + 1):
            for way, server in ways.items():
                say(f"round {number} of {rounds}: {way}")
                found[way].append(await _once(server, seconds))
        say(f"{streams:,} open streams")
        sse = await _streams(portal, assembly, people, streams)
    per_s = {way: [each.read.answers / each.read.seconds for each in all_] for way, all_ in found.items()}
    return Measured(
        page_bytes=found[Way.KEPT][-1].read.size_bytes,
        rounds=rounds,
        connections=CONNECTIONS,
        rates={way: _rate(all_) for way, all_ in found.items()},
        ratios={
            f"{Way.KEPT}/{way}": ratios(per_s[Way.KEPT], theirs)
            for way, theirs in per_s.items()
            if way is not Way.KEPT
        },
        sse=sse,
        nginx="" if Way.NGINX in ways else "nginx is not installed: not measured",
        machine=here,
    )


class _Unkept(Shelf):
    """Writes a document for every request, as a listener without a shelf would."""

    async def get(self, edition: Edition, at: datetime, key: Hashable, write: Write) -> Built:
        made = await write()
        if made is None:
            raise web.HTTPNotFound
        return pack(edition, at, made(), number=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """`pid`: whose processor time counts; None: this process's."""

    host: str
    port: int
    pid: int | None = None


async def _ways(portal: Residents, folder: Path, stack: AsyncExitStack) -> dict[Way, _Server]:
    ways = {
        Way.KEPT: await listening(create_app(portal), stack),
        Way.RENDERED_EACH_TIME: await listening(create_app(portal, shelf=_Unkept), stack),
    }
    if not missing(Nginx.needs()):
        ways[Way.NGINX] = await _nginx(portal, folder, ways[Way.KEPT], stack)
    return ways


async def listening(app: web.Application, stack: AsyncExitStack) -> _Server:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    host, port, *_ = runner.addresses[0]
    return _Server(host=host, port=port)


async def _nginx(portal: Residents, folder: Path, hub: _Server, stack: AsyncExitStack) -> _Server:
    site, place = StaticSite(portal), folder / "site"
    with SiteFolder(place, deployment=portal.deployment, city=portal.city).opened() as into:
        into.put((await site.site()).files)
    await site.close()
    (folder / "nginx").mkdir()
    nginx = Nginx(folder / "nginx", site=place, hub=f"{hub.host}:{hub.port}")
    await nginx.start()
    stack.push_async_callback(nginx.stop)
    where = urlsplit(nginx.address)
    return _Server(host=where.hostname or "", port=where.port or 0, pid=nginx.worker_pid)


async def _once(server: _Server, seconds: float) -> _Once:
    before = _cpu_s(server.pid) if server.pid else 0.0
    with cpu() as used:
        arguments = ("http", server.host, server.port, CONNECTIONS, seconds, PATH)
        read = await _readers(Read, *arguments)
    return _Once(read, _cpu_s(server.pid) - before if server.pid else used.own_s)


async def _readers(kind: type[T], *arguments: object) -> T:
    process = await _started(*arguments)
    out, _ = await process.communicate()
    return typed.from_json(out, kind)


async def _started(*arguments: object) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "yobikake.bench.readers", *map(str, arguments)]
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


def _cpu_s(pid: int) -> float:
    """User and system time of another process (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rate(found: list[_Once]) -> Rate:
    return Rate(
        per_s=spread([each.read.answers / each.read.seconds for each in found]),
        cpu_us=spread([1e6 * each.cpu_s / max(1, each.read.answers) for each in found]),
        readers_busy=spread([each.read.busy for each in found]).median,
        failed=sum(each.read.failed for each in found),
    )


async def _streams(
    portal: Residents, assembly: Assembly, people: tuple[Clerk, Clerk], number: int
) -> Streams:
    async with AsyncExitStack() as stack:
        server = await listening(create_app(portal), stack)
        gc.collect()
        before = _resident_bytes()
        process = await _started("sse", server.host, server.port, number)
        assert process.stdout is not None  # noqa: S101 - a pipe
        if (await process.stdout.readline()).strip() != READY.encode():
            raise BadInput("--streams", "the readers could not connect / 接続できませんでした")
        gc.collect()
        each = (_resident_bytes() - before) / number
        await evening.alert(assembly, *people, grounds="bench", whole_city=True)
        committed = time.monotonic()
        out, _ = await process.communicate()
        heard = typed.from_json(out, Heard)
    return Streams(
        connected=heard.connected,
        heard=heard.heard,
        to_all_s=heard.last_at - heard.first_at,
        after_commit_s=heard.last_at - committed,
        bytes_each=round(each),
    )


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def flooded_hub(folder: Path) -> AsyncIterator[tuple[Assembly, tuple[Clerk, Clerk]]]:
    """With one alert in force and open shelters. Nothing runs in it but what a page asks."""
    async with AsyncExitStack() as stack:
        gateways = await stack.enter_async_context(
            rehearsal_city(folder, residents_port=0, staff_port=0, conditions=Conditions())
        )
        people = evening.clerks()
        await evening.set_up(gateways, people, number=0, seed=1, progress=lambda *_: None)
        assembly = await stack.enter_async_context(assemble(settings.load(folder / "yobikake.toml")))
        await evening.open_shelters(assembly)
        await _count(assembly)
        await evening.alert(assembly, *people, grounds="bench", whole_city=True)
        yield assembly, people


async def _count(assembly: Assembly) -> None:
    """Somebody is at every site, and that may be believed for as long as this takes."""
    now = assembly.clock()
    for version, code in enumerate(assembly.sites, start=1):
        known = Occupancy(
            site=code,
            version=version,
            people=40 + version,
            capacity=400,
            crowding=Crowding.HAS_ROOM,
            source=Source.STAFF,
            as_of=now,
            fresh_until=now + timedelta(hours=3),
        )
        await assembly.live.put({live_key(code): (version, codec.encode(known))})
