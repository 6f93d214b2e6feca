"""Telling a page that something changed: server-sent events that carry a version and nothing else.

The page then fetches what it shows, so a lost event does no harm. The version is a digest of what is
shown: the same in every process and after a restart, so a browser that reconnects with `Last-Event-ID`
is told at once when, and only when, it missed something. (HTML Standard §9.2, Server-sent events.)
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address

import structlog
from aiohttp import hdrs, web

from hub.background import Background
from operator_ui.places import Full, Places

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

Look = Callable[[str], Awaitable[bytes]]
"""What a subject looks like now: any bytes that differ when the page would."""


def version_of(looks: bytes) -> str:
    """The version of what looks like this: for a page to carry, so that it knows what it shows."""
    return hashlib.sha256(looks).hexdigest()[:16]


class Changes:
    """Looks at a subject only while somebody watches it; all its watchers share one look."""

    def __init__(self, look: Look, background: Background) -> None:
        self._look = look
        self._background = background
        self._subjects: dict[str, _Subject] = {}
        self._closing = asyncio.Event()
        self._places = Places(total=MOST_STREAMS, of_one=MOST_OF_ONE_ADDRESS)

    async def stream(self, request: web.Request, subject: str) -> web.StreamResponse:
        """Answer an `EventSource` until the browser leaves or the listener stops; 503 when too many are open."""
        try:
            with self._places.take(_one_reader(request.remote)):
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
        await response.prepare(request)
        watched = self._watch(subject)
        try:
            with suppress(ConnectionResetError):
                await self._tell(response, watched, seen=request.headers.get("Last-Event-ID", ""))
        finally:
            watched.watchers -= 1
        return response

    async def close(self, _app: web.Application | None = None) -> None:
        """End every stream; for `on_shutdown`, so that browsers do not hold the listener up."""
        self._closing.set()
        for watched in self._subjects.values():
            watched.changed.set()

    def _watch(self, subject: str) -> "_Subject":
        watched = self._subjects.get(subject)
        if watched is None:
            watched = self._subjects[subject] = _Subject()
            self._background.start(self._look_again(subject, watched), name=f"watch {subject}")
        watched.watchers += 1
        return watched

    async def _tell(self, response: web.StreamResponse, watched: "_Subject", *, seen: str) -> None:
        await response.write(b": hello\n\n")
        while not self._closing.is_set():
            changed = watched.changed  # taken before the look, so that no change falls in between
            if watched.version not in ("", seen):
                seen = watched.version
                await response.write(f"event: version\nid: {seen}\ndata: {seen}\n\n".encode())
                continue
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
            except TimeoutError:
                await response.write(b": still here\n\n")

    async def _look_again(self, subject: str, watched: "_Subject") -> None:
        while watched.watchers and not self._closing.is_set():
            try:
                watched.become(version_of(await self._look(subject)))
            except Exception:
                log.exception("a watched page could not be looked at", subject=subject)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LOOK_S)
        self._subjects.pop(subject, None)


def _one_reader(address: str | None) -> str | None:
    """None for an address of a private network or this machine: there a proxy speaks for everyone."""
    try:
        return address if address and ip_address(address).is_global else None
    except ValueError:
        return None


class _Subject:
    def __init__(self) -> None:
        self.watchers = 0
        self.version = ""
        self.changed = asyncio.Event()

    def become(self, version: str) -> None:
        """Wakes the watchers waiting now; those who come later wait for the next change."""
        if version != self.version:
            self.version = version
            self.changed.set()
            self.changed = asyncio.Event()
