"""How many people are likely to set out for a shelter, and from where, as far as that is known beforehand.

A prior, not a measurement: it says how many come in the whole event, and `remaining` takes off who is there.
"""

from collections.abc import Iterable

import msgspec

from hub.city import City
from hub.exposure import Exposure
from hub.hazard import Hazard
from hub.place import Position
from hub.recipient import Town, Zone

GOING = 0.05
"""Of the residents whom the hazard reaches, those who go to a shelter. 2.3 to 10 % were counted (Kagoshima 2020;
Hinohara 2019); about the middle of that, as a ratio."""
GOING_ELSEWHERE = 0.005
"""Of those who live elsewhere in the city: an assumption."""
COMPLIANCE = 0.7
"""Of those who go, those who go where they are told to. The others go to what lies nearest. An assumption."""
LEAST_LEFT = 0.15
"""However many are there already, so much of the prior may still come."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A town. `people`: how many of it come in the whole event."""

    town: Town
    zone: Zone
    position: Position
    people: float


def origins(city: City, exposure: Exposure, hazard: Hazard) -> tuple[Origin, ...]:
    """Every town of the city. Where exposure says nothing of `hazard`, all of them are reached by it."""
    exposed = frozenset[Town]().union(*exposure.tiers.get(hazard, ()))
    usual = _usual_population(city)
    return tuple(
        Origin(
            town=town.code,
            zone=town.zone,
            position=town.centre,
            people=(GOING if not exposed or town.code in exposed else GOING_ELSEWHERE)
            * (usual if town.population is None else town.population),
        )
        for town in city.towns.values()
    )


def remaining(everybody: float, *, inside: float, coming: float = 0.0) -> float:
    """Of all who come in the event, the ratio that has yet to set out.

    `inside`: counted in the shelters; `coming`: on their way by the forecast.
    """
    if everybody <= 0:
        return 0.0
    return max(LEAST_LEFT, 1 - (inside + coming) / everybody)


def _usual_population(city: City) -> float:
    """What stands for a town's number that the city has not given: an equal part of what is left of the whole."""
    missing = city.population(tuple(city.towns)).missing
    known = city.population(tuple(city.towns)).known
    return max(0.0, city.residents - known) / missing if missing else 0.0


def total(places: Iterable[Origin]) -> float:
    return sum(place.people for place in places)
