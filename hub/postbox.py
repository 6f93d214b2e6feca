"""The postbox: receipts come in from callbacks, travel over the bus, and are folded in small batches."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random

import structlog
from sqlalchemy import Connection

from hub import bus, receipts
from hub.bus import Bus
from hub.capabilities import Capabilities, Unit
from hub.channel import Receipt
from hub.clock import Clock
from hub.codec import ReceiptRecord, RecordCodec
from hub.consumer import Consumer
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
        """Take receipts in; durable when this returns. With the bus away they go to the ledger directly.

        Of most reports nothing follows (a message is on its way): those cost no commit.
        """
        if not found:
            return
        try:
            sealed = [(receipt.ref, self._seal(channel, receipt)) for receipt in found]
            await self._bus.publish_many(bus.RECEIPTS, sealed)
        except HubError as e:
            log.warning("the bus is away; receipts are folded directly", channel=channel, error=str(e))
            await self._ledger.write(lambda conn: self._fold(conn, {channel: list(found)}))

    async def run(self) -> None:
        """Fold what comes, until cancelled."""
        consumer = Consumer(
            transport=self._bus,
            records=self._records,
            topic=bus.RECEIPTS,
            group="receipts",
            kind=ReceiptRecord,
            most=_MOST,
        )
        await consumer.run(self._take)

    async def _take(self, records: Sequence[ReceiptRecord]) -> None:
        by_channel: defaultdict[str, list[Receipt]] = defaultdict(list)
        for record in records:
            by_channel[record.channel].append(self._receipt(record))
        await self._ledger.write(lambda conn: self._fold(conn, by_channel))

    def _seal(self, channel: str, receipt: Receipt) -> bytes:
        record = ReceiptRecord(
            channel=channel,
            ref=receipt.ref,
            outcome=int(receipt.outcome),
            at=receipt.at,
            reason=receipt.reason,
        )
        return self._records.seal(bus.RECEIPTS, receipt.ref, record)

    def _receipt(self, record: ReceiptRecord) -> Receipt:
        if record.channel not in self._capabilities:
            raise BadInput(bus.RECEIPTS, f"there is no channel {record.channel} any more")
        if self._capabilities[record.channel].unit is Unit.SHEETS:
            raise BadInput(
                bus.RECEIPTS, "a tick is written where it is made: a repeat of it counts for nothing"
            )
        try:
            outcome = Outcome(record.outcome)
        except ValueError as e:
            raise BadInput(bus.RECEIPTS, f"{record.outcome} is no outcome") from e
        return Receipt(ref=ProviderRef(record.ref), outcome=outcome, at=record.at, reason=record.reason)

    def _fold(self, conn: Connection, by_channel: Mapping[str, Sequence[Receipt]]) -> None:
        for channel, found in by_channel.items():
            receipts.apply(
                conn, channel, found, self._capabilities[channel], now=self._clock(), random=self._random
            )
