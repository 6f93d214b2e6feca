"""One door: its crossings, what is known of it so far, and what it usually sees of all that pass."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from hub.ledger.columns import to_us
from shelters.device import Device
from shelters.filter import FACTOR, FACTOR_DEVIATION, MOST_FACTOR, State

FAMILIES = 2.5
"""People pass in groups, and a counter misses them in groups: by so much the noise is more than one by one."""

GUESS_SHARE = 0.35
"""Deviation of what is made up for a silent door, as a share of it: a usual share is not today's."""

DECAY = 0.97
"""Of what a door usually sees, with each step: half is forgotten in two hours."""

WRAP_WITHIN = 4_096
"""A counter whose width is known, and that would have had to count no more than this to be full and come out where
it is, was full. Otherwise it began anew: nobody passes a door so often between two readings."""

FEWEST_SEEN = 20
"""Crossings, of all doors, before a share is known."""

FEWEST_TURNED = 10
"""People, net, that a door must have counted before it can seem to be the wrong way round."""

LEAST_LIVING = 0.1
"""Share of all crossings below which the living doors tell nothing of the silent one."""


class Crossing(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One reading of one door. `bits`: how wide its totals are; 0: not known. `deltas`: it counted since the reading
    before, and not since its own zero. `since_us`: what it counted before that moment is not believed, in microseconds
    since 1970; 0: all of it is."""

    at: datetime
    id: str
    entered: int
    left: int
    bits: int = 0
    deltas: bool = False
    since_us: int = 0

    def begins_after(self, moment: datetime) -> bool:
        """Whether something that is not believed lies between `moment` and this reading."""
        return to_us(moment) < self.since_us <= to_us(self.at)


class Seen(msgspec.Struct, array_like=True):
    """What is known of a door after its last reading. Changed only while a belief is carried, on a copy."""

    at: datetime
    entered: int
    left: int
    """Of the last reading: where totals go on from."""
    site_in: float
    site_out: float
    """What all doors had counted at that reading, or at a later count."""
    made_in: float = 0.0
    made_out: float = 0.0
    """Made up since, while it is silent."""
    made_variance: float = 0.0
    step_in: float = 0.0
    step_out: float = 0.0
    """Counted in the step that runs."""
    usual: float = 0.0
    """Counted, both ways, in earlier steps in which every door lived, the older the less."""
    since_in: float = 0.0
    since_out: float = 0.0
    """Counted since somebody counted heads."""
    dark: bool = False
    """Since its last reading there was a moment at which no door lived."""
    deltas: bool = False
    """As its last reading was."""

    def began_anew(self, totals: Crossing) -> bool:
        """A counter that went backwards, and was not full, began at zero again."""
        return any(
            now < then and not _wrapped(then, now, totals.bits)
            for then, now in ((self.entered, totals.entered), (self.left, totals.left))
        )

    def grown(self, totals: Crossing) -> tuple[int, int]:
        """Who came and who went since the last reading, by the totals of the next."""
        if self.began_anew(totals):
            return totals.entered, totals.left
        return (
            _grown(self.entered, totals.entered, totals.bits),
            _grown(self.left, totals.left, totals.bits),
        )

    def known_at(self, site_in: float, site_out: float) -> None:
        """Nothing before this moment matters any more: it was counted, or made up for good."""
        self.site_in, self.site_out = site_in, site_out
        self.made_in = self.made_out = self.made_variance = 0.0
        self.dark = False

    def end_step(self, *, usual: bool) -> None:
        """`usual`: every door lived in it, so that it tells this door's share."""
        if usual:
            self.usual = DECAY * self.usual + self.step_in + self.step_out
        self.step_in = self.step_out = 0.0


def factor(doors: Collection[Device]) -> tuple[float, float]:
    """Where the filter's factors begin: mean and deviation, over all doors.

    A counter errs by missing people: one whose error is e % counts 100 − e of a hundred, and the deviation is to
    that what it is where nobody has tested it.
    """
    tested = [_factor(door) for door in doors]
    if not tested:
        return FACTOR, FACTOR_DEVIATION
    mean = sum(tested) / len(tested)
    return mean, (mean - 1) * FACTOR_DEVIATION / (FACTOR - 1)


def missed_noise(door: Device) -> float:
    """Variance that a crossing adds: whether one was missed is chance, around the mean that `factor` gives."""
    mean = _factor(door)
    return FAMILIES * mean * (mean - 1)


def share(seen: Mapping[str, Seen], door: str, living: Sequence[Device]) -> float | None:
    """How many pass `door` for each that passes the `living`; None where that is not known.

    The same for both ways: two shares would differ by chance, and the difference adds up.
    """
    known = seen.get(door)
    others = [seen[each.id] for each in living if each.id in seen and each.id != door]
    if known is None or not others:
        return None
    everybody = sum(each.usual for each in seen.values())
    by_living = sum(each.usual for each in others)
    if everybody < FEWEST_SEEN or by_living < LEAST_LIVING * everybody:
        return None
    return known.usual / by_living


def guess_variance(entered: float, left: float) -> float:
    """Of so many crossings made up: the share may be wrong all along, and each is chance."""
    return GUESS_SHARE**2 * (entered**2 + left**2) + entered + left


def turned(seen: Mapping[str, Seen], state: State, gap: float | None) -> tuple[str, ...]:
    """The doors that, counted the other way round, would best explain a `gap` between a count and them.

    `gap` None: they say that fewer than nobody is inside, which any door explains that let people out.
    """
    moved = {door: -2 * (state.a * each.since_in - state.b * each.since_out) for door, each in seen.items()}
    moved = {door: by for door, by in moved.items() if abs(by) >= 2 * FEWEST_TURNED}
    if gap is None:
        return tuple(sorted(door for door, by in moved.items() if by > 0))
    ways: dict[tuple[str, ...], float] = {(door,): abs(gap - by) for door, by in moved.items()}
    ways[tuple(sorted(moved))] = abs(gap - sum(moved.values()))
    best = min(ways, key=lambda way: (ways[way], way))
    return best if ways[best] < abs(gap) / 4 else ()


def _grown(then: int, now: int, bits: int) -> int:
    return now - then + (1 << bits if now < then else 0)


def _wrapped(then: int, now: int, bits: int) -> bool:
    """Whether a counter of `bits` was full and went on at zero, rather than begin anew."""
    return then < 1 << bits and (1 << bits) - then + now <= WRAP_WITHIN


def _factor(door: Device) -> float:
    return FACTOR if door.error_percent is None else min(1 / (1 - door.error_percent / 100), MOST_FACTOR)
