"""An evening in the city: who sets out for a shelter, from where and when. In truth, and as the hub believes it.

The same seed gives the same evening, whatever people are told. Capacities are invented, as in the rehearsal: the
city publishes none.
"""

import math
import random
from collections.abc import Sequence
from datetime import timedelta
from importlib import resources

import msgspec

from hub import city as cities
from hub import exposure as exposures
from hub.hazard import Hazard
from hub.place import Position
from shelters import demand
from shelters.crowding import load_thresholds
from shelters.demand import Origin
from shelters.routing import usable
from shelters.site import Site, load_sites
from shelters.walking import walk
from yobikake.evaluation.departures import Departures, drawn, family
from yobikake.rehearsal.sensors import with_inventions

HOURS = 8
"""After the order; who would set out later does not."""
HOME_M = 150.0
"""By so much homes lie off their town's centre, as a standard deviation in each direction."""
IMPAIRED = 0.15
"""Of families, those with somebody who walks with difficulty: an assumption."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`load`: how many come, as a ratio of what the open sites hold: between the two numbers.

    `open_sites`: of those designated, how many open: between the two numbers. `rush`: most set out within the same half
    an hour, which no curve of `departures` and nothing that the forecast learned from does.
    """

    name: str
    city: str
    hazard: Hazard
    load: tuple[float, float]
    open_sites: tuple[int, int]
    night: bool
    rush: bool = False


SCENARIOS = {
    "typhoon-2019": Scenario(
        name="typhoon-2019",
        city="akishima",
        hazard=Hazard.FLOOD,
        load=(0.55, 0.80),
        open_sites=(12, 18),
        night=True,
    ),
    "typhoon-2019-full": Scenario(
        name="typhoon-2019-full",
        city="akishima",
        hazard=Hazard.FLOOD,
        load=(0.95, 1.05),
        open_sites=(12, 18),
        night=True,
    ),
    "typhoon-2019-rush": Scenario(
        name="typhoon-2019-rush",
        city="akishima",
        hazard=Hazard.FLOOD,
        load=(0.55, 0.80),
        open_sites=(12, 18),
        night=True,
        rush=True,
    ),
}
"""台風第19号 of October 2019, when Akishima's shelters overflowed (NHK). How many came and what the sites hold is not
published: the load is drawn."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """`minute`: since the order. `obeys`: below the compliance, they go where they are told to."""

    people: int
    town: int
    home: Position
    minute: float
    impaired: bool
    obeys: float


class Beliefs(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub takes for true. `origins`: how many come from where; `counted`: by site, counted for each who is
    inside."""

    origins: tuple[Origin, ...]
    counted: tuple[float, ...]


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """`sites` are open throughout. `families` in the order in which they set out."""

    sites: tuple[Site, ...]
    families: tuple[Family, ...]
    night: bool
    usable: float
    """Of a capacity: from there on nobody is sent to a site, by the city's own thresholds."""
    right: Beliefs
    """The number of people and where they come from about right, counts within 3 %."""
    wrong: Beliefs
    """Between 0.6 and 1.67 times the people, in other places, and counts off by up to 10 % everywhere alike."""

    @property
    def people(self) -> int:
        return sum(each.people for each in self.families)

    @property
    def load(self) -> float:
        return self.people / sum(site.capacity or 0 for site in self.sites)

    def minutes(self, metres: float, family: Family) -> float:
        """On foot."""
        return walk(metres, impaired=family.impaired, night=self.night) / timedelta(minutes=1)


def evening(scenario: Scenario, seed: int) -> Evening:
    chance = random.Random(f"{scenario.name}:{seed}")  # noqa: S311 (an evaluation, not a secret)
    folder = resources.files("config") / scenario.city
    city = cities.load(folder)
    designated = [site for site in load_sites(folder).values() if site.designated_for(scenario.hazard)]
    number = min(len(designated), chance.randint(*scenario.open_sites))
    sites = tuple(with_inventions(chance.sample(designated, number), seed=seed).values())
    expected = demand.origins(city, exposures.load(folder, city), scenario.hazard)
    coming = chance.uniform(*scenario.load) * sum(site.capacity or 0 for site in sites)
    truth = _times(expected, [chance.lognormvariate(0, 0.3) for _ in expected], coming)
    curve = _rush(chance) if scenario.rush else drawn(chance)
    return Evening(
        sites=sites,
        families=_families(truth, coming, curve, chance),
        night=scenario.night,
        usable=usable(load_thresholds(folder)),
        right=Beliefs(
            origins=_times(expected, [1.0] * len(expected), coming * chance.uniform(0.9, 1.1)),
            counted=tuple(chance.gauss(1, 0.03) for _ in sites),
        ),
        wrong=_wrong(expected, coming, len(sites), chance),
    )


def _rush(chance: random.Random) -> Departures:
    return Departures(midpoint_min=chance.uniform(15, 45), scale_min=chance.uniform(4, 10))


def _wrong(expected: Sequence[Origin], coming: float, sites: int, chance: random.Random) -> Beliefs:
    total = coming * math.exp(chance.uniform(math.log(0.6), -math.log(0.6)))
    everywhere = chance.uniform(-0.1, 0.1)
    return Beliefs(
        origins=_times(expected, [chance.lognormvariate(0, 0.5) for _ in expected], total),
        counted=tuple(chance.gauss(1 + everywhere, 0.05) for _ in range(sites)),
    )


def _times(expected: Sequence[Origin], factors: Sequence[float], total: float) -> tuple[Origin, ...]:
    """The origins with their people in other proportions, `total` altogether."""
    weights = [origin.people * factor for origin, factor in zip(expected, factors, strict=True)]
    return tuple(
        msgspec.structs.replace(origin, people=total * weight / sum(weights))
        for origin, weight in zip(expected, weights, strict=True)
    )


def _families(
    truth: Sequence[Origin], coming: float, curve: Departures, chance: random.Random
) -> tuple[Family, ...]:
    families: list[Family] = []
    towns, weights = range(len(truth)), [origin.people for origin in truth]
    people = 0
    while people < coming:
        together = family(chance)
        people += together
        (town,) = chance.choices(towns, weights)
        families.append(
            Family(
                people=together,
                town=town,
                home=_home(truth[town].position, chance),
                minute=_sets_out(curve, chance),
                impaired=chance.random() < IMPAIRED,
                obeys=chance.random(),
            )
        )
    return tuple(sorted(families, key=lambda each: each.minute))


def _home(centre: Position, chance: random.Random) -> Position:
    north, east = chance.gauss(0, HOME_M), chance.gauss(0, HOME_M)
    parallel = math.cos(math.radians(centre.latitude))
    return Position(
        latitude=centre.latitude + north / 111_195,
        longitude=centre.longitude + east / (111_195 * parallel),
    )


def _sets_out(curve: Departures, chance: random.Random) -> float:
    """`curve.share` turned round, found by halving: within a second."""
    share = chance.random() * curve.share(60 * HOURS)
    low, high = 0.0, 60.0 * HOURS
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (middle, high) if curve.share(middle) < share else (low, middle)
    return low
