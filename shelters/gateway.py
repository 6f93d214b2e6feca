"""Readings over HTTP.

`POST /api/readings`, many in a request, in the hub's own form:

    200  {"taken": 48, "refused": [{"place": "$.readings[3].in", "message": "…"}]}
    400  nothing in it was good: the same form
    401  no key, or none that is known
    413  larger than `MOST_BYTES`
    429  too many in a short time; `Retry-After` in seconds
    503  they could not be made durable; `Retry-After` in seconds

Unless the answer is 200 or 400, send the same request again: a reading counts once, however often it comes.

`POST /api/sensors/<source>`, as a network server, a counter or a reception sends it: `things-stack`, `chirpstack`,
`axis`, `xovis`, and `check-in?device=<id>&at=<time>` for a list in CSV. The same answers, but 200 also where nothing
was counted: a sender that is told of failures stops sending, for all its devices. The key may also come as the
password of `Authorization: Basic`.
"""

import base64
import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from aiohttp import hdrs, web

from hub import codec
from hub.bus import Bus
from hub.clock import Clock
from hub.codec import RecordCodec
from hub.errors import BadInput, Refused, TemporaryFailure
from hub.live import Live
from shelters import intake
from shelters.device import Devices
from shelters.inspector import Inspector
from shelters.reading import Refusal
from shelters.sensors import pushing

log = structlog.get_logger(__name__)

PATH = "/api/readings"
SENSORS = "/api/sensors"
MOST_BYTES = 256 * 1024
READINGS_PER_S = 200.0
"""Of one key, lasting."""
BURST = 2_000.0
"""Of one key, at once: a device that was offline catches up."""
RETRY_AFTER_S = 5


class Gateway:
    """`post` is the handler of `PATH`."""

    def __init__(
        self,
        *,
        devices: Devices,
        bus: Bus,
        live: Live,
        records: RecordCodec,
        clock: Clock,
        inspector: Inspector | None = None,
    ) -> None:
        self._devices, self._bus, self._live, self._records = devices, bus, live, records
        self._clock = clock
        self._inspector = inspector or Inspector(devices, clock=clock)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(PATH, self.post),
            web.post(f"{SENSORS}/check-in", self.check_in),
            web.post(f"{SENSORS}/{{source}}", self.push),
            web.post(f"{SENSORS}/{{source}}/{{kind:.*}}", self.push),
        ]

    async def post(self, request: web.Request) -> web.Response:
        """Readings in the hub's own form."""

        def sort(body: bytes, key: str) -> intake.Sorted:
            return intake.sort(body, self._devices, now=self._clock(), key=key)

        return await self._answered(request, sort, nothing=400)

    async def push(self, request: web.Request) -> web.Response:
        """What a network server or a counter says in its own words."""
        name = request.match_info["source"]
        if name not in pushing.SOURCES:
            named = ", ".join(sorted(pushing.SOURCES))
            return _refuse(404, "address", f"is none of {named} / 宛先が違います")
        source, event = pushing.SOURCES[name], request.query.get("event", "")

        def understand(body: bytes, key: str) -> intake.Sorted:
            return pushing.understand(source, body, self._devices, now=self._clock(), key=key, event=event)

        return await self._answered(request, understand, nothing=200)

    async def check_in(self, request: web.Request) -> web.Response:
        """A reception's list, of which only the number of people is kept."""
        device, at = request.query.get("device", ""), request.query.get("at")

        def count(body: bytes, key: str) -> intake.Sorted:
            return pushing.list_of(body, device, self._devices, now=self._clock(), at=at, key=key)

        return await self._answered(request, count, nothing=400, kept=False)

    async def _answered(
        self,
        request: web.Request,
        read: Callable[[bytes, str], intake.Sorted],
        *,
        nothing: int,
        kept: bool = True,
    ) -> web.Response:
        """`nothing`: the status where all was refused. `kept`: staff may see the beginning of what was."""
        key = self._devices.key_of(_token(request), now=self._clock())
        if key is None:
            self._inspector.refuse([Refusal(place="Authorization", message="a wrong key / 鍵が違います")])
            return _refuse(
                401,
                "Authorization",
                "no key, or not one of ours / 鍵がないか、違います",
                {hdrs.WWW_AUTHENTICATE: "Bearer"},
            )
        body = await read_body(request, most_bytes=MOST_BYTES)
        if body is None:
            return self._refused(
                413,
                "$",
                f"more than {MOST_BYTES} bytes: send fewer readings at a time / 大きすぎます。分けて送ってください",
                key,
            )
        shown = body if kept else b""
        try:
            found = read(body, key)
        except BadInput as e:
            return self._refused(400, e.path, e.message.removeprefix(f"{e.path}: "), key, shown)
        looked_at = self._inspector.inspect(found, shown)
        if looked_at.wait_s and not looked_at.taken:
            return _too_many(looked_at.wait_s)
        return await self._take(key, looked_at, nothing=nothing)

    def _refused(self, status: int, place: str, message: str, key: str, body: bytes = b"") -> web.Response:
        """As a whole. Staff see by whose key it came."""
        self._inspector.refuse([Refusal(place=f"{key} {place}", message=message)], body)
        return _refuse(status, place, message)

    async def _take(self, key: str, found: intake.Sorted, *, nothing: int) -> web.Response:
        wait_s = await self._wait_s(key, len(found.taken))
        if wait_s > 0:
            return _too_many(wait_s)
        try:
            await intake.publish(self._bus, self._records, found.taken)
        except (TemporaryFailure, Refused) as e:
            log.warning("readings not taken", key=key, error=type(e).__name__)
            return _refuse(
                503,
                "$",
                "not stored: send them again / 保存できませんでした。送り直してください",
                _retry_after(RETRY_AFTER_S),
            )
        if found.refused:
            log.warning("readings refused", key=key, refused=len(found.refused), first=found.refused[0].place)
        status = nothing if found.refused and not found.taken else 200
        return _answer(status, len(found.taken), found.refused)

    async def _wait_s(self, key: str, readings: int) -> float:
        if not readings:
            return 0.0
        try:
            turn = await self._live.take(
                f"readings:{key}",
                readings,
                rate_per_s=READINGS_PER_S,
                ahead_s=max(0.0, BURST - readings) / READINGS_PER_S,
            )
        except TemporaryFailure as e:  # better too many readings than none
            log.warning("readings are not limited", reason=e.reason)
            return 0.0
        return 0.0 if turn.taken else turn.wait_s


def _token(request: web.Request) -> str:
    """Of `Bearer`, or the password of `Basic`: some counters know nothing else (RFC 7617 §2)."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):
            return base64.b64decode(token, validate=True).decode().partition(":")[2]
    return ""


async def read_body(request: web.Request, *, most_bytes: int) -> bytes | None:
    """The body, or None as soon as it is known to be too large, also without a declared length."""
    if (request.content_length or 0) > most_bytes:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > most_bytes:
            return None
    return bytes(body)


def _retry_after(seconds: float) -> dict[str, str]:
    return {hdrs.RETRY_AFTER: str(math.ceil(seconds))}


def _too_many(wait_s: float) -> web.Response:
    return _refuse(
        429,
        "$",
        "too many readings: wait, then send them again / 多すぎます。待ってから送り直してください",
        _retry_after(wait_s),
    )


def _refuse(status: int, place: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return _answer(status, 0, [Refusal(place=place, message=message)], headers)


def _answer(
    status: int, taken: int, refused: Sequence[Refusal], headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=codec.encode({"taken": taken, "refused": refused}),
        content_type="application/json",
        headers=headers,
    )
