"""How an evening goes on, where no earlier day tells: learned from a library of simulated evenings.

What counts is how many are inside, and how many were 10, 15, 30, 60, 120 and 240 minutes ago, in parts of how much is
going on: a town's shelter and a village's fill alike. From that a small network (24 units, one layer) says the 10, 50
and 90 % points of the change within 30, 60 and 120 minutes. Its weights are `evening.toml`, made by
`python -m yobikake.evaluation.library`; what the library assumes stands in `yobikake/evaluation/scenarios.py`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from math import sqrt, tanh
from operator import mul

import msgspec

from hub import folder

TABLE = "evening.toml"
LAGS_MIN = (10, 15, 30, 60, 120, 240)
TRUST_MIN = 60
"""A gap that is longer begins the past anew: what was before it tells nothing of how it goes now."""
FASTEST_PER_MIN = 60
"""People: so many come through no two doors. Faster, and somebody counted anew, which is a gap as well."""
LEAST_MIN = 15
"""How long it must have been watched, where people were inside already when that began."""
EMPTY = 5
"""So few, when it began to be watched, are the first to come: nobody was there before."""

Points = tuple[float, float, float]
"""Of the number of people: 10, 50 and 90 %."""


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hidden`: a row a unit, its bias first. `change`: a row for each point of each horizon, the bias first, then the
    units, then what they saw."""

    hidden: tuple[tuple[float, ...], ...]
    change: tuple[tuple[float, ...], ...]


def ahead(moments: Sequence[float], people: Sequence[float], inside: float, now: datetime) -> list[Points]:
    """In 30, 60 and 120 minutes, from `people` at `moments` (seconds since 1970, ascending) and `inside` now.

    Empty where nothing can be said: nobody is there and nobody was, or people were there when watching began, less than
    `LEAST_MIN` ago.
    """
    before = _before(moments, people, inside, now.timestamp())
    if before is None or not (inside or any(before)):
        return []
    return points(inside, before, table())


def points(inside: float, before: Sequence[float], weights: Weights) -> list[Points]:
    """`before`: how many there were `LAGS_MIN` ago."""
    seen, scale = shape(inside, before)
    units = [tanh(bias + _dot(row, seen)) for bias, *row in weights.hidden]
    told = [*units, *seen]
    changes = [scale * (bias + _dot(row, told)) for bias, *row in weights.change]
    return [
        (inside + min(low, middle), inside + middle, inside + max(high, middle))
        for low, middle, high in zip(changes[::3], changes[1::3], changes[2::3], strict=True)
    ]


def shape(inside: float, before: Sequence[float]) -> tuple[list[float], float]:
    """What the network sees, and the scale: how much is going on."""
    half_an_hour = inside - before[2]
    scale = sqrt((1.5 * half_an_hour) ** 2 + (0.25 * inside) ** 2 + 16)
    seen = [(inside - each) / scale for each in before]
    return [*seen, inside / scale, sqrt(inside) / scale], scale


def _before(
    moments: Sequence[float], people: Sequence[float], inside: float, now: float
) -> list[float] | None:
    """How many there were, straight between what is known. Whoever was there when watching began came, as far as one
    can tell, at the pace since."""
    end = bisect_right(moments, now - 1)
    start = _began(moments, people, end, now, inside)
    known = [*zip(moments[start:end], people[start:end], strict=True), (now, inside)]
    first_at, first = known[0]
    if first > EMPTY and now - first_at < 60 * LEAST_MIN:
        return None
    pace = 0.0 if first <= EMPTY else (inside - first) / (now - first_at)
    found = []
    for lag in LAGS_MIN:
        at = now - 60 * lag
        if at < first_at:
            found.append(0.0 if first <= EMPTY else max(0.0, first - pace * (first_at - at)))
            continue
        after = next(i for i, (moment, _) in enumerate(known) if moment >= at)
        found.append(_between(known[max(0, after - 1)], known[after], at))
    return found


def _began(moments: Sequence[float], people: Sequence[float], end: int, now: float, inside: float) -> int:
    """Where the stretch without a gap begins that ends now; no further back than is looked at."""
    after, held, start = now, inside, end
    while start and now - after <= 60 * LAGS_MIN[-1]:
        minutes = (after - moments[start - 1]) / 60
        jumped = abs(held - people[start - 1]) > FASTEST_PER_MIN * max(1, minutes)
        if minutes > TRUST_MIN or jumped:
            break
        start -= 1
        after, held = moments[start], people[start]
    return start


def _between(before: tuple[float, float], after: tuple[float, float], at: float) -> float:
    if after[0] <= before[0]:
        return after[1]
    return before[1] + (after[1] - before[1]) * (at - before[0]) / (after[0] - before[0])


def _dot(row: Sequence[float], values: Sequence[float]) -> float:
    total: float = sum(map(mul, row, values))
    return total


@cache
def table() -> Weights:
    """`evening.toml`. Raises `BadSettings` where the table is not there, or is none."""
    return folder.toml(files("shelters"), TABLE, Weights)
