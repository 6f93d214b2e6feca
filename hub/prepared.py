"""The correction of an alert, ready before anybody needs it: 誤りを知らせる（訂正）.

It is a draft like any other, made in the commit that accepts the alert, so that whoever finds the
mistake has only to submit it and another person to approve it. A correction gets none of its own: its
text states nothing that could be wrong, and its correction would need another.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import msgspec

from hub import phrases
from hub.alert import Order
from hub.authorise import SYSTEM
from hub.draft import Draft, Message, State
from hub.ledger.alerts import Accepted
from hub.phrases import Earlier, Template
from hub.placename import Names
from hub.recipient import Reached, Targeting

Prepare = Callable[[Accepted, datetime], Message]
"""The message that says of an alert that it was wrong."""

VALID_FOR_S = 6 * 3600
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:yobikake:correction")


def draft_id(alert: str) -> str:
    """Of the correction that was prepared with this alert."""
    return str(uuid5(_NAMESPACE, alert))


def message(earlier: Accepted, at: datetime, *, template: Template, city: Names) -> Message:
    """To whoever the alert reached, or may have reached, by the channels it went by.

    `template`: of the bank of phrases, one that needs nothing but the city and the earlier alert. It was
    checked when it was loaded; what it becomes is checked like any other draft, when somebody submits it.

    Raises:
        BadInput: the template needs more.
    """
    alert = earlier.alert
    return Message(
        mode=alert.mode,
        msg_type=template.msg_type,
        hazard=alert.hazard,
        level=None,
        order=Order(
            issuer=alert.order.issuer,
            method=alert.order.method,
            ordered_at=at,
            grounds=f"配信番号{earlier.number}に誤りがあったため",
        ),
        area=alert.area,
        targeting=Targeting(audience=Reached(identifier=alert.identifier), channels=alert.targeting.channels),
        infos=phrases.fill(template, city=city, earlier=Earlier(number=earlier.number, sent=alert.sent)),
        valid_for_s=VALID_FOR_S,
        references=(alert.identifier,),
        correction=True,
    )


def as_draft(alert: str, written: Message, at: datetime) -> Draft:
    """Nobody's yet: whoever takes it up, or submits it as it is, becomes its author (I10)."""
    return Draft(
        id=draft_id(alert),
        version=1,
        state=State.PREPARED,
        author=SYSTEM.login,
        authors=(),
        message=written,
        created_at=at,
        updated_at=at,
    )


def ordered_now(prepared: Message, at: datetime) -> Message:
    """The order to correct is given when somebody takes the draft up, not when it was prepared."""
    return msgspec.structs.replace(prepared, order=msgspec.structs.replace(prepared.order, ordered_at=at))
