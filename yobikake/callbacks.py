"""Where providers report what became of what they accepted: `POST /callbacks/<channel>`."""

import asyncio
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hub.channel import Callbacks
from hub.errors import BadInput, Forbidden
from hub.postbox import Postbox
from shelters.gateway import read_body
from yobikake.connectors import Configured

log = structlog.get_logger(__name__)

MOST_BYTES = 64 * 1024
WHOLE_WITHIN_S = 10.0
"""A body that takes longer only holds the connection."""


def routes(channels: Mapping[str, Configured], postbox: Postbox) -> list[web.RouteDef]:
    """One route for each channel that reports later. The signature is verified before anything is read."""
    return [
        web.post(f"/callbacks/{kind}", _handler(kind, configured.channel, postbox))
        for kind, configured in channels.items()
        if isinstance(configured.channel, Callbacks)
    ]


def _handler(kind: str, channel: Callbacks, postbox: Postbox) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(WHOLE_WITHIN_S):
                body = await read_body(request, most_bytes=MOST_BYTES)
        except TimeoutError:
            return _hung_up(408)
        if body is None:
            return _hung_up(413)
        try:
            found = channel.parse(request.headers, body)
        except Forbidden:
            log.warning("a callback's signature is wrong", channel=kind)
            return web.Response(status=403)
        except BadInput as e:
            log.warning("a callback is not understood", channel=kind, place=e.path)
            return web.Response(status=400, text=e.path)
        await postbox.post(kind, found)
        return web.Response(status=204)

    return handle


def _hung_up(status: int) -> web.Response:
    """The rest of the body is not waited for."""
    response = web.Response(status=status)
    response.force_close()
    return response
