"""Whose mail a report is about: our envelope, and the addresses as they may stand in the register."""

import re
from collections.abc import Iterator
from uuid import UUID

from channels.mail.bounces.bounce import Bounce, Kind, Reason
from channels.mail.bounces.verdict import Read
from hub.delivery import Outcome
from hub.returns import Returned

POLICY = frozenset(
    {
        Reason.BLOCKED,
        Reason.NO_RELAYING,
        Reason.POLICY_VIOLATION,
        Reason.REJECTED,
        Reason.SECURITY_ERROR,
        Reason.SPAM_DETECTED,
    }
)
"""Refusals for what we are and what we write."""

_KEY = re.compile(r"<?([0-9a-f]{32})(?:\.\d{1,10})?(?:@[^<>@\s]+)?>?")


def returned(read: Read) -> list[Returned]:
    """What this mail says of mail of ours; empty where it says nothing, or of somebody else's."""
    key = _key(read.envelope) or _key(read.message_id)
    if key is None:
        return []
    bounced = [_bounced(key, each) for each in read.bounces if not each.delayed]
    arrived = [
        Returned(key=key, addresses=_spellings(each), outcome=Outcome.DELIVERED, reason="")
        for each in read.delivered
    ]
    return bounced + arrived


def _bounced(key: UUID, bounce: Bounce) -> Returned:
    complaint = bounce.kind is Kind.COMPLAINT
    return Returned(
        key=key,
        addresses=_spellings(bounce.original, bounce.recipient),
        outcome=None if complaint else Outcome.PERMANENT,
        reason=f"{bounce.reason} {bounce.status}".strip(),
        hard=bounce.kind is Kind.HARD,
        policy=bounce.reason in POLICY or bounce.status.startswith("5.7."),
    )


def _key(name: str) -> UUID | None:
    """ENVID and Message-ID begin with the batch's key in hex. The recipient's number behind it, in personal mail, is
    not believed: whoever has such a mail knows the key, and could name somebody else."""
    found = _KEY.fullmatch(name.strip())
    return UUID(hex=found[1]) if found else None


def _spellings(*addresses: str) -> tuple[str, ...]:
    """Servers quote, unquote, and write in small letters what they were given otherwise."""
    return tuple(dict.fromkeys(each for address in addresses for each in _spelt(address)))


def _spelt(address: str) -> Iterator[str]:
    local, at, domain = address.rpartition("@")
    if not at:
        return
    bare = re.sub(r"\\(.)", r"\1", local[1:-1]) if local[:1] == local[-1:] == '"' else local
    for each in (local, bare, bare.lower()):
        yield f"{each}@{domain}"
        yield f"{each}@{domain.lower()}"
