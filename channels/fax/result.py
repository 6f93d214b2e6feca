"""What a gateway writes back about a fax: whose it is, and whether it came out of the machine, where that is said."""

import email
import email.policy
import re
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from uuid import UUID

from hub.delivery import Outcome
from hub.returns import Returned

_OURS = re.compile(r"<([0-9a-f]{32})@[^<>@\s]+>")
_HEADERS = ("In-Reply-To", "References", "Original-Message-ID")
MOST_CHARACTERS = 20_000
"""Of a result that are read."""


def returned(mail: bytes, *, sent: Sequence[str], failed: Sequence[str]) -> list[Returned]:
    """Empty where it names no message of ours, or says neither or both: then nothing more is known.

    The message is named by its Message-ID, in a header or where it is quoted.
    """
    message = email.message_from_bytes(mail, policy=email.policy.default)
    text = "\n".join(_texts(message))[:MOST_CHARACTERS]
    key = _key(message, text)
    said = [any(word.lower() in text.lower() for word in words) for words in (sent, failed)]
    if key is None or said.count(True) != 1:
        return []
    outcome = Outcome.DELIVERED if said[0] else Outcome.PERMANENT
    return [Returned(key=key, addresses=(), outcome=outcome, reason="sent" if said[0] else "failed")]


def _key(message: EmailMessage, text: str) -> UUID | None:
    named = "\n".join(str(value) for name in _HEADERS for value in message.get_all(name, ()))
    found = {UUID(hex=each) for each in _OURS.findall(named) or _OURS.findall(text)}
    return found.pop() if len(found) == 1 else None


def _texts(message: EmailMessage) -> Iterator[str]:
    yield str(message.get("Subject", ""))
    for part in message.walk():
        if part.get_content_maintype() == "text":
            try:
                yield part.get_content()
            except (LookupError, UnicodeError, ValueError):  # a character set that nobody knows
                continue
