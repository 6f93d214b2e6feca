"""The dead letter office: takes dead letters off their topic into the ledger, and tells staff once.

A letter that cannot be read itself is kept as it came: none makes another.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from hub import bus
from hub.bus import Bus, Record
from hub.clock import Clock
from hub.codec import RecordCodec
from hub.consumer import Consumer
from hub.dead_letters import DeadLetters, Letter
from hub.ledger import Ledger, dead_letters

TOPIC = "dead letters"
"""Of the page."""


class DeadLetterOffice:
    def __init__(
        self,
        *,
        ledger: Ledger,
        transport: Bus,
        records: RecordCodec,
        page: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._page = page
        self._letters = DeadLetters(transport, records, clock=clock)
        self._consumer = Consumer(
            transport=transport,
            records=records,
            topic=bus.DEAD_LETTERS,
            group="dead-letters",
            kind=Letter,
            give_up=self._keep_unread,
        )

    async def run(self) -> None:
        """Until cancelled."""
        await self._consumer.run(self._keep)

    async def _keep(self, letters: Sequence[Letter]) -> None:
        """Staff are told as long as there is one that nobody has seen."""

        def work(conn: Connection) -> int:
            dead_letters.keep(conn, letters)
            return dead_letters.unseen(conn)

        waiting = await self._ledger.write(work)
        self._page(
            TOPIC,
            f"処理できない記録が{waiting}件あります。配信は続いています。「処理できない記録」で確認してください / "
            f"{waiting} records could not be processed. Sending goes on. Look at “Dead letters”, or run: "
            "yobikake dead-letters",
        )

    async def _keep_unread(self, record: Record, reason: str) -> None:
        await self._keep([self._letters.letter(record.topic, record.key, record.value, reason)])
