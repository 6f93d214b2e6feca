"""The planner: alerts from the bus are planned at once, and from the ledger when the bus did not bring them."""

import asyncio
from collections.abc import Sequence

import structlog

from hub import bus
from hub.background import beat
from hub.bus import Bus
from hub.codec import AlertRecord, RecordCodec
from hub.consumer import Consumer
from hub.fanout import Fanout
from hub.ledger import Ledger, plans
from hub.ledger.columns import MICROSECONDS

log = structlog.get_logger(__name__)

QUIET_S = 3.0
"""A plan nobody has completed this long after its alert is taken up from the ledger."""

EXTEND_S = 1.0
"""How soon a correction goes to somebody of whom a receipt says that they were told after all."""


class Planner:
    def __init__(self, *, fanout: Fanout, ledger: Ledger, transport: Bus, records: RecordCodec) -> None:
        self._fanout = fanout
        self._ledger = ledger
        self._bus = transport
        self._records = records
        self._planning: set[str] = set()

    async def run(self) -> None:
        """Until cancelled. A plan that fails is logged and taken up again.

        Alerts are planned side by side: one that is long, or that waits for what it corrects, holds up
        no other (I4, I11).
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._consume(group))
            group.create_task(beat(lambda: self._finish(group), QUIET_S))
            group.create_task(beat(self._fanout.extend, EXTEND_S))

    async def _consume(self, group: asyncio.TaskGroup) -> None:
        """Committed at once: whatever becomes of this process, the ledger knows what is not planned."""
        consumer = Consumer(
            transport=self._bus, records=self._records, topic=bus.ALERTS, group="fanout", kind=AlertRecord
        )

        async def take(records: Sequence[AlertRecord]) -> None:
            for record in records:
                self._begin(record.identifier, group)

        await consumer.run(take)

    def _begin(self, alert: str, group: asyncio.TaskGroup) -> None:
        if alert not in self._planning:
            self._planning.add(alert)
            group.create_task(self._plan(alert), name=f"plan {alert}")

    async def _plan(self, alert: str) -> None:
        try:
            await self._fanout.plan(alert)
        except Exception:
            log.exception("a plan failed; it is taken up again from the ledger", alert=alert)
        finally:
            self._planning.discard(alert)

    async def _finish(self, group: asyncio.TaskGroup) -> None:
        """The ledger knows which plans are incomplete, whatever became of the record on the bus."""
        quiet_for_us = int(QUIET_S * MICROSECONDS)
        for alert in await self._ledger.read(lambda conn: plans.incomplete(conn, quiet_for_us=quiet_for_us)):
            self._begin(alert, group)
