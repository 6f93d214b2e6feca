"""A producer that is replaced as soon as it fails, and a record that is sent again until it is durable.

An idempotent producer of aiokafka never gives a batch up and can stay wedged, so each attempt has a
deadline of its own, and a producer that missed it is thrown away. Hence duplicates.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from time import monotonic

import structlog

from hub.bus.ending import bounded
from hub.bus.transport import FIRST_WAIT_S, Producer, Unavailable
from hub.errors import Refused, TemporaryFailure

log = structlog.get_logger(__name__)

AT_ONCE = 1_000
"""Records of one attempt, so that a long list does not miss the deadline of one."""

LONGEST_WAIT_S = 1.0


class Publisher:
    """`make` gives a producer that is ready, or raises `Unavailable`; it is bounded.

    A record is given up after `within`; an attempt takes at most `attempt`.
    """

    def __init__(
        self, make: Callable[[], Coroutine[None, None, Producer]], *, within: timedelta, attempt: timedelta
    ) -> None:
        self._make = make
        self._within_s = within.total_seconds()
        self._attempt_s = attempt.total_seconds()
        self._making: asyncio.Task[Producer] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._failing = False
        self._closed = False

    def warm_up(self) -> None:
        """Connect in the background, so that the first record does not wait for it."""
        self._current()

    async def publish(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """Raises `TemporaryFailure` or, once closed, `Refused`."""
        deadline = monotonic() + self._within_s
        for start in range(0, len(records), AT_ONCE):
            await self._until_durable(topic, records[start : start + AT_ONCE], deadline)

    async def close(self) -> None:
        """Bounded by what one producer needs to close."""
        self._closed = True
        making, self._making = self._making, None
        if making is not None:
            self._end(making, lambda producer: producer.close())
        if self._ending:
            await asyncio.wait(self._ending)

    async def _until_durable(self, topic: str, records: Sequence[tuple[str, bytes]], deadline: float) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await self._attempt(topic, records, deadline)
            except Unavailable as e:
                if monotonic() + wait_s >= deadline:
                    raise _given_up(topic, e.reason) from e
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _attempt(self, topic: str, records: Sequence[tuple[str, bytes]], deadline: float) -> None:
        making = self._current()
        try:
            await bounded(min(self._attempt_s, deadline - monotonic()), _send(making, topic, records))
        except TimeoutError as e:
            self._discard(making, "no answer in time")
            raise Unavailable("no answer in time") from e
        except Unavailable as e:
            self._discard(making, e.reason)
            raise
        if self._failing:
            log.info("producer works again")
            self._failing = False

    def _current(self) -> asyncio.Task[Producer]:
        """The producer everyone uses now, or will: one is made at a time."""
        if self._closed:
            raise Refused("The bus is closed. / バスは閉じられています。")
        if self._making is None:
            self._making = asyncio.create_task(self._make())
        return self._making

    def _discard(self, making: asyncio.Task[Producer], reason: str) -> None:
        """By whoever sees the failure first; the others find the next producer."""
        if self._making is making:
            (log.debug if self._failing else log.warning)("producer replaced", reason=reason)
            self._failing = True
            self._making = None
            self._end(making, lambda producer: producer.abandon())

    def _end(self, making: asyncio.Task[Producer], how: Callable[[Producer], Awaitable[None]]) -> None:
        ending = asyncio.create_task(_end(making, how))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


async def _send(making: asyncio.Task[Producer], topic: str, records: Sequence[tuple[str, bytes]]) -> None:
    producer = await asyncio.shield(making)
    await producer.send(topic, records)


async def _end(making: asyncio.Task[Producer], how: Callable[[Producer], Awaitable[None]]) -> None:
    await asyncio.wait({making})
    if making.exception() is None:
        await how(making.result())


def _given_up(topic: str, reason: str) -> TemporaryFailure:
    return TemporaryFailure(
        "bus_unavailable",
        f"{topic}: Kafka did not take the records in time ({reason}). Deliveries go on from the ledger. / "
        "Kafka に書き込めません。配信は台帳から続けます。",
    )
