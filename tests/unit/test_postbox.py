"""What comes in by callback and says nothing final costs no commit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.bus.embedded import EmbeddedBus
from hub.channel import Receipt
from hub.codec import RecordCodec
from hub.delivery import Outcome, ProviderRef
from hub.keys import Keys
from hub.postbox import Postbox

NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Counting(EmbeddedBus):
    commits = 0

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        self.commits += 1
        await super().publish_many(topic, records)


async def test_a_report_of_which_nothing_follows_is_not_written(tmp_path: Path) -> None:
    bus = Counting(tmp_path / "bus.db")
    ledger: Any = None
    await bus.open()
    try:
        postbox = Postbox(
            ledger=ledger,
            transport=bus,
            records=RecordCodec(Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))),
            capabilities={},
            clock=lambda: NOW,
        )
        await postbox.post("sms", ())
        assert bus.commits == 0
        await postbox.post("sms", [Receipt(ref=ProviderRef("SM1"), outcome=Outcome.DELIVERED, at=NOW)])
        assert bus.commits == 1
    finally:
        await bus.close()
