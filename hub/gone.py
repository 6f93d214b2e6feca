"""Addresses that are no more: what a gateway says of them for good takes their contacts out of the register.

Only where a channel's capabilities name such reasons (`Capabilities.gone`): a push subscription that was given up never
comes back, since a browser that subscribes anew gets another one.
"""

from collections.abc import Mapping
from datetime import datetime

import structlog
from sqlalchemy import Connection

from hub.channel import Capabilities
from hub.delivery import Batch, Outcome, Result
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import AWAY, Ledger, audit, register
from hub.recipient import RecipientId

log = structlog.get_logger(__name__)


def found(results: Mapping[RecipientId, Result], channel: Capabilities) -> list[RecipientId]:
    """Whose contact is no more."""
    return [
        recipient
        for recipient, result in results.items()
        if result.outcome is Outcome.PERMANENT and result.reason in channel.gone
    ]


async def take_out(
    ledger: Ledger, keys: Keys, batch: Batch, gone: list[RecipientId], *, at: datetime
) -> None:
    """In one commit with its audit row. They stay, until the next alert says it again, while the
    database is away or where a pack was changed by somebody else."""

    def work(conn: Connection) -> None:
        ended = [each for each in gone if register.end(conn, keys, batch.channel, each)]
        if ended:
            audit.append(
                conn,
                keys,
                at=at,
                actor="gateway",
                action="register.gone",
                subject=f"channel {batch.channel}",
                detail={"recipients": len(ended), "alert": batch.alert},
            )

    try:
        await ledger.write(work)
    except (*AWAY, BadInput):
        log.warning("addresses that are gone stay in the register for now", batch=batch.id, number=len(gone))
