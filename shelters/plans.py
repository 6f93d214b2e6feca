"""The plans that are in force: made every quarter of an hour, and when a site opens, closes, fills or falls silent.

One process makes them by the linear programme and puts them in `Live`, where all find the same (`shelters.router`).
Whoever finds none that still holds makes one by the proportional rule at once: nothing ever waits for a plan.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
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


class AtOnce:
    """Plans by the proportional rule, kept as long as they hold."""

    def __init__(self, origins: Origins, *, usable: float = USABLE) -> None:
        self.origins, self.usable = origins, usable
        self._made: dict[Hazard, Made] = {}

    def plans(
        self, places: Mapping[Hazard, Sequence[Place]], known: Mapping[Hazard, Made], now: datetime
    ) -> dict[Hazard, Made]:
        """For each hazard with room somewhere: what is known if it holds, else one of its own."""
        return {
            hazard: self._plan(hazard, shown, known.get(hazard), now)
            for hazard, shown in places.items()
            if any(place.room for place in shown)
        }

    def _plan(self, hazard: Hazard, places: Sequence[Place], known: Made | None, now: datetime) -> Made:
        here = basis(places)
        for made in (known, self._made.get(hazard)):
            if made is not None and made.holds(here, now, lasts=LASTS if made is known else EVERY):
                return made
        made = make(hazard, places, self.origins[hazard], solve=None, now=now)
        self._made[hazard] = made
        return made
