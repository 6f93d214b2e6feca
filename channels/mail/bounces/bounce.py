"""A bounce: one recipient whom a mail did not reach, and why. The reasons are Sisimai's words.

https://libsisimai.org/en/reason/
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What it says of the address."""

    HARD = "hard"  # nobody will ever be reached there
    SOFT = "soft"  # the address may be good: this mail, this moment or this sender was refused
    COMPLAINT = "complaint"  # it arrived, and somebody pressed «spam» (RFC 5965)


class Reason(StrEnum):
    BLOCKED = "blocked"
    CONTENT_ERROR = "contenterror"
    EXPIRED = "expired"
    FEEDBACK = "feedback"
    FILTERED = "filtered"
    HAS_MOVED = "hasmoved"
    HOST_UNKNOWN = "hostunknown"
    MAILBOX_FULL = "mailboxfull"
    MAILER_ERROR = "mailererror"
    MESSAGE_TOO_BIG = "mesgtoobig"
    NETWORK_ERROR = "networkerror"
    NO_RELAYING = "norelaying"
    NOT_ACCEPT = "notaccept"
    ON_HOLD = "onhold"
    POLICY_VIOLATION = "policyviolation"
    REJECTED = "rejected"
    SECURITY_ERROR = "securityerror"
    SPAM_DETECTED = "spamdetected"
    SUSPEND = "suspend"
    SYNTAX_ERROR = "syntaxerror"
    SYSTEM_ERROR = "systemerror"
    SYSTEM_FULL = "systemfull"
    TOO_MANY_CONNECTIONS = "toomanyconn"
    UNDEFINED = "undefined"
    USER_UNKNOWN = "userunknown"
    VIRUS_DETECTED = "virusdetected"


HARD = frozenset({Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN, Reason.HAS_MOVED, Reason.NOT_ACCEPT})
"""About the address itself; everything else may pass (mailbox full, blocked, expired, on hold, suspended …)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """`recipient` as the reporting server names it; personal data: for no log."""

    recipient: str
    reason: Reason
    status: str = ""
    """The enhanced status code (RFC 3463), where there is one."""
    original: str = ""
    """As this hub wrote it (RFC 3464 §2.3.1), where the report says so."""
    delayed: bool = False
    """The reporting server is still trying: nothing is settled."""

    @property
    def kind(self) -> Kind:
        if self.reason is Reason.FEEDBACK:
            return Kind.COMPLAINT
        lasting = not self.delayed and not self.status.startswith("4")
        return Kind.HARD if self.reason in HARD and lasting else Kind.SOFT
