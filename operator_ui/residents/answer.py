"""A document as an answer: packed where the reader takes that, and not at all where they have it."""

from collections.abc import Mapping

from aiohttp import hdrs, web

from operator_ui.residents.document import Built

CACHE = "public, max-age=1, s-maxage=2, stale-while-revalidate=5, stale-if-error=86400"
"""A browser asks again after a second (a 304 costs little); a cache in front takes the rush; if we are away, an
old page with its time on it is better than none, and what it says of room ends by itself in the browser."""


def answer(
    request: web.Request, built: Built, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """200 with the body, or 304 when the reader has it."""
    zipped = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    # strong, so each encoding has its own (RFC 9110 §8.8.3)
    tag = f"{built.digest}-gz" if zipped else built.digest
    common = {
        hdrs.CACHE_CONTROL: CACHE,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        hdrs.ETAG: f'"{tag}"',
        **(headers or {}),
    }
    if status == 200 and hdrs.IF_NONE_MATCH in request.headers and _has(request, tag):
        return web.Response(status=304, headers=common)
    common[hdrs.CONTENT_TYPE] = f"{built.written.content_type}; charset=utf-8"
    if zipped:
        common[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=built.packed if zipped else built.written.body, status=status, headers=common)


def _has(request: web.Request, tag: str) -> bool:
    """If-None-Match compares weakly: a proxy that packed a body anew made its tag weak (RFC 9110 §13.1.2)."""
    return any(each.value in (tag, "*") for each in request.if_none_match or ())
