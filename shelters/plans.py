"""The plans that are in force: made every quarter of an hour, and when a site opens, closes, fills or falls silent.

One process makes them by the linear programme and puts them in `Live`, where all find the same (`shelters.router`).
Whoever finds none that still holds makes one by the proportional rule at once: nothing ever waits for a plan.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from zlib import crc32

import msgspec

from hub import codec
from hub.city import City
from hub.exposure import Exposure
from hub.hazard import DESIGNABLE, Hazard
from shelters import demand
from shelters.demand import Origin
from shelters.routing import USABLE, Place, Plan, Solve, plan

EVERY = timedelta(minutes=15)
LASTS = 2 * EVERY
"""An older plan is no longer gone by."""

MOST_AT_ONCE = 10_000
"""Towns times sites for which a plan is made while somebody waits: a fifth of a second. In a larger city lists go by word
and distance until the plan of the programme is there."""

Origins = Mapping[Hazard, Sequence[Origin]]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """`basis`: of which sites in which state. `version` 0: made at once, and known to this process alone."""

    hazard: Hazard
    at: datetime
    basis: int
    plan: Plan
    version: int = 0

    def holds(self, basis: int, now: datetime, *, lasts: timedelta = LASTS) -> bool:
        """Neither old nor, by a clock that is wrong, of the future."""
        return self.basis == basis and abs(now - self.at) < lasts


def make(
    hazard: Hazard, places: Sequence[Place], origins: Sequence[Origin], *, solve: Solve | None, now: datetime
) -> Made:
    """The same places, origins and time give the same plan."""
    return Made(
        hazard=hazard,
        at=now,
        basis=basis(places),
        plan=plan(places, origins, solve=solve),
        version=int(now.timestamp()) if solve else 0,
    )


def basis(places: Sequence[Place]) -> int:
    """Differs when another site may be named, or the room of one is known or no longer known. Not with each count."""
    return crc32(codec.encode([(place.site, place.verdict, place.room is not None) for place in places]))


def origins_of(city: City, exposure: Exposure) -> dict[Hazard, tuple[Origin, ...]]:
    """For every hazard for which sites are designated and which can happen here."""
    return {hazard: demand.origins(city, exposure, hazard) for hazard in sorted(DESIGNABLE - city.absent)}


def live_key(hazard: Hazard) -> str:
    """Where the plan for `hazard` lies in `Live`."""
    return f"routing:{hazard}"


class Plans(Mapping[Hazard, Made]):
    """The plans of one moment. One that nobody has made yet is made when it is asked for: an order is for one hazard, and
    a text does not wait for the plans of the others."""

    def __init__(
        self,
        known: Mapping[Hazard, Made] | None = None,
        wanted: Mapping[Hazard, Callable[[], Made]] | None = None,
    ) -> None:
        """`wanted`: makes those that are not known."""
        self._made, self._wanted = dict(known or {}), dict(wanted or {})
        self.version = sum(made.version for made in self._made.values())

    def __getitem__(self, hazard: Hazard) -> Made:
        if hazard not in self._made:
            self._made[hazard] = self._wanted[hazard]()
        return self._made[hazard]

    def __contains__(self, hazard: object) -> bool:
        return hazard in self._made or hazard in self._wanted

    def __iter__(self) -> Iterator[Hazard]:
        return iter(dict.fromkeys([*self._made, *self._wanted]))

    def __len__(self) -> int:
        return len(self._made.keys() | self._wanted.keys())


class AtOnce:
    """Plans by the proportional rule, kept as long as they hold."""

    def __init__(self, origins: Origins, *, usable: float = USABLE) -> None:
        self.origins, self.usable = origins, usable
        self._made: dict[Hazard, Made] = {}

    def plans(
        self, places: Mapping[Hazard, Sequence[Place]], known: Mapping[Hazard, Made], now: datetime
    ) -> Plans:
        """For each hazard with room somewhere: what is known if it holds, else one of its own (`MOST_AT_ONCE`)."""
        with_room = {hazard: shown for hazard, shown in places.items() if any(place.room for place in shown)}
        held = {
            hazard: known[hazard]
            for hazard in with_room.keys() & known.keys()
            if known[hazard].holds(basis(with_room[hazard]), now)
        }
        wanted = {
            hazard: partial(self._plan, hazard, shown, now)
            for hazard, shown in with_room.items()
            if hazard not in held and len(shown) * len(self.origins[hazard]) <= MOST_AT_ONCE
        }
        return Plans(held, wanted)

    def _plan(self, hazard: Hazard, places: Sequence[Place], now: datetime) -> Made:
        made = self._made.get(hazard)
        if made is None or not made.holds(basis(places), now, lasts=EVERY):
            made = self._made[hazard] = make(hazard, places, self.origins[hazard], solve=None, now=now)
        return made
