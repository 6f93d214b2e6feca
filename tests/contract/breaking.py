"""A line to a gateway that breaks after so many bytes of what the client said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Line:
    """Relays on 127.0.0.1. Of what is said the gateway reads the first `after_bytes` bytes, all of them;
    then the client's connection is reset, and hears nothing more."""

    gateway: int
    after_bytes: int
    port: int = 0
    passed: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def relay(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_gateway, gateway = await asyncio.open_connection("127.0.0.1", self.gateway)
        back = asyncio.create_task(self._back(from_gateway, to_client))
        self._tasks.add(back)
        try:
            while self.passed < self.after_bytes and (said := await client.read(65_536)):
                said = said[: self.after_bytes - self.passed]
                if self.passed + len(said) == self.after_bytes:
                    back.cancel()
                gateway.write(said)
                self.passed += len(said)
                await gateway.drain()
        finally:
            back.cancel()
            to_client.transport.abort()
            gateway.close()

    async def _back(self, from_gateway: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        while heard := await from_gateway.read(65_536):
            to_client.write(heard)


@asynccontextmanager
async def breaking(gateway: int, *, after_bytes: int) -> AsyncIterator[Line]:
    line = Line(gateway=gateway, after_bytes=after_bytes)
    async with await asyncio.start_server(line.relay, "127.0.0.1", 0) as server:
        line.port = server.sockets[0].getsockname()[1]
        yield line
