"""Which order a lifting lifts, seen from any alert about it, and what it ends.

A correction has no level and stands in the order's place: the order is lifted from its page too, and the lifting ends
both. Whoever the order was for hears of it, also those whom the correction did not go to.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from hub.cap import MsgType
from hub.evacuation import Issuer
from hub.keys import Keys
from hub.ledger import alerts
from hub.ledger.alerts import Accepted


def order_of(conn: Connection, keys: Keys, accepted: Accepted) -> Accepted | None:
    """The order of evacuation that this alert gives, or corrects or adds to without a level of its own. None: there is
    none to lift, or a later order took its place and is lifted instead."""
    order = _given_by(conn, keys, accepted)
    if order is None or any(_orders(later) for later in _after(conn, keys, order)):
        return None
    return order


def ended_with(conn: Connection, keys: Keys, order: Accepted) -> tuple[str, ...]:
    """Identifiers of what followed the order and is in force: a lifting ends it too."""
    return tuple(each.alert.identifier for each in _after(conn, keys, order) if each.ended_at is None)


def _given_by(conn: Connection, keys: Keys, accepted: Accepted) -> Accepted | None:
    alert = accepted.alert
    if alert.msg_type is MsgType.CANCEL:
        return None
    if _orders(accepted):
        return accepted
    spoken_of = (alerts.get(conn, keys, each) for each in alert.references)
    return next((order for each in spoken_of if (order := _given_by(conn, keys, each))), None)


def _orders(accepted: Accepted) -> bool:
    level = accepted.alert.level
    return level is not None and level.meaning.issuer is Issuer.CITY


def _after(conn: Connection, keys: Keys, accepted: Accepted) -> Iterator[Accepted]:
    """What speaks of it, and what speaks of that. Ends: a reference is always to what was sent before."""
    for identifier, _number in alerts.later(conn, accepted.alert.identifier):
        each = alerts.get(conn, keys, identifier)
        yield each
        yield from _after(conn, keys, each)
