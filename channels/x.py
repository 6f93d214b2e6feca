"""X: one post for each configured language, a thread where the text does not fit.

X has no key that makes a repeat harmless. So each post ends with a mark that names it, and what may
be public already is looked for on the account's own timeline before it is posted again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import structlog

from channels._session import GatewaySession
from channels._x_account import LIBRARY_URL, Account, Keys, Published
from channels._x_answers import Answer
from channels._x_thread import Post, thread
from channels._x_weight import LIMIT
from hub.alert import Mode
from hub.channel import Capabilities, Drilling, Health, Parcel, Target, Unit
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import GateClosed, Refused
from hub.language import Language
from hub.outbound import Outbound

log = structlog.get_logger(__name__)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.x]`. Without a `drill_account`, drills are previews and nothing is posted."""

    account: Keys
    drill_account: Keys | None = None
    languages: tuple[Language, ...] = (Language.JA, Language.EN)
    base_url: str = LIBRARY_URL
    timeout_s: float = 15.0


class X:
    """The city's account. A target is a language; its address says which."""

    capabilities: Capabilities = Capabilities(
        kind="x",
        japanese="X（旧Twitter）",
        unit=Unit.POSTS,
        batch_size=1,
        connections=2,
        body_limit=LIMIT,
        body_measure="weighted",
        drilling=Drilling.PREVIEW_ONLY,
    )

    def __init__(self, settings: Settings, *, outbound: Outbound, clock: Clock) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        deadline = timedelta(seconds=settings.timeout_s)
        self.capabilities = replace(self.capabilities, request_deadline=deadline)
        self._clock = clock
        self._languages = settings.languages
        self._session = GatewaySession(
            outbound=outbound,
            base_url=settings.base_url,
            setting="[channels.x] base_url",
            timeout_s=settings.timeout_s,
            connections=self.capabilities.connections,
            library_url=LIBRARY_URL,
        )
        self._live = Account(settings.account, self._session, clock, setting="[channels.x.account]")
        self._drill: Account | None = None
        if settings.drill_account is not None:
            self._drill = Account(
                settings.drill_account, self._session, clock, setting="[channels.x.drill_account]"
            )
            # the class says what holds without a drill account; this instance has one
            self.capabilities = replace(self.capabilities, drilling=Drilling.SEPARATE_ACCOUNT)

    def targets(self) -> Sequence[Target]:
        return [
            Target(ref=f"post:{language}", name=f"X の投稿（{language.autonym}）", language=language)
            for language in self._languages
        ]

    async def open(self) -> None:
        await self._session.open()
        try:
            await self._live.read()
        except Refused:
            await self.close()
            raise

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        account = self._live if parcel.mode is Mode.LIVE else self._drill
        for recipient in parcel.to:
            if account is None:
                yield Result(recipient.id, Outcome.UNSUPPORTED, reason="no drill account")
                continue
            posting = Posting(account, parcel)
            try:
                answer = await posting.run()
            except GateClosed:
                if posting.begun is not None:
                    yield posting.begun.result(recipient)
                raise
            yield answer.result(recipient)

    async def probe(self) -> Health:
        try:
            answer = await self._live.read()
        except Refused as e:
            return Health(ok=False, detail=e.message, checked_at=self._clock())
        if answer.outcome is not Outcome.ACCEPTED:
            return Health(ok=False, detail=f"X: {answer.reason}", checked_at=self._clock())
        return Health(ok=True, detail="X: 接続できます / the account answers", checked_at=self._clock())

    async def close(self) -> None:
        await self._session.close()


class Posting:
    """One parcel's posts in order. What is public already is not posted again."""

    def __init__(self, account: Account, parcel: Parcel) -> None:
        self._account = account
        self._parcel = parcel
        self.begun: Answer | None = None
        """Set while some of it is public, or may be: what to say if it ends here."""

    async def run(self) -> Answer:
        public = await self._look_first()
        if isinstance(public, Answer):
            return public.made_ambiguous() if self._parcel.resend else public
        return await self._post_rest(thread(self._parcel.content), public)

    async def _look_first(self) -> Sequence[Published] | Answer:
        """The gateway says what it is before the first post; on a resend, also what is public already."""
        if not self._account.recognised:
            self._parcel.gate()
            unreached = await self._account.recognise()
            if unreached is not None:
                return unreached
        return await self._look() if self._parcel.resend else ()

    async def _post_rest(self, posts: Sequence[Post], public: Sequence[Published]) -> Answer:
        self.begun = None
        first = last = None
        for number, post in enumerate(posts, start=1):
            answer = await self._publish(post, _find(post, public), reply_to=last)
            log.info(
                "x post",
                batch=self._parcel.batch_id,
                part=number,
                parts=len(posts),
                outcome=answer.outcome.name,
                reason=answer.reason,
                post=answer.post,
            )
            if answer.outcome is not Outcome.ACCEPTED:
                return answer if self.begun is None else replace(answer.made_ambiguous(), post=first)
            last = answer.post
            first = first or last
            self.begun = Answer(outcome=Outcome.AMBIGUOUS, reason=f"{number} of {len(posts)}", post=first)
        return Answer(outcome=Outcome.ACCEPTED, post=first)

    async def _publish(self, post: Post, found: str | None, *, reply_to: str | None) -> Answer:
        if found is not None:
            return Answer(outcome=Outcome.ACCEPTED, reason="found", post=found)
        async with self._account.gated(self._parcel.gate):
            answer = await self._account.post(post.text, reply_to=reply_to)
        return await self._identify(post, answer) if answer.duplicate else answer

    async def _identify(self, post: Post, duplicate: Answer) -> Answer:
        """X says the account has posted this before: ours, if its mark is on the timeline."""
        self.begun = self.begun or duplicate
        public = await self._look()
        if isinstance(public, Answer):
            return duplicate
        found = _find(post, public)
        return duplicate if found is None else replace(duplicate, outcome=Outcome.ACCEPTED, post=found)

    async def _look(self) -> Sequence[Published] | Answer:
        self.begun = self.begun or Answer(outcome=Outcome.AMBIGUOUS, reason="resend")
        self._parcel.gate()
        return await self._account.timeline()


def _find(post: Post, public: Sequence[Published]) -> str | None:
    return next((each.id for each in public if post.mark in each.text.splitlines()), None)
