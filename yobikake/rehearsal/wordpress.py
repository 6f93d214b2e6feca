"""A WordPress to rehearse with: posts, found by slug, and the user that an application password belongs to.

Fields, codes and statuses: https://developer.wordpress.org/rest-api/reference/posts/.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from aiohttp import encode_basic_auth, web

from hub import typed
from hub.clock import Clock, utc_now
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import EXCHANGE, HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox

API = "/wp-json/wp/v2"
ADDRESS = "wordpress"
"""Of an arrival: there is one site."""
_FIELDS = frozenset(
    {"slug", "status", "title", "content", "excerpt", "comment_status", "ping_status", "categories"}
)
CODES: Mapping[int, str] = {
    400: "rest_invalid_param",
    401: "incorrect_password",
    403: "rest_cannot_create",
    404: "rest_no_route",
    429: "too_many_requests",
    500: "internal_server_error",
    503: "unavailable",
}
_STATUSES = frozenset({"publish", "future", "draft", "pending", "private"})


class WordpressSite(HttpGateway):
    """An arrival is a post that was published, its key the slug. `temporary` refuses the first change of a slug."""

    channel = "website"

    def __init__(
        self,
        inbox: Inbox,
        *,
        user: str,
        password: str,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.posts: dict[int, dict[str, Any]] = {}
        """By number; may be changed, as staff may in the dashboard."""
        self.capabilities = {"publish_posts": True}
        self._authorization = encode_basic_auth(user, password)
        self._put_off: set[str] = set()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return (
            web.get(f"{API}/posts", self._list),
            web.post(f"{API}/posts", self._create),
            web.get(rf"{API}/posts/{{id:\d+}}", self._read),
            web.post(rf"{API}/posts/{{id:\d+}}", self._update),
            web.get(f"{API}/users/me", self._me),
        )

    def error(self, status: int, request: web.Request) -> web.Response:
        answer = _error(status, CODES.get(status, str(status)), self.words(status, request))
        if status == 429:
            answer.headers["Retry-After"] = self.wait_s(30)
        return answer

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        if request.method == "POST":
            exchange.to = [ADDRESS]

    async def _list(self, request: web.Request) -> web.Response:
        if not self._authorised(request):
            return _error(401, "rest_forbidden_context")
        wanted = request.query.get("status", "publish").split(",")
        if not _STATUSES.issuperset(wanted):
            return _error(400, "rest_invalid_param")
        slug, author = request.query.get("slug"), request.query.get("author")
        found = [
            post
            for post in reversed(self.posts.values())  # the newest first
            if post["status"] in wanted and slug in (None, post["slug"]) and author in (None, "1")
        ]
        most, offset = int(request.query.get("per_page", "10")), int(request.query.get("offset", "0"))
        return web.json_response([_shown(post) for post in found[offset : offset + most]])

    async def _read(self, request: web.Request) -> web.Response:
        post = self.posts.get(int(request.match_info["id"]))
        if post is None:
            return _error(404, "rest_post_invalid_id")
        return web.json_response(_shown(post)) if self._authorised(request) else _error(401, "rest_forbidden")

    async def _create(self, request: web.Request) -> web.Response:
        return await self._written(request, None)

    async def _update(self, request: web.Request) -> web.Response:
        post = self.posts.get(int(request.match_info["id"]))
        return _error(404, "rest_post_invalid_id") if post is None else await self._written(request, post)

    async def _written(self, request: web.Request, post: dict[str, Any] | None) -> web.Response:
        if not self._authorised(request):
            return _error(401, "rest_cannot_create")
        try:
            given = typed.from_json(await request.read(), dict[str, Any])
        except msgspec.DecodeError:
            return _error(400, "rest_invalid_json")
        if not _FIELDS.issuperset(given) or given.get("status", "draft") not in _STATUSES:
            return _error(400, "rest_invalid_param")
        slug = str(given.get("slug", post["slug"] if post else ""))
        if self.faults.hits(self.faults.temporary, "temporary", slug) and slug not in self._put_off:
            self._put_off.add(slug)
            return self.refusal(Refusal.DOWN, request)
        new = post is None
        if post is None:
            post = {"id": len(self.posts) + 1, "slug": self._free(slug), "status": "draft"}
            self.posts[post["id"]] = post
            del given["slug"]
        self._change(post, given, request)
        return web.json_response(_shown(post), status=201 if new else 200)

    def _change(self, post: dict[str, Any], given: Mapping[str, Any], request: web.Request) -> None:
        published = post["status"] != "publish" and given.get("status") == "publish"
        post.update(given)
        if published:
            exchange = request[EXCHANGE]
            exchange.take(self._clock(), to=[ADDRESS])
            title, text = str(post.get("title", "")), str(post.get("content", ""))
            self.arrive(address=ADDRESS, subject=title, text=text, key=post["slug"])

    def _free(self, slug: str) -> str:
        """Where somebody has it already, WordPress puts a number behind it."""
        taken = {post["slug"] for post in self.posts.values()}
        number = 2
        free = slug
        while free in taken:
            free, number = f"{slug}-{number}", number + 1
        return free

    async def _me(self, request: web.Request) -> web.Response:
        if not self._authorised(request):
            return _error(401, "rest_not_logged_in")
        return web.json_response({"id": 1, "name": "yobikake", "capabilities": self.capabilities})

    def _authorised(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == self._authorization


def _shown(post: Mapping[str, Any]) -> dict[str, Any]:
    """As `context=edit` shows it."""
    texts = {name: {"raw": post.get(name, "")} for name in ("title", "content", "excerpt")}
    return {**post, **texts}


def _error(status: int, code: str, message: str = "") -> web.Response:
    said = {"code": code, "message": message or code, "data": {"status": status}}
    return web.json_response(said, status=status)
