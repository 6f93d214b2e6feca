"""The forecasts of every site, from the history as it is kept: written and read once a slot, asked at every word.

In memory is only what the history has, so that several keepers say the same of a site, and a restart forgets nothing.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from shelters.ahead import NOTHING, Forecast
from shelters.forecast import LOOK_BACK, Outlook, Past
from shelters.history import SLOT, History, Point, slot_of
from shelters.occupancy import Occupancy
from shelters.site import SiteCode

HOLDS = timedelta(minutes=1)
"""How long a forecast stands while readings come, of which there may be hundreds a second; unless the number has moved
by more than `MOVED`, or by that ratio of itself."""
MOVED, MOVED_RATIO = 3, 0.05


@dataclass(slots=True)
class _Site:
    moments: "array[float]" = field(default_factory=lambda: array("d"))
    people: "array[float]" = field(default_factory=lambda: array("d"))
    outlook: Outlook | None = None


class _Made(msgspec.Struct, frozen=True):
    """A forecast, and what it was made of."""

    forecast: Forecast
    at: datetime
    people: int
    capacity: int | None

    def holds(self, said: Occupancy, now: datetime) -> bool:
        moved = abs((said.people or 0) - self.people)
        return (
            self.at <= now < self.at + HOLDS
            and said.capacity == self.capacity
            and (moved == 0 or moved <= max(MOVED, MOVED_RATIO * self.people))
        )


class Outlooks:
    def __init__(self, history: History, *, forecasting: bool = True) -> None:
        """`history` is open. Without `forecasting` it is kept, and nothing is said."""
        self._history, self._forecasting = history, forecasting
        self._sites: dict[SiteCode, _Site] = {}
        self._made: dict[SiteCode, _Made] = {}
        self._slot: datetime | None = None
        self._read_at: datetime | None = None
        """Up to when everything that others wrote is in memory too."""
        self._kept: set[SiteCode] = set()
        self._appeared: set[SiteCode] = set()

    def due(self, now: datetime) -> bool:
        """Whether it is another slot than `keep` has done (a later one, or by a clock that was put back an earlier one), or
        a number has come to be known within it."""
        return self._slot != slot_of(now) or bool(self._appeared)

    async def keep(self, said: Collection[Occupancy], now: datetime) -> list[SiteCode]:
        """Write down what is said of each site, once a slot, and learn from what is written by now; the sites of which
        that was. Where nothing is known of a site, or part of the number is a guess, nothing is written of it: the past
        is published, and a gap is a gap. Where the history cannot be written or read it is due again."""
        if self._slot != slot_of(now):
            self._slot, self._kept = None, set()
        known = [each for each in (one.at(now) for one in said) if each.people is not None]
        known = [each for each in known if each.site not in self._kept]
        await self._history.write(_point(each, now) for each in known if not each.guessed)
        since = now - LOOK_BACK if self._read_at is None else min(now, self._read_at) - 2 * SLOT
        self._add(await self._history.read(since))
        self._slot, self._read_at = slot_of(now), now
        sites = [each.site for each in known]
        self._kept.update(sites)
        self._appeared.clear()
        if self._forecasting:
            learned, made = await asyncio.to_thread(_learned, self._sites, known, now)
            self._sites |= learned
            self._made |= made
        return sites

    def forecast(self, said: Occupancy, now: datetime) -> Forecast:
        """Of a site of which a number is known; of others nothing."""
        if said.at(now).people is None:
            return NOTHING
        if said.site not in self._kept:
            self._appeared.add(said.site)
        if not self._forecasting:
            return NOTHING
        made = self._made.get(said.site)
        if made is None or not made.holds(said, now):
            made = self._made[said.site] = _made(self._sites.get(said.site), said, now)
        return made.forecast

    def _add(self, points: dict[SiteCode, list[Point]]) -> None:
        """What is new of them: what a slot held never changes."""
        for code, found in points.items():
            site = self._sites.setdefault(code, _Site())
            for point in found:
                moment = point.at.timestamp()
                at = bisect_left(site.moments, moment)
                if at == len(site.moments) or site.moments[at] != moment:  # another keeper may have been late
                    site.moments.insert(at, moment)
                    site.people.insert(at, point.people)


def _learned(
    sites: dict[SiteCode, _Site], known: Collection[Occupancy], now: datetime
) -> tuple[dict[SiteCode, _Site], dict[SiteCode, _Made]]:
    """In a thread, beside whoever asks meanwhile: at a hundred sites with days behind them it takes a moment."""
    learned = {}
    for code in (each.site for each in known):
        site = sites.get(code) or _Site()
        old = bisect_left(site.moments, (now - LOOK_BACK).timestamp())
        moments, people = site.moments[old:], site.people[old:]
        learned[code] = _Site(moments, people, Outlook(Past(moments, people, SLOT), now=now))
    return learned, {each.site: _made(learned.get(each.site), each, now) for each in known}


def _made(site: _Site | None, said: Occupancy, now: datetime) -> _Made:
    outlook = site.outlook if site else None
    if outlook is None:
        outlook = Outlook(Past((), (), SLOT), now=now)
    people = said.people or 0
    forecast = outlook.forecast(people, now=now, capacity=said.capacity, margin=said.margin)
    return _Made(forecast, now, people, said.capacity)


def _point(said: Occupancy, now: datetime) -> Point:
    return Point(site=said.site, at=slot_of(now), people=said.people or 0, margin=said.margin)
