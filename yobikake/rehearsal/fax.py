"""A mail-to-fax gateway to rehearse with: takes a mail to NUMBER@fax.example, and a page comes out of a machine."""

import email
import email.policy
from email.message import EmailMessage
from typing import ClassVar

from yobikake.rehearsal.inbox import Arrival, Inbox
from yobikake.rehearsal.smtp import SmtpGateway, letter

DOMAIN = "fax.example"
PAGE = "A4 1枚 / one page of A4"


class FaxGateway(SmtpGateway):
    """An arrival's address is the number that was dialled. `pages`: each PDF that came out, in order."""

    channel: ClassVar[str] = "fax"

    @property
    def pages(self) -> list[bytes]:
        return [page for message in self.messages for page in attached(message)]

    def _deliver(self, inbox: Inbox, recipients: list[str], message: bytes) -> None:
        at, read = self.clock(), letter(message)
        for address in recipients if attached(message) else ():
            inbox.add(
                Arrival(
                    channel=self.channel,
                    address=f"+{address.partition('@')[0]}",
                    at=at,
                    subject=read.subject,
                    text=PAGE,
                    key=read.message_id,
                )
            )


def attached(message: bytes) -> list[bytes]:
    """The PDFs in a mail."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)  # noqa: S101 - the policy's own class
    return [
        part.get_content()
        for part in parsed.iter_attachments()
        if part.get_content_type() == "application/pdf"
    ]
