"""What the simulated smarthost says: RFC 5321 §4.2, with the status codes of RFC 3463."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple

from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.mishap import Mishap, Strike


class Then(Enum):
    """What follows an answer."""

    GO_ON = auto()
    BODY = auto()  # the message, up to its dot
    TLS = auto()
    CLOSE = auto()
    HANG_UP = auto()  # at once, the answer is never sent
    HANG = auto()  # nothing is answered any more


class Answer(NamedTuple):
    """`text` has its line end."""

    text: bytes
    then: Then = Then.GO_ON
    late_s: float = 0.0
    """Waited besides the latency; nothing else is answered meanwhile."""
    tells: Exchange | None = None
    """The transaction whose end the answer reports."""
    held_by: Strike | None = None
    """With `HANG`: what ends it."""


def hang(strike: Strike) -> Answer:
    return Answer(b"", Then.HANG, held_by=strike)


HANG_UP = Answer(b"", Then.HANG_UP)
OK = Answer(b"250 2.0.0 Ok\r\n")
RCPT_OK = Answer(b"250 2.1.5 Ok\r\n")
DOWN = Answer(b"421 4.3.2 Service not available\r\n", Then.CLOSE)
THROTTLED = Answer(b"421 4.7.28 Too much mail, come back later\r\n", Then.CLOSE)
STRANGER = Answer(b"530 5.7.0 Authentication required\r\n")
BAD_LOGIN = Answer(b"535 5.7.8 Authentication credentials invalid\r\n")
TOO_MANY = Answer(b"452 4.5.3 Too many recipients\r\n")
FAILED = Answer(b"451 4.3.0 Error while processing\r\n")
TOO_BIG = Answer(b"552 5.3.4 Message size exceeds the limit\r\n")
MAIL_FIRST = Answer(b"503 5.5.1 MAIL first\r\n")
UNKNOWN_PARAMETER = Answer(b"555 5.5.4 Unknown parameter\r\n")

AT_ONCE: Mapping[Mishap, Answer] = {
    Mishap.DOWN: DOWN,
    Mishap.THROTTLED: THROTTLED,
    Mishap.CREDENTIALS: STRANGER,
}
"""What is said to MAIL already."""

BEHIND_THE_FIRST: Mapping[Mishap, Answer] = {Mishap.TOO_MANY: TOO_MANY, Mishap.DOWN_MIDWAY: DOWN}
"""What is said to RCPT after the strike's `most`."""
