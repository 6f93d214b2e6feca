"""One alert on one channel, from the second person's click until everybody has an outcome."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.capabilities import Capabilities
from hub.clock import utc_now
from hub.draft import Draft
from hub.keys import Keys
from hub.ledger import Ledger
from hub.progress import Tally, progress
from yobikake.bench.city_apart import CityApart
from yobikake.bench.figures import forget_peak, peak_bytes, resident_bytes, used_s
from yobikake.bench.hub_apart import Desk
from yobikake.bench.sums import Audience, Sums, audience, sums
from yobikake.bench.ways import Way
from yobikake.rehearsal.faults import Faults

CLEAN = Faults()
FAULTY = Faults(permanent=0.01, temporary=0.01, throttle=0.001, silent=0.005)
"""Of a hundred recipients one is refused for good and another the first time; of a thousand requests one comes too
often, and five are carried out and never answered."""
LOOK_S = 0.25
PATIENCE_S = 3_000.0

Watch = Callable[[str, int, int], None]
"""Called with a channel, how many recipients have their outcome, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Seconds are from the click."""

    channel: str
    faulty: bool
    first_s: float
    """The gateway took something for the first recipient."""
    last_s: float
    """And for the last one."""
    settled_s: float
    """Everyone had an outcome in the ledger, and no receipt was waited for any more."""
    requests: int
    parts: int
    """Of those carried out, as a contract counts them."""
    hub_cpu_s: float
    gateway_cpu_s: float
    growth_bytes: int
    """The most memory that the hub had meanwhile, over what it had before."""
    per_s: float
    """Recipients, from the click until everyone had an outcome."""
    sums: Sums


class Wrong(Exception):
    """Somebody was lost, or got it twice, or has no outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A hub that runs with one channel, and its gateway. `pid`: the hub's process."""

    way: Way
    city: CityApart
    desk: Desk
    ledger: Ledger
    keys: Keys
    capabilities: Mapping[str, Capabilities]
    pid: int
    watch: Watch

    async def send(self, draft: Draft, *, faulty: bool) -> Run:
        """Raises `Wrong` where the sums are not right."""
        kind = self.way.kind
        await self.city.told(kind, then=FAULTY if faulty else CLEAN)
        of = {id_: self.way.at_gateway(address) for id_, address in (await self.audience()).items()}
        form = await self.desk.read(draft)
        forget_peak(self.pid)
        before, used, theirs = resident_bytes(self.pid), used_s(self.pid), used_s(self.city.pid)
        clicked_at = time.time()
        alert = await self.desk.approve(draft, form)
        settled_s = await self._settled(alert) - clicked_at
        spent, theirs = used_s(self.pid) - used, used_s(self.city.pid) - theirs
        growth = max(0, peak_bytes(self.pid) - before)
        told, addresses = await self.city.told(kind, then=CLEAN)
        taken = addresses.taken if self.way.counts else None
        found = await self.ledger.read(lambda conn: sums(conn, alert, kind, of, taken))
        if not found.right:
            raise Wrong(f"{kind}, {'faulty' if faulty else 'clean'}: {found}")
        return Run(
            channel=kind,
            faulty=faulty,
            first_s=max(0.0, told.first_at - clicked_at) if told.first_at else 0.0,
            last_s=max(0.0, told.last_at - clicked_at) if told.last_at else 0.0,
            settled_s=settled_s,
            requests=told.requests,
            parts=told.parts,
            hub_cpu_s=spent,
            gateway_cpu_s=theirs,
            growth_bytes=growth,
            per_s=found.recipients / settled_s,
            sums=found,
        )

    async def audience(self) -> Audience:
        """Everyone registered on the channel."""
        return await self.ledger.read(lambda conn: audience(conn, self.keys, self.way.kind))

    async def _settled(self, alert: str) -> float:
        async with asyncio.timeout(PATIENCE_S):
            while not (tally := await self.ledger.read(lambda conn: self._tally(conn, alert))).done:
                self.watch(self.way.kind, tally.planned - tally.pending, tally.planned)
                await asyncio.sleep(LOOK_S)
        self.watch(self.way.kind, tally.planned, tally.planned)
        return time.time()

    def _tally(self, conn: Connection, alert: str) -> Tally:
        return progress(conn, alert, self.capabilities, now=utc_now()).get(self.way.kind) or Tally()
