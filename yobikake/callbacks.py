"""Where providers report what became of what they accepted: `POST /callbacks/<channel>`."""

from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from hub.channel import Callbacks
from hub.errors import BadInput, Forbidden
from hub.postbox import Postbox
from yobikake.connectors import Configured

log = structlog.get_logger(__name__)

MOST_BYTES = 64 * 1024


def routes(channels: Mapping[str, Configured], postbox: Postbox) -> list[web.RouteDef]:
    """One route for each channel that reports later. The signature is verified before anything is read."""
    return [
        web.post(f"/callbacks/{kind}", _handler(kind, configured.channel, postbox))
        for kind, configured in channels.items()
        if isinstance(configured.channel, Callbacks)
    ]


def _handler(kind: str, channel: Callbacks, postbox: Postbox) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if (request.content_length or 0) > MOST_BYTES:
            return web.Response(status=413)
        try:
            found = channel.parse(request.headers, await request.read())
        except Forbidden:
            log.warning("a callback's signature is wrong", channel=kind)
            return web.Response(status=403)
        except BadInput as e:
            log.warning("a callback is not understood", channel=kind, place=e.path)
            return web.Response(status=400, text=e.path)
        await postbox.post(kind, found)
        return web.Response(status=204)

    return handle
