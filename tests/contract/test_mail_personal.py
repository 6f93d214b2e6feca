"""Personal mail on the wire: chained, each of them by itself, and what becomes of them when something breaks."""

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from channels.mail import Mail
from channels.mail.bounces import read
from channels.mail.bounces.addressed import returned
from hub.channel import Parcel
from hub.delivery import Outcome, Result
from hub.errors import Cancelled
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import send
from hub.testing.channel_suite import until
from hub.testing.parcels import always_open, parcel
from tests.contract.test_mail_ahead import Line, opened, scripted
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.smtp_dialogue import Terms

PAGE = "https://hub.example/unsubscribe/"


@asynccontextmanager
async def personal(port: int, **changes: object) -> AsyncIterator[Mail]:
    async with opened(port, personal=True, **changes) as mail:
        mail.leave_by(PAGE, lambda recipient: b"mail.%d.token" % recipient)
        yield mail


def people(number: int, *, first: int = 0) -> list[Recipient]:
    return [Recipient(id=RecipientId(n), address=f"r{n}@mail.example") for n in range(first, first + number)]


def a_parcel(number: int, *, gate: Callable[[], None] = always_open, first: int = 0) -> Parcel:
    return replace(parcel(people(number, first=first), gate=gate), prepare=always_open)


async def one_by_one(line: Line) -> None:
    while True:
        await line.transaction(1)
        await line.message()
        line.say("250 2.0.0 Ok")


async def test_each_envelope_comes_with_the_message_before_it() -> None:
    wire: list[bytes] = []

    async def script(line: Line) -> None:
        wire.append(await line.transaction(1))
        for _ in range(2):
            line.say("354 Go ahead")
            wire.append(await line.heard(b"DATA\r\n"))  # nothing was said to the message yet
            line.say("250 2.0.0 Ok", "250 2.1.0 Ok", "250 2.1.5 Ok")
        line.say("354 Go ahead")
        wire.append(await line.heard(b"\r\n.\r\n"))
        line.say("250 2.0.0 Ok")
        await one_by_one(line)

    sent = a_parcel(3)
    async with scripted(script) as host, personal(host.port) as mail:
        said = await send(mail, sent)
        assert len(host.lines) == 1
    assert Counter(said.outcomes.values()) == {Outcome.ACCEPTED: 3}
    key = sent.idempotency_key.hex
    for n in range(3):
        envelope = wire[n].rpartition(b"\r\n.\r\n")[2].decode()
        assert f"ENVID={key}.{n}\r\n" in envelope
        assert envelope.count("RCPT TO:") == 1
        assert f"RCPT TO:<r{n}@mail.example> NOTIFY=FAILURE ORCPT=rfc822;r{n}@mail.example\r\n" in envelope
        message = email.message_from_bytes(
            wire[n + 1].partition(b"\r\n.\r\n")[0], policy=email.policy.default
        )
        assert message["To"] == f"r{n}@mail.example"
        assert message["Message-ID"] == f"<{key}.{n}@yobikake.example>"
        assert message["List-Unsubscribe"] == f"<{PAGE}mail.{n}.token>"


async def test_a_connection_that_breaks_leaves_one_in_doubt_and_the_others_go_elsewhere() -> None:
    async def breaks(line: Line) -> None:
        await line.transaction(1)
        await line.message()
        line.say("250 2.0.0 Ok")
        await line.transaction(1)
        line.say("354 Go ahead")
        await line.heard(b"DATA\r\n")
        line.writer.transport.abort()

    async with scripted(breaks, one_by_one) as host, personal(host.port) as mail:
        said = await send(mail, a_parcel(5))
        assert len(host.lines) == 2
    assert [said.outcomes[RecipientId(n)] for n in range(5)] == [
        Outcome.ACCEPTED, Outcome.AMBIGUOUS, Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.ACCEPTED,
    ]  # fmt: skip


async def test_a_goodbye_before_the_dot_puts_off_one_and_the_others_go_elsewhere() -> None:
    async def full(line: Line) -> None:
        await line.heard(b"DATA\r\n")
        line.say("421 4.3.2 Shutting down")

    async with scripted(full, one_by_one) as host, personal(host.port) as mail:
        said = await send(mail, a_parcel(3))
    assert Counter(said.outcomes.values()) == {Outcome.TEMPORARY: 1, Outcome.ACCEPTED: 2}


async def test_what_is_said_to_all_is_not_asked_again() -> None:
    async def busy(line: Line) -> None:
        await line.heard(b"DATA\r\n")
        line.say("450 4.7.1 Too many messages", "503 5.5.1 Sender first", "503 5.5.1 Sender first")
        assert await line.reader.read() in (b"", b"QUIT\r\n")

    async with scripted(busy) as host, personal(host.port) as mail:
        said = await send(mail, a_parcel(40))
        assert Counter(said.outcomes.values()) == {Outcome.THROTTLE: 40}
        assert len(said.results) == 40
        assert len(host.lines) == 1


async def test_what_is_about_one_recipient_is_about_nobody_else() -> None:
    async with SmtpGateway(Inbox()) as gateway, personal(gateway.port, connections=8) as mail:
        gateway.faults.permanent = 0.3
        said = await send(mail, a_parcel(50))
    refused = {each.id for each in said.to if gateway.faults.hits(0.3, "permanent", each.address)}
    assert 0 < len(refused) < 50
    for result in said.results:
        theirs = Outcome.PERMANENT if result.recipient in refused else Outcome.ACCEPTED
        assert (result.outcome, result.alone) == (theirs, result.recipient in refused)


async def test_a_gate_that_closes_lets_those_that_were_given_away_be_answered() -> None:
    passes = iter(range(3))

    def gate() -> None:
        if next(passes, None) is None:
            raise Cancelled("enough")

    results: list[Result] = []

    async def take(mail: Mail) -> None:
        async for result in mail.send(a_parcel(20, gate=gate)):
            results.append(result)

    async with SmtpGateway(Inbox()) as gateway, personal(gateway.port, connections=4) as mail:
        gateway.faults.latency_s = 0.02
        with pytest.raises(Cancelled):
            await take(mail)
        assert len(gateway.messages) == len(results) == 3
        assert {each.outcome for each in results} == {Outcome.ACCEPTED}
        gateway.faults.latency_s = 0.0
        again = await send(mail, a_parcel(5, first=100))
    assert Counter(again.outcomes.values()) == {Outcome.ACCEPTED: 5}


async def test_a_cancelled_parcel_leaves_nothing_behind_and_the_other_one_alone() -> None:
    """The other's message is being answered on the one session there is; of the cancelled one stands an envelope
    behind it, and the rest waits."""
    behind, answer = asyncio.Event(), asyncio.Event()

    async def slow(line: Line) -> None:
        await line.transaction(1)
        line.say("354 Go ahead")
        await line.heard(b"DATA\r\n")
        behind.set()
        await answer.wait()
        line.say("250 2.0.0 Ok", "250 2.1.0 Ok", "250 2.1.5 Ok", "354 Go ahead")
        assert await line.reader.read() == b"", "its message was given away"

    async with scripted(slow, one_by_one) as host, personal(host.port) as mail:
        first = asyncio.create_task(send(mail, a_parcel(1)))
        await asyncio.sleep(0)
        second = asyncio.create_task(send(mail, a_parcel(30, first=10)))
        await behind.wait()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        answer.set()
        assert list((await first).outcomes.values()) == [Outcome.ACCEPTED]
        assert list((await send(mail, a_parcel(1, first=50))).outcomes.values()) == [Outcome.ACCEPTED]
        assert len(host.lines) == 2


async def test_a_smarthost_that_cannot_be_had_is_said_of_all_who_have_no_result() -> None:
    async def breaks(line: Line) -> None:
        await line.transaction(1)
        await line.message()
        line.say("250 2.0.0 Ok")
        await line.transaction(1)
        line.writer.transport.abort()

    async with scripted(breaks) as host, personal(host.port) as mail:
        await until(lambda: bool(host.lines))
        host.scripts.append(_hangs_up)
        said = await send(mail, a_parcel(6))
    assert said.outcomes[RecipientId(0)] is Outcome.ACCEPTED
    assert Counter(said.outcomes.values()) == {Outcome.ACCEPTED: 1, Outcome.TEMPORARY: 5}


async def test_what_no_session_begins_in_time_was_surely_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.mail.mailing.PATIENCE_S", 0.05)
    results: list[Result] = []

    async def slow(line: Line) -> None:
        await line.transaction(1)
        line.say("354 Go ahead")
        await line.heard(b"DATA\r\n")
        await until(lambda: len(results) == 3)
        line.say("250 2.0.0 Ok", "250 2.1.0 Ok", "250 2.1.5 Ok")
        await line.message()
        line.say("250 2.0.0 Ok")

    async with scripted(slow) as host, personal(host.port) as mail:
        async for result in mail.send(a_parcel(5)):
            results.append(result)
    assert [(each.outcome, each.reason) for each in results[:3]] == [(Outcome.TEMPORARY, "no-session")] * 3
    assert {each.recipient for each in results[:3]} == {2, 3, 4}
    assert [(each.recipient, each.outcome) for each in results[3:]] == [
        (0, Outcome.ACCEPTED), (1, Outcome.ACCEPTED),
    ]  # fmt: skip


async def _hangs_up(line: Line) -> None:
    line.writer.transport.abort()


@pytest.mark.parametrize("pipelining", [True, False])
async def test_whoever_has_no_mailbox_keeps_nobody_waiting(pipelining: bool) -> None:
    to = [*people(2), Recipient(id=RecipientId(9), address="no mailbox"), *people(2, first=20)]
    terms = Terms(pipelining=pipelining)
    async with SmtpGateway(Inbox(), terms=terms) as gateway, personal(gateway.port) as mail:
        said = await send(mail, replace(a_parcel(1), to=to))
        assert len(gateway.messages) == 4
    assert said.outcomes[RecipientId(9)] is Outcome.PERMANENT
    assert Counter(said.outcomes.values()) == {Outcome.ACCEPTED: 4, Outcome.PERMANENT: 1}


async def test_two_parcels_at_once_each_hear_of_their_own() -> None:
    async with SmtpGateway(Inbox()) as gateway, personal(gateway.port, connections=6) as mail:
        both = await asyncio.gather(send(mail, a_parcel(60)), send(mail, a_parcel(60, first=1000)))
        assert Counter(message.count(b"\r\nTo: <") for message in gateway.messages) == {1: 120}
    for said in both:
        assert Counter(said.outcomes.values()) == {Outcome.ACCEPTED: 60}
        assert len(said.results) == 60


REPORT = """\
From: MAILER-DAEMON@smarthost.example
To: bousai@yobikake.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; smarthost.example
{envelope}
Final-Recipient: rfc822; r7@mail.example
Original-Recipient: rfc822;r7@mail.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

{message_id}
--b--
"""


@pytest.mark.parametrize("named_by", ["ENVID", "Message-ID"])
async def test_a_bounce_names_the_batch_as_it_always_does(named_by: str) -> None:
    envelopes: list[bytes] = []
    messages: list[bytes] = []

    async def script(line: Line) -> None:
        envelopes.append(await line.transaction(1))
        messages.append(await line.message())
        line.say("250 2.0.0 Ok")
        await one_by_one(line)

    sent = a_parcel(1, first=7)
    async with scripted(script) as host, personal(host.port) as mail:
        await send(mail, sent)
    envid = envelopes[0].decode().partition("ENVID=")[2].split()[0]
    message_id = messages[0].decode().split("\r\n")[0]
    said = REPORT.format(
        envelope=f"Original-Envelope-Id: {envid}\n" if named_by == "ENVID" else "",
        message_id=message_id if named_by == "Message-ID" else "Subject: a mail",
    )
    (bounce,) = returned(read(said.encode()))
    assert (bounce.key, bounce.outcome) == (sent.idempotency_key, Outcome.PERMANENT)
    assert "r7@mail.example" in bounce.addresses
