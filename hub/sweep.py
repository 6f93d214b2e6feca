"""Sweep: what must happen though nobody asks for it, with Kafka and Redis up or down.

Each duty is a small function, run on its own beat: the outbox is relayed, stopped alerts become
known, claims whose lease ran out are taken over as ambiguous, what expired unsent is ended (I2), and
receipts that missed their send are folded in, or forgotten after a week.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from random import Random

import structlog
from sqlalchemy import Connection, delete, select

from hub import receipts
from hub.bus import Bus
from hub.channel import Capabilities
from hub.clock import Clock
from hub.delivery import Batch, Outcome, Result
from hub.gate import LEASE, Stops
from hub.ledger import Ledger, alerts, batches, tables
from hub.retry import judge, unsent

log = structlog.get_logger(__name__)

GONE = Capabilities(kind="", japanese="", batch_size=1, max_attempts=1, resends_ambiguous=False)
"""Of a channel that is configured no more: nobody would ever send a retry."""

PARKED_FOR = timedelta(days=7)
"""A receipt for which no send has turned up by then belongs to nothing of this hub."""


class Sweeper:
    def __init__(
        self,
        *,
        ledger: Ledger,
        transport: Bus,
        stops: Stops,
        capabilities: Mapping[str, Capabilities],
        owner: str,
        only_process: bool,
        clock: Clock,
        random: Random | None = None,
    ) -> None:
        """`only_process`: embedded. Claims of any other owner are then those of an earlier life."""
        self._ledger = ledger
        self._bus = transport
        self._stops = stops
        self._capabilities = capabilities
        self._owner = owner
        self._only_process = only_process
        self._clock = clock
        self._random = random or Random()  # noqa: S311 - jitter
        self._outbox = asyncio.Event()

    def poke(self) -> None:
        """The outbox holds something: relay it now."""
        self._outbox.set()

    async def run(self) -> None:
        """Every duty on its beat, until cancelled. One that fails is tried again on its next beat."""
        if self._only_process:
            await self._take_over(void_owners_but=self._owner)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat(self._relay, 1.0, poke=self._outbox))
            group.create_task(self._beat(self._learn_stops, 0.5))
            group.create_task(self._beat(self._take_over, 5.0))
            group.create_task(self._beat(self._end_overdue, 5.0))
            group.create_task(self._beat(self._fold_parked, 5.0))
            group.create_task(self._beat(self._forget_parked, 3600.0))

    async def _beat(
        self, duty: Callable[[], Awaitable[None]], every_s: float, *, poke: asyncio.Event | None = None
    ) -> None:
        waiting = poke or asyncio.Event()
        while True:
            waiting.clear()
            try:
                await duty()
            except Exception:
                log.exception("a duty failed; it is tried again", duty=duty.__name__, after_s=every_s)
            try:
                async with asyncio.timeout(every_s):
                    await waiting.wait()
            except TimeoutError:
                continue

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

    async def _take_over(self, *, void_owners_but: str | None = None) -> None:
        """A claim whose holder is gone: what it sent nobody knows, so its recipients are ambiguous (I3)."""
        while found := await self._ledger.read(
            lambda conn: batches.abandoned(conn, void_owners_but=void_owners_but)
        ):
            for batch, owner in found:
                log.warning("a claim was abandoned", batch=batch.id, channel=batch.channel)
                results = {
                    position: Result(member, Outcome.AMBIGUOUS, None, "abandoned")
                    for position, member in enumerate(batch.members)
                }
                await self._end(batch, owner, results)

    async def _end_overdue(self) -> None:
        while overdue := await self._ledger.read(batches.overdue):
            claimed = await self._ledger.write(
                lambda conn: batches.claim(conn, overdue, owner=self._owner, lease=LEASE)
            )
            for batch in claimed:
                results = {
                    position: Result(member, unsent(batch, Outcome.EXPIRED))
                    for position, member in enumerate(batch.members)
                }
                await self._end(batch, self._owner, results)

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

    async def _end(self, batch: Batch, owner: str, results: dict[int, Result]) -> None:
        def work(conn: Connection) -> None:
            verdict = judge(
                batch,
                results,
                self._capabilities.get(batch.channel, GONE),
                now=self._clock(),
                random=self._random,
                stopped_as=alerts.stopped(conn, [batch.alert], hold=True).get(batch.alert),
            )
            batches.record(
                conn,
                batch,
                owner=owner,
                results=verdict.final,
                children=verdict.children,
                moved=verdict.moved,
                settles_at=None,
                reached_between=None,
            )

        await self._ledger.write(work)
