"""One loop for whoever reads a topic: read, take, commit; what nothing can be done with becomes a dead letter.

forged or malformed       given up at once
`take` fails on it        tried three times, those behind it first, then given up
bus or database away      nothing is given up: the same again, until they are back
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

import msgspec
import structlog

from hub.bus import Bus, Record
from hub.codec import RecordCodec
from hub.dead_letters import DeadLetters
from hub.errors import BadInput, HubError, Refused, TemporaryFailure
from hub.ledger.trouble import is_away

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")
Take = Callable[[Sequence[T]], Awaitable[None]]
GiveUp = Callable[[Record, str], Awaitable[None]]

TRIES = 3
BETWEEN_TRIES_S = 0.2
AGAIN_S = 1.0
"""How often an absent bus or database is asked again."""


class Consumer(Generic[T]):
    """A member of `group` on `topic`, whose records are `kind`."""

    def __init__(
        self,
        *,
        transport: Bus,
        records: RecordCodec,
        topic: str,
        group: str,
        kind: type[T],
        most: int = 500,
        give_up: GiveUp | None = None,
        apart: Callable[[T], Sequence[T]] = lambda value: (value,),
    ) -> None:
        """`most`: records taken at once. `give_up(record, reason)`: the dead letters, unless told otherwise.
        `apart`: what a record that carries several things consists of; each is then tried, and given up, alone.
        """
        self._bus = transport
        self._records = records
        self._topic = topic
        self._group = group
        self._kind = kind
        self._most = most
        self._apart = apart
        self._give_up = give_up or DeadLetters(transport, records).put

    async def run(self, take: Take[T]) -> None:
        """Until cancelled. `take` returns once what it was given needs the bus no more; it may get the same
        again, and raises `BadInput` for what no other try would change."""
        while True:
            try:
                async with self._bus.subscribe(self._topic, group=self._group) as subscription:
                    while True:
                        records = await subscription.get(max_records=self._most)
                        await self._all(records, take)
                        await subscription.commit(records)
            except HubError as e:
                log.warning("the bus is away", topic=self._topic, group=self._group, error=type(e).__name__)
                await asyncio.sleep(AGAIN_S)

    async def _all(self, records: Sequence[Record], take: Take[T]) -> None:
        """Returns once every record is taken or given up."""
        left = [
            (record, value)
            for record in records
            if (value := await self._patiently(partial(self._read, record))) is not None
        ]
        if not left or await self._patiently(partial(self._together, [each for _, each in left], take)):
            return
        left = [part for record, value in left for part in await self._failed(record, value, take)]
        for tried in range(1, TRIES + 1):
            left = [
                (record, value)
                for record, value in left
                if not await self._patiently(partial(self._alone, record, value, take, last=tried == TRIES))
            ]
            if not left:
                return
            await asyncio.sleep(BETWEEN_TRIES_S)

    async def _read(self, record: Record) -> T | None:
        try:
            return self._records.unseal(self._kind, record.topic, record.key, record.value)
        except BadInput as e:
            await self._give_up(record, str(e))
            return None

    async def _together(self, values: Sequence[T], take: Take[T]) -> bool:
        try:
            await take(values)
        except Exception as e:
            if _of_the_surroundings(e):
                raise
            return False
        return True

    async def _failed(self, record: Record, value: T, take: Take[T]) -> Sequence[tuple[Record, T]]:
        """What is still to be taken of a record that failed together with others: all, or nothing after all."""
        parts = self._apart(value)
        if len(parts) == 1:
            return [(record, value)]
        if await self._patiently(partial(self._together, [value], take)):
            return []
        return [
            (replace(record, value=self._records.seal(record.topic, record.key, part)), part)
            for part in parts
        ]

    async def _alone(self, record: Record, value: T, take: Take[T], *, last: bool) -> bool:
        """Whether nothing is left to do about this record."""
        try:
            await take([value])
        except BadInput as e:
            await self._give_up(record, str(e))
        except Exception as e:
            if _of_the_surroundings(e):
                raise
            log.exception("a record could not be taken", topic=self._topic, group=self._group)
            if not last:
                return False
            await self._give_up(record, f"{type(e).__name__}, {TRIES} tries")
        return True

    async def _patiently(self, work: Callable[[], Awaitable[R]]) -> R:
        """What `work` returns, tried again for as long as the surroundings are at fault. An outage is one
        line in the log."""
        failed = False
        while True:
            try:
                done = await work()
            except Exception as e:
                if not _of_the_surroundings(e):
                    raise
                if not failed:
                    log.warning("records wait", topic=self._topic, group=self._group, error=type(e).__name__)
                failed = True
                await asyncio.sleep(AGAIN_S)
            else:
                if failed:
                    log.info("records are taken again", topic=self._topic, group=self._group)
                return done


def _of_the_surroundings(error: Exception) -> bool:
    """The bus or the database is away: no record is at fault."""
    return is_away(error) or isinstance(error, (TemporaryFailure, Refused, OSError))
