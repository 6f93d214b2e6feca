"""A connection to the smarthost, after the log-in: transactions one close behind the other (RFC 2920).

Where PIPELINING is offered, MAIL, all RCPT and DATA go out in one write, and those of the next transaction
together with the message of this one: a hundred recipients cost one round trip. Elsewhere each command waits
for its reply.

    idle → MAIL RCPT… DATA → (354, gate) → message + next MAIL RCPT… DATA → (250) → …
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol, cast

from channels.mail.handover import Offers, Transaction, judged
from channels.mail.replies import Stage, Verdict
from hub.delivery import Outcome

PIECE_BYTES = 65_536
"""No more than this is given to the transport at once, and nothing while it still holds something."""

REPLY_LIMIT_BYTES = 65_536
PLAIN = frozenset({b"250 ", b"354 "})
"""How nearly every reply begins."""

LOST = Verdict(Outcome.TEMPORARY, "ConnectionLost")
LATE = Verdict(Outcome.TEMPORARY, "TimeoutError")
GARBLED = Verdict(Outcome.TEMPORARY, "not SMTP")


class Host(Protocol):
    """Whom a session works for."""

    def next(self) -> Transaction | None:
        """The next transaction that waits, if one does."""

    def idle(self, session: "Session") -> None:
        """It has nothing to do."""

    def ended(self, session: "Session", displaced: Sequence[Transaction]) -> None:
        """It is closed. Of `displaced` no message was given away; another session may begin them anew."""


class Step(Enum):
    """What a reply answers."""

    RSET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    MESSAGE = auto()
    ASKED = auto()  # NOOP or QUIT


class Due:
    """Replies that are still to come, all of them for the same step."""

    __slots__ = ("left", "step", "transaction")

    def __init__(self, step: Step, transaction: Transaction | None, left: int = 1) -> None:
        self.step, self.transaction, self.left = step, transaction, left


class Writing(NamedTuple):
    octets: bytes
    message_of: Transaction | None
    """Whose final dot is in it, as the last of `message_bytes`."""
    message_bytes: int


class Session(asyncio.Protocol):
    """Takes over a transport on which EHLO, TLS and AUTH are done."""

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        offers: Offers,
        round_trip_s: float,
        reply_s: float,
        whole_s: float,
    ) -> None:
        """`reply_s`: how long each reply may take; `whole_s`: how long a transaction may."""
        self.round_trip_s = round_trip_s
        self.closed = False
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._offers = offers
        self._pipelining = "pipelining" in offers
        self._reply_s, self._whole_s = reply_s, whole_s
        self._host: Host | None = None
        self._due: deque[Due] = deque()
        self._outbox: deque[Writing] = deque()
        self._later: deque[bytes] = deque()
        """Commands that wait for a reply each, where there is no pipelining."""
        self._paused = False
        self._unclean = False
        """A transaction was begun and not ended: RSET comes before the next."""
        self._buffer = b""
        self._heard_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._answer: asyncio.Future[bool] | None = None
        transport.set_write_buffer_limits(high=1, low=0)  # at 0, asyncio's TLS pauses for good
        transport.set_protocol(self)

    def serve(self, host: Host) -> None:
        """From now on, what `host` has waiting."""
        self._host = host
        self.go_on()

    def go_on(self) -> None:
        """Begin what waits, unless something is under way that goes on with it by itself."""
        if self.closed or self._host is None or self._due:
            return
        following = self._following()
        if following:
            self._write(following)
        else:
            self._host.idle(self)

    async def ask(self, command: bytes, *, within_s: float) -> bool:
        """Whether the smarthost answers NOOP, or QUIT, in time; only while idle. If not, it is closed."""
        if self.closed or self._due:
            return False
        self._answer = self._loop.create_future()
        self._due.append(Due(Step.ASKED, None))
        self._write(command + b"\r\n")
        answered = False
        try:
            async with asyncio.timeout(within_s):
                answered = await self._answer
        except TimeoutError:
            pass
        finally:
            if not answered:
                self.abort()
        return answered

    def end_abandoned(self) -> None:
        """Nobody waits for what is being answered; one that is behind ends this once what goes before is over."""
        if self._due and (answered := self._due[0].transaction) is not None and answered.abandoned:
            self._end(LOST)

    def abort(self) -> None:
        """Drop the connection at once; what is not on the wire yet never gets there."""
        self._end(LOST)

    # --- asyncio.Protocol ---

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        lines = (self._buffer + data).split(b"\n")
        self._buffer = lines.pop()
        if len(self._buffer) > REPLY_LIMIT_BYTES:
            self._end(GARBLED)
            return
        self._hear([line for line in lines if line[3:4] != b"-"])

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(LOST)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._flush()

    # --- what was heard ---

    def _hear(self, replies: Sequence[bytes]) -> None:
        at = 0
        while at < len(replies) and not self.closed:
            if (
                not self._due
            ):  # a goodbye (RFC 5321 §3.8); or whatever came next would be taken for another reply
                self._end(LOST)
                return
            due = self._due[0]
            heard = replies[at : at + due.left]
            at += len(heard)
            due.left -= len(heard)
            if not due.left:
                self._due.popleft()
            self._take(due, heard)
        self.go_on()

    def _take(self, due: Due, heard: Sequence[bytes]) -> None:
        if over := self._over(due, heard):
            self._due.appendleft(due)
            self._end(over)
            return
        if due.transaction is None:
            if due.step is Step.ASKED and self._answer is not None and not self._answer.done():
                self._answer.set_result(heard[0].startswith(b"2"))
        elif due.step is Step.RCPT:
            self._named(due.transaction, heard)
        elif due.step is Step.MAIL:
            self._begun(due.transaction, heard[0])
        elif due.step is Step.DATA:
            self._ready(due.transaction, heard[0])
        else:
            self._delivered(due.transaction, heard[0])
        if self._later:
            self._write(self._later.popleft())

    def _over(self, due: Due, heard: Sequence[bytes]) -> Verdict | None:
        """Why nothing more can come: what is no reply, or 421: whatever was asked, the whole session has ended
        (RFC 5321 §4.2.3)."""
        if len(heard) == 1 and heard[0][:4] in PLAIN:
            return None
        different = set(heard)
        if not all(reply[:3].isdigit() for reply in different):
            return GARBLED
        if not any(reply.startswith(b"421") for reply in different):
            return None
        gone = next(place for place, reply in enumerate(heard) if reply.startswith(b"421"))
        if due.transaction is not None and due.step is Step.RCPT:
            due.transaction.hear_recipients(heard[:gone])
        elif due.transaction is not None and due.step is Step.MESSAGE:
            due.transaction.rest(judged(Stage.DATA, heard[gone]))
        return judged(Stage.SESSION, heard[gone])

    def _begun(self, transaction: Transaction, reply: bytes) -> None:
        if not reply.startswith(b"250"):
            transaction.rest(judged(Stage.MAIL, reply))
            if not self._pipelining:
                self._leave(transaction)

    def _named(self, transaction: Transaction, replies: Sequence[bytes]) -> None:
        transaction.hear_recipients(replies)
        last = self._due and self._due[0].step is Step.DATA
        if last and not transaction.anyone and not self._pipelining:
            self._leave(transaction)

    def _leave(self, transaction: Transaction) -> None:
        """The rest of its commands has become pointless."""
        self._later.clear()
        self._due.clear()
        self._unclean = True
        transaction.finish()

    def _ready(self, transaction: Transaction, reply: bytes) -> None:
        """The reply to DATA. What follows a 354 cannot be taken back."""
        if not reply.startswith(b"354"):
            transaction.rest(judged(Stage.DATA, reply))
            self._unclean = True
            transaction.finish()
            return
        if not transaction.anyone:  # RFC 2920 §3.1: nobody is left, and the smarthost wants to hear a dot
            self._due.append(Due(Step.MESSAGE, transaction))
            self._write(b".\r\n")
            return
        try:
            transaction.gates.message()
        except Exception as e:
            transaction.fail(e)
            self._end(LOST)
            return
        if transaction.abandoned:
            self._end(LOST)
            return
        self._due.append(Due(Step.MESSAGE, transaction))
        following = self._following() if self._pipelining else b""
        self._write(transaction.message + following, message_of=transaction)

    def _delivered(self, transaction: Transaction, reply: bytes) -> None:
        transaction.rest(judged(Stage.DATA, reply))
        transaction.finish()
        if self._due and (behind := self._due[0].transaction) is not None and behind.abandoned:
            self._end(LOST)

    # --- what is said ---

    def _following(self) -> bytes:
        """The commands of the next transaction whose gate is open; of which not all need be said at once."""
        while self._host is not None and (transaction := self._host.next()) is not None:
            try:
                transaction.gates.envelope()
            except Exception as e:
                transaction.fail(e)
                continue
            said = self._open(transaction)
            if said:
                return said
        return b""

    def _open(self, transaction: Transaction) -> bytes:
        transaction.begin(at=self._loop.time())
        commands = transaction.commands(self._offers)
        if not commands.recipients:
            transaction.finish()
            return b""
        reset = (b"RSET\r\n",) if self._unclean else ()
        if self._unclean:
            self._due.append(Due(Step.RSET, None))
            self._unclean = False
        self._due.append(Due(Step.MAIL, transaction))
        self._due.append(Due(Step.RCPT, transaction, len(commands.recipients)))
        self._due.append(Due(Step.DATA, transaction))
        lines: tuple[bytes, ...] = (*reset, commands.mail, *commands.recipients, commands.data)
        if self._pipelining:
            return b"".join(lines)
        self._later.extend(lines[1:])
        return lines[0]

    def _write(self, octets: bytes, *, message_of: Transaction | None = None) -> None:
        self._outbox.append(Writing(octets, message_of, len(message_of.message) if message_of else 0))
        self._heard_at = self._loop.time()
        self._flush()
        if self._timer is None and not self.closed:
            self._timer = self._loop.call_at(self._latest(), self._look)

    def _flush(self) -> None:
        while self._outbox and not self._paused and not self.closed:
            octets, message_of, message_bytes = self._outbox.popleft()
            dot_is_here = message_bytes <= PIECE_BYTES
            if len(octets) > PIECE_BYTES:
                rest = octets[PIECE_BYTES:]
                self._outbox.appendleft(
                    Writing(rest, None if dot_is_here else message_of, message_bytes - PIECE_BYTES)
                )
                octets = octets[:PIECE_BYTES]
            if dot_is_here and message_of is not None:
                message_of.handed_over = True
            self._transport.write(octets)

    # --- how it ends ---

    def _latest(self) -> float:
        """When the next reply must be there."""
        latest = self._heard_at + self._reply_s
        transaction = self._due[0].transaction if self._due else None
        return latest if transaction is None else min(latest, transaction.begun_at + self._whole_s)

    def _look(self) -> None:
        self._timer = None
        if self._due and not self.closed:
            if self._loop.time() >= self._latest():
                self._end(LATE)
            else:
                self._timer = self._loop.call_at(self._latest(), self._look)

    def _end(self, verdict: Verdict) -> None:
        """The transaction that was being answered gets `verdict`; if its message was given away, that may have
        arrived. The message of the one behind it was not: another session begins that anew."""
        if self.closed:
            return
        self.closed = True
        self._transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(False)
        answered, *behind = dict.fromkeys(due.transaction for due in self._due if due.transaction) or [None]
        self._due.clear()
        if answered is not None:
            given = answered.handed_over
            answered.rest(verdict._replace(outcome=Outcome.AMBIGUOUS) if given else verdict)
            answered.finish()
        if self._host is not None:
            self._host.ended(self, [each for each in behind if each is not None and not each.abandoned])


def adopt(
    transport: asyncio.BaseTransport, *, offers: Offers, round_trip_s: float, reply_s: float, whole_s: float
) -> Session:
    """A session on what another library has opened."""
    return Session(
        cast(asyncio.Transport, transport),
        offers=offers,
        round_trip_s=round_trip_s,
        reply_s=reply_s,
        whole_s=whole_s,
    )
