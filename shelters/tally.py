"""Everything counted at one site, in a form that order and repetition cannot change.

A door counter tells how many more or fewer there are, never how many: a *base* (a head count, or a
number that staff gave) tells that. So a tally keeps the latest base of either kind and the crossings
of every door, sorted by the device's own time. Readings may come late, twice or in any order: the
same readings give the same tally. What is older than `HORIZON` before the newest reading is folded
into the bases, and what comes later than that is not counted any more.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import msgspec

from hub.shelter_list import Crowding
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Reading, StaffWord
from shelters.site import SiteCode

HORIZON = timedelta(hours=2)
"""How late a reading may come and still be counted."""


class Crossing(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One reading of a door. Totals or deltas, as its device counts."""

    at: datetime
    id: str
    entered: int
    left: int


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One door's crossings, in the order of their time, each once.

    `unbroken_from`: what `fold` knew of the time before the crossings that are left.
    """

    totals: bool
    crossings: tuple[Crossing, ...] = ()
    unbroken_from: datetime | None = None

    @property
    def last_at(self) -> datetime:
        return self.crossings[-1].at

    def moved(self, after: datetime, until: datetime | None = None) -> int:
        """People who came, less those who went, in readings after `after` (and not after `until`)."""
        return sum(net for at, net in self._nets() if after < at and (until is None or at <= until))

    def known_from(self, patience: timedelta) -> datetime:
        """Since when no movement was missed.

        Missed is what happened before the first reading, less one `patience`; with deltas, what happened
        in a gap longer than `patience`; with totals, the same where the counter also began anew.
        """
        start = self.unbroken_from or self.crossings[0].at - patience
        breaks = (
            after.at
            for before, after in pairwise(self.crossings)
            if after.at - before.at > patience and (not self.totals or _began_anew(before, after))
        )
        return max(breaks, default=start)

    def _nets(self) -> Iterator[tuple[datetime, int]]:
        if not self.totals:
            yield from ((crossing.at, crossing.entered - crossing.left) for crossing in self.crossings)
            return
        for before, after in pairwise(self.crossings):
            yield after.at, _between(before, after)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody or something counted everybody. `moved`: who came or went since, as far as it is folded."""

    at: datetime
    id: str
    device: str
    people: int
    moved: int = 0


class Word(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    id: str
    crowding: Crowding


Told = TypeVar("Told", Base, Word)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    site: SiteCode
    doors: dict[str, Door] = {}
    staff: Base | None = None
    heads: Base | None = None
    word: Word | None = None
    newest_at: datetime | None = None
    folded_to: datetime | None = None

    def net_since(self, base: Base) -> int:
        """Who came, less who went, since `base`, by the doors. Negative when more went."""
        after = base.at if self.folded_to is None else max(base.at, self.folded_to)
        return base.moved + sum(door.moved(after) for door in self.doors.values())


def add(tally: Tally, readings: Iterable[Reading]) -> Tally:
    """The tally with `readings` of its site counted in. Repeating any of them changes nothing."""
    for reading in readings:
        if tally.folded_to is None or reading.at > tally.folded_to:
            tally = _count(tally, reading)
    return tally


def fold(tally: Tally, *, patience: Mapping[str, timedelta], horizon: timedelta = HORIZON) -> Tally:
    """The same tally, smaller: crossings older than `horizon` before the newest reading go into the bases.

    `patience` by device; a door that is no longer registered is forgotten.
    """
    if tally.newest_at is None:
        return tally
    cut = tally.newest_at - horizon
    if tally.folded_to is not None and cut <= tally.folded_to:
        return tally
    return msgspec.structs.replace(
        tally,
        staff=_carried(tally, tally.staff, cut),
        heads=_carried(tally, tally.heads, cut),
        doors={
            device: _shortened(door, cut, patience[device])
            for device, door in tally.doors.items()
            if device in patience
        },
        folded_to=cut,
    )


def _between(before: Crossing, after: Crossing) -> int:
    """Net movement between two readings of totals. A counter that went backwards began at zero again."""
    if _began_anew(before, after):
        return after.entered - after.left
    return (after.entered - before.entered) - (after.left - before.left)


def _began_anew(before: Crossing, after: Crossing) -> bool:
    return after.entered < before.entered or after.left < before.left


def _count(tally: Tally, reading: Reading) -> Tally:
    newest = reading.at if tally.newest_at is None else max(tally.newest_at, reading.at)
    tally = msgspec.structs.replace(tally, newest_at=newest)
    match reading.measure:
        case DoorTotals() | DoorDeltas():
            return _with_crossing(tally, reading, reading.measure)
        case HeadCount(people=people):
            return msgspec.structs.replace(tally, heads=_later(tally.heads, _base(reading, people)))
        case StaffWord():
            return _with_word(tally, reading, reading.measure)


def _with_crossing(tally: Tally, reading: Reading, measure: DoorTotals | DoorDeltas) -> Tally:
    door = tally.doors.get(reading.device, Door(totals=isinstance(measure, DoorTotals)))
    crossing = Crossing(at=reading.at, id=reading.id, entered=measure.entered, left=measure.left)
    if any(known.id == crossing.id for known in door.crossings):
        return tally
    place = bisect_left(door.crossings, crossing)
    crossings = (*door.crossings[:place], crossing, *door.crossings[place:])
    return msgspec.structs.replace(
        tally, doors={**tally.doors, reading.device: msgspec.structs.replace(door, crossings=crossings)}
    )


def _with_word(tally: Tally, reading: Reading, measure: StaffWord) -> Tally:
    if measure.people is not None:
        tally = msgspec.structs.replace(tally, staff=_later(tally.staff, _base(reading, measure.people)))
    if measure.crowding is not None:
        word = Word(at=reading.at, id=reading.id, crowding=measure.crowding)
        tally = msgspec.structs.replace(tally, word=_later(tally.word, word))
    return tally


def _base(reading: Reading, people: int) -> Base:
    return Base(at=reading.at, id=reading.id, device=reading.device, people=people)


def _later(known: Told | None, new: Told) -> Told:
    return new if known is None or (known.at, known.id) < (new.at, new.id) else known


def _carried(tally: Tally, base: Base | None, cut: datetime) -> Base | None:
    """`base` with the movement up to `cut` counted into it."""
    if base is None or base.at >= cut:
        return base
    after = base.at if tally.folded_to is None else max(base.at, tally.folded_to)
    moved = sum(door.moved(after, until=cut) for door in tally.doors.values())
    return msgspec.structs.replace(base, moved=base.moved + moved)


def _shortened(door: Door, cut: datetime, patience: timedelta) -> Door:
    """The crossings after `cut`, and the last one before it: the next is counted, or found missing, from it."""
    folded = [crossing for crossing in door.crossings if crossing.at <= cut]
    if not folded:
        return door
    kept = door.crossings[len(folded) - 1 :]
    known_from = msgspec.structs.replace(door, crossings=tuple(folded)).known_from(patience)
    return msgspec.structs.replace(door, crossings=kept, unbroken_from=known_from)
