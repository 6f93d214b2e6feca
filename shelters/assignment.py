"""What a rule of assignment answers, and the rule that needs no solver."""

from collections.abc import Sequence
from math import exp, log

import msgspec

from hub.errors import HubError
from shelters.walking import DETOUR

SPREAD_M = 400.0
"""So much further away, a site gets 1/e of the share."""
REACH_M = 2_000.0 * DETOUR
"""2 km as the crow flies; beyond it nobody is sent as long as there is room within it."""
NO_ROOM_M = 100_000.0
"""The price of a site that has no room at all."""
_ROUNDS = 20
"""In which what did not fit is shared out again; what is left then is not placed."""
_NOBODY = 1e-9


class NoSolution(HubError):
    """There is none, or none was found in time: the proportional rule stands in."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """`placed[i][j]`: how many people of origin i go to site j; what is missing to all of i has no place.

    `price_m[j]`: how many metres further away site j is to be taken to be, so that whoever picks the smallest sum
    of way and price fills no site over its room: what a metre's walk saves of the scarce room there is worth.
    """

    placed: list[list[float]]
    price_m: list[float]


def proportional(
    people: Sequence[float], room: Sequence[float], metres: Sequence[Sequence[float]]
) -> Assignment:
    """Each origin's people by room · exp(−extra way / 400 m) among the sites within reach, never beyond a room.

    Extra is what is further than the nearest with room. Needs no library, and takes some milliseconds.
    """
    left, waiting = list(room), list(people)
    placed = [[0.0] * len(room) for _ in people]
    for _ in range(_ROUNDS):
        wanted = [
            [number * share for share in _shares(left, way)]
            for number, way in zip(waiting, metres, strict=True)
        ]
        if not _take(wanted, left, waiting, placed):
            break
    most = max(room, default=0.0)
    return Assignment(
        placed=placed,
        price_m=[SPREAD_M * log(most / each) if each > 0 else NO_ROOM_M for each in room],
    )


def _shares(left: Sequence[float], way: Sequence[float]) -> list[float]:
    """Of one origin's people by site; all 0 when nowhere is room."""
    with_room = [metres for metres, room in zip(way, left, strict=True) if room > _NOBODY]
    if not with_room:
        return [0.0] * len(left)
    nearest = min(with_room)
    reach_m = max(REACH_M, nearest)
    weights = [
        room * exp(-(metres - nearest) / SPREAD_M) if room > _NOBODY and metres <= reach_m else 0.0
        for metres, room in zip(way, left, strict=True)
    ]
    return [weight / sum(weights) for weight in weights]


def _take(
    wanted: list[list[float]], left: list[float], waiting: list[float], placed: list[list[float]]
) -> bool:
    """Let in as many as fit, of each origin in the same proportion. Whether anybody still waits for a place."""
    for site, room in enumerate(left):
        asking = sum(row[site] for row in wanted)
        if asking <= _NOBODY:
            continue
        part = min(1.0, room / asking)
        for origin, row in enumerate(wanted):
            placed[origin][site] += part * row[site]
            waiting[origin] -= part * row[site]
        left[site] = max(0.0, room - asking)
    return any(number > 1e-6 for number in waiting) and any(room > _NOBODY for room in left)
