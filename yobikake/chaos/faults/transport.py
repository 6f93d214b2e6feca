"""What the bus does to its records: twice, out of order, long after, or made by somebody else."""

from collections.abc import Mapping
from functools import partial
from random import Random

from yobikake.chaos.faults import Fault
from yobikake.chaos.process import Died, Said
from yobikake.chaos.run import Run


async def repeat(orders: tuple[str, ...], run: Run, random: Random) -> bool:
    """Every record there is comes once more."""
    try:
        answer = await run.desk.ask("repeat", order=random.choice(orders), seed=random.getrandbits(32))
    except (Died, Said):  # the bus's disk may be full just now
        return False
    return bool(answer["records"])


async def forged(run: Run, random: Random) -> bool:
    """Records that this hub did not write, or wrote for another topic or key."""
    try:
        answer = await run.desk.ask("forge", seed=random.getrandbits(32))
    except (Died, Said):  # the bus's disk may be full just now
        return False
    return bool(answer["records"])


FAULTS: Mapping[str, Fault] = {
    "duplicates": partial(repeat, ("same",)),
    "reordering": partial(repeat, ("reversed", "shuffled")),
    "replayed": partial(repeat, ("same", "shuffled")),
    "forged": forged,
}
