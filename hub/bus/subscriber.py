"""A member of a group that outlives its consumers: whatever one of them does, the next goes on.

Polling goes on in the background while the reader works, so that slow work never costs the place in
the group; what was polled ahead waits in a bounded buffer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic

import structlog

from hub.bus import Record
from hub.bus.transport import FIRST_WAIT_S, Consumer, Unavailable
from hub.errors import Refused

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 1.0
MANY = 10
KEEP_ALIVE_S = 1.0
"""How often a consumer is polled while the buffer is full."""

Make = Callable[[Callable[[], None]], Awaitable[Consumer]]
"""Gives a consumer that has joined the group, or raises `Unavailable`; bounded. The consumer calls its
argument whenever its partitions are taken away."""


class Subscriber:
    """A `Subscription`, for one reader at a time.

    At most about `buffer` records are held ahead. A consumer that lags without progress for
    `stuck_after` is replaced.
    """

    def __init__(self, make: Make, *, topic: str, group: str, buffer: int, stuck_after: timedelta) -> None:
        self._make = make
        self._log = log.bind(topic=topic, group=group)
        self._limit = buffer
        self._stuck_after_s = stuck_after.total_seconds()
        self._buffer: deque[Record] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._consumer: Consumer | None = None
        self._suspect: str | None = None
        self._committed: dict[int, int] = {}
        self._failures = 0
        self._closed = False
        self._supervision = asyncio.create_task(self._supervise())

    async def get(self, *, max_records: int = 500) -> Sequence[Record]:
        """Raises `Refused` once this subscription is closed."""
        while not self._buffer:
            if self._closed:
                raise Refused("The subscription is closed. / 購読は終了しています。")
            self._arrived.clear()
            await self._arrived.wait()
        records = [self._buffer.popleft() for _ in range(min(max_records, len(self._buffer)))]
        if len(self._buffer) <= self._limit // 2:
            self._room.set()
        return records

    async def commit(self, records: Sequence[Record]) -> None:
        """What cannot be committed, since the partition went to another member or the broker is away, is
        no error: those records come again."""
        following = self._news(records)
        if not following:
            return
        if self._consumer is None:
            self._log.warning("not committed", reason="no consumer")
            return
        try:
            self._committed |= await self._consumer.commit(following)
        except Unavailable as e:
            self._suspect = f"commit: {e.reason}"
            self._log.warning("not committed", reason=e.reason)

    async def close(self) -> None:
        """Bounded by what one consumer needs to end. A waiting `get` raises `Refused`."""
        self._closed = True
        self._arrived.set()
        self._supervision.cancel()
        await asyncio.wait({self._supervision})

    def _news(self, records: Sequence[Record]) -> dict[int, int]:
        """The next offset by partition, where it is ahead of what was committed: never backwards."""
        following: dict[int, int] = {}
        for record in records:
            following[record.partition] = max(following.get(record.partition, 0), record.offset + 1)
        return {p: offset for p, offset in following.items() if offset > self._committed.get(p, 0)}

    async def _supervise(self) -> None:
        while not self._closed:  # a cancellation may be lost in aiokafka
            try:
                await self._use_one_consumer()
            except Unavailable as e:
                self._failed(e.reason)
            except (Exception, asyncio.CancelledError) as e:
                if self._closed:
                    raise
                self._failed(type(e).__name__)
            await asyncio.sleep(min(FIRST_WAIT_S * 2**self._failures, LONGEST_WAIT_S))

    async def _use_one_consumer(self) -> None:
        consumer = await self._make(self._drop)
        self._consumer, self._suspect = consumer, None
        try:
            await self._poll(consumer)
        finally:
            self._consumer = None
            self._drop()
            await consumer.abandon()

    async def _poll(self, consumer: Consumer) -> None:
        watch = _Watch(self._stuck_after_s)
        while not self._closed:
            records = await consumer.poll(room=self._limit - len(self._buffer))
            self._works()
            if records:
                self._buffer.extend(records)
                self._arrived.set()
            if self._suspect is not None:
                raise Unavailable(self._suspect)
            if len(self._buffer) >= self._limit:
                watch.progressed()
                await self._wait_for_room(consumer)
            elif records:
                watch.progressed()
            else:
                await watch.look(consumer)

    def _failed(self, reason: str) -> None:
        """An outage of hours is one line, not one a second."""
        (self._log.debug if self._failures else self._log.warning)("consumer replaced", reason=reason)
        self._failures = min(self._failures + 1, MANY)

    def _works(self) -> None:
        if self._failures:
            self._log.info("consumer works again")
        self._failures = 0

    async def _wait_for_room(self, consumer: Consumer) -> None:
        """Until the buffer is half empty; resuming at once would fetch the same records over and over."""
        while len(self._buffer) > self._limit // 2:
            self._room.clear()
            await consumer.poll(room=0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), KEEP_ALIVE_S)

    def _drop(self) -> None:
        """The partitions go to whoever: what was not read yet comes again from what is committed."""
        self._buffer.clear()
        self._room.set()


class _Watch:
    """Finds the consumer that still answers, yet returns nothing of what is there (aiokafka #1154)."""

    def __init__(self, stuck_after_s: float) -> None:
        self._stuck_after_s = stuck_after_s
        self._looked_at = monotonic()
        self._behind_since: float | None = None

    def progressed(self) -> None:
        self._looked_at = monotonic()
        self._behind_since = None

    async def look(self, consumer: Consumer) -> None:
        """Raises `Unavailable` when it lagged at every look for too long."""
        now = monotonic()
        if now - self._looked_at < self._stuck_after_s / 3:
            return
        self._looked_at = now
        if not await consumer.behind():
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since >= self._stuck_after_s:
            raise Unavailable("lag without progress")
