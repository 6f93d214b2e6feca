"""A shelter as residents see it: its state as a word with a shape, its people, and how old that is.

Which sites are here at all is `suited`'s to say (I16).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.hazard import Hazard
from hub.place import Name, Position
from hub.shelter_list import MOST_HIDDEN, STALE_AFTER, Crowding
from operator_ui.map import Marker, Shape
from shelters.board import Board
from shelters.public_list import Entry, public_list
from shelters.site import SiteCode
from shelters.suited import Suited


class State(StrEnum):
    """What the chip beside a site's name says. The values are names of style classes."""

    HAS_ROOM = "has_room"
    SOME = "some"
    CROWDED = "crowded"
    FULL = "full"
    UNKNOWN = "unknown"
    COUNTED = "counted"
    """A head count without a capacity: it never becomes a word (I13)."""
    PLANNED = "planned"

    @property
    def shape(self) -> Shape:
        return _SHAPES[self]

    @property
    def crowding(self) -> Crowding | None:
        """The official word, where the state is one."""
        return None if self in (State.COUNTED, State.PLANNED) else Crowding(self.value)


_SHAPES = {
    State.HAS_ROOM: Shape.CIRCLE,
    State.SOME: Shape.SQUARE,
    State.CROWDED: Shape.DIAMOND,
    State.FULL: Shape.OCTAGON,
    State.UNKNOWN: Shape.DOTTED,
    State.COUNTED: Shape.CIRCLE,
    State.PLANNED: Shape.DASHED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instead:
    """Where to go instead of a site that is full."""

    name: Name
    distance_km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSite:
    """`number` is its place in the list and on the map, nothing else.

    `old`: the report is older than 30 minutes. `late`: it should be open by now and is not. `price_m`: by how many
    metres of way it is to be taken as further away than it is, so that there is room on arrival; None: no plan
    counts on it.
    """

    number: int
    entry: Entry
    state: State
    old: bool
    late: bool
    instead: Instead | None
    price_m: int | None

    @property
    def name(self) -> Name:
        return Name(ja=self.entry.ja, en=self.entry.en)

    @property
    def filling(self) -> bool:
        """It will be full before people who set out now arrive."""
        return self.entry.suited is Suited.FILLING

    @property
    def percent(self) -> int | None:
        """Of its capacity, at most 100, for the bar. A few people are four."""
        people = MOST_HIDDEN if self.entry.few else self.entry.people
        capacity = self.entry.capacity
        return None if people is None or capacity is None else min(100, round(100 * people / capacity))


def shown_sites(board: Board, hazard: Hazard, *, about: Position) -> list[ShownSite]:
    """What residents may see during an alert for `hazard`, in the order of `Board.shown`."""
    entries, prices = public_list(board, hazard, about=about), board.prices(hazard)
    return [
        _shown(entry, i, entries, board.at, prices.get(SiteCode(entry.code)))
        for i, entry in enumerate(entries, start=1)
    ]


def marker(site: ShownSite, title: str) -> Marker:
    return Marker(
        position=_position(site.entry),
        label=str(site.number),
        title=title,
        shape=site.state.shape,
        kind=" ".join([f"s-{site.state}", *(f"has-{each}" for each in site.entry.facilities)]),
    )


def _shown(
    entry: Entry, number: int, entries: Sequence[Entry], now: datetime, price_m: float | None
) -> ShownSite:
    elsewhere = entry.suited in (Suited.FULL, Suited.FILLING)
    return ShownSite(
        number=number,
        entry=entry,
        state=_state(entry),
        old=entry.as_of is not None and now - entry.as_of > STALE_AFTER,
        late=entry.opens_at is not None and now > entry.opens_at,
        instead=_instead(entry, entries) if elsewhere else None,
        price_m=None if price_m is None else round(price_m),
    )


def _state(entry: Entry) -> State:
    if entry.suited is Suited.PLANNED:
        return State.PLANNED
    if entry.crowding is not None:
        return State(entry.crowding.value)
    return State.COUNTED if entry.few or entry.people is not None else State.UNKNOWN


def _instead(full: Entry, entries: Sequence[Entry]) -> Instead | None:
    """The nearest site with room; if there is none, the nearest that still receives."""
    here = _position(full)
    receiving = [entry for entry in entries if entry.suited.recommended]
    with_room = [entry for entry in receiving if entry.crowding in (Crowding.HAS_ROOM, Crowding.SOME)]
    nearest = min(with_room or receiving, key=lambda entry: here.distance_m(_position(entry)), default=None)
    if nearest is None:
        return None
    distance_m = here.distance_m(_position(nearest))
    return Instead(name=Name(ja=nearest.ja, en=nearest.en), distance_km=round(distance_m / 1000, 1))


def _position(entry: Entry) -> Position:
    return Position(latitude=entry.latitude, longitude=entry.longitude)
