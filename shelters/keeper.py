"""Keeps the occupancy of every site: `readings` in, `occupancy` and the latest values out.

Holds nothing of its own in memory between batches: what a site's number rests on lies in `Snapshots`, what is expected
of it in `Outlooks`' history. So several keepers can share the work, a restart forgets nothing, and a record that comes
twice changes nothing. Offsets are committed only once everything is written and published.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat
from time import monotonic

import structlog

from hub import codec
from hub.bus import OCCUPANCY, READINGS, Bus
from hub.clock import Clock
from hub.codec import RecordCodec
from hub.consumer import Consumer
from hub.errors import TemporaryFailure
from hub.live import Live
from shelters.crowding import Thresholds
from shelters.device import Devices
from shelters.estimate import Ruler, estimate
from shelters.occupancy import STAFF_INTERVAL, Occupancy
from shelters.outlooks import Outlooks
from shelters.reading import Reading, Readings
from shelters.site import Site, SiteCode
from shelters.snapshots import Snapshot, Snapshots
from shelters.tally import Tally, add, fold

log = structlog.get_logger(__name__)

GROUP = "occupancy"
TICK = timedelta(seconds=10)
"""How often silence is looked for, and the record for reports that the transport lost."""
LONGEST_REST_S = 0.5
"""After what came together was counted: a quarter of what a reading may take to the page."""
CATCH_UP = timedelta(hours=1)
"""How far back it looks for reports when it starts."""

Reports = Callable[[datetime], Awaitable[Sequence[Reading]]]
"""Staff's reports recorded since a moment: `record.readings_since` through the ledger."""


class Keeper:
    def __init__(
        self,
        *,
        bus: Bus,
        live: Live,
        snapshots: Snapshots,
        outlooks: Outlooks,
        records: RecordCodec,
        sites: dict[SiteCode, Site],
        devices: Devices,
        thresholds: Thresholds,
        reports: Reports,
        clock: Clock,
        staff_interval: timedelta = STAFF_INTERVAL,
        current: Callable[[], Awaitable[Thresholds]] | None = None,
    ) -> None:
        """`current`: the thresholds in force, asked at each tick; without it `thresholds` hold for ever."""
        self._bus, self._live, self._snapshots, self._records = bus, live, snapshots, records
        self._outlooks = outlooks
        self._reports, self._clock = reports, clock
        self._sites, self._devices, self._staff_interval = sites, devices, staff_interval
        self._measure_by(thresholds)
        self._current = current
        self._reported_to: datetime | None = None

    async def run(self) -> None:
        """Until cancelled."""
        await self._persist(self.restore, "the latest occupancy was not restored")
        readings = Consumer(
            transport=self._bus,
            records=self._records,
            topic=READINGS,
            group=GROUP,
            kind=Readings,
            apart=Readings.apart,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(readings.run(self._take))
            tasks.create_task(self._watch())

    async def restore(self) -> None:
        """Put what was last said of every site where readers look: the present may have been forgotten."""
        known = await self._snapshots.load()
        await self._put([snapshot.said for snapshot in known.values()])

    async def take(self, readings: Iterable[Reading], *, only_news: bool = False) -> None:
        """Count `readings` in, and say what follows from them. Returns once it is durable and published.

        `only_news`: say nothing of a site where they change nothing.
        """
        if self._devices.changes != self._measured_by:
            self._measure_by(self._thresholds)
        by_site: defaultdict[SiteCode, list[Reading]] = defaultdict(list)
        for reading in readings:
            by_site[reading.site].append(reading)
        await self._say(by_site.keys() & self._rulers.keys(), by_site, only_news=only_news)

    async def _take(self, records: Sequence[Readings]) -> None:
        """Then rest for as long as it took: many readings cost half of the time at most, whoever else is in this
        process gets on, and what comes meanwhile is counted together."""
        began_at = monotonic()
        await self.take(chain.from_iterable(record.readings for record in records))
        await asyncio.sleep(min(monotonic() - began_at, LONGEST_REST_S))

    async def tick(self) -> None:
        """Catch up on staff's reports, and say of every site what the passing of time has changed."""
        self._measure_by(self._thresholds if self._current is None else await self._current())
        now = self._clock()
        reports = await self._reports((self._reported_to or now - CATCH_UP) - TICK)
        await self.take(reports, only_news=True)
        self._reported_to = now
        await self._say(self._rulers.keys(), {}, only_news=True)
        if self._outlooks.due(now):
            await self._look_ahead(now)

    async def _look_ahead(self, now: datetime) -> None:
        """Once a slot and site: keep what is said, and say what it makes expect."""
        known = await self._snapshots.load(self._rulers.keys())
        sites = await self._outlooks.keep([snapshot.said for snapshot in known.values()], now)
        await self._say(sites, {}, only_news=True, expected_too=True)

    def _measure_by(self, thresholds: Thresholds) -> None:
        """From the next word on: what staff change, there or in the register, is said of every site within a tick."""
        self._thresholds, self._measured_by = thresholds, self._devices.changes
        self._rulers = {
            code: Ruler(
                devices=self._devices.at(code),
                capacity=site.capacity,
                thresholds=thresholds,
                staff_interval=self._staff_interval,
            )
            for code, site in self._sites.items()
        }

    async def _watch(self) -> None:
        while True:
            await self._persist(self.tick, "occupancy was not looked at")
            await asyncio.sleep(TICK.total_seconds())

    async def _persist(self, work: Callable[[], Awaitable[None]], complaint: str) -> None:
        """Again and again until it succeeds: whatever is down comes back, and nothing is skipped."""
        for delay_s in chain((1, 2, 5), repeat(10)):
            try:
                await work()
            except Exception as e:
                log.exception(complaint, error=type(e).__name__, again_in_s=delay_s)
                await asyncio.sleep(delay_s)
            else:
                return

    async def _say(
        self,
        sites: Collection[SiteCode],
        readings: Mapping[SiteCode, Sequence[Reading]],
        *,
        only_news: bool,
        expected_too: bool = False,
    ) -> None:
        """Until nobody else has said something of one of `sites` meanwhile."""
        while sites:
            known = await self._snapshots.load(sites)
            afresh = await asyncio.to_thread(self._all_afresh, sites, known, readings, self._clock())
            if only_news:
                afresh = [new for new in afresh if _is_news(known.get(new.tally.site), new, expected_too)]
            sites = await self._snapshots.save((known.get(new.tally.site), new) for new in afresh)
            await self._publish([new.said for new in afresh if new.tally.site not in sites])

    def _all_afresh(
        self,
        sites: Collection[SiteCode],
        known: Mapping[SiteCode, Snapshot],
        readings: Mapping[SiteCode, Sequence[Reading]],
        now: datetime,
    ) -> list[Snapshot]:
        """In a thread: milliseconds a site, in which an alert must not stand still."""
        return [
            self._afresh(site, known.get(site), readings.get(site, ()), now)
            for site in sites
            if site in known or site in readings
        ]

    def _afresh(
        self, site: SiteCode, known: Snapshot | None, readings: Sequence[Reading], now: datetime
    ) -> Snapshot:
        ruler = self._rulers[site]
        tally = add(known.tally if known else Tally(site=site), readings)
        tally = fold(tally, ruler.devices)
        said = estimate(tally, ruler, now=now, before=known.said if known else None)
        return Snapshot(tally=tally, said=said.expecting(self._outlooks.forecast(said, now)))

    async def _publish(self, said: Sequence[Occupancy]) -> None:
        if not said:
            return
        sealed = [(new.site, self._records.seal(OCCUPANCY, new.site, new)) for new in said]
        await self._bus.publish_many(OCCUPANCY, sealed)
        await self._put(said)

    async def _put(self, said: Sequence[Occupancy]) -> None:
        try:
            await self._live.put({live_key(new.site): (new.version, codec.encode(new)) for new in said})
        except TemporaryFailure as e:  # readers see 不明 until the next reading; the topic has it
            log.warning("latest occupancy not put", reason=e.reason)


def live_key(site: SiteCode) -> str:
    """Where the latest occupancy of a site lies in `Live`."""
    return f"occupancy:{site}"


def _is_news(known: Snapshot | None, new: Snapshot, expected_too: bool) -> bool:
    if known is None or known.tally != new.tally or not known.said.says_the_same(new.said):
        return True
    return expected_too and known.said.ahead != new.said.ahead
