"""Residents' replies by telephone in the ledger: numbers and words, no names and no telephone numbers.

Plain functions on a connection, for `ledger.write` and `ledger.read`.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from hub.language import Language
from hub.ledger import tables
from hub.ledger.columns import one_at_a_time
from hub.recipient import RecipientId, Town
from hub.reply import Given, Reply

_LOCK = 0x7265_706C

_replies = tables.replies.c
_recipients = tables.recipients.c


def put(conn: Connection, alert: str, given: Given) -> bool:
    """Keep a reply. False: it is what they said last, and nothing was written. Of two at once, one waits for the
    other's commit: a key may be reported twice."""
    one_at_a_time(conn, _LOCK)
    last = conn.execute(
        select(_replies.reply)
        .where(_replies.alert == alert, _replies.recipient == given.recipient)
        .order_by(_replies.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if last == given.reply:
        return False
    conn.execute(
        insert(tables.replies).values(alert=alert, recipient=given.recipient, reply=given.reply, at=given.at)
    )
    return True


def of_alert(conn: Connection, alert: str) -> list[Given]:
    """All of them, in the order they came."""
    rows = conn.execute(select(tables.replies).where(_replies.alert == alert).order_by(_replies.id))
    return [Given(RecipientId(row.recipient), Reply(row.reply), row.at) for row in rows]


class Home(NamedTuple):
    """Where somebody lives, and in which language they are spoken to."""

    town: Town
    language: Language


def homes(conn: Connection, people: Collection[RecipientId]) -> dict[RecipientId, Home]:
    """Of these, as far as they are registered still."""
    query = select(_recipients.id, _recipients.town, _recipients.language)
    rows = conn.execute(query.where(_recipients.id.in_(people)))
    return {RecipientId(row.id): Home(Town(row.town), Language(row.language)) for row in rows}


def towns(conn: Connection, people: Collection[RecipientId]) -> dict[RecipientId, Town]:
    """The same, the town alone."""
    return {recipient: home.town for recipient, home in homes(conn, people).items()}
