"""The shelters as residents see them: only those that may be shown for the hazard, only what helps them."""

from datetime import datetime

import msgspec

from hub.hazard import Hazard
from hub.place import Position
from hub.shelter_list import Crowding
from shelters.board import Board, Row
from shelters.disclosure import UNSAID
from shelters.site import Facility
from shelters.suited import Suited


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One site, ready for a page or as JSON. `crowding` and `people` both None, and not `few`: 不明.

    `suited` says what may be written beside it: go there, full, or opening at `opens_at`.
    """

    code: str
    ja: str
    en: str
    address: str
    latitude: float
    longitude: float
    suited: Suited
    opens_at: datetime | None
    people: int | None
    capacity: int | None
    crowding: Crowding | None
    as_of: datetime | None
    fresh_until: datetime | None = None
    """From then on the numbers and the word are 不明, unless something newer has come."""
    facilities: tuple[Facility, ...] = ()
    """What is known to be there, in the order of `Facility`."""
    few: bool = False
    """One to four people: how many exactly is not said (`shelters.disclosure`)."""


def public_list(
    board: Board, hazard: Hazard, *, near: Position | None = None, about: Position | None = None
) -> list[Entry]:
    """In the order of `Board.shown`; full ones and those being opened at the end."""
    return [_entry(row, row.suited(hazard)) for row in board.shown(hazard, near=near, about=about)]


def _entry(row: Row, verdict: Suited) -> Entry:
    receiving = verdict is not Suited.PLANNED
    said = row.disclosed if receiving else UNSAID
    known = said != UNSAID or (receiving and row.crowding is not None)
    return Entry(
        code=row.site.code,
        ja=row.site.name.ja,
        en=row.site.name.en,
        address=row.site.address,
        latitude=row.site.position.latitude,
        longitude=row.site.position.longitude,
        suited=verdict,
        opens_at=None if receiving else row.step.opens_at,
        people=said.people,
        capacity=row.site.capacity,
        crowding=_word(row, verdict) if receiving else None,
        as_of=row.occupancy.as_of if known else None,
        fresh_until=row.occupancy.fresh_until if known else None,
        facilities=tuple(each for each in Facility if each in row.site.facilities),
        few=said.few,
    )


def _word(row: Row, verdict: Suited) -> Crowding | None:
    """満員 is staff's decision and stands above any number."""
    return Crowding.FULL if verdict is Suited.FULL else row.crowding
