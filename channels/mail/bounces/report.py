"""Delivery reports for machines: RFC 3464, also where they lie in a part of another kind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from channels.mail.bounces.part import Part, fields

TYPES = ("message/delivery-status", "message/global-delivery-status")

MOST_GROUPS = 10_000
"""Recipients of a report that are read."""

ADDRESS = r"[^\s<>()\[\]:;,\"'@]+@[\w.-]*\w"
_TYPED = re.compile(rf"(?:[\w-]+\s*;)?\s*<?({ADDRESS}|\"[^\"\n]+\"@[\w.-]+)>?", re.I)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One recipient's group of fields (§2.3)."""

    recipient: str
    original: str
    action: str
    status: str
    diagnostic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    envelope: str
    """Original-Envelope-Id (§2.2.1), which is the ENVID of MAIL."""
    fates: tuple[Fate, ...]


def read(mail: Part) -> Report:
    """Everything that the mail's delivery reports say; those within a returned message are not its own."""
    texts = [part.text or _inner(part) for part in _notices(mail) if part.type in TYPES]
    if not texts:  # a report that was sent as plain text, or lost its parts
        texts = [part.text for part in _notices(mail) if re.search(r"(?im)^Final-Recipient\s*:", part.text)]
    groups = [dict(reversed(fields(group))) for text in texts for group in _groups(text)]
    envelope = next(
        (group["original-envelope-id"] for group in groups if "original-envelope-id" in group), ""
    )
    return Report(envelope=envelope, fates=tuple(fate for group in groups if (fate := _fate(group))))


def _groups(text: str) -> list[str]:
    """Of fields; blank lines part them."""
    return [group for group in re.split(r"\n[ \t]*\n", text) if group.strip()][:MOST_GROUPS]


def _notices(mail: Part) -> Iterator[Part]:
    """The parts down to the returned message."""
    yield mail
    for part in mail.parts:
        if part.type not in ("message/rfc822", "message/global"):
            yield from _notices(part)


def _inner(part: Part) -> str:
    return "\n\n".join(each.text for each in part.walk())


def _fate(group: dict[str, str]) -> Fate | None:
    final = address(group.get("final-recipient", ""))
    original = address(group.get("original-recipient", ""))
    actual = address(group.get("x-actual-recipient", ""))
    if not (final or original):
        return None
    diagnostic = group.get("diagnostic-code", "")
    found = _STATUS.search(group.get("status", ""))
    return Fate(
        recipient=_named(final, actual) or original,
        original=original,
        action=re.split(r"[\s;(]", group.get("action", "").lower(), maxsplit=1)[0],
        status=found[0] if found else "",
        diagnostic=re.sub(r"^\s*[\w-]+\s*;\s*", "", diagnostic),
    )


def _named(final: str, actual: str) -> str:
    """Sendmail writes the mailbox as it was asked for, and beside it the one that it became."""
    return final if final or not actual else actual


def address(value: str) -> str:
    """Without its type (`rfc822;`); unquoted `xtext` of RFC 3461 §4 is left to the reader."""
    found = _TYPED.match(value.strip())
    return found[1] if found else ""
