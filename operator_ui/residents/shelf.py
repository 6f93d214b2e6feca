"""Pages built once and served from memory, to however many ask: each body with its gzip and its ETag."""

import gzip
import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

from aiohttp import ETag, hdrs, web

MOST = 512
"""Bodies kept of one edition; numbers of old alerts, tried one after another, must not fill the memory."""
CACHE = "public, max-age=0, s-maxage=2, stale-if-error=86400"
"""Browsers ask each time (a 304 costs little); a cache in front takes the rush; if we are away, an old page
with its time on it is better than none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    body: bytes
    content_type: str
    packed: bytes = field(repr=False)
    etag: str


class Shelf:
    """Holds the bodies of one edition. A new edition empties it."""

    def __init__(self) -> None:
        self._edition: Hashable = None
        self._built: dict[Hashable, Built] = {}

    def find(self, edition: Hashable, key: Hashable) -> Built | None:
        return self._built.get(key) if edition == self._edition else None

    def get(self, edition: Hashable, key: Hashable, content_type: str, build: Callable[[], bytes]) -> Built:
        """The body for `key`, built now if this edition has none yet."""
        if edition != self._edition:
            self._edition, self._built = edition, {}
        built = self._built.get(key)
        if built is None:
            built = _pack(build(), content_type)
            if len(self._built) < MOST:
                self._built[key] = built
        return built


def answer(
    request: web.Request, built: Built, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """200 with the body, or 304 when the reader has it."""
    common = {hdrs.CACHE_CONTROL: CACHE, hdrs.VARY: hdrs.ACCEPT_ENCODING, **(headers or {})}
    if status == 200 and _has(request, built):
        response = web.Response(status=304, headers=common)
    else:
        response = _whole(request, built, status, common)
    response.etag = ETag(built.etag, is_weak=True)  # the same for both encodings
    return response


def _whole(request: web.Request, built: Built, status: int, headers: dict[str, str]) -> web.Response:
    headers[hdrs.CONTENT_TYPE] = f"{built.content_type}; charset=utf-8"
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=built.packed, status=status, headers=headers)
    return web.Response(body=built.body, status=status, headers=headers)


def _has(request: web.Request, built: Built) -> bool:
    return any(tag.value in (built.etag, "*") for tag in request.if_none_match or ())


def _pack(body: bytes, content_type: str) -> Built:
    return Built(
        body=body,
        content_type=content_type,
        packed=gzip.compress(body, 6, mtime=0),
        etag=hashlib.sha256(body).hexdigest()[:16],
    )
