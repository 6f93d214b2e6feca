"""What every simulated HTTP gateway shares: a loopback server, a log of requests, and faults.

A provider's gateway subclasses `HttpGateway`, names its `channel`, lists its `routes()`, says in
`refusal()` how the provider words each refusal, and calls `arrive()` for whatever it carried out.
The base does the rest, in this order, for each request: log it, refuse it if a fault says so, let
it drain, run the route's handler, wait the latency, then answer, or drop the connection (silent).
So a request that is cut off while it waits has been carried out: the worst case for the sender.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import ClassVar, Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.clock import Clock, utc_now
from hub.outbound import REHEARSAL_HEADER
from yobikake.rehearsal.drain import Drain
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Arrival, Inbox


class Refusal(StrEnum):
    """The field of `Faults` that makes a gateway refuse a whole request."""

    DOWN = "down"
    CREDENTIALS = "credentials"
    THROTTLE = "throttle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in. `target` is the path with its query."""

    at: datetime
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class HttpGateway(ABC):
    """Listens on 127.0.0.1 between `start` and `stop` (or in `async with`). Every answer is marked.

    `faults` may be changed while it runs. `requests` holds every request, refused ones too.
    """

    channel: ClassVar[str]

    def __init__(
        self, inbox: Inbox, *, faults: Faults | None = None, clock: Clock = utc_now, port: int = 0
    ) -> None:
        self.inbox = inbox
        self.faults = faults or Faults()
        self.requests: list[Request] = []
        self.port = port
        self._clock = clock
        self._drain = Drain()
        self._numbers = count()
        self._open: dict[str, web.Request] = {}
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """The provider's API, as far as the connector uses it."""

    @abstractmethod
    def refusal(self, refusal: Refusal, request: web.Request) -> web.Response:
        """The provider's own answer: its 5xx, its 401, its 429 with the headers it sends."""

    def arrive(self, *, address: str, text: str, key: str, subject: str = "") -> None:
        """Record that `address` received something, now. `key` makes a repeat of it visible."""
        self.inbox.add(
            Arrival(
                channel=self.channel, address=address, at=self._clock(), subject=subject, text=text, key=key
            )
        )

    @property
    def url(self) -> str:
        """The base address to give the connector; no slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answer on a connection that is still open."""
        return sum(request.transport is not None for request in self._open.values())

    async def start(self) -> None:
        """Raises `OSError` if `port` is taken; port 0 is replaced by the one that was free."""
        app = web.Application(middlewares=[self._middleware()])
        app.add_routes(self.routes())
        app.on_response_prepare.append(_mark)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Closes every connection, answered or not."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def _middleware(self) -> Middleware:
        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._serve(request, handler)

        return serve

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        number = str(next(self._numbers))
        self._open[number] = request
        try:
            await self._log(request)
            answer = await self._answer(request, handler, number)
            await self.faults.wait()
        finally:
            del self._open[number]
        if self.faults.hits(self.faults.silent, "silent", number) and request.transport is not None:
            request.transport.abort()
        return answer

    async def _log(self, request: web.Request) -> None:
        entry = Request(
            at=self._clock(),
            method=request.method,
            target=request.path_qs,
            headers=request.headers,
            body=await request.read(),
        )
        self.requests.append(entry)

    async def _answer(self, request: web.Request, handler: Handler, number: str) -> web.StreamResponse:
        refusal = self._refused(number)
        if refusal is not None:
            return self.refusal(refusal, request)
        await self._drain.take(self.faults.drain_per_s)
        return await handler(request)

    def _refused(self, number: str) -> Refusal | None:
        if self.faults.down:
            return Refusal.DOWN
        if self.faults.credentials:
            return Refusal.CREDENTIALS
        return Refusal.THROTTLE if self.faults.hits(self.faults.throttle, "throttle", number) else None


async def _mark(_: web.Request, response: web.StreamResponse) -> None:
    response.headers[REHEARSAL_HEADER] = "1"
