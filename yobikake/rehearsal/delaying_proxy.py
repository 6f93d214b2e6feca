"""Distance, on one machine: whatever goes through takes half the round trip each way.

    python -m yobikake.rehearsal.delaying_proxy --to 127.0.0.1:2525 --round-trip-ms 50

It prints `listening on 127.0.0.1:2526` when it is ready, and runs until it is told to stop. In a process
of its own it takes no time from the event loop of whoever is measured.
"""

import argparse
import asyncio
import contextlib
import selectors
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Self

HANDSHAKE = 1.5
"""Round trips until a server has accepted: SYN, SYN-ACK, ACK. Its greeting takes one half more."""

WINDOW_BYTES = 16 << 20
"""So much may wait for a receiver that does not read before nothing more is taken for it: far more than
is under way on any line that is measured here, so that nobody ever waits for a window."""


class DelayingProxy:
    """Listens on 127.0.0.1 between `start` and `stop` (or in `async with`), for the server at `host`, `port`.

    It delays, and does not throttle: as many bytes are under way as come in meanwhile. Each direction of a
    connection keeps its order. A receiver that does not read stops the sender from being read.
    """

    def __init__(self, host: str, port: int, *, round_trip_s: float) -> None:
        self.server = (host, port)
        self.round_trip_s = round_trip_s
        self.port = 0
        self.ends: set[End] = set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Near(self), "127.0.0.1", 0, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cuts off every connection."""
        if self._listener is not None:
            self._listener.close()
        for end in list(self.ends):
            end.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()


class Arriving(NamedTuple):
    at: float
    octets: bytes | None
    """None: the sender has no more to say."""


class End(asyncio.Protocol):
    """One end of a connection. What is read at `other` is written here, later."""

    other: "End"

    def __init__(self, proxy: DelayingProxy) -> None:
        self.proxy = proxy
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.full = False
        self.ended = False
        self._coming: deque[Arriving] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP
        transport.set_write_buffer_limits(high=WINDOW_BYTES, low=WINDOW_BYTES // 2)
        self.transport = transport
        self.proxy.ends.add(self)

    def data_received(self, data: bytes) -> None:
        self.other.expect(data)

    def eof_received(self) -> bool:
        self.other.expect(None)
        return True  # what the other end says still comes

    def connection_lost(self, exc: Exception | None) -> None:
        self.proxy.ends.discard(self)
        if exc is not None:  # cut off
            self.loop.call_later(self.proxy.round_trip_s / 2, self.other.abort)

    def pause_writing(self) -> None:
        self.full = True
        self.other.read(False)

    def resume_writing(self) -> None:
        self.full = False
        self.other.read(True)

    def read(self, wanted: bool) -> None:
        if self.transport is not None and not self.transport.is_closing():
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def expect(self, octets: bytes | None) -> None:
        """In half a round trip."""
        at = self.loop.time() + self.proxy.round_trip_s / 2
        self._coming.append(Arriving(at, octets))
        if len(self._coming) == 1:
            self.loop.call_at(at, self.arrive)

    def arrive(self) -> None:
        """Write what is due, in one piece, once there is a connection."""
        if self.transport is None:
            return
        now, due = self.loop.time(), []
        while self._coming and self._coming[0].at <= now:
            due.append(self._coming.popleft().octets)
        self.transport.write(b"".join(octets for octets in due if octets is not None))
        if None in due:
            self._end()
        elif self._coming:
            self.loop.call_at(self._coming[0].at, self.arrive)

    def _end(self) -> None:
        assert self.transport is not None  # noqa: S101 - `arrive` has looked
        self.ended = True
        if self.other.ended:
            self.transport.close()
            if self.other.transport is not None:
                self.other.transport.close()
            return
        with contextlib.suppress(OSError):  # it has gone already
            self.transport.write_eof()


class Near(End):
    """The client's."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.other = Far(self.proxy)
        self.other.other = self
        self.loop.call_later(self.proxy.round_trip_s * HANDSHAKE, self._connect)

    def _connect(self) -> None:
        self._connecting = self.loop.create_task(self._reach())

    async def _reach(self) -> None:
        try:
            await self.loop.create_connection(lambda: self.other, *self.proxy.server)
        except OSError:
            self.abort()


class Far(End):
    """The server's."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.arrive()


async def serve(proxy: DelayingProxy) -> None:
    async with proxy:
        print(f"listening on 127.0.0.1:{proxy.port}", flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m yobikake.rehearsal.delaying_proxy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--to", required=True, metavar="HOST:PORT")
    parser.add_argument("--round-trip-ms", type=float, required=True)
    given = parser.parse_args(arguments)
    host, _, port = given.to.rpartition(":")
    proxy = DelayingProxy(host, int(port), round_trip_s=given.round_trip_ms / 1000)
    try:
        with asyncio.Runner(loop_factory=_punctual) as runner:
            runner.run(serve(proxy))
    except KeyboardInterrupt:
        return


def _punctual() -> asyncio.AbstractEventLoop:
    """epoll rounds up to whole milliseconds, select does not; it takes 500 connections."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    main()
