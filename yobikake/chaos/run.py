"""One run while it goes on: what the operator, the faults and the check share."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from sqlalchemy import select

from hub.delivery import BatchId
from hub.ledger import Ledger, tables
from hub.ledger.tables import BatchState
from hub.recipient import RecipientId
from yobikake.chaos.failpoints import Armed
from yobikake.chaos.gateways import Gateways
from yobikake.chaos.observed import Freeze
from yobikake.chaos.people import Register
from yobikake.chaos.plan import Plan
from yobikake.chaos.process import Died, HubProcess
from yobikake.chaos.shapes import Shape

LOOKED_EVERY_S = 0.02


class Triple(NamedTuple):
    """One recipient of one alert on one channel."""

    alert: str
    channel: str
    recipient: RecipientId


class Held(NamedTuple):
    """A claim."""

    batch: BatchId
    owner: str
    until: datetime


@dataclass(slots=True, kw_only=True)
class Sent:
    """An alert the hub acknowledged, and what the operator was told of it later."""

    step: int
    identifier: str
    number: str
    acknowledged_at: datetime
    stopped_at: datetime | None = None
    """When the hub's answer to the stop was read."""


@dataclass(slots=True, kw_only=True)
class Run:
    plan: Plan
    folder: Path
    shape: Shape
    people: Register
    gateways: Gateways
    hub: Mapping[str, HubProcess]
    """By the name of its post."""
    ledger: Ledger
    """The instrument's own connection: it only reads."""
    sent: dict[int, Sent] = field(default_factory=dict)
    """By the plan's step: what was acknowledged."""
    in_doubt: set[Triple] = field(default_factory=set)
    """Whose request was in flight when a fault hit it: nobody else may be sent to again."""
    freezes: list[Freeze] = field(default_factory=list)
    clock: list[tuple[datetime, timedelta]] = field(default_factory=list)
    """When the hub's clock was set wrong, and by how much from then on."""
    stalls: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When the instrument itself was kept from working."""
    hands: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever kills, freezes or starts a process: one at a time."""
    waits: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by a fault that lies in wait for an act of the operator, once it does."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the operator has read an acknowledgement."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing more is to be expected: a fault that waits for its moment gives up, and says it did not fire."""

    @property
    def desk(self) -> HubProcess:
        """Where the operator works."""
        return self.hub[self.shape.posts[0].name]

    def post_with(self, roles: Sequence[str], random: Random) -> HubProcess:
        """A process that has one of these roles. Raises `IndexError` when there is none."""
        fitting = [self.hub[post.name] for post in self.shape.posts if post.does(roles)]
        return random.choice(fitting)

    async def until(self, condition: Callable[[], bool], *, within_s: float) -> bool:
        """Wait until it holds; False: it did not, within that time or before the run was over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s if math.isfinite(within_s) else None):
                while not condition():
                    if self.over.is_set():
                        return condition()
                    await asyncio.sleep(LOOKED_EVERY_S)
                return True
        return condition()

    async def lasts(self, seconds: float) -> None:
        """A fault goes on for so long, or until the run is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()

    async def claims(self, process: HubProcess) -> Sequence[Held]:
        """What a process holds now. A claim ends with its lease, or before with its holder's life."""
        held, life = tables.batches.c, tables.lives.c
        claimed = (
            select(held.id, held.owner, held.lease_until, life.until)
            .join(tables.lives, life.owner == held.owner)
            .where(held.state == BatchState.CLAIMED, held.owner.like(f"%:{process.pid}:%"))
        )
        rows = await self.ledger.read(lambda conn: conn.execute(claimed).all())
        return [Held(BatchId(row.id), row.owner, min(row.lease_until, row.until)) for row in rows]

    async def at_work(self, process: HubProcess, *, within_s: float, claims: int = 1) -> bool:
        """Wait until it holds so many claims; False: it does not, within that time or before it died."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while process.runs and not self.over.is_set():
                    if len(await self.claims(process)) >= claims:
                        return True
                    await asyncio.sleep(LOOKED_EVERY_S)
        return False

    async def in_flight(self) -> int:
        """Note, for the bound on resends, whose batches are claimed at this moment; returns their number.

        Call it when the fault has hit and nothing can be claimed or recorded any more (a process that is
        frozen, or dead), or directly before and after one that does not stop the hub.
        """
        columns = tables.batches.c
        claimed = select(columns.alert, columns.channel, columns.members).where(
            columns.state == BatchState.CLAIMED
        )
        rows = await self.ledger.read(lambda conn: conn.execute(claimed).all())
        found = {Triple(row.alert, row.channel, member) for row in rows for member in row.members}
        self.in_doubt |= found
        return len(found)

    async def kill(self, process: HubProcess) -> None:
        """Kill it, noting exactly what it had in its hands."""
        process.freeze()
        await self.in_flight()
        process.kill()
        await process.ended()

    async def revive(self, failpoints: Sequence[Armed] = ()) -> None:
        """Start every hub process that does not run, and wait until it is ready or dead again."""
        dead = [process for process in self.hub.values() if not process.runs]
        with suppress(Died):
            await asyncio.gather(*(process.start(failpoints=failpoints) for process in dead))
