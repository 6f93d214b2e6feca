"""Where to send people so that there is room when they arrive: zone by zone, and from any place.

A plan is made of places as they are now (`Place`) and of how many are likely to come from where (`demand`). The
linear programme (`programme`) makes it; where that has no answer, the proportional rule (`assignment`) does. Which
site may be named at all is `suited`'s to say (I16), and a site whose room is not known is never counted on (I13):
it comes after those with room.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache

import msgspec
import structlog

from hub.place import Position
from hub.recipient import Zone
from shelters import demand
from shelters.ahead import HORIZONS, Ahead
from shelters.assignment import Assignment, NoSolution, proportional
from shelters.crowding import Thresholds
from shelters.demand import COMPLIANCE, Origin
from shelters.site import SiteCode
from shelters.suited import Suited
from shelters.walking import way_m
from shelters.why import Reason, Seen, reason

log = structlog.get_logger(__name__)

USABLE = 0.97
"""Of a capacity: the rest is for who cannot be turned away, and for what was not counted."""
ARRIVAL = HORIZONS[0]
"""After which those who set out now have arrived, most of them."""
_LEAST_PEOPLE = 0.5
"""Fewer of a zone are not worth a line."""

Solve = Callable[[Sequence[float], Sequence[float], Sequence[Sequence[float]]], Assignment]
"""People by origin, room by site, metres between them. Raises `NoSolution`."""


def usable(thresholds: Thresholds) -> float:
    """Of a capacity, where a site is called 満 from less than all of it on: nobody is sent there any more."""
    full = thresholds.full_from_percent
    return USABLE if full is None else min(USABLE, full / 100)


def coming(people: int, ahead: Sequence[Ahead]) -> float:
    """How many more are inside when people who set out now arrive (`ARRIVAL`), as is most likely.

    0 where nobody can say: then room at arrival is room now.
    """
    soon = next((each.people for each in ahead), None)
    return 0.0 if soon is None else float(max(0, soon - people))


class Method(StrEnum):
    PROGRAMME = "programme"
    PROPORTIONAL = "proportional"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A site that may be shown for the hazard.

    `coming`: how many more the forecast says will be inside when people who set out now arrive. `usable`: up to
    which ratio of its capacity people are sent there (`usable`).
    """

    site: SiteCode
    position: Position
    verdict: Suited
    capacity: int | None
    people: int | None
    coming: float = 0.0
    usable: float = USABLE

    @property
    def room(self) -> float | None:
        """At arrival. None: not known, or nobody is to be sent there."""
        if not self.verdict.recommended or self.capacity is None or self.people is None:
            return None
        return max(0.0, self.usable * self.capacity - self.people - self.coming)


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One site for one zone. `people`: how many it is meant for, to the end of the event; `metres`: on foot, about."""

    site: SiteCode
    people: int
    metres: int
    reason: Reason


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`prices`: for every site with room, by how many metres it is to be taken as further away than it is.

    Whoever goes where way and price together are least goes where the plan wants them, wherever they set out.
    `zones`: what that means zone by zone, most people first. `unplaced`: people for whom there is no room.
    """

    method: Method
    prices: dict[SiteCode, float]
    zones: dict[Zone, tuple[Choice, ...]]
    unplaced: int = 0

    def rank_m(self, site: SiteCode, position: Position, start: Position) -> float | None:
        """What is least where one is to go from `start`; None: the plan does not count on that site."""
        price = self.prices.get(site)
        return None if price is None else way_m(start, position) + price


def plan(places: Sequence[Place], origins: Sequence[Origin], *, solve: Solve | None) -> Plan:
    """The same places and origins give the same plan. `solve` None: by the proportional rule at once."""
    return _Planning(places, origins).made(solve)


class _Planning:
    """`_ways[i][j]`: metres from origin i to place j. `_open`: the places j whose room is known."""

    def __init__(self, places: Sequence[Place], origins: Sequence[Origin]) -> None:
        self._places, self._origins = places, origins
        self._ways = _ways(
            tuple(origin.position for origin in origins), tuple(place.position for place in places)
        )
        self._open = [j for j, place in enumerate(places) if place.room is not None]
        self._setting_out = _setting_out(places, origins)

    def made(self, solve: Solve | None) -> Plan:
        room = self._without_who_comes_anyway()
        people = [COMPLIANCE * number for number in self._setting_out]
        metres = [[way[j] for j in self._open] for way in self._ways]
        method, found = _assigned(people, room, metres, solve)
        return Plan(
            method=method,
            prices={
                self._places[j].site: round(price, 1)
                for j, price, left in zip(self._open, found.price_m, room, strict=True)
                if left >= 1
            },
            zones=self._by_zone(found),
            unplaced=round(sum(people) - sum(map(sum, found.placed))),
        )

    def _without_who_comes_anyway(self) -> list[float]:
        """Room at arrival by open place, after those who go to what lies nearest whatever they are told.

        Where they do not fit they walk on, to the nearest that has room. There they find those who were sent: of
        its room they take their own part, so that some of it is left to send people to however many there are.
        """
        receiving = [j for j, place in enumerate(self._places) if place.verdict is not Suited.PLANNED]
        come = dict.fromkeys(receiving, 0.0)
        if receiving:
            for way, number in zip(self._ways, self._setting_out, strict=True):
                come[min(receiving, key=way.__getitem__)] += (1 - COMPLIANCE) * number
        left = {j: self._places[j].room or 0.0 for j in self._open}
        walk_on = {at: max(0.0, number - left.get(at, 0.0)) for at, number in come.items()}
        for at, number in come.items():
            if at in left:
                left[at] = max(0.0, left[at] - number)
        others = {j: (1 - COMPLIANCE) * room for j, room in left.items()}
        for at, number in walk_on.items():
            self._walk_on(at, number, left, others)
        return [left[j] for j in self._open]

    def _walk_on(self, at: int, number: float, left: dict[int, float], others: dict[int, float]) -> None:
        """From `at`. `others`: what may still be taken of the room that is `left`."""
        here = self._places[at].position
        for j in sorted(self._open, key=lambda j: here.distance_m(self._places[j].position)):
            taken = min(number, others[j])
            left[j] -= taken
            others[j] -= taken
            number -= taken
            if number <= 0:
                return

    def _by_zone(self, found: Assignment) -> dict[Zone, tuple[Choice, ...]]:
        zones: dict[Zone, list[int]] = {}
        for i, origin in enumerate(self._origins):
            zones.setdefault(origin.zone, []).append(i)
        return {zone: self._choices(members, found.placed) for zone, members in zones.items()}

    def _choices(self, members: Sequence[int], placed: Sequence[Sequence[float]]) -> tuple[Choice, ...]:
        """Of one zone. The reason is that of the town most of whose people are sent there."""
        choices = []
        for column, j in enumerate(self._open):
            number = sum(placed[i][column] for i in members)
            if number < _LEAST_PEOPLE:
                continue
            most = max(members, key=lambda i: placed[i][column])
            choices.append(
                Choice(
                    site=self._places[j].site,
                    people=round(number),
                    metres=round(sum(placed[i][column] * self._ways[i][j] for i in members) / number),
                    reason=reason(self._places[j].site, self._seen(most)),
                )
            )
        return tuple(sorted(choices, key=lambda choice: (-choice.people, choice.metres, choice.site)))

    def _seen(self, origin: int) -> list[Seen]:
        return [
            Seen(site=place.site, metres=metres, verdict=place.verdict, counted=place.room is not None)
            for place, metres in zip(self._places, self._ways[origin], strict=True)
        ]


@lru_cache(maxsize=16)
def _ways(starts: tuple[Position, ...], ends: tuple[Position, ...]) -> list[list[float]]:
    """Towns and sites lie where they lay a quarter of an hour ago."""
    return [[way_m(start, end) for end in ends] for start in starts]


def _assigned(
    people: Sequence[float], room: Sequence[float], metres: Sequence[Sequence[float]], solve: Solve | None
) -> tuple[Method, Assignment]:
    if solve is not None and any(each > 0 for each in room):
        try:
            return Method.PROGRAMME, solve(people, room, metres)
        except NoSolution as e:
            log.warning("no assignment by the programme; the proportional rule stands in", reason=e.message)
    return Method.PROPORTIONAL, proportional(people, room, metres)


def _setting_out(places: Sequence[Place], origins: Sequence[Origin]) -> list[float]:
    """How many have yet to set out, by origin: the prior without those who are inside or on their way."""
    left = demand.remaining(
        demand.total(origins),
        inside=sum(place.people or 0 for place in places),
        coming=sum(place.coming for place in places),
    )
    return [left * origin.people for origin in origins]
