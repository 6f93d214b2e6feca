"""What happens to the servers of a city: they are away, they hang, they forget, they lose a part.

Whatever Kafka and Redis do costs speed. The database is the record: while it is away nobody knows what
became of a request, so what was claimed then is noted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from random import Random

from yobikake.chaos.city import City
from yobikake.chaos.faults import Fault
from yobikake.chaos.process import Died
from yobikake.chaos.run import Run
from yobikake.chaos.shapes import Post

AWAY_S = (0.5, 5.0)
FROZEN_S = (1.0, 8.0)
"""Also longer than a request to Kafka may take, and than it keeps a silent member."""

CityFault = Callable[[City, Run, Random], Awaitable[bool]]


def _in_a_city(fault: CityFault) -> Fault:
    """One after the other: what is away cannot be stopped once more."""

    @wraps(fault)
    async def hit(run: Run, random: Random) -> bool:
        city = run.shape
        if not isinstance(city, City):
            return False
        async with city.hands:
            return not run.over.is_set() and await fault(city, run, random)

    return hit


@_in_a_city
async def kafka_stopped(city: City, run: Run, random: Random) -> bool:
    """All of Kafka is ended in order, and away for a while."""
    await city.kafka.stop()
    await run.lasts(random.uniform(*AWAY_S))
    await city.kafka.start()
    return True


@_in_a_city
async def kafka_restarted(city: City, run: Run, random: Random) -> bool:
    """All of Kafka loses its power, which comes back."""
    await city.kafka.kill()
    await city.kafka.start()
    return True


@_in_a_city
async def kafka_frozen(city: City, run: Run, random: Random) -> bool:
    """Kafka takes every connection and answers none."""
    city.kafka.freeze()
    await run.lasts(random.uniform(*FROZEN_S))
    city.kafka.thaw()
    return True


@_in_a_city
async def kafka_wiped(city: City, run: Run, random: Random) -> bool:
    """Kafka comes back empty: every record, every group's place is gone. An administrator makes the topics."""
    await city.kafka.wipe()
    await city.make_topics()
    return True


@_in_a_city
async def kafka_node_killed(city: City, run: Run, random: Random) -> bool:
    """One of the nodes, perhaps the one that leads the cluster, is away for a while."""
    node = random.choice([city.kafka.controller(), *city.kafka.nodes])
    await node.kill()
    await run.lasts(random.uniform(*AWAY_S))
    await node.start()
    return True


@_in_a_city
async def rebalance(city: City, run: Run, random: Random) -> bool:
    """A worker of mail joins, another one dies, and then the new one: partitions move each time."""
    joined = run.desk.beside(Post(name="mail-3", roles=("mail",)))
    try:
        async with run.hands:
            if not await joined.start():
                return False
        await run.lasts(random.uniform(*AWAY_S))
        async with run.hands:
            leaving = run.post_with(("mail",), random)
            if leaving.runs:
                await run.kill(leaving)
            await run.revive()
        await run.lasts(random.uniform(*AWAY_S))
    except Died:
        return False
    finally:
        async with run.hands:
            await (run.kill(joined) if joined.runs else run.in_flight())
    return True


@_in_a_city
async def redis_flushed(city: City, run: Run, random: Random) -> bool:
    """Redis forgets what was used of every limit, and the present."""
    await city.redis.flush()
    return True


@_in_a_city
async def redis_down(city: City, run: Run, random: Random) -> bool:
    """Each process paces itself to its own share meanwhile."""
    await city.redis.kill()
    await run.lasts(random.uniform(*AWAY_S))
    await city.redis.start()
    return True


@_in_a_city
async def kafka_and_redis_down(city: City, run: Run, random: Random) -> bool:
    """Urgent alerts still leave, from the ledger (I14)."""
    await asyncio.gather(city.kafka.kill(), city.redis.kill())
    await run.lasts(random.uniform(*AWAY_S))
    await asyncio.gather(city.kafka.start(), city.redis.start())
    return True


@_in_a_city
async def database_restarted(city: City, run: Run, random: Random) -> bool:
    """In order or by a power cut: whatever was being written is undone."""
    await run.in_flight()
    await random.choice([city.postgresql.stop, city.postgresql.kill])()
    await run.lasts(random.uniform(*AWAY_S))
    await city.postgresql.start()
    await run.in_flight()
    return True


FAULTS: Mapping[str, Fault] = {
    "kafka_stopped": kafka_stopped,
    "kafka_restarted": kafka_restarted,
    "kafka_frozen": kafka_frozen,
    "kafka_wiped": kafka_wiped,
    "kafka_node_killed": kafka_node_killed,
    "rebalance": rebalance,
    "redis_flushed": redis_flushed,
    "redis_down": redis_down,
    "kafka_and_redis_down": kafka_and_redis_down,
    "database_restarted": database_restarted,
}
