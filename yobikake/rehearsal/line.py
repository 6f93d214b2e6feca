"""A LINE Messaging API to rehearse with: multicast with retry keys, replies, the monthly quota, the bot's own data.

Limits, words and statuses: https://developers.line.biz/en/reference/messaging-api/
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import uuid4

import msgspec
from aiohttp import web

from hub import typed
from hub.clock import Clock, utc_now
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import EXCHANGE, HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line_answers import authorised, error, invalid, json_answer, unauthorised
from yobikake.rehearsal.line_menus import MenuShelf
from yobikake.rehearsal.line_messages import Fault, Message, all_faults

USER_ID = re.compile(r"U[0-9a-f]{32}")
TOKEN_HOLDS = timedelta(minutes=1)
RETRY_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class LineGateway(HttpGateway):
    """`quota` is the month's limit of messages (one a recipient); None: the plan has none.

    An arrival's key is the retry key: a recipient who got something twice got it under two keys.
    `permanent` makes user ids that do not exist; `temporary` refuses a retry key once with 503.
    """

    channel = "line"
    for_good: ClassVar[frozenset[int]] = frozenset({400})

    def __init__(
        self,
        inbox: Inbox,
        *,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
        quota: int | None = None,
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.quota = quota
        self.used = 0
        self.shelf = MenuShelf()
        self._accepted: dict[str, tuple[str, Exchange]] = {}
        """By retry key: the id of the request that was carried out, and its account."""
        self._split: list[tuple[str, frozenset[str]]] = []
        """Text and recipients of requests refused because of some of them: their sender tries in parts."""
        self._put_off: set[str] = set()
        self._tokens: dict[str, tuple[str, datetime]] = {}
        """Reply tokens that were not used: whose chat, and until when."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return (
            web.post("/v2/bot/message/multicast", self._multicast),
            web.post("/v2/bot/message/reply", self._reply),
            web.get("/v2/bot/message/quota", self._quota),
            web.get("/v2/bot/message/quota/consumption", self._consumption),
            web.get("/v2/bot/info", self._info),
            *self.shelf.routes(),
        )

    def now(self) -> datetime:
        return self._clock()

    def reply_token(self, user: str) -> str:
        """For one answer in this user's chat, within a minute: it comes with an event."""
        token = uuid4().hex
        self._tokens[token] = (user, self._clock() + TOKEN_HOLDS)
        return token

    def error(self, status: int, request: web.Request) -> web.Response:
        answer = error(status, self.words(status, request))
        if status == 409:
            answer.headers["x-line-accepted-request-id"] = str(uuid4())
        if status == 429 and self.retry_after is not None:
            answer.headers["Retry-After"] = self.wait_s(0)
        return answer

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        exchange.key = request.headers.get("X-Line-Retry-Key", "")
        try:
            multicast = typed.from_json(body, Multicast)
        except msgspec.DecodeError:
            return
        exchange.to = list(multicast.to)
        exchange.text = multicast.text

    def open_for(self, exchange: Exchange) -> int:
        """Whatever keeps one part of a request from being finished leaves the others' recipients open too."""
        to = frozenset(exchange.to)
        wholes = (len(whole) for text, whole in self._split if text == exchange.text and to <= whole)
        return max(len(to), *wholes, 0)

    async def _multicast(self, request: web.Request) -> web.Response:
        if not authorised(request):
            return unauthorised()
        key = request.headers.get("X-Line-Retry-Key", "")
        if key and not RETRY_KEY.fullmatch(key):
            return error(400, "Invalid retry key")
        if key in self._accepted:
            accepted, earlier = self._accepted[key]
            request[EXCHANGE].about.append(earlier)
            answer = error(409, "The retry key is already accepted")
            answer.headers["x-line-accepted-request-id"] = accepted
            return answer
        if self.faults.hits(self.faults.temporary, "temporary", key) and key not in self._put_off:
            self._put_off.add(key)
            return self.refusal(Refusal.DOWN, request)
        return self._deliver(await request.read(), request[EXCHANGE])

    def _deliver(self, body: bytes, exchange: Exchange) -> web.Response:
        try:
            multicast = typed.from_json(body, Multicast)
        except msgspec.ValidationError as e:
            message, _, place = str(e).partition(" - at ")
            return invalid(Fault(message=message, property=place.strip("`").removeprefix("$.")))
        except msgspec.DecodeError:
            return error(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
        return self._refused_multicast(multicast) or self._accept(multicast, exchange)

    def _refused_multicast(self, multicast: "Multicast") -> web.Response | None:
        faults = list(multicast.faults())
        if faults:
            return invalid(*faults)
        if any(not USER_ID.fullmatch(user) for user in multicast.to):
            return error(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
        if any(self.faults.hits(self.faults.permanent, "permanent", user) for user in multicast.to):
            self._split.append((multicast.text, frozenset(multicast.to)))
            return error(400, "Failed to send messages")
        if self.quota is not None and self.used + len(multicast.to) > self.quota:
            return error(429, "You have reached your monthly limit.")
        return None

    def _accept(self, multicast: "Multicast", exchange: Exchange) -> web.Response:
        self.used += len(multicast.to)
        text = multicast.text
        for user in multicast.to:
            self.arrive(address=user, text=text, key=exchange.key, chat=multicast.messages)
        exchange.take(self._clock(), to=exchange.to)
        answer = json_answer({})
        if exchange.key:
            self._accepted[exchange.key] = (answer.headers["x-line-request-id"], exchange)
        return answer

    async def _reply(self, request: web.Request) -> web.Response:
        """It counts against no quota."""
        if not authorised(request):
            return unauthorised()
        try:
            reply = typed.from_json(await request.read(), Answering)
        except msgspec.DecodeError:
            return error(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
        if faults := list(all_faults(reply.messages)):
            return invalid(*faults)
        user, until = self._tokens.pop(reply.replyToken, ("", self._clock()))
        if self._clock() >= until:
            return error(400, "Invalid reply token")
        self.arrive(
            address=user,
            text="\n".join(each.read for each in reply.messages),
            key=reply.replyToken,
            chat=reply.messages,
        )
        return json_answer(
            {"sentMessages": [{"id": uuid4().hex, "quoteToken": uuid4().hex} for _ in reply.messages]}
        )

    async def _quota(self, request: web.Request) -> web.Response:
        if not authorised(request):
            return unauthorised()
        return json_answer(
            {"type": "none"} if self.quota is None else {"type": "limited", "value": self.quota}
        )

    async def _consumption(self, request: web.Request) -> web.Response:
        return json_answer({"totalUsage": self.used}) if authorised(request) else unauthorised()

    async def _info(self, request: web.Request) -> web.Response:
        if not authorised(request):
            return unauthorised()
        return json_answer(
            {
                "userId": "U" + "0" * 32,
                "basicId": "@000rehearsal",
                "displayName": "よびかけ市（訓練用）",
                "chatMode": "bot",
                "markAsReadMode": "auto",
            }
        )


class Multicast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a multicast."""

    to: list[str]
    messages: list[Message]
    notificationDisabled: bool = False  # noqa: N815 - LINE's own name
    customAggregationUnits: list[str] = []  # noqa: N815

    @property
    def text(self) -> str:
        """As its reader sees it, one message under the other."""
        return "\n".join(message.read for message in self.messages)

    def faults(self) -> Iterator[Fault]:
        if not 1 <= len(self.to) <= 500:
            yield Fault(message="Size must be between 1 and 500", property="to")
        yield from all_faults(self.messages)


class Answering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a reply."""

    replyToken: str  # noqa: N815
    messages: list[Message]
    notificationDisabled: bool = False  # noqa: N815
