"""Amazon SES's own form, JSON in a mail from its notification service instead of a report.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from typing import Any

import msgspec

from channels.mail.bounces.part import Part
from hub import typed


class Recipient(msgspec.Struct):
    address: str = msgspec.field(name="emailAddress")
    action: str = "failed"
    status: str = ""
    diagnostic: str = msgspec.field(name="diagnosticCode", default="")


class _Bounce(msgspec.Struct):
    recipients: list[Recipient] = msgspec.field(name="bouncedRecipients", default_factory=list)


class _Complaint(msgspec.Struct):
    recipients: list[Recipient] = msgspec.field(name="complainedRecipients", default_factory=list)


class Notification(msgspec.Struct):
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None


class _Envelope(msgspec.Struct):
    """The notification service's wrapping."""

    message: str = msgspec.field(name="Message")


def read(mail: Part) -> Notification | None:
    """None where a mail is none."""
    text = mail.text.strip().replace("\n ", "")  # long lines come folded
    if not text.startswith("{"):
        return None
    try:
        inner: Any = typed.from_json(text.partition("\n\n--")[0], _Envelope).message
    except (msgspec.MsgspecError, ValueError, RecursionError):
        inner = text
    try:
        return typed.from_json(inner, Notification)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
