"""What the simulated smarthost answers to each command: RFC 5321 and the extensions it offers."""

import base64
import binascii
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Protocol

from yobikake.rehearsal.faults import Faults

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
    login: tuple[str, str] | None = None
    """User and password asked for by AUTH PLAIN; None: no AUTH is offered."""
    tls: ssl.SSLContext | None = None
    """Offer STARTTLS with this."""
    eight_bit: bool = True
    hang_up_at: str | None = None
    """Drop the connection instead of answering this command; `.` is the final dot, message not taken."""


class Smarthost(Protocol):
    """What a dialogue asks of the gateway it belongs to."""

    faults: Faults
    terms: Terms
    greeting: str
    tried: set[str]
    """Addresses refused once with a temporary answer."""
    transactions: int
    """MAIL commands so far, refused ones too."""


class Then(Enum):
    """What follows an answer."""

    GO_ON = auto()
    BODY = auto()  # the message, up to its dot
    TLS = auto()
    CLOSE = auto()
    HANG_UP = auto()  # at once, the answer is never sent


class Answer(NamedTuple):
    """`text` has its line end."""

    text: bytes
    then: Then = Then.GO_ON


@dataclass(slots=True)
class Transaction:
    """What MAIL began. `number` is the name faults know it by."""

    number: str
    smtputf8: bool
    recipients: list[str] = field(default_factory=list)


HANG_UP = Answer(b"", Then.HANG_UP)
OK = Answer(b"250 2.0.0 Ok\r\n")
RCPT_OK = Answer(b"250 2.1.5 Ok\r\n")
DOWN = Answer(b"421 4.3.2 Service not available\r\n", Then.CLOSE)
TOO_BIG = Answer(b"552 5.3.4 Message size exceeds the limit\r\n")
MAIL_FIRST = Answer(b"503 5.5.1 MAIL first\r\n")
UNKNOWN_PARAMETER = Answer(b"555 5.5.4 Unknown parameter\r\n")


class Dialogue:
    """One session's state. Nothing a client says makes it raise."""

    def __init__(self, smarthost: Smarthost, *, secure: bool = False) -> None:
        self.transaction: Transaction | None = None
        self._host = smarthost
        self._secure = secure
        self._authenticated = False
        self._expected: Callable[[bytes], Answer] | None = None

    def greet(self) -> Answer:
        return DOWN if self._host.faults.down else Answer(f"220 {self._host.greeting}\r\n".encode())

    def answer(self, line: bytes) -> Answer:
        """The answer to a command line (or to the line a command asked for), without its CRLF."""
        if self._expected is not None:
            expected, self._expected = self._expected, None
            return expected(line)
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if self._host.terms.hang_up_at == verb.decode("latin-1"):
            return HANG_UP
        if self._host.faults.down and verb != b"QUIT":
            return DOWN
        command = COMMANDS.get(verb)
        return command(self, argument) if command else Answer(b"502 5.5.1 Command not implemented\r\n")

    def _ehlo(self, argument: bytes) -> Answer:
        if not argument.strip():
            return Answer(b"501 5.5.4 A domain is missing\r\n")
        self.transaction = None
        terms = self._host.terms
        lines = [self._host.greeting.split()[0], "PIPELINING", f"SIZE {terms.size_bytes}"]
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
        if self._host.faults.credentials or (user, password) != self._host.terms.login:
            return Answer(b"535 5.7.8 Authentication credentials invalid\r\n")
        self._authenticated = True
        return Answer(b"235 2.7.0 Authenticated\r\n")

    def _mail(self, argument: bytes) -> Answer:
        host = self._host
        number = str(host.transactions)
        host.transactions += 1
        if host.faults.credentials or (host.terms.login is not None and not self._authenticated):
            return Answer(b"530 5.7.0 Authentication required\r\n")
        if host.faults.hits(host.faults.throttle, "throttle", number):
            return Answer(b"421 4.7.28 Too much mail, come back later\r\n", Then.CLOSE)
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
        self.transaction = Transaction(number, smtputf8)
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
        if len(transaction.recipients) >= self._host.terms.recipients_max:
            return Answer(b"452 4.5.3 Too many recipients\r\n")
        refusal = self._refusal(address)
        if refusal is None:
            transaction.recipients.append(address)
        return refusal or RCPT_OK

    def _refusal(self, address: str) -> Answer | None:
        """As real servers do, the refusal repeats the address: a client must keep it out of its logs."""
        faults, tried = self._host.faults, self._host.tried
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
