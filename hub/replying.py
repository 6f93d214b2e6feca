"""Replying: a resident's key is kept, in one commit with its audit row."""

from datetime import datetime

from sqlalchemy import Connection

from hub.asking import Asking
from hub.errors import BadInput
from hub.ledger import Ledger, alerts, audit, replies, trouble
from hub.mustering import OWN
from hub.recipient import Town
from hub.reply import Given
from hub.reply_link import Replying

NO_SUCH_KEY = "Digits"
"""The place of the error of a key that says nothing."""


async def reply(ledger: Ledger, asking: Asking, who: Replying, key: str, *, at: datetime) -> Given:
    """Keep what the key says; durable when this returns. The last reply counts, and every one stays in the audit.

    Saying the same twice is one reply. It is taken after the alert is over, too: who needs help needs it then.

    Raises:
        BadInput: there is no such alert; or at `NO_SUCH_KEY`, the key says nothing to this person after it.
        DatabaseAway: the ledger cannot take it.
    """

    def work(conn: Connection) -> Given:
        identifier = alerts.numbered(conn, who.number)
        if identifier is None:
            raise BadInput("number", "there is no such alert / この配信はありません")
        alert = alerts.get(conn, asking.keys, identifier).alert
        town = replies.towns(conn, [who.recipient]).get(who.recipient, Town(""))
        said = asking.keys_of(alert, town).get(key)
        if said is None:
            raise BadInput(NO_SUCH_KEY, "this key says nothing here / この番号に意味はありません")
        given = Given(who.recipient, said, at)
        if replies.put(conn, identifier, given):
            detail = {"recipient": who.recipient, "reply": said}
            audit.append(
                conn, asking.keys, at=at, actor=OWN, action="alert.reply", subject=f"replies {identifier}", detail=detail
            )  # fmt: skip
        return given

    with trouble.told():
        return await ledger.write(work)
