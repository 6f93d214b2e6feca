"""All the servers of a run: started side by side, ended to the last."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

from tests.servers import browser, mailbox, posters, postfix, sip
from tests.servers.install import install
from yobikake.rehearsal.servers import jars
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.kafka import Kafka
from yobikake.rehearsal.servers.mosquitto import Mosquitto
from yobikake.rehearsal.servers.postgresql import PostgreSQL
from yobikake.rehearsal.servers.process import NotStarted
from yobikake.rehearsal.servers.program import JAVA, MAVEN, NGINX, Program, advice, missing
from yobikake.rehearsal.servers.redis import Redis
from yobikake.rehearsal.servers.say import say
from yobikake.rehearsal.servers.server import Server

SERVERS: tuple[type[Server], ...] = (Kafka, PostgreSQL, Redis, Mosquitto)


@asynccontextmanager
async def running() -> AsyncIterator[tuple[dict[str, str], list[str]]]:
    """The environment that names every server, and a sentence for each one that is missing.

    A missing one also leaves its sentence in the environment, for the tests that skip because of it.
    """
    await asyncio.to_thread(install, _programs())
    environment, lacking = _chromium()
    if absent := missing(postfix.PROGRAMS):
        lacking.append(f"postfix: {advice(absent)}")
    if absent := missing(posters.PROGRAMS):
        lacking.append(f"posters: {advice(absent)}")
    if absent := missing(sip.PROGRAMS):
        lacking.append(f"calls to a loudspeaker console: {advice(absent)}")
    with temporary("yobikake-servers-") as folder:
        started: list[Server] = []
        try:
            async with asyncio.TaskGroup() as starting:
                starts = [starting.create_task(_start(server, folder, started)) for server in _wanted()]
            for start in starts:
                environment |= start.result()
            lacking += [text for variable, text in environment.items() if variable.endswith("_MISSING")]
            lacking += [f"the tests of nginx: {advice([NGINX])}"] if missing([NGINX]) else []
            yield environment, lacking
        finally:
            await asyncio.gather(*(server.stop() for server in started))


async def prepare() -> None:
    """Have everything on this machine that `running` needs, as far as it can be had; nothing is started."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(install, _programs()))
        if Kafka in _wanted() and JAVA.find() and MAVEN.find():
            group.create_task(asyncio.to_thread(_fetch_jars))


def _fetch_jars() -> None:
    with suppress(NotStarted):  # said when Kafka is to start
        jars.fetch()


def _wanted() -> list[type[Server]]:
    return [server for server in SERVERS if not os.environ.get(server.variable)]


def _programs() -> list[Program]:
    needed = [program for server in _wanted() for program in server.needs()]
    return [
        *needed,
        *browser.programs(),
        *mailbox.programs(),
        *postfix.PROGRAMS,
        *posters.PROGRAMS,
        *sip.PROGRAMS,
        NGINX,
    ]


async def _start(kind: type[Server], folder: Path, started: list[Server]) -> dict[str, str]:
    if absent := missing(kind.needs()):
        return {f"{kind.variable}_MISSING": f"{kind.name}: {advice(absent)}"}
    directory = folder / kind.name
    directory.mkdir()
    server = kind(directory)
    started.append(server)
    begun = monotonic()
    try:
        await server.start()
    except NotStarted as e:
        return {f"{kind.variable}_MISSING": str(e)}
    say(f"{kind.name} is ready after {monotonic() - begun:.1f} s")
    return server.environment()


def _chromium() -> tuple[dict[str, str], list[str]]:
    if absent := missing(browser.programs()):
        return {}, [f"browser tests: {advice(absent)}"]
    return browser.environment(), []
