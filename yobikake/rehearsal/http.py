"""What every simulated HTTP gateway shares: a loopback server, a log of requests, and faults.

A provider's gateway subclasses `HttpGateway`, names its `channel`, lists its `routes()`, says in
`error()` how the provider words each status, and calls `arrive()` for whatever it carried out.
The base does the rest, in this order, for each request: log it, refuse it if a fault says so, let
it drain, run the route's handler, wait the latency, then answer, or drop the connection (silent).
So a request that is cut off while it waits has been carried out: the worst case for the sender.

A mishap that is armed hits the next request instead.
"""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from itertools import count
from time import monotonic
from typing import ClassVar, NamedTuple, Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.clock import Clock, utc_now
from hub.outbound import REHEARSAL_HEADER
from yobikake.rehearsal.drain import Drain
from yobikake.rehearsal.exchange import Exchange, Witness, nobody
from yobikake.rehearsal.faults import NO_ANSWER, Faults
from yobikake.rehearsal.inbox import Arrival, Inbox
from yobikake.rehearsal.line_messages import Message
from yobikake.rehearsal.mishap import Mishap, Mishaps, Strike

EXCHANGE = web.RequestKey("exchange", Exchange)
"""Under which a handler finds the account of its request."""


class Refusal(StrEnum):
    """The field of `Faults` that makes a gateway refuse a whole request."""

    DOWN = "down"
    CREDENTIALS = "credentials"
    THROTTLE = "throttle"


STATUSES: Mapping[Refusal, int] = {Refusal.DOWN: 503, Refusal.CREDENTIALS: 401, Refusal.THROTTLE: 429}
"""With which it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in. `target` is the path with its query."""

    at: datetime
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Odd(NamedTuple):
    """An answer that no provider's description has: of a proxy, of another server at its address, of a fault."""

    status: int
    body: bytes
    headers: Mapping[str, str]


ASKED = web.RequestKey("asked", Request)
"""Under which a handler finds all that its request said."""


class HttpGateway(ABC):
    """Listens on 127.0.0.1 between `start` and `stop` (or in `async with`). Every answer is marked.

    `faults` may be changed while it runs. `requests` holds every request, refused ones too. `witness`
    is shown every request when its head was read.
    """

    channel: ClassVar[str]
    for_good: ClassVar[frozenset[int]] = frozenset()
    """Statuses that refuse a recipient for good."""
    request_bytes: ClassVar[int] = 1024**2
    """A larger request is answered by 413."""

    def __init__(
        self, inbox: Inbox, *, faults: Faults | None = None, clock: Clock = utc_now, port: int = 0
    ) -> None:
        self.inbox = inbox
        self.faults = faults or Faults()
        self.mishaps = Mishaps()
        self.witness: Witness = nobody
        self.retry_after: timedelta | None = None
        """What a request that comes too often is told to wait."""
        self.odd: Odd | None = None
        """Answered to every request, of which none is carried out."""
        self.requests: list[Request] = []
        self.port = port
        self.tls: ssl.SSLContext | None = None
        """Its certificate, from the next `start` on; None: plain HTTP."""
        self.held = 0
        """Requests that were never answered."""
        self._clock = clock
        self._drain = Drain()
        self._numbers = count()
        self._open: dict[str, web.Request] = {}
        self._last_second: deque[float] = deque()
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """The provider's API, as far as the connector uses it."""

    @abstractmethod
    def error(self, status: int, request: web.Request) -> web.Response:
        """The provider's own answer of this status, from 400 on: its form, the headers it sends with it."""

    def refusal(self, refusal: Refusal, request: web.Request) -> web.Response:
        """Where the provider has other statuses for it, or an answer of another kind, its gateway says so."""
        return self.error(STATUSES[refusal], request)

    def words(self, status: int, request: web.Request) -> str:
        """What an error says to people: the status's name, and what was asked where `faults.echo`."""
        phrase, asked = HTTPStatus(status).phrase, request[ASKED]
        if not self.faults.echo:
            return phrase
        return f"{phrase}: {dict(asked.headers)} {asked.body.decode(errors='replace')}"

    def asks(self, method: str, body: bytes) -> bool:
        """Whether such a request wants something done, and does not only look."""
        return method not in ("GET", "HEAD")

    def wait_s(self, usual_s: int) -> str:
        """For the header Retry-After."""
        return str(usual_s if self.retry_after is None else round(self.retry_after.total_seconds()))

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        """Fill in whom a request names and what it has to say. Nothing, of one that only reads."""
        return

    def open_for(self, exchange: Exchange) -> int:
        """For how many the mishap of this request leaves open, to its sender, whether it reached them."""
        return 0 if exchange.mishap in REFUSALS else len(exchange.to)

    def arrive(
        self, *, address: str, text: str, key: str, subject: str = "", chat: Sequence[Message] = ()
    ) -> None:
        """Record that `address` received something, now. `key` makes a repeat of it visible."""
        self.inbox.add(
            Arrival(
                channel=self.channel,
                address=address,
                at=self._clock(),
                subject=subject,
                text=text,
                key=key,
                chat=chat,
            )
        )

    @property
    def url(self) -> str:
        """The base address to give the connector; no slash at the end."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answer on a connection that is still open."""
        return sum(request.transport is not None for request in self._open.values())

    @property
    def busy(self) -> bool:
        """A request is being worked on, whether or not anybody still waits for its answer."""
        return bool(self._open)

    async def start(self) -> None:
        """Raises `OSError` if `port` is taken; port 0 is replaced by the one that was free."""
        app = web.Application(middlewares=[self._middleware()], client_max_size=self.request_bytes)
        app.add_routes(self.routes())
        app.on_response_prepare.append(_mark)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls).start()
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
        exchange = Exchange(channel=self.channel, begun_at=self._clock())
        request[EXCHANGE] = exchange
        self._open[number] = request
        try:
            await self._log(request, exchange)
            strike = self.mishaps.next(only=SUFFERING)
            if strike is None:
                answer = await self._answer(request, handler, number)
            else:
                answer = await self._struck(strike, request, handler)
            await self.faults.wait()
        finally:
            del self._open[number]
        if self.faults.hits(self.faults.silent, "silent", number):
            cut(request)
        self._close(exchange, request, answer)
        return answer

    async def _log(self, request: web.Request, exchange: Exchange) -> None:
        body = await request.read()
        entry = Request(
            at=exchange.begun_at,
            method=request.method,
            target=request.path_qs,
            headers=request.headers,
            body=body,
        )
        self.requests.append(entry)
        request[ASKED] = entry
        self.describe(exchange, request, body)
        self.witness(exchange)

    async def _answer(self, request: web.Request, handler: Handler, number: str) -> web.StreamResponse:
        if self.odd is not None:
            return web.Response(status=self.odd.status, body=self.odd.body, headers=self.odd.headers)
        refusal = self._refused(number, request[EXCHANGE])
        if refusal is not None:
            return self.refusal(refusal, request)
        await self._drain.take(self.faults.drain_per_s)
        if self.faults.instead and self.asks(request.method, await request.read()):
            return await self._instead(request, handler)
        return await handler(request)

    async def _instead(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.faults.instead.isdecimal():
            return self.error(int(self.faults.instead), request)
        await handler(request)
        if self.faults.instead == NO_ANSWER:
            self.held += 1
            await asyncio.Event().wait()  # until its sender, or this gateway, goes
        half = web.StreamResponse(headers={"Content-Length": "1000"})
        await half.prepare(request)
        await half.write(b"{")
        cut(request)
        return half

    async def _struck(self, strike: Strike, request: web.Request, handler: Handler) -> web.StreamResponse:
        exchange = request[EXCHANGE]
        exchange.mishap = strike.mishap
        exchange.open_for = self.open_for(exchange)
        return await SUFFERING[strike.mishap](self, strike, request, handler)

    async def _refuse(self, strike: Strike, request: web.Request, handler: Handler) -> web.StreamResponse:
        return self.refusal(REFUSALS[strike.mishap], request)

    async def _break(self, strike: Strike, request: web.Request, handler: Handler) -> web.StreamResponse:
        if strike.mishap is Mishap.ERROR_AFTER:
            await handler(request)
            request[EXCHANGE].about.clear()  # the answer says nothing of them
        return self.error(500, request)

    async def _late(self, strike: Strike, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        await asyncio.sleep(strike.late_s)
        if request.transport is not None:
            request[EXCHANGE].open_for = 0  # whoever asked has waited
        return answer

    async def _cut(self, strike: Strike, request: web.Request, handler: Handler) -> web.StreamResponse:
        if strike.mishap is Mishap.CUT_AFTER:
            await handler(request)
        cut(request)
        return web.Response()

    async def _hang(self, strike: Strike, request: web.Request, handler: Handler) -> web.StreamResponse:
        released = asyncio.Event()
        strike.hold(released.set)
        await released.wait()
        cut(request)
        return web.Response()

    def _close(self, exchange: Exchange, request: web.Request, answer: web.StreamResponse) -> None:
        """Note what its sender is about to learn."""
        waits = request.transport is not None and not request.transport.is_closing()
        if not waits and exchange.slow_for(self._clock()):
            exchange.mishap = Mishap.SLOW
            exchange.open_for = self.open_for(exchange)
        if answer.status < 400 or exchange.about:
            if waits:
                exchange.tell()
        elif not exchange.taken:
            for_good = answer.status in self.for_good and len(exchange.to) == 1
            exchange.deny(str(answer.status), permanent=for_good)

    def _refused(self, number: str, exchange: Exchange) -> Refusal | None:
        if self.faults.down:
            return Refusal.DOWN
        if self.faults.credentials:
            return Refusal.CREDENTIALS
        if exchange.to and not self._within_contract():
            return Refusal.THROTTLE
        return Refusal.THROTTLE if self.faults.hits(self.faults.throttle, "throttle", number) else None

    def _within_contract(self) -> bool:
        """A second is any second, not one of the clock's; what was refused counts for nothing."""
        now = monotonic()
        while self._last_second and self._last_second[0] <= now - 1:
            self._last_second.popleft()
        if self.faults.limit_per_s is not None and len(self._last_second) >= self.faults.limit_per_s:
            return False
        self._last_second.append(now)
        return True


Suffering = Callable[[HttpGateway, Strike, web.Request, Handler], Awaitable[web.StreamResponse]]

SUFFERING: Mapping[Mishap, Suffering] = {
    Mishap.SLOW: HttpGateway._late,
    Mishap.HALF_OPEN: HttpGateway._hang,
    Mishap.DOWN: HttpGateway._refuse,
    Mishap.THROTTLED: HttpGateway._refuse,
    Mishap.CREDENTIALS: HttpGateway._refuse,
    Mishap.ERROR: HttpGateway._break,
    Mishap.ERROR_AFTER: HttpGateway._break,
    Mishap.CUT_BEFORE: HttpGateway._cut,
    Mishap.CUT_AFTER: HttpGateway._cut,
}

REFUSALS: Mapping[Mishap, Refusal] = {
    Mishap.DOWN: Refusal.DOWN,
    Mishap.THROTTLED: Refusal.THROTTLE,
    Mishap.CREDENTIALS: Refusal.CREDENTIALS,
}


def cut(request: web.Request) -> None:
    """Drop the connection without another byte."""
    if request.transport is not None:
        request.transport.abort()


async def _mark(_: web.Request, response: web.StreamResponse) -> None:
    response.headers[REHEARSAL_HEADER] = "1"
