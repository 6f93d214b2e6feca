"""The browser of staff to which the canary of notifications goes: registered by a link from the console, kept sealed.

The link holds a pass for an hour in its fragment, which no server is asked for and no log holds. What the browser's push
service replaces later, the browser itself tells, as a resident's does: whoever holds the subscription is whose it is.
"""

import hmac
import re
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.errors import Forbidden
from hub.keys import Keys
from hub.ledger import canaries, revisions
from hub.subscription import Subscription

SUBJECT = "canary-device"
PATH = "/push/device"
"""Where it is registered, on the residents' listener."""
CHANNEL = "webpush"
LASTS = timedelta(hours=1)
_MAC_BYTES = 16
_PASS = re.compile(r"([1-9][0-9]{8,11})\.([0-9a-f]{32})", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
BY = "browser"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """`line`: a `Subscription`'s. Its `repr` shows nothing of it."""

    line: str
    since: datetime

    def __repr__(self) -> str:
        return "Device(…)"


def current(conn: Connection, keys: Keys) -> Device | None:
    """None: no browser is registered."""
    newest = revisions.latest(conn, keys, SUBJECT)
    return None if newest is None else codec.decode(Device, newest.value, what=SUBJECT)


def link_pass(keys: Keys, *, at: datetime) -> str:
    """Whoever has it may register a browser until an hour from now, in place of the one that is."""
    until = str(int((at + LASTS).timestamp()))
    return f"{until}.{_mac(keys, until).hex()}"


def register(
    conn: Connection,
    keys: Keys,
    subscription: Subscription,
    *,
    shown: str = "",
    before: Subscription | None = None,
    at: datetime,
) -> None:
    """`shown`: the pass; or `before`: what it takes the place of. A test message follows at once.

    Raises:
        Forbidden: the pass is none of ours or too old, and `before` is not what is registered.
        Conflict: another was registered at the same moment.
    """
    known = current(conn, keys)
    renewed = before is not None and known is not None and hmac.compare_digest(known.line, before.line)
    if not renewed and not _admits(keys, shown, at=at):
        raise Forbidden("the link is too old / リンクの期限が切れています")
    value = codec.encode(Device(line=subscription.line, since=at))
    detail = {"change": "renewed" if renewed else "registered"}
    seen = revisions.number(conn, SUBJECT)
    revisions.add(conn, keys, SUBJECT, value, seen=seen, at=at, by=BY, detail=detail)
    canaries.ask(conn, CHANNEL, at=at)


def confirm(conn: Connection, key: str, *, at: datetime) -> bool:
    """The device showed the canary of this key, which nobody else can read. False: nobody waits for it."""
    return _KEY.fullmatch(key) is not None and canaries.prove(conn, CHANNEL, key=key, at=at)


def _admits(keys: Keys, shown: str, *, at: datetime) -> bool:
    found = _PASS.fullmatch(shown)
    if found is None or not hmac.compare_digest(_mac(keys, found[1]), bytes.fromhex(found[2])):
        return False
    return at.timestamp() <= int(found[1])


def _mac(keys: Keys, until: str) -> bytes:
    return keys.mac(b"canary device", until.encode())[:_MAC_BYTES]
