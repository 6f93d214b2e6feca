"""Redis, in memory only."""

from pathlib import Path
from typing import ClassVar

from tests.servers.port import free_port
from tests.servers.process import Process
from tests.servers.program import REDIS, Program


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

    async def start(self) -> None:
        await self._server.start(ready="Ready to accept connections")

    async def stop(self) -> None:
        await self._server.stop()
