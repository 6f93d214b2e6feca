"""Answers in the chat, by the token that came with what is answered: they never count against the month's messages.

    https://developers.line.biz/en/reference/messaging-api/#send-reply-message

A token works once and for about a minute, so an answer that did not arrive is lost and nobody gets one twice.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import msgspec
import structlog

from channels._answer import reading
from channels._secret import read_secret
from channels._session import GatewaySession, is_object, why
from channels.line.answers import ACCEPTED, UNREADABLE, classify
from channels.line.message import Message
from channels.line.settings import Settings
from hub.delivery import Outcome
from hub.errors import Refused
from hub.outbound import Outbound

log = structlog.get_logger(__name__)

MOST = 5
"""Message objects of one reply."""
CONNECTIONS = 20
WITHIN_S = 30.0
"""Of a token's minute: what is later than that is not tried any more."""
AGAIN = frozenset({Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.AMBIGUOUS})
"""Tried once more. A reply that did arrive has used its token up: the second one is refused."""


class Replies:
    """One account's. Open it first."""

    def __init__(self, settings: Settings, *, outbound: Outbound) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self._token = read_secret(settings.access_token_file, setting="[channels.line] access_token_file")
        self._base_url = settings.base_url.rstrip("/")
        self._session = GatewaySession(
            outbound=outbound,
            base_url=settings.base_url,
            setting="[channels.line] base_url",
            timeout_s=min(settings.timeout_s, WITHIN_S / 3),
            connections=CONNECTIONS,
            speaks_json=True,
        )
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def open(self) -> None:
        await self._session.open()

    async def close(self) -> None:
        await self._session.close()

    async def reply(self, reply_token: str, messages: Sequence[Message]) -> bool:
        """Whether LINE took it. Never raises for what LINE or the network does; logs no word of it."""
        body = msgspec.json.encode({"replyToken": reply_token, "messages": messages[:MOST]})
        try:
            async with asyncio.timeout(WITHIN_S), self._free:
                outcome, reason = await self._answered(body)
                if outcome in AGAIN:
                    outcome, reason = await self._answered(body)
        except TimeoutError:
            outcome, reason = Outcome.AMBIGUOUS, "late"
        except Refused as e:
            outcome, reason = Outcome.CREDENTIALS, e.message
        log.info("line reply", outcome=outcome.name, reason=reason, messages=len(messages))
        return outcome is Outcome.ACCEPTED

    async def _answered(self, body: bytes) -> tuple[Outcome, str]:
        """A production hub finds out first that it does not talk to a rehearsal gateway."""
        try:
            if not self._session.recognised:
                await self._request("GET", "/v2/bot/info")
            return await self._request("POST", "/v2/bot/message/reply", body)
        except (aiohttp.ClientError, TimeoutError) as e:
            return Outcome.TEMPORARY, why(e)

    async def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[Outcome, str]:
        options: Mapping[str, Any] = {} if body is None else {"data": body}
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        async with self._session.request(method, self._base_url + path, headers=headers, **options) as answer:
            with reading():
                text = await answer.text(errors="replace")
            if answer.status == 200:
                said = ACCEPTED if is_object(text) else UNREADABLE
            else:
                said = classify(answer.status, text)
            return said.outcome, said.reason
