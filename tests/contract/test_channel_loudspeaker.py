"""The loudspeakers' connector against a console that checks the signature and the sound."""

import asyncio
import base64
import io
import json
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import structs

from channels._hook.answer import Answer
from channels._speech import engine
from channels._speech.speaker import Voice
from channels.loudspeaker import Loudspeaker, Settings
from channels.loudspeaker.answers import classify
from channels.loudspeaker.channel import CONSOLE
from channels.loudspeaker.handover import Speech
from channels.loudspeaker.settings import Display, Hook, Sip
from hub.alert import Mode
from hub.channel import Mapped, Parcel, Span, Targets
from hub.delivery import Outcome
from hub.errors import BadSettings, Refused
from hub.language import Language
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Where, send
from hub.testing.channel_suite import PRODUCTION, REHEARSAL, ChannelSuite, opened
from hub.testing.parcels import NOW, content, parcel
from tests.contract.gateways import OfHttp
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.loudspeaker import LoudspeakerConsole

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class LoudspeakerHarness(OfHttp):
    kind = "loudspeaker"
    provider = "webhook"
    lacks: ClassVar = {Feature.MANY_RECIPIENTS: "there is one console"}
    answers: ClassVar[Mapping[str, Outcome]] = {
        "400": Outcome.PERMANENT,
        "401": Outcome.CREDENTIALS,
        "403": Outcome.CREDENTIALS,
        "404": Outcome.CREDENTIALS,
        "409": Outcome.ACCEPTED,  # a repeat that the console has
        "413": Outcome.PERMANENT,
        "429": Outcome.THROTTLE,
        "500": Outcome.AMBIGUOUS,  # it may have begun; what comes again is left out by the message's id
        "502": Outcome.AMBIGUOUS,
        "503": Outcome.TEMPORARY,
        "504": Outcome.AMBIGUOUS,
        NO_ANSWER: Outcome.AMBIGUOUS,
        CUT_ANSWER: Outcome.ACCEPTED,  # its status says all
    }

    def __init__(self, console: LoudspeakerConsole, folder: Path) -> None:
        self.gateway = self.console = console
        self.secret_file = folder / "secret"
        self.secret_file.write_text(SECRET)

    @classmethod
    def in_folder(cls, folder: Path) -> "LoudspeakerHarness":
        return cls(LoudspeakerConsole(Inbox(), secret=SECRET, clock=lambda: NOW), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return [SECRET, SECRET.removeprefix("whsec_")]

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY, **more: Any) -> Loudspeaker:
        url = {
            Where.GATEWAY: self.console.address,
            Where.NOWHERE: "http://127.0.0.1:1/hooks/console",
            Where.REMOTE: "https://gateway.example/hooks/console",
        }[where]
        hook = Hook(url=url, secret_file=self.secret_file, private=True)
        return Loudspeaker(Settings(webhook=hook, **more), outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(1), address=CONSOLE)]

    def sends(self) -> int:
        return len(self.bodies())

    def bodies(self) -> Sequence[bytes]:
        return [request.body for request in self.console.requests if request.method == "POST"]

    def arrivals(self) -> Sequence[str]:
        return [each.address for each in self.console.inbox.of("loudspeaker", CONSOLE)]

    def told(self) -> dict[str, Any]:
        """The last message."""
        data: dict[str, Any] = json.loads(self.bodies()[-1])["data"]
        return data


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[LoudspeakerHarness]:
    async with LoudspeakerHarness.running(tmp_path) as harness:
        yield harness


class TestLoudspeaker(ChannelSuite, of=LoudspeakerHarness):
    @pytest.fixture
    def harness(self, harness: LoudspeakerHarness) -> LoudspeakerHarness:  # type: ignore[override]
        return harness


async def test_the_console_is_told_words_reading_display_and_sound(harness: LoudspeakerHarness) -> None:
    async with opened(harness) as channel:
        await send(channel, parcel(harness.recipients(1)))
    told = harness.told()
    assert told["text"] == content().text(content().speech)
    assert "ヒナンシジ" in told["kana"]
    assert told["display"].startswith("【警戒レベル4】よびかけ市")
    assert (told["level"], told["status"], told["number"]) == (4, "Actual", "2026-0147")
    with wave.open(io.BytesIO(base64.b64decode(told["sound"]["base64"]))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
        assert sound.getnframes() / 16_000 == pytest.approx(told["sound"]["seconds"], abs=0.01)


async def test_a_repeat_has_the_same_id_and_the_console_leaves_it_out(harness: LoudspeakerHarness) -> None:
    async with opened(harness) as channel:
        for resend in (False, True):
            said = await send(channel, parcel(harness.recipients(1), resend=resend))
            assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert len(harness.bodies()) == 2
    assert harness.arrivals() == [CONSOLE]


def test_what_is_in_doubt_is_repeated_where_the_console_knows_it_again(harness: LoudspeakerHarness) -> None:
    assert harness.channel(REHEARSAL).capabilities.retries_whole_batch
    by_call = Sip(target="sip:console@127.0.0.1:5060", local="127.0.0.1")
    assert not harness.channel(REHEARSAL, sip=by_call).capabilities.retries_whole_batch


@pytest.mark.parametrize("mode", [Mode.STAFF_DRILL, Mode.RESIDENT_DRILL])
async def test_a_drill_never_sounds(harness: LoudspeakerHarness, mode: Mode) -> None:
    async with opened(harness) as channel:
        said = await send(channel, replace(parcel(harness.recipients(1)), mode=mode))
    assert set(said.outcomes.values()) == {Outcome.UNSUPPORTED}
    assert harness.sends() == 0


async def test_who_is_no_console_of_ours_is_told_nothing(harness: LoudspeakerHarness) -> None:
    async with opened(harness) as channel:
        said = await send(channel, parcel([Recipient(id=RecipientId(9), address="another")]))
    assert said.outcomes == {9: Outcome.PERMANENT}
    assert harness.sends() == 0


async def test_a_console_that_speaks_by_itself_gets_no_sound(
    harness: LoudspeakerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no engine either."""
    monkeypatch.setattr(engine, "installed", lambda: False)
    hook = Hook(url=harness.console.address, secret_file=harness.secret_file, sound=False)
    channel = Loudspeaker(Settings(webhook=hook), outbound=REHEARSAL, clock=lambda: NOW)
    await channel.open()
    said = await send(channel, parcel(harness.recipients(1)))
    await channel.close()
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert (harness.told()["sound"], harness.told()["kana"]) == (None, None)
    with pytest.raises(BadSettings, match="音声合成エンジンが入っていません"):
        harness.channel(REHEARSAL)


async def test_an_engine_that_fails_is_tried_again(
    harness: LoudspeakerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("HTS_Engine_synthesize_from_strings failed")

    channel = harness.channel(REHEARSAL, voice=Voice(speed=1.1))  # nothing was said so fast before
    await channel.open()
    monkeypatch.setattr(engine.Engine, "say", broken)
    said = await send(channel, parcel(harness.recipients(1)))
    await channel.close()
    assert [(each.outcome, each.reason) for each in said.results] == [(Outcome.TEMPORARY, "speech")]
    assert harness.sends() == 0


async def test_no_two_orders_sound_at_once(harness: LoudspeakerHarness) -> None:
    """A call lasts as long as its sound; the engine has two batches under way, and each lane its own."""
    channel = harness.channel(REHEARSAL)
    await channel.open()
    speaking, over = asyncio.Event(), asyncio.Event()

    class Call:
        speaks = True

        async def hand(self, parcel: Parcel, speech: Speech, *, message: str) -> Answer:
            assert not speaking.is_set()
            speaking.set()
            await over.wait()
            speaking.clear()
            return Answer(outcome=Outcome.ACCEPTED)

    channel.handover, way = Call(), channel.handover  # type: ignore[assignment]
    first = asyncio.create_task(send(channel, parcel(harness.recipients(1))))
    await speaking.wait()
    waits = await send(channel, parcel(harness.recipients(1)))
    over.set()
    taken = [await first, await send(channel, parcel(harness.recipients(1), attempt=2))]
    channel.handover = way
    await channel.close()
    assert [(each.outcome, each.reason, each.alone) for each in waits.results] == [
        (Outcome.THROTTLE, "broadcasting", True)
    ]
    assert [set(said.outcomes.values()) for said in taken] == [{Outcome.ACCEPTED}] * 2


async def test_a_telephone_in_reserve_takes_nothing_from_the_request(harness: LoudspeakerHarness) -> None:
    sip = Sip(target="sip:console@127.0.0.1:9", longest_s=10.0)
    channel = harness.channel(REHEARSAL, sip=sip, voice=Voice(times=2))
    await channel.open()
    said = await send(channel, parcel(harness.recipients(1)))
    await channel.close()
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert harness.told()["sound"]["seconds"] > sip.longest_s


async def test_what_fits_no_display_is_said_all_the_same(harness: LoudspeakerHarness) -> None:
    channel = harness.channel(REHEARSAL, display=Display(limit=20), voice=Voice(times=1))
    long = structs.replace(
        content(), short=(Span("とても長い文が一つだけあり、どこにも終わりがありません。"),)
    )
    await channel.open()
    said = await send(channel, replace(parcel(harness.recipients(1)), content=long))
    await channel.close()
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert harness.told()["display"] is None


def test_it_reaches_one_console_and_names_the_citys_places(harness: LoudspeakerHarness) -> None:
    channel = harness.channel(REHEARSAL)
    assert isinstance(channel, Targets)
    assert isinstance(channel, Mapped)
    assert [(each.ref, each.name) for each in channel.targets()] == [(CONSOLE, "防災行政無線")]
    assert channel.capabilities.languages == {Language.JA}
    assert channel.capabilities.request_deadline == timedelta(seconds=20)


def test_settings_without_a_way_are_refused() -> None:
    with pytest.raises(ValueError, match=r"channels\.loudspeaker\.webhook"):
        Settings()


def test_in_production_a_hidden_address_is_refused_unless_it_is_meant(harness: LoudspeakerHarness) -> None:
    hook = Hook(url="https://192.168.1.20/broadcast", secret_file=harness.secret_file)
    with pytest.raises(Refused, match="private = true"):
        Loudspeaker(Settings(webhook=hook), outbound=PRODUCTION, clock=lambda: NOW)
    Loudspeaker(Settings(webhook=structs.replace(hook, private=True)), outbound=PRODUCTION, clock=lambda: NOW)


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, Outcome.ACCEPTED, ""), (202, Outcome.ACCEPTED, ""), (409, Outcome.ACCEPTED, ""),
        (301, Outcome.CREDENTIALS, "redirect"), (400, Outcome.PERMANENT, "400"), (401, Outcome.CREDENTIALS, "401"),
        (403, Outcome.CREDENTIALS, "403"), (404, Outcome.CREDENTIALS, "404"), (413, Outcome.PERMANENT, "413"),
        (418, Outcome.TEMPORARY, "418"), (429, Outcome.THROTTLE, "429"), (500, Outcome.AMBIGUOUS, "500"),
        (501, Outcome.TEMPORARY, "501"), (502, Outcome.AMBIGUOUS, "502"), (503, Outcome.TEMPORARY, "503"),
        (504, Outcome.AMBIGUOUS, "504"),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, outcome: Outcome, reason: str) -> None:
    answer = classify(status, {"Retry-After": "7"}, now=NOW)
    assert (answer.outcome, answer.reason) == (outcome, reason)
    assert (answer.retry_after == timedelta(seconds=7)) is (status in (429, 503))
