"""What a smarthost's reply means, by the command it answers.

Reply codes: RFC 5321 §4.2. Status codes: RFC 3463 and the registry at
https://www.iana.org/assignments/smtp-enhanced-status-codes
"""

import re
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from hub.delivery import Outcome


class Stage(StrEnum):
    """The command that is answered."""

    SESSION = "session"  # greeting, EHLO, STARTTLS, AUTH
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # and the final dot


class Verdict(NamedTuple):
    """`reason` is the status code where there is one, else the reply code."""

    outcome: Outcome
    reason: str
    retry_after: timedelta | None = None
    of_us: bool = False
    """Said to one recipient, it may as well be about us: others tell (`channels.mail.relaying`)."""


NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""No such mailbox, no such host, no address at all, moved away, a host that takes no mail (RFC 3463 §3.2, RFC 7505 §5)."""

AT_ONCE = timedelta(0)
ACCEPTED = Verdict(Outcome.ACCEPTED, "")

EVERYONES = frozenset({Outcome.THROTTLE, Outcome.CREDENTIALS})
"""Said of a whole transaction, the smarthost would say it to the next one too."""

TABLE: tuple[tuple[str, str, str, Outcome, timedelta | None], ...] = (
    # stage, reply code, status code; the first row that matches decides
    ("*", "2??", "*", Outcome.ACCEPTED, None),
    # RFC 4954 §6, RFC 3207 §4: log in, log in otherwise, encrypt first
    ("*", "53[0458]", "*", Outcome.CREDENTIALS, None),
    ("*", "5??", "5.7.[89]", Outcome.CREDENTIALS, None),
    ("*", "5??", "5.7.1[134]", Outcome.CREDENTIALS, None),
    # the smarthost does not want to talk to this hub at all, or takes no mail from our sender address
    ("session", "5??", "*", Outcome.CREDENTIALS, None),
    # RFC 6531 §3.5: a recipient whose server takes no address beyond ASCII
    ("rcpt", "5??", "5.6.7", Outcome.PERMANENT, None),
    # RFC 5321 §4.5.3.1.10: too many recipients; 552 is what RFC 821 called it
    ("rcpt", "452", "4.5.3", Outcome.TEMPORARY, AT_ONCE),
    ("rcpt", "452", "", Outcome.TEMPORARY, AT_ONCE),
    ("rcpt", "552", "", Outcome.TEMPORARY, AT_ONCE),
    ("rcpt", "5??", "5.5.3", Outcome.TEMPORARY, AT_ONCE),
    # a full mailbox is emptied again, whatever class the server gives it
    ("*", "5??", "5.2.2", Outcome.TEMPORARY, None),
    # too big, or in a form the server cannot carry: the content's fault, not the recipient's
    ("*", "5??", "5.3.4", Outcome.UNSUPPORTED, None),
    ("*", "5??", "5.6.*", Outcome.UNSUPPORTED, None),
    ("*", "552", "*", Outcome.UNSUPPORTED, None),
    ("mail", "5??", "*", Outcome.CREDENTIALS, None),
    ("*", "5??", "*", Outcome.PERMANENT, None),
    # rate limits: the registry's word, and what Postfix (anvil) and Amazon SES say
    ("*", "4??", "4.7.28", Outcome.THROTTLE, None),
    ("*", "421", "4.7.0", Outcome.THROTTLE, None),
    ("mail", "4??", "4.7.1", Outcome.THROTTLE, None),
    ("mail", "454", "*", Outcome.THROTTLE, None),
    ("data", "454", "*", Outcome.THROTTLE, None),
    ("*", "*", "*", Outcome.TEMPORARY, None),
)

OF_US: tuple[tuple[str, str], ...] = (
    # RFC 3463 §3.2, 3.4, 3.6, 3.8: our sender, their system, our commands, what we are allowed
    ("5??", "5.1.[78]"),
    ("5??", "5.3.*"),
    ("5??", "5.5.*"),
    ("5??", "5.7.*"),
    ("454", "*"),  # how Postfix defers what it does not relay (`defer_unauth_destination`)
)
"""Reply and status codes of refusals of a recipient that need not be about the recipient."""

RELAYING = re.compile(
    r"relay(ing)? (access )?(is )?(denied|not (permitted|allowed)|prohibited|disallowed)|unable to relay|rcpthosts",
    re.I,
)
"""What servers without status codes say of what is 5.7.1 elsewhere (Exim, qmail)."""


def classify(stage: Stage, code: int, text: str) -> Verdict:
    """`text` is the reply without its code; nothing of it but a status code is kept: it may hold an address."""
    said = status(code, text) or (f"{code // 100}.7.1" if RELAYING.search(text) else "")
    return _look_up(stage, str(code), said)


def status(code: int, text: str) -> str:
    """The enhanced status code a reply begins with (RFC 2034 §4); empty where there is none."""
    found = re.match(r"([245])\.\d{1,3}\.\d{1,3}(?=\s|$)", text)
    return found[0] if found and found[1] == str(code)[0] else ""


_DOUBTFUL = frozenset({Outcome.PERMANENT, Outcome.TEMPORARY})


@lru_cache(maxsize=1024)
def _look_up(stage: Stage, code: str, status_code: str) -> Verdict:
    for stages, codes, statuses, outcome, retry_after in TABLE:
        if fnmatchcase(stage, stages) and fnmatchcase(code, codes) and fnmatchcase(status_code, statuses):
            of_us = stage is Stage.RCPT and outcome in _DOUBTFUL and retry_after is None
            of_us = of_us and any(fnmatchcase(code, c) and fnmatchcase(status_code, s) for c, s in OF_US)
            return Verdict(outcome, status_code or code, retry_after, of_us)
    raise AssertionError("the table's last row matches everything")
