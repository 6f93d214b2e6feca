"""One account of X through tweepy: who it is, its timeline, posting to it.

What X or the network does comes back as an `Answer`; only `Refused` is raised.
"""

import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec
from tweepy.asynchronous import AsyncClient
from yarl import URL

from channels._answer import reading
from channels._secret import read_secret
from channels._session import GatewaySession, unanswered, why
from channels.x.answers import Answer, classify
from hub import typed
from hub.clock import Clock
from hub.delivery import Outcome
from hub.errors import BadSettings

T = TypeVar("T")

# both log what they sign and send
for _library in ("tweepy", "oauthlib"):
    logging.getLogger(_library).setLevel(logging.INFO)

LIBRARY_URL = "https://api.twitter.com"
"""Fixed in tweepy, and part of what it signs: the real provider's address must stay this one."""

TIMELINE_LENGTH = 50


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OAuth 1.0a keys of the app and of the account that posts."""

    consumer_key_file: Path
    consumer_secret_file: Path
    access_token_file: Path
    access_token_secret_file: Path


class Account:
    """Requests signed for one account. `session` may serve several."""

    def __init__(self, keys: Keys, session: GatewaySession, clock: Clock, *, setting: str) -> None:
        """Raises `BadSettings`; `setting` names the stanza."""
        secrets = {
            name.removesuffix("_file"): read_secret(path, setting=f"{setting} {name}")
            for name, path in msgspec.structs.asdict(keys).items()
        }
        self._id, dash, _ = secrets["access_token"].partition("-")
        if not dash or not self._id.isdecimal():
            raise BadSettings(
                f"{setting} access_token_file",
                "holds no OAuth 1.0a access token, which begins with the account's number and a hyphen / "
                "アカウントの番号とハイフンで始まる OAuth 1.0a のトークンではありません",
            )
        self._client = AsyncClient(**secrets, return_type=dict)
        self._client.session = _Asked(session)
        self._session = session
        self.gated = session.gated
        self._clock = clock

    @property
    def recognised(self) -> bool:
        """The gateway has answered, and may be posted to."""
        return self._session.recognised

    async def recognise(self) -> Answer | None:
        """Read something, so that the gateway says what it is; None once it has."""
        answer = await self.read()
        return None if self.recognised else replace(answer, outcome=Outcome.TEMPORARY)

    async def read(self) -> Answer:
        """ACCEPTED if X knows the account. Posts nothing."""
        me = await self._ask(self._client.get_me(), _One)
        return me if isinstance(me, Answer) else Answer(outcome=Outcome.ACCEPTED)

    async def timeline(self) -> tuple["Published", ...] | Answer:
        """The account's latest posts, newest first."""
        latest = await self._ask(
            self._client.get_users_tweets(self._id, max_results=TIMELINE_LENGTH, user_auth=True), _Many
        )
        return latest if isinstance(latest, Answer) else latest.data

    async def post(self, text: str, *, reply_to: str | None, picture: str | None = None) -> Answer:
        """`picture`: the id that `upload` gave."""
        request = self._client.create_tweet(
            text=text, in_reply_to_tweet_id=reply_to, media_ids=[picture] if picture else None
        )
        created = await self._ask(request, _One)
        if isinstance(created, Answer):
            return created
        return Answer(outcome=Outcome.ACCEPTED, post=created.data.id)

    async def upload(self, png: bytes) -> str | Answer:
        """A picture's id, for one post within a day. Nobody sees it before (X API v2, media/upload)."""
        body = {"media": b64encode(png).decode(), "media_category": "tweet_image", "media_type": "image/png"}
        uploaded = await self._ask(self._send("/2/media/upload", body), _Uploaded)
        return uploaded if isinstance(uploaded, Answer) else uploaded.data.id

    async def describe(self, picture: str, alt_text: str) -> Answer:
        """ACCEPTED once X has the words for those who do not see the picture (media/metadata)."""
        body = {"id": picture, "metadata": {"alt_text": {"text": alt_text}}}
        described = await self._ask(self._send("/2/media/metadata", body), _Described)
        return described if isinstance(described, Answer) else Answer(outcome=Outcome.ACCEPTED)

    async def _send(self, route: str, body: Mapping[str, object]) -> dict[str, Any]:
        """What tweepy has no method for."""
        response = await self._client.request("POST", route, params={}, json=body, user_auth=True)
        answer: dict[str, Any] = await response.json()
        return answer

    async def _ask(self, request: Awaitable[dict[str, Any]], kind: type[T]) -> T | Answer:
        try:
            with reading(_Refusal):
                return typed.convert(await request, kind)
        except _Refusal as e:
            return classify(e.status, e.problem, e.headers, self._clock())
        except aiohttp.ContentTypeError as e:
            return classify(e.status, {}, e.headers or {}, self._clock())
        except (aiohttp.ClientError, TimeoutError) as e:
            return Answer(outcome=unanswered(e), reason=why(e))


class _Refusal(Exception):
    """X did not do it. `problem`: its JSON, or empty."""

    def __init__(self, status: int, problem: Mapping[str, object], headers: Mapping[str, str]) -> None:
        self.status, self.problem, self.headers = status, problem, headers


class _Asked:
    """The session that tweepy has. What is no success never gets to it: it takes whatever JSON came for an object."""

    def __init__(self, session: GatewaySession) -> None:
        self._session = session

    @asynccontextmanager
    async def request(
        self, method: str, url: str | URL, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._session.request(method, url, **options) as response:
            if not 200 <= response.status < 300:
                raise _Refusal(response.status, _problem(await response.read()), response.headers)
            yield response


def _problem(body: bytes) -> dict[str, object]:
    try:
        return typed.from_json(body, dict)
    except ValueError:
        return {}


class Published(msgspec.Struct, frozen=True):
    """A public post. X changes its links, and writes `&`, `<`, `>` as entities."""

    id: str
    text: str = ""


class _One(msgspec.Struct, frozen=True):
    """A user, or a post just created."""

    data: Published


class _Media(msgspec.Struct, frozen=True):
    id: str


class _Uploaded(msgspec.Struct, frozen=True):
    data: _Media


class _Described(msgspec.Struct, frozen=True):
    """X gives back what it was told; its status says that it took it."""


class _Many(msgspec.Struct, frozen=True):
    """`meta` is always there; `data` is not where nothing was posted."""

    meta: dict[str, object]
    data: tuple[Published, ...] = ()
