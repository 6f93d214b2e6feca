"""Mosquitto, an MQTT broker that anyone on 127.0.0.1 may use."""

import os
import pwd
from pathlib import Path
from typing import ClassVar

from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.process import Process
from yobikake.rehearsal.servers.program import MOSQUITTO, Program


class Mosquitto:
    """Keeps nothing on disk."""

    name: ClassVar[str] = "mosquitto"
    variable: ClassVar[str] = "MQTT_URL"

    @staticmethod
    def needs() -> tuple[Program, ...]:
        return (MOSQUITTO,)

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.address = f"mqtt://127.0.0.1:{port}"
        settings = directory / "mosquitto.conf"
        user = pwd.getpwuid(os.geteuid()).pw_name  # it stays who started it, and so ends with it
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser {user}\n"
            "max_inflight_messages 100\nmax_queued_messages 0\n"  # as docs/operations.md advises
        )
        argv: list[str | Path] = [MOSQUITTO.path, "-c", settings]
        self._server = Process(argv, directory=directory, log=directory / "mosquitto.log")

    def environment(self) -> dict[str, str]:
        return {self.variable: self.address}

    @property
    def running(self) -> bool:
        return self._server.running

    async def start(self) -> None:
        await self._server.start(ready=" running")

    async def stop(self) -> None:
        await self._server.stop()

    async def kill(self) -> None:
        self._server.kill()
        await self._server.stop()
