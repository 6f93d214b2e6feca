"""Intake: how reports come in. A maildir, a listener for LMTP, or a mailbox read by IMAP.

All three give their mails one by one to a `Take`, and let go of a mail only once that has answered: what it
could not make durable stays where it was. What is no report of ours is kept apart, never deleted.
"""

from channels.mail.intake.settings import From
from channels.mail.intake.source import Source, Take

__all__ = ["From", "Source", "Take"]
