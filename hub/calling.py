"""What is different when a batch calls staff to a muster: whoever has answered is left alone, and the link of
each is their own. Such a batch has one member (`hub.fanout`)."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection

from hub import answer_link
from hub.alert import Alert
from hub.cap import MsgType
from hub.channel import Content
from hub.errors import Refused
from hub.keys import Keys
from hub.ledger import musters
from hub.recipient import Called, Recipient, RecipientId


def answered(conn: Connection, alert: Alert, members: Collection[RecipientId]) -> tuple[RecipientId, ...]:
    """Who need not be asked any more. That a muster is cancelled is told to everybody."""
    audience = alert.targeting.audience
    if not isinstance(audience, Called) or alert.msg_type is MsgType.CANCEL:
        return ()
    return tuple(musters.answered(conn, audience.muster, members))


def up_to_the_token(content: Content, alert: Alert, *, public_url: str) -> Content:
    """What is frozen: of a call of staff there is no public page, and everybody's own token is put behind this."""
    if alert.public:
        return content
    return msgspec.structs.replace(content, link=f"{public_url}{answer_link.PATH}")


def own(keys: Keys, alert: Alert, content: Content, to: Sequence[Recipient]) -> tuple[Content, str]:
    """The content with the one recipient's own link, and where they answer by telephone; else as it was frozen.

    What was frozen holds the address up to the token. The same recipient gets the same link at every try.

    Raises:
        Refused: there are several, and one would get another's link.
    """
    audience = alert.targeting.audience
    if not isinstance(audience, Called):
        return content, ""
    if len(to) != 1:
        raise Refused("a call of staff has one recipient each. Nothing was sent. / 送っていません")
    link = content.link + answer_link.token(keys, audience.muster, to[0].id)
    return msgspec.structs.replace(content, link=link), "" if alert.msg_type is MsgType.CANCEL else link
