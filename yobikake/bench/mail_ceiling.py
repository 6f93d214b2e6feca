"""What the sink can take at most: bytes that were ready before the clock ran, chained as RFC 2920 allows.

Each connection writes an envelope (MAIL, every RCPT, DATA) in one piece; once DATA is answered, the message
together with the next envelope. Nothing is parsed while the clock runs: line ends are counted. Paths,
parameters and message are those the connector sent, as the sink was told.
"""

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Sequence

from hub.blocks import blocks
from yobikake.bench.mail_ours import PARCEL, people
from yobikake.bench.mail_run import Clock, Run, Sender, Unanswered
from yobikake.bench.smtp_sink import Told


def ceiling(connections: int, *, model: Told) -> Sender:
    """As many recipients in a transaction as the connector names."""

    async def send(port: int, recipients: int) -> Run:
        addresses = [person.address for person in people(recipients)]
        transactions = [_envelope(model, block) for block in blocks(addresses, PARCEL)]
        message = _wire(model.message)
        loop = asyncio.get_running_loop()
        chains = [Chain(transactions[n::connections], message) for n in range(connections)]
        for chain in chains:
            await loop.create_connection(lambda chain=chain: chain, "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*(chain.greeted for chain in chains))
        clock = Clock()
        with clock.running():
            for chain in chains:
                chain.begin()
            await asyncio.gather(*(chain.done for chain in chains))
        for chain in chains:
            chain.end()
        _answered(chains, recipients, len(transactions))
        return clock.run(recipients)

    return send


class Envelope:
    """Ready for the wire. `lines`: replies to it, one each."""

    __slots__ = ("lines", "octets")

    def __init__(self, octets: bytes, lines: int) -> None:
        self.octets, self.lines = octets, lines


class Chain(asyncio.Protocol):
    """One connection: everything it says, and the replies to count."""

    def __init__(self, transactions: Sequence[Envelope], message: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.replies: list[bytes] = []
        self._links = deque(_links(transactions, message))
        self._expected = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP
        self._transport = transport
        transport.write(b"EHLO bench.example\r\n")

    def data_received(self, data: bytes) -> None:
        if not self.greeted.done():
            self.replies.append(data)
            self._greet()
            return
        self.replies.append(data)
        self._expected -= data.count(b"\n")
        if self._expected <= 0:
            self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in (self.greeted, self.done):
            if not waiting.done():
                waiting.set_exception(Unanswered("the ceiling: the sink closed the connection"))

    def begin(self) -> None:
        """Write the next link; after the last one's replies nothing is left to say."""
        if not self._links:
            if not self.done.done():
                self.done.set_result(None)
            return
        link = self._links.popleft()
        self._expected += link.lines
        self._transport.write(link.octets)

    def end(self) -> None:
        self._transport.close()

    def _greet(self) -> None:
        """The last line of the answer to EHLO has a space behind its code (RFC 5321 §4.2.1)."""
        if re.search(rb"(?m)^250 .*\n", b"".join(self.replies)):
            self.replies.clear()
            self.greeted.set_result(None)


def _links(transactions: Sequence[Envelope], message: bytes) -> Iterable[Envelope]:
    previous = b""
    for envelope in transactions:
        yield Envelope(previous + envelope.octets, bool(previous) + envelope.lines)
        previous = message
    if previous:
        yield Envelope(previous, 1)


def _envelope(model: Told, addresses: Sequence[str]) -> Envelope:
    named = re.match(r"<(.*?)>", model.rcpt)
    assert named is not None  # noqa: S101 - the connector named it
    rcpts = [f"RCPT TO:{model.rcpt.replace(named[1], address)}" for address in addresses]
    lines = [f"MAIL FROM:{model.mail}", *rcpts, "DATA"]
    return Envelope("".join(f"{line}\r\n" for line in lines).encode(), len(lines))


def _wire(message: bytes) -> bytes:
    """RFC 5321 §4.5.2."""
    return re.sub(rb"(?m)^\.", b"..", message).replace(b"\n", b"\r\n") + b".\r\n"


def _answered(chains: Sequence[Chain], recipients: int, transactions: int) -> None:
    """MAIL, RCPT and the final dot were accepted, each; DATA was let through."""
    replies = re.findall(rb"(?m)^\d{3}", b"".join(b for chain in chains for b in chain.replies))
    accepted, begun = replies.count(b"250"), replies.count(b"354")
    if (accepted, begun) != (recipients + 2 * transactions, transactions):
        raise Unanswered(
            f"the ceiling: {accepted:,} acceptances and {begun:,} times 354 for {recipients:,} recipients in "
            f"{transactions:,} transactions"
        )
