"""Whom an audience means in numbers: people by channel, and the population they belong to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.alert import Mode
from hub.capabilities import Capabilities, Unit
from hub.city import City, Population
from hub.keys import Keys
from hub.ledger import Ledger, census, corrections
from hub.ledger.census import Census
from hub.place import Name
from hub.recipient import Audience, Reached, Town, Towns


@dataclass(frozen=True, slots=True, kw_only=True)
class TownCount:
    """One town: `people` are those registered there who are reached. `population` None: not known."""

    name: Name
    people: int
    population: int | None

    @property
    def unregistered(self) -> int | None:
        return None if self.population is None else max(0, self.population - self.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headcount:
    """`people`: persons on the chosen channels, each counted once; None when that is not known.

    `on`: recipients of each channel, chosen or not, in its own unit. `area`: the population of the towns, as far
    as the city has given it; None where it says nothing (a drill, a correction).
    """

    people: int | None
    on: Mapping[str, int]
    area: Population | None = None
    by_town: Sequence[TownCount] = ()
    """Each town of a live alert's area, in the city's order; empty where towns say nothing."""

    @property
    def population(self) -> int | None:
        """None: not known, for one town's is missing."""
        return self.area.total if self.area else None

    @property
    def unregistered(self) -> int | None:
        """People of the area whom no registration reaches."""
        if self.population is None or self.people is None:
            return None
        return max(0, self.population - self.people)


class Headcounts:
    """Counts the register once and keeps that until the register changes."""

    def __init__(
        self, ledger: Ledger, keys: Keys, city: City, capabilities: Mapping[str, Capabilities]
    ) -> None:
        self._ledger = ledger
        self._keys = keys
        self._city = city
        self._capabilities = capabilities
        self._known: tuple[int, Census] | None = None

    async def of(self, mode: Mode, audience: Audience, channels: Collection[str]) -> Headcount:
        if isinstance(audience, Reached):
            return await self._ledger.read(lambda conn: self._reached(conn, audience))
        counted = await self._census()
        towns = frozenset(audience.towns) if isinstance(audience, Towns) else None
        people = [kind for kind in channels if self._capabilities[kind].unit is Unit.PEOPLE]
        return Headcount(
            people=counted.people(mode, towns, people),
            on={kind: counted.on(kind, has, mode, towns) for kind, has in self._capabilities.items()},
            area=self._city.population(towns) if mode is Mode.LIVE else None,
            by_town=self._by_town(counted, towns, people) if mode is Mode.LIVE else (),
        )

    async def staff(self) -> int:
        """Staff whom a drill on all channels reaches."""
        return (await self._census()).people(Mode.STAFF_DRILL, None, self._capabilities)

    async def participants(self) -> int:
        """Residents who opted in to drills."""
        return (await self._census()).people(Mode.RESIDENT_DRILL, None, self._capabilities)

    async def _census(self) -> Census:
        revision = await self._ledger.read(census.revision)
        if self._known is None or self._known[0] != revision:
            taken = await self._ledger.read(lambda conn: census.take(conn, list(self._capabilities)))
            self._known = (revision, taken)
        return self._known[1]

    def _by_town(
        self, counted: Census, towns: Collection[Town] | None, channels: Collection[str]
    ) -> Sequence[TownCount]:
        people = counted.by_town(channels)
        return [
            TownCount(name=town.name, people=people[code], population=town.population)
            for code, town in self._city.towns.items()
            if towns is None or code in towns
        ]

    def _reached(self, conn: Connection, audience: Reached) -> Headcount:
        """Whom a correction goes to: by channel only, since a person may have been reached on several."""
        told = corrections.reached(conn, self._keys, audience.identifier)
        return Headcount(people=None, on=dict.fromkeys(self._capabilities, 0) | told)
