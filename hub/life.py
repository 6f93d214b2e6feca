"""Life: a process that delivers or sweeps says in the ledger that it lives, and stops in time when it cannot."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import TimeoutError as NoAnswer

from hub.background import beat
from hub.gate import Leases, monotonic_s
from hub.ledger import AWAY, Ledger, lives

log = structlog.get_logger(__name__)

ENDING_S = 5.0


@dataclass(slots=True, kw_only=True)
class Tenure:
    """One life in the ledger, from its beginning to its first gap. What is claimed is claimed under it."""

    owner: str
    fenced_at: float
    """By `monotonic_s`: nothing is sent from then on. Each renewal moves it; once the life is over, none does."""


class Life:
    """This process's, over as many tenures as the database's absences make of it."""

    def __init__(self, ledger: Ledger, *, name: str, leases: Leases) -> None:
        """`name`: nobody else's, now or ever."""
        self.name = name
        self.leases = leases
        self._ledger = ledger
        self._tenure = Tenure(owner=name, fenced_at=-math.inf)
        self._tenures = 0
        self._doubted_at = -math.inf
        self._renewing = asyncio.Lock()

    @asynccontextmanager
    async def lived(self) -> AsyncIterator[None]:
        """Renewed as long as this is entered; over afterwards, so that nobody has to wait for what it held.

        Raises:
            hub.ledger.AWAY: at the beginning, if the database is.
        """
        await self.tenure()
        renewing = asyncio.create_task(beat(self._say, self.leases.renew_every.total_seconds()), name="life")
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})
            await self._end()

    async def tenure(self) -> Tenure:
        """The one to claim under: alive, renewed first if need be. Raises `hub.ledger.AWAY`."""
        if monotonic_s() >= self._tenure.fenced_at:
            async with self._renewing:
                if monotonic_s() >= self._tenure.fenced_at:
                    await self._renew()
        return self._tenure

    @property
    def may_judge(self) -> bool:
        """Whether another's silence means anything: this process has itself been heard for a whole life.

        After the database was away everybody's time has run out. Those who live get as long as a life to
        write down what they know before anybody takes it from them.
        """
        now = monotonic_s()
        heard_since = self._doubted_at + self.leases.life.total_seconds()
        return heard_since <= now < self._tenure.fenced_at

    async def _say(self) -> None:
        try:
            async with self._renewing:
                await self._renew()
        except AWAY as e:
            log.warning("the database is away: nothing is sent once this life ends", error=type(e).__name__)

    async def _renew(self) -> None:
        begun = monotonic_s()
        try:
            async with asyncio.timeout(2 * self.leases.renew_every.total_seconds()):
                owner = await self._ledger.write(self._renewed)
                if owner == self._tenure.owner and self._seemed_over():
                    begun = monotonic_s()
                    owner = await self._ledger.write(self._begun_anew)
        except (*AWAY, TimeoutError) as e:
            self._doubted_at = monotonic_s()
            raise NoAnswer("the database did not say in time that this process lives") from e
        if owner != self._tenure.owner:
            self._succeed(owner)
        self._tenure.fenced_at = begun + (self.leases.life - self.leases.life_margin).total_seconds()

    def _succeed(self, owner: str) -> None:
        if self._tenure.fenced_at > -math.inf:
            log.warning("this process was silent for too long; what it held is anybody's")
            self._doubted_at = monotonic_s()
        self._tenure = Tenure(owner=owner, fenced_at=-math.inf)

    def _seemed_over(self) -> bool:
        """Whether others may have seen this life end before the renewal's commit was there."""
        return monotonic_s() >= self._tenure.fenced_at + self.leases.life_margin.total_seconds()

    def _begun_anew(self, conn: Connection) -> str:
        lives.end(conn, self._tenure.owner)
        return self._renewed(conn)

    def _renewed(self, conn: Connection) -> str:
        """The owner who lives now. A new name at each beginning: the commit of the last one may have been lost."""
        lasting = self.leases.life
        if lives.renew(conn, self._tenure.owner, lasting=lasting):
            return self._tenure.owner
        self._tenures += 1
        owner = f"{self.name}.{self._tenures}"
        lives.begin(conn, owner, lasting=lasting)
        return owner

    async def _end(self) -> None:
        owner, self._tenure.fenced_at = self._tenure.owner, -math.inf
        try:
            async with asyncio.timeout(ENDING_S):
                await self._ledger.write(lambda conn: lives.end(conn, owner))
        except (*AWAY, TimeoutError) as e:
            log.warning("the database is away: this life runs out by itself", error=type(e).__name__)
