"""From what was counted at a site to what is said of it.

The doors carry every count on: by staff, by cameras, from a list (`carrying`). While they cannot, a number that staff
gave stands as long as it is fresh, then what the head counters see, then a list.
"""

from datetime import datetime, timedelta
from math import ceil

import msgspec

from hub.shelter_list import MOST_HIDDEN, Crowding
from shelters.belief import Belief
from shelters.crowding import Thresholds
from shelters.device import SILENT_INTERVALS, Counts, Device
from shelters.filter import NINETY
from shelters.occupancy import STAFF_INTERVAL, Occupancy, Recount, Source
from shelters.reading import CLOCK_TOLERANCE
from shelters.tally import Tally, Word

WIDE, WIDE_SHARE = 10, 0.2
"""People ±, and share of the number ±, above both of which staff are asked to count."""

USELESS, USELESS_SHARE = 20, 0.5
"""The same, above which the number is not said at all."""

LITTLE, LITTLE_SHARE = 3, 0.03
"""Crossings made up, and share of the number, up to both of which nobody needs to hear of it."""


class Ruler(msgspec.Struct, frozen=True, kw_only=True):
    """What a site is measured by."""

    devices: tuple[Device, ...] = ()
    capacity: int | None = None
    thresholds: Thresholds = Thresholds()
    staff_interval: timedelta = STAFF_INTERVAL

    @property
    def doors(self) -> tuple[Device, ...]:
        return tuple(device for device in self.devices if device.door)

    def counting(self, kind: Counts) -> tuple[Device, ...]:
        return tuple(device for device in self.devices if device.counts is kind)

    @property
    def staff_patience(self) -> timedelta:
        return SILENT_INTERVALS * self.staff_interval


class _Count(msgspec.Struct, frozen=True, kw_only=True):
    people: int
    source: Source
    as_of: datetime
    fresh_until: datetime
    margin: int | None = None
    guessed: bool = False


def estimate(tally: Tally, ruler: Ruler, *, now: datetime, before: Occupancy | None = None) -> Occupancy:
    """The occupancy at `now`. `before`: what was last said of the site; its version is followed by the next."""
    before = before or Occupancy(site=tally.site, version=int(now.timestamp()))
    silent = _silent(tally, ruler, now)
    ahead = min(tally.newest_at or now, now + CLOCK_TOLERANCE)  # a device's clock may run ahead
    until = max(now, ahead)
    belief = tally.believed(ruler.devices, until) if ruler.doors else None
    count, word = _count(tally, belief, ruler, now), _staff_word(tally, ruler, now)
    said = Occupancy(
        site=tally.site,
        version=before.version + 1,
        capacity=ruler.capacity,
        silent=silent,
        recount=_recount(belief, count, ruler, silent) if belief else (),
        flipped=belief.flipped if belief else (),
        last_people=before.last_people,
        last_at=before.last_at,
    )
    if count:
        said = _with_count(said, count, ruler)
    return _with_word(said, word, ruler) if word else said


def _with_count(said: Occupancy, count: _Count, ruler: Ruler) -> Occupancy:
    doubtful = count.guessed or Recount.CONTRADICTED in said.recount
    return msgspec.structs.replace(
        said,
        people=count.people,
        margin=count.margin,
        crowding=_word(count, ruler, doubtful=doubtful),
        source=count.source,
        as_of=count.as_of,
        fresh_until=count.fresh_until,
        guessed=count.guessed,
        last_people=count.people,
        last_at=count.as_of,
    )


def _word(count: _Count, ruler: Ruler, *, doubtful: bool) -> Crowding | None:
    """The word of the most people there may be. 満 alone is that of the number itself: it sends people away.

    `doubtful`: then it is not «space available», and there is no word where that would be it. One to four people have the
    word of four, with their margin too: it would tell which of them (`disclosure`).
    """
    likely = ruler.thresholds.word(count.people, ruler.capacity)
    if likely is Crowding.FULL:
        return likely
    most = ruler.thresholds.word(_not_few(count.people) + (count.margin or 0), ruler.capacity)
    if most is Crowding.FULL:
        return Crowding.CROWDED
    return None if doubtful and most is Crowding.HAS_ROOM else most


def _not_few(people: int) -> int:
    return max(people, MOST_HIDDEN) if people else 0


def _with_word(said: Occupancy, word: Word, ruler: Ruler) -> Occupancy:
    until = word.at + ruler.staff_patience
    return msgspec.structs.replace(
        said,
        crowding=word.crowding,
        source=said.source or Source.STAFF,
        as_of=said.as_of or word.at,
        fresh_until=min(until, said.fresh_until) if said.fresh_until else until,
    )


def _count(tally: Tally, belief: Belief | None, ruler: Ruler, now: datetime) -> _Count | None:
    told = _told(tally, ruler, now)
    if belief is not None and belief.carries(ruler.doors, now):
        carried = _by_doors(tally, belief, ruler, now)
        if _useful(carried) and (told is None or carried.as_of > told.as_of):
            return carried
    return told


def _told(tally: Tally, ruler: Ruler, now: datetime) -> _Count | None:
    """The number that somebody gave and that is still fresh: staff before counters, these before a list."""
    staff = tally.staff
    if staff is not None and now <= staff.at + ruler.staff_patience:
        until = staff.at + ruler.staff_patience
        return _Count(people=staff.people, source=Source.STAFF, as_of=staff.at, fresh_until=until)
    return _by_heads(tally, ruler.counting(Counts.HEADS), now) or _by_heads(
        tally, ruler.counting(Counts.LIST), now
    )


def _by_heads(tally: Tally, devices: tuple[Device, ...], now: datetime) -> _Count | None:
    """All of them together, while all of them report: what a silent one does not see is not nobody."""
    counts = [tally.heads[device.id] for device in devices if _reports(tally, device, now)]
    if not devices or len(counts) < len(devices):
        return None
    people = sum(max(0, count.people - device.staff) for count, device in zip(counts, devices, strict=True))
    errors = [device.error_percent for device in devices]
    worst = max((error for error in errors if error is not None), default=None)
    return _Count(
        people=people,
        source=Source.HEADS,
        as_of=min(count.at for count in counts),
        fresh_until=min(count.at + device.patience for count, device in zip(counts, devices, strict=True)),
        margin=None if worst is None or None in errors else ceil(NINETY * _not_few(people) * worst / 100),
    )


def _by_doors(tally: Tally, belief: Belief, ruler: Ruler, now: datetime) -> _Count:
    lasts = [(tally.last_at[door.id], door.patience) for door in ruler.doors if _reports(tally, door, now)]
    people = round(belief.state.people)
    silent_door = len(lasts) < len(ruler.doors)
    return _Count(
        people=people,
        source=Source.DOORS,
        as_of=min(last for last, _ in lasts),
        fresh_until=min(last + patience for last, patience in lasts),
        margin=ceil(NINETY * belief.state.deviation),
        guessed=silent_door or bool(belief.flipped) or belief.made_up > max(LITTLE, LITTLE_SHARE * people),
    )


def _useful(count: _Count) -> bool:
    """An interval that may be anything says nothing: then the number is not known."""
    return count.margin is None or count.margin <= max(USELESS, USELESS_SHARE * count.people)


def _recount(
    belief: Belief, count: _Count | None, ruler: Ruler, silent: tuple[str, ...]
) -> tuple[Recount, ...]:
    margin = count.margin if count else None
    asked = {
        Recount.CONTRADICTED: belief.contradicted,
        Recount.FLIPPED: bool(belief.flipped),
        Recount.SILENT_DOOR: count is not None and count.guessed and not belief.flipped,
        Recount.WIDE: count is not None
        and margin is not None
        and margin > max(WIDE, WIDE_SHARE * count.people),
        Recount.LOST: count is None,
    }
    return tuple(reason for reason, holds in asked.items() if holds)


def _staff_word(tally: Tally, ruler: Ruler, now: datetime) -> Word | None:
    """Staff's own word while it is fresh, unless they gave a number later that says it anew."""
    word = tally.word
    if word is None or now > word.at + ruler.staff_patience:
        return None
    said_anew = tally.staff is not None and tally.staff.at > word.at and ruler.capacity is not None
    return None if said_anew else word


def _silent(tally: Tally, ruler: Ruler, now: datetime) -> tuple[str, ...]:
    sensors = (device for device in ruler.devices if device.counts is not Counts.STAFF)
    return tuple(sorted(device.id for device in sensors if not _reports(tally, device, now)))


def _reports(tally: Tally, device: Device, now: datetime) -> bool:
    last = tally.last_at.get(device.id)
    return last is not None and now <= last + device.patience
