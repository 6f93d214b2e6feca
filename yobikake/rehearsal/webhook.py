"""A partner's system that is told of alerts: it checks signatures as Standard Webhooks says, and leaves repeats out."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any, ClassVar

from aiohttp import web

from channels._hook.signature import PREFIX
from channels.webhook.event import TEST
from hub.clock import Clock, utc_now
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import EXCHANGE, HttpGateway
from yobikake.rehearsal.inbox import Inbox

PATH = "/hooks/{system}"
TOLERANCE_S = 300


class Receiver(HttpGateway):
    """Any number of systems, each at `url_of`. `secret` is shared with all of them."""

    channel = "webhook"
    for_good = frozenset({410})
    gone: ClassVar[int] = 410
    """The answer of one that takes nothing."""
    later: ClassVar[int] = 500
    """The answer of one that takes it the second time."""

    def __init__(
        self,
        inbox: Inbox,
        *,
        secret: str,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self._put_off: set[str] = set()
        self._secret = base64.b64decode(secret.removeprefix(PREFIX))
        self.known: set[str] = set()
        """Ids of messages that were taken. What comes again is answered, and left out."""

    def url_of(self, system: str) -> str:
        return f"{self.url}{PATH.format(system=system)}"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post(PATH, self._take), web.head(PATH, self._head)]

    def error(self, status: int, request: web.Request) -> web.Response:
        """Standard Webhooks leaves the body of an answer to its receiver."""
        headers = {"Retry-After": self.wait_s(7)} if status in (429, 503) else None
        return web.Response(status=status, text=self.words(status, request), headers=headers)

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        if request.method == "POST":
            exchange.to = [request.match_info["system"]]
            exchange.text = body.decode(errors="replace")

    async def _head(self, request: web.Request) -> web.Response:
        if not self._signed(request, b""):
            return web.Response(status=401)
        return web.Response(status=405, headers={"Allow": "POST"})

    async def _take(self, request: web.Request) -> web.Response:
        system, body = request.match_info["system"], await request.read()
        if not self._signed(request, body):
            return web.Response(status=401)
        if self.faults.hits(self.faults.permanent, "permanent", system):
            return web.Response(status=self.gone)
        if self.faults.hits(self.faults.temporary, "temporary", system) and system not in self._put_off:
            self._put_off.add(system)
            return web.Response(status=self.later)
        message = request.headers["webhook-id"]
        event = json.loads(body)
        data = event["data"]
        if not self.understood(data):
            return web.Response(status=422)
        exchange = request[EXCHANGE]
        exchange.key = message
        if message not in self.known:
            self.known.add(message)
            exchange.take(self._clock(), to=[system])
            if event.get("type") != TEST:
                self.keep(system, data, message)
        return web.Response(status=204)

    def understood(self, data: dict[str, Any]) -> bool:
        """Whether a signed message is of the form that was agreed."""
        return True

    def keep(self, system: str, data: dict[str, Any], message: str) -> None:
        """What came for the first time."""
        self.arrive(address=system, text=data["description"], key=message, subject=data["headline"])

    def _signed(self, request: web.Request, body: bytes) -> bool:
        message, at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        if not at.isdecimal() or abs(int(at) - self._clock().timestamp()) > TOLERANCE_S:
            return False
        signed = hmac.digest(self._secret, f"{message}.{at}.".encode() + body, hashlib.sha256)
        ours = f"v1,{base64.b64encode(signed).decode()}"
        return any(
            hmac.compare_digest(ours, each) for each in request.headers.get("webhook-signature", "").split()
        )
