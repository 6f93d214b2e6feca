"""One content management system, by its API: an alert is a post of WordPress, found again by its slug.

https://developer.wordpress.org/rest-api/reference/posts/, with an application password
(https://developer.wordpress.org/rest-api/reference/application-passwords/). WordPress keeps no key of a request: what makes
a repeat harmless is that the post is looked for before it is made (docs/decisions/0050).
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import aiohttp
import msgspec
from aiohttp import encode_basic_auth
from msgspec import Meta

from channels._secret import read_secret
from channels._session import GatewaySession, unanswered, why
from channels._settings import Url
from channels.website.place import Failed, InForce
from channels.website.wordpress_answers import failed
from channels.website.wordpress_post import PREFIX, Draft, Found, User, draft, slug
from hub import typed
from hub.channel import Parcel, freely
from hub.delivery import Outcome
from hub.errors import Refused
from hub.outbound import Outbound
from hub.reasons import told

REF = "wordpress"
"""Of the target."""
_API = "/wp-json/wp/v2"
_MOST = 50
"""Posts of one answer, with their texts: more might be longer than is read."""
_FIELDS = ",".join(("id", "slug", "status", "title.raw", "content.raw"))
"""Of `Found`: https://developer.wordpress.org/rest-api/using-the-rest-api/global-parameters/#_fields."""

_WITHDRAWN = {"status": "draft"}
"""Off the site, and still there for whoever wants to know what was said."""

Gate = Callable[[], None]
T = TypeVar("T")


class WordpressSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.website.wordpress]`. `url`: of the site, without `/wp-json`. `user`: of the hub alone, with the role of
    an editor: every published post of theirs whose slug begins as the hub's do is the hub's."""

    url: Url
    user: Annotated[str, Meta(pattern=r"^[^:]+$", description="without a colon / コロン（:）を入れずに")]
    password_file: Path
    category: Annotated[int, Meta(ge=1)] | None = None
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 10.0


class Wordpress:
    """One site. Implements `channels.website.place.Place`; changes are made one after another."""

    def __init__(self, settings: WordpressSettings, *, outbound: Outbound) -> None:
        """Raises `Refused` where this hub may not talk to it, `BadSettings` where the password cannot be read."""
        place = "[channels.website.wordpress]"
        password = read_secret(settings.password_file, setting=f"{place} password_file")
        self._url = settings.url.rstrip("/")
        self._category = settings.category
        self._authorization = encode_basic_auth(settings.user, password)
        self._session = GatewaySession(
            outbound=outbound,
            base_url=self._url,
            setting=f"{place} url",
            timeout_s=settings.timeout_s,
            connections=2,
        )
        self._one = asyncio.Lock()

    async def open(self) -> None:
        await self._session.open()

    async def close(self) -> None:
        await self._session.close()

    async def publish(self, parcel: Parcel) -> Failed | None:
        wanted = draft(parcel.content, category=self._category)
        async with self._one:
            try:
                parcel.prepare()
                before = await self._find(wanted.slug)
                number = await self._written(wanted, before, parcel.gate)
                return await self._read_back(wanted, number)
            except Failed as e:
                return e

    async def keep(self, in_force: InForce) -> None:
        """Posts of ours that somebody deleted are not made anew."""
        async with self._one:
            posts = await self._shown()
            wanted = {
                slug(said.content): draft(said.content, category=self._category)
                for said in (await in_force()).values()
            }
            for missing in wanted.keys() - {post.slug for post in posts}:
                found = await self._find(missing)
                posts += [found] if found is not None and found.status == "draft" else []
            for post in posts:
                change = _change(post, wanted.get(post.slug))
                if change is not None:
                    await self._change(post.id, change, freely)

    async def trouble(self) -> str:
        """Empty: it answers, and lets us publish."""
        try:
            user = await self._ask("GET", "/users/me", User, params={"context": "edit"})
        except Failed as e:
            return told("WordPress", e.reason, refused=e.outcome is Outcome.CREDENTIALS)
        except Refused as e:
            return e.message
        if not user.capabilities.get("publish_posts"):
            return (
                "WordPress：この利用者には投稿を公開する権限（publish_posts）がありません / "
                "WordPress: this user may not publish posts (publish_posts)"
            )
        return ""

    async def _written(self, wanted: Draft, before: Found | None, gate: Gate) -> int:
        """The post's number. A request without an answer leaves open whether it was made: then it is looked for."""
        if before is not None:
            return (await self._change(before.id, wanted, gate)).id
        try:
            return (await self._ask("POST", "/posts", Found, body=wanted, gate=gate)).id
        except Failed as e:
            if e.outcome is not Outcome.AMBIGUOUS:
                raise
            found = await self._find_after(wanted.slug, e)
            return found.id

    async def _find_after(self, wanted: str, lost: Failed) -> Found:
        try:
            found = await self._find(wanted)
        except Failed:
            raise lost from None
        if found is None:
            raise lost
        return found

    async def _read_back(self, wanted: Draft, number: int) -> Failed | None:
        post = await self._ask("GET", f"/posts/{number}", Found, params={"context": "edit"})
        if post.slug != wanted.slug:  # somebody has it already, in the bin perhaps: WordPress gave us another
            await self._change(number, _WITHDRAWN, freely)
            return Failed(Outcome.TEMPORARY, "slug")
        if post.status != "publish" or post.title.raw != wanted.title:
            return Failed(Outcome.TEMPORARY, "read back")
        return None

    async def _find(self, wanted: str) -> Found | None:
        query = {"slug": wanted, "status": "publish,future,draft,pending,private", "context": "edit"}
        found = await self._ask("GET", "/posts", list[Found], params=query)
        return found[0] if found else None

    async def _shown(self) -> list[Found]:
        """Ours that are on the site, however many."""
        author = (await self._ask("GET", "/users/me", User, params={"context": "edit"})).id
        query = {"author": str(author), "status": "publish", "context": "edit", "_fields": _FIELDS}
        posts: list[Found] = []
        while True:
            part = query | {"per_page": str(_MOST), "offset": str(len(posts))}
            found = await self._ask("GET", "/posts", list[Found], params=part)
            posts += found
            if len(found) < _MOST:
                return [post for post in posts if post.slug.startswith(PREFIX)]

    async def _change(self, number: int, body: object, gate: Gate) -> Found:
        try:
            return await self._ask("POST", f"/posts/{number}", Found, body=body, gate=gate)
        except Failed as e:  # to say the same again changes nothing
            if e.outcome is Outcome.AMBIGUOUS:
                raise Failed(Outcome.TEMPORARY, e.reason, e.retry_after) from None
            raise

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        gate: Gate = freely,
    ) -> T:
        """Raises `Failed`; of a request that only reads it is never ambiguous."""
        headers = {"Authorization": self._authorization, "Content-Type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with (
                self._session.gated(gate),
                self._session.request(
                    method, f"{self._url}{_API}{path}", params=params, data=data, headers=headers
                ) as answer,
            ):
                if answer.status >= 300:
                    raise failed(answer.status, answer.headers, await answer.read(), creates=body is not None)
                return typed.from_json(await answer.read(), kind)
        except (aiohttp.ClientError, TimeoutError) as e:
            outcome = unanswered(e) if body is not None else Outcome.TEMPORARY
            raise Failed(outcome, why(e)) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            outcome = Outcome.AMBIGUOUS if body is not None else Outcome.TEMPORARY
            raise Failed(outcome, "unreadable answer") from None


def _change(post: Found, wanted: Draft | None) -> object:
    """What to ask for, so that this post says what it should; None: it does."""
    if wanted is None:
        return _WITHDRAWN if post.status == "publish" else None
    return None if (post.status, post.content.raw) == ("publish", wanted.content) else wanted
