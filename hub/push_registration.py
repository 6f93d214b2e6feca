"""A resident's browser, registered for notifications and taken out again: each in one commit with its audit row.

There is no account: whoever holds the subscription is whoever it belongs to, since only their browser gives it out.
"""

from datetime import datetime

from sqlalchemy import Connection

from hub.keys import Keys
from hub.ledger import Ledger, audit, enrolment, register
from hub.ledger.enrolment import Enrolled, Home
from hub.recipient import RecipientId
from hub.subscription import Subscription

CHANNEL = "webpush"


async def subscribe(
    ledger: Ledger,
    keys: Keys,
    subscription: Subscription,
    home: Home,
    *,
    before: Subscription | None = None,
    at: datetime,
) -> Enrolled:
    """Register it for this home, or say so of one that is registered. `before`: what it takes the place of.

    Raises:
        hub.ledger.AWAY: the database is; nothing was changed.
        Conflict, BadInput: as `enrolment.enrol`.
    """

    def work(conn: Connection) -> Enrolled:
        if before is not None and before != subscription:
            _end(conn, keys, before, at=at)
        recipient, enrolled = enrolment.enrol(conn, keys, CHANNEL, subscription.line, home, at=at)
        if enrolled is not Enrolled.SAME:
            _audit(conn, keys, "register.enrol", recipient, at=at)
        return enrolled

    return await ledger.write(work)


async def give_up(ledger: Ledger, keys: Keys, subscription: Subscription, *, at: datetime) -> bool:
    """Take it out of the register. False: it is not there.

    Raises:
        hub.ledger.AWAY: the database is; nothing was changed.
    """
    return await ledger.write(lambda conn: _end(conn, keys, subscription, at=at))


def _end(conn: Connection, keys: Keys, subscription: Subscription, *, at: datetime) -> bool:
    recipient = register.find(conn, keys, CHANNEL, subscription.line)
    if recipient is None or not register.end(conn, keys, CHANNEL, recipient):
        return False
    _audit(conn, keys, "register.leave", recipient, at=at)
    return True


def _audit(conn: Connection, keys: Keys, action: str, recipient: RecipientId, *, at: datetime) -> None:
    audit.append(
        conn,
        keys,
        at=at,
        actor="recipient",
        action=action,
        subject=f"recipient {recipient}",
        detail={"channel": CHANNEL, "by": "browser"},
    )
