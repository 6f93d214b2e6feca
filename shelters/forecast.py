"""How many people a site will hold in 30, 60 and 120 minutes, and when it will be full, each with an 80 % interval.

Two ways, chosen by what is known. Where this hour was seen on earlier days, and today is not unlike all of them:
`daily`. Else, as in an evacuation, from its first minutes: `evening`; there an interval never gets narrower with time.
No number is below zero, and none is above the capacity, unless more people are inside already.

Nothing is said where nothing is known: without a number now there is no forecast, without a capacity none of 満, and an
interval too wide to be useful is «cannot say»: wider than half of the capacity, or, where that is not known, than the
number itself; up to `ALWAYS_USEFUL` people are always useful.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import hypot
from typing import TYPE_CHECKING, NamedTuple

from shelters import evening
from shelters.ahead import HORIZONS, Ahead, Forecast

if TYPE_CHECKING:
    from shelters.daily import Daily

ALWAYS_USEFUL = 30
WIDEST_OF_CAPACITY = 0.5
DAYS = timedelta(days=3)
"""A past that is shorter has no days to learn from."""
LOOK_BACK = timedelta(days=29)
"""What is older is not looked at: the four weeks of `daily`, and today."""
MARGIN = 0.78
"""From a 90 % to an 80 % interval, of an error that is normal: 1.28 / 1.64."""


class Past(NamedTuple):
    """A site's number at the beginning of each slot, ascending; what is not known is left out.

    `moments`: seconds since 1970, `step` from one to the next where nothing is left out.
    """

    moments: Sequence[float]
    people: Sequence[float]
    step: timedelta = timedelta(minutes=5)


class Range(NamedTuple):
    """80 %, and what is most likely in it."""

    low: float
    middle: float
    high: float


def forecast(
    past: Past, people: int, *, now: datetime, capacity: int | None = None, margin: int | None = None
) -> Forecast:
    """From `people` inside at `now`, wrong by `margin` at most in nine of ten cases (None: not known)."""
    return Outlook(past, now=now).forecast(people, now=now, capacity=capacity, margin=margin)


class Outlook:
    """What a site's past says. Learned once a slot, and asked at every word within it."""

    def __init__(self, past: Past, *, now: datetime) -> None:
        self._past = past
        self._daily = _daily(past, now)

    def forecast(
        self, people: int, *, now: datetime, capacity: int | None = None, margin: int | None = None
    ) -> Forecast:
        """As `forecast`. `now` is in the slot in which it was learned, or a little later."""
        expected = self.expected(people, now=now, margin=margin)
        return told(expected, people, now=now, capacity=capacity, margin=margin)

    def expected(self, people: float, *, now: datetime, margin: int | None = None) -> list[Range]:
        """For each of `HORIZONS`, however wide and as if there were room for everybody; empty where nothing is known
        of how it goes on."""
        usual = [self._daily.ahead(people, horizon) for horizon in HORIZONS] if self._daily else [None]
        if None not in usual:
            return [_as_wrong_as_now(Range(*each), margin) for each in usual if each is not None]
        going_on = evening.ahead(self._past.moments, self._past.people, people, now)
        return _widening([_as_wrong_as_now(Range(*each), margin) for each in going_on])


def told(
    expected: Sequence[Range],
    people: int,
    *,
    now: datetime,
    capacity: int | None = None,
    margin: int | None = None,
) -> Forecast:
    """What may be said of what is expected."""
    if not expected:
        return Forecast(ahead=tuple(Ahead(at=now + horizon) for horizon in HORIZONS))
    ahead = tuple(
        _said(now + horizon, capped(each, people, capacity), people, capacity)
        for horizon, each in zip(HORIZONS, expected, strict=True)
    )
    if capacity is None:
        return Forecast(ahead=ahead)
    course = [_known(people, margin), *expected[: _useful(ahead)]]
    return _filled(ahead, course, now, capacity)


def capped(expected: Range, people: float, capacity: int | None) -> Range:
    """In whole people, as many as there can be."""
    most = None if capacity is None else max(capacity, people)
    whole = (max(0, round(each)) for each in expected)
    return Range(*(each if most is None else min(most, each) for each in whole))


def _daily(past: Past, now: datetime) -> "Daily | None":
    if not past.moments or now.timestamp() - past.moments[0] < DAYS.total_seconds():
        return None
    import numpy as np  # noqa: PLC0415 - most roles read forecasts, and make none

    from shelters.daily import Daily  # noqa: PLC0415

    return Daily(np.asarray(past.moments, float), np.asarray(past.people, float), now=now, step=past.step)


def _as_wrong_as_now(expected: Range, margin: int | None) -> Range:
    """With what may be wrong with the number now, which has nothing to do with what happens next."""
    low, middle, high = expected
    wrong = MARGIN * (margin or 0)
    return Range(middle - hypot(middle - low, wrong), middle, middle + hypot(high - middle, wrong))


def _widening(expected: list[Range]) -> list[Range]:
    """None narrower, to either side, than the one before it."""
    widened, below, above = [], 0.0, 0.0
    for each in expected:
        low, middle, high = (max(0.0, point) for point in each)
        below, above = max(below, middle - low), max(above, high - middle)
        widened.append(Range(middle - below, middle, middle + above))
    return widened


def _known(people: float, margin: int | None) -> Range:
    wrong = MARGIN * (margin or 0)
    return Range(max(0.0, people - wrong), people, people + wrong)


def _said(at: datetime, expected: Range, people: int, capacity: int | None) -> Ahead:
    low, middle, high = map(int, expected)
    widest = max(people, middle) if capacity is None else WIDEST_OF_CAPACITY * capacity
    if high - low > max(ALWAYS_USEFUL, widest):
        return Ahead(at=at)
    return Ahead(at=at, people=middle, low=low, high=high)


def _useful(ahead: Sequence[Ahead]) -> int:
    """How many can be said before the first that cannot."""
    return next((i for i, each in enumerate(ahead) if each.people is None), len(ahead))


def _filled(ahead: tuple[Ahead, ...], course: Sequence[Range], now: datetime, capacity: int) -> Forecast:
    if course[0].middle >= capacity:
        return Forecast(ahead=ahead, full_at=now, full_between=(now, now))
    latest, full_at, earliest = (
        _reached([each[point] for each in course], now, capacity) for point in range(3)
    )
    between = None if earliest is None else (earliest, latest)
    return Forecast(ahead=ahead, full_at=full_at, full_between=between)


def _reached(numbers: Sequence[float], now: datetime, capacity: int) -> datetime | None:
    """When they first come to it, straight from one to the next."""
    moments = [now, *(now + horizon for horizon in HORIZONS)]
    for (before, start), (after, end) in pairwise(zip(numbers, moments, strict=False)):
        if before >= capacity:
            return start
        if after >= capacity:
            return start + (end - start) * ((capacity - before) / (after - before))
    return None
