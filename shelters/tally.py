"""Everything counted at one site, in a form that order and repetition cannot change.

A door counter tells how many more or fewer there are, never how many: a count of heads (by staff, by a camera, from a
list) tells that. So a tally keeps all of the last `HORIZON`, sorted by the devices' own time, and what was believed
before that. Readings may come late, twice or in any order: the same readings give the same tally, and the same belief.
What comes later than `HORIZON` is not counted any more.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from hub.ledger.columns import to_us
from hub.shelter_list import Crowding
from shelters.belief import Belief, Count
from shelters.carrying import STEP, carry, step_before
from shelters.device import Device
from shelters.doorway import Crossing
from shelters.reading import DoorDeltas, DoorTotals, HeadCount, Reading, StaffWord
from shelters.site import SiteCode

HORIZON = timedelta(hours=2)
"""How late a reading may come and still be counted."""


class Word(msgspec.Struct, frozen=True, kw_only=True, order=True):
    at: datetime
    id: str
    crowding: Crowding


Told = TypeVar("Told", Count, Word)
Dated = TypeVar("Dated", Crossing, Count)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """`doors` and `counts`: after `folded_to`, in the order of their time, each once."""

    site: SiteCode
    doors: dict[str, tuple[Crossing, ...]] = {}
    counts: tuple[Count, ...] = ()
    last_at: dict[str, datetime] = {}
    """When each device reported last."""
    staff: Count | None = None
    """The latest number that staff gave."""
    heads: dict[str, Count] = {}
    """The latest of each device that counts heads."""
    word: Word | None = None
    belief: Belief | None = None
    """At `folded_to`."""
    near: Belief | None = None
    """Some minutes ago, as all of it says: what comes later is carried on from here. None once something older came."""
    newest_at: datetime | None = None
    folded_to: datetime | None = None

    def believed(self, devices: Sequence[Device], until: datetime) -> Belief | None:
        """What all of it says about `until`, by the doors among `devices`; None while nothing was counted."""
        start = self.near if self.near is not None and self.near.to <= until else self.belief
        return carry(start, crossings=self.doors, counts=self.counts, devices=devices, until=until)


def add(tally: Tally, readings: Iterable[Reading]) -> Tally:
    """The tally with `readings` of its site counted in. Repeating any of them changes nothing."""
    counted = [one for one in readings if tally.folded_to is None or one.at > tally.folded_to]
    crossings: defaultdict[str, list[Crossing]] = defaultdict(list)
    counts: list[Count] = []
    staff, heads, word = tally.staff, dict(tally.heads), tally.word
    for one in counted:
        since_us = to_us(one.since) if one.since else 0
        match one.measure:
            case DoorTotals(entered=entered, left=left, bits=bits):
                crossing = Crossing(one.at, one.id, entered, left, bits or 0, since_us=since_us)
                crossings[one.device].append(crossing)
            case DoorDeltas(entered=entered, left=left):
                crossing = Crossing(one.at, one.id, entered, left, deltas=True, since_us=since_us)
                crossings[one.device].append(crossing)
            case HeadCount(people=people):
                count = Count(one.at, one.id, one.device, people)
                heads[one.device] = _later(heads.get(one.device), count)
                counts.append(count)
            case StaffWord(people=people, crowding=crowding):
                if people is not None:
                    count = Count(one.at, one.id, one.device, people, by_people=True)
                    staff = _later(staff, count)
                    counts.append(count)
                if crowding is not None:
                    word = _later(word, Word(at=one.at, id=one.id, crowding=crowding))
    doors = tally.doors | {
        door: _with_crossings(tally.doors.get(door, ()), new) for door, new in crossings.items()
    }
    merged = _with_counts(tally.counts, counts)
    return msgspec.structs.replace(
        tally,
        doors=doors,
        counts=merged,
        last_at=_last(tally.last_at, counted),
        staff=staff,
        heads=heads,
        word=word,
        near=None if _older_came(tally, doors, merged) else tally.near,
        newest_at=_newest(tally, counted),
    )


def fold(tally: Tally, devices: Sequence[Device], *, horizon: timedelta = HORIZON) -> Tally:
    """The same tally, smaller: what is older than `horizon` before the newest reading becomes its belief.

    `devices`: those registered at the site; the crossings of others are forgotten.
    """
    newest_at = tally.newest_at
    if newest_at is None:
        return tally
    cut = step_before(newest_at - horizon)
    if tally.folded_to is None or cut > tally.folded_to:
        known = {device.id for device in devices}
        tally = msgspec.structs.replace(
            tally,
            belief=tally.believed(devices, cut),
            doors={
                device: tuple(crossing for crossing in crossings if crossing.at > cut)
                for device, crossings in tally.doors.items()
                if device in known
            },
            counts=tuple(count for count in tally.counts if count.at > cut),
            near=tally.near if tally.near and tally.near.to > cut else None,
            folded_to=cut,
        )
    near = step_before(newest_at - STEP)
    if near > cut and (tally.near is None or tally.near.to < near):
        tally = msgspec.structs.replace(tally, near=tally.believed(devices, near))
    return tally


def _with_crossings(known: tuple[Crossing, ...], new: Sequence[Crossing]) -> tuple[Crossing, ...]:
    """Each once, by its id, at the place of its time."""
    by_id, crossings = {crossing.id: crossing for crossing in known}, list(known)
    for crossing in new:
        _put(crossings, by_id.get(crossing.id), crossing)
        by_id[crossing.id] = min(crossing, by_id.get(crossing.id, crossing))
    return tuple(crossings)


def _with_counts(known: tuple[Count, ...], new: Sequence[Count]) -> tuple[Count, ...]:
    by_id, counts = {(count.device, count.id): count for count in known}, list(known)
    for count in new:
        id_ = count.device, count.id
        _put(counts, by_id.get(id_), count)
        by_id[id_] = min(count, by_id.get(id_, count))
    return tuple(counts)


def _put(sorted_: list[Dated], namesake: Dated | None, new: Dated) -> None:
    """At the place of its time; of two with one id that say different things, the first, whichever came before."""
    if namesake is not None:
        if not new < namesake:
            return
        sorted_.remove(namesake)
    insort(sorted_, new)


def _older_came(tally: Tally, doors: Mapping[str, Sequence[Crossing]], counts: Sequence[Count]) -> bool:
    """Whether something came that `near` should have known of."""
    if tally.near is None:
        return False
    to = tally.near.to
    pairs: list[tuple[Sequence[Crossing | Count], Sequence[Crossing | Count]]] = [
        (tally.counts, counts),
        *((tally.doors.get(door, ()), crossings) for door, crossings in doors.items()),
    ]
    return any(_up_to(known, to) != _up_to(now, to) for known, now in pairs if known is not now)


def _up_to(sorted_: Sequence[Crossing | Count], moment: datetime) -> Sequence[Crossing | Count]:
    return sorted_[: bisect_right(sorted_, moment, key=lambda one: one.at)]


def _last(known: Mapping[str, datetime], readings: Iterable[Reading]) -> dict[str, datetime]:
    last = dict(known)
    for one in readings:
        last[one.device] = max(one.at, last.get(one.device, one.at))
    return last


def _newest(tally: Tally, readings: Iterable[Reading]) -> datetime | None:
    known = () if tally.newest_at is None else (tally.newest_at,)
    return max((*known, *(one.at for one in readings)), default=None)


def _later(known: Told | None, new: Told) -> Told:
    return new if known is None or known < new else known
