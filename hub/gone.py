"""Addresses that are no more: what a gateway says of them for good takes their contacts out of the register.

Only where a channel's capabilities name such reasons (`Capabilities.gone`): a push subscription that was given up never
comes back, since a browser that subscribes anew gets another one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from hub.channel import Capabilities
from hub.delivery import Batch, Outcome, Result
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import AWAY, Ledger, audit, register
from hub.newest import Newest
from hub.recipient import RecipientId

log = structlog.get_logger(__name__)

MASS, MASS_LEAST = 0.5, 10
"""Where more of an alert's recipients than this are said to be gone, and not fewer people, a proxy or a service is out of
order: nobody is taken out any more."""

_ALERTS = 64


class Said(NamedTuple):
    """Of one alert, as far as this process has heard: how many answered, and how many of them are gone."""

    heard: int
    gone: int

    @property
    def mass(self) -> bool:
        return self.gone >= MASS_LEAST and self.gone > MASS * self.heard


class Gone:
    """Of one channel."""

    def __init__(self, channel: Capabilities) -> None:
        self._reasons = channel.gone
        self._said: Newest[str, Said] = Newest(_ALERTS)

    def found(self, batch: Batch, results: Mapping[RecipientId, Result]) -> list[RecipientId]:
        """Whose contact is no more."""
        gone = [recipient for recipient, result in results.items() if self._is(result)]
        before = self._said.get(batch.alert) or Said(0, 0)
        now = Said(before.heard + len(results), before.gone + len(gone))
        self._said.keep(batch.alert, now)
        if gone and now.mass:
            log.warning("so many addresses at once are not gone", alert=batch.alert, said=now.gone)
            return []
        return gone

    def _is(self, result: Result) -> bool:
        return result.outcome is Outcome.PERMANENT and result.reason in self._reasons


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
