"""A machine that has too little for everybody: a fault that nobody planned.

A hub that waits for a processor may give up on an answer that lies there already, and what was in flight is sent
again. So the instrument looks how long the kernel kept each hub process waiting, and notes whose requests were in
flight meanwhile, as it does for the faults it makes itself; and it notes when it stood still itself. On a machine
with room to spare it notes nobody.
"""

import asyncio
from collections import defaultdict, deque
from contextlib import suppress
from pathlib import Path

from hub.clock import utc_now
from hub.ledger import AWAY
from yobikake.chaos.run import Run

SPAN_S = 3.0
"""A request that was answered late had been in flight for about so long."""

WAITED_S = 0.5
"""Of that, runnable and without a processor: more than a request takes."""

LOOKED_EVERY_S = 0.25

STALL_S = 0.25
"""The instrument waits for a processor, too: what its gateways read after so long may have arrived long before."""


class Waits:
    """How long one process waited lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()

    def starved(self, waited_s: float, *, at: float) -> bool:
        """`waited_s`: since the process began, as seen at `at`."""
        self._seen.append((at, waited_s))
        while self._seen[0][0] < at - SPAN_S:
            self._seen.popleft()
        return waited_s - self._seen[0][1] >= WAITED_S


async def watch(run: Run) -> None:
    """Until cancelled."""
    waits: defaultdict[int, Waits] = defaultdict(Waits)
    now = asyncio.get_running_loop().time
    while True:
        starved = [
            waits[process.pid].starved(waited_s, at=now())
            for process in run.hub.values()
            if process.runs and (waited_s := waited(process.pid)) is not None
        ]
        if any(starved):
            with suppress(*AWAY):  # somebody restarts the database: the next look is soon enough
                await run.in_flight()
        looked_at = utc_now()
        await asyncio.sleep(LOOKED_EVERY_S)
        if (utc_now() - looked_at).total_seconds() > LOOKED_EVERY_S + STALL_S:
            run.stalls.append((looked_at, utc_now()))


def waited(pid: int) -> float | None:
    """Seconds for which the process's main thread, which talks to the gateways, was ready to run and did not; None
    where nobody says (Linux, Documentation/scheduler/sched-stats)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None
