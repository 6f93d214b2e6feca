"""Returns: what comes back of mail after its acceptance, becomes receipts, and counts towards holding back (`hub.gone`).

Whoever wrote the report knows our envelope and an address; the register's blind index knows whose address
that is. A hard failure and a soft one both say that this mail did not arrive, so both become a `PERMANENT`
receipt: nothing is sent again because of a bounce, since nobody can tell a report that came twice from
one about the second try (I3), and the smarthost has tried for as long as it makes sense.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Connection

from hub import refusals, trials
from hub.channel import Receipt
from hub.clock import Clock
from hub.delivery import Outcome
from hub.keys import Keys
from hub.ledger import Ledger, bounces, envelopes, register
from hub.ledger.bounces import Noted
from hub.ledger.envelopes import Sent
from hub.postbox import Postbox
from hub.recipient import RecipientId

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What one report says of one recipient. `addresses`: as reports may write it, the likeliest first."""

    key: UUID
    addresses: tuple[str, ...]
    outcome: Outcome | None
    """`PERMANENT`, or `DELIVERED`; None where it says nothing of whether the mail arrived."""
    reason: str
    hard: bool = False
    policy: bool = False

    def __repr__(self) -> str:
        return f"Returned({self.key}, {self.reason})"


class _Known(NamedTuple):
    recipient: RecipientId
    alert: str
    returned: Returned


class Returns:
    def __init__(
        self,
        *,
        ledger: Ledger,
        keys: Keys,
        postbox: Postbox,
        clock: Clock,
        page: Callable[[str, str], None],
    ) -> None:
        self._ledger = ledger
        self._keys = keys
        self._postbox = postbox
        self._clock = clock
        self._page = page

    async def take(self, channel: str, found: Sequence[Returned]) -> int:
        """Count them, and pass their receipts on; all of it is durable when this returns.

        Returns of how many it is known whom they mean. Taking the same again changes nothing.
        """
        now = self._clock()
        known, tried = await self._ledger.write(partial(self._note, channel=channel, found=found, now=now))
        receipts = [_receipt(each, now) for each in known if each.returned.outcome is not None]
        if receipts:
            await self._postbox.post(channel, receipts)
        for alert in {each.alert for each in known if each.returned.policy}:
            await refusals.watch(self._ledger, alert, channel, page=self._page)
        return len(known) + tried

    def _note(
        self, conn: Connection, *, channel: str, found: Sequence[Returned], now: datetime
    ) -> tuple[list[_Known], int]:
        """And how many are of trials, which have no batch."""
        tried = sum(
            trials.report(conn, channel, each.key, each.outcome, reason=each.reason, at=now)
            for each in found
            if each.outcome is not None
        )
        known = list(_known(conn, self._keys, channel, found))
        failed = [each for each in known if each.returned.outcome is Outcome.PERMANENT]
        bounces.note(conn, channel, list(map(_noted, failed)), at=now)
        return known, tried


def _known(conn: Connection, keys: Keys, channel: str, found: Sequence[Returned]) -> Iterator[_Known]:
    ours = envelopes.sent(conn, channel, {each.key for each in found})
    for each in found:
        if sent := ours.get(each.key):
            meant = _meant(register.find_all(conn, keys, channel, each.addresses), sent)
            if meant is not None:
                yield _Known(meant, sent.alert, each)


def _meant(candidates: Iterable[RecipientId], sent: Sent) -> RecipientId | None:
    """Whoever has one of the addresses and got the mail; an envelope with one recipient means that one."""
    if len(sent.members) == 1:
        return next(iter(sent.members))
    return next((who for who in candidates if who in sent.members), None)


def _noted(known: _Known) -> Noted:
    said = known.returned
    return Noted(known.recipient, known.alert, said.hard, said.policy, said.reason)


def _receipt(known: _Known, at: datetime) -> Receipt:
    said = known.returned
    assert said.outcome is not None  # noqa: S101 - the caller has looked
    return Receipt(
        ref=envelopes.ref(said.key, known.recipient), outcome=said.outcome, at=at, reason=said.reason
    )
