"""Evenings at one shelter with a number that is known: how many are inside in truth, and what counters make of it.

An order is given, the shelter opens, families set out and walk, some go out for a moment, some go home early, and
most go home once the danger is past. Two doors miss a few of those who pass; staff count heads every two to four
hours. All of it is an assumption with its source beside it; nobody is real. The same seed gives the same evenings.
"""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from yobikake.evaluation.departures import FAMILY_SIZES, FAMILY_WEIGHTS

STEP_MIN = 5
LENGTH_MIN = 12 * 60

Range = tuple[float, float]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Evenings(msgspec.Struct, frozen=True, kw_only=True):
    """How evenings may be. Minutes count from the order of level 4.

    `midpoint_min`, `scale_min`: of the logistic by which people set out. `wave`: how many come a second time, in
    parts of the first, and how long after it. `load`: how many want to come, in parts of the capacity. `full`: a
    shelter that is full sends people on, else it takes everybody in.
    """

    midpoint_min: Range = (-20, 120)
    scale_min: Range = (25, 110)
    load: Range = (0.15, 1.4)
    capacity: Range = (80, 700)
    wave: tuple[Range, Range] | None = None
    waves: float = 1.0
    """How many evenings have the second wave, of all."""
    full: bool = True


USUAL = Evenings()
"""The ranges of `departures.drawn`, and of what a town's shelters hold and get."""

SHIFTED = {
    "sudden": Evenings(midpoint_min=(5, 40), scale_min=(6, 15)),
    "late": Evenings(midpoint_min=(180, 280)),
    "slow": Evenings(midpoint_min=(40, 180), scale_min=(140, 200)),
    "second wave": Evenings(wave=((0.6, 1.2), (150, 300))),
    "crowded": Evenings(load=(1.5, 3.0), capacity=(60, 250)),
}
"""Beyond the library's ranges (`library.LIBRARY`), at their edge, or rare in it."""


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """Every `STEP_MIN` since the shelter opened, empty. `counted`: what the estimate says, from what counters saw."""

    capacity: int
    people: Counts
    counted: Floats


def evenings(kind: Evenings, count: int, *, seed: int) -> Iterator[Evening]:
    for number in range(count):
        yield evening(kind, np.random.default_rng((seed, number)))


def evening(kind: Evenings, chance: Generator) -> Evening:
    capacity = round(chance.uniform(*kind.capacity))
    arrivals, sizes = _arrivals(kind, capacity, chance)
    steps = LENGTH_MIN // STEP_MIN
    leaving = _leaving(arrivals, chance)
    came = np.searchsorted(arrivals, STEP_MIN * np.arange(steps + 1))
    goes = np.minimum(leaving // STEP_MIN, steps).astype(int)
    most = capacity if kind.full else None
    people, entered, left = _lived(most, sizes, came, goes, chance=chance)
    return Evening(capacity=capacity, people=people, counted=_counted(people, entered, left, chance))


def _arrivals(kind: Evenings, capacity: int, chance: Generator) -> tuple[Floats, Counts]:
    """Minutes since it opened, ascending, and how many come together. Whoever is early waits at the door."""
    coming = capacity * chance.uniform(*kind.load)
    midpoint, scale = chance.uniform(*kind.midpoint_min), chance.uniform(*kind.scale_min)
    at = _set_out(coming, midpoint, scale, chance)
    if kind.wave is not None and chance.uniform() < kind.waves:
        share, after = kind.wave
        again = _set_out(coming * chance.uniform(*share), midpoint + chance.uniform(*after), scale, chance)
        at = np.concatenate([at, again])
    # 0.2 to 1.5 km at 1.0 m/s, by night 0.8 of it (prefectural guideline, FDMA)
    at = at + chance.uniform(200, 1500, len(at)) / chance.choice([1.0, 0.8]) / 60
    opens = chance.uniform(-30, 20)
    at = np.where(at < opens, chance.uniform(0, 10, len(at)), at - opens)
    order = np.argsort(at, kind="stable")
    sizes = chance.choice(FAMILY_SIZES, size=len(at), p=FAMILY_WEIGHTS)
    return at[order], sizes[order]


def _set_out(coming: float, midpoint: float, scale: float, chance: Generator) -> Floats:
    """The families' minutes since the order, as `Departures.share` has them."""
    families = max(1, round(coming / np.dot(FAMILY_SIZES, FAMILY_WEIGHTS)))
    already = 1 / (1 + np.exp(midpoint / scale))
    share = already + (1 - already) * chance.uniform(0, 1, families)
    at: Floats = midpoint + scale * np.log(share / (1 - share))
    return at


def _leaving(arrivals: Floats, chance: Generator) -> Floats:
    """When each family goes home: a few early, the others around the time when the danger is past."""
    over, spread = chance.uniform(300, 800), chance.uniform(20, 60)
    share = chance.uniform(0, 1, len(arrivals))
    at = np.maximum(over + spread * np.log(share / (1 - share)), arrivals + STEP_MIN)
    early = chance.uniform(0, 1, len(arrivals)) < chance.uniform(0.02, 0.2)
    at[early] = np.minimum(at, arrivals + chance.exponential(90, len(arrivals)))[early]
    return at


def _lived(
    most: int | None, sizes: Counts, came: Counts, goes: Counts, *, chance: Generator
) -> tuple[Counts, Counts, Counts]:
    """Inside at each step, and who passed the doors in it, in and out."""
    steps = len(came) - 1
    people, entered, left = (np.zeros(steps + 1, dtype=int) for _ in range(3))
    homeward = np.zeros(steps + 2, dtype=int)
    inside = out = 0
    for step in range(1, steps + 1):
        going_home = min(inside, homeward[step])
        inside -= going_home
        going, back = chance.binomial(inside, 0.02), chance.binomial(out, 0.67)  # 0.4 %, 20 % a minute
        inside += back - going
        out += going - back
        families = range(came[step - 1], came[step])
        taken = 0
        for family in families:
            size = int(sizes[family])
            if most is None or inside + out + taken + size <= most:
                taken += size
                homeward[min(max(goes[family], step + 1), steps + 1)] += size
        inside += taken
        people[step], entered[step], left[step] = inside, taken + back, going_home + going
    return people, entered, left


def _counted(people: Counts, entered: Counts, left: Counts, chance: Generator) -> Floats:
    """The doors miss 3 to 8 %; what they miss is made good by the usual 6 %, and by head counts (2 % wrong)."""
    missed = chance.uniform(0.03, 0.08, 2)
    net = 1.06 * (chance.binomial(entered, 1 - missed[0]) - chance.binomial(left, 1 - missed[1]))
    counted = np.zeros(len(people))
    due = _head_count_after(chance)
    for step in range(1, len(people)):
        counted[step] = max(0.0, counted[step - 1] + net[step])
        if step >= due:
            counted[step] = max(0.0, people[step] + chance.normal() * (0.02 * people[step] + 1))
            due = step + _head_count_after(chance)
    return np.rint(counted)


def _head_count_after(chance: Generator) -> int:
    return round(chance.uniform(120, 240) / STEP_MIN)
