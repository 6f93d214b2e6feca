"""What each recipient of a batch is asked once they have heard the order.

Where they live decides one thing: the upper floor is not spoken of where a house may be carried away
(家屋倒壊等氾濫想定区域), nor where no map of the city says whether it may (`hub.exposure`).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from hub import reply_link
from hub.alert import Alert
from hub.exposure import NOBODY_FIRST, Exposure
from hub.keys import Keys
from hub.ledger import replies
from hub.recipient import RecipientId, Town
from hub.reply import KeySet, Question, Reply, keys_of

Ask = Callable[[RecipientId], Question | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """`public_url`: under which a telephone's keys reach the hub, no slash at the end; empty: nobody is asked."""

    keys: Keys
    exposure: Exposure = NOBODY_FIRST
    public_url: str = ""

    def of(self, conn: Connection, alert: Alert, number: str, members: Collection[RecipientId]) -> Ask | None:
        """What to ask these; None: nothing follows this alert. `number`: the alert's public one."""
        if not self.public_url or not keys_of(alert):
            return None
        towns = replies.towns(conn, members)
        return lambda recipient: self.question(alert, number, recipient, towns.get(recipient, Town("")))

    def keys_of(self, alert: Alert, town: Town) -> KeySet:
        """What somebody of this town is asked; empty: nothing."""
        keys = keys_of(alert)
        if self.exposure.may_stay(alert.hazard, town):
            return keys
        return {key: reply for key, reply in keys.items() if reply is not Reply.UPSTAIRS}

    def question(self, alert: Alert, number: str, recipient: RecipientId, town: Town) -> Question:
        token = reply_link.token(self.keys, number, recipient)
        return Question(self.keys_of(alert, town), f"{self.public_url}{reply_link.PATH}{token}")
