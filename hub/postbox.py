"""The postbox: receipts come in from callbacks, travel over the bus, and are folded in small batches."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random

import structlog
from sqlalchemy import Connection

from hub import bus, receipts
from hub.bus import Bus, Record
from hub.channel import Capabilities, Receipt
from hub.clock import Clock
from hub.codec import ReceiptRecord, RecordCodec
from hub.delivery import Outcome, ProviderRef
from hub.errors import BadInput, HubError
from hub.ledger import Ledger

log = structlog.get_logger(__name__)

_MOST = 500
"""Receipts folded in one commit."""


class Postbox:
    def __init__(
        self,
        *,
        ledger: Ledger,
        transport: Bus,
        records: RecordCodec,
        capabilities: Mapping[str, Capabilities],
        clock: Clock,
        random: Random | None = None,
    ) -> None:
        self._ledger = ledger
        self._bus = transport
        self._records = records
        self._capabilities = capabilities
        self._clock = clock
        self._random = random or Random()  # noqa: S311 - jitter

    async def post(self, channel: str, found: Sequence[Receipt]) -> None:
        """Take receipts in; durable when this returns. With the bus away they go to the ledger directly."""
        try:
            sealed = [(receipt.ref, self._seal(channel, receipt)) for receipt in found]
            await self._bus.publish_many(bus.RECEIPTS, sealed)
        except HubError as e:
            log.warning("the bus is away; receipts are folded directly", channel=channel, error=str(e))
            await self._ledger.write(lambda conn: self._fold(conn, {channel: list(found)}))

    async def run(self) -> None:
        """Fold what comes, until cancelled."""
        while True:
            try:
                async with self._bus.subscribe(bus.RECEIPTS, group="receipts") as subscription:
                    while True:
                        records = await subscription.get(max_records=_MOST)
                        by_channel = await self._open(records)
                        await self._ledger.write(lambda conn: self._fold(conn, by_channel))  # noqa: B023
                        await subscription.commit(records)
            except HubError as e:
                log.warning("the bus is away; receipts wait there", error=str(e))
                await asyncio.sleep(1)

    def _seal(self, channel: str, receipt: Receipt) -> bytes:
        record = ReceiptRecord(
            channel=channel,
            ref=receipt.ref,
            outcome=int(receipt.outcome),
            at=receipt.at,
            reason=receipt.reason,
        )
        return self._records.seal(bus.RECEIPTS, receipt.ref, record)

    async def _open(self, records: Sequence[Record]) -> dict[str, list[Receipt]]:
        by_channel: defaultdict[str, list[Receipt]] = defaultdict(list)
        for record in records:
            try:
                found = self._records.unseal(ReceiptRecord, record.topic, record.key, record.value)
                receipt = Receipt(
                    ref=ProviderRef(found.ref),
                    outcome=Outcome(found.outcome),
                    at=found.at,
                    reason=found.reason,
                )
                if found.channel not in self._capabilities:
                    raise BadInput(record.topic, f"there is no channel {found.channel} any more")
                by_channel[found.channel].append(receipt)
            except (BadInput, ValueError) as e:
                log.error("a receipt is not ours; it goes to the dead letters", error=str(e))
                await self._bus.publish(bus.DEAD_LETTERS, record.topic, record.value)
        return by_channel

    def _fold(self, conn: Connection, by_channel: Mapping[str, Sequence[Receipt]]) -> None:
        for channel, found in by_channel.items():
            receipts.apply(
                conn, channel, found, self._capabilities[channel], now=self._clock(), random=self._random
            )
