"""What becomes of an evening when people are told to go to the nearest shelter, to one with room now, or by plan.

Those who obey go by what is told when they set out. The others go to what lies nearest, as do all under the policy
`nearest`. Who finds a shelter full walks on to the nearest that they have not been to, whatever the policy.
"""

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from hub.place import Position
from hub.shelter_list import MOST_HIDDEN
from shelters import programme
from shelters.forecast import Past, forecast
from shelters.routing import Place, Plan, coming, plan
from shelters.suited import Suited
from shelters.walking import DETOUR
from yobikake.evaluation.town import HOURS, Beliefs, Evening

EVERY_MIN = 15
"""How often a plan is made."""
KEPT_MIN = 5
"""How often a count is kept, for the forecast to learn from."""
NAMED = 5
"""A text names so many sites of a zone at most."""

Metres = NDArray[np.float64]
"""On foot, by family or site, and by site."""


class Policy(StrEnum):
    NEAREST = "nearest"
    ROOM_NOW = "room_now"
    """The nearest whose count says at this minute that there is room."""
    FALLBACK = "fallback"
    """The proportional rule."""
    PROGRAMME = "programme"
    """The linear programme."""


class Told(StrEnum):
    """How those who obey choose under a plan."""

    TEXT = "text"
    """Their zone's text names the plan's sites; they go to the nearest of these."""
    FIRST = "first"
    """They go to the first that their zone's text names."""
    PLACE = "place"
    """They ask for where they are: the page or the telephone names one site."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Of one evening under one policy. Ratios are of people; walking includes what they walked on."""

    people: int
    load: float
    turned_away: float
    """At least once."""
    walking_min: float
    walking_p95_min: float
    fullest: float
    """Of the sites, the highest ratio of people to capacity at the end."""
    unplaced: int
    """Found every site full."""
    full: tuple[bool, ...]
    """By site: somebody was turned away."""
    inside: tuple[tuple[int, ...], ...]
    """By site, people every `EVERY_MIN` minutes."""


def live(evening: Evening, policy: Policy, *, compliance: float, beliefs: Beliefs, told: Told) -> Outcome:
    """The same evening and policy give the same outcome."""
    return _Run(evening, policy, compliance, beliefs, told).outcome()


class _Run:
    def __init__(
        self, evening: Evening, policy: Policy, compliance: float, beliefs: Beliefs, told: Told
    ) -> None:
        self._evening, self._policy, self._beliefs, self._told = evening, policy, beliefs, told
        self._compliance = compliance
        homes = [family.home for family in evening.families]
        places = [site.position for site in evening.sites]
        self._way = _metres(homes, places)
        self._between = _metres(places, places)
        self._nearest = self._way.argmin(axis=1)
        self._capacity = [site.capacity or 0 for site in evening.sites]
        self._inside = [0] * len(places)
        self._full = [False] * len(places)
        """Staff say so once they have turned somebody away, whatever was counted."""
        self._walked = [0.0] * len(homes)
        self._been: list[set[int]] = [set() for _ in homes]
        self._placed = [False] * len(homes)
        self._arrivals: list[tuple[float, int, int]] = []
        self._kept: list[tuple[int, ...]] = []
        """Counts by site, every `KEPT_MIN`."""

    def outcome(self) -> Outcome:
        inside, begun = [], 0
        for start in range(0, 60 * HOURS, KEPT_MIN):
            if start % EVERY_MIN == 0:
                inside.append(tuple(self._inside))
                advice = self._advice(start)
            self._kept.append(tuple(self._counts()))
            begun = self._until(start + KEPT_MIN, begun, advice)
        self._arrive(float("inf"))
        inside.append(tuple(self._inside))
        families = self._evening.families
        people = np.array([family.people for family in families])
        away = np.array([len(been) > placed for been, placed in zip(self._been, self._placed, strict=True)])
        walked = np.repeat(self._walked, people)
        return Outcome(
            people=int(people.sum()),
            load=self._evening.load,
            turned_away=float((people * away).sum() / people.sum()),
            walking_min=float(walked.mean()),
            walking_p95_min=float(np.quantile(walked, 0.95)),
            fullest=max(n / most for n, most in zip(self._inside, self._capacity, strict=True)),
            unplaced=int(people[~np.array(self._placed)].sum()),
            full=tuple(self._full),
            inside=tuple(zip(*inside, strict=True)),
        )

    def _until(self, end: float, begun: int, advice: Callable[[int], int]) -> int:
        """Live until `end`. How many families have set out by then."""
        families = self._evening.families
        while begun < len(families) and families[begun].minute < end:
            self._arrive(families[begun].minute)
            obeys = families[begun].obeys < self._compliance
            self._go(begun, advice(begun) if obeys else int(self._nearest[begun]), families[begun].minute)
            begun += 1
        self._arrive(end)
        return begun

    def _go(self, family: int, site: int, minute: float, metres: float | None = None) -> None:
        way = float(self._way[family, site]) if metres is None else metres
        minutes = self._evening.minutes(way, self._evening.families[family])
        self._walked[family] += minutes
        heapq.heappush(self._arrivals, (minute + minutes, family, site))

    def _arrive(self, until: float) -> None:
        while self._arrivals and self._arrivals[0][0] <= until:
            minute, family, site = heapq.heappop(self._arrivals)
            self._been[family].add(site)
            people = self._evening.families[family].people
            if self._inside[site] + people <= self._capacity[site]:
                self._inside[site] += people
                self._placed[family] = True
            else:
                self._full[site] = True
                self._walk_on(family, site, minute)

    def _walk_on(self, family: int, site: int, minute: float) -> None:
        others = [other for other in range(len(self._capacity)) if other not in self._been[family]]
        if others:
            next_one = min(others, key=lambda other: self._between[site, other])
            self._go(family, next_one, minute, float(self._between[site, next_one]))

    def _advice(self, minute: int) -> Callable[[int], int]:
        """What is told from now on, by family."""
        if self._policy is Policy.NEAREST:
            return lambda family: int(self._nearest[family])
        if self._policy is Policy.ROOM_NOW:
            return self._with_room_now
        return self._by(self._plan(minute))

    def _with_room_now(self, family: int) -> int:
        ways = self._way[family]
        room = [site for site, has_room in enumerate(self._room_now()) if has_room]
        return min(room or range(len(ways)), key=lambda site: float(ways[site]))

    def _room_now(self) -> list[bool]:
        """As the board has it: neither 満 by its count, nor 満員 by its staff."""
        usable = self._evening.usable
        return [
            counted < usable * most and not full
            for counted, most, full in zip(self._counts(), self._capacity, self._full, strict=True)
        ]

    def _plan(self, minute: int) -> Plan:
        places = [
            Place(
                site=site.code,
                position=site.position,
                verdict=Suited.RECOMMENDED if room else Suited.FULL,
                capacity=site.capacity,
                people=max(counted, MOST_HIDDEN) if counted else 0,
                coming=0.0 if 0 < counted <= MOST_HIDDEN else self._coming(i, counted, minute),
                usable=self._evening.usable,
            )
            for i, (site, counted, room) in enumerate(
                zip(self._evening.sites, self._counts(), self._room_now(), strict=True)
            )
        ]
        solve = programme.solve if self._policy is Policy.PROGRAMME else None
        return plan(places, self._beliefs.origins, solve=solve)

    def _coming(self, site: int, counted: int, minute: int) -> float:
        """By the forecast, in half an hour, as the hub has it."""
        moments = [60.0 * KEPT_MIN * i for i in range(len(self._kept))]
        past = Past(moments, [float(counts[site]) for counts in self._kept])
        now = datetime.fromtimestamp(60.0 * minute, UTC)
        soon = forecast(past, counted, now=now, capacity=self._capacity[site]).ahead
        return coming(counted, soon)

    def _counts(self) -> list[int]:
        return [
            round(people * factor) for people, factor in zip(self._inside, self._beliefs.counted, strict=True)
        ]

    def _by(self, made: Plan) -> Callable[[int], int]:
        number = {site.code: i for i, site in enumerate(self._evening.sites)}
        if self._told is Told.PLACE:
            price = np.array([made.prices.get(site.code, np.inf) for site in self._evening.sites])
            return self._least(price)
        families, origins = self._evening.families, self._beliefs.origins
        named = {
            zone: [number[choice.site] for choice in choices[:NAMED]] for zone, choices in made.zones.items()
        }

        def choose(family: int) -> int:
            sites = named.get(origins[families[family].town].zone) or list(range(len(number)))
            if self._told is Told.FIRST:
                return sites[0]
            return min(sites, key=lambda site: float(self._way[family, site]))

        return choose

    def _least(self, price: Metres) -> Callable[[int], int]:
        if not np.isfinite(price).any():
            return lambda family: int(self._nearest[family])
        return lambda family: int((self._way[family] + price).argmin())


def _metres(starts: Sequence[Position], ends: Sequence[Position]) -> Metres:
    """On foot from each to each, on a plane: the city is small."""
    degree = 111_195.0
    here, there = (np.array([(each.latitude, each.longitude) for each in ps]) for ps in (starts, ends))
    parallel = np.cos(np.radians(there[:, 0].mean()))
    north = here[:, None, 0] - there[None, :, 0]
    east = (here[:, None, 1] - there[None, :, 1]) * parallel
    return np.asarray(DETOUR * degree * np.hypot(north, east), dtype=np.float64)
