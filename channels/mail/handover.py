"""One mail transaction: MAIL, RCPT for each recipient, DATA; an outcome for each recipient."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPServerDisconnected

from channels.mail.connection import abort
from channels.mail.mailbox import path
from channels.mail.message import Wire
from channels.mail.replies import Stage, Verdict, classify
from hub.delivery import Outcome, ProviderRef, Result
from hub.recipient import Recipient

Gate = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What one transaction carries, and to whom. `key` names it to the smarthost (ENVID, RFC 3461)."""

    sender: str
    to: Sequence[Recipient]
    message: Wire
    key: UUID


async def hand_over(smtp: SMTP, envelope: Envelope, *, gate: Gate, deadline: timedelta) -> list[Result]:
    """One result for each recipient, in order. Afterwards `smtp` takes the next one, or is closed.

    The gate is asked before MAIL, before DATA and directly before the message: what follows the final
    dot cannot be taken back. A connection lost before any byte of the message was given to the transport
    is temporary, for the dot is its last; from then on, ambiguous.

    Raises:
        GateClosed: as the gate raised it; the connection is then inside a transaction: drop it.
    """
    transaction = Transaction(envelope)
    gate()
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            await _transact(smtp, transaction, gate)
    except (SMTPException, OSError, TimeoutError) as e:
        abort(smtp)
        if transaction.remaining is None:
            outcome = Outcome.AMBIGUOUS if transaction.handed_over else Outcome.TEMPORARY
            transaction.rest(Verdict(outcome, type(e).__name__))
    return transaction.results()


@dataclass(slots=True)
class Transaction:
    """What is known so far."""

    envelope: Envelope
    refused: dict[int, Verdict] = field(default_factory=dict)
    """By position in `envelope.to`."""
    remaining: Verdict | None = None
    """What everyone else gets."""
    handed_over: bool = False
    """The message is about to be given to the transport, which may keep it for a while, dot and all."""

    @property
    def anyone(self) -> bool:
        """Some recipient was not refused."""
        return len(self.refused) < len(self.envelope.to)

    def refuse(self, position: int, verdict: Verdict) -> None:
        """Coming back at once makes sense only where this transaction had room for somebody."""
        if verdict.retry_after is not None and len(self.refused) == position:
            verdict = verdict._replace(retry_after=None)
        self.refused[position] = verdict

    def rest(self, verdict: Verdict) -> None:
        self.remaining = verdict

    def results(self) -> list[Result]:
        assert self.remaining is not None or not self.anyone  # noqa: S101 - `_transact` sees to it
        key = self.envelope.key.hex
        return [
            _result(
                recipient, self.refused.get(position, self.remaining), key, alone=position in self.refused
            )
            for position, recipient in enumerate(self.envelope.to)
        ]


async def _transact(smtp: SMTP, transaction: Transaction, gate: Gate) -> None:
    message = transaction.envelope.message(smtp.supports_extension("8BITMIME"))
    reply = await smtp.execute_command(_mail(smtp, transaction.envelope, message))
    if reply.code != 250:
        transaction.rest(_verdict(Stage.MAIL, reply))
        return
    await _name_recipients(smtp, transaction)
    if transaction.remaining is not None:
        return
    if not transaction.anyone:
        await smtp.rset()
        return
    gate()
    reply = await smtp.execute_command(b"DATA")
    if reply.code == 354:
        gate()
        transaction.rest(_verdict(Stage.DATA, await _hand_message(smtp, transaction, message)))
    else:
        transaction.rest(_verdict(Stage.DATA, reply))
        await smtp.rset()


async def _name_recipients(smtp: SMTP, transaction: Transaction) -> None:
    utf8, notify = smtp.supports_extension("SMTPUTF8"), smtp.supports_extension("DSN")
    suffix = b" NOTIFY=FAILURE" if notify else b""
    for position, recipient in enumerate(transaction.envelope.to):
        mailbox = path(recipient.address)
        if mailbox is None or not (mailbox.isascii() or utf8):
            transaction.refuse(position, BAD_ADDRESS if mailbox is None else BEYOND_ASCII)
            continue
        reply = await smtp.execute_command(b"RCPT TO:" + mailbox + suffix)
        verdict = _verdict(Stage.RCPT, reply)
        if reply.code == 421:  # RFC 5321 §4.2.3: whatever was asked, the whole session has ended
            transaction.rest(verdict)
            return
        if verdict.outcome is not Outcome.ACCEPTED:
            transaction.refuse(position, verdict)


async def _hand_message(smtp: SMTP, transaction: Transaction, message: bytes) -> SMTPResponse:
    """The one place where a final dot is given away, in one piece with the message."""
    protocol = smtp.protocol
    if protocol is None or not protocol.is_connected:
        raise SMTPServerDisconnected("before the message")
    transaction.handed_over = True
    protocol.write(message)
    return await protocol.read_response(timeout=smtp.timeout)


def _mail(smtp: SMTP, envelope: Envelope, message: bytes) -> bytes:
    """Parameters only of extensions the smarthost offers: RFC 1870, 6152, 6531 and 3461."""
    command = f"MAIL FROM:<{envelope.sender}>"
    if smtp.supports_extension("SIZE"):
        command += f" SIZE={len(message)}"
    if not message.isascii():
        command += " BODY=8BITMIME"
    if smtp.supports_extension("SMTPUTF8") and not all(each.address.isascii() for each in envelope.to):
        command += " SMTPUTF8"
    if smtp.supports_extension("DSN"):
        command += f" RET=HDRS ENVID={envelope.key.hex}"
    return command.encode("ascii")


BAD_ADDRESS = Verdict(Outcome.PERMANENT, "5.1.3")
BEYOND_ASCII = Verdict(Outcome.PERMANENT, "5.6.7")


def _verdict(stage: Stage, reply: SMTPResponse) -> Verdict:
    return classify(stage, reply.code, reply.message)


def _result(recipient: Recipient, verdict: Verdict | None, key: str, *, alone: bool) -> Result:
    """An acceptance is known under the envelope's id: a bounce names that, and the address."""
    assert verdict is not None  # noqa: S101 - `results` has looked
    ref = ProviderRef(f"{key}/{recipient.id}") if verdict.outcome is Outcome.ACCEPTED else None
    return Result(recipient.id, verdict.outcome, ref, verdict.reason, verdict.retry_after, alone)
