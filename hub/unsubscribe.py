"""The addresses at which recipients leave a channel by one click (RFC 8058).

    https://hub.city.example/unsubscribe/mail.1234.9f2c…

Whoever has one may end this registration and do nothing else: the token holds a channel, a recipient's number and a
MAC of both, and no address. It stays the same as long as the record key does, so that old mail can still be answered.
"""

import hmac
import re
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from hub.keys import Keys
from hub.ledger import Ledger, audit, register
from hub.recipient import RecipientId

PATH = "/unsubscribe/"
BODY = {"List-Unsubscribe": "One-Click"}
"""What a provider posts there (§3.2)."""

_MAC_BYTES = 16
_TOKEN = re.compile(r"([a-z]{1,16})\.(0|[1-9][0-9]{0,9})\.([0-9a-f]{32})", re.ASCII)


class Leaving(NamedTuple):
    """Who leaves what."""

    channel: str
    recipient: RecipientId


def token(keys: Keys, channel: str, recipient: RecipientId) -> bytes:
    """In small letters and figures: mail systems write addresses anew, and not always as they were."""
    return f"{channel}.{recipient}.{_mac(keys, channel, str(recipient)).hex()}".encode()


def read(keys: Keys, text: str) -> Leaving | None:
    """None for what we never gave out; how long that takes says nothing of how much of it was right."""
    found = _TOKEN.fullmatch(text.lower())
    if found is None:
        return None
    channel, recipient, mac = found.groups()
    if not hmac.compare_digest(_mac(keys, channel, recipient), bytes.fromhex(mac)):
        return None
    return Leaving(channel, RecipientId(int(recipient)))


async def leave(ledger: Ledger, keys: Keys, leaving: Leaving, *, at: datetime) -> bool:
    """End one registration, with its audit row in the same commit: nothing is planned for it any more, and what was
    planned finds no address. False: that was done before. What is being handed over stays as it is.

    Raises:
        hub.ledger.AWAY: the database is; nothing was changed.
    """
    channel, recipient = leaving

    def work(conn: Connection) -> bool:
        if not register.end(conn, keys, channel, recipient):
            return False
        audit.append(
            conn,
            keys,
            at=at,
            actor="recipient",
            action="register.leave",
            subject=f"recipient {recipient}",
            detail={"channel": channel, "by": "one-click"},
        )
        return True

    return await ledger.write(work)


def _mac(keys: Keys, channel: str, recipient: str) -> bytes:
    return keys.mac(b"unsubscribe", channel.encode(), recipient.encode())[:_MAC_BYTES]
