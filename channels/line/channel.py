"""LINE: one multicast reaches up to 500 people, and a retry key makes every repeat of it harmless.

A batch is repeated whole: same key, same recipients, same messages (docs/decisions/0005). So whatever
keeps a batch from being finished is said of all its recipients, and no one is named apart from the
others but those whose ids LINE refuses.
"""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import aiohttp
import structlog
from linebot.v3.messaging import (
    ApiException,
    AsyncApiClient,
    AsyncMessagingApi,
    Configuration,
)

from channels._answer import reading
from channels._secret import read_secret
from channels._session import GatewaySession, unanswered, why
from channels.line.answers import ACCEPTED, UNKNOWN_ID, UNREADABLE, Answer, classify, is_from_line
from channels.line.message import TEXT_LIMIT, Message, fits, messages, text_alone
from channels.line.settings import Settings
from hub.capabilities import Capabilities
from hub.channel import Health, Parcel
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import GateClosed, Refused
from hub.outbound import Outbound
from hub.reasons import told
from hub.recipient import Recipient, RecipientId

log = structlog.get_logger(__name__)
# the library logs whole answers
logging.getLogger("linebot").setLevel(logging.INFO)


class Line:
    """The city's LINE official account. An address is a user id of the account's provider."""

    capabilities: Capabilities = Capabilities(
        kind="line",
        japanese="LINE",
        batch_size=500,
        connections=50,
        body_limit=TEXT_LIMIT,
        body_measure="utf16",
        requests_per_s=200,
        retries_whole_batch=True,
        canary_every=timedelta(days=1),
        gone=frozenset({UNKNOWN_ID}),
    )

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        deadline = timedelta(seconds=settings.timeout_s)
        self.capabilities = replace(
            self.capabilities, connections=settings.connections, request_deadline=deadline
        )
        self._token = read_secret(settings.access_token_file, setting="[channels.line] access_token_file")
        self._clock = clock
        self._base_url = settings.base_url
        self._session = GatewaySession(
            outbound=outbound,
            base_url=settings.base_url,
            setting="[channels.line] base_url",
            timeout_s=settings.timeout_s,
            connections=self.capabilities.connections,
            speaks_json=True,
        )
        self._client: Any = None
        self._api: Any = None

    async def open(self) -> None:
        await self._session.open()
        client = AsyncApiClient(Configuration(access_token=self._token, host=self._base_url.rstrip("/")))
        # the library's own session knows neither our proxy nor our authorities
        await client.rest_client.close()
        client.rest_client.pool_manager = self._session
        self._client, self._api = client, AsyncMessagingApi(client)
        await self._recognise()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        if not fits(parcel.content):
            too_long = Answer(outcome=Outcome.UNSUPPORTED, reason="too long")
            for recipient in parcel.to:
                yield too_long.result(recipient)
            return
        answers = Answers(parcel.to)
        try:
            await self._hand_over(parcel, messages(parcel.content), answers)
        except GateClosed:
            for result in answers.settled():
                yield result
            raise
        for result in answers.whole(resend=parcel.resend):
            yield result

    async def probe(self) -> Health:
        try:
            with _understood():
                limit = (await self._api.get_message_quota()).value
                used = (await self._api.get_message_quota_consumption()).total_usage
                left = None if limit is None else max(0, limit - used)
        except Refused as e:
            return Health(ok=False, detail=e.message, checked_at=self._clock())
        except _ERRORS as e:
            answer = _understand(e)
            detail = told("LINE", answer.reason, refused=answer.outcome is Outcome.CREDENTIALS)
            return Health(ok=False, detail=detail, checked_at=self._clock())
        if left is None:
            return Health(ok=True, detail="LINE: 上限なし / no monthly limit", checked_at=self._clock())
        detail = f"LINE: 今月の残り {left:,} 通 / {left:,} messages left this month"
        return Health(ok=left > 0, detail=detail, checked_at=self._clock(), remaining=left)

    async def close(self) -> None:
        await self._session.close()

    async def _hand_over(self, parcel: Parcel, said: Sequence[Message], answers: "Answers") -> None:
        """Send to all; where LINE refuses an id, to each half, and so on down to that id alone. Where it refuses the
        bubble, the text goes by itself."""
        if not self._session.recognised:
            parcel.gate()
            unreached = await self._recognise()
            if unreached is not None:
                answers.add(parcel.to, unreached, parcel.idempotency_key)
                return
        people = {each.id: each for each in parcel.to}
        waiting, plain = [_members(parcel)], False
        while waiting and not answers.interrupted:
            members = waiting.pop()
            to = [people[each] for each in members if each in people]
            if not to:
                continue
            key = retry_key(parcel, members, plain=plain)
            async with self._session.gated(parcel.gate):
                answer = await self._multicast(parcel, said, to, key)
            if answer.blames_recipients and len(to) > 1:
                half = len(members) // 2
                waiting += [members[half:], members[:half]]
            elif answer.refuses_message and not plain and len(said) > 1:
                log.warning("LINE refuses the bubble: the text goes by itself", batch=parcel.batch_id)
                said, plain = text_alone(said), True
                waiting.append(members)
            else:
                answers.add(to, answer, key)
        left = [each for members in waiting for each in members if each in people]
        answers.leave([people[each] for each in left], retry_key(parcel, left, plain=plain))

    async def _recognise(self) -> Answer | None:
        """Read something, so that the gateway says what it is before anything is sent to it."""
        answer = UNREADABLE
        try:
            with _understood():
                await self._api.get_message_quota()
        except _ERRORS as e:
            answer = _understand(e)
        return None if self._session.recognised else replace(answer, outcome=Outcome.TEMPORARY)

    async def _multicast(
        self, parcel: Parcel, said: Sequence[Message], to: Sequence[Recipient], key: UUID
    ) -> Answer:
        try:
            with _understood():
                answer = await self._post("/v2/bot/message/multicast", _body(said, to), retry_key=str(key))
        except _ERRORS as e:
            answer = _understand(e)
        log.info(
            "line multicast",
            batch=parcel.batch_id,
            retry_key=str(key),
            recipients=len(to),
            outcome=answer.outcome.name,
            reason=answer.reason,
        )
        return answer

    async def _post(self, path: str, body: dict[str, Any], *, retry_key: str) -> Answer:
        """What the library's own methods do, without its models: they check each of 500 ids four times over,
        in 1.4 of the 1.5 ms that a request costs (`yobikake bench line`)."""
        taken = await self._client.call_api(
            path,
            "POST",
            header_params={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "X-Line-Retry-Key": retry_key,
            },
            body=body,
            response_types_map={"200": "object"},
            auth_settings=["Bearer"],
        )
        return ACCEPTED if is_from_line(taken.data, taken.headers) else UNREADABLE


class Answers:
    """What LINE said of the parts of one batch so far, and under which key each part is repeated."""

    def __init__(self, to: Sequence[Recipient]) -> None:
        self._to = to
        self._by_recipient: dict[int, tuple[Answer, UUID]] = {}
        self.interrupted: Answer | None = None
        """The answer that keeps the batch from being finished."""

    def add(self, to: Sequence[Recipient], answer: Answer, key: UUID) -> None:
        self._by_recipient |= {recipient.id: (answer, key) for recipient in to}
        if answer.outcome not in _SETTLED:
            self.interrupted = answer

    def leave(self, to: Sequence[Recipient], key: UUID) -> None:
        """They were not asked for: an interruption came before. Nobody doubts that this try did not reach them."""
        if self.interrupted is not None:
            doubted = self.interrupted.outcome is Outcome.AMBIGUOUS
            answer = replace(self.interrupted, outcome=Outcome.TEMPORARY) if doubted else self.interrupted
            self._by_recipient |= {recipient.id: (answer, key) for recipient in to}

    def settled(self) -> Iterator[Result]:
        """Those who are certain, when the gate closed before the others."""
        for recipient in self._to:
            answer, _ = self._by_recipient.get(recipient.id, (None, None))
            if answer is not None and answer.outcome in _SETTLED:
                yield answer.result(recipient)

    def whole(self, *, resend: bool) -> Iterator[Result]:
        """Everyone. Who was reached, or has no such id, is so for good, whatever came after; of the others this try says
        nothing on a resend, since an earlier one may have reached them."""
        for recipient in self._to:
            answer, key = self._by_recipient[recipient.id]
            if answer.outcome in _SETTLED:
                yield answer.result(recipient)
            else:
                yield (answer.made_ambiguous() if resend else answer).result(recipient, again_under=key)


_SETTLED = (Outcome.ACCEPTED, Outcome.PERMANENT)


def _body(said: Sequence[Message], to: Sequence[Recipient]) -> dict[str, Any]:
    """https://developers.line.biz/en/reference/messaging-api/#send-multicast-message"""
    return {"to": [each.address for each in to], "messages": said}


def _members(parcel: Parcel) -> Sequence[RecipientId]:
    return parcel.members or [each.id for each in parcel.to]


def retry_key(parcel: Parcel, members: Sequence[RecipientId], *, plain: bool = False) -> UUID:
    """The parcel's own key for all of it; for a part, one that follows from who is in the part; where the text goes
    without its bubble (`plain`), another.

    No two different sets of people ever share one. `members` are those of the batch, whoever has left the register
    since: a repeat cuts itself up in the same places, under the same keys.
    """
    key = uuid5(parcel.idempotency_key, "text") if plain else parcel.idempotency_key
    if len(members) == len(_members(parcel)):
        return key
    return uuid5(key, ",".join(map(str, members)))


_ERRORS = (ApiException, aiohttp.ClientError, TimeoutError)
"""All that comes out of `_understood` for what LINE or the network does."""


def _understood() -> AbstractContextManager[None]:
    return reading(ApiException)


def _understand(error: ApiException | aiohttp.ClientError | TimeoutError) -> Answer:
    if isinstance(error, ApiException):
        return classify(error.status, error.body or "")
    return Answer(outcome=unanswered(error), reason=why(error))
