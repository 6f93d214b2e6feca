"""A smarthost that takes everything and counts: `python -m yobikake.bench.sink`, in a process of its own.

It is as fast as Python can make one, so that a hub is measured and not its gateway: it answers each read in one
write, and looks for nothing but recipients and the ends of messages. It prints its port; asked by a line on
standard input, it prints what it took since the last one as a JSON object.
"""

import asyncio
import re
import sys
from contextlib import suppress
from time import time
from typing import cast

import msgspec

GREETING = b"220 sink.example yobikake-rehearsal\r\n"
EHLO = (
    b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 10000000\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n"
)
RECIPIENT = re.compile(rb"(?m)^RCPT TO:<([^>]*)>")
END = b"\r\n.\r\n"


class Counted(msgspec.Struct, kw_only=True):
    """Moments in seconds since 1970; 0: none yet."""

    transactions: int = 0
    accepted: int = 0
    distinct: int = 0
    bytes: int = 0
    first_byte_at: float = 0.0
    first_at: float = 0.0
    """The first final dot was acknowledged."""
    last_at: float = 0.0


class Sink:
    def __init__(self) -> None:
        self.count = Counted()
        self.recipients: set[bytes] = set()

    def told(self) -> bytes:
        """What was taken; and from now on it counts anew."""
        count, self.count = self.count, Counted()
        count.distinct, self.recipients = len(self.recipients), set()
        return msgspec.json.encode(count)


class Session(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._in_message = False
        self._named: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self._sink.count.bytes += len(data)
        self._buffer += data
        answers: list[bytes] = []
        while (answer := self._message() if self._in_message else self._commands()) is not None:
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))

    def _message(self) -> bytes | None:
        end = self._buffer.find(END)
        if end < 0:
            return None
        self._buffer = self._buffer[end + len(END) :]
        self._in_message = False
        count, now = self._sink.count, time()
        count.transactions += 1
        count.accepted += len(self._named)
        self._sink.recipients.update(self._named)
        self._named = []
        count.first_at = count.first_at or now
        count.last_at = now
        return b"250 2.0.0 Ok\r\n"

    def _commands(self) -> bytes | None:
        end = self._buffer.find(b"DATA\r\n")
        if end >= 0:  # a whole group, as a pipelining client writes it
            group, self._buffer = self._buffer[:end], self._buffer[end + 6 :]
            self._in_message = True
            return self._answers(group) + b"354 Go ahead\r\n"
        end = self._buffer.rfind(b"\r\n")
        if end < 0:
            return None
        group, self._buffer = self._buffer[: end + 2], self._buffer[end + 2 :]
        return self._answers(group)

    def _answers(self, group: bytes) -> bytes:
        self._sink.count.first_byte_at = self._sink.count.first_byte_at or time()
        named = RECIPIENT.findall(group)
        self._named += named
        lines = group.count(b"\r\n")
        if group.startswith((b"EHLO", b"HELO")):
            return EHLO
        return b"250 2.1.5 Ok\r\n" * lines


async def main() -> None:
    loop, sink = asyncio.get_running_loop(), Sink()
    server = await loop.create_server(lambda: Session(sink), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(sink.told().decode(), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
