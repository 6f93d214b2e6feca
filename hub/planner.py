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

QUIET_S = 3.0
"""A plan nobody has completed this long after its alert is taken up from the ledger."""


class Planner:
    def __init__(self, *, fanout: Fanout, ledger: Ledger, transport: Bus, records: RecordCodec) -> None:
        self._fanout = fanout
        self._ledger = ledger
        self._bus = transport
        self._records = records

    async def run(self) -> None:
        """Until cancelled. A plan that fails is logged and taken up again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._consume())
            group.create_task(self._finish())

    async def _consume(self) -> None:
        while True:
            try:
                async with self._bus.subscribe(bus.ALERTS, group="fanout") as subscription:
                    while True:
                        for record in await subscription.get(max_records=1):
                            await self._plan(record)
                            await subscription.commit([record])
            except HubError as e:
                log.warning("the bus is away; alerts are planned from the ledger", error=str(e))
                await asyncio.sleep(1)

    async def _plan(self, record: Record) -> None:
        try:
            alert = self._records.unseal(AlertRecord, record.topic, record.key, record.value)
            await self._fanout.plan(alert.identifier)
        except BadInput as e:
            log.error("an alert record is not ours; it goes to the dead letters", error=str(e))
            await self._bus.publish(bus.DEAD_LETTERS, record.topic, record.value)
        except Exception:
            log.exception("a plan failed; it is taken up from the ledger", key=record.key)

    async def _finish(self) -> None:
        """The ledger knows which plans are incomplete, whatever became of the record on the bus."""
        quiet_for_us = int(QUIET_S * MICROSECONDS)
        while True:
            for alert in await self._ledger.read(
                lambda conn: plans.incomplete(conn, quiet_for_us=quiet_for_us)
            ):
                try:
                    await self._fanout.plan(alert)
                except Exception:
                    log.exception("a plan failed; it is tried again", alert=alert)
            await asyncio.sleep(QUIET_S)
