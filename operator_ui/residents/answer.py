"""A document as an answer: packed where the reader takes that, and not at all where they have it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import hdrs, web

from operator_ui.residents.document import Built
from operator_ui.residents.publisher import LICENCE_URL

OPEN = {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""Open data may be read from any site: it says nothing of anybody."""
LICENSED = OPEN | {hdrs.LINK: f'<{LICENCE_URL}>; rel="license"'}
"""Of data, whether its form has a place for the licence or not (RFC 8288; IANA's link relations)."""
_FRESH = "public, max-age=1, s-maxage=2, stale-while-revalidate=5"
CACHE = f"{_FRESH}, stale-if-error=86400"
"""A browser asks again after a second (a 304 costs little); a cache in front takes the rush; if we are away, an
old page with its time on it is better than none, and what it says of room ends by itself in the browser."""
NAMING = LICENSED | {hdrs.CACHE_CONTROL: f"{_FRESH}, stale-if-error=120"}
"""Of data that names shelters: a program takes nothing back by itself, so no cache hands it out when we have been away
for longer than we would name a site without having looked (`news.STUCK_AFTER`)."""


def answer(
    request: web.Request,
    built: Built,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    dated: bool = False,
) -> web.Response:
    """200 with the body, or 304 when the reader has it. `dated`: says since when it has been the same, too."""
    zipped = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    # strong, so each encoding has its own (RFC 9110 §8.8.3)
    tag = f"{built.digest}-gz" if zipped else built.digest
    common = {
        hdrs.CACHE_CONTROL: CACHE,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        hdrs.ETAG: f'"{tag}"',
        **(headers or {}),
    }
    if dated:
        common[hdrs.LAST_MODIFIED] = format_datetime(built.changed_at.astimezone(UTC), usegmt=True)
    if status == 200 and _has(request, tag, since=built.changed_at if dated else None):
        return web.Response(status=304, headers=common)
    common[hdrs.CONTENT_TYPE] = f"{built.written.content_type}; charset=utf-8"
    if zipped:
        common[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=built.packed if zipped else built.written.body, status=status, headers=common)


def _has(request: web.Request, tag: str, *, since: datetime | None) -> bool:
    """If-None-Match compares weakly: a proxy that packed a body anew made its tag weak (RFC 9110 §13.1.2). A time
    counts only for who names no tag (§13.1.3)."""
    if hdrs.IF_NONE_MATCH in request.headers:
        return any(each.value in (tag, "*") for each in request.if_none_match or ())
    known = request.if_modified_since
    return since is not None and known is not None and since.replace(microsecond=0) <= known
