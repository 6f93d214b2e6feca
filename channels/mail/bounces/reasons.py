"""Why: from what the refusing server said, and from its status code.

Words come first, since servers give 5.1.1 and 5.7.1 for almost anything; then the code. Codes: RFC 3463 and
https://www.iana.org/assignments/smtp-enhanced-status-codes
"""

import re
from enum import StrEnum
from operator import itemgetter

from channels.mail.bounces import carriers
from channels.mail.bounces.bounce import Reason
from channels.mail.bounces.words import WORDS


class Stage(StrEnum):
    """The SMTP command that was refused, where the text tells."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"


_STAGES: tuple[tuple[Stage, str], ...] = (
    (Stage.RCPT, r"(in reply to|after|>>>|smtp:|our|sent:|\[)\s*rcpt[ _]?(to)?\b|rcpt to generated"),
    (Stage.DATA, r"(in reply to|after|>>>|our( final)?|\[)\s*(end of )?data\b|>>> \.\s|text command"),
    (Stage.DATA, r"after i sent the message|\bsmtp command\s+data\b"),
    (Stage.MAIL, r"(in reply to|after|>>>|our|\[)\s*mail[ _]?from\b|does not like your (mail from|sender)"),
    (
        Stage.CONNECT,
        r"refused to talk to me|after initial connection|after connect|(in reply to|after|>>>) (ehlo|helo)\b",
    ),
)

_NEEDED_RCPT = re.compile(r"need rcpt|no valid recipients|does not like recipient|invalid recipient")

_KNOWN_FOR_SURE = re.compile(
    r"not listed in|invalid final delivery userid|unknown recipient|recipient name is not recognized|recipient not found by smtp|no mailbox here|unknown user:|mailbox here by that name|wrong or no longer"
)
"""Words of a server that keeps the mailboxes itself."""

CODES: tuple[tuple[str, Reason], ...] = (
    (r"[45]\.1\.[01]$", Reason.USER_UNKNOWN),
    (r"5\.1\.(2|10\.2)$", Reason.HOST_UNKNOWN),
    (r"4\.1\.2$", Reason.NETWORK_ERROR),
    (r"[45]\.1\.[34]$", Reason.USER_UNKNOWN),
    (r"[45]\.1\.6$", Reason.HAS_MOVED),
    (r"[45]\.1\.[78]$", Reason.REJECTED),
    (r"[45]\.1\.9$", Reason.SYSTEM_ERROR),
    (r"[45]\.1\.10$", Reason.NOT_ACCEPT),  # RFC 7505: null MX
    (r"[45]\.1\.351$", Reason.FILTERED),  # Exchange Online: what another server answered
    (r"5\.2\.0$", Reason.FILTERED),
    (r"[45]\.2\.1$", Reason.SUSPEND),
    (r"[45]\.2\.2$", Reason.MAILBOX_FULL),
    (r"[45]\.2\.3$", Reason.MESSAGE_TOO_BIG),
    (r"[45]\.2\.4$", Reason.FILTERED),
    (r"[45]\.3\.1$", Reason.SYSTEM_FULL),
    (r"[45]\.3\.2$", Reason.NOT_ACCEPT),
    (r"[45]\.3\.4$", Reason.MESSAGE_TOO_BIG),
    (r"[45]\.3\.[05]$", Reason.SYSTEM_ERROR),
    (r"4\.4\.[157]$", Reason.EXPIRED),
    (r"5\.4\.7$", Reason.EXPIRED),
    (r"5\.4\.4$", Reason.HOST_UNKNOWN),
    (r"[45]\.4\.\d+$", Reason.NETWORK_ERROR),
    (r"[45]\.5\.3$", Reason.TOO_MANY_CONNECTIONS),
    (r"[45]\.5\.[124]$", Reason.SYNTAX_ERROR),
    (r"[45]\.6\.\d+$", Reason.CONTENT_ERROR),
    (r"[45]\.7\.(2[0-9])$", Reason.POLICY_VIOLATION),  # RFC 7372, RFC 7489: SPF, DKIM, DMARC
    (r"[45]\.7\.(509|512)$", Reason.POLICY_VIOLATION),
    (r"[45]\.7\.(5[0-9]{2}|6\d\d|70[0-9]|750)$", Reason.BLOCKED),
    (r"[45]\.7\.(1[0-4]|[3-9])$", Reason.SECURITY_ERROR),
    (r"[45]\.7\.[012]$", Reason.POLICY_VIOLATION),
)

_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")


def reason(said: str, status: str, *, context: str = "") -> Reason:
    """`said`: what the server answered. `context`: what else the notice tells; it may name the command."""
    said, context = said[:_LONGEST], context[:_LONGEST]
    text = " ".join(said.lower().split())
    code = code_of(said, status)
    if strong := _by(_STRONG, code):
        return strong
    refused = stage(said) or stage(context)
    if by_carrier := carriers.reason(text):
        return by_carrier
    text = text.rpartition("other server returned was:")[2]
    for found, words in _WORDS:
        if words.search(text):
            return _about(found, text, code, refused)
    if by_code := _by(CODES, code):
        return by_code if refused is not Stage.MAIL else _about(by_code, text, code, refused)
    return _BY_STAGE.get(refused, Reason.ON_HOLD) if refused else Reason.ON_HOLD


def code_of(said: str, status: str) -> str:
    """The status code, where it says something; else one that the text holds."""
    return status if not vague(status) else code_in(said, like=status) or status


def stage(said: str) -> Stage | None:
    """The last one named: what came before it went well. «Need RCPT» after DATA tells of RCPT all the same."""
    lowered = said.lower()
    if _NEEDED_RCPT.search(lowered):
        return Stage.RCPT
    last = [(hit.start(), each) for each, words in _STAGE_WORDS for hit in words.finditer(lowered)]
    return max(last, default=(0, None), key=itemgetter(0))[1]


def vague(status: str) -> bool:
    """It says no more than whether it lasts."""
    return not status or (status.split(".")[1] in "05" and status.split(".")[2] == "0")


def code_in(text: str, *, like: str) -> str:
    """The first enhanced status code in a text that says something."""
    found = [each[0] for each in _CODE.finditer(text) if each[1] != "2" and not vague(each[0])]
    return next((each for each in found if not like or each[0] == like[0]), found[0] if found else "")


def _about(found: Reason, text: str, code: str, refused: Stage | None) -> Reason:
    """An answer to MAIL is about the sender, whoever and whatever it says is unknown."""
    if refused is Stage.MAIL and found in (Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN):
        return Reason.REJECTED
    return _nobody(text, code, refused) if found is Reason.USER_UNKNOWN else found


def _nobody(text: str, code: str, refused: Stage | None) -> Reason:
    """Carriers say «user unknown» after DATA of mail that their subscriber's filter refused, and to whole
    senders: only an answer to RCPT, or a code that says so, is about the address."""
    if refused in (Stage.DATA, Stage.MAIL, Stage.CONNECT) and not code.startswith("5.1."):
        return Reason.FILTERED
    if (
        refused is Stage.RCPT
        or code.startswith("5.1.")
        or carriers.KNOWS.search(text)
        or _KNOWN_FOR_SURE.search(text)
    ):
        return Reason.USER_UNKNOWN
    return Reason.FILTERED


def _by(table: tuple[tuple[str, Reason], ...], code: str) -> Reason | None:
    return next((found for pattern, found in table if re.match(pattern, code)), None)


_STRONG = (
    (r"[45]\.1\.6$", Reason.HAS_MOVED),
    (r"[45]\.1\.[78]$", Reason.REJECTED),
    (r"[45]\.2\.2$", Reason.MAILBOX_FULL),
    (r"[45]\.6\.\d+$", Reason.CONTENT_ERROR),
    (r"[45]\.7\.515$", Reason.SECURITY_ERROR),
)
"""Codes that nobody gives for anything else."""

_LONGEST = 8_000
"""Characters that are looked at."""

_BY_STAGE = {Stage.CONNECT: Reason.BLOCKED, Stage.MAIL: Reason.REJECTED}
_WORDS = tuple((found, re.compile(words)) for found, words in WORDS)
_STAGE_WORDS = tuple((found, re.compile(words)) for found, words in _STAGES)
