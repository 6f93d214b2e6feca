"""The planner: alerts from the bus are planned at once, and from the ledger when the bus did not bring them."""

import asyncio

import structlog

from hub import bus
from hub.bus import Bus, Record
from hub.codec import AlertRecord, RecordCodec
from hub.errors import BadInput, HubError
from hub.fanout import Fanout
from hub.ledger import Ledger, plans
from hub.ledger.columns import MICROSECONDS

log = structlog.get_logger(__name__)

_MOST = 100
"""Records read at once."""

QUIET_S = 3.0
"""A plan nobody has completed this long after its alert is taken up from the ledger."""


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
            group.create_task(self._finish(group))

    async def _consume(self, group: asyncio.TaskGroup) -> None:
        """Committed at once: whatever becomes of this process, the ledger knows what is not planned."""
        while True:
            try:
                async with self._bus.subscribe(bus.ALERTS, group="fanout") as subscription:
                    while True:
                        records = await subscription.get(max_records=_MOST)
                        for record in records:
                            if (alert := await self._read(record)) is not None:
                                self._begin(alert, group)
                        await subscription.commit(records)
            except HubError as e:
                log.warning("the bus is away; alerts are planned from the ledger", error=str(e))
                await asyncio.sleep(1)

    async def _read(self, record: Record) -> str | None:
        try:
            return self._records.unseal(AlertRecord, record.topic, record.key, record.value).identifier
        except BadInput as e:
            log.error("an alert record is not ours; it goes to the dead letters", error=str(e))
            await self._bus.publish(bus.DEAD_LETTERS, record.topic, record.value)
            return None

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
        while True:
            for alert in await self._ledger.read(
                lambda conn: plans.incomplete(conn, quiet_for_us=quiet_for_us)
            ):
                self._begin(alert, group)
            await asyncio.sleep(QUIET_S)
