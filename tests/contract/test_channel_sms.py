"""SMS against a Twilio that brings messages to handsets, through the channel suite and beyond it."""

import base64
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlencode

import pytest
from aiohttp import web
from msgspec import structs

from channels.sms import Settings, Sms
from channels.sms.wording import LIMIT, text
from hub import measure
from hub.channel import Channel, Receipt, Span
from hub.delivery import Outcome, ProviderRef
from hub.errors import BadInput, Forbidden, TemporaryFailure
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Feature, Where, send
from hub.testing.channel_suite import REHEARSAL, ChannelSuite, opened
from hub.testing.parcels import NOW, parcel
from tests.contract.gateways import TWILIO_ANSWERS, OfHttp
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio_messages import TwilioMessages
from yobikake.rehearsal.twilio_phones import sign

ACCOUNT = "AC" + "5" * 32
TOKEN = "not-a-token-of-anybody"
SENDER = "BOUSAI"
CALLBACK = "https://hub.example/callbacks/sms"
ADDRESSES = {
    Where.NOWHERE: "http://127.0.0.1:9",
    Where.REMOTE: "https://gateway.example",
}


class SmsHarness(OfHttp):
    kind = "sms"
    provider = "twilio"
    lacks: ClassVar[Mapping[Feature, str]] = {
        Feature.TEMPORARY: "a handset out of reach is heard of later, by callback",
        Feature.RETRY_AFTER: "Twilio does not say when to come back",
        Feature.REPEATS: "a resend finds the earlier message and makes none",
    }
    answers = TWILIO_ANSWERS

    def __init__(self, gateway: TwilioMessages, folder: Path) -> None:
        self.gateway = gateway
        self.token_file = folder / "twilio.token"
        self.token_file.write_text(TOKEN + "\n")
        self.callback_url = CALLBACK
        self.sender = SENDER

    @classmethod
    def in_folder(cls, folder: Path) -> "SmsHarness":
        return cls(TwilioMessages(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, clock=lambda: NOW), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return TOKEN, base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return self.sms(outbound, where)

    def sms(self, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY) -> Sms:
        settings = Settings(
            account_sid=ACCOUNT,
            auth_token_file=self.token_file,
            sender=self.sender,
            callback_url=self.callback_url,
            base_url=ADDRESSES.get(where, self.gateway.url),
            segments_per_s=30,
        )
        return Sms(settings, outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=f"+8190{n:08}") for n in range(1, number + 1)]

    def sends(self) -> int:
        return len(self._created())

    def bodies(self) -> Sequence[bytes]:
        return self._created()

    def arrivals(self) -> Sequence[str]:
        inbox = self.gateway.inbox
        return [arrival.address for number in inbox.addresses("sms") for arrival in inbox.of("sms", number)]

    def _created(self) -> list[bytes]:
        return [request.body for request in self.gateway.requests if request.method == "POST"]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[SmsHarness]:
    async with SmsHarness.running(tmp_path) as harness:
        yield harness


class TestSms(ChannelSuite, of=SmsHarness):
    @pytest.fixture
    def harness(self, harness: SmsHarness) -> SmsHarness:
        return harness


async def reported(harness: SmsHarness, to: Sequence[Recipient]) -> tuple[set[ProviderRef], list[Receipt]]:
    """What was accepted, and what Twilio says of it afterwards at the hub's own address."""
    received: list[tuple[Mapping[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        received.append((request.headers, await request.read()))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/callbacks/sms", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    harness.callback_url = f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks/sms"
    sms = harness.sms()
    await sms.open()
    said = await send(sms, parcel(to))
    await harness.gateway.handsets.idle()
    await sms.close()
    await runner.cleanup()
    receipts = [receipt for headers, body in received for receipt in sms.parse(headers, body)]
    return {result.ref for result in said.results if result.ref}, receipts


async def test_a_resident_reads_the_short_text_and_where_the_rest_is(harness: SmsHarness) -> None:
    to = harness.recipients(1)
    handed_over = parcel(to)
    async with opened(harness) as sms:
        await send(sms, handed_over)
    (arrival,) = harness.gateway.inbox.of("sms", to[0].address)
    short, link = handed_over.content.text(handed_over.content.short), handed_over.content.link
    assert arrival.text == f"{short}\n{link}"


async def test_each_part_of_a_message_takes_a_turn(harness: SmsHarness) -> None:
    asked: list[int] = []

    async def turn(requests: int = 1, /) -> None:
        asked.append(requests)

    handed_over = replace(parcel(harness.recipients(2)), turn=turn)
    async with opened(harness) as sms:
        await send(sms, handed_over)
    parts = measure.segments(text(handed_over.content))
    assert parts > 1
    assert asked == [parts, parts]


async def test_twilio_tries_no_longer_than_the_alert_is_in_force(harness: SmsHarness) -> None:
    to = harness.recipients(1)
    async with opened(harness) as sms:
        for minutes in (1, 60, 24 * 60):
            await send(sms, replace(parcel(to), expires_at=NOW + timedelta(minutes=minutes)))
    assert [message.validity_s for message in harness.gateway.messages] == [60, 3600, 36_000]


@pytest.mark.parametrize("sender", [SENDER, "+815012345678", "MG" + "0" * 32])
async def test_who_sends_is_a_name_a_number_or_a_service(harness: SmsHarness, sender: str) -> None:
    harness.sender = sender
    async with opened(harness) as sms:
        await send(sms, parcel(harness.recipients(1)))
    form = parse_qs(harness.bodies()[0].decode())
    name = "MessagingServiceSid" if sender.startswith("MG") else "From"
    assert {field: form.get(field) for field in ("MessagingServiceSid", "From")} == {
        "MessagingServiceSid": None, "From": None, name: [sender],
    }  # fmt: skip


async def test_what_became_of_a_message_comes_back_under_its_reference(harness: SmsHarness) -> None:
    refs, receipts = await reported(harness, harness.recipients(2))
    assert {receipt.ref for receipt in receipts} == refs
    assert [(each.outcome, each.at) for each in receipts] == [(Outcome.DELIVERED, NOW)] * 2


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (30003, Outcome.TEMPORARY),
        (30004, Outcome.PERMANENT),
        (30005, Outcome.PERMANENT),
        (30006, Outcome.PERMANENT),
        (30007, Outcome.PERMANENT),
        (30008, Outcome.TEMPORARY),
        (30022, Outcome.TEMPORARY),  # too many a second
        (30036, Outcome.PERMANENT),
        (30410, Outcome.TEMPORARY),
        (30500, Outcome.TEMPORARY),
        (21614, Outcome.PERMANENT),  # no mobile number, found out late
        (39999, Outcome.TEMPORARY),
    ],
)
async def test_why_a_message_did_not_arrive(harness: SmsHarness, code: int, outcome: Outcome) -> None:
    harness.gateway.signal.undelivered, harness.gateway.signal.code = 1.0, code
    refs, receipts = await reported(harness, harness.recipients(1))
    assert [(each.ref, each.outcome, each.reason) for each in receipts] == [
        (*refs, outcome, f"undelivered {code}")
    ]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"MessageStatus": "failed"}, Outcome.TEMPORARY),
        ({"MessageStatus": "failed", "ErrorCode": "x"}, Outcome.TEMPORARY),
        ({"MessageStatus": "canceled"}, Outcome.PERMANENT),  # by somebody, in the account
    ],
)
def test_a_report_without_a_reason(harness: SmsHarness, said: Mapping[str, str], outcome: Outcome) -> None:
    form = {"MessageSid": "SM" + "1" * 32, **said}
    headers = {"X-Twilio-Signature": sign(CALLBACK, form, auth_token=TOKEN)}
    (receipt,) = harness.sms().parse(headers, urlencode(form).encode())
    assert receipt.outcome is outcome


async def test_nobody_else_can_report_a_message(harness: SmsHarness) -> None:
    sms = harness.sms()
    form = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
    body, signature = urlencode(form).encode(), sign(CALLBACK, form, auth_token=TOKEN)
    assert sms.parse({"x-twilio-signature": signature}, body)
    for headers, sent in [
        ({}, body),
        ({"X-Twilio-Signature": sign(f"{CALLBACK}/", form, auth_token=TOKEN)}, body),
        ({"X-Twilio-Signature": sign(CALLBACK, form, auth_token="another")}, body),
        ({"X-Twilio-Signature": signature}, body.replace(b"delivered", b"failed")),
    ]:
        with pytest.raises(Forbidden):
            sms.parse(headers, sent)


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
async def test_a_report_without_its_message_is_bad_input(harness: SmsHarness, missing: str) -> None:
    form = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
    del form[missing]
    headers = {"X-Twilio-Signature": sign(CALLBACK, form, auth_token=TOKEN)}
    with pytest.raises(BadInput, match=rf"\$\.{missing}"):
        harness.sms().parse(headers, urlencode(form).encode())


async def test_a_resend_finds_the_message_that_twilio_never_confirmed(harness: SmsHarness) -> None:
    to = harness.recipients(2)
    async with opened(harness) as sms:
        await send(sms, parcel(to[1:]))
        harness.faults.silent = 1.0
        assert (await send(sms, parcel(to[:1]))).outcomes == {to[0].id: Outcome.AMBIGUOUS}
        harness.faults.silent = 0.0
        again = await send(sms, parcel(to[:1], attempt=2, resend=True))
    assert again.outcomes == {to[0].id: Outcome.ACCEPTED}
    assert again.results[0].ref == harness.gateway.messages[1].sid
    assert harness.arrivals().count(to[0].address) == 1


async def test_another_alerts_message_does_not_stand_in_for_this_one(harness: SmsHarness) -> None:
    to = harness.recipients(1)
    handed_over = parcel(to)
    other = replace(handed_over, content=structs.replace(handed_over.content, short=(Span("別の知らせ"),)))
    async with opened(harness) as sms:
        await send(sms, other)
        said = await send(sms, parcel(to, attempt=2, resend=True))
    assert said.outcomes == {to[0].id: Outcome.ACCEPTED}
    assert harness.arrivals() == [to[0].address] * 2


@pytest.mark.parametrize("ours", [True, False])
async def test_of_an_account_that_keeps_no_words_the_ledger_says_whose_a_message_is(
    harness: SmsHarness, ours: bool
) -> None:
    to = harness.recipients(1)

    async def say(recipient: RecipientId, refs: Collection[ProviderRef]) -> set[ProviderRef]:
        return set(refs) if ours else set()

    async with opened(harness) as sms:
        await send(sms, parcel(to))
        harness.gateway.messages[0].body = ""
        await send(sms, replace(parcel(to, attempt=2, resend=True), surely_ours=say))
    assert len(harness.arrivals()) == (1 if ours else 2)


@pytest.mark.parametrize(("resend", "outcome"), [(True, Outcome.AMBIGUOUS), (False, Outcome.TEMPORARY)])
async def test_a_try_that_cannot_look_sends_nothing(
    harness: SmsHarness, resend: bool, outcome: Outcome
) -> None:
    to = harness.recipients(1)

    async def away(recipient: RecipientId, refs: Collection[ProviderRef]) -> set[ProviderRef]:
        raise TemporaryFailure("ledger", "away")

    async with opened(harness) as known, opened(harness, where=Where.NOWHERE) as unknown:
        await send(known, parcel(to))
        harness.gateway.messages[0].body = ""
        cut_off = await send(known, replace(parcel(to, attempt=2, resend=resend), surely_ours=away))
        harness.faults.down = True
        for said in (
            cut_off,
            await send(known, parcel(to, attempt=2, resend=resend)),
            await send(unknown, parcel(to, attempt=2, resend=resend)),
        ):
            assert said.outcomes == {to[0].id: outcome}
    assert harness.arrivals() == [to[0].address]


async def test_a_handset_that_was_out_of_reach_is_tried_again(harness: SmsHarness) -> None:
    to = harness.recipients(1)
    harness.faults.temporary = 1.0
    async with opened(harness) as sms:
        await send(sms, parcel(to))
        await harness.gateway.handsets.idle()
        looked = await send(sms, parcel(to, attempt=2, resend=True))
        assert [(each.outcome, each.reason, each.cleared) for each in looked.results] == [
            (Outcome.TEMPORARY, "missed", True)
        ]
        again = await send(sms, parcel(to, attempt=3))
    assert again.outcomes == {to[0].id: Outcome.ACCEPTED}
    assert harness.arrivals() == [to[0].address]


async def test_who_answered_stop_is_left_alone(harness: SmsHarness) -> None:
    to = harness.recipients(2)
    harness.gateway.stopped = {to[0].address}
    async with opened(harness) as sms:
        said = await send(sms, parcel(to))
    assert said.outcomes == {to[0].id: Outcome.PERMANENT, to[1].id: Outcome.ACCEPTED}
    assert said.results[0].reason == "21610" or said.results[1].reason == "21610"


async def test_a_country_we_may_not_send_to_is_our_fault_at_home_and_the_numbers_abroad(
    harness: SmsHarness,
) -> None:
    harness.gateway.countries = ()
    home, abroad = (
        Recipient(id=RecipientId(n), address=a) for n, a in enumerate(("+819000000001", "+8210000000"))
    )
    async with opened(harness) as sms:
        said = await send(sms, parcel([home, abroad]))
    assert said.outcomes == {home.id: Outcome.CREDENTIALS, abroad.id: Outcome.PERMANENT}


@pytest.mark.parametrize("longer", [0, 1])
async def test_a_text_of_more_than_ten_parts_is_unsupported_and_never_cut(
    harness: SmsHarness, longer: int
) -> None:
    handed_over = parcel(harness.recipients(2))
    bare = structs.replace(handed_over.content, short=(Span(""),))
    room = LIMIT - len(text(bare))
    content = structs.replace(bare, short=(Span("避" * (room + longer)),))
    async with opened(harness) as sms:
        said = await send(sms, replace(handed_over, content=content))
    assert set(said.outcomes.values()) == {Outcome.UNSUPPORTED if longer else Outcome.ACCEPTED}
    assert harness.sends() == (0 if longer else 2)
