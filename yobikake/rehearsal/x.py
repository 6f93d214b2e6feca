"""An X API v2 to rehearse with: posting, pictures, the account's own data, its timeline.

Limits, words and statuses: https://docs.x.com/x-api
"""

import binascii
import hashlib
import html
import re
import unicodedata
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count
from typing import ClassVar

import msgspec
from aiohttp import web

from channels.x.weight import LIMIT, weight
from hub import typed
from hub.clock import Clock, utc_now
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import EXCHANGE, HttpGateway
from yobikake.rehearsal.inbox import Inbox, Picture
from yobikake.rehearsal.x_bodies import Create, Describe, Upload

WINDOW = timedelta(minutes=15)
OAUTH = re.compile(r'oauth_(consumer_key|token|signature)="([^"]+)"')
LINK = re.compile(r"https?://[^\s]+")
PNG = b"\x89PNG\r\n\x1a\n"
LARGEST_IMAGE = 5 * 1024 * 1024
"""Bytes (https://docs.x.com/x-api/media)."""
FIRST_ID = 1_800_000_000_000_000_000


class XGateway(HttpGateway):
    """An account is whoever the OAuth token's number says; its address in the inbox is `post:<number>`.

    `pictures`: what was uploaded, by its id. `posts_per_window` is the limit of posts an account makes in 15 minutes. An arrival's key is the
    post's id; its text is what was posted, before X changes links and entities. `permanent` and
    `temporary` go by text: a text that X forbids, a text refused once with 503.
    """

    channel = "x"
    for_good: ClassVar[frozenset[int]] = frozenset({400, 403})

    def __init__(
        self,
        inbox: Inbox,
        *,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
        posts_per_window: int = 100,
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.posts_per_window = posts_per_window
        self.pictures: dict[str, Picture] = {}
        self.revoked: set[str] = set()
        """Numbers of accounts whose keys are no longer good."""
        self._accounts: dict[str, _Account] = {}
        self._ids = count(FIRST_ID)
        self._put_off: set[str] = set()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return (
            web.post("/2/tweets", self._create),
            web.post("/2/media/upload", self._upload),
            web.post("/2/media/metadata", self._describe),
            web.get("/2/users/me", self._me),
            web.get("/2/users/{id}/tweets", self._timeline),
        )

    def error(self, status: int, request: web.Request) -> web.Response:
        if status == 429:
            return self._throttled(_Window(ends=self._clock() + (self.retry_after or WINDOW)))
        return _problem(status, HTTPStatus(status).phrase, self.words(status, request))

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        account = self._account(request)
        try:
            create = typed.from_json(body, Create)
        except msgspec.DecodeError:
            return
        if account is not None:
            exchange.to = [f"post:{account.number}"]
            exchange.text = unicodedata.normalize("NFC", create.text)

    def open_for(self, exchange: Exchange) -> int:
        """A thread that ends in the middle is open, whatever the answer was."""
        return len(exchange.to)

    async def _create(self, request: web.Request) -> web.Response:
        account = self._account(request)
        if account is None:
            return _unauthorised()
        window = self._window(account)
        if window.made >= self.posts_per_window:
            return self._throttled(window)
        window.made += 1
        answer = self._answer_post(account, await request.read(), request[EXCHANGE])
        answer.headers.update(self._limits(window))
        return answer

    def _answer_post(self, account: "_Account", body: bytes, exchange: Exchange) -> web.Response:
        try:
            create = typed.from_json(body, Create)
        except msgspec.DecodeError as e:
            return _invalid(f"{e}")
        if create.media is not None and not self.pictures.keys() >= set(create.media.media_ids):
            return _invalid("Your media IDs are invalid.")
        return self._refused_post(account, create, exchange) or self._publish(account, create, exchange)

    def _refused_post(self, account: "_Account", create: "Create", exchange: Exchange) -> web.Response | None:
        text = unicodedata.normalize("NFC", create.text)
        if weight(text) > LIMIT:
            return _problem(400, "Invalid Request", "Your Tweet text is too long.")
        if create.reply is not None and create.reply.in_reply_to_tweet_id not in account.ids:
            return _forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
        if text in account.posted:
            exchange.about.append(account.posted[text])
            return _forbidden("You are not allowed to create a Tweet with duplicate content.")
        if self.faults.hits(self.faults.permanent, "permanent", text):
            return _forbidden("You are not permitted to perform this action.")
        if self.faults.hits(self.faults.temporary, "temporary", text) and text not in self._put_off:
            self._put_off.add(text)
            return _problem(503, "Service Unavailable", "Service Unavailable")
        return None

    def _publish(self, account: "_Account", create: "Create", exchange: Exchange) -> web.Response:
        number = str(next(self._ids))
        text = unicodedata.normalize("NFC", create.text)
        exchange.key = number
        exchange.take(self._clock(), to=exchange.to)
        account.posted[text] = exchange
        account.ids.append(number)
        pictures = create.media.media_ids if create.media else ()
        shown = _shown(text, pictures)
        account.shown.append({"id": number, "text": shown, "edit_history_tweet_ids": [number]})
        for picture in pictures:
            self.pictures[picture].post = number
            self.inbox.pictures[number] = self.pictures[picture]
        self.arrive(address=f"post:{account.number}", text=text, key=number)
        return _json({"data": account.shown[-1]}, status=201)

    async def _upload(self, request: web.Request) -> web.Response:
        if self._account(request) is None:
            return _unauthorised()
        try:
            upload = typed.from_json(await request.read(), Upload)
            png = b64decode(upload.media, validate=True)
        except (msgspec.DecodeError, binascii.Error) as e:
            return _invalid(f"{e}")
        if not png.startswith(PNG) or len(png) > LARGEST_IMAGE:
            return _invalid("The media is no image of this type, or is too large.")
        number = str(next(self._ids))
        self.pictures[number] = Picture(png=png)
        described = {"id": number, "media_key": f"3_{number}", "size": len(png), "expires_after_secs": 86400}
        return _json({"data": described, "meta": {}})

    async def _describe(self, request: web.Request) -> web.Response:
        if self._account(request) is None:
            return _unauthorised()
        try:
            words = typed.from_json(await request.read(), Describe)
        except msgspec.DecodeError as e:
            return _invalid(f"{e}")
        if words.id not in self.pictures:
            return _invalid("Your media IDs are invalid.")
        self.pictures[words.id].alt_text = words.metadata.alt_text.text
        associated = {"alt_text": {"text": words.metadata.alt_text.text}}
        return _json({"data": {"id": words.id, "associated_metadata": associated}})

    async def _me(self, request: web.Request) -> web.Response:
        account = self._account(request)
        if account is None:
            return _unauthorised()
        return _json({"data": {"id": account.number, "name": "よびかけ市（訓練用）", "username": "yobikake"}})

    async def _timeline(self, request: web.Request) -> web.Response:
        if self._account(request) is None:
            return _unauthorised()
        wanted = request.query.get("max_results", "10")
        if not wanted.isdecimal() or not 5 <= int(wanted) <= 100:
            return _invalid("The `max_results` query parameter value is not between 5 and 100")
        account = self._accounts.get(request.match_info["id"])
        latest = account.shown[-1 : -1 - int(wanted) : -1] if account else []
        if not latest:
            return _json({"meta": {"result_count": 0}})
        if account is not None:
            listed = {post["id"] for post in latest}
            request[EXCHANGE].about += [each for each in account.posted.values() if each.key in listed]
        meta = {"result_count": len(latest), "newest_id": latest[0]["id"], "oldest_id": latest[-1]["id"]}
        return _json({"data": latest, "meta": meta})

    def _account(self, request: web.Request) -> "_Account | None":
        """Whose signature it is; None without an OAuth 1.0a header, or where its keys were revoked. The signature is not
        recomputed."""
        scheme, _, parameters = request.headers.get("Authorization", "").partition(" ")
        given = dict(OAUTH.findall(parameters))
        if scheme != "OAuth" or len(given) < 3:
            return None
        number = given["token"].partition("-")[0]
        if number in self.revoked:
            return None
        return self._accounts.setdefault(number, _Account(number=number))

    def _window(self, account: "_Account") -> "_Window":
        if account.window is None or account.window.ends <= self._clock():
            account.window = _Window(ends=self._clock() + WINDOW)
        return account.window

    def _throttled(self, window: "_Window") -> web.Response:
        answer = _problem(429, "Too Many Requests", "Too Many Requests")
        window.made = max(window.made, self.posts_per_window)
        answer.headers.update(self._limits(window))
        return answer

    def _limits(self, window: "_Window") -> Mapping[str, str]:
        return {
            "x-rate-limit-limit": str(self.posts_per_window),
            "x-rate-limit-remaining": str(self.posts_per_window - window.made),
            "x-rate-limit-reset": str(int(window.ends.timestamp())),
        }


@dataclass(slots=True, kw_only=True)
class _Window:
    ends: datetime
    made: int = 0


@dataclass(slots=True, kw_only=True)
class _Account:
    number: str
    posted: dict[str, Exchange] = field(default_factory=dict)
    """By text: the request that posted it."""
    ids: list[str] = field(default_factory=list)
    shown: list[dict[str, object]] = field(default_factory=list)
    window: _Window | None = None


def _shown(text: str, pictures: Sequence[str]) -> str:
    """The text as X gives it back: links through t.co, three characters as entities, and behind it one link for all
    its pictures."""
    shown = LINK.sub(lambda link: f"https://t.co/{_short(link.group())}", text)
    if pictures:
        shown += f" https://t.co/{_short(pictures[0])}"
    return html.escape(shown, quote=False)


def _short(link: str) -> str:
    return hashlib.blake2b(link.encode(), digest_size=5).hexdigest()


def _unauthorised() -> web.Response:
    return _problem(401, "Unauthorized", "Unauthorized")


def _forbidden(detail: str) -> web.Response:
    return _problem(403, "Forbidden", detail)


def _invalid(message: str) -> web.Response:
    return _json(
        {
            "errors": [{"message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": "https://api.twitter.com/2/problems/invalid-request",
        },
        status=400,
    )


def _problem(status: int, title: str, detail: str) -> web.Response:
    return _json({"title": title, "detail": detail, "type": "about:blank", "status": status}, status=status)


def _json(body: Mapping[str, object], *, status: int = 200) -> web.Response:
    kind = "application/json" if status < 400 else "application/problem+json"
    return web.Response(status=status, body=msgspec.json.encode(body), content_type=kind)
