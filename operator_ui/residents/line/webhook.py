"""Where LINE delivers: `POST /callbacks/line`. Nothing is read before the signature over the raw body is right."""

import asyncio
from collections.abc import Sequence

import structlog
from aiohttp import hdrs, web

from channels.line import webhook
from channels.line.relay import Relay
from hub.errors import BadInput, DatabaseAway, DiskFull, Forbidden
from operator_ui.residents.line.chat import Chat
from shelters.gateway import read_body

log = structlog.get_logger(__name__)

PATH = "/callbacks/line"
MOST_BYTES = 256 * 1024
WHOLE_WITHIN_S = 10.0
"""A body that takes longer only holds the connection."""


class Webhook:
    """`relay`: to the account's chatbot, if it has one."""

    def __init__(self, chat: Chat, *, channel_secret: str, relay: Relay | None = None) -> None:
        self._chat = chat
        self._secret = channel_secret
        self._relay = relay

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._take)]

    async def _take(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(WHOLE_WITHIN_S):
                body = await read_body(request, most_bytes=MOST_BYTES)
        except TimeoutError:
            return _hung_up(408)
        if body is None:
            return _hung_up(413)
        signature = request.headers.get("X-Line-Signature", "")
        try:
            webhook.verify(body, signature, channel_secret=self._secret)
            events = webhook.parse(body)
        except Forbidden:
            log.warning("a webhook's signature is wrong", channel="line")
            return web.Response(status=403)
        except BadInput as e:
            log.warning("a webhook is not understood", channel="line", place=e.path)
            return web.Response(status=400, text=e.path)
        return await self._taken(events, request, body, signature)

    async def _taken(
        self, events: Sequence[webhook.Event], request: web.Request, body: bytes, signature: str
    ) -> web.Response:
        if self._relay is not None and any(map(self._chat.foreign, events)):
            self._relay.offer(body, signature, request.headers.get(hdrs.CONTENT_TYPE, "application/json"))
        try:
            await self._chat.take(events)
        except (DatabaseAway, DiskFull):
            log.warning("a webhook could not be kept: the database is away", channel="line")
            return web.Response(status=503)
        return web.Response(status=200)


def _hung_up(status: int) -> web.Response:
    """The rest of the body is not waited for."""
    response = web.Response(status=status)
    response.force_close()
    return response
