"""What lies on the topic of dead letters, opened."""

import asyncio

from hub.bus import DEAD_LETTERS, Bus
from hub.codec import RecordCodec
from hub.dead_letters import Letter


async def letters(bus: Bus, records: RecordCodec, number: int) -> list[Letter]:
    """The next `number` of them, within 20 seconds."""
    found: list[Letter] = []
    async with asyncio.timeout(120), bus.subscribe(DEAD_LETTERS, group="reader") as subscription:
        while len(found) < number:
            got = await subscription.get()
            found += [records.unseal(Letter, DEAD_LETTERS, each.key, each.value) for each in got]
            await subscription.commit(got)
    return found
