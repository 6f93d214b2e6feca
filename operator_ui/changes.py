"""Telling a page that something changed: server-sent events that carry a version and nothing else.

The page then fetches what it shows, so a lost event does no harm. The version is a digest of what is
shown: the same in every process and after a restart, so a browser that reconnects with `Last-Event-ID`
is told at once when, and only when, it missed something. (HTML Standard §9.2, Server-sent events.)
"""

import asyncio
import hashlib
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from aiohttp import hdrs, web

from hub.background import Background
from operator_ui.places import Full, Places
from operator_ui.senders import NOBODY, Senders

log = structlog.get_logger(__name__)

HEARTBEAT_S = 15.0
"""A comment this often keeps proxies from closing a quiet stream."""
LOOK_S = 1.0
"""How often a subject that somebody watches is looked at."""
MOST_STREAMS = 5_000
"""Open at once in one process: some 10 KB each, and one file each of what the system allows."""
MOST_OF_ONE_ADDRESS = 50
"""Of these. A household or an office has few pages open; one script must not take every place."""
RETRY_AFTER_S = 30
MOST_UNSENT_BYTES = 8 * 1024
"""Some hundred events. A reader who has not taken so much is dropped, and comes again with `Last-Event-ID`."""
AT_A_TIME = 200
"""Readers told before other requests get their turn."""

Look = Callable[[str], Awaitable[bytes]]
"""What a subject looks like now: any bytes that differ when the page would."""


def version_of(looks: bytes) -> str:
    """The version of what looks like this: for a page to carry, so that it knows what it shows."""
    return hashlib.sha256(looks).hexdigest()[:16]


class Changes:
    """Looks at a subject only while somebody watches it; all its watchers share one look, and one event."""

    def __init__(
        self,
        look: Look,
        background: Background,
        *,
        version: Callable[[bytes], str] = version_of,
        most: int | None = None,
        senders: Senders = NOBODY,
    ) -> None:
        """`version`: of a look. `most`: streams open at once. `senders`: who asks, behind a proxy."""
        self._look = look
        self._version = version
        self._background = background
        self._senders = senders
        self._subjects: dict[str, _Subject] = {}
        self._closing = asyncio.Event()
        self._places = Places(
            total=MOST_STREAMS if most is None else most,
            of_one=MOST_OF_ONE_ADDRESS,
        )

    async def stream(self, request: web.Request, subject: str) -> web.StreamResponse:
        """Answer an `EventSource` until the browser leaves or the listener stops; 503 when too many are open."""
        try:
            with self._places.take(self._senders.one(request)):
                return await self._stream(request, subject)
        except Full:
            return web.Response(status=503, headers={hdrs.RETRY_AFTER: str(RETRY_AFTER_S)})

    async def _stream(self, request: web.Request, subject: str) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: "text/event-stream",
                hdrs.CACHE_CONTROL: "no-store",
                "X-Accel-Buffering": "no",  # nginx would hold the events back
            }
        )
        try:
            await response.prepare(request)
        except ConnectionError:  # they left before the answer could begin
            return response
        if request.transport is None or self._closing.is_set():
            return response
        reader = _Reader(response, request.transport, seen=request.headers.get("Last-Event-ID", ""))
        await reader.tell(HELLO)
        response.headers.clear()  # they are on their way: 5,000 open streams would keep 9 MB of them
        watched = self._watch(subject)
        await watched.welcome(reader)
        try:
            await reader.gone
        finally:
            watched.readers.discard(reader)
        return response

    async def close(self, _app: web.Application | None = None) -> None:
        """End every stream; for `on_shutdown`, so that browsers do not hold the listener up."""
        self._closing.set()
        for watched in self._subjects.values():
            for reader in watched.readers:
                reader.leave()

    def _watch(self, subject: str) -> "_Subject":
        watched = self._subjects.get(subject)
        if watched is None:
            watched = self._subjects[subject] = _Subject()
            self._background.start(self._look_again(subject, watched), name=f"watch {subject}")
        return watched

    async def _look_again(self, subject: str, watched: "_Subject") -> None:
        """Until nobody watches any more. The first look is for the reader who is about to be welcomed."""
        beat_at = _now() + HEARTBEAT_S
        while not self._closing.is_set():
            try:
                await watched.become(self._version(await self._look(subject)))
            except Exception:
                log.exception("a watched page could not be looked at", subject=subject)
            if _now() >= beat_at:
                beat_at = _now() + HEARTBEAT_S
                await watched.tell(STILL_HERE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LOOK_S)
            if not watched.readers:
                break
        if self._subjects.get(subject) is watched:
            del self._subjects[subject]


HELLO = b": hello\n\n"
STILL_HERE = b": still here\n\n"


class _Reader:
    """An answer that stays open, and the version that was told on it last."""

    __slots__ = ("_response", "_transport", "gone", "seen")

    def __init__(self, response: web.StreamResponse, transport: asyncio.Transport, *, seen: str) -> None:
        self._response = response
        self._transport = transport
        self.seen = seen
        self.gone = asyncio.get_running_loop().create_future()
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_UNSENT_BYTES)

    async def tell(self, text: bytes) -> None:
        """Never waits: a reader who does not read is dropped, and one who left is forgotten."""
        if self._transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            self._transport.abort()
        if self._transport.is_closing():
            return self.leave()
        try:
            await self._response.write(text)
        except (ConnectionError, RuntimeError):  # it was over before we noticed
            self.leave()

    def leave(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


class _Subject:
    def __init__(self) -> None:
        self.readers: set[_Reader] = set()
        self.version = ""
        self._event = b""

    async def welcome(self, reader: _Reader) -> None:
        """Tell a new reader at once what they missed."""
        self.readers.add(reader)
        if self.version:
            await self._tell_version(reader)

    async def become(self, version: str) -> None:
        """One event, written once, for everybody who has not heard of it."""
        if version == self.version:
            return
        self.version = version
        self._event = f"event: version\nid: {version}\ndata: {version}\n\n".encode()
        await self._each(self._tell_version)

    async def tell(self, text: bytes) -> None:
        await self._each(lambda reader: reader.tell(text))

    async def _tell_version(self, reader: _Reader) -> None:
        if reader.seen != self.version:
            reader.seen = self.version
            await reader.tell(self._event)

    async def _each(self, tell: Callable[[_Reader], Awaitable[None]]) -> None:
        for number, reader in enumerate(tuple(self.readers), start=1):
            await tell(reader)
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)


def _now() -> float:
    return asyncio.get_running_loop().time()
