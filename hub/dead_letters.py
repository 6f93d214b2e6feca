"""Records that nothing can be done with: put on a topic of their own, where `hub.dead_letter_office` takes
them up for people to look at. Whoever gives a record up, gives it up here."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec
import structlog

from hub import bus
from hub.bus import Bus, Record
from hub.clock import Clock, utc_now
from hub.codec import RecordCodec

log = structlog.get_logger(__name__)

MOST_BYTES = 4_096
"""Of a value that are kept: our own records are smaller, and a letter must fit the topic itself."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A record with the place it came from, why it went no further, and when that was."""

    topic: str
    key: str
    reason: str
    value: bytes
    """Its first `MOST_BYTES`."""
    size: int
    at: datetime


class DeadLetters:
    def __init__(self, transport: Bus, records: RecordCodec, *, clock: Clock = utc_now) -> None:
        self._bus = transport
        self._records = records
        self._clock = clock

    async def put(self, record: Record, reason: str) -> None:
        """Give up one record of the bus. Raises as `post` does."""
        await self.post([self.letter(record.topic, record.key, record.value, reason)])

    def letter(self, topic: str, key: str, value: bytes, reason: str) -> Letter:
        """What could not be used, wherever it came from."""
        return Letter(
            topic=topic,
            key=key,
            reason=reason,
            value=value[:MOST_BYTES],
            size=len(value),
            at=self._clock(),
        )

    async def post(self, letters: Sequence[Letter]) -> None:
        """Durable when this returns.

        Raises:
            TemporaryFailure, Refused: the bus is away; whoever gives the records up keeps them until then.
        """
        by_topic: defaultdict[str, list[bytes]] = defaultdict(list)
        for letter in letters:
            log.error("a record goes to the dead letters", topic=letter.topic, size_bytes=letter.size)
            by_topic[letter.topic].append(self._records.seal(bus.DEAD_LETTERS, letter.topic, letter))
        sealed = [(topic, value) for topic, values in by_topic.items() for value in values]
        if sealed:
            await self._bus.publish_many(bus.DEAD_LETTERS, sealed)
