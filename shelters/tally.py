"""Everything counted at one site, in a form that order and repetition cannot change.

A door counter tells how many more or fewer there are, never how many: a *base* (a head count, or a
number that staff gave) tells that. So a tally keeps the latest base of either kind and the crossings
of every door, sorted by the device's own time. Readings may come late, twice or in any order: the
same readings give the same tally. What is older than `HORIZON` before the newest reading is folded
into the bases, and what comes later than that is not counted any more.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import msgspec

from hub.shelter_list import Crowding
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Reading, StaffWord
from shelters.site import SiteCode

HORIZON = timedelta(hours=2)
"""How late a reading may come and still be counted."""

WRAP_WITHIN = 4_096
"""A counter whose width is known, and that would have had to count no more than this to be full and come out where
it is, was full. Otherwise it began anew: nobody passes a door so often between two readings."""


class Crossing(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One reading of a door. Totals or deltas, as its device counts. `bits`: how wide its totals are; 0: not known."""

    at: datetime
    id: str
    entered: int
    left: int
    bits: int = 0


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

    def crossed(self, after: datetime, until: datetime | None = None) -> int:
        """People who came and people who went, both counted, in the same readings as `moved`."""
        return sum(gross for at, gross in self._grosses() if after < at and (until is None or at <= until))

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
        yield from ((at, entered - left) for at, entered, left in self._steps())

    def _grosses(self) -> Iterator[tuple[datetime, int]]:
        yield from ((at, entered + left) for at, entered, left in self._steps())

    def _steps(self) -> Iterator[tuple[datetime, int, int]]:
        """Who came and who went, by reading."""
        if not self.totals:
            yield from ((crossing.at, crossing.entered, crossing.left) for crossing in self.crossings)
            return
        for before, after in pairwise(self.crossings):
            yield after.at, *_between(before, after)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody or something counted everybody. `moved`: who came, less who went, since, as far as it is
    folded; `crossed`: how many crossings that was, by door."""

    at: datetime
    id: str
    device: str
    people: int
    moved: int = 0
    crossed: dict[str, int] = {}


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

    def crossed_since(self, base: Base) -> dict[str, int]:
        """How often each door was crossed since `base`."""
        after = base.at if self.folded_to is None else max(base.at, self.folded_to)
        return {
            device: base.crossed.get(device, 0) + door.crossed(after) for device, door in self.doors.items()
        }


def add(tally: Tally, readings: Iterable[Reading]) -> Tally:
    """The tally with `readings` of its site counted in. Repeating any of them changes nothing."""
    counted = [one for one in readings if tally.folded_to is None or one.at > tally.folded_to]
    crossings: defaultdict[str, list[Reading]] = defaultdict(list)
    staff, heads, word = tally.staff, tally.heads, tally.word
    for one in counted:
        match one.measure:
            case DoorTotals() | DoorDeltas():
                crossings[one.device].append(one)
            case HeadCount(people=people):
                heads = _later(heads, _base(one, people))
            case StaffWord(people=people, crowding=crowding):
                if people is not None:
                    staff = _later(staff, _base(one, people))
                if crowding is not None:
                    word = _later(word, Word(at=one.at, id=one.id, crowding=crowding))
    return msgspec.structs.replace(
        tally,
        doors=tally.doors
        | {door: _with_crossings(tally.doors.get(door), new) for door, new in crossings.items()},
        staff=staff,
        heads=heads,
        word=word,
        newest_at=_newest(tally, counted),
    )


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


def _between(before: Crossing, after: Crossing) -> tuple[int, int]:
    """Who came and who went between two readings of totals. A counter that began anew began at zero."""
    if _began_anew(before, after):
        return after.entered, after.left
    return (
        _grown(before.entered, after.entered, after.bits),
        _grown(before.left, after.left, after.bits),
    )


def _began_anew(before: Crossing, after: Crossing) -> bool:
    return any(
        now < then and not _wrapped(then, now, after.bits)
        for then, now in ((before.entered, after.entered), (before.left, after.left))
    )


def _grown(then: int, now: int, bits: int) -> int:
    return now - then + (1 << bits if now < then else 0)


def _wrapped(then: int, now: int, bits: int) -> bool:
    """Whether a counter of `bits` was full and went on at zero, rather than begin anew."""
    return bits > 0 and (1 << bits) - then + now <= WRAP_WITHIN


def _newest(tally: Tally, readings: Iterable[Reading]) -> datetime | None:
    known = () if tally.newest_at is None else (tally.newest_at,)
    return max((*known, *(one.at for one in readings)), default=None)


def _with_crossings(door: Door | None, readings: Sequence[Reading]) -> Door:
    """Each once, by its id, at the place of its time."""
    door = door or Door(totals=isinstance(readings[0].measure, DoorTotals))
    known = {crossing.id for crossing in door.crossings}
    crossings = list(door.crossings)
    for one in readings:
        if one.id not in known and isinstance(one.measure, DoorTotals | DoorDeltas):
            known.add(one.id)
            bits = one.measure.bits or 0 if isinstance(one.measure, DoorTotals) else 0
            crossing = Crossing(
                at=one.at, id=one.id, entered=one.measure.entered, left=one.measure.left, bits=bits
            )
            insort(crossings, crossing)
    return msgspec.structs.replace(door, crossings=tuple(crossings))


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
    crossed = {
        device: base.crossed.get(device, 0) + door.crossed(after, until=cut)
        for device, door in tally.doors.items()
    }
    return msgspec.structs.replace(base, moved=base.moved + moved, crossed=crossed)


def _shortened(door: Door, cut: datetime, patience: timedelta) -> Door:
    """The crossings after `cut`, and the last one before it: the next is counted, or found missing, from it."""
    folded = [crossing for crossing in door.crossings if crossing.at <= cut]
    if not folded:
        return door
    kept = door.crossings[len(folded) - 1 :]
    known_from = msgspec.structs.replace(door, crossings=tuple(folded)).known_from(patience)
    return msgspec.structs.replace(door, crossings=kept, unbroken_from=known_from)
