"""All shelters at one look: how many are in which state, and how many people that is."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, hypot

from hub.hazard import Hazard
from hub.shelter_list import Crowding
from shelters.board import Board, Row
from shelters.shelter import INHABITED
from shelters.suited import Suited


class Look(StrEnum):
    """What stands for a site's state, in the order of a bar."""

    HAS_ROOM = "has_room"
    SOME = "some"
    CROWDED = "crowded"
    FULL = "full"
    COUNTED = "counted"
    """How many are inside is known, how many fit is not: then no number becomes a word (I13)."""
    UNKNOWN = "unknown"
    PLANNED = "planned"
    PAUSED = "paused"
    NOT_OPEN = "not_open"
    UNSUITED = "unsuited"

    @property
    def japanese(self) -> str:
        return _JAPANESE[self]


_JAPANESE = {
    Look.HAS_ROOM: "空いています",
    Look.SOME: "やや混雑",
    Look.CROWDED: "混雑",
    Look.FULL: "満員",
    Look.COUNTED: "受入中",
    Look.UNKNOWN: "不明",
    Look.PLANNED: "開設準備中",
    Look.PAUSED: "一時停止",
    Look.NOT_OPEN: "未開設",
    Look.UNSUITED: "この災害では使えません",
}

_BY_SUITED = {
    Suited.FULL: Look.FULL,
    Suited.PLANNED: Look.PLANNED,
    Suited.PAUSED: Look.PAUSED,
    Suited.NOT_OPEN: Look.NOT_OPEN,
    Suited.NOT_DESIGNATED: Look.UNSUITED,
    Suited.NO_DESIGNATION: Look.UNSUITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """`people`: in the sites whose count is known, ± `margin`; `unknown`: inhabited sites without one (I13).

    `receiving`: sites fit for the hazard to which people may go. `room`: how many more these hold, as far as
    count and capacity are known; None where no capacity is.
    """

    hazard: Hazard
    counts: dict[Look, int]
    people: int
    margin: int
    unknown: int
    receiving: int
    room: int | None

    @property
    def usable(self) -> int:
        return sum(number for look, number in self.counts.items() if look is not Look.UNSUITED)


def glance(board: Board, hazard: Hazard) -> Glance:
    counted = Counter(look_of(row, hazard) for row in board.rows)
    inhabited = [row for row in board.rows if row.step.stage in INHABITED]
    receiving = [row for row in inhabited if row.suited(hazard).recommended]
    rooms = [
        max(0, row.site.capacity - row.people)
        for row in receiving
        if row.site.capacity is not None and row.people is not None
    ]
    return Glance(
        hazard=hazard,
        counts={look: counted[look] for look in Look if counted[look]},
        people=sum(row.people or 0 for row in inhabited),
        margin=ceil(hypot(*(row.occupancy.margin or 0 for row in inhabited))),
        unknown=sum(row.people is None for row in inhabited),
        receiving=len(receiving),
        room=sum(rooms) if rooms else None,
    )


def look_of(row: Row, hazard: Hazard) -> Look:
    """満員 is staff's decision; without it a count decides, and no count is 不明, never room (I13)."""
    verdict = row.suited(hazard)
    if verdict in _BY_SUITED:
        return _BY_SUITED[verdict]
    if row.crowding not in (None, Crowding.UNKNOWN):
        return Look(row.crowding.value)
    return Look.UNKNOWN if row.people is None else Look.COUNTED
