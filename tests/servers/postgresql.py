"""PostgreSQL in a directory of its own. It refuses to run as root, so root runs it as another user."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar

from tests.servers.port import free_port
from tests.servers.process import NotStarted, Process, run_as
from tests.servers.program import INITDB, POSTGRES, Program


class PostgreSQL:
    """An empty cluster, which whoever reaches the port may use."""

    name: ClassVar[str] = "postgresql"
    variable: ClassVar[str] = "POSTGRESQL_URL"

    @staticmethod
    def needs() -> tuple[Program, ...]:
        return (INITDB, POSTGRES)

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        self.address = f"postgresql+psycopg://yobikake@127.0.0.1:{self._port}/postgres"
        self._directory = directory
        self._user = _other_user() if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(directory, self._user)
        self._server: Process | None = None

    async def start(self) -> None:
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

    @property
    def _cluster(self) -> Path:
        return self._directory / "cluster"

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "fsync": "off",  # the directory is thrown away
        }
        return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    def _initialise(self) -> None:
        argv = [*run_as(self._user), str(INITDB.path), "-D", str(self._cluster), *INITDB_OPTIONS]
        done = subprocess.run(argv, cwd=self._directory, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotStarted(f"postgresql: initdb failed\n{done.stdout}{done.stderr}")


INITDB_OPTIONS = ("-U", "yobikake", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")


def _other_user() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"
