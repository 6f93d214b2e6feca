"""A worker of one channel and lane: takes batches from the bus, and from the ledger what is due.

Before a batch is claimed there must be a slot, a gateway that takes something (`hub.breaker`), and for
routine work no urgent work of the same channel (`hub.right_of_way`) and room on the way (`hub.window`).
So a claim is soon used.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from random import sample

import structlog

from hub import bus, outage
from hub.alert import Lane
from hub.background import beat
from hub.breaker import SINGLE_REJECTIONS, Breaker, State, Waits
from hub.bus import Bus
from hub.capabilities import Unit
from hub.channel import Elastic
from hub.codec import BatchRecord, RecordCodec
from hub.consumer import Consumer
from hub.deliver import Delivery
from hub.delivery import REACHED, BatchId
from hub.ledger import AWAY, alerts, batches
from hub.right_of_way import RightOfWay
from hub.window import Window

log = structlog.get_logger(__name__)

ABORT_AFTER_S = 2.0
"""What is being sent when its alert stops gets this long, then its sockets are closed (I5)."""

SWEEP_EVERY_S = 0.5
LEARN_EVERY_S = 0.5
ANNOUNCE_EVERY_S = 0.5
LOOK_S = 0.25
"""How often a batch that waits to be begun looks again, when nothing tells it to."""
AHEAD = 2
"""Batches claimed per connection: one on the wire and one ready."""
ANSWERED = 4
"""So many times that at the most, with those whose outcome is being written."""
SPREAD = 4
"""The sweep picks among so many times what it can take: other processes look at the same ledger."""


class Worker:
    """Runs until cancelled. Work happens beside the poll loop, so a slow gateway never costs the partition."""

    def __init__(
        self,
        delivery: Delivery,
        lane: Lane,
        *,
        transport: Bus,
        records: RecordCodec,
        waits: Waits | None = None,
    ) -> None:
        """`waits`: of its breaker, where they are not the lane's own."""
        capabilities = delivery.capabilities
        self._delivery = delivery
        self._elastic = delivery.channel if isinstance(delivery.channel, Elastic) else None
        self._lane = lane
        self._bus = transport
        self._records = records
        self._topic = bus.deliveries(capabilities.kind, lane)
        self._busy: dict[BatchId, asyncio.Task[None]] = {}
        self._recording: set[BatchId] = set()
        """Those of the busy ones that the gateway has answered: their claims are not ahead of anything."""
        self._by_alert: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._waiting = 0
        """Batches that have a slot and may not be begun yet."""
        self._changed = asyncio.Event()
        """Something happened that may let another batch begin."""
        self._look = asyncio.Event()
        self._more = False
        """The ledger had more that is due than there were slots for."""
        self._tell = asyncio.Event()
        self._told = State.CLOSED
        self._announce = asyncio.Event()
        self._right_of_way = RightOfWay(delivery.live, capabilities.kind)
        self._window = Window()
        self._breaker = Breaker(
            capabilities.kind,
            lane,
            japanese=capabilities.japanese,
            page=delivery.page,
            on_change=self._on_breaker,
            rejections=SINGLE_REJECTIONS if capabilities.single_requests else 1,
            waits=waits,
        )
        delivery.breaker = self._breaker
        delivery.stops.watch(self._on_stop)

    @property
    def _size(self) -> int:
        """Batches that may be claimed at once."""
        width = self._elastic.width if self._elastic else self._delivery.capabilities.connections
        return AHEAD * width

    @property
    def _ahead(self) -> int:
        """Batches whose request is not over."""
        return len(self._busy) - len(self._recording)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._consume())
                group.create_task(beat(self._sweep, SWEEP_EVERY_S, poke=self._look))
                group.create_task(beat(self._learn_stops, LEARN_EVERY_S))
                group.create_task(beat(self._watch_gateway, outage.REPEATED_S, poke=self._tell))
                if self._lane is Lane.URGENT:
                    group.create_task(beat(self._say_urgent, ANNOUNCE_EVERY_S, poke=self._announce))
        finally:
            await self._drain()

    async def _consume(self) -> None:
        """The offset is committed once every claim is durable: from then on the ledger answers for the batch."""
        consumer = Consumer(
            transport=self._bus,
            records=self._records,
            topic=self._topic,
            group=f"deliver.{self._topic}",
            kind=BatchRecord,
            most=AHEAD * self._delivery.capabilities.connections,
        )
        await consumer.run(self._take)

    async def _take(self, records: Sequence[BatchRecord]) -> None:
        claims = [await self._start(BatchId(record.batch)) for record in records]
        await asyncio.gather(*claims)

    async def _sweep(self) -> None:
        """Claims from the ledger what is due and what the bus never brought; only as much as it can work on."""
        channel = self._delivery.capabilities.kind
        free = self._size - self._ahead - self._waiting
        if free <= 0 or self._breaker.wait_s > 0 or self._delivery.pace.behind:
            return
        if self._breaker.state is not State.CLOSED:
            free = 1  # a trial: of the longest due
        limit = 1 if free == 1 else SPREAD * free
        due = await self._delivery.ledger.read(
            lambda conn: batches.due(conn, channel, self._lane, limit=limit)
        )
        self._more = len(due) >= limit
        for batch in sample(due, min(free, len(due))):
            await self._start(batch)

    async def _learn_stops(self) -> None:
        """Another process may have stopped what is being sent here: only the ledger knows of all."""
        stops = self._delivery.stops
        if sending := stops.unknown(self._by_alert):
            found = await self._delivery.ledger.read(lambda conn: alerts.stopped(conn, sending))
            for alert, outcome in found.items():
                stops.add(alert, outcome)

    async def _watch_gateway(self) -> None:
        """Staff and the console learn of a gateway that takes nothing."""
        self._breaker.look()
        state = self._breaker.state
        if state is not self._told or state is not State.CLOSED:
            now = self._delivery.clock()
            await outage.tell(self._delivery.live, outage.of(self._breaker, now=now))
            self._told = state

    async def _say_urgent(self) -> None:
        if self._busy or self._waiting:
            await self._right_of_way.announce()

    async def _start(self, batch: BatchId) -> asyncio.Future[None]:
        """Begin an attempt as soon as it may be. The future is done when the claim is decided.

        It has the exception where the database was away: the batch is not ours, and the record of it on the
        bus is still needed.
        """
        claimed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        claimed.add_done_callback(lambda done: done.cancelled() or done.exception())
        if batch in self._busy or not await self._slot_for(batch):
            claimed.set_result(None)
            return claimed
        task = asyncio.create_task(self._attempt(batch, claimed), name=f"batch {batch}")
        self._busy[batch] = task
        self._announce.set()
        task.add_done_callback(lambda _: self._finished(batch, claimed))
        return claimed

    async def _slot_for(self, batch: BatchId) -> bool:
        """Waits until the batch may be begun. False: the other way in has begun it meanwhile."""
        self._waiting += 1
        try:
            self._announce.set()
            return await self._admitted(batch)
        finally:
            self._waiting -= 1

    async def _admitted(self, batch: BatchId) -> bool:
        recipients = self._delivery.capabilities.batch_size_on(self._lane)
        while True:
            if self._lane is Lane.ROUTINE:
                await self._right_of_way.clear()
            self._changed.clear()
            worth = self._has_room(recipients) and self._breaker.admit(batch)
            worth = worth and await self._worth_a_trial(batch)
            if (
                batch in self._busy
            ):  # looked at after everything that waits: the other way in may have been faster
                return False
            if worth:
                self._window.begin(batch, recipients)
                return True
            await self._change()

    async def _worth_a_trial(self, batch: BatchId) -> bool:
        """Where a recipient's tries are counted, a gateway is asked a question before it costs one of them."""
        capabilities = self._delivery.capabilities
        counted = capabilities.max_attempts is not None and capabilities.unit is Unit.PEOPLE
        if not counted or not self._breaker.is_trial(batch):
            return True
        try:
            async with asyncio.timeout(capabilities.request_deadline.total_seconds()):
                health = await self._delivery.channel.probe()
        except TimeoutError:
            health = None
        except BaseException:
            self._breaker.leave(batch)
            raise
        if health is None or not health.ok:
            self._breaker.silent("no answer" if health is None else "probe")
            return False
        return True

    def _has_room(self, recipients: int) -> bool:
        if (
            self._ahead >= self._size
            or len(self._busy) >= ANSWERED * self._size
            or self._delivery.pace.behind
        ):
            return False
        return self._lane is Lane.URGENT or self._window.has_room(recipients)

    async def _change(self) -> None:
        try:
            async with asyncio.timeout(min(self._breaker.wait_s or LOOK_S, LOOK_S)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _attempt(self, batch: BatchId, claimed: asyncio.Future[None]) -> None:
        def on_claim(alert: str | None) -> None:
            if alert is not None and (task := asyncio.current_task()) is not None:
                self._by_alert[alert].add(task)
            if not claimed.done():
                claimed.set_result(None)

        def on_answer() -> None:
            self._recording.add(batch)
            self._changed.set()

        taken, began = 0, asyncio.get_running_loop().time()
        try:
            results = (await self._delivery.attempt(batch, on_claim, on_answer)).values()
            self._breaker.hear(results)
            taken = len([result for result in results if result.outcome in REACHED])
            await self._delivery.pace.taken(self._lane, recipients=taken)
        except asyncio.CancelledError:
            log.info("a delivery was cut off; its rest is ambiguous", batch=batch)
        except AWAY as e:
            log.warning("the database is away; a batch waits for it", batch=batch, error=type(e).__name__)
            if not claimed.done():
                claimed.set_exception(e)
        except Exception:
            log.exception("a batch failed; its claim runs out and is taken over", batch=batch)
        finally:
            self._breaker.leave(batch)
            self._window.end(batch, taken)
            self._right_of_way.took(asyncio.get_running_loop().time() - began)

    def _finished(self, batch: BatchId, claimed: asyncio.Future[None]) -> None:
        task = self._busy.pop(batch)
        self._recording.discard(batch)
        for alert, tasks in list(self._by_alert.items()):
            tasks.discard(task)
            if not tasks:
                del self._by_alert[alert]
        self._changed.set()
        if self._more and 2 * self._ahead <= self._size:
            self._look.set()
        if not claimed.done():
            claimed.set_result(None)

    def _on_breaker(self) -> None:
        self._changed.set()
        self._tell.set()

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
