"""Sweep: what must happen though nobody asks for it, with Kafka and Redis up or down.

Each duty is a small function, run on its own beat: the outbox is relayed, stopped alerts become
known, abandoned claims are taken over as ambiguous, what expired unsent is ended (I2), receipts that
missed their send are folded in, or forgotten after a week, and lives that ended after a day.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from random import Random
from typing import TypeVar

import structlog
from sqlalchemy import Connection, delete, select

from hub import receipts
from hub.background import beat
from hub.bus import Bus
from hub.capabilities import Capabilities
from hub.clock import Clock
from hub.delivery import Batch, BatchId, Outcome, Result
from hub.gate import Stops
from hub.ledger import AWAY, Ledger, alerts, batches, lives, tables
from hub.life import Life
from hub.retry import judge, unsent

log = structlog.get_logger(__name__)

GONE = Capabilities(kind="", japanese="", batch_size=1, max_attempts=1, resends_ambiguous=False)
"""Of a channel that is configured no more: nobody would ever send a retry."""

PARKED_FOR = timedelta(days=7)
"""A receipt for which no send has turned up by then belongs to nothing of this hub."""


LIVES_KEPT_FOR = timedelta(days=1)
"""For whoever wonders later which process held what."""

T = TypeVar("T")


class Sweeper:
    def __init__(
        self,
        *,
        ledger: Ledger,
        transport: Bus,
        stops: Stops,
        capabilities: Mapping[str, Capabilities],
        life: Life,
        only_process: bool,
        clock: Clock,
        random: Random | None = None,
    ) -> None:
        """`only_process`: embedded. Claims of any other owner are then those of an earlier life."""
        self._ledger = ledger
        self._bus = transport
        self._stops = stops
        self._capabilities = capabilities
        self._life = life
        self._only_process = only_process
        self._voided = False
        self._clock = clock
        self._random = random or Random()  # noqa: S311 - jitter
        self._outbox = asyncio.Event()

    def poke(self) -> None:
        """The outbox holds something: relay it now."""
        self._outbox.set()

    async def run(self) -> None:
        """Every duty on its beat, until cancelled. One that fails is tried again on its next beat."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.relay())
            group.create_task(beat(self._learn_stops, 0.5))
            group.create_task(beat(self._take_over, 1.0))
            group.create_task(beat(self._end_overdue, 5.0))
            group.create_task(beat(self._fold_parked, 5.0))
            group.create_task(beat(self._forget_parked, 3600.0))
            group.create_task(beat(self._forget_lives, 3600.0))

    async def relay(self) -> None:
        """The outbox alone, until cancelled: for a process that accepts alerts and does not sweep, so that they
        need not wait for the next look of one that does."""
        await beat(self._relay, 1.0, poke=self._outbox)

    async def _relay(self) -> None:
        """Publish the outbox in order, then forget it. A record may go twice; consumers deduplicate."""
        rows = await self._ledger.read(
            lambda conn: conn.execute(select(tables.outbox).order_by(tables.outbox.c.id).limit(100)).all()
        )
        for row in rows:
            await self._bus.publish(row.topic, row.key, row.value)
            await self._ledger.write(
                lambda conn: conn.execute(delete(tables.outbox).where(tables.outbox.c.id == row.id))  # noqa: B023
            )

    async def _learn_stops(self) -> None:
        def work(conn: Connection) -> list[tuple[str, int]]:
            table = tables.alerts.c
            query = select(table.identifier, table.stopped_as).where(table.stopped_as.is_not(None))
            newest = query.order_by(table.stopped_at.desc()).limit(100)
            return [(row.identifier, row.stopped_as) for row in conn.execute(newest)]

        for identifier, outcome in await self._ledger.read(work):
            self._stops.add(identifier, Outcome(outcome))

    async def _take_over(self) -> None:
        """Nobody's silence means anything to one who was not heard himself."""
        if self._only_process and not self._voided:
            await self._void_earlier()
        elif self._life.may_judge:
            await _each(await self._ledger.read(batches.abandoned), self._end_abandoned)

    async def _void_earlier(self) -> None:
        """There is only this process: whatever anybody else claimed, an earlier one left behind."""
        owner = (await self._life.tenure()).owner
        found = await self._ledger.read(lambda conn: batches.abandoned(conn, void_owners_but=owner))
        await _each(found, self._end_abandoned)
        self._voided = True

    async def _end_abandoned(self, found: tuple[Batch, str]) -> None:
        """What a holder who is gone sent nobody knows, so its recipients are ambiguous (I3). The resend need
        not wait: it was no gateway that failed."""
        batch, owner = found
        log.warning("a claim was abandoned", batch=batch.id, channel=batch.channel)
        at_once = timedelta(0)
        results = {
            position: Result(member, Outcome.AMBIGUOUS, None, "abandoned", at_once)
            for position, member in enumerate(batch.members)
        }
        await self._end(batch, owner, results)

    async def _end_overdue(self) -> None:
        while await _each(await self._ledger.read(batches.overdue), self._expire):
            continue

    async def _expire(self, overdue: BatchId) -> None:
        """Claimed and ended in one commit: it is nobody's in between."""
        owner = self._life.name

        def work(conn: Connection) -> None:
            for batch in batches.claim(conn, [overdue], owner=owner, lease=self._life.leases.lease):
                results = {
                    position: Result(member, unsent(batch, Outcome.EXPIRED))
                    for position, member in enumerate(batch.members)
                }
                self._record(conn, batch, owner, results, over=Outcome.EXPIRED)

        await self._ledger.write(work)

    async def _fold_parked(self) -> None:
        """A receipt and the record of its send may have missed each other by a moment."""
        while await self._ledger.write(
            lambda conn: receipts.fold_parked(
                conn, self._capabilities, now=self._clock(), random=self._random
            )
        ):
            pass

    async def _forget_parked(self) -> None:
        before = self._clock() - PARKED_FOR
        if forgotten := await self._ledger.write(lambda conn: receipts.forget_parked(conn, before=before)):
            log.warning("receipts were never claimed", receipts=forgotten)

    async def _forget_lives(self) -> None:
        await self._ledger.write(lambda conn: lives.forget(conn, after=LIVES_KEPT_FOR))

    async def _end(self, batch: Batch, owner: str, results: dict[int, Result]) -> None:
        await self._ledger.write(lambda conn: self._record(conn, batch, owner, results))

    def _record(
        self,
        conn: Connection,
        batch: Batch,
        owner: str,
        results: dict[int, Result],
        *,
        over: Outcome | None = None,
    ) -> None:
        """`over`: there is no other try, by the database's clock, whatever this process's says."""
        verdict = judge(
            batch,
            results,
            self._capabilities.get(batch.channel, GONE),
            now=self._clock(),
            random=self._random,
            stopped_as=alerts.stopped(conn, [batch.alert], hold=True).get(batch.alert, over),
        )
        batches.record(
            conn,
            [
                batches.Record(
                    batch=batch,
                    owner=owner,
                    results=verdict.final,
                    children=verdict.children,
                    moved=verdict.moved,
                    settles_at=None,
                    reached_between=None,
                )
            ],
        )


async def _each(found: Iterable[T], duty: Callable[[T], Awaitable[None]]) -> int:
    """Do it for each, side by side; one that fails holds up no other. Returns for how many it was done."""

    async def done(each: T) -> bool:
        try:
            await duty(each)
        except AWAY:
            raise
        except Exception:
            log.exception("one of a duty's parts failed; it is tried again", duty=duty.__qualname__)
            return False
        return True

    return sum(await asyncio.gather(*(done(each) for each in found)))
