"""Voice against a Twilio that rings telephones, through the channel suite and beyond it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

import pytest
from aiohttp import web
from msgspec import structs

from channels.voice import Settings, Voice
from hub.channel import Channel, Receipt, Span
from hub.delivery import Outcome, ProviderRef
from hub.errors import BadInput, Forbidden, TemporaryFailure
from hub.language import Language
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Feature, Where, send
from hub.testing.channel_suite import HELD_S, REHEARSAL, ChannelSuite, opened, until
from hub.testing.parcels import NOW, parcel
from tests.contract.gateways import TWILIO_ANSWERS, OfHttp
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_phones import sign

ACCOUNT = "AC" + "5" * 32
TOKEN = "not-a-token-of-anybody"
CALLER = "+815012345678"
CALLBACK = "https://hub.example/callbacks/voice"
ADDRESSES = {
    Where.NOWHERE: "http://127.0.0.1:9",
    Where.REMOTE: "https://gateway.example",
}


class VoiceHarness(OfHttp):
    kind = "voice"
    provider = "twilio"
    lacks: ClassVar[Mapping[Feature, str]] = {
        Feature.TEMPORARY: "a busy telephone is heard of later, by callback",
        Feature.RETRY_AFTER: "Twilio does not say when to come back",
        Feature.REPEATS: "a resend finds the earlier call and makes none",
    }
    answers = TWILIO_ANSWERS

    def __init__(self, gateway: TwilioGateway, folder: Path) -> None:
        self.gateway = gateway
        self.token_file = folder / "twilio.token"
        self.token_file.write_text(TOKEN + "\n")
        self.callback_url = CALLBACK
        self.calls_per_s = 30
        self.caller = CALLER

    @classmethod
    def in_folder(cls, folder: Path) -> "VoiceHarness":
        return cls(TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, clock=lambda: NOW), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return TOKEN, base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return self.voice(outbound, where)

    def voice(self, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY) -> Voice:
        settings = Settings(
            account_sid=ACCOUNT,
            auth_token_file=self.token_file,
            from_number=self.caller,
            callback_url=self.callback_url,
            base_url=ADDRESSES.get(where, self.gateway.url),
            calls_per_s=self.calls_per_s,
        )
        return Voice(settings, outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=f"+8190{n:08}") for n in range(1, number + 1)]

    def sends(self) -> int:
        return len(self._created())

    def bodies(self) -> Sequence[bytes]:
        return self._created()

    def arrivals(self) -> Sequence[str]:
        inbox = self.gateway.inbox
        return [
            arrival.address for number in inbox.addresses("voice") for arrival in inbox.of("voice", number)
        ]

    def _created(self) -> list[bytes]:
        return [request.body for request in self.gateway.requests if request.method == "POST"]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[VoiceHarness]:
    async with VoiceHarness.running(tmp_path) as harness:
        yield harness


class TestVoice(ChannelSuite, of=VoiceHarness):
    @pytest.fixture
    def harness(self, harness: VoiceHarness) -> VoiceHarness:
        return harness


class Callbacks:
    """The hub's public address, as far as Twilio's reports go."""

    def __init__(self) -> None:
        self.received: list[tuple[Mapping[str, str], bytes]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((request.headers, await request.read()))
        return web.Response(status=204)

    def receipts(self, voice: Voice) -> list[Receipt]:
        return [receipt for headers, body in self.received for receipt in voice.parse(headers, body)]


@pytest.fixture
async def callbacks(harness: VoiceHarness) -> AsyncIterator[Callbacks]:
    taken = Callbacks()
    app = web.Application()
    app.router.add_post("/callbacks/voice", taken.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    harness.callback_url = f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks/voice"
    yield taken
    await runner.cleanup()


async def test_the_order_is_heard_twice_and_whole(harness: VoiceHarness) -> None:
    to = harness.recipients(1)
    handed_over = parcel(to)
    async with opened(harness) as voice:
        await send(voice, handed_over)
    (arrival,) = harness.gateway.inbox.of("voice", to[0].address)
    order = handed_over.content.text(handed_over.content.speech)
    assert arrival.text.split("\n") == [order, order]


@pytest.mark.parametrize(
    ("fate", "outcome", "reason"),
    [
        ({}, Outcome.DELIVERED, "completed 200"),
        ({"busy": 1.0}, Outcome.TEMPORARY, "busy 486"),
        ({"no_answer": 1.0}, Outcome.TEMPORARY, "no-answer 487"),
    ],
)
async def test_what_became_of_a_call_comes_back_under_its_reference(
    harness: VoiceHarness, callbacks: Callbacks, fate: dict[str, float], outcome: Outcome, reason: str
) -> None:
    for name, ratio in fate.items():
        setattr(harness.gateway.fates, name, ratio)
    voice = harness.voice()
    await voice.open()
    said = await send(voice, parcel(harness.recipients(2)))
    await harness.gateway.phones.idle()
    await voice.close()
    receipts = callbacks.receipts(voice)
    assert {receipt.ref for receipt in receipts} == {result.ref for result in said.results}
    assert [(receipt.outcome, receipt.reason, receipt.at) for receipt in receipts] == [
        (outcome, reason, NOW)
    ] * 2


async def test_nobody_else_can_report_a_call(harness: VoiceHarness) -> None:
    voice = harness.voice()
    form = {"CallSid": "CA" + "1" * 32, "CallStatus": "completed"}
    body = b"CallSid=CA" + b"1" * 32 + b"&CallStatus=completed"
    signature = sign(CALLBACK, form, auth_token=TOKEN)
    assert voice.parse({"x-twilio-signature": signature}, body)
    elsewhere = sign("https://hub.example/callbacks/sms", form, auth_token=TOKEN)
    stranger = sign(CALLBACK, form, auth_token="another")
    for headers, sent in [
        ({}, body),
        ({"X-Twilio-Signature": elsewhere}, body),
        ({"X-Twilio-Signature": stranger}, body),
        ({"X-Twilio-Signature": signature}, body.replace(b"completed", b"busy")),
        ({"X-Twilio-Signature": signature}, b"\xff\xfe"),
    ]:
        with pytest.raises(Forbidden):
            voice.parse(headers, sent)


@pytest.mark.parametrize(
    ("form", "outcomes"),
    [
        ({"CallStatus": "failed", "SipResponseCode": "404"}, [Outcome.PERMANENT]),
        ({"CallStatus": "failed", "SipResponseCode": "503"}, [Outcome.TEMPORARY]),
        ({"CallStatus": "failed"}, [Outcome.TEMPORARY]),
        ({"CallStatus": "canceled"}, [Outcome.TEMPORARY]),
        ({"CallStatus": "ringing"}, []),
    ],
)
async def test_what_a_final_status_means(
    harness: VoiceHarness, form: dict[str, str], outcomes: list[Outcome]
) -> None:
    receipts = signed(harness.voice(), {"CallSid": "CA" + "1" * 32} | form)
    assert [receipt.outcome for receipt in receipts] == outcomes


async def test_a_report_without_its_call_is_bad_input(harness: VoiceHarness) -> None:
    with pytest.raises(BadInput, match=r"\$\.CallSid"):
        signed(harness.voice(), {"CallStatus": "completed"})


async def test_a_resend_finds_the_call_that_twilio_never_confirmed(harness: VoiceHarness) -> None:
    to = harness.recipients(2)
    async with opened(harness) as voice:
        await send(voice, parcel(to[1:]))
        harness.faults.silent = 1.0
        assert (await send(voice, parcel(to[:1]))).outcomes == {to[0].id: Outcome.AMBIGUOUS}
        harness.faults.silent = 0.0
        again = await send(voice, parcel(to[:1], attempt=2, resend=True))
    assert again.outcomes == {to[0].id: Outcome.ACCEPTED}
    assert again.results[0].ref == harness.gateway.calls[1].sid
    assert harness.arrivals().count(to[0].address) == 1


async def test_a_resend_that_finds_nothing_makes_the_call(harness: VoiceHarness) -> None:
    to = harness.recipients(1)
    async with opened(harness) as voice:
        said = await send(voice, parcel(to, attempt=2, resend=True))
    assert said.outcomes == {to[0].id: Outcome.ACCEPTED}
    assert harness.arrivals() == [to[0].address]


async def test_a_resend_after_a_call_that_nobody_took_waits_for_its_redial(harness: VoiceHarness) -> None:
    to = harness.recipients(1)
    harness.gateway.fates.busy = 1.0
    async with opened(harness) as voice:
        await send(voice, parcel(to))
        await harness.gateway.phones.idle()
        again = await send(voice, parcel(to, attempt=2, resend=True))
        assert [(result.outcome, result.reason) for result in again.results] == [
            (Outcome.TEMPORARY, "missed")
        ]
        redial = await send(voice, parcel(to, attempt=3))
    assert redial.outcomes == {to[0].id: Outcome.ACCEPTED}
    assert harness.arrivals() == [to[0].address]


@pytest.mark.parametrize(("resend", "outcome"), [(True, Outcome.AMBIGUOUS), (False, Outcome.TEMPORARY)])
async def test_a_try_that_cannot_look_makes_no_call(
    harness: VoiceHarness, resend: bool, outcome: Outcome
) -> None:
    to = harness.recipients(1)
    async with opened(harness) as known, opened(harness, where=Where.NOWHERE) as unknown:
        harness.faults.down = True
        for voice in (known, unknown):
            said = await send(voice, parcel(to, attempt=2, resend=resend))
            assert said.outcomes == {to[0].id: outcome}
    assert harness.sends() == 0


async def test_a_call_for_another_alert_does_not_stand_in_for_this_one(harness: VoiceHarness) -> None:
    to = harness.recipients(1)
    handed_over = parcel(to, attempt=2, resend=True)
    another = replace(handed_over, content=structs.replace(handed_over.content, identifier="another"))

    async def nothing(recipient: RecipientId, refs: Collection[ProviderRef]) -> set[ProviderRef]:
        assert (recipient, len(refs)) == (to[0].id, 1)
        return set()

    async with opened(harness) as voice:
        await send(voice, replace(another, attempt=1, resend=False))
        await send(voice, replace(handed_over, surely_ours=nothing))
    assert harness.arrivals() == [to[0].address] * 2


@pytest.mark.parametrize(("resend", "outcome"), [(True, Outcome.AMBIGUOUS), (False, Outcome.TEMPORARY)])
async def test_while_the_ledger_cannot_tell_whose_a_call_is_none_is_made(
    harness: VoiceHarness, resend: bool, outcome: Outcome
) -> None:
    to = harness.recipients(1)

    async def away(recipient: RecipientId, refs: Collection[ProviderRef]) -> set[ProviderRef]:
        raise TemporaryFailure("ledger", "away")

    async with opened(harness) as voice:
        await send(voice, parcel(to))
        said = await send(voice, replace(parcel(to, attempt=2, resend=resend), surely_ours=away))
    assert said.outcomes == {to[0].id: outcome}
    assert harness.arrivals() == [to[0].address]


async def test_a_slow_answer_holds_up_no_other_call(harness: VoiceHarness) -> None:
    async with opened(harness) as voice:
        await send(voice, parcel(harness.recipients(1)))
        harness.faults.latency_s = HELD_S
        sending = asyncio.create_task(send(voice, parcel(harness.recipients(5))))
        await until(lambda: harness.in_flight() == 5)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


@pytest.mark.parametrize("caller", [CALLER, "+12025550100"])
async def test_a_country_we_may_not_call_is_our_fault_at_home_and_the_numbers_abroad(
    harness: VoiceHarness, caller: str
) -> None:
    """From wherever the city calls."""
    harness.gateway.countries, harness.caller = (), caller
    home, abroad = (
        Recipient(id=RecipientId(n), address=a) for n, a in enumerate(("+819000000001", "+8210000000"))
    )
    async with opened(harness) as voice:
        said = await send(voice, parcel([home, abroad]))
    assert said.outcomes == {home.id: Outcome.CREDENTIALS, abroad.id: Outcome.PERMANENT}


@pytest.mark.parametrize(("language", "speech"), [(Language.NE, "短い。"), (Language.JA, "")])
async def test_what_twilio_cannot_say_is_unsupported_and_makes_no_request(
    harness: VoiceHarness, language: Language, speech: str
) -> None:
    handed_over = parcel(harness.recipients(2), language=language)
    content = structs.replace(handed_over.content, speech=(Span(speech),))
    async with opened(harness) as voice:
        said = await send(voice, replace(handed_over, content=content))
    assert set(said.outcomes.values()) == {Outcome.UNSUPPORTED}
    assert harness.sends() == 0


@pytest.mark.parametrize(
    ("sentences", "form", "times"), [(1, "speech", 2), (100, "speech", 1), (200, "short", 2)]
)
async def test_however_long_the_order_is_everybody_is_called(
    harness: VoiceHarness, sentences: int, form: str, times: int
) -> None:
    to = harness.recipients(2)
    handed_over = parcel(to)
    content = structs.replace(handed_over.content, speech=(Span("避難してください。" * sentences),))
    async with opened(harness) as voice:
        said = await send(voice, replace(handed_over, content=content))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    heard = [arrival.text for each in to for arrival in harness.gateway.inbox.of("voice", each.address)]
    assert [text.replace("\n", "") for text in heard] == [content.text(getattr(content, form)) * times] * 2


async def test_the_contract_sets_the_pace(harness: VoiceHarness) -> None:
    assert harness.voice().capabilities.requests_per_s == 30
    assert harness.voice().capabilities.batch_size == 30
    harness.calls_per_s = 1
    assert harness.voice().capabilities.batch_size == 1


def signed(voice: Voice, form: dict[str, str]) -> Sequence[Receipt]:
    headers = {"X-Twilio-Signature": sign(CALLBACK, form, auth_token=TOKEN)}
    return voice.parse(headers, urlencode(form).encode())
