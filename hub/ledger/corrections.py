"""Corrections: whom they follow, when their audience can be read, and who is added to it later.

A correction's audience is whoever was told what it corrects (`hub.told`). It can be read once nothing
of that is under way any more; from then on only receipts can add to it, and `late_receipts` keeps those.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from hub.alert import Alert
from hub.delivery import Batch, Outcome, Variant
from hub.idset import IdSet
from hub.keys import Keys
from hub.language import Language
from hub.ledger import alerts, batches, plans, tables
from hub.ledger.alerts import Accepted
from hub.ledger.columns import insert_new
from hub.recipient import Reached, RecipientId, Zone
from hub.told import told

_late = tables.late_receipts.c
_alerts = tables.alerts.c
_references = tables.alert_references.c


class Late(NamedTuple):
    """Somebody of whom it became known late that they were told."""

    recipient: RecipientId
    variant: Variant


def chain(conn: Connection, keys: Keys, alert: Alert) -> tuple[str, ...]:
    """The alerts whose recipients a correction goes to, the oldest first; none for any other alert.

    A correction of a correction goes to those of both: it may have ended the one before it on its way to
    somebody who was told the first, and who would hear of no correction at all.
    """
    links: list[str] = []
    while isinstance(audience := alert.targeting.audience, Reached):
        links.append(audience.identifier)
        alert = alerts.get(conn, keys, audience.identifier).alert
    return tuple(reversed(links))


def reached(conn: Connection, keys: Keys, identifier: str) -> dict[str, int]:
    """How many a correction of this alert would go to now, by channel; each counted once."""
    corrected = alerts.get(conn, keys, identifier).alert
    told_on: defaultdict[str, IdSet] = defaultdict(IdSet)
    for link in (*chain(conn, keys, corrected), identifier):
        for row in batches.of_alert(conn, link):
            told_on[row.channel].update(told(row.members, row.handover, row.receipt))
    return {channel: len(ids) for channel, ids in told_on.items()}


def freeze(conn: Connection, corrected: str, channel: str) -> bool:
    """Whether nothing of a stopped alert is under way on the channel, nor ever will be again.

    What was given back unsent is ended here; what is given back meanwhile is seen by the next call.
    Whoever writes down an outcome or a receipt of the alert holds its row meanwhile: waiting for it, this
    sees what they wrote, and who comes later sees the correction.
    """
    row = select(_alerts.stopped_as).where(_alerts.identifier == corrected).with_for_update()
    stopped = conn.execute(row).scalar_one()
    if stopped is not None:
        batches.settle_unsent(conn, corrected, Outcome(stopped))
    return batches.unfinished(conn, corrected, channel) == 0


def note_late(conn: Connection, batch: Batch, recipients: Sequence[RecipientId]) -> None:
    """Keep who turned out to have been told, if a later alert refers to this one. Call with the alert held."""
    referred = select(_references.identifier).where(_references.refers_to == batch.alert).limit(1)
    if not recipients or conn.execute(referred).first() is None:
        return
    place = {
        "alert": batch.alert,
        "channel": batch.channel,
        "language": batch.variant.language,
        "zone": batch.variant.zone or "",
    }
    rows = [place | {"recipient": recipient} for recipient in recipients]
    conn.execute(insert_new(conn, tables.late_receipts), rows)


def with_latecomers(conn: Connection) -> list[tuple[str, str]]:
    """The (alert, channel) of which somebody came late."""
    rows = conn.execute(select(_late.alert, _late.channel).distinct().order_by(_late.alert, _late.channel))
    return [(row.alert, row.channel) for row in rows]


def latecomers(conn: Connection, alert: str, channel: str, *, limit: int) -> list[Late]:
    rows = conn.execute(
        select(_late.recipient, _late.language, _late.zone)
        .where(_late.alert == alert, _late.channel == channel)
        .order_by(_late.recipient)
        .limit(limit)
    )
    return [
        Late(
            RecipientId(row.recipient),
            Variant(Language(row.language), Zone(row.zone) if row.zone else None),
        )
        for row in rows
    ]


def forget_late(conn: Connection, alert: str, channel: str, recipients: Sequence[RecipientId]) -> None:
    conn.execute(
        delete(tables.late_receipts).where(
            _late.alert == alert, _late.channel == channel, _late.recipient.in_(recipients)
        )
    )


def followers(
    conn: Connection, keys: Keys, corrected: str, channel: str, *, at: datetime
) -> list[Accepted] | None:
    """The corrections in force that go to those who were told `corrected` on the channel.

    Also those that follow it through another correction, as `chain` does. None while one of them is not
    planned to its end: it may come to them by itself.
    """
    found = [
        each
        for each in _following(conn, keys, corrected)
        if each.stopped_as is None and at < each.alert.expires and channel in each.alert.targeting.channels
    ]
    planned = all(plans.get(conn, each.alert.identifier, channel).complete for each in found)
    return found if planned else None


def _following(conn: Connection, keys: Keys, corrected: str) -> list[Accepted]:
    found: list[Accepted] = []
    ahead = [corrected]
    while ahead:
        followed = ahead.pop()
        referring = select(_references.identifier).where(_references.refers_to == followed)
        for identifier in conn.execute(referring.order_by(_references.identifier)).scalars().all():
            accepted = alerts.get(conn, keys, identifier)
            if accepted.alert.targeting.audience == Reached(identifier=followed):
                ahead.append(identifier)
                found.append(accepted)
    return found
