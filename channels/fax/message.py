"""The mail that a gateway makes a fax of: one PDF, and no words of its own that would become a cover page."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from channels.mail.message import Wire, stuffed
from hub.clock import JST

PAGES_KEPT = 32
"""Variants whose page is kept, and its mail but for what is each fax's own: a page takes a twentieth of a second to set, a
mail milliseconds to write."""


def wire(pdf: bytes, *, key: UUID, to: str, sender: str, subject: str, sent: datetime) -> Wire:
    """The same page, key and address give the same bytes. Seven bits, whatever the smarthost takes."""
    local, _, domain = to.rpartition("@")
    number = Address(username=local, domain=domain).addr_spec
    own = f"Message-ID: <{key.hex}@{sender.rpartition('@')[2]}>\r\nTo: {number}\r\n"
    octets = own.encode("ascii") + _everybodys(pdf, sender, subject, sent)
    return lambda _eight_bit: octets


@lru_cache(maxsize=PAGES_KEPT)
def _everybodys(pdf: bytes, sender: str, subject: str, sent: datetime) -> bytes:
    """What stands behind the two headers that are each fax's own, ready for the wire."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=sender)
    message["Subject"] = subject
    message["Date"] = format_datetime(sent.astimezone(JST))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("", cte="7bit")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename="fax.pdf")
    message.set_boundary(f"=_{blake2b(pdf, digest_size=12).hexdigest()}")
    return stuffed(message.as_bytes()) + b".\r\n"
