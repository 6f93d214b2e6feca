"""The HTTP session that a provider's library is given instead of its own.

A library's own session does not know this hub's way out: the proxy, the private authority, the
refusal to talk to the wrong gateway. This one has them, and whatever the library asks it for it
goes through here. It offers what line-bot-sdk and tweepy use: `request` and `close`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from channels._answer import ENCODING, BoundedAnswer, Unreadable
from channels._public import NotPublic
from hub import typed
from hub.delivery import Outcome
from hub.errors import Refused
from hub.gate import Gate
from hub.outbound import REHEARSAL_HEADER, Outbound


class Rehearsal(aiohttp.ClientError):
    """A third party's system calls itself a rehearsal gateway, and this hub is in production."""


def nowhere(_url: str) -> bool:
    """No other address."""
    return False


class GatewaySession:
    """Requests to one gateway at `base_url`, each within `timeout_s`; redirects are not followed.

    `library_url` is the address a library has fixed in its code; it is replaced by `base_url`, and a
    request to anywhere else is `Refused`: a library that changes its host does not lead out.
    Of an answer no more is read than `channels._answer` says, whoever reads it: what is longer raises.
    Every answer is looked at before the library sees it: a production hub that finds itself talking
    to a rehearsal gateway gets `Refused` instead.
    """

    def __init__(
        self,
        *,
        outbound: Outbound,
        base_url: str,
        setting: str,
        timeout_s: float,
        connections: int,
        library_url: str | None = None,
        others: Callable[[str], bool] = nowhere,
        third_party: bool = False,
        resolver: Callable[[], AbstractResolver] | None = None,
        speaks_json: bool = False,
        in_clear: bool = False,
    ) -> None:
        """`in_clear`: it may be asked by plain HTTP, since the way there is the city's own. `speaks_json`: it answers with JSON objects, refusals too; whoever answers otherwise (a proxy's page, say) is
        not the gateway. `others`: which addresses besides `base_url` may be asked, each allowed by this hub's way out. `resolver`: of
        names that somebody else chose; a proxy resolves for itself. `third_party`: it is nobody's with whom the city has a
        contract, so what it calls itself is its own trouble: `Rehearsal` instead of `Refused` (docs/decisions/0061).

        Raises `Refused` where this hub may not talk to `base_url`, `BadSettings` where it would do so in clear;
        `setting` names its place.
        """
        outbound.allow(base_url, setting=setting)
        if not in_clear:
            outbound.conceal(base_url, setting=setting)
        if outbound.proxy is not None:
            outbound.allow(outbound.proxy, setting="[proxy] url")
        self._outbound = outbound
        self._base_url = base_url.rstrip("/")
        self._setting = setting
        self._connections = connections
        self._free = asyncio.Semaphore(connections)
        self._library_url = library_url or self._base_url
        self._others = others
        self._third_party = third_party
        self._resolver = resolver if outbound.proxy_to(base_url) is None else None
        self._speaks_json = speaks_json
        # `connect` ends first, so that a connection that never came up is not taken for a lost answer
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._session: aiohttp.ClientSession | None = None
        self.recognised = False
        """The gateway itself has answered, and may be sent to."""

    async def open(self) -> None:
        """One connection more than may send: a probe does not wait behind what is sent."""
        await self.close()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections + 1,
                ssl=self._outbound.tls(),
                resolver=self._resolver() if self._resolver else None,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(self._recognise,),
            request_class=_Request,
            response_class=BoundedAnswer,
            auto_decompress=False,
            headers={"Accept-Encoding": ENCODING},
        )

    @asynccontextmanager
    async def gated(self, gate: Gate) -> AsyncIterator[None]:
        """A request made inside asks `gate` once its connection is there, directly before its first byte; no more
        are inside at once than may send.

        Waiting for a connection, or for the process itself to go on, may take until after the stop, the expiry or
        the end of the claim: a gate that was asked before would not have heard of it.
        """
        async with self._free:
            before = _GATE.set(gate)
            try:
                yield
            finally:
                _GATE.reset(before)

    def request(
        self, method: str, url: str | URL, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As `aiohttp.ClientSession.request`: to be awaited or entered."""
        assert self._session is not None, "open() first"  # noqa: S101
        options |= {"timeout": self._timeout, "allow_redirects": False}
        address = self._address(url)
        return self._session.request(method, address, proxy=self._outbound.proxy_to(str(address)), **options)

    async def close(self) -> None:
        """Closes every connection. May be called twice, and before `open`."""
        if self._session is not None:
            await self._session.close()
        self._session = None

    def _address(self, url: str | URL) -> URL:
        asked = str(url).replace(self._library_url, self._base_url, 1)
        address = URL(asked, encoded=True)
        ours = address.absolute and address.origin() == URL(self._base_url).origin()
        if not ours and not self._others(asked):  # an address that is none cannot be written again
            raise Refused(
                f"{self._setting}: a request to another host than this was refused; nothing was sent. / "
                "設定にない宛先への通信を止めました。送っていません"
            )
        return address

    async def _recognise(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        try:
            self._outbound.recognise(response.headers.get(REHEARSAL_HEADER), setting=self._setting)
        except Refused:
            response.close()
            if not self._third_party:
                raise
            self.recognised = False
            raise Rehearsal from None
        # a 5xx may be the proxy's, not the gateway's
        if not self.recognised and response.status < 500:
            self.recognised = not self._speaks_json or is_object(await response.read())
        return response


class _Request(aiohttp.ClientRequest):
    """One that a gate may stop. Its connection is closed then."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        gate = _GATE.get()
        if gate is not None:
            gate()
        return await super().send(conn)


_GATE: ContextVar[Gate | None] = ContextVar("gate", default=None)


def is_object(body: bytes | str) -> bool:
    """Whether it is a JSON object."""
    try:
        typed.from_json(body, dict)
    except (ValueError, RecursionError):
        return False
    return True


def why(error: aiohttp.ClientError | TimeoutError) -> str:
    """In a word of this hub's (`hub.reasons`): a library's own name for it says nothing to whoever reads it."""
    if isinstance(getattr(error, "os_error", None), NotPublic):
        return NOT_PUBLIC
    return next(word for kinds, word in _WORDS if isinstance(error, kinds))


NOT_PUBLIC = "not public"
"""The name leads to no address of the internet (`channels._public`)."""


_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((Unreadable,), "unreadable answer"),
    ((Rehearsal,), "rehearsal"),
    ((aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError), "certificate"),
    ((aiohttp.ClientConnectorDNSError,), "unknown name"),
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), "proxy"),
    ((TimeoutError,), "no answer"),
    ((aiohttp.ClientConnectorError,), "no connection"),
    ((aiohttp.InvalidURL,), "address"),
    ((Exception,), "broken off"),
)
"""The first that fits."""


def unanswered(error: aiohttp.ClientError | TimeoutError) -> Outcome:
    """What a request without an answer means: TEMPORARY where it never left, else AMBIGUOUS."""
    return Outcome.TEMPORARY if isinstance(error, _NEVER_LEFT) else Outcome.AMBIGUOUS


_NEVER_LEFT = (
    aiohttp.ClientConnectorError,  # refused, no route, no such name, no TLS, no proxy
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # the proxy's answer to CONNECT
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)
