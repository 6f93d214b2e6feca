"""A worker of one channel and lane: takes batches from the bus, and from the ledger what is due."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import structlog

from hub import bus
from hub.alert import Lane
from hub.bus import Bus, Record
from hub.codec import BatchRecord, RecordCodec
from hub.deliver import Delivery
from hub.delivery import BatchId
from hub.errors import BadInput, HubError
from hub.ledger import alerts, batches

log = structlog.get_logger(__name__)

ABORT_AFTER_S = 2.0
"""What is being sent when its alert stops gets this long, then its sockets are closed (I5)."""

SWEEP_EVERY_S = 0.5
LEARN_EVERY_S = 0.5
AHEAD = 2
"""Batches claimed per connection: one on the wire and one ready."""
REST = timedelta(seconds=30)
"""No new batch is begun for this long after the gateway refused our credentials: asking it with every
batch locks accounts, and waits for nothing but a person. What the bus brings meanwhile is claimed from
the ledger afterwards."""


class Worker:
    """Runs until cancelled. Work happens beside the poll loop, so a slow gateway never costs the partition."""

    def __init__(
        self,
        delivery: Delivery,
        lane: Lane,
        *,
        transport: Bus,
        records: RecordCodec,
        rest: timedelta = REST,
    ) -> None:
        self._delivery = delivery
        self._rest = rest
        self._lane = lane
        self._bus = transport
        self._records = records
        self._topic = bus.deliveries(delivery.capabilities.kind, lane)
        self._size = AHEAD * delivery.capabilities.connections
        self._slots = asyncio.Semaphore(self._size)
        self._busy: dict[BatchId, asyncio.Task[None]] = {}
        self._by_alert: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)
        delivery.stops.watch(self._on_stop)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._consume())
                group.create_task(self._sweep())
                group.create_task(self._learn_stops())
        finally:
            await self._drain()

    async def _consume(self) -> None:
        """The offset is committed once every claim is durable: from then on the ledger answers for the batch."""
        while True:
            try:
                async with self._bus.subscribe(self._topic, group=f"deliver.{self._topic}") as subscription:
                    while True:
                        records = await subscription.get(max_records=self._size)
                        await self._take(records)
                        await subscription.commit(records)
            except HubError as e:
                log.warning("the bus is away; the sweeper goes on", topic=self._topic, error=str(e))
                await asyncio.sleep(1)

    async def _take(self, records: Sequence[Record]) -> None:
        claims = [await self._start(batch) for record in records if (batch := await self._read(record))]
        await asyncio.gather(*claims)

    async def _read(self, record: Record) -> BatchId | None:
        try:
            return BatchId(self._records.unseal(BatchRecord, record.topic, record.key, record.value).batch)
        except BadInput as e:
            log.error("a record is not ours; it goes to the dead letters", topic=record.topic, error=str(e))
            await self._bus.publish(bus.DEAD_LETTERS, record.topic, record.value)
            return None

    async def _sweep(self) -> None:
        """Claims from the ledger what is due and what the bus never brought; only as much as it can work on."""
        channel = self._delivery.capabilities.kind
        while True:
            free = 0 if self._resting() else self._size - len(self._busy)
            if free > 0:
                due = await self._delivery.ledger.read(
                    lambda conn: batches.due(conn, channel, self._lane, limit=free)  # noqa: B023
                )
                for batch in due:
                    await self._start(batch)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def _learn_stops(self) -> None:
        """Another process may have stopped what is being sent here: only the ledger knows of all."""
        stops = self._delivery.stops
        while True:
            if sending := stops.unknown(self._by_alert):
                found = await self._delivery.ledger.read(lambda conn: alerts.stopped(conn, sending))
                for alert, outcome in found.items():
                    stops.add(alert, outcome)
            await asyncio.sleep(LEARN_EVERY_S)

    async def _start(self, batch: BatchId) -> asyncio.Future[None]:
        """Begin an attempt when there is a slot. The future is done when the claim is decided."""
        claimed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if batch in self._busy or self._resting():
            claimed.set_result(None)
            return claimed
        await self._slots.acquire()
        if batch in self._busy or self._resting():  # begun by the other way in, or refused, meanwhile
            self._slots.release()
            claimed.set_result(None)
            return claimed
        task = asyncio.create_task(self._attempt(batch, claimed), name=f"batch {batch}")
        self._busy[batch] = task
        task.add_done_callback(lambda _: self._finished(batch, claimed))
        return claimed

    def _resting(self) -> bool:
        refused_at = self._delivery.refused_at
        now = asyncio.get_running_loop().time()
        return refused_at is not None and now < refused_at + self._rest.total_seconds()

    async def _attempt(self, batch: BatchId, claimed: asyncio.Future[None]) -> None:
        def on_claim(alert: str | None) -> None:
            if alert is not None and (task := asyncio.current_task()) is not None:
                self._by_alert[alert].add(task)
            if not claimed.done():
                claimed.set_result(None)

        try:
            await self._delivery.attempt(batch, on_claim)
        except asyncio.CancelledError:
            log.info("a delivery was cut off; its rest is ambiguous", batch=batch)
        except Exception:
            log.exception("a batch failed; its claim runs out and is taken over", batch=batch)

    def _finished(self, batch: BatchId, claimed: asyncio.Future[None]) -> None:
        task = self._busy.pop(batch)
        for alert, tasks in list(self._by_alert.items()):
            tasks.discard(task)
            if not tasks:
                del self._by_alert[alert]
        self._slots.release()
        if not claimed.done():
            claimed.set_result(None)

    def _on_stop(self, alert: str) -> None:
        asyncio.get_running_loop().call_later(ABORT_AFTER_S, self._abort, alert)

    def _abort(self, alert: str) -> None:
        for task in self._by_alert.pop(alert, set()):
            task.cancel()

    async def _drain(self) -> None:
        """At the end: what is on the wire gets the same two seconds."""
        tasks = list(self._busy.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=ABORT_AFTER_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
