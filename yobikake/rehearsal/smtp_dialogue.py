"""What the simulated smarthost answers to each command: RFC 5321 and the extensions it offers."""

import base64
import binascii
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from yobikake.rehearsal.exchange import Denial, Exchange
from yobikake.rehearsal.faults import NO_ANSWER, Faults
from yobikake.rehearsal.mishap import Mishap, Mishaps, Strike
from yobikake.rehearsal.smtp_answers import (
    AT_ONCE,
    BAD_LOGIN,
    BEHIND_THE_FIRST,
    DOWN,
    HANG_UP,
    MAIL_FIRST,
    OK,
    RCPT_OK,
    STRANGER,
    THROTTLED,
    TOO_BIG,
    TOO_MANY,
    UNKNOWN_PARAMETER,
    Answer,
    Then,
    hang,
)

PATH = re.compile(rb"<([^<>\x00-\x20\x7f]*)>(?: (.*))?", re.S)
MAILBOX = re.compile(r'(?P<local>"(?:[^"\\\x00-\x1f]|\\.)+"|[^"@\s]+)@(?P<domain>[^@\s]+)')
MAIL_PARAMETERS = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"})
RCPT_PARAMETERS = frozenset({"NOTIFY", "ORCPT"})


@dataclass(slots=True, kw_only=True)
class Terms:
    """How the smarthost is set up; may be changed while it runs."""

    size_bytes: int = 10_000_000
    recipients_max: int = 1000
    """RCPT commands a transaction takes; 452 4.5.3 from then on."""
    over_quota: frozenset[str] = frozenset()
    """Addresses whose mailboxes are full: 452, in RFC 5321's words and without a status code."""
    login: tuple[str, str] | None = None
    """User and password asked for by AUTH PLAIN; None: no AUTH is offered."""
    relays: bool = True
    """Otherwise it takes mail for `local` alone."""
    local: str = "city.example"
    """The domain whose mailboxes are its own."""
    tls: ssl.SSLContext | None = None
    """Offer STARTTLS with this."""
    eight_bit: bool = True
    pipelining: bool = True
    instead: Mapping[str, str] = field(default_factory=dict)
    """What is said instead to a command (`greeting` and `.`, the final dot, are some), or `NO_ANSWER`. A message is
    taken behind a dot that is never answered."""
    hang_up_at: str | None = None
    """Drop the connection instead of answering this command; `.` is the final dot, message not taken."""


class Smarthost(Protocol):
    """What a dialogue asks of the gateway it belongs to."""

    faults: Faults
    mishaps: Mishaps
    terms: Terms
    greeting: str
    tried: set[str]
    """Addresses refused once with a temporary answer."""
    transactions: int
    """MAIL commands so far, refused ones too."""

    def begin(self, at: datetime) -> Exchange: ...


@dataclass(slots=True)
class Transaction:
    """What MAIL began. `number` is the name faults know it by."""

    number: str
    smtputf8: bool
    exchange: Exchange
    strike: Strike | None = None
    recipients: list[str] = field(default_factory=list)

    @property
    def mishap(self) -> Mishap | None:
        return self.strike.mishap if self.strike is not None else None

    def deny(self, address: str, code: str) -> None:
        self.exchange.denied.append(Denial(address, code, code.startswith("5")))

    def leave_open(self) -> None:
        """Its sender cannot know what became of it."""
        self.exchange.open_for = len(self.recipients)


class Dialogue:
    """One session's state. Nothing a client says makes it raise."""

    def __init__(self, smarthost: Smarthost, *, secure: bool = False) -> None:
        self.transaction: Transaction | None = None
        self._host = smarthost
        self._secure = secure
        self._authenticated = False
        self._expected: Callable[[bytes], Answer] | None = None

    def instead(self, command: str) -> Answer | None:
        """Of the gateway's terms; a 421 ends the session."""
        said = self._host.terms.instead.get(command)
        if said is None:
            return None
        if said == NO_ANSWER:
            return Answer(b"", Then.HANG)
        return Answer(f"{said}\r\n".encode(), Then.CLOSE if said.startswith("421") else Then.GO_ON)

    def greet(self) -> Answer:
        if instead := self.instead("greeting"):
            return instead
        if self._host.faults.down or self._host.mishaps.next(only={Mishap.DOWN}):
            return DOWN
        if strike := self._host.mishaps.next(only={Mishap.HALF_OPEN}):
            return hang(strike)
        return Answer(f"220 {self._host.greeting}\r\n".encode())

    def answer(self, line: bytes, *, read_at: datetime) -> Answer:
        """The answer to a command line (or to the line a command asked for), without its CRLF."""
        self._read_at = read_at
        if self._expected is not None:
            expected, self._expected = self._expected, None
            return expected(line)
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if self._host.terms.hang_up_at == verb.decode("latin-1"):
            return HANG_UP
        if instead := self.instead(verb.decode("latin-1")):
            return instead
        if self._host.faults.down and verb != b"QUIT":
            return DOWN
        command = COMMANDS.get(verb)
        return command(self, argument) if command else Answer(b"502 5.5.1 Command not implemented\r\n")

    def _ehlo(self, argument: bytes) -> Answer:
        if not argument.strip():
            return Answer(b"501 5.5.4 A domain is missing\r\n")
        self.transaction = None
        terms = self._host.terms
        lines = [self._host.greeting.split()[0], f"SIZE {terms.size_bytes}"]
        lines += ["PIPELINING"] if terms.pipelining else []
        lines += ["8BITMIME"] if terms.eight_bit else []
        lines += ["STARTTLS"] if terms.tls is not None and not self._secure else []
        lines += ["AUTH PLAIN"] if terms.login is not None else []
        lines += ["DSN", "SMTPUTF8"]
        said = "".join(f"250-{line}\r\n" for line in lines)
        return Answer(f"{said}250 ENHANCEDSTATUSCODES\r\n".encode())

    def _helo(self, argument: bytes) -> Answer:
        self.transaction = None
        return Answer(f"250 {self._host.greeting.split()[0]}\r\n".encode())

    def _starttls(self, argument: bytes) -> Answer:
        if self._host.terms.tls is None or self._secure:
            return Answer(b"503 5.5.1 TLS is not available\r\n")
        return Answer(b"220 2.0.0 Ready to start TLS\r\n", Then.TLS)

    def _auth(self, argument: bytes) -> Answer:
        mechanism, _, response = argument.partition(b" ")
        if self._host.terms.login is None or mechanism.upper() != b"PLAIN":
            return Answer(b"504 5.5.4 Mechanism not supported\r\n")
        if self._authenticated:
            return Answer(b"503 5.5.1 Already authenticated\r\n")
        if response:
            return self._plain(response)
        self._expected = self._plain
        return Answer(b"334 \r\n")

    def _plain(self, response: bytes) -> Answer:
        """RFC 4616: authorization identity, user and password, separated by NUL."""
        try:
            _, user, password = base64.b64decode(response, validate=True).decode().split("\0")
        except (binascii.Error, ValueError):
            return Answer(b"501 5.5.2 Not understood\r\n")
        struck = self._host.mishaps.next(only={Mishap.CREDENTIALS})
        if struck or self._host.faults.credentials or (user, password) != self._host.terms.login:
            return BAD_LOGIN
        self._authenticated = True
        return Answer(b"235 2.7.0 Authenticated\r\n")

    def _mail(self, argument: bytes) -> Answer:
        host = self._host
        number = str(host.transactions)
        host.transactions += 1
        if host.faults.credentials or (host.terms.login is not None and not self._authenticated):
            return STRANGER
        if host.faults.hits(host.faults.throttle, "throttle", number):
            return THROTTLED
        if self.transaction is not None:
            return Answer(b"503 5.5.1 Nested MAIL command\r\n")
        return self._begin(number, argument)

    def _begin(self, number: str, argument: bytes) -> Answer:
        path = PATH.fullmatch(argument[5:].lstrip()) if argument[:5].upper() == b"FROM:" else None
        if path is None:
            return Answer(b"501 5.5.4 Not understood\r\n")
        parameters = _parameters(path[2])
        if not parameters.keys() <= MAIL_PARAMETERS:
            return UNKNOWN_PARAMETER
        smtputf8 = "SMTPUTF8" in parameters
        if path[1] and mailbox(path[1], smtputf8=smtputf8) is None:
            return Answer(b"501 5.1.7 Bad sender address\r\n")
        size = parameters.get("SIZE", "0")
        if not size.isdecimal() or int(size[:20]) > self._host.terms.size_bytes:
            return TOO_BIG
        return self._suffer(Transaction(number, smtputf8, self._host.begin(self._read_at)))

    def _suffer(self, transaction: Transaction) -> Answer:
        """What hits a transaction hits it here, or further on."""
        strike = self._host.mishaps.next(only=MAIL_MISHAPS)
        if strike is not None:
            transaction.strike, transaction.exchange.mishap = strike, strike.mishap
            if strike.mishap in AT_ONCE:
                return AT_ONCE[strike.mishap]
            if strike.mishap is Mishap.HALF_OPEN and strike.random.random() < 0.5:
                return hang(strike)
        self.transaction = transaction
        return Answer(b"250 2.1.0 Ok\r\n")

    def _rcpt(self, argument: bytes) -> Answer:
        transaction = self.transaction
        if transaction is None:
            return MAIL_FIRST
        path = PATH.fullmatch(argument[3:].lstrip()) if argument[:3].upper() == b"TO:" else None
        address = mailbox(path[1], smtputf8=transaction.smtputf8) if path else None
        if path is None or address is None:
            return Answer(b"501 5.1.3 Bad recipient address\r\n")
        if path[2] and not _parameters(path[2]).keys() <= RCPT_PARAMETERS:
            return UNKNOWN_PARAMETER
        transaction.exchange.to.append(address)
        refusal = self._struck(transaction) or self._refusal(address)
        if refusal is None:
            transaction.recipients.append(address)
            return RCPT_OK
        transaction.deny(address, refusal.text[4:9].decode())
        return refusal

    def _struck(self, transaction: Transaction) -> Answer | None:
        """Of those after the first few, some are refused now and taken later."""
        strike, taken = transaction.strike, len(transaction.recipients)
        if taken >= self._host.terms.recipients_max:
            return TOO_MANY
        if strike is None:
            return None
        if strike.mishap is Mishap.MAILBOX and strike.random.random() < 0.5:
            return Answer(f"450 4.2.1 <{transaction.exchange.to[-1]}>: mailbox disabled\r\n".encode())
        return BEHIND_THE_FIRST.get(strike.mishap) if taken >= strike.most else None

    def _refusal(self, address: str) -> Answer | None:
        """As real servers do, the refusal repeats the address: a client must keep it out of its logs."""
        faults, tried, terms = self._host.faults, self._host.tried, self._host.terms
        if not terms.relays and not address.endswith(f"@{terms.local}"):
            return Answer(f"554 5.7.1 <{address}>: Relay access denied\r\n".encode())
        if address in terms.over_quota:
            return Answer(b"452 Requested action not taken: insufficient system storage\r\n")
        if faults.hits(faults.permanent, "permanent", address):
            return Answer(f"550 5.1.1 <{address}>: no such user here\r\n".encode())
        if faults.hits(faults.temporary, "temporary", address) and address not in tried:
            tried.add(address)
            return Answer(f"450 4.2.0 <{address}>: greylisted, come back later\r\n".encode())
        return None

    def _data(self, argument: bytes) -> Answer:
        if self.transaction is None:
            return MAIL_FIRST
        if not self.transaction.recipients:
            return Answer(b"554 5.5.1 No valid recipients\r\n")
        if self.transaction.mishap is Mishap.DOWN_MIDWAY:
            return DOWN
        return Answer(b"354 End data with <CR><LF>.<CR><LF>\r\n", Then.BODY)

    def _rset(self, argument: bytes) -> Answer:
        self.transaction = None
        return OK

    def _noop(self, argument: bytes) -> Answer:
        return OK

    def _vrfy(self, argument: bytes) -> Answer:
        return Answer(b"252 2.5.0 Send some mail and see\r\n")

    def _quit(self, argument: bytes) -> Answer:
        return Answer(b"221 2.0.0 Bye\r\n", Then.CLOSE)


IN_THE_MESSAGE = frozenset({Mishap.SLOW, Mishap.HALF_OPEN, Mishap.ERROR, Mishap.CUT_BEFORE, Mishap.CUT_AFTER})
"""What hits a message on its way, or behind its final dot."""

MAIL_MISHAPS = IN_THE_MESSAGE | AT_ONCE.keys() | BEHIND_THE_FIRST.keys() | {Mishap.MAILBOX}

COMMANDS: dict[bytes, Callable[[Dialogue, bytes], Answer]] = {
    b"EHLO": Dialogue._ehlo,
    b"HELO": Dialogue._helo,
    b"STARTTLS": Dialogue._starttls,
    b"AUTH": Dialogue._auth,
    b"MAIL": Dialogue._mail,
    b"RCPT": Dialogue._rcpt,
    b"DATA": Dialogue._data,
    b"RSET": Dialogue._rset,
    b"NOOP": Dialogue._noop,
    b"VRFY": Dialogue._vrfy,
    b"QUIT": Dialogue._quit,
}


def mailbox(path: bytes, *, smtputf8: bool) -> str | None:
    """The address as people write it, its quoting undone; None where it is not one."""
    try:
        matched = MAILBOX.fullmatch(path.decode("utf-8" if smtputf8 else "ascii"))
    except UnicodeDecodeError:
        return None
    if matched is None:
        return None
    local = matched["local"]
    if local.startswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return f"{local}@{matched['domain']}"


def _parameters(text: bytes | None) -> dict[str, str]:
    pairs = (parameter.partition("=") for parameter in (text or b"").decode("utf-8", "replace").split())
    return {name.upper(): value for name, _, value in pairs}
