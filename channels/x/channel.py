"""X: one post for each configured language, with a picture; a thread where the text does not fit.

X has no key that makes a repeat harmless. So each post ends with a mark that names it, and what may
be public already is looked for on the account's own timeline before it is posted again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from channels._fonts import Fonts
from channels._session import GatewaySession
from channels._settings import TimeoutS, Url
from channels.x.account import LIBRARY_URL, Account, Keys
from channels.x.picture import Pictures
from channels.x.posting import Posting
from channels.x.thread import thread
from channels.x.weight import LIMIT, weight
from hub.alert import Mode
from hub.capabilities import Allowance, Capabilities, Drilling, Unit
from hub.channel import Content, Health, Parcel, Target
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import GateClosed, Refused
from hub.language import Language
from hub.outbound import Deployment, Outbound
from hub.reasons import together, told

DO_NOT_POST = "【訓練 投稿しないでください】"

Posts = Annotated[int, Meta(ge=4)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.x]`. Without a `drill_account`, drills are previews and nothing is posted.

    `posts_per_15_min`, `posts_per_day`: what the contract allows (https://docs.x.com/x-api/fundamentals/rate-limits).
    `card`: a picture with the level's block goes with each alert that has a level. `card_font`: drawn with this
    font instead of the system's.
    """

    account: Keys
    drill_account: Keys | None = None
    languages: Annotated[tuple[Language, ...], Meta(min_length=1)] = (Language.JA, Language.EN)
    posts_per_15_min: Posts = 100
    posts_per_day: Posts = 10_000
    card: bool = True
    card_font: str = ""
    base_url: Url = LIBRARY_URL
    timeout_s: TimeoutS = 15.0

    def __post_init__(self) -> None:
        if len(set(self.languages)) < len(self.languages):
            raise ValueError(
                "languages: each once, for each gets a post of its own / "
                "同じ言語は1回だけ書いてください。言語ごとに投稿します"
            )

    @property
    def allowances(self) -> tuple[Allowance, ...]:
        return (
            Allowance(name="15min", requests=self.posts_per_15_min, window=timedelta(minutes=15)),
            Allowance(name="day", requests=self.posts_per_day, window=timedelta(days=1)),
        )


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
        self.capabilities = replace(
            self.capabilities, request_deadline=deadline, allowances=settings.allowances
        )
        fonts = Fonts(
            Path(settings.card_font) if settings.card_font else None, setting="[channels.x] card_font"
        )
        self._pictures = Pictures(fonts if settings.card else None)
        self._clock = clock
        self._rehearsal = outbound.deployment is Deployment.REHEARSAL
        self._languages = settings.languages
        self._session = GatewaySession(
            outbound=outbound,
            base_url=settings.base_url,
            setting="[channels.x] base_url",
            timeout_s=settings.timeout_s,
            connections=self.capabilities.connections,
            library_url=LIBRARY_URL,
            speaks_json=True,
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

    def length(self, content: Content) -> int:
        """As `hub.channel.Measured` has it: the weight of the heaviest post, which is cut to fit."""
        return max(weight(post.text) for post in thread(content))

    async def open(self) -> None:
        await self._session.open()
        await self._live.read()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        account = self._live if parcel.mode is Mode.LIVE else self._drill
        for recipient in parcel.to:
            if account is None:
                yield Result(recipient.id, Outcome.UNSUPPORTED, reason="no drill account")
                continue
            posting = Posting(account, parcel, self._pictures)
            try:
                answer = await posting.run()
            except GateClosed:
                if posting.begun is not None:
                    yield posting.begun.result(recipient)
                raise
            yield answer.result(recipient)

    async def probe(self) -> Health:
        """What is wrong with the drill account is said, but live posts go out all the same."""
        try:
            wrong = await _trouble(self._live, "X")
            apart = await _trouble(self._drill, "X [drill_account]") if self._drill else ""
        except Refused as e:
            return Health(ok=False, detail=e.message, checked_at=self._clock())
        said = wrong or self._working()
        detail = together([said, apart]) if apart else said
        return Health(ok=not wrong, detail=detail, checked_at=self._clock())

    async def close(self) -> None:
        await self._session.close()

    def by_hand(self, content: Content) -> Sequence[str]:
        """A rehearsal hub's begin with `DO_NOT_POST`: whoever copies them has another account than the gateway's."""
        mark = DO_NOT_POST if self._rehearsal else ""
        return [mark + post.text for post in thread(content)]

    def _working(self) -> str:
        if self._pictures.missing:
            return (
                "X: 接続できます。日本語のフォントがないため画像なしで投稿します / "
                "the account answers; posts go without a picture, for there is no Japanese font"
            )
        return "X: 接続できます / the account answers"


async def _trouble(account: Account, name: str) -> str:
    """Empty: X knows it. Raises `Refused`."""
    answer = await account.read()
    if answer.outcome is Outcome.ACCEPTED:
        return ""
    return told(name, answer.reason, refused=answer.outcome is Outcome.CREDENTIALS)
