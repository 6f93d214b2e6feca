"""What LINE delivers to a webhook: events of people in a chat, signed with the channel's secret.

https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import aiohttp
import msgspec

from yobikake.rehearsal.line import LineGateway

BOT = "U" + "0" * 32

LineEvent = dict[str, Any]


class LineSender:
    """Delivers to `url`. Reply tokens are the gateway's, which then takes them."""

    def __init__(self, gateway: LineGateway, *, url: str, channel_secret: str) -> None:
        self._gateway = gateway
        self._url = url
        self._secret = channel_secret.encode()
        self._numbers = count(1)

    def follow(self, user: str, *, unblocked: bool = False) -> LineEvent:
        return self._event("follow", user, follow={"isUnblocked": unblocked}, **self._token(user))

    def unfollow(self, user: str) -> LineEvent:
        return self._event("unfollow", user)

    def text(self, user: str, text: str) -> LineEvent:
        message = {"type": "text", "id": str(next(self._numbers)), "text": text, "quoteToken": "q"}
        return self._event("message", user, message=message, **self._token(user))

    def location(self, user: str, latitude: float, longitude: float) -> LineEvent:
        message = {
            "type": "location",
            "id": str(next(self._numbers)),
            "latitude": latitude,
            "longitude": longitude,
        }
        return self._event("message", user, message=message, **self._token(user))

    def sticker(self, user: str) -> LineEvent:
        message = {
            "type": "sticker",
            "id": str(next(self._numbers)),
            "quoteToken": "q",
            "packageId": "1",
            "stickerId": "1",
            "stickerResourceType": "STATIC",
        }
        return self._event("message", user, message=message, **self._token(user))

    def postback(self, user: str, data: str) -> LineEvent:
        return self._event("postback", user, postback={"data": data}, **self._token(user))

    def account_link(self, user: str) -> LineEvent:
        return self._event("accountLink", user, link={"result": "ok", "nonce": "n"}, **self._token(user))

    def body(self, events: Sequence[LineEvent]) -> bytes:
        return msgspec.json.encode({"destination": BOT, "events": events})

    def headers(self, body: bytes) -> Mapping[str, str]:
        signature = base64.b64encode(hmac.digest(self._secret, body, hashlib.sha256)).decode()
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "LineBotWebhook/2.0",
            "X-Line-Signature": signature,
        }

    async def deliver(self, *events: LineEvent) -> int:
        """As LINE does; the status of the answer."""
        body = self.body(events)
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._url, data=body, headers=self.headers(body)) as answer,
        ):
            return answer.status

    def again(self, event: LineEvent) -> LineEvent:
        """The same, redelivered."""
        return event | {"deliveryContext": {"isRedelivery": True}}

    def _token(self, user: str) -> dict[str, str]:
        return {"replyToken": self._gateway.reply_token(user)}

    def _event(self, kind: str, user: str, **more: Any) -> LineEvent:
        """Its id is a ULID by form (https://github.com/ulid/spec)."""
        return {
            "type": kind,
            "mode": "active",
            "timestamp": int(self._gateway.now().timestamp() * 1000),
            "source": {"type": "user", "userId": user},
            "webhookEventId": f"01{next(self._numbers):024}",
            "deliveryContext": {"isRedelivery": False},
            **more,
        }
