"""The simulated smarthost: speaks real SMTP on loopback, and keeps what it was handed.

By itself, to outlive the hub that sends to it:

    python -m yobikake.rehearsal.smtp --port 2525 --log arrivals.jsonl --faults '{"latency_s": 0.05}'

It prints `listening on 127.0.0.1:2525` when it is ready, and runs until it is told to stop.
"""

import argparse
import asyncio
import email
import email.policy
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, NamedTuple, Self, TextIO

import msgspec

from hub import typed
from hub.clock import Clock, utc_now
from hub.outbound import REHEARSAL_BANNER
from yobikake.rehearsal.drain import Drain
from yobikake.rehearsal.exchange import Exchange, Witness, nobody
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Arrival, Inbox
from yobikake.rehearsal.mishap import Mishaps
from yobikake.rehearsal.smtp_dialogue import Terms, Transaction
from yobikake.rehearsal.smtp_session import Session


class SmtpGateway:
    """Listens on 127.0.0.1 between `start` and `stop` (or in `async with`).

    `faults` and `terms` may be changed while it runs. Without an `inbox` nothing is kept in memory
    but `messages`, each different one once. `log` gets a line of JSON for each recipient of each
    message, flushed before the message is acknowledged. `witness` is shown every transaction when its
    MAIL was read.
    """

    channel: ClassVar[str] = "mail"

    def __init__(
        self,
        inbox: Inbox | None = None,
        *,
        faults: Faults | None = None,
        terms: Terms | None = None,
        log: Path | None = None,
        clock: Clock = utc_now,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` secures every connection from its first byte; `terms.tls` offers STARTTLS."""
        self.inbox = inbox
        self.faults = faults or Faults()
        self.mishaps = Mishaps()
        self.witness: Witness = nobody
        self.terms = terms or Terms()
        self.port = port
        self.drain = Drain()
        self.greeting = f"smarthost.example ESMTP {REHEARSAL_BANNER}"
        self.sessions: set[Session] = set()
        self.tried: set[str] = set()
        self.transactions = 0
        self.messages: list[bytes] = []
        self._distinct: dict[bytes, bytes] = {}
        self._log_path = log
        self._log: TextIO | None = None
        self.clock = clock
        self.tls = tls
        self._server: asyncio.Server | None = None

    @property
    def in_flight(self) -> int:
        """Connections still open on which the client waits for an answer."""
        return sum(session.in_flight for session in self.sessions)

    @property
    def busy(self) -> bool:
        """Something is being said, or drains, whether or not anybody still waits for an answer."""
        return self.in_flight > 0 or self.drain.behind_s > 0

    async def start(self) -> None:
        """Raises `OSError` if `port` is taken; port 0 is replaced by the one that was free."""
        if self._log_path is not None:
            self._log = self._log_path.open("a", encoding="utf-8")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self), "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes every connection, answered or not."""
        if self._server is not None:
            self._server.close()
            for session in list(self.sessions):
                session.abort()
            await self._server.wait_closed()
        if self._log is not None:
            self._log.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def forget(self) -> None:
        """The messages so far are kept no longer."""
        self.messages.clear()
        self._distinct.clear()

    def begin(self, at: datetime) -> Exchange:
        """A transaction whose MAIL was read at this moment."""
        exchange = Exchange(channel=self.channel, begun_at=at)
        self.witness(exchange)
        return exchange

    def read(self, transaction: Transaction, message: bytes) -> None:
        """A message came whole; whether it is kept is not said yet."""
        if self.witness is not nobody:
            read = letter(message)
            transaction.exchange.text = f"{read.subject}\n{read.text}"
            transaction.exchange.key = read.message_id

    def take(self, transaction: Transaction, message: bytes) -> None:
        """Keep it, for each of its recipients."""
        recipients = transaction.recipients
        transaction.exchange.take(self.clock(), to=recipients)
        message = self._distinct.setdefault(message, message)
        self.messages.append(message)
        if self._log is not None:
            self._write(self._log, recipients, message)
        if self.inbox is not None:
            self._deliver(self.inbox, recipients, message)

    def _write(self, log: TextIO, recipients: list[str], message: bytes) -> None:
        at, key = self.clock(), letter(message).message_id
        lines = (LogLine(at=at.isoformat(), message_id=key, recipient=address) for address in recipients)
        log.write("".join(f"{msgspec.json.encode(line).decode()}\n" for line in lines))
        log.flush()

    def _deliver(self, inbox: Inbox, recipients: list[str], message: bytes) -> None:
        at, read = self.clock(), letter(message)
        for address in recipients:
            inbox.add(
                Arrival(
                    channel=self.channel,
                    address=address,
                    at=at,
                    subject=read.subject,
                    text=read.text,
                    key=read.message_id,
                )
            )


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the log file."""

    at: str
    message_id: str
    recipient: str


class Letter(NamedTuple):
    """What a person sees of a message, and its Message-ID."""

    subject: str
    text: str
    message_id: str


@lru_cache(maxsize=512)
def letter(message: bytes) -> Letter:
    """Parsed once for all recipients. What is not a message is shown as the text it is."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    body = parsed.get_body(("plain",)) if isinstance(parsed, EmailMessage) else None
    try:
        text = body.get_content() if body is not None else message.decode("utf-8", "replace")
    except (LookupError, ValueError):  # a charset nobody knows
        text = message.decode("utf-8", "replace")
    return Letter(
        subject=str(parsed["Subject"] or ""),
        text=text.replace("\r\n", "\n"),
        message_id=str(parsed["Message-ID"] or ""),
    )


async def serve(gateway: SmtpGateway) -> None:
    async with gateway:
        print(f"listening on 127.0.0.1:{gateway.port}", flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m yobikake.rehearsal.smtp", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--log", type=Path, help="append a line of JSON for each recipient of each message")
    parser.add_argument("--faults", default="{}", help="the fields of Faults as JSON")
    given = parser.parse_args(arguments)
    gateway = SmtpGateway(
        faults=typed.from_json(given.faults, Faults),
        log=given.log,
        port=given.port,
    )
    try:
        asyncio.run(serve(gateway))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
