"""Right of way: while urgent work of a channel waits or is on its way anywhere, routine work stands back (I4).

Routine batches that were begun are finished; none is begun. After a minute of that a few are let through,
so that a long night of urgent calls does not keep the rest waiting until morning.
"""

import asyncio

from hub.live import Live

SEEN_S = 2.0
"""Urgent work counts as there for so long after it was last seen: between two of its batches, too."""

STANDS_BACK_S = 60.0
"""Routine work stands back altogether for so long."""

TRICKLE = 20
"""Then it has one part in so many of the time, and at most one batch at a time."""

LOOK_S = 0.25


class RightOfWay:
    """What the workers of one channel's two lanes know of each other, in this process and in all others."""

    def __init__(self, live: Live, kind: str) -> None:
        self._live = live
        self._flag = f"urgent:{kind}"
        self._since: float | None = None
        self._trickles_at = 0.0

    async def announce(self) -> None:
        """Urgent work is there. To be said again within `SEEN_S` as long as it is."""
        await self._live.hold(self._flag, SEEN_S)

    async def clear(self) -> None:
        """Returns once a routine batch may be begun."""
        while not await self._may_begin():  # noqa: ASYNC110 - other processes raise the flag
            await asyncio.sleep(LOOK_S)

    def took(self, seconds: float) -> None:
        """A routine batch took so long; while urgent work is there, the next one waits in proportion."""
        self._trickles_at = asyncio.get_running_loop().time() + TRICKLE * seconds

    async def _may_begin(self) -> bool:
        now = asyncio.get_running_loop().time()
        if not await self._live.held(self._flag):
            self._since = None
            return True
        if self._since is None:
            self._since = now
        if now < max(self._since + STANDS_BACK_S, self._trickles_at):
            return False
        self._trickles_at = now + STANDS_BACK_S  # until it is known how long this one took
        return True
