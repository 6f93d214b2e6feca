"""What a broken or hostile transport does to a hub's records: they come twice, out of order, late, or forged."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from uuid import UUID, uuid4

from msgspec import Struct

from hub import bus
from hub.alert import Lane, Mode
from hub.bus import Record
from hub.clock import utc_now
from hub.codec import AlertRecord, BatchRecord, ReceiptRecord, encode
from hub.delivery import Outcome
from hub.ledger import alerts
from hub.ledger.alerts import Accepted
from yobikake.assembly import Assembly

QUIET_S = 0.3
"""A topic from which nothing came for so long has been read to its end."""

JOINED_S = 3.0
"""With Kafka a group is formed first."""

Forged = tuple[str, str, bytes]
"""Topic, key, value."""

Order = Callable[[list[Record], Random], None]

ORDERS: Mapping[str, Order] = {
    "same": lambda records, random: None,
    "reversed": lambda records, random: records.reverse(),
    "shuffled": lambda records, random: random.shuffle(records),
}


async def repeat(assembly: Assembly, order: str, *, seed: int) -> int:
    """Publish every record there is once more, in this order. Returns how many."""
    random = Random(seed)  # noqa: S311 - a run that can be had again
    read = await asyncio.gather(*(_all(assembly, topic) for topic in topics(assembly)))
    found = [record for each in read for record in each]
    ORDERS[order](found, random)
    for record in found:
        await assembly.bus.publish_many(record.topic, [(record.key, record.value)])
    return len(found)


async def forge(assembly: Assembly, *, seed: int) -> int:
    """Publish records that nobody of this hub made. Returns how many."""
    random = Random(seed)  # noqa: S311 - a run that can be had again
    known = await assembly.ledger.read(lambda conn: alerts.recent(conn, assembly.keys))
    there = await asyncio.gather(*(_all(assembly, topic) for topic in topics(assembly)))
    made = [
        forged
        for topic, found in zip(topics(assembly), there, strict=True)
        for forged in (*_disfigured(topic, found, random), *_named(topic, known, random))
    ]
    random.shuffle(made)
    for topic, key, value in made:
        await assembly.bus.publish_many(topic, [(key, value)])
    return len(made)


def topics(assembly: Assembly) -> Sequence[str]:
    """Those on which the fate of an alert travels."""
    lanes = [bus.deliveries(channel, lane) for channel in assembly.channels for lane in Lane]
    return [bus.ALERTS, *lanes, bus.RECEIPTS]


async def _all(assembly: Assembly, topic: str) -> list[Record]:
    """From the earliest on, as a group of its own."""
    found: list[Record] = []
    quiet_s = QUIET_S if assembly.settings.embedded else JOINED_S
    async with assembly.bus.subscribe(topic, group=f"chaos-{uuid4()}") as subscription:
        try:
            while True:
                async with asyncio.timeout(quiet_s):
                    found += await subscription.get()
        except TimeoutError:
            return found


def _disfigured(topic: str, there: Sequence[Record], random: Random) -> Iterator[Forged]:
    """Noise; and real records with one bit turned, on another topic, under another key."""
    yield topic, str(UUID(int=random.getrandbits(128))), random.randbytes(random.choice([0, 7, 32, 200]))
    for record in random.sample(there, min(3, len(there))):
        yield topic, record.key, _turned(record.value, random)
        yield bus.RECEIPTS if topic != bus.RECEIPTS else bus.ALERTS, record.key, record.value
        yield topic, f"{record.key}x", record.value


def _named(topic: str, known: Sequence[Accepted], random: Random) -> Iterator[Forged]:
    """What a forger without the key would write: the right form under a MAC of noise."""
    if topic == bus.ALERTS:
        values: list[Struct] = [
            AlertRecord(identifier=each.alert.identifier, version=each.alert.sequence, mode=Mode.LIVE)
            for each in known
        ]
    elif topic == bus.RECEIPTS:
        ref = f"CA{random.getrandbits(128):032x}"
        values = [ReceiptRecord(channel="voice", ref=ref, outcome=Outcome.DELIVERED, at=utc_now())]
    else:
        values = [BatchRecord(batch=str(UUID(int=random.getrandbits(128))), version=1, mode=Mode.LIVE)]
    for value in values:
        yield topic, "forged", random.randbytes(32) + encode(value)


def _turned(value: bytes, random: Random) -> bytes:
    place, bit = random.randrange(len(value)), 1 << random.randrange(8)
    return value[:place] + bytes([value[place] ^ bit]) + value[place + 1 :]
