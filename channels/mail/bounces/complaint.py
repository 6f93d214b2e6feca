"""Complaints: feedback reports (RFC 5965), and the form some providers send instead."""

import re

from channels.mail.bounces.part import Part, fields
from channels.mail.bounces.report import ADDRESS

UNDISCLOSED = ""
"""Many providers tell that somebody complained, and not who."""

_THEIR_OWN = ("x-hmxmroriginalrecipient", "x-original-recipient")
"""Outlook.com's Junk Mail Reporting Program: a copy of the mail with its recipient in such a header."""


def complainants(mail: Part) -> list[str] | None:
    """Who complained; None where the mail is no complaint. `UNDISCLOSED` stands for somebody not named."""
    for part in mail.walk():
        if part.type == "message/feedback-report":
            return _named(mail, fields(part.text)) or [UNDISCLOSED]
    if re.search(r"(?i)\bcomplaint about message from\b", mail.header("subject")):
        named = [part.header(name) for part in mail.walk() for name in _THEIR_OWN if part.header(name)]
        return list(dict.fromkeys(named)) or [UNDISCLOSED]
    return None


def _named(mail: Part, report: list[tuple[str, str]]) -> list[str]:
    """RFC 5965 §3.2: Original-Rcpt-To may stand more than once; without it, the returned message's To."""
    named = [value for name, value in report if name in ("original-rcpt-to", "removal-recipient")]
    for part in mail.walk():
        if not named and part is not mail and (to := part.header("to")):
            named = [to]
    found = [found[0] for value in named for found in re.finditer(ADDRESS, value)]
    return list(dict.fromkeys(found))
