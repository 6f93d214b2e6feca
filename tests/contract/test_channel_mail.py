"""The mail connector against the simulated smarthost, which speaks real SMTP."""

import asyncio
import base64
import re
import ssl
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from channels.mail import Mail, Security, Settings
from hub import unsubscribe
from hub.breaker import Heard, heard
from hub.channel import Channel
from hub.delivery import Outcome
from hub.errors import BadSettings, Cancelled, CredentialsFailure, Refused, TemporaryFailure
from hub.keys import Keys
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Where, send
from hub.testing.channel_suite import HELD_S, PRODUCTION, REHEARSAL, ChannelSuite, opened, until
from hub.testing.parcels import JAPANESE, NOW, parcel
from tests.contract.breaking import breaking
from tests.contract.gateways import OfSmtp
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.smtp_dialogue import Terms

ADDRESSED = {Where.GATEWAY: Security.NONE, Where.NOWHERE: Security.NONE, Where.REMOTE: Security.STARTTLS}
PAGE = "https://hub.example/unsubscribe/"
KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
USER, PASSWORD = "hub", "correct-horse-battery"


class MailHarness(OfSmtp):
    kind = "mail"

    def __init__(self, gateway: SmtpGateway, folder: Path, **own: object) -> None:
        self.gateway = gateway
        self.own = own
        self._password_file = folder / "password"
        self._password_file.write_text(f"{PASSWORD}\n")

    @classmethod
    def in_folder(cls, folder: Path) -> "MailHarness":
        return cls(SmtpGateway(Inbox(), terms=Terms(login=(USER, PASSWORD))), folder)

    @property
    def faults(self) -> Faults:
        return self.gateway.faults

    @property
    def secrets(self) -> Sequence[str]:
        return [PASSWORD, base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()]

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY, **changes: object) -> Mail:
        host, port = {
            Where.GATEWAY: ("127.0.0.1", self.gateway.port),
            Where.NOWHERE: ("127.0.0.1", 1),
            Where.REMOTE: ("smarthost.example", 587),
        }[where]
        settings: dict[str, object] = {
            "host": host,
            "port": port,
            "security": Security.TLS if self.secured else ADDRESSED[where],
            "username": USER,
            "password_file": self._password_file,
            "sender": "bousai@yobikake.example",
            "bounces": "bounce@yobikake.example",
            "unsubscribe": "stop@yobikake.example",
        }
        mail = Mail(Settings(**settings | self.own | changes), outbound=outbound, clock=lambda: NOW)
        mail.leave_by(PAGE, partial(unsubscribe.token, KEYS, "mail"))
        return mail

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=f"resident{n}@mail.example") for n in range(number)]

    def sends(self) -> int:
        return self.gateway.transactions

    def bodies(self) -> Sequence[bytes]:
        return self.gateway.messages

    def arrivals(self) -> Sequence[str]:
        assert self.gateway.inbox is not None
        return [
            arrival.address
            for address in self.gateway.inbox.addresses("mail")
            for arrival in self.gateway.inbox.of("mail", address)
        ]


@pytest.fixture(params=["pipelining", "lockstep"])
async def harness(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MailHarness]:
    """Of smarthosts that take commands ahead of their replies (RFC 2920), and of those that do not."""
    terms = Terms(login=(USER, PASSWORD), pipelining=request.param == "pipelining")
    async with SmtpGateway(Inbox(), terms=terms) as gateway:
        yield MailHarness(gateway, tmp_path)


@pytest.fixture(params=["pipelining", "lockstep"])
async def personal(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MailHarness]:
    """The same, and everybody gets a message of their own."""
    terms = Terms(login=(USER, PASSWORD), pipelining=request.param == "pipelining")
    async with SmtpGateway(Inbox(), terms=terms) as gateway:
        yield MailHarness(gateway, tmp_path, personal=True)


@pytest.fixture
async def channel(harness: MailHarness) -> AsyncIterator[Channel]:
    async with opened(harness) as channel:
        yield channel


class TestMail(ChannelSuite, of=MailHarness):
    @pytest.fixture
    def harness(self, harness: MailHarness) -> MailHarness:
        return harness


class TestPersonalMail(ChannelSuite, of=MailHarness):
    @pytest.fixture
    def harness(self, personal: MailHarness) -> MailHarness:
        return personal


async def test_a_resident_reads_the_headline_and_the_whole_text(
    harness: MailHarness, channel: Channel
) -> None:
    await send(channel, parcel(harness.recipients(1)))
    (arrival,) = harness.gateway.inbox.of("mail", "resident0@mail.example")
    headline, body, _, _ = JAPANESE
    assert arrival.subject == headline
    assert arrival.text.startswith("".join(body))
    assert "https://hub.example/a/2026-0147/ja" in arrival.text


async def test_recipients_do_not_see_each_other(harness: MailHarness, channel: Channel) -> None:
    await send(channel, parcel(harness.recipients(5)))
    assert len(harness.arrivals()) == 5
    assert all(b"@mail.example" not in message for message in harness.gateway.messages)


async def test_a_hundred_recipients_are_one_transaction_on_a_warm_connection(
    harness: MailHarness, channel: Channel
) -> None:
    await until(lambda: len(harness.gateway.sessions) == 2)
    before = set(harness.gateway.sessions)
    await send(channel, parcel(harness.recipients(100)))
    assert harness.gateway.transactions == 1
    assert harness.gateway.sessions == before


async def test_without_8bitmime_the_text_still_arrives_whole(harness: MailHarness) -> None:
    harness.gateway.terms.eight_bit = False
    async with opened(harness) as channel:
        await send(channel, parcel(harness.recipients(1)))
    assert harness.gateway.messages[0].isascii()
    (arrival,) = harness.gateway.inbox.of("mail", "resident0@mail.example")
    assert arrival.text.startswith("".join(JAPANESE[1]))


async def test_more_recipients_than_the_smarthost_takes(harness: MailHarness, channel: Channel) -> None:
    harness.gateway.terms.recipients_max = 4
    to = harness.recipients(10)
    first = await send(channel, parcel(to))
    at_once = [result for result in first.results if result.outcome is Outcome.TEMPORARY]
    assert len(at_once) == 6
    assert all(result.reason == "4.5.3" and result.retry_after is not None for result in at_once)
    assert all(not result.retry_after for result in at_once)

    left = [recipient for recipient in to if first.outcomes[recipient.id] is Outcome.TEMPORARY]
    second = await send(channel, parcel(left, attempt=2))
    assert set(second.outcomes.values()) == {Outcome.ACCEPTED}
    assert harness.gateway.transactions == 3
    assert Counter(harness.arrivals()) == {recipient.address: 1 for recipient in to}


async def test_full_mailboxes_make_no_transaction_smaller(harness: MailHarness, channel: Channel) -> None:
    """A server without status codes says of them what it says of too many recipients."""
    to = harness.recipients(100)
    harness.gateway.terms.over_quota = frozenset(to[place].address for place in (7, 57, 99))
    for attempt in range(1, 6):
        before = harness.gateway.transactions
        said = await send(channel, parcel(to, attempt=attempt))
        assert Counter(said.outcomes.values()) == {Outcome.ACCEPTED: 97, Outcome.TEMPORARY: 3}
        assert harness.gateway.transactions == before + 1


async def test_a_limit_is_tried_again_after_a_while(
    harness: MailHarness, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.gateway.terms.recipients_max = 4
    to = harness.recipients(8)
    await send(channel, parcel(to))
    assert await transactions_of(harness, channel, to) == 2
    harness.gateway.terms.recipients_max = 100
    assert await transactions_of(harness, channel, to) == 2, "it is not asked with each"
    monkeypatch.setattr("channels.mail.room.LEARNED_FOR_S", 0.0)
    assert await transactions_of(harness, channel, to) == 1


async def transactions_of(harness: MailHarness, channel: Channel, to: Sequence[Recipient]) -> int:
    before = harness.gateway.transactions
    await send(channel, parcel(to))
    return harness.gateway.transactions - before


async def test_no_room_for_anybody_is_not_worth_coming_back_at_once(
    harness: MailHarness, channel: Channel
) -> None:
    harness.gateway.terms.recipients_max = 0
    said = await send(channel, parcel(harness.recipients(2)))
    assert [(result.outcome, result.retry_after) for result in said.results] == [
        (Outcome.TEMPORARY, None),
        (Outcome.TEMPORARY, None),
    ]


@pytest.mark.parametrize(
    "refusal",
    [
        "554 5.7.1 <a@b.example>: Relay access denied",
        "454 4.7.1 <a@b.example>: Relay access denied",
        "550 relay not permitted",
        "550 5.1.8 <bousai@yobikake.example>: Sender address rejected: Domain not found",
    ],
)
async def test_refusals_of_everybody_for_what_we_are_are_nobodys_fault(
    harness: MailHarness, channel: Channel, refusal: str
) -> None:
    harness.gateway.terms.instead = {"RCPT": refusal}
    said = await send(channel, parcel(harness.recipients(100)))
    assert {(result.outcome, result.reason, result.alone) for result in said.results} == {
        (Outcome.CREDENTIALS, "not relayed", False)
    }
    assert heard(said.results) is Heard.REFUSED
    harness.gateway.terms.instead = {}
    said = await send(channel, parcel(harness.recipients(100)))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}


@pytest.mark.parametrize("refusal", ["550 5.1.1 no such user", "550 5.2.1 closed", "550 no such user"])
async def test_a_hundred_dead_addresses_are_theirs(
    harness: MailHarness, channel: Channel, refusal: str
) -> None:
    harness.gateway.terms.instead = {"RCPT": refusal}
    said = await send(channel, parcel(harness.recipients(100)))
    assert {(result.outcome, result.alone) for result in said.results} == {(Outcome.PERMANENT, True)}
    assert heard(said.results) is Heard.WORKS


@pytest.mark.parametrize("local", ["yobikake.example", "staff.example"])
async def test_staff_at_the_smarthost_itself_do_not_show_that_it_relays(
    harness: MailHarness, channel: Channel, local: str
) -> None:
    """Of our sender's domain, or of another of the city's."""
    harness.gateway.terms.relays, harness.gateway.terms.local = False, local
    staff = Recipient(id=RecipientId(900), address=f"tanaka@{local}")
    residents = harness.recipients(20)
    said = await send(channel, parcel([*residents, staff]))
    outcomes = dict(said.outcomes)
    assert outcomes.pop(staff.id) is Outcome.ACCEPTED
    assert set(outcomes.values()) == {Outcome.CREDENTIALS}
    assert heard(said.results) is Heard.REFUSED


async def test_who_is_refused_beside_others_is_refused_for_good(
    harness: MailHarness, channel: Channel
) -> None:
    harness.gateway.terms.relays, harness.gateway.terms.local = False, "mail.example"
    abroad = Recipient(id=RecipientId(900), address="closed@group.example")
    said = await send(channel, parcel([*harness.recipients(3), abroad]))
    outcomes = dict(said.outcomes)
    assert outcomes.pop(abroad.id) is Outcome.PERMANENT
    assert set(outcomes.values()) == {Outcome.ACCEPTED}


async def test_a_few_who_are_refused_while_others_are_taken_stop_nobody(
    harness: MailHarness, channel: Channel
) -> None:
    """Nobody is with them in their transaction: once we are thought to be at fault, then no more."""
    harness.gateway.terms.relays, harness.gateway.terms.local = False, "mail.example"
    few = [Recipient(id=RecipientId(900 + n), address=f"r{n}@group.example") for n in range(4)]
    said = await send(channel, parcel(few))
    assert set(said.outcomes.values()) == {Outcome.CREDENTIALS}
    await send(channel, parcel(harness.recipients(2)))
    said = await send(channel, parcel(few, attempt=2))
    assert {(result.outcome, result.alone) for result in said.results} == {(Outcome.TEMPORARY, True)}
    assert heard(said.results) is Heard.WORKS


async def test_one_by_one_the_third_who_is_refused_in_a_row_tells(
    harness: MailHarness, channel: Channel
) -> None:
    harness.gateway.terms.relays = False
    alone = [await send(channel, parcel([each])) for each in harness.recipients(3)]
    assert [said.results[0].outcome for said in alone] == [
        Outcome.TEMPORARY,
        Outcome.TEMPORARY,
        Outcome.CREDENTIALS,
    ]
    again = await send(channel, parcel(harness.recipients(1), attempt=2))
    assert again.results[0].outcome is Outcome.CREDENTIALS, "nobody was taken since"


async def test_one_whom_it_does_not_relay_for_is_tried_again_and_stops_nobody(
    harness: MailHarness, channel: Channel
) -> None:
    harness.gateway.terms.relays = False
    for attempt in range(1, 6):
        said = await send(channel, parcel(harness.recipients(1), attempt=attempt))
        assert [(result.outcome, result.alone) for result in said.results] == [(Outcome.TEMPORARY, True)]


async def test_personal_mail_that_is_relayed_for_nobody_stops_at_once(personal: MailHarness) -> None:
    personal.gateway.terms.relays = False
    async with opened(personal) as channel:
        said = await send(channel, parcel(personal.recipients(100)))
    assert Counter(said.outcomes.values()) == {Outcome.TEMPORARY: 2, Outcome.CREDENTIALS: 98}
    assert personal.gateway.transactions < 100


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_connection_lost_before_the_final_dot_is_temporary(
    harness: MailHarness, channel: Channel, command: str
) -> None:
    harness.gateway.terms.hang_up_at = command
    said = await send(channel, parcel(harness.recipients(3)))
    assert set(said.outcomes.values()) == {Outcome.TEMPORARY}
    harness.gateway.terms.hang_up_at = None
    again = await send(channel, parcel(harness.recipients(3), attempt=2))
    assert set(again.outcomes.values()) == {Outcome.ACCEPTED}


async def test_a_connection_lost_after_the_final_dot_is_ambiguous(
    harness: MailHarness, channel: Channel
) -> None:
    harness.gateway.terms.hang_up_at = "."
    said = await send(channel, parcel(harness.recipients(3)))
    assert set(said.outcomes.values()) == {Outcome.AMBIGUOUS}


async def test_refused_recipients_stay_refused_when_the_connection_is_lost_later(
    harness: MailHarness, channel: Channel
) -> None:
    harness.gateway.terms.hang_up_at = "."
    harness.faults.permanent, harness.faults.seed = 0.5, 1
    to = harness.recipients(8)
    said = await send(channel, parcel(to))
    for recipient in to:
        hit = harness.faults.hits(0.5, "permanent", recipient.address)
        assert said.outcomes[recipient.id] is (Outcome.PERMANENT if hit else Outcome.AMBIGUOUS)
    assert len(set(said.outcomes.values())) == 2


async def test_a_smarthost_silent_for_too_long_before_the_dot_is_temporary(harness: MailHarness) -> None:
    async with opened_with(harness, reply_timeout_s=0.2, warm_connections=1) as channel:
        harness.faults.latency_s = HELD_S
        said = await send(channel, parcel(harness.recipients(2)))
    assert set(said.outcomes.values()) == {Outcome.TEMPORARY}


async def test_a_smarthost_silent_for_too_long_after_the_dot_is_ambiguous(harness: MailHarness) -> None:
    harness.faults.drain_per_s = 2 / HELD_S
    async with opened_with(harness, reply_timeout_s=0.2) as channel:
        said = await send(channel, parcel(harness.recipients(2)))
        assert set(said.outcomes.values()) == {Outcome.AMBIGUOUS}
        await until(lambda: harness.in_flight() == 0)  # its late answer must not be taken for the next one's


async def test_wherever_the_connection_breaks_temporary_means_that_no_final_dot_was_given_away(
    harness: MailHarness,
) -> None:
    """Broken after each so many bytes of what we say: the smarthost has read that much, we hear nothing more."""
    to = harness.recipients(3)
    async with (
        breaking(harness.gateway.port, after_bytes=sys.maxsize) as whole,
        opened_with(harness, port=whole.port, warm_connections=0) as channel,
    ):
        await send(channel, parcel(to))
        said_bytes = whole.passed
    stuffed = re.sub(rb"(?m)^\.", b"..", harness.gateway.messages[0])
    message_bytes = len(stuffed) + len(".\r\n")
    harness.gateway.messages.clear()
    before_the_message = said_bytes - message_bytes
    cuts = {*range(0, said_bytes, 97), before_the_message - 1, said_bytes - 4, said_bytes - 1, said_bytes}
    for cut in sorted(cuts):
        async with (
            breaking(harness.gateway.port, after_bytes=cut) as broken,
            opened_with(harness, port=broken.port, warm_connections=0) as channel,
        ):
            said = await send(channel, parcel(to))
        await until(lambda: not harness.gateway.sessions)
        taken = bool(harness.gateway.messages)
        assert taken == (cut == said_bytes), cut
        (outcome,) = set(said.outcomes.values())
        assert outcome is (Outcome.TEMPORARY if cut < before_the_message else Outcome.AMBIGUOUS), cut


@pytest.mark.parametrize("asked_before", ["MAIL", "the message"])
async def test_a_gate_that_closes_before_the_message_hands_nothing_over(
    harness: MailHarness, channel: Channel, asked_before: str
) -> None:
    closes_at = ["MAIL", "the message"].index(asked_before)
    asked = 0

    def gate() -> None:
        nonlocal asked
        asked += 1
        if asked > closes_at:
            raise Cancelled(f"before {asked_before}")

    with pytest.raises(Cancelled):
        await send(channel, parcel(harness.recipients(3), gate=gate))
    assert not harness.arrivals()
    assert harness.gateway.transactions == min(closes_at, 1)
    await until(lambda: harness.gateway.in_flight == 0)
    said = await send(channel, parcel(harness.recipients(3)))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}


async def test_a_transaction_that_takes_too_long_as_a_whole_is_cut_off(harness: MailHarness) -> None:
    """However diligently the smarthost answers each of its commands."""
    harness.gateway.terms.pipelining = False
    harness.faults.latency_s = 0.15
    async with opened_with(harness, timeout_s=0.6, warm_connections=1) as channel:
        assert channel.capabilities.request_deadline == timedelta(seconds=0.6)
        said = await send(channel, parcel(harness.recipients(50)))
    assert set(said.outcomes.values()) == {Outcome.TEMPORARY}
    assert not harness.arrivals()


async def test_a_message_too_big_is_nobodys_fault(harness: MailHarness) -> None:
    harness.gateway.terms.size_bytes = 200
    async with opened(harness) as channel:
        said = await send(channel, parcel(harness.recipients(2)))
    assert set(said.outcomes.values()) == {Outcome.UNSUPPORTED}


async def test_a_restarted_smarthost_is_found_again(harness: MailHarness, channel: Channel) -> None:
    await send(channel, parcel(harness.recipients(1)))
    for session in list(harness.gateway.sessions):
        session.abort()
    await until(lambda: not harness.gateway.sessions)
    said = await send(channel, parcel(harness.recipients(2)))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}


async def test_a_connection_idle_for_long_is_asked_before_it_is_used(
    harness: MailHarness, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.mail.pool.TRUSTED_S", -1.0)
    harness.gateway.terms.hang_up_at = "NOOP"
    said = await send(channel, parcel(harness.recipients(2)))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}


async def test_addresses_of_old_phones_and_other_scripts(harness: MailHarness, channel: Channel) -> None:
    addresses = [
        "a..b.@carrier.example",
        "山田@mail.example",
        "not an address",
        "x@y\r\nRCPT TO:<z@z.example>",
    ]
    to = [Recipient(id=RecipientId(n), address=address) for n, address in enumerate(addresses)]
    said = await send(channel, parcel(to))
    assert list(said.outcomes.values()) == [
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
        Outcome.PERMANENT,
        Outcome.PERMANENT,
    ]
    assert sorted(harness.arrivals()) == sorted(addresses[:2])


async def test_staff_are_woken_up(harness: MailHarness) -> None:
    async with opened(harness) as channel:
        assert isinstance(channel, Mail)
        staff = ["duty@city.example", "deputy@city.example"]
        taken = await channel.submit(
            staff, subject="[よびかけ] credentials line", text="設定を確認してください。"
        )
        assert taken == 2
        harness.faults.permanent = 1.0
        with pytest.raises(TemporaryFailure):
            await channel.submit(staff, subject="[よびかけ] probe", text="届きません。")
    (arrival,) = harness.gateway.inbox.of("mail", "duty@city.example")
    assert arrival.subject == "[よびかけ] credentials line"


async def test_a_probe_leaves_one_warm_connection_and_no_more_than_allowed(harness: MailHarness) -> None:
    async with opened_with(harness, connections=2, warm_connections=0) as channel:
        for _ in range(4):
            assert (await channel.probe()).ok
        await until(lambda: len(harness.gateway.sessions) <= 2)
        assert harness.gateway.sessions


async def test_a_wrong_password_is_refused_by_name(harness: MailHarness, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("something else")
    async with opened_with(harness, password_file=wrong) as channel:
        health = await channel.probe()
        said = await send(channel, parcel(harness.recipients(1)))
    assert not health.ok
    assert "password_file" in health.detail
    assert isinstance(said.failure, CredentialsFailure)


async def test_a_password_never_goes_out_unencrypted(harness: MailHarness) -> None:
    with pytest.raises(BadSettings, match="security"):
        harness.channel(PRODUCTION, Where.REMOTE, security=Security.NONE)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_tls_with_the_citys_own_authority(tmp_path: Path, security: Security) -> None:
    async with secured(tmp_path, security) as harness:
        trusting = Outbound(deployment=Deployment.REHEARSAL, ca_file=tmp_path / "ca.pem")
        async with opened_with(harness, outbound=trusting, host="localhost", security=security) as channel:
            said = await send(channel, parcel(harness.recipients(2)))
            assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
            assert (await channel.probe()).ok
        assert len(harness.arrivals()) == 2


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_an_unknown_certificate_stops_everything(tmp_path: Path, security: Security) -> None:
    async with secured(tmp_path, security) as harness:
        async with opened_with(harness, host="localhost", security=security) as channel:
            said = await send(channel, parcel(harness.recipients(2)))
            health = await channel.probe()
        assert isinstance(said.failure, CredentialsFailure)
        assert said.failure.reason == "certificate"
        assert not health.ok
        assert harness.sends() == 0


async def test_a_smarthost_without_starttls_gets_no_password(harness: MailHarness) -> None:
    async with opened_with(harness, security=Security.STARTTLS) as channel:
        said = await send(channel, parcel(harness.recipients(1)))
    assert isinstance(said.failure, CredentialsFailure)
    assert harness.sends() == 0


async def test_in_production_a_rehearsal_smarthost_never_hears_a_word(harness: MailHarness) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"220 {harness.gateway.greeting}\r\n".encode())
        heard.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        channel = harness.channel(PRODUCTION, port=port, warm_connections=1)
        with pytest.raises(Refused):
            await channel.open()
        await channel.close()
        await until(lambda: bool(heard))
    assert heard == [b""]


@asynccontextmanager
async def opened_with(
    harness: MailHarness, *, outbound: Outbound = REHEARSAL, **changes: object
) -> AsyncIterator[Mail]:
    channel = harness.channel(outbound, **changes)
    await channel.open()
    try:
        yield channel
    finally:
        await channel.close()


@asynccontextmanager
async def secured(folder: Path, security: Security) -> AsyncIterator[MailHarness]:
    """A smarthost whose certificate is signed by `folder/ca.pem`."""
    write_certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    terms = Terms(login=(USER, PASSWORD), tls=context if security is Security.STARTTLS else None)
    tls = context if security is Security.TLS else None
    async with SmtpGateway(Inbox(), terms=terms, tls=tls) as gateway:
        yield MailHarness(gateway, folder)


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(secret)
