"""One connection to the simulated smarthost: bytes into lines and messages, answers back.

PIPELINING (RFC 2920): whatever came in one read is answered in one write, so a client that waits
for each answer pays the latency for each, and one that does not pays it once.
"""

import asyncio
from typing import Protocol, cast

from hub.clock import Clock
from yobikake.rehearsal.drain import Drain
from yobikake.rehearsal.mishap import Mishap
from yobikake.rehearsal.smtp_answers import FAILED, HANG_UP, TOO_BIG, Answer, Then, hang
from yobikake.rehearsal.smtp_dialogue import Dialogue, Smarthost, Transaction

LINE_LIMIT_BYTES = 4096
"""RFC 5321 §4.5.3.1.4 asks for 512; extensions make commands longer (RFC 3461 ORCPT, AUTH)."""


class Taker(Smarthost, Protocol):
    """What a session asks of the gateway beyond its dialogue."""

    clock: Clock
    drain: Drain
    sessions: set["Session"]

    def read(self, transaction: Transaction, message: bytes) -> None: ...

    def take(self, transaction: Transaction, message: bytes) -> None: ...


class Session(asyncio.Protocol):
    """Nothing a client sends makes it raise, or use more memory than a message may."""

    def __init__(self, host: Taker) -> None:
        self._host = host
        self._dialogue = Dialogue(host)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._scanned: int | None = None
        """How far the message in the buffer was searched for its end; None: a command comes next."""
        self._oversize = False
        self._deaf = False
        """An answer must go out before more is read: the message drains, TLS begins, it closes."""
        self._read_at = host.clock()
        self._unsaid: set[asyncio.TimerHandle] = set()
        self._handshake: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> bool:
        """The client waits for an answer on a connection that is still open."""
        return self._transport is not None and (self._deaf or bool(self._unsaid))

    def abort(self) -> None:
        """Drop the connection without another byte."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._host.sessions.add(self)
        if transport.get_extra_info("sslcontext") is not None:
            self._dialogue = Dialogue(self._host, secure=True)
        self._say(self._dialogue.greet())

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._host.sessions.discard(self)
        for timer in self._unsaid:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._read_at = self._host.clock()
        self._work()

    def _work(self) -> None:
        answers: list[bytes] = []
        while not self._deaf and (answer := self._next()) is not None:
            answers.append(answer.text)
            if answer.then is not Then.GO_ON or answer.late_s or answer.tells:
                self._say(answer._replace(text=b"".join(answers)))
                answers.clear()
        if answers:
            self._say(Answer(b"".join(answers)))

    def _next(self) -> Answer | None:
        return self._command() if self._scanned is None else self._message(self._scanned)

    def _command(self) -> Answer | None:
        end = self._buffer.find(b"\r\n", 0, LINE_LIMIT_BYTES)
        if end < 0:
            too_long = len(self._buffer) >= LINE_LIMIT_BYTES
            return Answer(b"500 5.5.2 Line too long\r\n", Then.CLOSE) if too_long else None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return self._dialogue.answer(line, read_at=self._read_at)

    def _message(self, scanned: int) -> Answer | None:
        """The answer to the final dot, once that is there."""
        transaction = self._dialogue.transaction
        if self._buffer and transaction is not None and transaction.mishap is Mishap.CUT_BEFORE:
            transaction.leave_open()
            return HANG_UP
        if scanned == 0 and self._buffer.startswith(b".\r\n") and not self._oversize:
            return self._end_of_message(b"", 3)
        end = self._buffer.find(b"\r\n.\r\n", scanned)
        if end >= 0:
            return self._end_of_message(bytes(self._buffer[: end + 2]), end + 5)
        self._scanned = max(0, len(self._buffer) - 4)
        if self._scanned > 2 * self._host.terms.size_bytes:
            del self._buffer[: self._scanned]
            self._scanned, self._oversize = 0, True
        return None

    def _end_of_message(self, stuffed: bytes, length: int) -> Answer | None:
        del self._buffer[:length]
        oversize, self._oversize, self._scanned = self._oversize, False, None
        message = unstuffed(stuffed)
        transaction, self._dialogue.transaction = self._dialogue.transaction, None
        if transaction is None or self._host.terms.hang_up_at == ".":
            return HANG_UP
        if oversize or len(message) > self._host.terms.size_bytes:
            transaction.exchange.deny("5.3.4", permanent=True)
            return TOO_BIG
        self._host.read(transaction, message)
        if instead := self._dialogue.instead("."):
            if instead.then is Then.HANG:
                self._host.take(transaction, message)
            return instead
        wait_s = self._host.drain.reserve(self._host.faults.drain_per_s, len(transaction.recipients))
        if wait_s <= 0:
            return self._taken(transaction, message)
        self._deaf = True
        asyncio.get_running_loop().call_later(wait_s, self._taken_late, transaction, message)
        return None

    def _taken_late(self, transaction: Transaction, message: bytes) -> None:
        """Whether or not the client is still there: the whole message had come."""
        self._deaf = False
        if self._transport is None and transaction.exchange.slow_for(self._host.clock()):
            transaction.exchange.mishap = Mishap.SLOW
            transaction.leave_open()
        self._say(self._taken(transaction, message))
        self._work()

    def _taken(self, transaction: Transaction, message: bytes) -> Answer:
        faults, exchange, strike = self._host.faults, transaction.exchange, transaction.strike
        if strike is not None and strike.mishap is Mishap.HALF_OPEN:
            transaction.leave_open()
            return hang(strike)
        if transaction.mishap is Mishap.ERROR:
            exchange.deny("4.3.0", permanent=False)
            return FAILED
        self._host.take(transaction, message)
        if transaction.mishap is Mishap.CUT_AFTER or faults.hits(faults.silent, "silent", transaction.number):
            transaction.leave_open()
            return HANG_UP
        queued = Answer(f"250 2.0.0 Ok: queued as {transaction.number}\r\n".encode(), tells=exchange)
        if strike is not None and strike.mishap is Mishap.SLOW:
            transaction.leave_open()
            return queued._replace(late_s=strike.late_s)
        return queued

    def _say(self, answer: Answer) -> None:
        """Write after the latency, in order."""
        self._prepare(answer)
        wait_s = self._host.faults.latency_s + answer.late_s
        if wait_s <= 0 and not self._unsaid:
            self._write(answer)
            return

        def later() -> None:
            self._unsaid.discard(timer)
            self._write(answer)
            if answer.late_s:
                self._deaf = False
                self._work()

        timer = asyncio.get_running_loop().call_later(wait_s, later)
        self._unsaid.add(timer)

    def _prepare(self, answer: Answer) -> None:
        if answer.then is Then.BODY:
            self._scanned = 0
        elif answer.then is not Then.GO_ON or answer.late_s:
            self._deaf = True
        if answer.then is Then.TLS:
            self._buffer.clear()  # RFC 3207 §4.2: what came before the handshake proves nothing
        if answer.held_by is not None:
            answer.held_by.hold(self.abort)

    def _write(self, answer: Answer) -> None:
        if self._transport is None:
            return
        if answer.then is Then.HANG_UP:
            self.abort()
            return
        if answer.tells is not None and not self._transport.is_closing():
            answer.tells.tell()
            answer.tells.open_for = 0  # whoever sent it has waited
        self._transport.write(answer.text)
        if answer.then is Then.CLOSE:
            self._transport.close()
        elif answer.then is Then.TLS:
            self._handshake = asyncio.get_running_loop().create_task(self._begin_tls(self._transport))

    async def _begin_tls(self, plain: asyncio.Transport) -> None:
        context = self._host.terms.tls
        if context is None:  # withdrawn since it was offered
            plain.abort()
            return
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(plain, self, context, server_side=True)
        except OSError:
            return  # the client did not like the certificate; the connection is gone
        self._transport, self._deaf = secured, False
        self._dialogue = Dialogue(self._host, secure=True)
        self._work()


def unstuffed(data: bytes) -> bytes:
    """RFC 5321 §4.5.2: the first dot of a line that begins with one goes."""
    return (data[1:] if data.startswith(b".") else data).replace(b"\r\n.", b"\r\n")
