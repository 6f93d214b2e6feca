"""Readers of a page or of its events, many at once, in a process of their own: `python -m yobikake.bench.readers`.

    http HOST PORT CONNECTIONS SECONDS PATH   ask for a page again and again, each connection as fast as it is answered
    sse  HOST PORT CONNECTIONS                hold streams open, say `ready`, and tell when the next event came

It speaks just enough HTTP/1.1 to be faster than what it measures, and says how busy it was itself: near 1, the
figure is its own limit and not the server's. Times are of the clock that all processes of a machine share.
"""

import asyncio
import json
import re
import resource
import sys
import time
from dataclasses import asdict, dataclass

from yobikake import open_files

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d+)")
OPENING = 100
"""Streams being opened at the same time."""
READY = "ready"


@dataclass(slots=True, kw_only=True)
class Read:
    """`busy`: the share of the time for which this process's one core worked."""

    answers: int = 0
    failed: int = 0
    size_bytes: int = 0
    seconds: float = 0.0
    busy: float = 0.0


@dataclass(slots=True, kw_only=True)
class Heard:
    """When the first and the last of those who were connected heard of it. Seconds, monotonic."""

    connected: int = 0
    heard: int = 0
    first_at: float = 0.0
    last_at: float = 0.0


class _Asker(asyncio.Protocol):
    """One connection, kept alive: the next request leaves when the answer is there."""

    def __init__(self, request: bytes, read: Read) -> None:
        self._request, self._read = request, read
        self._answer = bytearray()
        self._size = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._size:
            head = self._answer.find(b"\r\n\r\n")
            length = _LENGTH.search(self._answer, 0, head + 4) if head >= 0 else None
            if length is None:
                return
            self._size = head + 4 + int(length[1])
        if len(self._answer) >= self._size:
            self._take()

    def _take(self) -> None:
        ok = self._answer.startswith(b"HTTP/1.1 200")
        self._read.answers += ok
        self._read.failed += not ok
        self._read.size_bytes = self._size
        self._answer.clear()
        self._size = 0
        if self._transport is not None:
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._read.failed += exc is not None


async def ask(host: str, port: int, connections: int, seconds: float, path: str) -> Read:
    """So many connections, for so long."""
    read = Read()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Asker(request, read), host, port) for _ in range(connections)
    ]
    read.answers = 0
    began, used = time.monotonic(), _cpu_s()
    await asyncio.sleep(seconds)
    read.seconds = time.monotonic() - began
    read.busy = (_cpu_s() - used) / read.seconds
    counted = Read(**asdict(read))
    for transport, _ in made:
        transport.abort()
    return counted


class _Listener(asyncio.Protocol):
    """One open stream; counts the events on it."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.events = 0
        self.at = 0.0
        self.told = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if b"data: " in data:
            self.events += 1
            self.at = time.monotonic()
            self.told.set()


async def listen(host: str, port: int, connections: int) -> Heard:
    """Open all, say that they are, and wait until each has heard of one change more."""
    open_files.raise_limit(connections)
    request = f"GET /events HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n".encode()
    loop, opening = asyncio.get_running_loop(), asyncio.Semaphore(OPENING)
    readers = [_Listener(request) for _ in range(connections)]

    async def connect(reader: _Listener) -> None:
        async with opening:
            await loop.create_connection(lambda: reader, host, port)
            await reader.told.wait()
            reader.told.clear()

    await asyncio.gather(*map(connect, readers))
    print(READY, flush=True)
    await asyncio.gather(*(reader.told.wait() for reader in readers))
    times = [reader.at for reader in readers]
    return Heard(
        connected=connections,
        heard=sum(reader.events == 2 for reader in readers),
        first_at=min(times),
        last_at=max(times),
    )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _main(what: str, host: str, port: str, connections: str, *rest: str) -> None:
    if what == "sse":
        found: Read | Heard = asyncio.run(listen(host, int(port), int(connections)))
    else:
        found = asyncio.run(ask(host, int(port), int(connections), float(rest[0]), rest[1]))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
