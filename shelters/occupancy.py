"""How many people a site holds, how sure that is, and until when it may be believed.

Who is believed: a number that staff gave, while it is fresh; else a head count, while it is fresh;
else the last of either, carried on by the doors, while every door reports. The doors' movement since
is added whenever every door reports. When nothing is fresh the number is unknown, 不明: silence never
reads as «space available» (I13).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, hypot

import msgspec

from hub.shelter_list import Crowding
from shelters.ahead import NOTHING, Ahead, Forecast
from shelters.crowding import Thresholds
from shelters.device import SILENT_INTERVALS, Counts, Device
from shelters.site import SiteCode
from shelters.tally import Base, Tally, Word

STAFF_INTERVAL = timedelta(minutes=15)
"""How often staff are asked to report (the screen's 次の目安)."""


class Source(StrEnum):
    """Where the number (or, without a number, the word) comes from."""

    STAFF = "staff"
    HEADS = "heads"
    DOORS = "doors"

    @property
    def japanese(self) -> str:
        return {Source.STAFF: "職員入力", Source.HEADS: "人数の計測", Source.DOORS: "センサー"}[self]


class Occupancy(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one site at one moment, as it travels on `occupancy`.

    `people` and `crowding` both None: 不明. `version` rises with every new word on a site. It begins at the
    time in seconds, so that if snapshots are lost, what is said anew still replaces what was said before.
    """

    site: SiteCode
    version: int
    people: int | None = None
    margin: int | None = None
    """People ±: by how much `people` may be wrong, as far as its sensors' errors are known. None: not known,
    or a number that somebody counted."""
    capacity: int | None = None
    crowding: Crowding | None = None
    source: Source | None = None
    as_of: datetime | None = None
    """Time of the reading that is oldest among those it rests on now: its age on screens."""
    fresh_until: datetime | None = None
    """From then on it is unknown, unless something newer has come."""
    silent: tuple[str, ...] = ()
    """Devices that should have reported and did not."""
    last_people: int | None = None
    """For staff, while it is unknown: the last number there was, and its time."""
    last_at: datetime | None = None
    ahead: tuple[Ahead, ...] = ()
    """People expected in 30, 60 and 120 minutes, from when it was last asked. Empty where `people` is not known."""
    full_at: datetime | None = None
    full_between: tuple[datetime, datetime | None] | None = None
    """As in `Forecast`."""

    @property
    def known(self) -> bool:
        return self.people is not None or self.crowding is not None

    def at(self, now: datetime) -> "Occupancy":
        """The same, as it must be read at `now`: unknown once it is no longer fresh, whoever went silent."""
        if self.fresh_until is None or now <= self.fresh_until:
            return self
        return msgspec.structs.replace(
            self, people=None, margin=None, crowding=None, source=None, as_of=None, fresh_until=None
        ).expecting(NOTHING)

    def expecting(self, forecast: Forecast) -> "Occupancy":
        return msgspec.structs.replace(
            self, ahead=forecast.ahead, full_at=forecast.full_at, full_between=forecast.full_between
        )

    def says_the_same(self, other: "Occupancy") -> bool:
        """Whether a reader would learn nothing from `other`, but for what is expected, which moves with the clock."""
        return msgspec.structs.replace(self, version=other.version).expecting(NOTHING) == other.expecting(
            NOTHING
        )


class Ruler(msgspec.Struct, frozen=True, kw_only=True):
    """What a site is measured by."""

    devices: tuple[Device, ...] = ()
    capacity: int | None = None
    thresholds: Thresholds = Thresholds()
    staff_interval: timedelta = STAFF_INTERVAL

    @property
    def doors(self) -> tuple[Device, ...]:
        return tuple(device for device in self.devices if device.door)

    @property
    def staff_patience(self) -> timedelta:
        return SILENT_INTERVALS * self.staff_interval


class _Count(msgspec.Struct, frozen=True, kw_only=True):
    people: int
    source: Source
    as_of: datetime
    fresh_until: datetime
    margin: int | None = None


def estimate(tally: Tally, ruler: Ruler, *, now: datetime, before: Occupancy | None = None) -> Occupancy:
    """The occupancy at `now`. `before`: what was last said of the site; its version is followed by the next."""
    before = before or Occupancy(site=tally.site, version=int(now.timestamp()))
    said = Occupancy(
        site=tally.site,
        version=before.version + 1,
        capacity=ruler.capacity,
        silent=_silent(tally, ruler, now),
        last_people=before.last_people,
        last_at=before.last_at,
    )
    count, word = _count(tally, ruler, now), _staff_word(tally, ruler, now)
    if count:
        said = _with_count(said, count, ruler)
    return _with_word(said, word, ruler) if word else said


def _with_count(said: Occupancy, count: _Count, ruler: Ruler) -> Occupancy:
    return msgspec.structs.replace(
        said,
        people=count.people,
        margin=count.margin,
        crowding=ruler.thresholds.word(count.people, ruler.capacity),
        source=count.source,
        as_of=count.as_of,
        fresh_until=count.fresh_until,
        last_people=count.people,
        last_at=count.as_of,
    )


def _with_word(said: Occupancy, word: Word, ruler: Ruler) -> Occupancy:
    until = word.at + ruler.staff_patience
    return msgspec.structs.replace(
        said,
        crowding=word.crowding,
        source=said.source or Source.STAFF,
        as_of=said.as_of or word.at,
        fresh_until=min(until, said.fresh_until) if said.fresh_until else until,
    )


def _count(tally: Tally, ruler: Ruler, now: datetime) -> _Count | None:
    told = _told(tally, ruler, now)
    base = told[0] if told else _latest(tally)
    if base is not None and _doors_carry(tally, ruler, base, now):
        carried = _by_doors(tally, base, ruler)
        if told is None or carried.as_of > base.at:
            return carried
    return told[1] if told else None


def _told(tally: Tally, ruler: Ruler, now: datetime) -> tuple[Base, _Count] | None:
    """The number that somebody gave and that is still fresh: staff before a counter."""
    ranked = (
        (tally.staff, Source.STAFF, ruler.staff_patience),
        (tally.heads, Source.HEADS, _heads_patience(ruler)),
    )
    for base, source, patience in ranked:
        if base is not None and now <= base.at + patience:
            return base, _Count(
                people=base.people,
                source=source,
                as_of=base.at,
                fresh_until=base.at + patience,
                margin=_heads_margin(base, ruler) if source is Source.HEADS else None,
            )
    return None


def _latest(tally: Tally) -> Base | None:
    return max((base for base in (tally.staff, tally.heads) if base), key=lambda base: base.at, default=None)


def _doors_carry(tally: Tally, ruler: Ruler, base: Base, now: datetime) -> bool:
    """Whether every door reports now, and none has missed anything since `base`."""
    return bool(ruler.doors) and all(
        _reports(tally, device, now) and tally.doors[device.id].known_from(device.patience) <= base.at
        for device in ruler.doors
    )


def _by_doors(tally: Tally, base: Base, ruler: Ruler) -> _Count:
    lasts = [(tally.doors[device.id].last_at, device.patience) for device in ruler.doors]
    return _Count(
        people=max(0, base.people + tally.net_since(base)),
        source=Source.DOORS,
        as_of=min(last for last, _ in lasts),
        fresh_until=min(last + patience for last, patience in lasts),
        margin=_margin(tally, base, ruler),
    )


def _margin(tally: Tally, base: Base, ruler: Ruler) -> int | None:
    """The base's error and each door's, which do not depend on each other: the root of their squares' sum."""
    crossed = tally.crossed_since(base)
    errors = [_error(door, crossed.get(door.id, 0)) for door in ruler.doors]
    known = [error for error in (_base_error(base, ruler), *errors) if error is not None]
    return ceil(hypot(*known)) if len(known) == len(errors) + 1 else None


def _base_error(base: Base, ruler: Ruler) -> float | None:
    """0 for a number that staff gave: they counted."""
    counter = next((device for device in ruler.devices if device.id == base.device), None)
    if counter is None or counter.counts is not Counts.HEADS:
        return 0
    return _error(counter, base.people)


def _heads_margin(base: Base, ruler: Ruler) -> int | None:
    error = _base_error(base, ruler)
    return None if error is None else ceil(error)


def _error(device: Device, counted: int) -> float | None:
    return None if device.error_percent is None else counted * device.error_percent / 100


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
    last = _last_at(tally, device)
    return last is not None and now <= last + device.patience


def _last_at(tally: Tally, device: Device) -> datetime | None:
    if device.door:
        return tally.doors[device.id].last_at if device.id in tally.doors else None
    return tally.heads.at if tally.heads and tally.heads.device == device.id else None


def _heads_patience(ruler: Ruler) -> timedelta:
    heads = (device.patience for device in ruler.devices if device.counts is Counts.HEADS)
    return next(heads, timedelta(0))
