"""A claim: the right to send one batch, durable before its first byte, and used only while it lasts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import uniform
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from hub.delivery import Batch, BatchId, Outcome
from hub.gate import Leases, monotonic_s
from hub.ledger import AWAY, Ledger, alerts, batches
from hub.life import Life, Tenure

log = structlog.get_logger(__name__)

T = TypeVar("T")

AGAIN_S = 0.5
"""About how often what is known is offered to a database that is away."""

LOST_WITHIN = timedelta(seconds=1)
"""How exactly a claim whose answer was lost is told from an earlier one by its lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Moments are by `monotonic_s`, counted from before the claim was written: the time that took is the holder's loss."""

    batch: Batch
    tenure: Tenure
    begun: float
    leases: Leases

    def fence(self) -> float:
        """From then on no request begins. It comes nearer when the holder's life is not renewed."""
        return min(self._after(self.leases.lease - self.leases.margin), self.tenure.fenced_at)

    @property
    def cut_off_at(self) -> float:
        """A request that still runs is cut off, so that what is known can be written before somebody else does."""
        return self._after(self.leases.lease - self.leases.margin / 2)

    @property
    def ends_at(self) -> float:
        """From then on anybody may call the batch ambiguous."""
        return self._after(self.leases.lease)

    def _after(self, time: timedelta) -> float:
        return self.begun + time.total_seconds()


Taken = tuple[Claim, Outcome | None]
"""A claim, and what its alert was stopped as."""


async def take(ledger: Ledger, life: Life, leases: Leases, wanted: Sequence[BatchId]) -> list[Taken | None]:
    """Make the batches of one channel ours, durably, in one commit. `leases`: the channel's. None: it is somebody
    else's, or done.

    Raises:
        hub.ledger.AWAY: the database is; none of them is ours.
    """
    tenure = await life.tenure()
    begun, lease = monotonic_s(), leases.lease

    def work(conn: Connection) -> tuple[list[Batch], dict[str, Outcome]]:
        claimed = batches.claim(conn, wanted, owner=tenure.owner, lease=lease)
        return claimed, alerts.stopped(conn, sorted({batch.alert for batch in claimed})) if claimed else {}

    try:
        claimed, stopped = await ledger.write(work)
    except AWAY:
        await _undo(ledger, tenure, wanted, begun, lease)
        raise
    taken = {
        batch.id: (
            Claim(batch=batch, tenure=tenure, begun=begun, leases=leases),
            stopped.get(batch.alert),
        )
        for batch in claimed
    }
    return [taken.pop(batch, None) for batch in wanted]  # who wants the same twice has it once


async def give_back(ledger: Ledger, claim: Claim, *, after: timedelta = timedelta(0)) -> None:
    """End a claim of which nothing was sent; `after` this long anyone may try again."""
    batch, owner = claim.batch, claim.tenure.owner
    await insist(
        lambda: ledger.write(lambda conn: batches.release(conn, batch, owner=owner, after=after)),
        claim.ends_at,
    )


async def insist(write: Callable[[], Awaitable[T]], until: float) -> T:
    """Write; again and again while the database is away: what is known is worth keeping.

    The last try is made at `until`; from then on the claim is anybody's. It may have been committed
    although the database was away when it should have said so.

    Raises:
        hub.ledger.AWAY: it still was at the last try.
    """
    while True:
        try:
            return await write()
        except AWAY as e:
            left_s = until - monotonic_s()
            if left_s <= 0:
                raise
            log.warning(
                "the database is away; what is known is kept and written later", error=type(e).__name__
            )
            await asyncio.sleep(min(left_s, uniform(0.5, 1.5) * AGAIN_S))  # noqa: S311 - jitter


async def _undo(
    ledger: Ledger, tenure: Tenure, wanted: Sequence[BatchId], begun: float, lease: timedelta
) -> None:
    """The claims may have been committed all the same; nobody would know of them until their lease ends."""

    def work(conn: Connection) -> None:
        held = timedelta(seconds=monotonic_s() - begun)
        for batch in wanted:
            batches.undo_claim(conn, batch, owner=tenure.owner, left=lease - held - LOST_WITHIN)

    await insist(lambda: ledger.write(work), begun + lease.total_seconds())
