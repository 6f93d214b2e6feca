"""The X connector against the simulated API v2."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import AsyncMock

import msgspec
import pytest

from channels import _fonts as fonts
from channels.x import Settings, X
from channels.x.account import Account, Keys
from channels.x.answers import Answer
from channels.x.weight import LIMIT, weight
from hub.alert import Mode
from hub.capabilities import Drilling
from hub.channel import Channel, Measured, Parcel, Span
from hub.delivery import Outcome, Result
from hub.errors import BadSettings, Cancelled, Refused
from hub.language import Language
from hub.outbound import Outbound
from hub.pace import NotYet
from hub.recipient import Recipient, RecipientId
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Harness, Where, send
from hub.testing.channel_suite import PRODUCTION, REHEARSAL, ChannelSuite, opened
from hub.testing.parcels import NOW, parcel
from tests.contract.gateways import OfHttp
from yobikake.rehearsal.inbox import Arrival, Inbox
from yobikake.rehearsal.mishap import Mishap, Strike
from yobikake.rehearsal.x import XGateway

LIVE, DRILL = "1234567890", "2345678901"
SECRETS = {
    "consumer_key": "consumerkey0123456789",
    "consumer_secret": "consumersecret0123456789",
    "access_token": f"{LIVE}-accesstoken0123456789",
    "access_token_secret": "accesstokensecret0123456789",
}
NOWHERE = "http://127.0.0.1:1"
REFUSED, DONE = Answer(outcome=Outcome.PERMANENT, reason="403"), Answer(outcome=Outcome.ACCEPTED)
needs_font = pytest.mark.skipif(
    not any(path.is_file() for path in fonts.PLACES), reason="there is no Japanese font (fonts-noto-cjk)"
)


class XHarness(OfHttp):
    kind = "x"
    provider = "x"
    lacks: ClassVar = {
        Feature.MANY_RECIPIENTS: "a target is one post",
        Feature.EACH_RECIPIENT: "a target is one post",
        Feature.REPEATS: "on a resend the timeline is read, and what is public is not posted again",
    }
    answers: ClassVar[Mapping[str, Outcome]] = {
        "400": Outcome.PERMANENT,
        "401": Outcome.CREDENTIALS,
        "403": Outcome.PERMANENT,
        "404": Outcome.CREDENTIALS,
        "409": Outcome.PERMANENT,
        "413": Outcome.PERMANENT,
        "429": Outcome.THROTTLE,
        "500": Outcome.AMBIGUOUS,
        "502": Outcome.AMBIGUOUS,
        "503": Outcome.TEMPORARY,
        "504": Outcome.AMBIGUOUS,
        NO_ANSWER: Outcome.AMBIGUOUS,
        CUT_ANSWER: Outcome.AMBIGUOUS,
    }

    def __init__(self, gateway: XGateway, folder: Path) -> None:
        self.gateway = gateway
        self.card = False
        """Whether its connectors draw: which takes a third of a second."""
        self._folder = folder

    @classmethod
    def in_folder(cls, folder: Path) -> "XHarness":
        return cls(XGateway(Inbox(), clock=lambda: NOW), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return list(SECRETS.values())

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY, *, drill: bool = False) -> X:
        settings = Settings(
            card=self.card,
            account=self.keys(LIVE),
            drill_account=self.keys(DRILL) if drill else None,
            base_url={
                Where.GATEWAY: self.gateway.url,
                Where.NOWHERE: NOWHERE,
                Where.REMOTE: "https://gateway.example",
            }[where],
        )
        return X(settings, outbound=outbound, clock=lambda: NOW)

    def keys(self, number: str, **secrets: str) -> Keys:
        folder = self._folder / number
        folder.mkdir(exist_ok=True)
        for name, secret in (SECRETS | secrets).items():
            (folder / name).write_text(secret.replace(LIVE, number))
        return Keys(**{f"{name}_file": folder / name for name in SECRETS})

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(1), address="post:ja")]

    def sends(self) -> int:
        return len(self.bodies())

    def bodies(self) -> Sequence[bytes]:
        """Of posts: what prepares a picture reaches nobody."""
        return [request.body for request in self.gateway.requests if request.target == "/2/tweets"]

    def arrivals(self) -> Sequence[str]:
        return ["post:ja" for _ in self.posts()]

    def posts(self, account: str = LIVE) -> list[Arrival]:
        """What is public, in order."""
        return self.gateway.inbox.of("x", f"post:{account}")

    def reads(self) -> list[str]:
        """Paths of the requests that post nothing."""
        return [r.target.partition("?")[0] for r in self.gateway.requests if r.method == "GET"]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[XHarness]:
    async with XHarness.running(tmp_path) as harness:
        yield harness


@pytest.fixture
async def channel(harness: XHarness) -> AsyncIterator[Channel]:
    async with opened(harness) as channel:
        yield channel


class TestX(ChannelSuite, of=XHarness):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[Harness]:
        async with XHarness.running(tmp_path) as harness:
            yield harness


async def test_one_post_for_each_configured_language(harness: XHarness, channel: Channel) -> None:
    assert isinstance(channel, X)
    assert [(target.ref, target.language) for target in channel.targets()] == [
        ("post:ja", Language.JA),
        ("post:en", Language.EN),
    ]
    for language in (Language.JA, Language.EN):
        said = await send(channel, parcel(harness.recipients(1), language=language))
        assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert [arrival.text.split("\n")[-1] for arrival in harness.posts()] == [
        "[2026-0147 21:47]",
        "[2026-0147 21:47 English]",
    ]
    assert all(parcel([]).content.link.rpartition("/")[0] in arrival.text for arrival in harness.posts())


async def test_a_result_refers_to_the_post(harness: XHarness, channel: Channel) -> None:
    [result] = (await send(channel, parcel(harness.recipients(1)))).results
    assert result.ref == harness.posts()[0].key


async def test_what_does_not_fit_becomes_a_thread(harness: XHarness, channel: Channel) -> None:
    said = await send(channel, long_parcel(harness))
    bodies = [json.loads(body) for body in harness.bodies()]
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert [arrival.text.split("\n")[-1] for arrival in harness.posts()] == [
        "[2026-0147 21:47] (1/3)",
        "[2026-0147 21:47] (2/3)",
        "[2026-0147 21:47] (3/3)",
    ]
    assert all(weight(arrival.text) <= LIMIT for arrival in harness.posts())
    assert isinstance(channel, Measured)
    assert channel.length(long_parcel(harness).content) == max(
        weight(arrival.text) for arrival in harness.posts()
    )
    assert [body.get("reply", {}).get("in_reply_to_tweet_id") for body in bodies] == [
        None,
        harness.posts()[0].key,
        harness.posts()[1].key,
    ]


async def test_a_resend_of_what_is_public_posts_nothing(harness: XHarness, channel: Channel) -> None:
    harness.faults.silent = 1.0
    first = await send(channel, parcel(harness.recipients(1)))
    harness.faults.silent = 0.0
    second = await send(channel, parcel(harness.recipients(1), attempt=2, resend=True))
    assert set(first.outcomes.values()) == {Outcome.AMBIGUOUS}
    assert set(second.outcomes.values()) == {Outcome.ACCEPTED}
    assert harness.sends() == 1
    assert len(harness.posts()) == 1
    assert second.results[0].ref == harness.posts()[0].key


async def test_an_error_behind_the_post_is_looked_up_before_anything_is_posted_again(
    harness: XHarness, channel: Channel
) -> None:
    with harness.gateway.mishaps.armed(Strike(mishap=Mishap.ERROR_AFTER)):
        first = await send(channel, parcel(harness.recipients(1)))
    second = await send(channel, parcel(harness.recipients(1), attempt=2, resend=True))
    assert [(result.outcome, result.reason) for result in first.results] == [(Outcome.AMBIGUOUS, "500")]
    assert [(result.outcome, result.ref) for result in second.results] == [
        (Outcome.ACCEPTED, harness.posts()[0].key)
    ]
    assert len(harness.posts()) == 1


async def test_a_resend_of_what_is_not_public_posts_it(harness: XHarness, channel: Channel) -> None:
    said = await send(channel, parcel(harness.recipients(1), attempt=2, resend=True))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert len(harness.posts()) == 1


async def test_a_post_in_another_language_is_not_taken_for_this_one(
    harness: XHarness, channel: Channel
) -> None:
    to = harness.recipients(1)
    await send(channel, parcel(to, language=Language.EN))
    await send(channel, parcel(to, language=Language.JA, attempt=2, resend=True))
    assert len(harness.posts()) == 2


async def test_the_end_of_a_thread_is_not_taken_for_a_post_that_stands_alone(
    harness: XHarness, channel: Channel
) -> None:
    await send(channel, long_parcel(harness))
    await send(channel, parcel(harness.recipients(1), attempt=2, resend=True))
    assert len(harness.posts()) == 4


async def test_a_timeline_that_cannot_be_read_leaves_a_resend_ambiguous(
    harness: XHarness, channel: Channel
) -> None:
    harness.faults.down = True
    said = await send(channel, parcel(harness.recipients(1), attempt=2, resend=True))
    assert set(said.outcomes.values()) == {Outcome.AMBIGUOUS}
    assert harness.sends() == 0


async def test_a_duplicate_that_is_ours_is_accepted(harness: XHarness, channel: Channel) -> None:
    for _ in range(2):
        said = await send(channel, parcel(harness.recipients(1)))
        assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert said.results[0].ref == harness.posts()[0].key
    assert harness.sends() == 2
    assert len(harness.posts()) == 1


async def test_a_duplicate_that_is_not_to_be_found_is_ambiguous(harness: XHarness, channel: Channel) -> None:
    await send(channel, parcel(harness.recipients(1)))
    for number in range(60):
        await send(channel, _about(harness, f"{number}番目の別の話です。", number=f"2026-1{number:03}"))
    said = await send(channel, parcel(harness.recipients(1)))
    assert set(said.outcomes.values()) == {Outcome.AMBIGUOUS}


async def test_a_thread_that_broke_off_is_ambiguous_and_goes_on_where_it_broke(
    harness: XHarness, channel: Channel
) -> None:
    first = await send(channel, long_parcel(harness, gate=_throttled_behind(harness, posts=2)))
    assert [(result.outcome, result.ref) for result in first.results] == [
        (Outcome.AMBIGUOUS, harness.posts()[0].key)
    ]
    assert first.results[0].retry_after == timedelta(minutes=15)
    harness.faults.throttle = 0.0
    second = await send(channel, replace(long_parcel(harness), attempt=2, resend=True))
    assert set(second.outcomes.values()) == {Outcome.ACCEPTED}
    assert [arrival.text[-5:] for arrival in harness.posts()] == ["(1/3)", "(2/3)", "(3/3)"]
    assert json.loads(harness.bodies()[-1])["reply"]["in_reply_to_tweet_id"] == harness.posts()[1].key


async def test_a_thread_that_is_stopped_says_that_it_began(harness: XHarness, channel: Channel) -> None:
    def stopped_behind_the_first() -> None:
        if harness.posts():
            raise Cancelled("the gate of this test is closed")

    results: list[Result] = []
    with pytest.raises(Cancelled):
        await _collect(channel, long_parcel(harness, gate=stopped_behind_the_first), results)
    assert [(result.outcome, result.ref) for result in results] == [
        (Outcome.AMBIGUOUS, harness.posts()[0].key)
    ]
    assert len(harness.posts()) == 1


async def test_the_window_of_100_posts_says_when_it_opens_again(tmp_path: Path) -> None:
    async with XGateway(Inbox(), clock=lambda: NOW, posts_per_window=1) as gateway:
        harness = XHarness(gateway, tmp_path)
        async with opened(harness) as channel:
            await send(channel, parcel(harness.recipients(1)))
            said = await send(channel, _about(harness, "別の話です。", number="2026-0148"))
    assert [(result.outcome, result.retry_after) for result in said.results] == [
        (Outcome.THROTTLE, timedelta(minutes=15))
    ]


@needs_font
async def test_the_first_post_shows_a_picture_with_its_words(harness: XHarness) -> None:
    harness.card = True
    async with opened(harness) as channel:
        said = await send(channel, long_parcel(harness))
    [picture] = harness.gateway.pictures.values()
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert picture.post == harness.posts()[0].key
    assert picture.alt_text.splitlines()[0] == "警戒レベル4 避難指示"
    assert len(harness.posts()) == 3


@needs_font
@pytest.mark.parametrize("options", [{}, {"attempt": 2, "resend": True}], ids=["duplicate", "resend"])
async def test_a_post_with_a_picture_is_found_though_x_writes_its_link_behind_the_mark(
    harness: XHarness, options: dict[str, Any]
) -> None:
    harness.card = True
    async with opened(harness) as channel:
        await send(channel, parcel(harness.recipients(1)))
        again = await send(channel, parcel(harness.recipients(1), **options))
    assert [(result.outcome, result.ref) for result in again.results] == [
        (Outcome.ACCEPTED, harness.posts()[0].key)
    ]
    assert len(harness.posts()) == 1


@needs_font
@pytest.mark.parametrize(
    ("upload", "describe"),
    [
        (REFUSED, DONE),
        ("1", REFUSED),
        ("1", DONE),  # an id that X refuses together with the post
    ],
)
async def test_a_text_goes_without_its_picture_rather_than_not_at_all(
    harness: XHarness, upload: str | Answer, describe: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "upload", AsyncMock(return_value=upload))
    monkeypatch.setattr(Account, "describe", AsyncMock(return_value=describe))
    harness.card = True
    async with opened(harness) as channel:
        said = await send(channel, parcel(harness.recipients(1)))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert len(harness.posts()) == 1
    assert "media" not in json.loads(harness.bodies()[-1])


@needs_font
async def test_a_picture_is_uploaded_for_nothing_that_may_not_be_sent(harness: XHarness) -> None:
    def closed() -> None:
        raise Cancelled("the gate of this test is closed")

    harness.card = True
    async with opened(harness) as channel:
        with pytest.raises(Cancelled):
            await send(channel, parcel(harness.recipients(1), gate=closed))
    assert {request.method for request in harness.gateway.requests} == {"GET"}


async def test_room_is_asked_for_the_posts_that_are_still_to_be_made(
    harness: XHarness, channel: Channel
) -> None:
    asked: list[int] = []

    async def room(requests: int) -> None:
        asked.append(requests)

    await send(channel, long_parcel(harness, gate=_throttled_behind(harness, posts=2)))
    harness.faults.throttle = 0.0
    again = replace(long_parcel(harness), attempt=2, resend=True, room=room)
    await send(channel, again)
    await send(channel, replace(again, attempt=3))
    assert asked == [1], "two of three were public, then all of them"


async def test_where_there_is_no_room_nothing_is_posted(harness: XHarness, channel: Channel) -> None:
    async def full(_: int) -> None:
        raise NotYet

    with pytest.raises(NotYet):
        await send(channel, replace(parcel(harness.recipients(1)), room=full))
    assert harness.sends() == 0


async def test_a_probe_says_that_there_will_be_no_picture(
    harness: XHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "PLACES", ())
    harness.card = True
    async with opened(harness) as channel:
        health = await channel.probe()
        said = await send(channel, parcel(harness.recipients(1)))
    assert health.ok
    assert "フォント" in health.detail
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}


async def test_the_text_to_post_by_hand_is_the_one_that_would_be_posted(
    harness: XHarness, channel: Channel
) -> None:
    said = long_parcel(harness)
    await send(channel, said)
    posted = [arrival.text for arrival in harness.posts()]
    production, rehearsal = harness.channel(PRODUCTION), harness.channel(REHEARSAL)
    assert production.by_hand(said.content) == posted
    assert rehearsal.by_hand(said.content) == [f"【訓練 投稿しないでください】{text}" for text in posted]


async def test_what_was_posted_by_hand_meanwhile_is_found_and_not_posted_again(
    harness: XHarness, channel: Channel
) -> None:
    by_hand = harness.channel(PRODUCTION).by_hand(parcel([]).content)
    async with opened(harness) as somebody:
        assert isinstance(somebody, X)
        [text] = by_hand
        await somebody._live.post(text, reply_to=None)
    said = await send(channel, parcel(harness.recipients(1)))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert len(harness.posts()) == 1


def test_a_font_that_is_none_is_a_bad_setting(harness: XHarness, tmp_path: Path) -> None:
    (tmp_path / "letters.ttf").write_text("no font")
    settings = Settings(account=harness.keys(LIVE), card_font=str(tmp_path / "letters.ttf"))
    with pytest.raises(BadSettings, match="card_font"):
        X(settings, outbound=REHEARSAL, clock=lambda: NOW)


@pytest.mark.parametrize("mode", [Mode.RESIDENT_DRILL, Mode.STAFF_DRILL])
async def test_without_a_drill_account_a_drill_asks_nothing(
    harness: XHarness, channel: Channel, mode: Mode
) -> None:
    asked = len(harness.gateway.requests)
    said = await send(channel, replace(parcel(harness.recipients(1)), mode=mode))
    assert channel.capabilities.drilling is Drilling.PREVIEW_ONLY
    assert set(said.outcomes.values()) == {Outcome.UNSUPPORTED}
    assert len(harness.gateway.requests) == asked


async def test_a_drill_account_takes_the_drills_and_nothing_else(harness: XHarness) -> None:
    channel = harness.channel(REHEARSAL, drill=True)
    assert channel.capabilities.drilling is Drilling.SEPARATE_ACCOUNT
    assert X.capabilities.drilling is Drilling.PREVIEW_ONLY
    await channel.open()
    try:
        for mode in (Mode.STAFF_DRILL, Mode.LIVE):
            await send(channel, replace(parcel(harness.recipients(1)), mode=mode))
    finally:
        await channel.close()
    assert [len(harness.posts(account)) for account in (LIVE, DRILL)] == [1, 1]


async def test_a_probe_reads_the_account_and_nothing_else(harness: XHarness, channel: Channel) -> None:
    await channel.probe()
    assert set(harness.reads()) == {"/2/users/me"}


async def test_a_probe_says_what_is_wrong_with_the_drill_account_and_that_posts_go_out(
    harness: XHarness,
) -> None:
    channel = harness.channel(REHEARSAL, drill=True)
    await channel.open()
    try:
        before = await channel.probe()
        harness.gateway.revoked.add(DRILL)
        after = await channel.probe()
    finally:
        await channel.close()
    assert before.ok
    assert after.ok
    assert "drill_account" not in before.detail
    assert "drill_account" in after.detail


async def test_a_production_hub_says_why_it_does_not_use_a_rehearsal_gateway(harness: XHarness) -> None:
    with pytest.raises(Refused, match="rehearsal gateway"):
        async with opened(harness, outbound=PRODUCTION):
            pass
    assert {request.method for request in harness.gateway.requests} == {"GET"}


def test_an_access_token_of_another_kind_is_a_bad_setting(harness: XHarness) -> None:
    settings = Settings(account=harness.keys(LIVE, access_token="AAAAbearer"))
    with pytest.raises(BadSettings, match="access_token_file") as caught:
        X(settings, outbound=PRODUCTION, clock=lambda: NOW)
    assert "AAAAbearer" not in str(caught.value)


LONG = (
    "よびかけ市は21時47分、青波川の洪水について警戒レベル4 避難指示を発令しました。"
    "危険な場所にいる方は、全員避難してください。"
    "洪水のときに使える避難場所は、つつじ小学校、もみじ中学校、さくら会館です。"
    "川の近くで家が流されるおそれのある区域（家屋倒壊等氾濫想定区域）の方は必ず区域の外へ。"
    "外に出る方が危険なときだけ、近くの頑丈な建物の上の階へ。"
    "だれでも入れます。住所や在留資格は聞きません。ペットも一緒に来られます。"
    "避難が難しい方は、ためらわずに119番か、市の電話にかけてください。"
)


def long_parcel(harness: XHarness, **options: Any) -> Parcel:
    return _saying(parcel(harness.recipients(1), **options), short=(Span(LONG),))


def _about(harness: XHarness, text: str, *, number: str) -> Parcel:
    return _saying(parcel(harness.recipients(1)), short=(Span(text),), number=number)


def _saying(handed_over: Parcel, **changes: object) -> Parcel:
    return replace(handed_over, content=msgspec.structs.replace(handed_over.content, **changes))


def _throttled_behind(harness: XHarness, *, posts: int) -> Callable[[], None]:
    def gate() -> None:
        harness.faults.throttle = float(len(harness.posts()) >= posts)

    return gate


async def _collect(channel: Channel, handed_over: Parcel, results: list[Result]) -> None:
    """Keeps what was said before an exception."""
    async for result in channel.send(handed_over):
        results.append(result)
