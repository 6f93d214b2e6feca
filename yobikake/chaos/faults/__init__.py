"""What hits a hub: the table of every kind of fault."""

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from yobikake.chaos.run import Run


class Fault(Protocol):
    """Called at its moment. Returns once it is healed, and says whether it hit anything.

    All it chooses (which channel, how long, how often) it draws from `random`, so that the same seed
    does the same. It does not raise for what the hub does; whoever kills, freezes or starts a process
    holds `run.hands` meanwhile, and leaves every process running (`run.revive()`).
    """

    async def __call__(self, run: "Run", random: Random, /) -> bool: ...


def table() -> Mapping[str, Fault]:
    """Kind → fault. `processes`, `transport`, `gateway`, `servers` each have a table `FAULTS` of their own."""
    # each of them needs `Fault`
    from yobikake.chaos.faults.gateway import FAULTS as GATEWAY  # noqa: PLC0415
    from yobikake.chaos.faults.processes import FAULTS as PROCESSES  # noqa: PLC0415
    from yobikake.chaos.faults.servers import FAULTS as SERVERS  # noqa: PLC0415
    from yobikake.chaos.faults.transport import FAULTS as TRANSPORT  # noqa: PLC0415

    return {**PROCESSES, **TRANSPORT, **GATEWAY, **SERVERS}
