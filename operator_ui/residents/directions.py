"""Where residents of each zone are sent, and why it is not the nearest, in few words."""

from collections.abc import Collection
from dataclasses import dataclass

from hub.city import City
from hub.hazard import Hazard
from hub.place import Name
from hub.recipient import Town
from shelters.board import Board
from shelters.why import Why

_MOST = 2
"""Sites a zone: what comes after them is for a few of its towns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """`sites`: at least one, the one for most people first. `why`: of that one; `nearer`: what it passed over."""

    zone: Name
    sites: list[Name]
    why: Why
    nearer: Name | None


def directions(board: Board, hazard: Hazard, city: City, towns: Collection[Town]) -> list[Direction]:
    """Of the zones in which `towns` lie, in the order of the city's list: those that the plan sends somewhere."""
    found = []
    for code, zone in city.zones.items():
        sent = board.sent(hazard, code) if any(town in towns for town in zone.towns) else []
        if sent:
            first = sent[0][1].reason
            found.append(
                Direction(
                    zone=zone.name,
                    sites=[row.site.name for row, _ in sent[:_MOST]],
                    why=first.why,
                    nearer=next((r.site.name for r in board.rows if r.site.code == first.nearer), None),
                )
            )
    return found
