"""One mail transaction: what is said to the smarthost, what it answers, and what each recipient gets of that."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from channels.mail.mailbox import path, plain, xtext
from channels.mail.message import Wire
from channels.mail.relaying import Relaying, Said
from channels.mail.replies import ACCEPTED, Stage, Verdict, classify
from hub.delivery import Outcome, Result
from hub.recipient import Recipient

Gate = Callable[[], None]


class Gates(NamedTuple):
    """Asked before the envelope, and directly before the message."""

    envelope: Gate
    message: Gate


Offers = Collection[str]
"""The extensions a smarthost's EHLO named, in small letters."""


class Envelope(NamedTuple):
    """What one transaction carries, and to whom. `key` names it to the smarthost (ENVID, RFC 3461), with `copy` behind
    it where each recipient has a message of their own."""

    sender: str
    to: Sequence[Recipient]
    message: Wire
    key: UUID
    copy: str = ""


class Commands(NamedTuple):
    """MAIL, a RCPT for each recipient who has a mailbox, and DATA; each line with its CRLF."""

    mail: bytes
    recipients: Sequence[bytes]
    data: bytes = b"DATA\r\n"


class Transaction:
    """What is known of it so far. Lives in one session at a time; begun anew, it knows nothing again."""

    __slots__ = (
        "_asked", "_heard", "_relaying", "_tell", "abandoned", "begun_at", "envelope", "gates", "handed_over",
        "message", "over", "refused", "remaining",
    )  # fmt: skip

    def __init__(self, envelope: Envelope, gates: Gates, tell: "Tell", relaying: Relaying) -> None:
        """`tell` is called once, when it is over. `relaying`: of the smarthost it goes to."""
        self.envelope, self.gates, self._tell, self._relaying = envelope, gates, tell, relaying
        self.over = False
        self.abandoned = False
        """Nobody waits for it any more: its message is not given away."""
        self.begin(at=0.0)

    def begin(self, *, at: float) -> None:
        self.begun_at = at
        self.message = b""
        self.refused: dict[int, Verdict] = {}
        """By position in `envelope.to`."""
        self.remaining: Verdict | None = None
        """What everyone else gets."""
        self.handed_over = False
        """The message is about to be given to the transport, which may keep it for a while, dot and all."""
        self._asked: Sequence[int] = ()
        self._heard = 0

    @property
    def anyone(self) -> bool:
        """Some recipient was not refused, and neither was the transaction."""
        return self.remaining is None and len(self.refused) < len(self.envelope.to)

    def commands(self, offers: Offers) -> Commands:
        """Parameters only of extensions the smarthost offers: RFC 1870, 6152, 6531 and 3461."""
        self.message = self.envelope.message("8bitmime" in offers)
        addresses = [recipient.address for recipient in self.envelope.to]
        if plain(addresses):
            self._asked, lines = range(len(addresses)), _plain_recipients(addresses, dsn="dsn" in offers)
        else:
            self._asked, lines = self._recipients(addresses, offers)
        return Commands(mail=self._mail(addresses, offers), recipients=lines)

    def hear_recipients(self, replies: Sequence[bytes]) -> None:
        """The next replies to RCPT, in order. Of a transaction that was refused they say nothing of anybody."""
        if self.remaining is not None:
            return
        if {reply[:2] for reply in replies} != {b"25"}:
            for position, reply in zip(self._asked[self._heard :], replies, strict=False):
                verdict = judged(Stage.RCPT, reply)
                if verdict.outcome is not Outcome.ACCEPTED:
                    self._refuse(position, verdict)
        self._heard += len(replies)

    def rest(self, verdict: Verdict) -> None:
        """Whoever is not refused gets this, unless they have something already."""
        self.remaining = self.remaining or verdict

    def finish(self) -> None:
        """One result for each recipient, in order, for whoever waits for them."""
        if not self.over:
            self.over = True
            self._tell(self._results())

    def fail(self, reason: Exception) -> None:
        if not self.over:
            self.over = True
            self._tell(reason)

    def _results(self) -> list[Result]:
        to, remaining = self.envelope.to, self.remaining or UNHEARD
        refused = self._relaying.judged(Said(to, self._asked[: self._heard], self.refused))
        if not refused:
            return [Result(each.id, remaining.outcome, None, remaining.reason) for each in to]
        return [
            Result(recipient.id, verdict.outcome, None, verdict.reason, verdict.retry_after, alone)
            for place, recipient in enumerate(to)
            for verdict in (refused.get(place, remaining),)
            for alone in (place in refused and verdict.outcome is not Outcome.CREDENTIALS,)
        ]

    def _refuse(self, position: int, verdict: Verdict) -> None:
        """Coming back at once makes sense only where this transaction had room for somebody."""
        if verdict.retry_after is not None and len(self.refused) == position:
            verdict = verdict._replace(retry_after=None)
        self.refused[position] = verdict

    def _recipients(self, addresses: Sequence[str], offers: Offers) -> tuple[list[int], list[bytes]]:
        asked, lines = [], []
        for position, address in enumerate(addresses):
            mailbox = path(address)
            if mailbox is None or not (mailbox.isascii() or "smtputf8" in offers):
                self._refuse(position, BAD_ADDRESS if mailbox is None else BEYOND_ASCII)
                continue
            asked.append(position)
            lines.append(_recipient(mailbox, dsn="dsn" in offers))
        return asked, lines

    def _mail(self, addresses: Sequence[str], offers: Offers) -> bytes:
        command = f"MAIL FROM:<{self.envelope.sender}>"
        if "size" in offers:
            command += f" SIZE={len(self.message)}"
        if not self.message.isascii():
            command += " BODY=8BITMIME"
        if "smtputf8" in offers and not all(map(str.isascii, addresses)):
            command += " SMTPUTF8"
        if "dsn" in offers:
            command += f" RET=HDRS ENVID={self.envelope.key.hex}{self.envelope.copy}"
        return f"{command}\r\n".encode("ascii")


Tell = Callable[[list[Result] | Exception], None]
"""What a transaction ended with: one result for each recipient, in order, or why there are none."""

BAD_ADDRESS = Verdict(Outcome.PERMANENT, "5.1.3")
BEYOND_ASCII = Verdict(Outcome.PERMANENT, "5.6.7")
UNHEARD = Verdict(Outcome.TEMPORARY, "unheard")
"""Of a transaction in which everybody was refused, nobody gets it."""


def judged(stage: Stage, reply: bytes) -> Verdict:
    """`reply`: the last line of a reply, which holds its code and its status (RFC 2034 §4)."""
    if stage is not Stage.MAIL and reply.startswith(b"25"):
        return ACCEPTED
    return classify(stage, int(reply[:3]), reply[4:].decode("utf-8", "replace").strip())


def _plain_recipients(addresses: Sequence[str], *, dsn: bool) -> list[bytes]:
    if dsn:
        lines = [f"RCPT TO:<{each}> NOTIFY=FAILURE ORCPT=rfc822;{each}\r\n" for each in addresses]
    else:
        lines = [f"RCPT TO:<{each}>\r\n" for each in addresses]
    return [line.encode("ascii") for line in lines]


def _recipient(mailbox: bytes, *, dsn: bool) -> bytes:
    line = b"RCPT TO:" + mailbox
    if dsn:
        line += b" NOTIFY=FAILURE"
        if mailbox.isascii():  # how another would stand there is RFC 6533's, which few know
            line += b" ORCPT=rfc822;" + xtext(mailbox[1:-1])
    return line + b"\r\n"
