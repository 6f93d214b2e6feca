"""Where each zone's people are sent by the plan in force, how far that is, and why: for staff to see and to doubt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from hub.city import City
from hub.hazard import Hazard
from hub.place import Name
from shelters.board import Board
from shelters.routing import Choice, Method
from shelters.site import Site, SiteCode
from shelters.walking import is_night, walk
from shelters.why import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """`people`: for how many it is meant, to the end of the event. `minutes`: on foot, about."""

    site: Site
    people: int
    minutes: int
    why: Why
    nearer: Name | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """`zones`: in the order of the city's list. `unplaced`: people for whom there is no room that is known."""

    at: datetime
    by_programme: bool
    zones: list[tuple[Name, list[Destination]]]
    unplaced: int


def destinations(board: Board, hazard: Hazard, city: City) -> Destinations | None:
    """None while no plan is in force: no site for `hazard` receives whose room is known."""
    made = board.made.get(hazard)
    if made is None:
        return None
    sites = {row.site.code: row.site for row in board.rows}
    return Destinations(
        at=made.at,
        by_programme=made.plan.method is Method.PROGRAMME,
        zones=[
            (zone.name, [_destination(choice, sites, board.at) for _, choice in board.sent(hazard, code)])
            for code, zone in city.zones.items()
        ],
        unplaced=made.plan.unplaced,
    )


def _destination(choice: Choice, sites: Mapping[SiteCode, Site], now: datetime) -> Destination:
    nearer = choice.reason.nearer
    return Destination(
        site=sites[choice.site],
        people=choice.people,
        minutes=ceil(walk(choice.metres, night=is_night(now)) / timedelta(minutes=1)),
        why=choice.reason.why,
        nearer=sites[nearer].name if nearer is not None and nearer in sites else None,
    )
