"""The mail that a gateway makes a fax of: one PDF, and no words of its own that would become a cover page."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import blake2b
from uuid import UUID

from channels.mail.message import Wire, stuffed
from hub.clock import JST


def wire(pdf: bytes, *, key: UUID, to: str, sender: str, subject: str, sent: datetime) -> Wire:
    """The same page, key and address give the same bytes. Seven bits, whatever the smarthost takes."""
    message = EmailMessage(policy=SMTP)
    local, _, domain = to.rpartition("@")
    message["Message-ID"] = f"<{key.hex}@{sender.rpartition('@')[2]}>"
    message["From"] = Address(addr_spec=sender)
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = subject
    message["Date"] = format_datetime(sent.astimezone(JST))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("", cte="7bit")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename="fax.pdf")
    message.set_boundary(f"=_{blake2b(pdf, digest_size=12).hexdigest()}")
    octets = stuffed(message.as_bytes()) + b".\r\n"
    return lambda _eight_bit: octets
