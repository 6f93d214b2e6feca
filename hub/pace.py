"""Pace: a batch waits for its turn in the limits that all workers of a gateway share.

There is one pace: every request takes its turn from `Live`, and nothing behind that waits again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from math import inf
from typing import NamedTuple

from hub.alert import Lane
from hub.capabilities import Allowance, Capabilities
from hub.channel import Turn, at_once
from hub.gate import Gate
from hub.live import Live
from hub.live.turns import AHEAD_S, LATE_S, gap_s

PATIENCE = timedelta(seconds=10)
"""A claim waits for its turn no longer than this; then others may have more use for the batch."""

NOT_BEFORE = timedelta(seconds=2)
"""So long after a turn that did not come, nothing more is claimed for it here."""

LOOK_S = 0.5
"""The gate is asked at least this often while waiting."""


class NotYet(Exception):
    """The gateway takes nothing now, or others do the sending. Nothing was sent: give the claim back."""


class Limit(NamedTuple):
    """What a request counts against, and for how much."""

    name: str
    requests: float
    rate_per_s: float


def limits(capabilities: Capabilities, lane: Lane, *, recipients: int) -> list[Limit]:
    """Those of a whole request, in the order in which they are waited for."""
    found = [drain] if lane is Lane.ROUTINE and (drain := _drain(capabilities, recipients)) else []
    if capabilities.requests_per_s is not None and not capabilities.single_requests:
        found.append(Limit(capabilities.kind, 1, capabilities.requests_per_s))
    return found


def _drain(capabilities: Capabilities, recipients: int) -> Limit | None:
    """What a queue behind the gateway passes on, where that is known."""
    rate = capabilities.drain_per_s
    return None if rate is None else Limit(f"{capabilities.kind}.drain", recipients, rate)


class Pace:
    """The pace of one channel's batches in this process."""

    def __init__(self, live: Live, capabilities: Capabilities, *, lease: timedelta) -> None:
        """`lease`: of a claim; one whose turn does not come is given back long before that."""
        self._live = live
        self._capabilities = capabilities
        self._patience = min(PATIENCE, lease / 4)
        self._not_before = 0.0
        self._asking: defaultdict[tuple[str, Lane], asyncio.Lock] = defaultdict(asyncio.Lock)
        """One asks at a time, first come first served: nobody waits for ever, and a long queue asks no more
        than a short one."""

    @property
    def behind(self) -> bool:
        """A turn did not come lately: claim nothing now."""
        return asyncio.get_running_loop().time() < self._not_before

    async def turn(self, lane: Lane, *, recipients: int, gate: Gate) -> None:
        """Returns once every limit has room for this request.

        Raises:
            NotYet: that takes longer than `PATIENCE`.
            GateClosed: as the gate raised it.
        """
        gate()
        for limit in limits(self._capabilities, lane, recipients=recipients):
            await self._take(limit, lane, gate, self._patience)

    async def taken(self, lane: Lane, *, recipients: int) -> None:
        """The gateway took so many. Urgent ones waited for nothing: they stand in its queue all the same, and
        routine ones wait until it has passed them on."""
        if lane is Lane.URGENT and recipients and (limit := _drain(self._capabilities, recipients)):
            await self._live.take(limit.name, limit.requests, rate_per_s=limit.rate_per_s, ahead_s=inf)

    def single_turns(self, lane: Lane, *, gate: Gate) -> Turn:
        """`Parcel.turn`: waits before each request of a batch of single ones, the first as `turn` does.

        The others stand back for nobody, and have no end of patience but the claim's: what is begun is
        finished.
        """
        rate = self._capabilities.requests_per_s
        if rate is None or not self._capabilities.single_requests:
            return at_once
        begun = False

        async def next_turn(requests: int = 1, /) -> None:
            nonlocal begun
            limit = Limit(self._capabilities.kind, requests, rate)
            if begun:
                await self._take(limit, Lane.URGENT, gate, timedelta.max)
            else:
                await self._take(limit, lane, gate, self._patience)
            begun = True

        return next_turn

    def room(self, lane: Lane, account: str, *, gate: Gate) -> Callable[[int], Awaitable[None]]:
        """`Parcel.room`. `account`: drills and live alerts may have accounts, and so allowances, of their own."""

        async def room(requests: int) -> None:
            for allowance in self._capabilities.allowances:
                await self._allow(allowance, requests, lane, account, gate)

        return room

    async def _allow(self, allowance: Allowance, requests: int, lane: Lane, account: str, gate: Gate) -> None:
        """Counts the requests as soon as they fit. What fits is made at once: turns are not spread here."""
        rate = allowance.rate_per_s
        ahead_s = gap_s(max(0.0, allowance.at_once(lane) - requests), rate)
        name = f"{self._capabilities.kind}.{allowance.name}.{account}"
        now = asyncio.get_running_loop().time
        give_up_at = now() + self._patience.total_seconds()
        while True:
            gate()
            turn = await self._live.take(name, requests, rate_per_s=rate, ahead_s=ahead_s)
            if turn.taken:
                return
            due = now() + turn.wait_s
            if due > give_up_at:
                self._not_before = now() + NOT_BEFORE.total_seconds()
                raise NotYet
            await _until(due, gate)

    async def _take(self, limit: Limit, lane: Lane, gate: Gate, patience: timedelta) -> None:
        """A turn that is missed is taken again, unless it is so long that delaying the others costs less."""
        now = asyncio.get_running_loop().time
        give_up_at = now() + patience.total_seconds()
        while True:
            async with self._asking[limit.name, lane]:
                due = await self._next(limit, lane, gate, give_up_at)
            await _until(due, gate)
            late_s = now() - due
            if late_s <= LATE_S:
                return
            if late_s < gap_s(limit.requests, limit.rate_per_s):
                await self._live.delay(limit.name, late_s)
                return

    async def _next(self, limit: Limit, lane: Lane, gate: Gate, give_up_at: float) -> float:
        """Take the next turn; when it comes, by the loop's clock."""
        now = asyncio.get_running_loop().time
        while True:
            gate()
            turn = await self._live.take(
                limit.name, limit.requests, rate_per_s=limit.rate_per_s, ahead_s=AHEAD_S[lane]
            )
            due = now() + turn.wait_s
            if turn.taken:
                return due
            if due > give_up_at:
                self._not_before = now() + NOT_BEFORE.total_seconds()
                raise NotYet
            await _until(due, gate)


async def _until(due: float, gate: Gate) -> None:
    now = asyncio.get_running_loop().time
    while (left_s := due - now()) > 0:
        await asyncio.sleep(min(left_s, LOOK_S))
        gate()
