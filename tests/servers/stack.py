"""All the servers of a run: started side by side, ended to the last."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import ClassVar, Protocol

from tests.servers.kafka import Kafka
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgresql import PostgreSQL
from tests.servers.process import NotStarted
from tests.servers.program import CHROMIUM, CJK_FONTS, Program, install, missing
from tests.servers.redis import Redis
from tests.servers.say import say


class Server(Protocol):
    name: ClassVar[str]
    variable: ClassVar[str]
    address: str

    @staticmethod
    def needs() -> tuple[Program, ...]: ...

    def __init__(self, directory: Path) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


SERVERS: tuple[type[Server], ...] = (Kafka, PostgreSQL, Redis, Mosquitto)
BROWSER = (CHROMIUM, CJK_FONTS)


@asynccontextmanager
async def running() -> AsyncIterator[tuple[dict[str, str], list[str]]]:
    """The environment that names every server, and a sentence for each one that is missing.

    A missing one also leaves its sentence in the environment, for the tests that skip because of it.
    """
    wanted = [server for server in SERVERS if not os.environ.get(server.variable)]
    await asyncio.to_thread(
        install, [program for server in wanted for program in server.needs()] + _browser()
    )
    environment, lacking = _chromium()
    with _folder() as folder:
        started: list[Server] = []
        try:
            async with asyncio.TaskGroup() as starting:
                starts = [starting.create_task(_start(server, folder, started)) for server in wanted]
            for start in starts:
                environment |= start.result()
            lacking += [text for variable, text in environment.items() if variable.endswith("_MISSING")]
            yield environment, lacking
        finally:
            await asyncio.gather(*(server.stop() for server in started))


@contextmanager
def _folder() -> Iterator[Path]:
    """Temporary; other users may pass through it, since PostgreSQL may run as one."""
    with tempfile.TemporaryDirectory(prefix="yobikake-servers-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


async def _start(kind: type[Server], folder: Path, started: list[Server]) -> dict[str, str]:
    if absent := missing(kind.needs()):
        return {f"{kind.variable}_MISSING": f"{kind.name}: {_advice(absent)}"}
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
    return {kind.variable: server.address}


def _chromium() -> tuple[dict[str, str], list[str]]:
    if absent := missing(_browser()):
        return {}, [f"browser tests: {_advice(absent)}"]
    return ({"CHROMIUM": str(CHROMIUM.path)} if "CHROMIUM" not in os.environ else {}), []


def _browser() -> list[Program]:
    return [] if os.environ.get("CHROMIUM") else list(BROWSER)


def _advice(absent: list[Program]) -> str:
    packages = " ".join(sorted({program.package for program in absent}))
    return f"not installed; as root: apt-get install {packages}"
