"""The city's chatbot goes on: what is not ours reaches it as LINE wrote it, byte for byte, under LINE's own signature.

It never holds up anything of ours. What it does not take within some seconds, or what comes faster than it takes, is lost
to it, as it would be without this hub; that is logged and counted.
"""

import asyncio
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import structlog

from channels._session import GatewaySession, why
from channels.line.settings import Chatbot
from hub.background import Background
from hub.errors import BadSettings, HubError
from hub.outbound import Deployment, Outbound

log = structlog.get_logger(__name__)

SETTING = "[channels.line.chatbot] webhook_url"
MOST = 500
"""Webhooks that wait."""
MOST_BYTES = 16 * 1024 * 1024
WORKERS = 4


class _Webhook(NamedTuple):
    body: bytes
    signature: str
    content_type: str


class Relay:
    """To one chatbot. Open it first."""

    def __init__(self, settings: Chatbot, *, outbound: Outbound) -> None:
        """Raises `Refused` or `BadSettings` where this hub may not talk to that address."""
        self._url = settings.webhook_url
        parts = urlsplit(self._url)
        if outbound.deployment is Deployment.PRODUCTION and parts.scheme != "https":
            raise BadSettings(SETTING, "needs https:// / https:// のアドレスを書いてください")
        self._session = GatewaySession(
            outbound=outbound,
            base_url=f"{parts.scheme}://{parts.netloc}",
            setting=SETTING,
            timeout_s=settings.timeout_s,
            connections=WORKERS,
            third_party=True,
        )
        self._waiting: asyncio.Queue[_Webhook] = asyncio.Queue(MOST)
        self._bytes = 0
        self._background = Background()
        self.lost = 0
        """Since the start."""

    async def open(self) -> None:
        await self._session.open()
        for number in range(WORKERS):
            self._background.start(self._work(), name=f"chatbot relay {number}")

    async def close(self) -> None:
        """What still waits is lost, and counted."""
        await self._background.finish(timeout_s=0)
        if left := self._waiting.qsize():
            self._lose("the hub stopped", number=left)
        await self._session.close()

    def offer(self, body: bytes, signature: str, content_type: str) -> None:
        """Returns at once."""
        if self._waiting.full() or self._bytes + len(body) > MOST_BYTES:
            self._lose("too many wait")
            return
        self._waiting.put_nowait(_Webhook(body, signature, content_type))
        self._bytes += len(body)

    async def _work(self) -> None:
        while True:
            webhook = await self._waiting.get()
            try:
                await self._hand_over(webhook)
            except Exception:  # whatever it is, the next one is not to suffer from it
                log.exception("a webhook could not be passed on")
                self._lose("a fault of ours")
            finally:
                self._bytes -= len(webhook.body)
                self._waiting.task_done()

    async def _hand_over(self, webhook: _Webhook) -> None:
        headers = {
            "X-Line-Signature": webhook.signature,
            "Content-Type": webhook.content_type,
            "User-Agent": "LineBotWebhook/2.0",  # some chatbots look at it
        }
        try:
            async with self._session.request("POST", self._url, headers=headers, data=webhook.body) as answer:
                if not 200 <= answer.status < 300:
                    self._lose(str(answer.status))
        except (aiohttp.ClientError, TimeoutError) as e:
            self._lose(why(e))
        except HubError as e:
            self._lose(type(e).__name__)

    def _lose(self, reason: str, *, number: int = 1) -> None:
        self.lost += number
        log.warning("a webhook did not reach the chatbot", reason=reason, webhooks=number, lost=self.lost)
