"""What is written to a smarthost ahead of its replies (RFC 2920), and what becomes of it when something breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest

from channels.mail import Mail, Security, Settings
from channels.mail.mailbox import path, plain, xtext
from hub.channel import Parcel, Span
from hub.delivery import Outcome
from hub.errors import Cancelled
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Said, send
from hub.testing.channel_suite import until
from hub.testing.parcels import NOW, always_open, parcel
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.smtp_dialogue import Terms

OUTBOUND = Outbound(deployment=Deployment.REHEARSAL)
EHLO = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 DSN\r\n"
Reply = Callable[["Line"], Awaitable[None]]


@dataclass(slots=True)
class Line:
    """One connection to a smarthost that says what the test tells it to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, *replies: str) -> None:
        self.writer.write("".join(f"{reply}\r\n" for reply in replies).encode())

    async def heard(self, until: bytes) -> bytes:
        return await self.reader.readuntil(until)

    async def transaction(self, recipients: int = 2) -> bytes:
        """MAIL … DATA are read and taken; 354 is not said yet."""
        group = b""
        while not group.endswith(b"DATA\r\n"):
            line = await self.heard(b"\r\n")
            if line == b"QUIT\r\n":
                self.say("221 2.0.0 Bye")
                raise ConnectionError("it says goodbye")
            group += line
        self.say("250 2.1.0 Ok", *["250 2.1.5 Ok"] * recipients)
        return group

    async def message(self) -> bytes:
        self.say("354 Go ahead")
        return await self.heard(b"\r\n.\r\n")


@dataclass(slots=True)
class Scripted:
    """A smarthost whose n-th connection follows the n-th script."""

    scripts: list[Reply]
    port: int = 0
    lines: list[Line] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        self.lines.append(line)
        try:
            line.say("220 sink.example yobikake-rehearsal")
            await line.heard(b"\r\n")
            writer.write(EHLO)
            await self.scripts[len(self.lines) - 1](line)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except BaseException as e:
            self.failures.append(e)
            raise
        finally:
            writer.close()


@asynccontextmanager
async def scripted(*scripts: Reply) -> AsyncIterator[Scripted]:
    host = Scripted(list(scripts))
    async with await asyncio.start_server(host, "127.0.0.1", 0) as server:
        host.port = server.sockets[0].getsockname()[1]
        yield host
        assert not host.failures


@asynccontextmanager
async def opened(port: int, **changes: object) -> AsyncIterator[Mail]:
    settings: dict[str, object] = {
        "host": "127.0.0.1", "port": port, "security": Security.NONE, "sender": "bousai@yobikake.example",
        "connections": 1, "warm_connections": 1,
    }  # fmt: skip
    mail = Mail(Settings(**settings | changes), outbound=OUTBOUND, clock=lambda: NOW)
    await mail.open()
    try:
        yield mail
    finally:
        await mail.close()


def a_parcel(number: int = 2, *, gate: Callable[[], None] = always_open, text: str = "") -> Parcel:
    to = [Recipient(id=RecipientId(n), address=f"r{n}@mail.example") for n in range(number)]
    made = replace(parcel(to, gate=gate), prepare=always_open, idempotency_key=uuid4())
    if not text:
        return made
    content = made.content
    return replace(made, content=type(content)(**{**_fields(content), "body": (Span(text),)}))


def _fields(content: object) -> dict[str, object]:
    return {name: getattr(content, name) for name in content.__struct_fields__}  # type: ignore[attr-defined]


async def take_everything(line: Line) -> None:
    while True:
        await line.transaction()
        await line.message()
        line.say("250 2.0.0 Ok")


async def both(mail: Mail, first: Parcel, second: Parcel) -> tuple[asyncio.Task[Said], asyncio.Task[Said]]:
    """The second is asked for once the first is on its way."""
    one = asyncio.create_task(send(mail, first))
    await asyncio.sleep(0)
    return one, asyncio.create_task(send(mail, second))


async def test_the_next_envelope_comes_with_the_message_of_this_one() -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        await line.transaction()
        line.say("354 Go ahead")
        seen.append(await line.heard(b"DATA\r\n"))  # nothing was said to the message yet
        line.say("250 2.0.0 Ok", "250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.1.5 Ok", "354 Go ahead")
        await line.heard(b"\r\n.\r\n")
        line.say("250 2.0.0 Ok")
        await take_everything(line)

    async with scripted(script) as host, opened(host.port) as mail:
        one, two = await both(mail, a_parcel(), a_parcel())
        for task in (one, two):
            assert set((await task).outcomes.values()) == {Outcome.ACCEPTED}
    message, _, group = seen[0].partition(b"\r\n.\r\n")
    assert message.startswith(b"Message-ID: ")
    assert group.startswith(b"MAIL FROM:<bousai@yobikake.example>")
    assert group.count(b"RCPT TO:") == 2


async def test_an_envelope_names_the_batch_and_each_recipient_for_bounces() -> None:
    groups: list[bytes] = []

    async def script(line: Line) -> None:
        groups.append(await line.transaction())
        await line.message()
        line.say("250 2.0.0 Ok")
        await take_everything(line)

    sent = a_parcel()
    async with scripted(script) as host, opened(host.port) as mail:
        await send(mail, sent)
    mail_line, *recipients, data = groups[0].decode().splitlines()
    assert f" ENVID={sent.idempotency_key.hex}" in mail_line
    assert recipients == [
        f"RCPT TO:<r{n}@mail.example> NOTIFY=FAILURE ORCPT=rfc822;r{n}@mail.example" for n in range(2)
    ]
    assert data == "DATA"


async def test_when_the_connection_breaks_behind_the_message_the_next_one_goes_elsewhere() -> None:
    async def breaks(line: Line) -> None:
        await line.transaction()
        line.say("354 Go ahead")
        await line.heard(b"DATA\r\n")
        line.writer.transport.abort()

    async with scripted(breaks, take_everything) as host, opened(host.port) as mail:
        one, two = await both(mail, a_parcel(), a_parcel())
        assert set((await one).outcomes.values()) == {Outcome.AMBIGUOUS}
        assert set((await two).outcomes.values()) == {Outcome.ACCEPTED}
        assert len(host.lines) == 2


async def test_a_goodbye_in_the_middle_of_the_recipients_is_about_nobody_in_particular() -> None:
    async def full(line: Line) -> None:
        await line.heard(b"DATA\r\n")
        line.say("250 2.1.0 Ok", "550 5.1.1 Unknown", "421 4.7.0 Too busy")

    async with scripted(full) as host, opened(host.port) as mail:
        said = await send(mail, a_parcel(4))
    first, *others = said.results
    assert (first.outcome, first.alone) == (Outcome.PERMANENT, True)
    assert {(each.outcome, each.alone) for each in others} == {(Outcome.THROTTLE, False)}


async def test_a_cancelled_one_leaves_the_one_before_it_alone() -> None:
    written_ahead, answered = asyncio.Event(), asyncio.Event()

    async def slow(line: Line) -> None:
        await line.transaction()
        line.say("354 Go ahead")
        await line.heard(b"DATA\r\n")
        written_ahead.set()
        await answered.wait()
        line.say("250 2.0.0 Ok", "250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.1.5 Ok", "354 Go ahead")
        assert await line.reader.read() == b"", "its message was given away"

    async with scripted(slow, take_everything) as host, opened(host.port) as mail:
        one, two = await both(mail, a_parcel(), a_parcel())
        await written_ahead.wait()
        two.cancel()
        with pytest.raises(asyncio.CancelledError):
            await two
        answered.set()
        assert set((await one).outcomes.values()) == {Outcome.ACCEPTED}
        assert set((await send(mail, a_parcel())).outcomes.values()) == {Outcome.ACCEPTED}


async def test_a_gate_that_closes_before_the_second_message_costs_neither_neighbour_anything() -> None:
    def closed() -> None:
        raise Cancelled("before the message")

    async with SmtpGateway(Inbox()) as gateway, opened(gateway.port) as mail:
        gateway.faults.latency_s = 0.05
        tasks = [
            asyncio.create_task(send(mail, each))
            for each in (a_parcel(), a_parcel(gate=closed), a_parcel(), a_parcel())
        ]
        said = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(said[1], Cancelled)
    for each in (said[0], said[2], said[3]):
        assert isinstance(each, Said)
        assert set(each.outcomes.values()) == {Outcome.ACCEPTED}
    assert len(gateway.messages) == 3


async def test_a_message_the_socket_does_not_take_was_not_handed_over() -> None:
    """Most of it stands in the kernel; its end was never given to the transport."""
    begun = asyncio.Event()

    async def deaf(line: Line) -> None:
        await line.transaction()
        line.say("354 Go ahead")
        await line.reader.readexactly(1)
        begun.set()
        line.writer.transport.abort()

    async with scripted(deaf) as host, opened(host.port) as mail:
        said = await send(mail, a_parcel(text="避難してください。\n" * 500_000))
        assert begun.is_set()
    assert set(said.outcomes.values()) == {Outcome.TEMPORARY}


@pytest.mark.parametrize(
    "garbage", ["hello", "25", "250 Ok\r\n250 Ok\r\n250 Ok\r\n354 Go\r\n250 Ok\r\n250 More"]
)
async def test_what_is_not_smtp_ends_the_session_and_nothing_else(garbage: str) -> None:
    async def odd(line: Line) -> None:
        await line.heard(b"DATA\r\n")
        line.say(garbage)
        await line.reader.read()

    async with scripted(odd, take_everything) as host, opened(host.port, warm_connections=0) as mail:
        said = await send(mail, a_parcel())
        assert Outcome.ACCEPTED not in said.outcomes.values() or "354" in garbage
        assert set((await send(mail, a_parcel())).outcomes.values()) == {Outcome.ACCEPTED}


async def test_replies_of_several_lines_count_once() -> None:
    async def verbose(line: Line) -> None:
        await line.heard(b"DATA\r\n")
        line.say(
            "250-2.1.0 Sender",
            "250 2.1.0 Ok",
            "250-2.1.5 Fine",
            "250 2.1.5 Ok",
            "550-5.1.1 No",
            "550 5.1.1 Sorry",
        )
        await line.message()
        line.say("250-2.0.0 Queued", "250 2.0.0 Ok")
        await take_everything(line)

    async with scripted(verbose) as host, opened(host.port) as mail:
        said = await send(mail, a_parcel())
    assert list(said.outcomes.values()) == [Outcome.ACCEPTED, Outcome.PERMANENT]


async def test_nobody_is_left_and_the_smarthost_wants_a_dot_all_the_same() -> None:
    """RFC 2920 §3.1."""

    async def odd(line: Line) -> None:
        await line.heard(b"DATA\r\n")
        line.say("250 2.1.0 Ok", "550 5.1.1 No", "550 5.1.1 No", "354 Go ahead")
        assert await line.heard(b".\r\n") == b".\r\n"
        line.say("554 5.5.1 No valid recipients")
        await take_everything(line)

    async with scripted(odd) as host, opened(host.port) as mail:
        assert set((await send(mail, a_parcel())).outcomes.values()) == {Outcome.PERMANENT}
        assert set((await send(mail, a_parcel())).outcomes.values()) == {Outcome.ACCEPTED}
        assert len(host.lines) == 1


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_refused_transaction_leaves_the_connection_usable(pipelining: bool) -> None:
    async with (
        SmtpGateway(Inbox(), terms=Terms(pipelining=pipelining)) as gateway,
        opened(gateway.port) as mail,
    ):
        await until(lambda: len(gateway.sessions) == 1)
        before = set(gateway.sessions)
        gateway.terms.recipients_max = 0
        assert set((await send(mail, a_parcel())).outcomes.values()) == {Outcome.TEMPORARY}
        gateway.terms.recipients_max = 100
        assert set((await send(mail, a_parcel())).outcomes.values()) == {Outcome.ACCEPTED}
        assert gateway.sessions == before


async def test_no_more_connections_than_are_of_use() -> None:
    async with SmtpGateway(Inbox()) as gateway, opened(gateway.port, connections=50) as mail:
        gateway.faults.latency_s = 0.02
        await asyncio.gather(*(send(mail, a_parcel()) for _ in range(100)))
        assert len(gateway.sessions) <= mail.width < 50
        assert len(gateway.messages) == 100


def test_plain_addresses_stand_as_they_are() -> None:
    addresses = ["a@b.example", "a.b-c_d@mail.city-x.example", "0@1.2"]
    assert plain(addresses)
    assert [path(address) for address in addresses] == [f"<{address}>".encode() for address in addresses]


@pytest.mark.parametrize(
    "address",
    ["a+b@c.example", "a..b@c.example", "a.@c", "@c", "a", "a@b\n", "山@c.example", "a" * 65 + "@b", ""],
)
def test_what_is_not_plain_is_looked_at_by_itself(address: str) -> None:
    assert not plain(["a@b.example", address])


def test_xtext_hides_what_a_parameter_must_not_hold() -> None:
    assert xtext(b"a+b=c d@e\xff") == b"a+2Bb+3Dc+20d@e+FF"


async def test_after_a_burst_only_the_warm_connections_stay_and_they_are_kept_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("channels.mail.pool.KEPT_WARM_EVERY_S", 0.02)
    async with (
        SmtpGateway(Inbox()) as gateway,
        opened(gateway.port, connections=8, warm_connections=2) as mail,
    ):
        gateway.faults.latency_s = 0.05
        await asyncio.gather(*(send(mail, a_parcel()) for _ in range(20)))
        gateway.faults.latency_s = 0.0
        await until(lambda: len(gateway.sessions) == 2)
        for session in list(gateway.sessions):
            session.abort()
        await until(lambda: len(gateway.sessions) == 2)


async def test_what_is_cancelled_while_a_connection_is_made_is_never_begun_on_it() -> None:
    """The connection is kept: the correction goes out by it (I5)."""
    greeted, knocks, begun = asyncio.Event(), list[str](), list[bytes]()

    async def one(line: Line) -> None:
        begun.append(await line.transaction(1))
        await line.message()
        line.say("250 2.0.0 Ok")

    host = Scripted([one])

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocks.append("")
        await greeted.wait()
        await host(reader, writer)

    async with (
        await asyncio.start_server(late, "127.0.0.1", 0) as server,
        opened(server.sockets[0].getsockname()[1], warm_connections=0) as mail,
    ):
        cancelled = asyncio.create_task(send(mail, a_parcel()))
        await until(lambda: bool(knocks))
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        greeted.set()
        correction = [Recipient(id=RecipientId(9), address="r9@mail.example")]
        said = await send(mail, replace(a_parcel(), to=correction))
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert len(knocks) == len(begun) == 1
    assert b"r9@" in begun[0]
    assert b"r0@" not in begun[0]
    assert not host.failures
