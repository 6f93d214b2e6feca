"""A gateway's answer, of which nothing is taken for granted: its length, its packing, its shape, the time it names.

Unreadable      an answer came, and nothing can be made of it
└── TooLong     more than `MOST_BYTES`, packed or not
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import structlog

from hub.errors import HubError
from hub.retry import LONGEST_WAIT

log = structlog.get_logger(__name__)

MOST_BYTES = 1024 * 1024
"""Of a body. The longest that is asked for, a page of a hundred posts, has some hundred kilobytes."""

ENCODING = "gzip"
"""The one packing that is asked for."""

_DIGITS = 9
"""Of a number of seconds; more are longer than any wait."""


class Unreadable(aiohttp.ClientPayloadError):
    """What was asked for may have been done: `unanswered` calls it ambiguous."""


class TooLong(Unreadable):
    """The rest of it is not read; its connection is closed."""


class BoundedAnswer(aiohttp.ClientResponse):
    """Reads `MOST_BYTES` at the most, whoever asks for it. Its session must not unpack by itself (`auto_decompress`):
    a thousandth of a packed body can fill the memory."""

    async def read(self) -> bytes:
        """Raises `Unreadable`, besides what aiohttp raises."""
        if self._body is None:
            try:
                packed = await self._most()
                self._body = _unpacked(packed, self.headers.get("Content-Encoding", ""))
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _most(self) -> bytes:
        body = bytearray()
        async for chunk in self.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                raise TooLong("the answer is too long")
        return bytes(body)


@contextmanager
def reading(*known: type[Exception]) -> Iterator[None]:
    """Around whatever makes sense of an answer, a provider's library above all: what that stumbles over is `Unreadable`.

    As they are go this hub's own errors, those of the way, and `known`.
    """
    as_they_are: tuple[type[Exception], ...] = (HubError, aiohttp.ClientError, TimeoutError, *known)
    try:
        yield
    except as_they_are:
        raise
    except Exception as e:
        log.warning("nothing can be made of an answer", error=type(e).__name__)
        raise Unreadable("nothing can be made of the answer") from e


def retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """`Retry-After`: seconds, or a date (RFC 9110 §10.2.3). None: neither. Never negative, at most `LONGEST_WAIT`."""
    said = (value or "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said)), LONGEST_WAIT) if len(said) <= _DIGITS else LONGEST_WAIT
    try:
        wait = parsedate_to_datetime(said) - now
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _unpacked(body: bytes, encoding: str) -> bytes:
    """RFC 9110 §8.4.1, as far as `ENCODING` asks for it."""
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() != ENCODING:
        raise Unreadable("packed in a way that was not asked for")
    engine = zlib.decompressobj(zlib.MAX_WBITS | 16)  # gzip's header
    try:
        plain = engine.decompress(body, MOST_BYTES + 1)
    except zlib.error as e:
        raise Unreadable("packed wrongly") from e
    if len(plain) > MOST_BYTES:
        raise TooLong("the answer is too long")
    if body and not engine.eof:
        raise Unreadable("cut off")
    return plain
