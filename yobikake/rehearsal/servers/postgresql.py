"""PostgreSQL in a directory of its own. It refuses to run as root, so root runs it as another user."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from sqlalchemy import create_engine, make_url, text

from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.process import NotStarted, Process, run_as
from yobikake.rehearsal.servers.program import INITDB, POSTGRES, Program

GONE_WITHIN_S = 60.0
LOOK_AGAIN_S = 0.02


class PostgreSQL:
    """A cluster, which whoever reaches the port may use.

    `start` after `stop` or `kill` is the same cluster again: what was committed before is there.
    """

    name: ClassVar[str] = "postgresql"
    variable: ClassVar[str] = "POSTGRESQL_URL"

    @staticmethod
    def needs() -> tuple[Program, ...]:
        return (INITDB, POSTGRES)

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        """`durable`: it syncs what it commits to the disk, as one that is measured must."""
        self._durable = durable
        self._port = free_port()
        self.address = f"postgresql+psycopg://yobikake@127.0.0.1:{self._port}/postgres"
        self._directory = directory
        self._user = _other_user() if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(directory, self._user)
        self._server: Process | None = None

    def environment(self) -> dict[str, str]:
        return {self.variable: self.address}

    @property
    def running(self) -> bool:
        return self._server is not None and self._server.running

    async def start(self) -> None:
        if not self._cluster.exists():
            await asyncio.to_thread(self._initialise)
        self._server = Process(
            [POSTGRES.path, "-D", self._cluster, *self._options()],
            directory=self._directory,
            log=self._directory / "postgresql.log",
            user=self._user,
            end=signal.SIGINT,  # the fast shutdown: sessions are ended, not waited for
        )
        await self._server.start(ready="ready to accept connections")

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()

    async def kill(self) -> None:
        """SIGKILL to all of its processes: the next start recovers from the write-ahead log."""
        if self._server is None or not self._server.running:
            return
        backends = _children(self._server.pid)
        self._server.kill()
        for backend in backends:
            with suppress(ProcessLookupError):
                os.kill(backend, signal.SIGKILL)
        await self._server.stop()
        await _until_gone(backends)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def create(self, database: str, *, like: str = "template1") -> str:
        """A new database, empty or a copy of one that nobody is connected to; gives its address."""
        self._administer(f'CREATE DATABASE "{database}" TEMPLATE "{like}"')
        return make_url(self.address).set(database=database).render_as_string(hide_password=False)

    def drop(self, database: str) -> None:
        """Whoever is still connected is thrown out."""
        self._administer(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _administer(self, statement: str) -> None:
        engine = create_engine(self.address, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as conn:
                conn.execute(text(statement))
        finally:
            engine.dispose()

    @property
    def _cluster(self) -> Path:
        return self._directory / "cluster"

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "fsync": "on"
            if self._durable
            else "off",  # the directory is thrown away, and what is killed here is never the machine
        }
        return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    def _initialise(self) -> None:
        argv = [*run_as(self._user), str(INITDB.path), "-D", str(self._cluster), *INITDB_OPTIONS]
        done = subprocess.run(argv, cwd=self._directory, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise NotStarted(f"postgresql: initdb failed\n{done.stdout}{done.stderr}")


INITDB_OPTIONS = ("-U", "yobikake", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")


def _other_user() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def _children(pid: int) -> set[int]:
    """Each backend leads a session of its own, so a signal to the group would miss them."""
    return {child for child, parent, _ in _processes() if parent == pid}


async def _until_gone(pids: set[int]) -> None:
    """A new server refuses the directory while one of the old processes still holds its memory."""
    async with asyncio.timeout(GONE_WITHIN_S):
        while pids & await asyncio.to_thread(_alive):  # noqa: ASYNC110 - nobody tells of another's child
            await asyncio.sleep(LOOK_AGAIN_S)


def _alive() -> set[int]:
    """A dead one that nobody buried is dead."""
    return {pid for pid, _, state in _processes() if not state.startswith("Z")}


def _processes() -> list[tuple[int, int, str]]:
    """Of everyone: number, parent and state."""
    argv = ["ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "stat="]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)  # noqa: S603
    words = (line.split() for line in done.stdout.splitlines())
    return [(int(pid), int(parent), state) for pid, parent, state, *_ in words]
