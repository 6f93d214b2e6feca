"""Real counters drift: by how much a day's sum is wrong, and whether the filter learns it.

CalIt2 (UCI, doi 10.24432/C5NG78): people in and out of one door of an office building, by half hours, 2005. How many
were inside nobody knows; but at four in the morning an office is empty. That is true of offices and never of an
occupied shelter, so this measures the drift of counters, not the estimate.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import isnan
from statistics import fmean

import msgspec

from hub.clock import JST
from hub.errors import BadInput
from shelters.belief import Belief, Count
from shelters.carrying import carry
from shelters.device import Counts, Device
from shelters.doorway import Crossing
from shelters.site import SiteCode
from yobikake.evaluation.calit2 import EMPTY_AT_HOUR, STEP, Doorway

HELD_BACK_FROM = datetime(2005, 10, 2, tzinfo=JST)
"""The last third: nothing was chosen on it. A file that goes so far is measured there, any other after `WARM_UP`."""

WARM_UP = timedelta(days=14)

_DOOR = Device(id="door", site=SiteCode("E0000000001"), counts=Counts.DOOR_DELTAS, key="", interval=STEP)


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


class _Slot(msgspec.Struct, frozen=True, kw_only=True):
    ends: datetime
    entered: int
    left: int


def drift(doorway: Doorway) -> Drift:
    """Each day begins at 04:00 with nobody. The filter remembers the days before, by its factors alone.

    Raises:
        BadInput: there are too few days.
    """
    ends = doorway.start + len(doorway.inflow) * STEP
    measured_from = HELD_BACK_FROM if ends > HELD_BACK_FROM + WARM_UP else doorway.start + WARM_UP
    found: list[tuple[float, float, float, float]] = []
    belief: Belief | None = None
    for at, day in _days(_slots(doorway)):
        crossings = {
            "door": [
                Crossing(one.ends, f"{one.ends:%d%H%M}", one.entered, one.left, deltas=True) for one in day
            ]
        }
        carried = carry(belief, crossings=crossings, counts=(), devices=[_DOOR], until=at)
        if belief is not None and carried is not None and at >= measured_from + timedelta(days=1):
            entered, left = sum(one.entered for one in day), sum(one.left for one in day)
            learned = belief.state.a * entered - belief.state.b * left
            found.append((_never_below(day), carried.state.people, abs(entered - left), abs(learned)))
        empty = Count(at, "empty", "", 0, by_people=True)
        belief = carry(belief, crossings=crossings, counts=[empty], devices=[_DOOR], until=at)
    if not found:
        raise BadInput("--calit2", "has too few days: three weeks at least / 3週間以上の記録が必要です")
    reset, filtered, sum_reset, sum_filter = (fmean(each) for each in zip(*found, strict=True))
    return Drift(days=len(found), reset=reset, filter=filtered, sum_reset=sum_reset, sum_filter=sum_filter)


def _never_below(day: Iterable[_Slot]) -> float:
    people = 0
    for one in day:
        people = max(0, people + one.entered - one.left)
    return people


def _days(slots: Iterable[_Slot]) -> Iterator[tuple[datetime, list[_Slot]]]:
    """Each until its 04:00; what is left over at the end is no day."""
    day: list[_Slot] = []
    for slot in slots:
        day.append(slot)
        if (slot.ends.hour, slot.ends.minute) == (EMPTY_AT_HOUR, 0):
            yield slot.ends, day
            day = []


def _slots(doorway: Doorway) -> Iterator[_Slot]:
    """What was not counted is nobody: two of five thousand."""
    for number, both in enumerate(zip(doorway.inflow, doorway.outflow, strict=True), start=1):
        entered, left = (0 if isnan(each) else round(each) for each in both)
        yield _Slot(ends=doorway.start + number * STEP, entered=entered, left=left)
