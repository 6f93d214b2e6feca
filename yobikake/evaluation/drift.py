"""Real counters drift: by how much a day's sum is wrong, and whether the filter learns it.

CalIt2 (UCI, doi 10.24432/C5NG78): people in and out of one door of an office building, by half hours, 2005. How many
were inside nobody knows; but at four in the morning an office is empty. That is true of offices and never of an
occupied shelter, so this measures the drift of counters, not the estimate.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

import msgspec

from hub.errors import BadInput
from shelters.belief import Belief, Count
from shelters.carrying import carry
from shelters.device import Counts, Device
from shelters.doorway import Crossing
from shelters.site import SiteCode

HELD_BACK_FROM = datetime(2005, 10, 2, tzinfo=UTC)
"""The last third: nothing was chosen on it."""

_SLOT = timedelta(minutes=30)
_DOOR = Device(id="door", site=SiteCode("E0000000001"), counts=Counts.DOOR_DELTAS, key="", interval=_SLOT)


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How many people are said to be inside at the next 04:00, when nobody is: the mean over `days`.

    `reset` and `filter`: as it would stand on a screen, never below nobody. `sum_reset` and `sum_filter`: the day's
    sum itself, ±, as it is and with the factors that the filter had learned before that day.
    """

    days: int
    reset: float
    filter: float
    sum_reset: float
    sum_filter: float


class Slot(msgspec.Struct, frozen=True):
    ends: datetime
    entered: int
    left: int


def read(file: Path) -> list[Slot]:
    """The columns local_time, inflow, outflow; a time is the beginning of its half hour.

    Raises:
        BadInput: the file is not of this form; names the line.
    """
    with file.open(newline="", encoding="utf-8") as lines:
        return [_slot(file, number, row) for number, row in enumerate(csv.DictReader(lines), start=2)]


def drift(slots: Iterable[Slot], *, held_back_from: datetime = HELD_BACK_FROM) -> Drift:
    """Each day begins at 04:00 with nobody. The filter remembers the days before, by its factors alone."""
    found: list[tuple[float, float, float, float]] = []
    belief: Belief | None = None
    for at, day in _days(slots):
        crossings = {"door": [Crossing(one.ends, f"{one.ends:%d%H%M}", one.entered, one.left) for one in day]}
        carried = carry(belief, crossings=crossings, counts=(), devices=[_DOOR], until=at)
        if belief is not None and carried is not None and at >= held_back_from + timedelta(days=1):
            entered, left = sum(one.entered for one in day), sum(one.left for one in day)
            learned = belief.state.a * entered - belief.state.b * left
            found.append((_never_below(day), carried.state.people, abs(entered - left), abs(learned)))
        empty = Count(at, "empty", "", 0, by_people=True)
        belief = carry(belief, crossings=crossings, counts=[empty], devices=[_DOOR], until=at)
    if not found:
        raise BadInput("--calit2", "holds no day after 2005-10-02 / 2005-10-02より後の日がありません")
    reset, filtered, sum_reset, sum_filter = (fmean(each) for each in zip(*found, strict=True))
    return Drift(days=len(found), reset=reset, filter=filtered, sum_reset=sum_reset, sum_filter=sum_filter)


def _never_below(day: Iterable[Slot]) -> float:
    people = 0
    for one in day:
        people = max(0, people + one.entered - one.left)
    return people


def _days(slots: Iterable[Slot]) -> Iterator[tuple[datetime, list[Slot]]]:
    """Each until its 04:00; what is left over at the end is no day."""
    day: list[Slot] = []
    for slot in slots:
        day.append(slot)
        if (slot.ends.hour, slot.ends.minute) == (4, 0):
            yield slot.ends, day
            day = []


def _slot(file: Path, line: int, row: dict[str, str]) -> Slot:
    try:
        begins = datetime.fromisoformat(row["local_time"]).replace(tzinfo=UTC)
        return Slot(begins + _SLOT, round(float(row["inflow"])), round(float(row["outflow"])))
    except (KeyError, ValueError, TypeError) as e:
        raise BadInput(
            f"{file}:{line}", "has not local_time, inflow, outflow / 時刻・入・出の列がありません"
        ) from e
