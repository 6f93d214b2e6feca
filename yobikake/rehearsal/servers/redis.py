"""Redis, in memory only."""

from pathlib import Path
from typing import ClassVar

from redis.asyncio import Redis as Client

from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.process import Process
from yobikake.rehearsal.servers.program import REDIS, Program


class Redis:
    """`start` after `stop` is an empty Redis on the same port."""

    name: ClassVar[str] = "redis"
    variable: ClassVar[str] = "REDIS_URL"

    @staticmethod
    def needs() -> tuple[Program, ...]:
        return (REDIS,)

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.address = f"redis://127.0.0.1:{port}/0"
        settings = {
            "--port": port,
            "--bind": "127.0.0.1",
            "--save": "",
            "--appendonly": "no",
            "--dir": directory,
        }
        argv: list[str | Path] = [
            REDIS.path,
            *(str(word) for setting in settings.items() for word in setting),
        ]
        self._server = Process(argv, directory=directory, log=directory / "redis.log")

    def environment(self) -> dict[str, str]:
        return {self.variable: self.address}

    @property
    def running(self) -> bool:
        return self._server.running

    async def start(self) -> None:
        await self._server.start(ready="Ready to accept connections")

    async def stop(self) -> None:
        await self._server.stop()

    async def kill(self) -> None:
        self._server.kill()
        await self._server.stop()

    async def restart(self) -> None:
        """It comes back empty."""
        await self.stop()
        await self.start()

    async def flush(self) -> None:
        """It forgets everything, and goes on."""
        client = Client.from_url(self.address)
        try:
            await client.flushall()
        finally:
            await client.aclose()
