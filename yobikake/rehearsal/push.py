"""A push service to rehearse with, and the browsers behind it: it checks what RFC 8030 and RFC 8292 ask for, and each
message is opened as the browser would open it (RFC 8291).

Statuses: https://datatracker.ietf.org/doc/html/rfc8030#section-5, https://datatracker.ietf.org/doc/html/rfc8292#section-4.2.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

import msgspec
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub import typed
from hub.clock import Clock, utc_now
from hub.subscription import Subscription, encoded
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import EXCHANGE, HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.push_message import opened
from yobikake.rehearsal.push_token import refused

BODY_LIMIT = 4096
"""Bytes (RFC 8030 §7.2)."""
MORE = "https://mozilla-services.github.io/autopush-rs/errors.html"
ERRNO: Mapping[int, int] = {400: 101, 401: 109, 404: 102, 410: 106, 413: 104, 502: 901, 503: 201}
"""Of Mozilla's service, beside the status; 999: unknown."""
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_URGENCIES = frozenset({"very-low", "low", "normal", "high"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """`key`: the application server's public key that it subscribed under. Its `repr` shows no key."""

    subscription: Subscription
    private: EllipticCurvePrivateKey
    key: str

    def __repr__(self) -> str:
        return "Browser(…)"


class _Said(msgspec.Struct):
    """What a browser shows of a message."""

    title: str
    body: str


class PushService(HttpGateway):
    """An arrival's address is the subscription's line, its subject the title, its text the lines; its key is the topic, so
    that a repeat of the same message is seen. `permanent` makes subscriptions that were given up; `temporary` refuses
    the first message of a browser.
    """

    channel = "webpush"
    for_good: ClassVar[frozenset[int]] = frozenset({400, 403, 404, 410, 413})

    def __init__(
        self, inbox: Inbox, *, faults: Faults | None = None, clock: Clock = utc_now, port: int = 0
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.browsers: dict[str, Browser] = {}
        """By the last part of the endpoint. One that is taken out has given its subscription up."""
        self.opened: list[bytes] = []
        """What the browsers opened, in order."""
        self._put_off: set[str] = set()

    def subscribe(self, key: str) -> Subscription:
        """A browser more. `key`: the city's public key. Call it once the service listens: its address is part of it."""
        name, private = os.urandom(16).hex(), generate_private_key(SECP256R1())
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        subscription = Subscription(f"{self.url}/push/{name}", public, os.urandom(16))
        self.browsers[name] = Browser(subscription=subscription, private=private, key=key)
        return subscription

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return (web.post("/push/{name}", self._push), web.get("/", self._root))

    def error(self, status: int, request: web.Request) -> web.Response:
        """As Mozilla's service words it: https://mozilla-services.github.io/autopush-rs/errors.html"""
        answer = _status(status, self.words(status, request))
        if status == 429:
            answer.headers["Retry-After"] = self.wait_s(30)
        return answer

    def refusal(self, refusal: Refusal, request: web.Request) -> web.Response:
        """RFC 8292 §4.2: a key that it was not subscribed under is 403."""
        wrong_key = refusal is Refusal.CREDENTIALS
        return self.error(403, request) if wrong_key else super().refusal(refusal, request)

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        exchange.key = request.headers.get("Topic", "")
        browser = self.browsers.get(request.match_info.get("name", ""))
        if browser is not None:
            exchange.to = [browser.subscription.line]

    async def _root(self, request: web.Request) -> web.Response:
        return _status(404)

    async def _push(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await request.read()
        browser = self.browsers.get(name)
        if browser is None:
            return _status(404)
        line = browser.subscription.line
        if (status := _wrong(request, body)) is not None:
            return _status(status)
        token = request.headers.get("Authorization", "")
        if (status := refused(token, key=browser.key, audience=self.url, now=self._clock())) is not None:
            return _status(status)
        if self.faults.hits(self.faults.permanent, "permanent", line):
            return _status(410)
        if self.faults.hits(self.faults.temporary, "temporary", line) and name not in self._put_off:
            self._put_off.add(name)
            return self.refusal(Refusal.DOWN, request)
        return self._deliver(browser, request, body)

    def _deliver(self, browser: Browser, request: web.Request, body: bytes) -> web.Response:
        """A service takes what it cannot read; a browser drops what it cannot open. A rehearsal says so at once."""
        try:
            plain = opened(body, browser.subscription, browser.private)
            said = typed.from_json(plain, _Said)
        except (InvalidTag, ValueError, msgspec.DecodeError):
            return _status(400)
        line, exchange = browser.subscription.line, request[EXCHANGE]
        exchange.text = f"{said.title}\n{said.body}"
        exchange.take(self._clock(), to=[line])
        topic = request.headers.get("Topic", "")
        self.opened.append(plain)
        self.arrive(address=line, subject=said.title, text=said.body, key=topic)
        return web.Response(status=201, headers={"Location": f"{self.url}/message/{encoded(os.urandom(12))}"})


def _wrong(request: web.Request, body: bytes) -> int | None:
    """The status of a request that breaks RFC 8030; None: it does not."""
    if len(body) > BODY_LIMIT:
        return 413
    topic, urgency = request.headers.get("Topic"), request.headers.get("Urgency", "normal")
    ttl = request.headers.get("TTL", "")
    good = (
        ttl.isascii()
        and ttl.isdigit()
        and (topic is None or _TOPIC.fullmatch(topic) is not None)
        and urgency in _URGENCIES
        and request.headers.get("Content-Encoding") == "aes128gcm"
    )
    return None if good else 400


def _status(status: int, message: str = "") -> web.Response:
    said = {
        "code": status,
        "errno": ERRNO.get(status, 999),
        "error": HTTPStatus(status).phrase,
        "message": message,
    }
    return web.json_response(said | {"more_info": MORE}, status=status)
