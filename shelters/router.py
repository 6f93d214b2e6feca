"""Makes the plans by the linear programme and puts them where every process finds them."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from hub import codec
from hub.clock import Clock
from hub.errors import TemporaryFailure
from hub.hazard import Hazard
from hub.live import Live
from shelters import programme, routing
from shelters.board import LiveBoard
from shelters.crowding import Thresholds
from shelters.plans import EVERY, Made, Origins, basis, live_key, make
from shelters.routing import Solve

log = structlog.get_logger(__name__)

LOOK_S = 10.0
"""How often it looks whether a plan is due."""


class Router:
    def __init__(
        self,
        *,
        board: LiveBoard,
        live: Live,
        origins: Origins,
        clock: Clock,
        thresholds: Callable[[], Awaitable[Thresholds]],
        solve: Solve = programme.solve,
    ) -> None:
        """`thresholds`: those in force; from 満 on nobody is sent to a site."""
        self._board, self._live, self._origins, self._clock = board, live, origins, clock
        self._thresholds, self._solve = thresholds, solve
        self._made: dict[Hazard, Made] = {}

    async def run(self) -> None:
        """Until cancelled. Whatever fails is tried again; meanwhile the proportional rule stands in."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("no plan was made; the proportional rule stands in")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Make what is due, in a thread of its own, and put all where readers look: it may have been forgotten."""
        board, now = await self._board.now(), self._clock()
        usable = routing.usable(await self._thresholds())
        for hazard, origins in self._origins.items():
            places = board.places(hazard, usable)
            made = self._made.get(hazard)
            if not any(place.room for place in places):
                self._made.pop(hazard, None)
            elif made is None or not made.holds(basis(places), now, lasts=EVERY):
                self._made[hazard] = await asyncio.to_thread(
                    make, hazard, places, origins, solve=self._solve, now=now
                )
        try:
            await self._live.put(
                {live_key(hazard): (made.version, codec.encode(made)) for hazard, made in self._made.items()}
            )
        except TemporaryFailure as e:  # each process has the proportional rule
            log.warning("plans not put", reason=e.reason)
